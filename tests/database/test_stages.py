"""Each stage can be deployed without those that come later, and those later need not know what was deployed before."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from tests.database.callers import Actor, World
from tests.database.test_policies import (
    CASES,
    TestChanging,  # noqa: F401 - these run here too
    TestCreating,  # noqa: F401
    TestPlacesOfItems,  # noqa: F401
    about,
    outcome_on_the_owners_row,
)
from tripgate.local import catalog, database
from tripgate.local.scratch import Scratch, scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


def stages() -> dict[str, list[Path]]:
    """The files of each stage in the order in which they are applied; those for all stages come with the first."""
    files = database.schema_files(ROOT)
    names = [match[1] for file in files if (match := re.fullmatch(r"0\d\d_(\w+?)(?:_1)?_tables\.sql", file.name))]
    found: dict[str, list[Path]] = {name: [] for name in names}
    for file in files:
        number, _, rest = file.stem.partition("_")
        (stage,) = [names[0]] if number == "900" else [name for name in names if rest.startswith(f"{name}_")]
        found[stage].append(file)
    return found


STAGES = stages()


@pytest.fixture(scope="module")
def server() -> Iterator[Scratch]:
    with scratch() as server:
        yield server


def test_each_file_belongs_to_a_stage() -> None:
    assert [file.name for file in STAGES["core"]] == [
        "001_core_tables.sql",
        "002_core_rls.sql",
        "900_changes.sql",
        "900_long_texts.sql",
        "900_requests.sql",
        "900_writes.sql",
        "901_core_functions.sql",
        "901_core_generated.sql",
        "901_core_search.sql",
    ]
    assert [file.name for file in STAGES["advanced"]] == [
        "003_advanced_tables.sql",
        "004_advanced_rls.sql",
        "903_advanced_generated.sql",
        "903_advanced_search.sql",
    ]
    assert [file.name for file in STAGES["common"]] == [
        "004_common_1_tables.sql",
        "004_common_2_rls.sql",
        "904_common_generated.sql",
    ]
    assert [file.name for file in STAGES["ai"]] == [
        "005_ai_tables.sql",
        "006_ai_rls.sql",
        "905_ai_calls.sql",
        "905_ai_generated.sql",
        "905_ai_memories.sql",
        "905_ai_messages.sql",
        "905_ai_runs.sql",
    ]
    assert [file.name for file in STAGES["whatsapp"]] == [
        "009_whatsapp_tables.sql",
        "010_whatsapp_rls.sql",
        "909_whatsapp_automations.sql",
        "909_whatsapp_contacts.sql",
        "909_whatsapp_generated.sql",
        "909_whatsapp_messages.sql",
        "909_whatsapp_quiet_hours.sql",
        "909_whatsapp_reminders.sql",
        "909_whatsapp_sending.sql",
    ]
    assert [file.name for file in STAGES["storage"]] == [
        "011_storage_1_tables.sql",
        "011_storage_rls.sql",
        "911_storage_files.sql",
        "911_storage_generated.sql",
    ]


def test_stage_after_stage_is_the_same_as_all_at_once(server: Scratch) -> None:
    in_turn = server.database([file for files in STAGES.values() for file in files])
    at_once = server.database(database.schema_files(ROOT))
    assert catalog.differences(catalog.describe(in_turn), catalog.describe(at_once), names=("in turn", "at once")) == []


def test_without_what_counts_costs_agents_are_not_enabled(server: Scratch) -> None:
    before = [file for name in ("core", "advanced", "common", "ai") for file in STAGES[name]]
    with (
        psycopg.connect(server.as_admin(server.database(before))) as connection,
        pytest.raises(psycopg.Error, match="NOT_ENABLED"),
    ):
        connection.execute("""select public.start_ai_run(gen_random_uuid(), 'assistant', '{"prompt": "Where to?"}')""")


def test_a_policy_is_made_once_under_its_name() -> None:
    made = defaultdict(list)
    for file in database.schema_files(ROOT):
        text = file.read_text(encoding="utf-8")
        assert re.findall(r"^(?:alter|drop) policy .*", text, re.MULTILINE) == [], file.name
        for name, table in re.findall(r'^create policy ("[^"]+") on ([\w.]+)', text, re.MULTILINE):
            made[table, name].append(file.name)
    assert {policy: files for policy, files in made.items() if len(files) > 1} == {}


@pytest.fixture(scope="module")
def first_stage(server: Scratch) -> str:
    """A database with the first stage alone."""
    return server.as_admin(server.database(STAGES["core"]))


@pytest.fixture
def db(first_stage: str) -> Iterator[psycopg.Connection]:
    """What the tests of this module run on, also those that the first stage brought along: the classes above."""
    with psycopg.connect(first_stage) as connection:
        connection.execute("set local search_path = ''")
        yield connection
        connection.rollback()


@pytest.fixture
def world(db: psycopg.Connection) -> World:
    """Who is there at that stage."""
    return World(db)


FIRST_TABLES = ["profiles", "user_preferences", "places", "trips", "trip_items"]
ALONE = ["owner", "stranger", "anonymous", "service"]


def test_the_first_stage_has_its_tables(db: psycopg.Connection) -> None:
    made = {name for (name,) in db.execute("select tablename from pg_tables where schemaname = 'public'")}
    assert made == set(FIRST_TABLES)


@pytest.mark.parametrize(
    ("table", "command", "actor", "outcome"),
    [case for case in CASES if case.values[0] in FIRST_TABLES and case.values[2] in ALONE],
)
def test_actor_at_the_first_stage(world: World, table: str, command: str, actor: Actor, outcome: int | str) -> None:
    assert outcome_on_the_owners_row(world, table, command, actor) == outcome


@pytest.mark.parametrize("table", FIRST_TABLES)
def test_people_see_their_own_rows_at_the_first_stage(world: World, table: str) -> None:
    with world.acting_as("owner") as caller:
        seen = {row[0] for row in caller.execute(about("select id from public.{}", table))}
    assert getattr(world.owner, table) in seen
    assert getattr(world.stranger, table) not in seen


@pytest.mark.parametrize("function", ["search", "cost_total", "duration_days"])
def test_functions_of_the_first_stage_need_no_later_one(world: World, function: LiteralString) -> None:
    with world.acting_as("owner") as caller:
        found = caller.execute(f"select public.{function}(trips) from public.trips where id = %s", [world.owner.trips])
        assert found.rowcount == 1
        assert caller.execute("select name from public.search_places('harbour')").fetchall() == [("Old harbour",)]


def test_shared_at_once_when_the_second_stage_comes(server: Scratch) -> None:
    """What stage 1 made is not touched: only what its helpers find."""
    url = server.as_admin(server.database(STAGES["core"]))
    with psycopg.connect(url) as db:
        before = policies(db)
        db.execute("set local role postgres")
        for file in STAGES["advanced"]:
            db.execute(file.read_bytes())
        db.execute("reset role")
        after = policies(db)
        assert before.items() <= after.items()
        world = World(db)
        for actor, seen in {"owner": 1, "editor": 1, "viewer": 1, "stranger": 0}.items():
            for table in ("trips", "trip_items", "profiles", "places"):
                assert outcome_on_the_owners_row(world, table, "select", actor) == seen, (actor, table)
        db.rollback()


def policies(db: psycopg.Connection) -> dict[tuple[str, str], tuple[object, ...]]:
    rows = db.execute("select tablename, policyname, cmd, roles, qual, with_check from pg_policies")
    return {(table, name): tuple(rest) for table, name, *rest in rows}

"""`tripgate schema --update` writes the SQL that is the same for every table; `--check` tells when it is not current.

That the database has what each table needs, `tests/database/test_mapping.py` and `test_writes.py` ask of every table.
"""

import dataclasses
import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from gql.catalog import catalog
from gql.declare import NEVER, REQUIRED, EmbeddedAs, column, has_one, scope, table, to_many, to_one
from gql.scalars import BigInt
from gql.schemas import HOUSEHOLD, MEETINGS
from gql.table import Relation
from gql.types.scopes import USER
from resolvers.declared import many
from resolvers.declared.crud import crud
from tripgate.cli import main
from tripgate.commands import generated_sql
from tripgate.gateway import schema

ROOT = Path(__file__).parents[2]
CORE = "901_core_generated.sql"

SHELVES = """

-- shelves -------------------------------------------------------------------------------------------------------------

grant all on public.shelves to service_role;

create trigger set_shelves_updated_at before update on public.shelves
    for each row execute function private.set_updated_at();

create trigger expect_shelves_updates after update on public.shelves
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_shelves_deletes after delete on public.shelves
    referencing old table as touched for each statement execute function private.expect_rows();

create function public.shelves_by_ids(ids uuid[]) returns setof public.shelves language sql stable as $$
    select * from public.shelves where id = any (ids)
$$;
comment on function public.shelves_by_ids(uuid[]) is \
'The rows of shelves with these ids, of those that the caller may see.';
revoke execute on function public.shelves_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.shelves_by_ids(uuid[]) to authenticated;

create function public.whole_shelves(public.shelves) returns setof public.shelves rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_shelves(public.shelves) is 'The row of shelves itself.';
revoke execute on function public.whole_shelves(public.shelves) from public, anon, authenticated, service_role;
grant execute on function public.whole_shelves(public.shelves) to authenticated;

create view public.shelves_by_name with (security_invoker = true) as
    select * from public.shelves order by name, id;
comment on view public.shelves_by_name is 'The rows of shelves, ordered by name, id.';
revoke all on public.shelves_by_name from anon, authenticated, service_role;
grant select on public.shelves_by_name to authenticated;

create view public.shelves_by_name_reversed with (security_invoker = true) as
    select * from public.shelves order by name desc, id desc;
comment on view public.shelves_by_name_reversed is 'The same as shelves_by_name, from its end.';
revoke all on public.shelves_by_name_reversed from anon, authenticated, service_role;
grant select on public.shelves_by_name_reversed to authenticated;

create function public.notes_against(entry public.shelves) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.notes)
$$;
comment on function public.notes_against(public.shelves) is \
'How the column compares with each text that the request brings along.';
revoke execute on function public.notes_against(public.shelves) from public, anon, authenticated, service_role;
grant execute on function public.notes_against(public.shelves) to authenticated;
"""

OF_ANOTHER_SCHEMA = """

-- household.couples ---------------------------------------------------------------------------------------------------

grant all on household.couples to service_role;

create trigger expect_couples_deletes after delete on household.couples
    referencing old table as touched for each statement execute function private.expect_rows();

create function household.couples_by_ids(ids bigint[]) returns setof household.couples language sql stable as $$
    select * from household.couples where number = any (ids)
$$;
comment on function household.couples_by_ids(bigint[]) is \
'The rows of couples with these ids, of those that the caller may see.';
revoke execute on function household.couples_by_ids(bigint[]) from public, anon, authenticated, service_role;
grant execute on function household.couples_by_ids(bigint[]) to authenticated;

create function household.whole_couples(household.couples) \
returns setof household.couples rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function household.whole_couples(household.couples) is 'The row of couples itself.';
revoke execute on function household.whole_couples(household.couples) from public, anon, authenticated, service_role;
grant execute on function household.whole_couples(household.couples) to authenticated;

create view household.public_homes_keys with (security_invoker = true) as
    select id from public.homes;
comment on view household.public_homes_keys is \
'The keys of public.homes, in whose rows those of this schema that refer to them are embedded.';
revoke all on household.public_homes_keys from anon, authenticated, service_role;
grant select on household.public_homes_keys to authenticated;
"""

HIDDEN = """

-- secrets -------------------------------------------------------------------------------------------------------------

-- All but reading what nobody may read.
grant select (id) on public.secrets to service_role;
grant insert, update, delete, truncate, references, trigger on public.secrets to service_role;

create trigger expect_secrets_deletes after delete on public.secrets
    referencing old table as touched for each statement execute function private.expect_rows();
"""


BY_FUNCTIONS = """

-- ledgers -------------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select (id) on public.ledgers to service_role;
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the command reads; what a test declares in it is forgotten."""
    shutil.copytree(ROOT / "supabase" / "schemas", tmp_path / "supabase" / "schemas")
    for name in ("schema.graphql", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "releases", tmp_path / "releases")
    monkeypatch.chdir(tmp_path)
    for name in ("by_type", "_by_name", "_by_field"):
        monkeypatch.setattr(catalog, name, dict(getattr(catalog, name)))
    for name in ("several_schemas", "listed"):
        monkeypatch.setattr(catalog, name, getattr(catalog, name))
    monkeypatch.setattr(catalog, "partly_hidden", set(catalog.partly_hidden))
    monkeypatch.setattr(catalog.scopes, "by_name", dict(catalog.scopes.by_name))
    monkeypatch.setattr(schema, "MUTATIONS", schema.MUTATIONS)
    return tmp_path


def declare_shelves() -> None:
    @table("shelves", order_by=("name",))
    class Shelf:
        """Holds tags."""

        id: UUID = column(write=NEVER)
        name: str = column(write=REQUIRED)
        notes: str | None = column(long=True)
        updated_at: datetime = column(write=NEVER)
        tags = to_many("Tag", via="shelf_id", description="What lies on it.")

    many("Shelf")
    schema.MUTATIONS = (*schema.MUTATIONS, *crud("Shelf", reads=False).types())


def declare_secrets() -> None:
    @table("secrets", hidden_columns=True)
    class Secret:
        """Nobody may read all of it."""

        id: UUID = column(write=NEVER)

    schema.MUTATIONS = (*schema.MUTATIONS, *crud("Secret", reads=False).types())


def declare_ledgers() -> None:
    @table("ledgers", hidden_columns=True, written_by_functions=True)
    class Ledger:
        """Nobody may read all of it, and functions alone write it."""

        id: UUID = column(write=NEVER)


def declare_couples() -> None:
    @table("homes")
    class Home:
        """Where couples live: its keys are in two relations, and in one view."""

        id: UUID = column(write=NEVER)
        couples = to_many("HouseholdCouple", via="home_id", description="Who lives there.")
        owners = has_one("HouseholdCouple", via="owned_id", description="Whose it is.")

    @table("couples", schema=HOUSEHOLD, key="number")
    class Couple:
        """Two people."""

        number: BigInt = column(write=NEVER)
        home_id: UUID = column(write=NEVER)
        home = to_one("Home", via="home_id", description="Where they live.")

    schema.MUTATIONS = (*schema.MUTATIONS, *crud("HouseholdCouple", reads=False).types())


def declare_systems() -> None:
    """Two systems, each with a scope of its own and rows of people; the first is told of changes of its people."""
    pair = scope("pair", root="HouseholdPair", description="The pair.")
    crew = scope("crew", root="MeetingCrew", description="The crew.")

    @table("pairs", schema=HOUSEHOLD, scope=pair)
    class Pair:
        """Two people."""

        id: UUID = column(write=NEVER)
        person_id: UUID = column(write=NEVER)
        partner_id: UUID = column(write=NEVER)
        person = to_one("Profile", via="person_id", description="The one.")
        partner = to_one("Profile", via="partner_id", description="The other.")

    @table("wishes", schema=HOUSEHOLD, scope=USER.via("person_id"))
    class Wish:
        """What somebody wishes for."""

        id: UUID = column(write=NEVER)
        person_id: UUID = column(write=NEVER)
        person = to_one("Profile", via="person_id", description="Who does.")

    @table("crews", schema=MEETINGS, scope=crew)
    class Crew:
        """People at work."""

        id: UUID = column(write=NEVER)

    @table("shifts", schema=MEETINGS, scope=USER.via("person_id"))
    class Shift:
        """When somebody works."""

        id: UUID = column(write=NEVER)
        person_id: UUID = column(write=NEVER)

    profile = catalog["Profile"]
    pairs = Relation("pairs", "HouseholdPair", "person_id", many=True)
    catalog.by_type["Profile"] = dataclasses.replace(
        profile,
        relations={**profile.relations, "pairs": pairs},
        seen_in=(*profile.seen_in, dataclasses.replace(profile.seen_in[0], scope=pair, relation="pairs")),
    )


def sql_file(project: Path, name: str) -> Path:
    return project / "supabase" / "schemas" / name


def check() -> tuple[int, str]:
    """The exit code of `tripgate schema --check`, and its error."""
    result = CliRunner().invoke(main, ["schema", "--check"])
    return result.exit_code, next((line for line in result.output.splitlines() if line.startswith("Error: ")), "")


def test_what_is_committed_is_current(project: Path) -> None:
    assert generated_sql.stale(project) == []
    assert check() == (0, "")


@pytest.mark.parametrize(
    ("declare", "expected"), [(declare_shelves, SHELVES), (declare_secrets, HIDDEN), (declare_ledgers, BY_FUNCTIONS)]
)
def test_a_new_table_gets_all_that_its_declaration_asks_for(
    project: Path, declare: Callable[[], None], expected: str
) -> None:
    declare()
    name = expected.split()[1]
    sql_file(project, "005_more_tables.sql").write_text(f"create table public.{name} (id uuid primary key);\n")
    generated_sql.update(project)
    text = sql_file(project, "905_more_generated.sql").read_text()
    assert text.startswith(
        "-- Written by `make schema` from gql/types and resolvers, for the tables of 005_more_tables.sql."
    )
    assert text.endswith(expected)
    assert text.count(f"\n-- {name} -") == 1
    assert generated_sql.stale(project) == []


def test_a_table_of_another_schema_gets_it_there_and_views_of_the_keys_that_it_refers_to(project: Path) -> None:
    declare_couples()
    sql_file(project, "005_more_tables.sql").write_text(
        "create table public.homes (id uuid primary key);\n"
        "create schema household;\ncreate table household.couples (number bigint primary key);\n"
    )
    generated_sql.update(project)
    text = sql_file(project, "905_more_generated.sql").read_text()
    assert text.endswith(OF_ANOTHER_SCHEMA)
    assert generated_sql.stale(project) == []


def write_systems(project: Path) -> dict[str, str]:
    """What is written for each stage, by the end of its file's name."""
    sql_file(project, "016_household_tables.sql").write_text(
        "create table household.pairs (id uuid primary key);\ncreate table household.wishes (id uuid primary key);\n"
    )
    sql_file(project, "020_meetings_tables.sql").write_text(
        "create table meetings.crews (id uuid primary key);\ncreate table meetings.shifts (id uuid primary key);\n"
    )
    generated_sql.update(project)
    assert generated_sql.stale(project) == []
    names = ("901_core", "903_advanced", "916_household", "920_meetings")
    return {name[4:]: sql_file(project, f"{name}_generated.sql").read_text() for name in names}


def test_each_system_adds_policies_for_its_own_topics_and_changes_nothing_that_others_have(project: Path) -> None:
    before = {name: sql_file(project, name).read_text() for name in (CORE, "903_advanced_generated.sql")}
    declare_systems()
    texts = write_systems(project)
    assert {name: sql_file(project, name).read_text() for name in before} == before
    for system, name, type_name in (("household", "pair", "HouseholdPair"), ("meetings", "crew", "MeetingCrew")):
        assert re.findall(r"^create policy .*", texts[system], re.MULTILINE) == [
            f'create policy "People can listen to each {type_name} that they take part in" on realtime.messages',
            f'create policy "People can be seen in each {type_name} that they take part in" on realtime.messages',
        ]
        assert "my_topics" not in texts[system]
        assert texts[system].count(f"starts_with((select realtime.topic()), '{name}:')") == 2
        assert texts[system].count(f"(select '{name}:' || key from private.my_{name}_ids() as key)") == 2


def test_systems_need_none_of_each_others_functions(project: Path) -> None:
    """What finds the topic of a person by `person_id` is made by both, since either may be there alone."""
    declare_systems()
    texts = write_systems(project)
    for system in ("household", "meetings"):
        assert texts[system].count("create or replace function private.broadcast_user_by_person_id() ") == 1
        assert "broadcast_user_by_user_id" not in texts[system]


def test_a_row_that_is_seen_in_a_system_is_told_there_by_that_systems_file(project: Path) -> None:
    declare_systems()
    texts = write_systems(project)
    assert "create trigger tell_trip_of_profiles" in texts["advanced"]
    assert "pair" not in texts["advanced"]
    assert "create trigger tell_pair_of_profiles after update on public.profiles" in texts["household"]
    assert "select distinct id from household.pairs where person_id = new.id" in texts["household"]


PEOPLE = """create view household.people with (security_invoker = true) as
    select id, display_name, avatar_path from public.profiles;
comment on view household.people is \
'What comes along of public.profiles with rows of this schema that refer to it.';
revoke all on household.people from anon, authenticated, service_role;
grant select on household.people to authenticated;
"""


def test_a_schema_whose_tables_refer_to_people_has_one_view_of_them(project: Path) -> None:
    declare_systems()
    texts = write_systems(project)
    assert texts["household"].count(PEOPLE) == 1
    assert [
        name for name, text in texts.items() if "view meetings.people" in text or "view public.people" in text
    ] == []


def test_a_table_called_like_that_view_is_refused(project: Path) -> None:
    declare_systems()

    @table("people", schema=HOUSEHOLD)
    class Person:
        """In the way."""

        id: UUID = column(write=NEVER)

    sql_file(project, "018_more_tables.sql").write_text("create table household.people (id uuid primary key);\n")
    with pytest.raises(generated_sql.GeneratedSqlError, match=r"household\.people is a table of its own, and the view"):
        write_systems(project)


def test_a_view_of_columns_that_are_not_there_fails_the_start() -> None:
    with pytest.raises(ValueError, match="Shelf has no column colour, which embedded_as names"):

        @table("shelves", embedded_as=EmbeddedAs("boards", ("colour",)))
        class Shelf:
            """Holds tags."""

            id: UUID = column(write=NEVER)


def declare_keyed(kind: Any) -> None:
    body = {"__annotations__": {"id": kind}, "__doc__": "Has a key.", "id": column(write=NEVER)}
    table("keyed")(type("Keyed", (), body))


@pytest.mark.parametrize(("kind", "key"), [(UUID, "uuid"), (str, "text"), (BigInt, "bigint")])
def test_a_key_is_asked_for_by_its_own_type(project: Path, kind: Any, key: str) -> None:
    declare_keyed(kind)
    sql_file(project, "005_more_tables.sql").write_text("create table public.keyed (id uuid primary key);\n")
    generated_sql.update(project)
    text = sql_file(project, "905_more_generated.sql").read_text()
    assert f"create function public.keyed_by_ids(ids {key}[]) returns setof public.keyed " in text
    assert text.count(f"public.keyed_by_ids({key}[])") == 3


def test_a_view_has_what_people_may_read_of_a_table(project: Path) -> None:
    """Of a view nobody may read anything who may not read all of its columns."""

    @table("drawers", hidden_columns=True, order_by=("name",))
    class Drawer:
        """Nobody may read all of it."""

        id: UUID = column(write=NEVER)
        name: str
        shelves = to_many("Shelf", via="drawer_id", description="What is in it.")

    declare_shelves()
    many("Drawer")
    tables = "create table public.drawers (id uuid primary key);\ncreate table public.shelves (id uuid primary key);\n"
    sql_file(project, "005_more_tables.sql").write_text(tables)
    generated_sql.update(project)
    text = sql_file(project, "905_more_generated.sql").read_text()
    assert "    select id, name from public.drawers order by name, id;" in text
    assert "    select id, name from public.drawers order by name desc, id desc;" in text
    assert "select * from public.drawers" not in text


def test_what_no_root_field_lists_has_no_views(project: Path) -> None:
    declare_shelves()
    assert catalog.listed is not None
    catalog.listed = catalog.listed - {"Shelf"}
    sql_file(project, "005_more_tables.sql").write_text("create table public.shelves (id uuid primary key);\n")
    generated_sql.update(project)
    assert "create view" not in sql_file(project, "905_more_generated.sql").read_text()
    assert "create view public.tags_by_name " in sql_file(project, "903_advanced_generated.sql").read_text()


def test_a_file_that_was_changed_by_hand_fails_and_is_mended(project: Path) -> None:
    file = sql_file(project, CORE)
    text = file.read_text()
    for changed in (text.replace("to service_role", "to anon", 1), None):
        if changed is None:
            file.unlink()
        else:
            file.write_text(changed)
        code, said = check()
        assert (code, said) == (
            1,
            f"Error: supabase/schemas/{CORE}: differs from the types. "
            "Run `make schema`, then `make migration name=…`, and commit what they write.",
        )
        generated_sql.update(project)
        assert (file.read_text(), check()) == (text, (0, ""))


def test_a_file_whose_tables_are_gone_fails_and_goes(project: Path) -> None:
    file = sql_file(project, "907_gone_generated.sql")
    file.write_text("select 1;\n")
    assert check()[0] == 1
    generated_sql.update(project)
    assert not file.exists()


def test_a_type_over_a_table_that_no_file_makes_is_refused(project: Path) -> None:
    declare_shelves()
    said = r"^Shelf is declared over the table shelves, which no file in supabase/schemas makes\.$"
    with pytest.raises(generated_sql.GeneratedSqlError, match=said):
        generated_sql.generated(Path())
    assert check() == (1, f"Error: {said[1:-1]}".replace("\\", ""))


def test_a_table_of_no_stage_is_refused(project: Path) -> None:
    declare_shelves()
    sql_file(project, "012_more.sql").write_text("create table public.shelves (id uuid primary key);\n")
    with pytest.raises(generated_sql.GeneratedSqlError, match=r"012_more\.sql makes tables of the API, so it must be"):
        generated_sql.generated(project)

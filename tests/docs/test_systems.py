"""docs/systems/: what the maps of the designs say of tables, columns, indexes, functions and fields is so.

A row says where one item of a design is (`here`), what stands in its stead (`otherwise`), or that it is to come
(`planned`). Each name in it is a code span that begins with its kind, as in `table trips`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from graphql import GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from gql import pg_catalog
from gql.errors import ErrorCode
from tripgate.gateway.schema import graphql_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted(each for each in (ROOT / "docs/systems").glob("*.md") if each.name != "README.md")

STATES = ("here", "otherwise", "planned")


@dataclass(frozen=True)
class Row:
    """One item of a design.

    Attributes:
        names: What the row names, by kind: `("table", "trips")`.
        why: The rest of what it says.
        strange: Code spans that begin with no kind.
    """

    item: str
    state: str
    names: tuple[tuple[str, str], ...]
    why: str
    strange: tuple[str, ...]


def rows(page: str) -> list[Row]:
    found = []
    for line in page.splitlines():
        # A heading's line and the dashes below it are no rows.
        if not line.startswith("| ") or line.startswith("| in the design "):
            continue
        item, state, where = (cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("| "), maxsplit=2))
        names, strange = [], []
        for span in re.findall(r"`([^`]+)`", where):
            kind = next((kind for kind in EXISTS if span.startswith(f"{kind} ")), None)
            if kind is None:
                strange.append(span)
            else:
                names.append((kind, span.removeprefix(f"{kind} ")))
        why = re.sub(r"`[^`]*`|\[[^\]]*\]\([^)]*\)|[,;:.]", " ", where)
        found.append(Row(item, state, tuple(names), " ".join(why.split()), tuple(strange)))
    return found


def mistakes(row: Row) -> Iterator[str]:
    """What is not so of a row."""
    for span in row.strange:
        yield f"`{span}` begins with none of {', '.join(EXISTS)}"
    if row.state not in STATES:
        yield f"{row.state} is none of {', '.join(STATES)}"
    if not row.names and row.state != "otherwise":
        yield "it names nothing"
    if row.state != "here" and len(row.why.split()) < 3:
        yield "it does not say why"
    for kind, name in row.names:
        there = EXISTS[kind](name)
        if row.state == "planned" and there:
            yield f"there is a {kind} {name} by now: say where the item is"
        if row.state != "planned" and not there:
            yield f"there is no {kind} {name}"


def a_column(name: str) -> bool:
    table, _, column = name.rpartition(".")
    found = pg_catalog.loaded().table(table)
    return found is not None and column in found.columns


def an_index(name: str) -> bool:
    """By its name, with its keys or without: `idx_trips_user_id_status (user_id, status)`."""
    wanted, _, keys = name.rstrip(")").partition(" (")
    return any(
        index.name == wanted and keys in ("", ", ".join(index.keys))
        for table in pg_catalog.loaded().stored
        for index in table.indexes
    )


def a_function(name: str) -> bool:
    """Of the API, or of `private`: one that policies ask or a trigger calls."""
    database = pg_catalog.loaded()
    schema, _, bare = name.rpartition(".")
    if schema != "private":
        return bool(database.named(bare, schema or pg_catalog.PUBLIC))
    called = {
        trigger.function
        for table in (*database.tables.values(), *database.platform.values())
        for trigger in table.triggers.values()
    }
    return bare in database.schemas["private"].helpers or name in called


def a_policy(name: str) -> bool:
    """By its table and name: `trips: Owners can delete their trips`; of the platform's tables too."""
    table, _, policy = name.partition(": ")
    database = pg_catalog.loaded()
    found = database.table(table) or database.platform.get(table)
    return found is not None and policy in {each.name for each in found.policies}


def a_publication(name: str) -> bool:
    """Of a table's changes, to all who listen to `postgres_changes`."""
    found = pg_catalog.loaded().table(name)
    return found is not None and "supabase_realtime" in found.publications


def a_field(name: str) -> bool:
    type_name, _, field = name.partition(".")
    found = graphql_schema().type_map.get(type_name)
    holds = GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType
    return isinstance(found, holds) and field in found.fields


def a_bucket(name: str) -> bool:
    return any(f"('{name}', " in file.read_text() for file in (ROOT / "supabase/program").glob("*.sql"))


def a_test(name: str) -> bool:
    """A file of tests, or one function in it: `tests/docs/test_docs.py::test_every_link_leads_somewhere`."""
    file, _, test = name.partition("::")
    path = ROOT / file
    return path.exists() and (not test or re.search(rf"def {re.escape(test)}\(", path.read_text()) is not None)


EXISTS: dict[str, Callable[[str], bool]] = {
    "schema": lambda name: name in pg_catalog.loaded().schemas,
    "table": lambda name: (found := pg_catalog.loaded().table(name)) is not None and not found.view,
    "view": lambda name: (found := pg_catalog.loaded().table(name)) is not None and found.view,
    "column": a_column,
    "index": an_index,
    "function": a_function,
    "policy": a_policy,
    "publication": a_publication,
    "field": a_field,
    "code": lambda name: name in set(ErrorCode),
    "edge function": lambda name: (ROOT / "supabase/functions" / name / "index.ts").exists(),
    "bucket": a_bucket,
    "test": a_test,
    "file": lambda name: (ROOT / name).exists(),
}


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_a_map_is_so(page: Path) -> None:
    found = rows(page.read_text())
    assert found
    assert {row.item: wrong for row in found if (wrong := list(mistakes(row)))} == {}


def test_nothing_of_the_design_for_trips_is_left_to_do() -> None:
    assert [row.item for row in rows((ROOT / "docs/systems/trips.md").read_text()) if row.state == "planned"] == []


def test_no_map_has_an_item_twice_under_one_heading() -> None:
    for page in PAGES:
        for section in re.split(r"^## ", page.read_text(), flags=re.MULTILINE):
            items = [row.item for row in rows(section)]
            assert len(items) == len(set(items)), page.name


def unmapped(database: pg_catalog.Database) -> set[str]:
    """The tables of the systems' own schemas that no map tells of.

    A table that came under another name than was planned would leave its row as it was. In `public` anybody may add
    tables that belong to no design.
    """
    told = {name for page in PAGES for row in rows(page.read_text()) for kind, name in row.names if kind == "table"}
    return {table.qualified for table in database.stored if table.schema != pg_catalog.PUBLIC} - told


def test_every_table_of_a_systems_own_schema_is_in_a_map() -> None:
    assert unmapped(pg_catalog.loaded()) == set(), "say in docs/systems/ which item of a design each of them is"


def test_a_table_that_no_map_tells_of_is_found() -> None:
    made = [("public", "yachts"), ("household", "couples"), ("household", "pairs")]
    tables = {f"{schema}.{name}": pg_catalog.Table(schema, name, columns={}) for schema, name in made}
    assert unmapped(pg_catalog.Database(tables, functions={})) == {"household.pairs"}


def test_every_map_is_listed() -> None:
    listed = re.findall(
        r"^\| \[[^]]+\]\(([a-z-]+\.md)\) \|", (ROOT / "docs/systems/README.md").read_text(), re.MULTILINE
    )
    assert sorted(listed) == [page.name for page in PAGES]


@pytest.mark.parametrize(
    "where",
    [
        "`table trips`",
        "`view trips_by_start_date`",
        "`column trips.status`",
        "`index idx_trips_user_id_status`",
        "`index idx_trips_user_id_created_at (user_id, created_at desc)`",
        "`function accept_invitation`",
        "`function private.my_trip_ids`",
        "`function private.handle_new_user`",
        "`policy trips: Owners can delete their trips`",
        "`policy realtime.messages: People can listen to what they take part in`",
        "`publication trips`",
        "`schema public`",
        "`field Query.trips`",
        "`field TripFilter.status`",
        "`code CONFLICT`",
        "`edge function invite-collaborator`",
        "`file supabase/schemas/001_core_tables.sql`",
        "`test tests/docs/test_systems.py`",
        "`test tests/docs/test_systems.py::test_a_map_is_so`",
    ],
)
def test_what_exists_is_here_and_not_planned(where: str) -> None:
    (row,) = rows(f"| something | here | {where} |")
    assert list(mistakes(row)) == []
    (row,) = rows(f"| something | planned | {where}, once it is needed |")
    assert [wrong.partition(" by now")[1] for wrong in mistakes(row)] == [" by now"]


@pytest.mark.parametrize(
    "where",
    [
        "`table trip`",
        "`table trips_by_start_date`",
        "`table household.trips`",
        "`view trips`",
        "`column trips.state`",
        "`column trip.status`",
        "`index idx_trips_user_id`",
        "`index idx_trips_user_id_created_at (user_id, created_at)`",
        "`function accept_invitations`",
        "`function private.my_trips`",
        "`policy trips: Owners can delete`",
        "`publication profiles`",
        "`schema household2`",
        "`field Query.trip_s`",
        "`field Trips.status`",
        "`code CONFLICTS`",
        "`edge function _shared`",
        "`bucket trip-pictures`",
        "`file supabase/schemas/001_core.sql`",
        "`test tests/docs/test_systems.py::test_a_map_is`",
    ],
)
def test_what_does_not_exist_is_planned_and_not_here(where: str) -> None:
    (row,) = rows(f"| something | planned | {where}, once it is needed |")
    assert list(mistakes(row)) == []
    (row,) = rows(f"| something | here | {where} |")
    assert [wrong.startswith("there is no ") for wrong in mistakes(row)] == [True]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("| something | here | in the tables |", "it names nothing"),
        ("| something | planned | once it is needed |", "it names nothing"),
        ("| something | planned | `table yachts` |", "it does not say why"),
        ("| something | otherwise | `table trips` |", "it does not say why"),
        ("| something | done | `table trips`, as it was designed |", "done is none of here, otherwise, planned"),
    ],
)
def test_a_row_says_what_it_has_to(line: str, wrong: str) -> None:
    (row,) = rows(line)
    assert list(mistakes(row)) == [wrong]


def test_a_name_without_its_kind_is_found() -> None:
    (row,) = rows("| something | here | `table trips`, `trip_items` |")
    assert [wrong.partition(" begins")[0] for wrong in mistakes(row)] == ["`trip_items`"]

"""What types declare of caching agrees with the database, so that no change goes unnoticed by oversight."""

import re
from collections.abc import Iterable, Iterator

import psycopg
import pytest

from gql.caching import InvalidatedBy
from gql.catalog import catalog
from gql.coverage import looks_into
from gql.scope import Unheard
from gql.table import Table
from resolvers.declared.functions import FunctionRows, FunctionValue
from tripgate.gateway.schema import QUERIES, schema
from tripgate.gateway.staleness.dependencies import gateway_write_tables, scopes_of_tables
from tripgate.local.stack import StackInfo

schema()  # declares every type
TABLES = [table for table in catalog if not table.read_only]
OWN = "(user_id = ( SELECT auth.uid() AS uid))"


@pytest.fixture(scope="module")
def db(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    """A superuser's connection, to which everything is shown with its schema."""
    with psycopg.connect(seeded.admin_db_url) as connection:
        connection.execute("set local search_path = ''")
        yield connection


def tables_in(db: psycopg.Connection, sources: Iterable[str]) -> set[str]:
    """The tables of the API that these texts name, and those that the functions which they call name."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(sources)
    while waiting:
        text = waiting.pop()
        found |= set(re.findall(r"\bpublic\.(\w+)\b", text)) & {table.name for table in catalog}
        for name in set(re.findall(r"\b((?:private|public)\.\w+)\(", text)) - seen:
            seen.add(name)
            schema_name, _, function = name.partition(".")
            rows = db.execute(
                "select prosrc from pg_proc where pronamespace = %s::regnamespace and proname = %s",
                [schema_name, function],
            )
            waiting += [row[0] for row in rows]
    return found


def looked_at(table: Table) -> set[str]:
    """The tables whose changes are known to alter its rows, or who may see them."""
    return {table.name, *looks_into(catalog, table)}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.type_name)
def test_every_table_that_a_policy_looks_into_is_declared(db: psycopg.Connection, table: Table) -> None:
    policies = db.execute(
        "select qual from pg_policies where schemaname = 'public' and tablename = %s and cmd in ('SELECT', 'ALL')",
        [table.name],
    ).fetchall()
    assert policies
    assert tables_in(db, [row[0] for row in policies]) <= looked_at(table)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.type_name)
def test_every_table_that_something_is_computed_from_is_declared(db: psycopg.Connection, table: Table) -> None:
    columns = {column.name: column.field for column in table.columns.values() if column.computed}
    objects = {each.name: each.field for each in table.computed.values()}
    for function, field in (columns | objects).items():
        rows = db.execute(
            "select prosrc from pg_proc where proname = %s and pronamespace = 'public'::regnamespace", [function]
        ).fetchall()
        assert rows
        own = table.field_caches.get(field)
        declared = looked_at(table) | set(own.depends_on if own is not None else ())
        assert tables_in(db, [row[0] for row in rows]) <= declared, field


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.type_name)
def test_every_table_whose_deletions_it_follows_is_declared(db: psycopg.Connection, table: Table) -> None:
    followed = {
        row[0]
        for row in db.execute(
            """select target.relname from pg_constraint
                 join pg_class as target on target.oid = confrelid and target.relnamespace = 'public'::regnamespace
               where contype = 'f' and conrelid = ('public.' || %s)::regclass and confdeltype in ('c', 'n', 'd')""",
            [table.name],
        )
    }
    if table.name in scopes_of_tables():
        # Each is told of by itself, but for what goes with its trip.
        followed &= {"trips"}
    # Whose account goes asks no more.
    assert followed - {"profiles"} <= looked_at(table)


def test_what_is_told_is_what_has_the_triggers(db: psycopg.Connection) -> None:
    rows = db.execute("select distinct tgrelid::regclass::text from pg_trigger where tgname ~ '^broadcast_.*_changes$'")
    # What is told of a view is told by its table's.
    views = {"storage.objects": "stored_files"}
    told = {views.get(row[0], row[0].removeprefix("public.")) for row in rows}
    assert told == scopes_of_tables().keys()


@pytest.mark.parametrize(
    "table",
    [table for table in TABLES if table.cache and table.cache.invalidated_by is InvalidatedBy.OWN_WRITES],
    ids=lambda t: t.type_name,
)
def test_what_only_its_owner_sees_and_writes_has_such_policies(db: psycopg.Connection, table: Table) -> None:
    rows = db.execute(
        "select cmd, qual, with_check from pg_policies where schemaname = 'public' and tablename = %s", [table.name]
    ).fetchall()
    assert {cmd for cmd, _, _ in rows} >= {"SELECT"}
    for cmd, using, check in rows:
        if cmd == "SELECT":
            assert using == OWN
        assert OWN in (using or check)


def test_every_table_is_of_one_kind() -> None:
    assert gateway_write_tables() == {"profiles", "places"}
    # Migrations alone change agents.
    assert [table.type_name for table in catalog if table.cache is None or table.unheard is not None] == ["AiAgent"]


FUNCTIONS = [
    field
    for domain in QUERIES
    for field in domain.__strawberry_definition__.fields  # type: ignore[attr-defined]
    if isinstance(field, FunctionRows | FunctionValue)
]


@pytest.mark.parametrize("field", FUNCTIONS, ids=lambda field: field.function)
def test_every_table_that_a_function_looks_into_is_declared(
    db: psycopg.Connection, field: FunctionRows | FunctionValue
) -> None:
    rows = db.execute(
        "select prosrc from pg_proc where proname = %s and pronamespace = 'public'::regnamespace", [field.function]
    ).fetchall()
    assert rows
    assert not isinstance(field.depends_on, Unheard)
    of_its_type = {field.table.name} if field.has_table else set()
    assert tables_in(db, [row[0] for row in rows]) <= of_its_type | set(field.depends_on or ())

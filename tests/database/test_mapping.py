"""What the API asks of Postgres for every table is there, and in the form that Postgres can see through.

That types and tables agree, and that nothing is missing which their fields need, `test_conformity` tells.
"""

import typing

import psycopg
import pytest
from psycopg import sql

from gql import pg_catalog
from gql.catalog import catalog
from gql.derive.type_builder import PYTHON_TYPES
from gql.schemas import bare, schema_of
from gql.strawberry_definition import strawberry_definition
from gql.table import Sort, Table
from resolvers.declared.functions import FunctionRows, FunctionValue
from tripgate.commands.checks.mapping import SQL_TYPES
from tripgate.gateway.schema import graphql_schema  # declares every type
from tripgate.upstream.backend import BackendError
from tripgate.upstream.caller import Caller
from tripgate.upstream.postgrest.errors import public_error


def stored(table: Table) -> pg_catalog.Table:
    """What Postgres knows of a declared table."""
    found = pg_catalog.loaded().table(table.name)
    assert found is not None
    return found


TABLES = [pytest.param(table, id=table.type_name) for table in catalog]


@pytest.mark.parametrize("table", TABLES)
def test_a_unique_key_over_several_columns_names_an_input(table: Table) -> None:
    writable = {column.name: column.field for column in table.columns.values() if column.creatable or column.patchable}
    for index in stored(table).indexes:
        if not index.constraint:
            continue
        failure = BackendError("23505", f'duplicate key value violates unique constraint "{index.name}"')
        field = public_error(failure, Caller("ada", "token"), table).extensions.get("field")
        # A key that the database alone keeps names none: nobody can be told what to correct.
        assert field in ({writable[name] for name in index.columns if name in writable} or {None}), index.name


def test_every_unique_key_has_its_root_field() -> None:
    query = graphql_schema().query_type
    assert query is not None
    assert {key.lookup for table in catalog for key in table.unique} <= set(query.fields)


def declared_functions() -> list[FunctionRows | FunctionValue]:
    query = graphql_schema().query_type
    assert query is not None
    fields = [strawberry_definition(field) for field in query.fields.values()]
    return [field for field in fields if isinstance(field, FunctionRows | FunctionValue)]


# Those that run as definer, and ask for the caller's own part themselves.
OF_THE_CALLER = {"current_usage_limits"}


@pytest.mark.parametrize("field", [pytest.param(each, id=each.function) for each in declared_functions()])
def test_functions_as_fields_are_callable_as_declared(field: FunctionRows | FunctionValue) -> None:
    (function,) = pg_catalog.loaded().named(bare(field.function), schema_of(field.function))
    assert function.roles == ("authenticated",)
    assert (function.volatility, function.definer) == ("stable", field.function in OF_THE_CALLER)
    assert function.names == tuple(each.name for each in field.parameters)
    required = [each for each in field.parameters if type(None) not in typing.get_args(each.annotation)]
    assert len(required) == len(field.parameters) - function.defaults
    for parameter, type_ in zip(field.parameters, function.types, strict=True):
        (plain, *_) = (*(each for each in typing.get_args(parameter.annotation) if each is not type(None)),) or (
            parameter.annotation,
        )
        assert type_ in SQL_TYPES[next(kind for kind, made in PYTHON_TYPES.items() if made is plain)]
    if isinstance(field, FunctionRows):
        assert function.returns == f"SETOF {stored(field.table).qualified}"
        # Rows that nobody may read as wholes do not embed themselves.
        assert not field.table.hidden_columns
        # PostgREST would take an argument of a column's name for a filter, or the other way round.
        assert not set(function.names) & set(field.table.by_sql_name)
    else:
        # A numeric would pass through a float.
        assert function.returns in {"integer", "text", "boolean", "uuid", "date", "timestamp with time zone"}


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_had_by_their_ids(db: psycopg.Connection, table: Table) -> None:
    """Long lists of ids are asked for by a function that Postgres can put the table in the place of."""
    name, known = f"{table.bare_name}_by_ids", stored(table)
    found = pg_catalog.loaded().named(name, known.schema)
    if table.hidden_columns:
        assert found == ()  # nobody may read its whole rows
        return
    (function,) = found
    assert (function.names, function.types) == (("ids",), (f"{known.columns[table.primary_key].type}[]",))
    assert (function.returns, function.roles) == (f"SETOF {known.qualified}", ("authenticated",))
    assert is_put_in_its_place(function)
    assert "ids" not in table.by_sql_name
    call = sql.SQL("explain select * from {}('{{}}')").format(sql.Identifier(known.schema, name))
    assert "Function Scan" not in str(db.execute(call).fetchall())


@pytest.mark.parametrize("table", TABLES)
def test_rows_embed_themselves(db: psycopg.Connection, table: Table) -> None:
    """Beside tests of related rows a function's rows are asked for as wholes, which Postgres must not notice."""
    name, known = f"whole_{table.bare_name}", stored(table)
    found = pg_catalog.loaded().named(name, known.schema)
    if table.hidden_columns:
        assert found == ()  # no function returns its whole rows
        return
    (function,) = found
    # Without a name for the row, so that nobody calls it with one of their own making.
    assert (function.names, function.types) == ((), (known.qualified,))
    assert (function.returns, function.roles) == (f"SETOF {known.qualified}", ("authenticated",))
    assert is_put_in_its_place(function)
    # One row at most: to PostgREST that makes it an object, not a list.
    assert function.rows == 1
    query = sql.SQL("explain select own.{key} from {table} as row, {function}(row) as own").format(
        key=sql.Identifier(table.primary_key),
        table=sql.Identifier(known.schema, known.name),
        function=sql.Identifier(known.schema, name),
    )
    plan = str(db.execute(query).fetchall())
    assert "Function Scan" not in plan
    assert "Nested Loop" not in plan


def is_put_in_its_place(function: pg_catalog.Function) -> bool:
    """Whether Postgres may put a function's query where it is called: plain SQL without a setting or other rights."""
    plain = (function.language, function.volatility) == ("sql", "stable")
    return plain and not (function.definer or function.strict or function.settings)


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_had_in_order(db: psycopg.Connection, table: Table) -> None:
    """Each of `ordered_views` and its reverse is a view of whole rows, which the caller's own policies filter.

    Of a table with columns that nobody may read it has the others, since whoever reads it has to be allowed all it has.
    """
    known = stored(table)
    begin = f"{known.qualified}_by_"
    views = [each for name, each in pg_catalog.loaded().tables.items() if each.view and name.startswith(begin)]
    orders = {view: ", ".join(map(in_sql, order)) for order, view in table.views.items()}
    assert {view.qualified for view in views} == {name if "." in name else f"public.{name}" for name in orders}
    shown = [each.name for each in table.columns.values() if not each.computed]
    whole = shown if table.hidden_columns else list(known.columns)
    for view in views:
        assert (list(view.columns), view.invoker) == (whole, True)
        assert {role: list(rights) for role, rights in view.grants.items()} == {"authenticated": ["select"]}
        (text,) = db.execute("select pg_get_viewdef(%s::regclass, true)", [view.qualified]).fetchone() or ("",)
        name = view.qualified.removeprefix("public.")
        assert text.rpartition("ORDER BY ")[2].rstrip(";") == orders[name]


def in_sql(key: Sort) -> str:
    """A key as Postgres prints it, which is without the places where it would put nulls by itself."""
    assert key.nulls_first is key.descending
    return f"{key.column}{' DESC' * key.descending}"


def test_every_table_of_the_api_is_mapped() -> None:
    mapped = {stored(table).qualified for table in catalog if not table.read_only}
    assert {table.qualified for table in pg_catalog.loaded().stored} == mapped

"""What the API asks of Postgres for every table is there, and in the form that Postgres can see through.

That types and tables agree, and that nothing is missing which their fields need, `test_conformity` tells.
"""

import typing

import psycopg
import pytest
from psycopg import sql

from gql import pg_catalog
from gql.derive.making import PYTHON_TYPES
from gql.strawberry_definition import strawberry_definition
from gql.table import Sort, Table, catalog
from resolvers.declared.functions import FunctionRows, FunctionValue
from tripgate.commands.checks.mapping import SQL_TYPES
from tripgate.gateway.schema import graphql_schema  # declares every type
from tripgate.upstream.backend import BackendError
from tripgate.upstream.caller import Caller
from tripgate.upstream.postgrest.errors import public_error


def stored(table: Table) -> pg_catalog.Table:
    """What Postgres knows of a declared table."""
    return pg_catalog.loaded().tables[f"public.{table.name}"]


TABLES = [pytest.param(table, id=table.type_name) for table in catalog]


@pytest.mark.parametrize("table", TABLES)
def test_a_unique_key_over_several_columns_names_an_input(table: Table) -> None:
    keys = [index.name for index in stored(table).indexes if index.constraint]
    writable = {column.field for column in table.columns.values() if column.creatable or column.patchable}
    # Kept by the database alone, so nobody can be told what to correct.
    unwritten = {"collaborators", "invitations", "user_preferences"}
    for name in keys:
        failure = BackendError("23505", f'duplicate key value violates unique constraint "{name}"')
        field = public_error(failure, Caller("ada", "token"), table).extensions.get("field")
        assert field is None if table.name in unwritten else field in writable, name


def test_every_unique_key_has_its_root_field() -> None:
    query = graphql_schema().query_type
    assert query is not None
    assert {key.lookup for table in catalog for key in table.unique} <= set(query.fields)


def declared_functions() -> list[FunctionRows | FunctionValue]:
    query = graphql_schema().query_type
    assert query is not None
    fields = [strawberry_definition(field) for field in query.fields.values()]
    return [field for field in fields if isinstance(field, FunctionRows | FunctionValue)]


@pytest.mark.parametrize("field", [pytest.param(each, id=each.function) for each in declared_functions()])
def test_functions_as_fields_are_callable_as_declared(field: FunctionRows | FunctionValue) -> None:
    (function,) = pg_catalog.loaded().named(field.function)
    assert function.roles == ("authenticated",)
    assert (function.volatility, function.definer) == ("stable", False)
    assert function.names == tuple(each.name for each in field.parameters)
    required = [each for each in field.parameters if type(None) not in typing.get_args(each.annotation)]
    assert len(required) == len(field.parameters) - function.defaults
    for parameter, type_ in zip(field.parameters, function.types, strict=True):
        (plain, *_) = (*(each for each in typing.get_args(parameter.annotation) if each is not type(None)),) or (
            parameter.annotation,
        )
        assert type_ in SQL_TYPES[next(kind for kind, made in PYTHON_TYPES.items() if made is plain)]
    if isinstance(field, FunctionRows):
        assert function.returns == f"SETOF public.{field.table.name}"
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
    name = f"{table.name}_by_ids"
    found = db.execute(
        """select pg_catalog.pg_get_function_arguments(pg_proc.oid), pg_catalog.pg_get_function_result(pg_proc.oid),
               lanname, provolatile, prosecdef or proisstrict or proconfig is not null,
               array(select role from unnest(array['anon', 'authenticated', 'service_role']) as role
                     where pg_catalog.has_function_privilege(role, pg_proc.oid, 'execute'))
           from pg_catalog.pg_proc join pg_catalog.pg_language on pg_language.oid = prolang
           where pronamespace = 'public'::regnamespace and proname = %s""",
        [name],
    ).fetchall()
    if table.hidden_columns:
        assert found == []  # nobody may read its whole rows
        return
    assert found == [("ids uuid[]", f"SETOF public.{table.name}", "sql", "s", False, ["authenticated"])]
    assert "ids" not in table.by_sql_name
    call = sql.SQL("explain select * from {}('{{}}')").format(sql.Identifier("public", name))
    assert "Function Scan" not in str(db.execute(call).fetchall())


@pytest.mark.parametrize("table", TABLES)
def test_rows_embed_themselves(db: psycopg.Connection, table: Table) -> None:
    """Beside tests of related rows a function's rows are asked for as wholes, which Postgres must not notice."""
    name = f"whole_{table.name}"
    found = db.execute(
        """select pg_catalog.pg_get_function_arguments(pg_proc.oid), pg_catalog.pg_get_function_result(pg_proc.oid),
               prorows, lanname, provolatile, prosecdef or proisstrict or proconfig is not null, prosrc,
               array(select role from unnest(array['anon', 'authenticated', 'service_role']) as role
                     where pg_catalog.has_function_privilege(role, pg_proc.oid, 'execute'))
           from pg_catalog.pg_proc join pg_catalog.pg_language on pg_language.oid = prolang
           where pronamespace = 'public'::regnamespace and proname = %s""",
        [name],
    ).fetchall()
    if table.hidden_columns:
        assert found == []  # no function returns its whole rows
        return
    ((*declared, source, roles),) = found
    # One row at most: to PostgREST that makes it an object, not a list.
    assert declared == [f"public.{table.name}", f"SETOF public.{table.name}", 1.0, "sql", "s", False]
    assert (source.split(), roles) == (["select", "($1).*"], ["authenticated"])
    query = sql.SQL("explain select own.id from {table} as row, {function}(row) as own").format(
        table=sql.Identifier("public", table.name), function=sql.Identifier("public", name)
    )
    plan = str(db.execute(query).fetchall())
    assert "Function Scan" not in plan
    assert "Nested Loop" not in plan


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_had_in_order(db: psycopg.Connection, table: Table) -> None:
    """Each of `ordered_views` and its reverse is a view of whole rows, which the caller's own policies filter."""
    found = {
        name: (text, columns, options, roles)
        for name, text, columns, options, roles in db.execute(
            """select relname, pg_catalog.pg_get_viewdef(pg_class.oid, true), array(
                   select attname from pg_catalog.pg_attribute
                   where attrelid = pg_class.oid and attnum > 0 order by attnum
               ), reloptions, array(
                   select concat_ws(' ', role, privilege_type)
                   from unnest(array['anon', 'authenticated', 'service_role']) as role,
                       unnest(array['select', 'insert', 'update', 'delete']) as privilege_type
                   where pg_catalog.has_table_privilege(role, pg_class.oid, privilege_type)
               )
               from pg_catalog.pg_class
               where relkind = 'v' and relnamespace = 'public'::regnamespace and relname ~ ('^' || %s || '_by_')""",
            [table.name],
        )
    }
    (whole_rows,) = db.execute(
        "select array_agg(attname order by attnum) from pg_catalog.pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        [f"public.{table.name}"],
    ).fetchone() or (None,)
    orders = {view: ", ".join(map(in_sql, order)) for order, view in table.views.items()}
    assert {name: text.rpartition("ORDER BY ")[2].rstrip(";") for name, (text, *_) in found.items()} == orders
    for _, columns, options, roles in found.values():
        assert columns == whole_rows
        assert options == ["security_invoker=true"]
        assert roles == ["authenticated select"]


def in_sql(key: Sort) -> str:
    """A key as Postgres prints it, which is without the places where it would put nulls by itself."""
    assert key.nulls_first is key.descending
    return f"{key.column}{' DESC' * key.descending}"


def test_every_table_of_the_api_is_mapped() -> None:
    assert {table.name for table in pg_catalog.loaded().stored} == {table.name for table in catalog}

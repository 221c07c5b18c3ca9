"""The GraphQL types say of the database what the database says of itself."""

import re
import typing

import psycopg
import pytest
from psycopg import sql

from gql.derive.making import PYTHON_TYPES
from gql.strawberry_definition import strawberry_definition
from gql.table import Kind, Sort, Table, catalog
from resolvers.declared.functions import FunctionRows, FunctionValue
from tripgate.commands.doctor.needs import FUNCTIONS
from tripgate.gateway.schema import graphql_schema  # declares every type
from tripgate.upstream.backend import BackendError
from tripgate.upstream.caller import Caller
from tripgate.upstream.postgrest.errors import public_error

SQL_TYPES = {
    Kind.TEXT: {"text"},
    Kind.UUID: {"uuid"},
    Kind.INT: {"int4"},
    Kind.NUMERIC: {"numeric", "int8"},
    Kind.BOOLEAN: {"bool"},
    Kind.DATE: {"date"},
    Kind.DATETIME: {"timestamptz"},
    Kind.JSON: {"jsonb"},
    Kind.ENUM: {"text", "int2"},
    Kind.TEXT_ARRAY: {"_text"},
    Kind.BIGINT: {"int8"},
    Kind.DOUBLE: {"float8"},
    Kind.TIME: {"time"},
    Kind.INTERVAL: {"interval"},
    Kind.UUID_ARRAY: {"_uuid"},
    Kind.INT_ARRAY: {"_int4"},
}
# Functions of a row that see more than the caller does, and so ask for the caller's part themselves.
ASKING_THEMSELVES = {"cost_total", "vote_summary"}
TABLES = [pytest.param(table, id=table.type_name) for table in catalog]


@pytest.mark.parametrize("table", TABLES)
def test_columns(db: psycopg.Connection, table: Table) -> None:
    found = {
        name: (type_, nullable)
        for name, type_, nullable in db.execute(
            """select attname, typname, not attnotnull from pg_catalog.pg_attribute
               join pg_catalog.pg_type on pg_type.oid = atttypid
               where attrelid = %s::regclass and attnum > 0 and not attisdropped
                   and pg_catalog.has_column_privilege('authenticated', attrelid, attnum, 'select')""",
            [f"public.{table.name}"],
        )
    }
    stored = [column for column in table.columns.values() if not column.computed]
    for column in stored:
        type_, nullable = found[column.name]
        assert type_ in SQL_TYPES[column.kind], column.field
        assert column.nullable == nullable, column.field
    assert set(found) == {*(column.name for column in stored), *table.never_selected}


@pytest.mark.parametrize("table", TABLES)
def test_a_unique_key_over_several_columns_names_an_input(db: psycopg.Connection, table: Table) -> None:
    keys = db.execute(
        "select conname from pg_catalog.pg_constraint where contype = 'u' and conrelid = %s::regclass",
        [f"public.{table.name}"],
    ).fetchall()
    writable = {column.field for column in table.columns.values() if column.creatable or column.patchable}
    # Kept by the database alone, so nobody can be told what to correct.
    unwritten = {"collaborators", "invitations", "user_preferences"}
    for (name,) in keys:
        failure = BackendError("23505", f'duplicate key value violates unique constraint "{name}"')
        field = public_error(failure, Caller("ada", "token"), table).extensions.get("field")
        assert field is None if table.name in unwritten else field in writable, name


@pytest.mark.parametrize("table", TABLES)
def test_computed_columns_are_functions_of_the_row(db: psycopg.Connection, table: Table) -> None:
    found = {
        name: (type_, volatility, definer)
        for name, type_, volatility, definer in db.execute(
            """select proname, typname, provolatile, prosecdef from pg_catalog.pg_proc
               join pg_catalog.pg_type on pg_type.oid = prorettype
               where pronamespace = 'public'::regnamespace
                   and proargtypes[0] = %s::regtype and pronargs = 1 and proargnames is null and not proretset
                   and pg_catalog.has_function_privilege('authenticated', pg_proc.oid, 'execute')""",
            [f"public.{table.name}"],
        )
    }
    for column in table.columns.values():
        if column.computed:
            type_, volatility, definer = found[column.name]
            assert type_ in SQL_TYPES[column.kind], column.field
            assert (volatility, definer) == ("s", column.name in ASKING_THEMSELVES), column.field
    named = {column.name for column in table.columns.values() if column.computed} | ({table.search} - {None})
    assert set(found) == named | {each.name for each in table.computed.values()}


@pytest.mark.parametrize("table", TABLES)
def test_unique_keys_are_those_of_the_table(db: psycopg.Connection, table: Table) -> None:
    """A key with a column that nobody may read is nobody's to ask for."""
    readable = {column.name for column in table.columns.values()}
    found = {
        frozenset(columns)
        for (columns,) in db.execute(
            """select array(select attname::text from pg_catalog.pg_attribute
                            where attrelid = indrelid and attnum = any (indkey::int2[]))
               from pg_catalog.pg_index
               where indrelid = %s::regclass and indisunique and indisvalid and not indisprimary
                   and indpred is null and indexprs is null and indnkeyatts = indnatts""",
            [f"public.{table.name}"],
        )
        if set(columns) <= readable
    }
    assert {frozenset(key.columns) for key in table.unique} == found


@pytest.mark.parametrize("table", TABLES)
def test_a_keys_own_column_is_the_caller_by_default(db: psycopg.Connection, table: Table) -> None:
    for key in table.unique:
        if key.own is not None:
            assert key.own in key.columns
            (default,) = db.execute(
                "select column_default from information_schema.columns"
                " where table_schema = 'public' and table_name = %s and column_name = %s",
                [table.name, key.own],
            ).fetchone() or (None,)
            assert default == "auth.uid()"


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
def test_functions_as_fields_are_callable_as_declared(
    db: psycopg.Connection, field: FunctionRows | FunctionValue
) -> None:
    arguments, types, defaults, volatility, definer, returns = (
        db.execute(
            """select proargnames,
               array(select typname::text from unnest(proargtypes) with ordinality as given (type, place)
                     join pg_catalog.pg_type on oid = type order by place),
               pronargdefaults, provolatile, prosecdef, pg_catalog.pg_get_function_result(oid)
           from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname = %s
               and pg_catalog.has_function_privilege('authenticated', oid, 'execute')
               and not pg_catalog.has_function_privilege('anon', oid, 'execute')""",
            [field.function],
        ).fetchone()
        or (None,) * 6
    )
    assert (volatility, definer) == ("s", False)
    assert arguments == [each.name for each in field.parameters]
    required = [each for each in field.parameters if type(None) not in typing.get_args(each.annotation)]
    assert len(required) == len(field.parameters) - defaults
    for parameter, type_ in zip(field.parameters, types, strict=True):
        (plain, *_) = (*(each for each in typing.get_args(parameter.annotation) if each is not type(None)),) or (
            parameter.annotation,
        )
        assert type_ in SQL_TYPES[next(kind for kind, made in PYTHON_TYPES.items() if made is plain)]
    if isinstance(field, FunctionRows):
        assert returns == f"SETOF public.{field.table.name}"
        # Rows that nobody may read as wholes do not embed themselves.
        assert not field.table.hidden_columns
        # PostgREST would take an argument of a column's name for a filter, or the other way round.
        assert not set(arguments) & set(field.table.by_sql_name)
    else:
        # A numeric would pass through a float.
        assert returns in {"integer", "text", "boolean", "uuid", "date", "timestamp with time zone"}
    assert field.function in FUNCTIONS


@pytest.mark.parametrize("table", TABLES)
def test_hidden_columns_are_declared(db: psycopg.Connection, table: Table) -> None:
    (readable,) = db.execute(
        "select pg_catalog.has_table_privilege('authenticated', %s, 'select')", [f"public.{table.name}"]
    ).fetchone() or (None,)
    assert table.hidden_columns is not readable


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
    assert name in FUNCTIONS
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


@pytest.mark.parametrize("table", [pytest.param(table, id=table.type_name) for table in catalog if table.search])
def test_search_looks_through_words(db: psycopg.Connection, table: Table) -> None:
    db.execute("set local search_path to public")
    row = sql.Identifier("public", table.name)
    search = sql.SQL("select row.{} from {} as row limit 0").format(sql.Identifier(str(table.search)), row)
    (column,) = db.execute(search).description or ()
    assert column.type_display == "tsvector"


@pytest.mark.parametrize("table", TABLES)
def test_relations_follow_foreign_keys(db: psycopg.Connection, table: Table) -> None:
    keys = db.execute(
        """select conrelid::regclass::text, attname, confrelid::regclass::text from pg_catalog.pg_constraint
           join pg_catalog.pg_attribute on attrelid = conrelid and attnum = conkey[1]
           where contype = 'f' and cardinality(conkey) = 1"""
    ).fetchall()
    for relation in table.relations.values():
        here, there = f"public.{table.name}", f"public.{catalog[relation.target].name}"
        key = (there, relation.via, here) if relation.many or relation.theirs else (here, relation.via, there)
        assert key in keys, relation.field


@pytest.mark.parametrize("table", TABLES)
def test_choices_are_those_of_the_check(db: psycopg.Connection, table: Table) -> None:
    for column in table.columns.values():
        if column.choices is None:
            continue
        (definition,) = db.execute(
            "select pg_catalog.pg_get_constraintdef(oid) from pg_catalog.pg_constraint where conname = %s",
            [f"{table.name}_{column.name}_check"],
        ).fetchone() or ("",)
        numbers = isinstance(column.choices[0][0], int)
        allowed = set(re.findall(r"-?\d+" if numbers else r"'(\w+)'::text", definition))
        assert allowed == {str(value) for value, _ in column.choices}, column.field


@pytest.mark.parametrize("table", TABLES)
def test_what_may_be_written_is_what_is_granted(db: psycopg.Connection, table: Table) -> None:
    for column in table.columns.values():
        if column.computed:
            assert not column.creatable, column.field
            assert not column.patchable, column.field
            continue
        for offered, privilege in ((column.creatable, "insert"), (column.patchable, "update")):
            (granted,) = db.execute(
                "select pg_catalog.has_column_privilege('authenticated', %s, %s, %s)",
                [f"public.{table.name}", column.name, privilege],
            ).fetchone() or (None,)
            may_insert = privilege == "update" or table.name not in {"profiles", "user_preferences"}
            assert not offered or not may_insert or granted, (column.field, privilege)


@pytest.mark.parametrize("table", TABLES)
def test_what_an_input_may_leave_out_has_a_default(db: psycopg.Connection, table: Table) -> None:
    for column in table.columns.values():
        if column.creatable and not column.nullable and not column.required and table.name not in {"profiles"}:
            (has_default,) = db.execute(
                "select atthasdef from pg_catalog.pg_attribute where attrelid = %s::regclass and attname = %s",
                [f"public.{table.name}", column.name],
            ).fetchone() or (False,)
            assert has_default, column.field


def test_every_public_table_is_mapped(db: psycopg.Connection) -> None:
    found = {name for (name,) in db.execute("select tablename from pg_catalog.pg_tables where schemaname = 'public'")}
    assert found == {table.name for table in catalog}

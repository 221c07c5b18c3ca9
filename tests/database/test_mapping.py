"""The GraphQL types say of the database what the database says of itself."""

import re

import psycopg
import pytest

import tripgate.gateway.schema  # noqa: F401 - declares every type
from gql.table import Kind, Table, catalog

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
}
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
    for column in table.columns.values():
        type_, nullable = found[column.name]
        assert type_ in SQL_TYPES[column.kind], column.field
        assert column.nullable == nullable, column.field
    assert set(found) == {column.name for column in table.columns.values()}


@pytest.mark.parametrize("table", TABLES)
def test_relations_follow_foreign_keys(db: psycopg.Connection, table: Table) -> None:
    keys = db.execute(
        """select conrelid::regclass::text, attname, confrelid::regclass::text from pg_catalog.pg_constraint
           join pg_catalog.pg_attribute on attrelid = conrelid and attnum = conkey[1]
           where contype = 'f' and cardinality(conkey) = 1"""
    ).fetchall()
    for relation in table.relations.values():
        here, there = f"public.{table.name}", f"public.{catalog[relation.target].name}"
        key = (there, relation.via, here) if relation.many else (here, relation.via, there)
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

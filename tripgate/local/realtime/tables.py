"""What the database says of a table and of values: who may read which column, values as JSON, filters.

Values travel as text and are cast by Postgres itself, so that they look as `to_jsonb` shows them and compare as their
type does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from tripgate.local.realtime.bindings import ANY, OPERATORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tripgate.local.realtime.bindings import Binding, Filter
    from tripgate.local.realtime.database import Connection

PUBLICATION = "supabase_realtime"

_COLUMNS = """
    select
        format('%%I.%%I', n.nspname, c.relname), c.relrowsecurity, a.attname, t.typname, a.atttypid::regtype::text,
        has_column_privilege(%s, c.oid, a.attnum, 'select'), a.attnum = any(coalesce(p.conkey, '{}'))
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_constraint p on p.conrelid = c.oid and p.contype = 'p'
    where c.oid = %s
    order by a.attnum
"""
_PUBLISHED = """
    select format('%%I.%%I', schemaname, tablename)::regclass::oid from pg_publication_tables
    where pubname = %s and %s in ('*', schemaname::text) and %s in ('*', tablename::text)
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as one role sees it. `type` is what a cast names."""

    name: str
    type_name: str
    type: str
    readable: bool
    primary: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table as one role sees it. `entity` is its quoted name."""

    entity: str
    row_security: bool
    columns: dict[str, Column]

    @property
    def primary(self) -> list[Column]:
        """The columns of the primary key."""
        return [column for column in self.columns.values() if column.primary]


async def describe(connection: Connection, oid: int, role: str) -> Table | None:
    """The table as `role` sees it, None if it is gone. Raises psycopg.Error for an unknown role."""
    rows: list[tuple[Any, ...]] = await (await connection.execute(_COLUMNS, (role, oid))).fetchall()
    if not rows:
        return None
    columns = (Column(*row[2:]) for row in rows)
    return Table(rows[0][0], rows[0][1], {column.name: column for column in columns})


async def published(connection: Connection, binding: Binding) -> list[int]:
    """The published tables that a binding names."""
    cursor = await connection.execute(_PUBLISHED, (PUBLICATION, binding.schema, binding.table))
    rows: list[tuple[Any, ...]] = await cursor.fetchall()
    return [row[0] for row in rows]


async def as_json(connection: Connection, values: Sequence[tuple[Column, str | None]]) -> list[str]:
    """Each value as JSON text. Raises psycopg.Error."""
    if not values:
        return []
    parts = [
        sql.SQL("coalesce(to_jsonb({})::text, 'null')").format(_cast("text" if column.type == "bytea" else column.type))
        for column, _ in values
    ]
    row = await _one(connection, parts, [value for _, value in values])
    return [str(value) for value in row]


async def passes(
    connection: Connection, table: Table, filters: Sequence[Filter], values: Mapping[str, str | None]
) -> list[bool]:
    """Which filters a row meets; one on a column that it does not have, none. Raises psycopg.Error."""
    parts: list[sql.Composable] = []
    parameters: list[str | None] = []
    for item in filters:
        column = table.columns.get(item.column)
        if column is None or item.column not in values:
            parts.append(sql.SQL("false"))
        else:
            parts.append(_condition(item, column))
            parameters += [values[item.column], *_operand(item)]
    return [bool(value) for value in await _one(connection, parts, parameters)] if parts else []


async def check(connection: Connection, table: Table, item: Filter) -> None:
    """Try a filter without a row. Raises psycopg.Error for what Postgres cannot compare, ValueError for the rest."""
    column = table.columns.get(item.column)
    if column is None or not column.readable:
        raise ValueError(f"invalid column for filter {item.column}")
    if item.operator == "in":
        count = await _one(connection, [sql.SQL("cardinality({})").format(_cast(column.type + "[]"))], [item.value])
        if count[0] > 100:
            raise ValueError("too many values for `in` filter. Maximum 100")
    # Compared with itself: that compiles a pattern.
    left = None if item.operator in {"in", "is"} else item.value
    await _one(connection, [_condition(item, column)], [left, *_operand(item)])


def _condition(item: Filter, column: Column) -> sql.Composable:
    left, operator = _cast(column.type), sql.SQL(OPERATORS[item.operator])
    if item.operator == "is":
        test = sql.SQL("({} is {})").format(left, sql.SQL(item.value))
    else:
        right = _cast(column.type + "[]" if item.operator == "in" else column.type)
        test = sql.SQL("({} {} ({}))").format(left, operator, right)
    return sql.SQL("coalesce({} {}, false)").format(sql.SQL("not" if item.negated else ""), test)


def _operand(item: Filter) -> list[str]:
    return [] if item.operator == "is" else [item.value]


def _cast(type_: str) -> sql.Composable:
    """A parameter of this type; the name is the database's own, quoted where it needs to be."""
    return sql.SQL("%s::text::" + type_.replace("%", "%%"))


async def _one(connection: Connection, parts: Sequence[sql.Composable], parameters: Sequence[Any]) -> tuple[Any, ...]:
    query = sql.SQL("select {}").format(sql.SQL(", ").join(parts))
    (row,) = await (await connection.execute(query, parameters)).fetchall()
    return row


def matches(binding: Binding, schema: str, table: str, action: str) -> bool:
    """Whether a binding is about such a change."""
    return binding.action in {ANY, action} and binding.schema in {ANY, schema} and binding.table in {ANY, table}

"""What a document means, worked out the plain way: graphql-core visits the fields, each is resolved by itself, in SQL.

Slow and simple on purpose: it shares the declared tables with the gateway, and nothing of how that collects, plans,
embeds or shapes. What has been read is kept for one document, in whose transaction it cannot change.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo, GraphQLSchema, build_schema, execute_sync, parse

from gql.catalog import catalog
from gql.table import Column, Computed, Kind, Table, by_function
from tripgate.gateway.schema import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg


@cache
def written_schema() -> GraphQLSchema:
    """The schema as its text alone, without the program behind it: custom scalars and enums pass as they are."""
    return build_schema(schema().as_str())


PAGE_SIZE = 20
OPERATORS = {
    "eq": "{} = {}",
    "neq": "{} <> {}",
    "distinctFrom": "{} is distinct from {}",
    "gt": "{} > {}",
    "gte": "{} >= {}",
    "lt": "{} < {}",
    "lte": "{} <= {}",
    "startsWith": "starts_with({}, {})",
    "contains": "strpos({}, {}) > 0",
}
COMPUTED_IN_PYTHON = {"isOver": "t.end_date < (now() at time zone 'UTC' - interval '12 hours')::date"}
# Selected as text, as JSON writes it; of the others psycopg makes what JSON knows.
AS_TEXT = {Kind.NUMERIC, Kind.BIGINT, Kind.UUID, Kind.DATE}


@dataclass(frozen=True)
class Test:
    """A condition in SQL and its parameters."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Row:
    """A row, its stored columns by their SQL names."""

    table: Table
    values: dict[str, Any]

    @property
    def itself(self) -> Test:
        """What holds of this row alone."""
        return Test("t.id = %s", (self.values["id"],))


@dataclass(frozen=True)
class Connection:
    """The rows for which a condition holds, and the arguments that make a page of them."""

    table: Table
    where: Test
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Aggregate:
    """What is computed over rows: `aggregate` itself, and with a function's name the object below."""

    table: Table
    where: Test
    function: str | None = None


class Reference:
    """Answers documents as one person.

    Args:
        database: A connection of an administrator; each document is answered in a transaction as that person.
        person: The person's id.
    """

    def __init__(self, database: psycopg.Connection, person: str) -> None:
        self._database = database
        self._person = person
        self._kept: dict[tuple[str, str], list[tuple[Any, ...]]] = {}

    def answer(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The data, keys in the order that the specification asks for."""
        self._kept = {}
        with self._database.transaction():
            self._database.execute(
                "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
                [json.dumps({"sub": self._person, "role": "authenticated"})],
            )
            result = execute_sync(
                written_schema(),
                parse(document),
                variable_values=variables,
                field_resolver=self._field,
                type_resolver=lambda row, *_: row.table.type_name,
            )
        if result.errors:
            raise result.errors[0].original_error or result.errors[0]
        assert result.data is not None
        return result.data

    def _field(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        name = info.field_name
        match source:
            case None:
                return self._root(name, arguments)
            case Row():
                return self._of_row(source, name, arguments)
            case Connection():
                return self._of_connection(source, name)
            case Aggregate():
                return self._of_aggregate(source, name)
            case _:
                return source[name]  # a plain object: an edge, `pageInfo`, or what SQL computes

    def _root(self, name: str, arguments: dict[str, Any]) -> Any:
        for table in catalog:
            if name == table.plural:
                return Connection(table, Test("true"), arguments)
            if name == table.singular:
                return self._one(table, Test("t.id = %s", (arguments["id"],)))
        match name:
            case "viewer":
                return self._one(catalog["Profile"], Test("t.id = %s", (self._person,)))
            case "myPreferences":
                return self._one(catalog["UserPreferences"], Test("t.user_id = %s", (self._person,)))
            case "node":
                return self._node(arguments["nodeId"])
            case _:
                assert name == "nodes"
                return [self._node(each) for each in arguments["nodeIds"]]

    def _node(self, node_id: str) -> Row | None:
        type_name, key = base64.urlsafe_b64decode(node_id + "=" * (-len(node_id) % 4)).decode().split(":")
        return self._one(catalog[type_name], Test("t.id = %s", (key,)))

    def _of_row(self, row: Row, name: str, arguments: dict[str, Any]) -> Any:
        table = row.table
        if name == "nodeId":
            return base64.urlsafe_b64encode(f"{table.type_name}:{row.values['id']}".encode()).decode().rstrip("=")
        if (relation := table.relations.get(name)) is not None:
            target = catalog[relation.target]
            if (function := by_function(relation.via)) is not None:
                found = f"select f.id from public.{table.name} r, public.{function}(r) f where r.id = %s"
                related = Test(f"t.id in ({found})", (row.values["id"],))
                return Connection(target, related, arguments) if relation.many else self._one(target, related)
            if relation.many:
                return Connection(target, Test(f"t.{relation.via} = %s", (row.values["id"],)), arguments)
            return self._one(target, Test("t.id = %s", (row.values[relation.via],)))
        if (column := table.columns.get(name)) is not None:
            value = (
                row.values[column.name] if not column.computed else self._value(table, row.itself, _selected(column))
            )
            return value if value is None or column.enum is None else column.enum(value).name
        if (computed := table.computed.get(name)) is not None:
            found = self._value(table, row.itself, f"public.{computed.name}(t)")
            return None if found is None else _of_computed(computed, found)
        return self._value(table, row.itself, COMPUTED_IN_PYTHON[name])

    def _of_connection(self, connection: Connection, name: str) -> Any:
        table, arguments = connection.table, connection.arguments
        where = _both(connection.where, _filter(table, arguments.get("filter") or {}))
        first, last, offset = arguments.get("first"), arguments.get("last"), arguments.get("offset") or 0
        size = first if first is not None else last if last is not None else PAGE_SIZE
        if name == "totalCount":
            return self._value(table, where, "count(*)")
        if name == "aggregate":
            return Aggregate(table, where)
        # All rows in their order, and a page cut out of them.
        rows = self._rows(table, where, _order(table, arguments.get("orderBy") or []))
        start = max(len(rows) - size, 0) if last is not None else offset
        page = rows[start : start + size]
        match name:
            case "nodes":
                return page
            case "edges":
                return [{"node": row} for row in page]
            case _:
                assert name == "pageInfo"
                return {"hasNextPage": start + size < len(rows), "hasPreviousPage": start > 0}

    def _of_aggregate(self, aggregate: Aggregate, name: str) -> Any:
        table, where = aggregate.table, aggregate.where
        if aggregate.function is None:
            return self._value(table, where, "count(*)") if name == "count" else Aggregate(table, where, name)
        column = table.columns[name]
        value = f"{aggregate.function}({_read(column)})"
        if aggregate.function in {"sum", "avg"}:
            return self._value(table, where, f"{value}::text")
        return self._value(table, where, _as_selected(column, value))

    def _one(self, table: Table, where: Test) -> Row | None:
        rows = self._rows(table, where, "t.id")
        return rows[0] if rows else None

    def _rows(self, table: Table, where: Test, order: str) -> list[Row]:
        columns = {column.name: _selected(column) for column in table.columns.values() if not column.computed}
        found = self._run(
            f"{', '.join(columns.values())} from public.{table.name} t where {where.sql} order by {order}", where
        )
        return [Row(table, dict(zip(columns, each, strict=True))) for each in found]

    def _value(self, table: Table, where: Test, expression: str) -> Any:
        ((value,),) = self._run(f"{expression} from public.{table.name} t where {where.sql}", where)
        return value

    def _run(self, query: str, where: Test) -> list[tuple[Any, ...]]:
        place = (query, repr(where.values))
        if place not in self._kept:
            self._kept[place] = self._database.execute(f"select {query}".encode(), where.values).fetchall()
        return self._kept[place]


def _read(column: Column) -> str:
    return f"public.{column.name}(t)" if column.computed else f"t.{column.name}"


def _selected(column: Column) -> str:
    return _as_selected(column, _read(column))


def _as_selected(column: Column, value: str) -> str:
    if column.kind is Kind.DATETIME:
        return f"to_json({value})"
    return f"{value}::text" if column.kind in AS_TEXT else value


def _of_computed(computed: Computed, found: Any) -> dict[str, Any]:
    """The object that a function computes, with the names of enums; and those inside."""
    made = {field: _named(found[key], choices) for field, (key, choices) in computed.keys.items()}
    for name, inside in computed.objects.items():
        value = found[inside.name]
        if inside.many:
            made[name] = [_of_computed(inside, each) for each in value]
        else:
            made[name] = None if value is None else _of_computed(inside, value)
    return made


def _named(value: Any, choices: Sequence[tuple[str | int, str]] | None) -> Any:
    return value if value is None or choices is None else dict(choices)[value]


def _order(table: Table, order_by: list[dict[str, str]]) -> str:
    keys = [
        f"{_read(table.columns[field])} {direction.replace('_', ' ')}"
        for entry in order_by
        for field, direction in entry.items()
    ]
    default = [
        f"t.{key.column} {'desc' if key.descending else 'asc'} nulls {'first' if key.nulls_first else 'last'}"
        for key in table.default_order
    ]
    return ", ".join([*(keys or default), "t.id"])


def _both(one: Test, other: Test) -> Test:
    return Test(f"({one.sql}) and ({other.sql})", one.values + other.values)


def _filter(table: Table, filter_: dict[str, Any]) -> Test:
    return _joined(" and ", "true", [_part(table, name, value) for name, value in filter_.items()])


def _part(table: Table, name: str, value: Any) -> Test:
    match name:
        case "and":
            return _joined(" and ", "true", [_filter(table, each) for each in value])
        case "or":
            return _joined(" or ", "false", [_filter(table, each) for each in value])
        case "not":
            inner = _filter(table, value)
            return Test(f"not ({inner.sql})", inner.values)
    column = table.columns[name]
    return _joined(" and ", "true", [_operator(column, operator, given) for operator, given in value.items()])


def _operator(column: Column, operator: str, given: Any) -> Test:
    read = _read(column)
    match operator:
        case "isNull":
            return Test(f"{read} is {'' if given else 'not '}null")
        case "in" | "notIn":
            values = tuple(_sql_value(column, each) for each in given)
            found = f"{read} in ({', '.join(['%s'] * len(values))})" if values else "false"
            return Test(f"not ({found})" if operator == "notIn" else found, values)
        case _:
            return Test(OPERATORS[operator].format(read, "%s"), (_sql_value(column, given),))


def _sql_value(column: Column, given: Any) -> Any:
    return given if column.enum is None else column.enum[given].value


def _joined(word: str, none: str, parts: list[Test]) -> Test:
    return Test(
        word.join(f"({part.sql})" for part in parts) or none, tuple(value for part in parts for value in part.values)
    )

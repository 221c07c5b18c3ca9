"""Derive the types that follow from a table: connections, filters, orders, inputs and patches.

Every function is memoised by name, so one GraphQL type stays one class, and types may refer to each other in a circle.
"""

import datetime as dt
import decimal
import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from gql.descriptions import describe
from gql.late import LateField, NotYetDeclaredError, list_of, object_type, optional
from gql.scalars import JSON
from gql.table import Column, Kind, Table, catalog

_PYTHON_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.UUID: uuid.UUID,
    Kind.INT: int,
    Kind.NUMERIC: decimal.Decimal,
    Kind.BOOLEAN: bool,
    Kind.DATE: dt.date,
    Kind.DATETIME: dt.datetime,
    Kind.JSON: JSON,
}
_FILTER_NAMES: dict[Kind, str] = {
    Kind.TEXT: "StringFilter",
    Kind.UUID: "UUIDFilter",
    Kind.INT: "IntFilter",
    Kind.NUMERIC: "DecimalFilter",
    Kind.BOOLEAN: "BooleanFilter",
    Kind.DATE: "DateFilter",
    Kind.DATETIME: "DateTimeFilter",
}


@strawberry.enum(description="The direction of one key of an order. Without a place for nulls they count as largest.")
class OrderDirection(Enum):
    """Which way a key runs and where its nulls go."""

    ASC = "asc"
    DESC = "desc"
    ASC_NULLS_FIRST = "asc nulls first"
    ASC_NULLS_LAST = "asc nulls last"
    DESC_NULLS_FIRST = "desc nulls first"
    DESC_NULLS_LAST = "desc nulls last"


@strawberry.type(description="Where a page lies among all rows, after the Relay cursor connections specification.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether more rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows precede this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the page's first row.")
    end_cursor: str | None = strawberry.field(description="The cursor of the page's last row.")


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a derived type: its annotation, worked out late, and its description."""

    annotation: Callable[[], Any]
    description: str | None


def _make(name: str, fields: dict[str, _Field], description: str, decorate: Callable[..., type]) -> type:
    """Build a Strawberry type of these fields, their GraphQL names given as they are."""
    if name in _in_progress:
        raise NotYetDeclaredError(name)
    _in_progress.add(name)
    try:
        body: dict[str, Any] = {
            _python_name(key): LateField(
                field.annotation, graphql_name=key, description=field.description, default=UNSET
            )
            for key, field in fields.items()
        }
        made = type(name, (), {"__annotations__": dict.fromkeys(body, Any), "__module__": __name__, **body})
        return decorate(made, description=description)
    finally:
        _in_progress.discard(name)


_in_progress: set[str] = set()


def _python_name(key: str) -> str:
    return f"{key}_" if key in {"and", "or", "not", "in"} else key


def annotation_of(column: Column) -> Any:
    """The Python type of a column's values, never null."""
    return column.enum if column.enum is not None else _PYTHON_TYPES[column.kind]


@functools.cache
def connection_type(type_name: str) -> type:
    """`<Type>Connection` and its edge type."""
    edge = _make(
        f"{type_name}Edge",
        {
            "cursor": _Field(lambda: str, "Marks this row's place in this order; give it as `after` or `before`."),
            "node": _Field(lambda: object_type(type_name), "The row."),
        },
        f"One row of a `{type_name}Connection` and its cursor.",
        strawberry.type,
    )
    return _make(
        f"{type_name}Connection",
        {
            "edges": _Field(lambda: list_of(edge), "The page's rows with their cursors."),
            "nodes": _Field(lambda: list_of(object_type(type_name)), "The page's rows."),
            "pageInfo": _Field(lambda: PageInfo, "Where this page lies among all rows."),
            "totalCount": _Field(
                lambda: int, "How many rows match the filter on all pages; counted only when asked for."
            ),
        },
        f"A page of `{type_name}` rows.",
        strawberry.type,
    )


@strawberry.enum(description="What happened. RESYNC: something may have been missed, so read anew.")
class ChangeOperation(Enum):
    """What a subscription's event tells."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    RESYNC = "RESYNC"


@functools.cache
def change_type(type_name: str) -> type:
    """`<Type>Change`: one event of a subscription."""
    return _make(
        f"{type_name}Change",
        {
            "operation": _Field(lambda: ChangeOperation, "What happened."),
            "id": _Field(lambda: optional(uuid.UUID), "The row's key; null with RESYNC."),
            "occurredAt": _Field(lambda: dt.datetime, "When it happened."),
            catalog[type_name].singular: _Field(
                lambda: optional(object_type(type_name)),
                "The row as it is now; null once it is deleted, and with RESYNC.",
            ),
        },
        f"A change of a `{type_name}`.",
        strawberry.type,
    )


@functools.cache
def presence_type(name: str, person: str, description: str) -> type:
    """An event that tells who is there, who came and who went."""
    people = lambda: list_of(object_type(person))  # noqa: E731 - the same annotation three times
    return _make(
        name,
        {
            "people": _Field(people, "Everyone who is there now."),
            "joined": _Field(people, "Who came since the last event."),
            "left": _Field(people, "Who went since the last event."),
        },
        description,
        strawberry.type,
    )


@functools.cache
def filter_type(type_name: str) -> type:
    """`<Type>Filter`: an operator object a column, with `and`, `or`, `not`."""
    table = catalog[type_name]
    fields = {
        column.field: _Field(_filter_of(column), describe(table.name, column.name))
        for column in table.columns.values()
        if column.kind is not Kind.JSON
    }
    fields["and"] = _Field(lambda: optional(list_of(filter_type(type_name))), "All of these hold.")
    fields["or"] = _Field(
        lambda: optional(list_of(filter_type(type_name))), "At least one of these holds; none of none."
    )
    fields["not"] = _Field(lambda: optional(filter_type(type_name)), "This does not hold.")
    return _make(
        f"{type_name}Filter",
        fields,
        f"Which `{type_name}` rows to take. Fields of one object hold together.",
        strawberry.input,
    )


def _filter_of(column: Column) -> Callable[[], Any]:
    return lambda: optional(operators_type(column.kind, column.enum))


@functools.cache
def operators_type(kind: Kind, enum: type[Enum] | None) -> type:
    """The operators that make sense for a kind of column, as in `StringFilter`."""
    value = enum if enum is not None else _PYTHON_TYPES[kind]
    one = _Field(lambda: optional(value), None)
    fields = {
        "eq": _described(one, "Equals."),
        "neq": _described(one, "Differs; null does not differ, as in SQL."),
    }
    if kind.ordered:
        fields |= {
            "gt": _described(one, "Is greater."),
            "gte": _described(one, "Is greater or equal."),
            "lt": _described(one, "Is less."),
            "lte": _described(one, "Is less or equal."),
        }
    if kind is not Kind.BOOLEAN:
        fields["in"] = _Field(lambda: optional(list_of(value)), "Is one of these.")
    if kind is Kind.TEXT:
        wildcards = "`%` stands for any text, `_` for one character, `\\` takes the next character as it is."
        fields["like"] = _described(one, f"Matches the pattern. {wildcards}")
        fields["ilike"] = _described(one, f"Matches the pattern in any case. {wildcards}")
    fields["isNull"] = _Field(lambda: optional(bool), "Is null, or with `false` is not.")
    name = f"{enum.__name__}Filter" if enum is not None else _FILTER_NAMES[kind]
    return _make(name, fields, "Operators on one column; all that are given hold together.", strawberry.input)


def _described(field: _Field, description: str) -> _Field:
    return _Field(field.annotation, description)


@functools.cache
def order_type(type_name: str) -> type:
    """`<Type>Order`: one key of an order, a `@oneOf` input."""
    table = catalog[type_name]
    fields = {
        column.field: _Field(lambda: optional(OrderDirection), describe(table.name, column.name))
        for column in table.columns.values()
        if column.kind is not Kind.JSON
    }
    one_of = functools.partial(strawberry.input, one_of=True)
    return _make(f"{type_name}Order", fields, f"One key of an order of `{type_name}` rows.", one_of)


@functools.cache
def create_type(type_name: str) -> type:
    """`Create<Type>Input`: what has no sensible default is required."""
    table = catalog[type_name]
    fields = {
        column.field: _Field(_input_of(column, required=column.required), describe(table.name, column.name))
        for column in table.columns.values()
        if column.creatable
    }
    return _make(f"Create{type_name}Input", fields, f"A new `{type_name}`.", strawberry.input)


@functools.cache
def patch_type(type_name: str) -> type:
    """`<Type>Patch`: absent means unchanged, null means null."""
    table = catalog[type_name]
    fields = {
        column.field: _Field(_input_of(column, required=False), describe(table.name, column.name))
        for column in table.columns.values()
        if column.patchable
    }
    description = f"Changes to a `{type_name}`. A field left out stays as it is; null makes it null."
    return _make(f"{type_name}Patch", fields, description, strawberry.input)


def _input_of(column: Column, *, required: bool) -> Callable[[], Any]:
    annotation = annotation_of(column)
    return lambda: annotation if required else optional(annotation)


def argument(name: str, annotation: Any, description: str) -> StrawberryArgument:
    """One argument of a derived field; optional when its annotation is."""
    return StrawberryArgument(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(annotation),
        description=description,
        default=UNSET,
    )


def row_argument(name: str, description: str) -> StrawberryArgument:
    """A required argument that names a row by its key."""
    return argument(name, uuid.UUID, description)


def key_argument() -> StrawberryArgument:
    """`id`, the key of the row that is meant."""
    return row_argument("id", "The row's key.")


def connection_arguments(type_name: str) -> list[StrawberryArgument]:
    """What every connection takes: filter, order and a page forwards, backwards or by offset."""
    return [
        argument("filter", optional(filter_type(type_name)), "Which rows."),
        argument("orderBy", optional(list_of(order_type(type_name))), "The order's keys, the first one weighing most."),
        argument("first", optional(int), "At most this many rows from the start, or after `after`."),
        argument("after", optional(str), "Only rows behind this cursor."),
        argument("last", optional(int), "At most this many rows from the end, or before `before`."),
        argument("before", optional(str), "Only rows ahead of this cursor."),
        argument("offset", optional(int), "Skip this many rows; cursors are faster and steadier."),
    ]


def relation_field(target: str, *, many: bool, description: str) -> StrawberryField:
    """The field of a relation: the row or null, or a connection."""
    if many:
        return LateField(
            lambda: connection_type(target),
            lambda: connection_arguments(target),
            description=description,
            default=UNSET,
        )
    return LateField(lambda: optional(object_type(target)), description=description, default=UNSET)


def object_field(target: type, *, description: str) -> StrawberryField:
    """The field of a computed object, which is always there."""
    return LateField(lambda: target, description=description, default=UNSET)


def tables() -> list[Table]:
    """Every mapped table, in order of declaration."""
    return cast(list[Table], list(catalog))

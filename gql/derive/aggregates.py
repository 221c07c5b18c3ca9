"""Types of what is computed over many rows: the aggregates of a connection, and groups."""

import decimal
import functools
import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import strawberry
from strawberry.types.arguments import StrawberryArgument

from gql.catalog import catalog
from gql.derive.filters import filter_type
from gql.derive.type_builder import Field, annotation_of, argument, rows_type
from gql.descriptions import describe
from gql.forward_types import NotYetDeclaredError, list_of, optional
from gql.table import Column, Kind, Table

_FUNCTIONS = {
    "sum": "The sums of",
    "avg": "The averages of",
    "min": "The least values of",
    "max": "The greatest values of",
}


@functools.cache
def aggregate_type(type_name: str) -> type:
    """`<Type>Aggregate`: how many rows there are, and what is computed over their columns."""
    return rows_type(
        type_name,
        f"{type_name}Aggregate",
        _computed(_table(type_name)),
        f"What is computed over all `{type_name}` rows that match a filter, whatever the page.",
    )


def _table(type_name: str) -> Table:
    table = catalog.get(type_name)
    if table is None:
        raise NotYetDeclaredError(type_name)
    return table


def _computed(table: Table) -> dict[str, Field]:
    """`count`, and as far as the table has columns for them `sum`, `avg`, `min` and `max`."""
    fields = {"count": Field(lambda: int, "How many rows there are.")}
    for name, words in _FUNCTIONS.items():
        made = _function_type(table.type_name, name)
        if made is not None:
            fields[name] = Field(_always(made), f"{words} columns, null where every value is null.")
    return fields


@functools.cache
def _function_type(type_name: str, function: str) -> type | None:
    """`<Type>Sum` and its like; `None` for a table without a column that the function takes."""
    table = catalog[type_name]
    adds = function in {"sum", "avg"}
    fields = {
        column.field: Field(
            # A sum or a fraction may outgrow the column's own type, unless that is a float.
            _always(optional(decimal.Decimal if adds and column.kind is not Kind.DOUBLE else annotation_of(column))),
            describe(table.name, column.name),
        )
        for column in table.columns.values()
        if (column.kind.summable if adds else column.kind.ordered)
    }
    if not fields:
        return None
    description = f"{_FUNCTIONS[function]} columns over several `{type_name}` rows."
    return rows_type(type_name, f"{type_name}{function.capitalize()}", fields, description)


@functools.cache
def group_type(type_name: str) -> type:
    """`<Type>Group`: rows that agree in what they are grouped by."""
    table = catalog[type_name]
    key = rows_type(
        type_name,
        f"{type_name}GroupFields",
        {
            column.field: Field(_always(optional(annotation_of(column))), describe(table.name, column.name))
            for column in groupable(table)
        },
        f"What the `{type_name}` rows of a group agree in; fields that they are not grouped by are null.",
    )
    return rows_type(
        type_name,
        f"{type_name}Group",
        {"key": Field(_always(key), "What the group's rows agree in."), **_computed(table)},
        f"A group of `{type_name}` rows that agree in some fields, and what is computed over them.",
    )


@functools.cache
def group_key_type(type_name: str) -> type[Enum]:
    """`<Type>GroupKey`: the fields to group by, as an enum whose values are the fields' names."""
    table = catalog[type_name]
    names = {_screaming(column.field): column for column in groupable(table)}
    members = {
        name: strawberry.enum_value(column.field, description=describe(table.name, column.name))
        for name, column in names.items()
    }
    make_enum: Any = Enum  # its members are known only now, which a type checker does not expect
    made: type[Enum] = make_enum(f"{type_name}GroupKey", members)
    return strawberry.enum(made, description=f"A field that `{type_name}` rows can be grouped by.")


def groupable(table: Table) -> Iterable[Column]:
    """The columns to group by; not the key, in which no two rows agree."""
    return [column for column in table.columns.values() if column.kind.groupable and column.name != table.primary_key]


def group_arguments(type_name: str) -> list[StrawberryArgument]:
    """What grouped fields take: by which fields, which rows, and a page of groups."""
    return [
        argument("by", list_of(group_key_type(type_name)), "What to group by; groups are ordered by these fields."),
        argument("filter", optional(filter_type(type_name)), "Which rows."),
        argument("first", optional(int), "At most this many groups; without it as many as a page may ever have."),
        argument("offset", optional(int), "Skip this many groups."),
    ]


def _always(annotation: Any) -> Callable[[], Any]:
    return lambda: annotation


def _screaming(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()

"""Types that say which rows and in which order."""

import functools
from collections.abc import Callable
from enum import Enum
from typing import Any

import strawberry

from gql.derive.making import PYTHON_TYPES, Field, make
from gql.descriptions import describe
from gql.late import list_of, optional
from gql.table import Column, Kind, catalog

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


@functools.cache
def filter_type(type_name: str) -> type:
    """`<Type>Filter`: an operator object a column, with `and`, `or`, `not`."""
    table = catalog[type_name]
    fields = {
        column.field: Field(_filter_of(column), describe(table.name, column.name))
        for column in table.columns.values()
        if column.kind is not Kind.JSON
    }
    fields["and"] = Field(lambda: optional(list_of(filter_type(type_name))), "All of these hold.")
    fields["or"] = Field(
        lambda: optional(list_of(filter_type(type_name))), "At least one of these holds; none of none."
    )
    fields["not"] = Field(lambda: optional(filter_type(type_name)), "This does not hold.")
    return make(
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
    value = enum if enum is not None else PYTHON_TYPES[kind]
    one = Field(lambda: optional(value), None)
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
        fields["in"] = Field(lambda: optional(list_of(value)), "Is one of these.")
    if kind is Kind.TEXT:
        wildcards = "`%` stands for any text, `_` for one character, `\\` takes the next character as it is."
        fields["like"] = _described(one, f"Matches the pattern. {wildcards}")
        fields["ilike"] = _described(one, f"Matches the pattern in any case. {wildcards}")
    fields["isNull"] = Field(lambda: optional(bool), "Is null, or with `false` is not.")
    name = f"{enum.__name__}Filter" if enum is not None else _FILTER_NAMES[kind]
    return make(name, fields, "Operators on one column; all that are given hold together.", strawberry.input)


def _described(field: Field, description: str) -> Field:
    return Field(field.annotation, description)


@functools.cache
def order_type(type_name: str) -> type:
    """`<Type>Order`: one key of an order, a `@oneOf` input."""
    table = catalog[type_name]
    fields = {
        column.field: Field(lambda: optional(OrderDirection), describe(table.name, column.name))
        for column in table.columns.values()
        if column.kind is not Kind.JSON
    }
    one_of = functools.partial(strawberry.input, one_of=True)
    return make(f"{type_name}Order", fields, f"One key of an order of `{type_name}` rows.", one_of)

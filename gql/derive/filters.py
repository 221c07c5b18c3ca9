"""Types that say which rows and in which order."""

import functools
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import strawberry

from gql.catalog import catalog
from gql.derive.type_builder import PYTHON_TYPES, Field, make_input
from gql.descriptions import describe
from gql.forward_types import list_of, optional
from gql.scalars import JSON
from gql.table import Column, Kind, Relation

_FILTER_NAMES: dict[Kind, str] = {
    Kind.TEXT: "StringFilter",
    Kind.UUID: "UUIDFilter",
    Kind.INT: "IntFilter",
    Kind.NUMERIC: "DecimalFilter",
    Kind.BOOLEAN: "BooleanFilter",
    Kind.DATE: "DateFilter",
    Kind.DATETIME: "DateTimeFilter",
    Kind.JSON: "JSONFilter",
    Kind.TEXT_ARRAY: "StringListFilter",
    Kind.BIGINT: "BigIntFilter",
    Kind.DOUBLE: "FloatFilter",
    Kind.TIME: "TimeFilter",
    Kind.INTERVAL: "IntervalFilter",
    Kind.UUID_ARRAY: "UUIDListFilter",
    Kind.INT_ARRAY: "IntListFilter",
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
    """`<Type>Filter`: an operator object a column, conditions on related rows, `and`, `or`, `not`."""
    table = catalog[type_name]
    fields = {
        column.field: Field(_filter_of(column), describe(table.name, column.name)) for column in table.columns.values()
    }
    fields |= {
        relation.field: _relation_filter(relation)
        for relation in table.relations.values()
        if not catalog.crosses(table, relation)
    }
    if table.search is not None:
        fields["search"] = Field(
            lambda: optional(str),
            'Contains these words, in any of their forms; `"…"` keeps words together, `or` and `-` mean what they say.',
        )
    fields["and"] = Field(lambda: optional(list_of(filter_type(type_name))), "All of these hold.")
    fields["or"] = Field(
        lambda: optional(list_of(filter_type(type_name))), "At least one of these holds; none of none."
    )
    fields["not"] = Field(lambda: optional(filter_type(type_name)), "This does not hold.")
    return make_input(
        f"{type_name}Filter",
        fields,
        f"Which `{type_name}` rows to take. Fields of one object hold together.",
    )


def _filter_of(column: Column) -> Callable[[], Any]:
    return lambda: optional(operators_type(column.kind, column.enum))


def _relation_filter(relation: Relation) -> Field:
    if relation.many:
        return Field(lambda: optional(relation_filter_type(relation.target)), "What holds of the related rows.")
    return Field(
        lambda: optional(filter_type(relation.target)),
        "There is such a row, the caller may see it, and this holds.",
    )


@functools.cache
def relation_filter_type(type_name: str) -> type:
    """`<Type>RelationFilter`: how many of the related rows satisfy a filter."""
    inner = lambda: optional(filter_type(type_name))  # noqa: E731 - the same annotation three times
    return make_input(
        f"{type_name}RelationFilter",
        {
            "some": Field(inner, "At least one satisfies this."),
            "none": Field(inner, "Not one satisfies this."),
            "every": Field(inner, "Not one fails this; so it holds where there is none."),
        },
        f"What holds of related `{type_name}` rows, of those that the caller may see.",
    )


@functools.cache
def operators_type(kind: Kind, enum: type[Enum] | None) -> type:
    """The operators that make sense for a kind of column, as in `StringFilter`."""
    fields = {name: Field(*field) for name, field in _operators(kind, enum)}
    name = f"{enum.__name__}Filter" if enum is not None else _FILTER_NAMES[kind]
    return make_input(name, fields, "Operators on one column; all that are given hold together.")


def _operators(kind: Kind, enum: type[Enum] | None) -> Iterator[tuple[str, tuple[Callable[[], Any], str]]]:
    value = enum if enum is not None else PYTHON_TYPES[kind]
    one, many = lambda: optional(value), lambda: optional(list_of(value))
    if kind is Kind.JSON:
        yield "contains", (one, "Contains these keys with these values, at any depth; of a list, these elements.")
        yield "containedBy", (one, "Has nothing that is not in this.")
        yield "at", (lambda: optional(list_of(JSONPathFilter)), "Has each of these values at its path.")
    else:
        yield "eq", (one, "Equals.")
        yield "neq", (one, "Differs; null does not differ, as in SQL.")
        yield "distinctFrom", (one, "Differs, or is null.")
    if kind.is_list:
        yield "contains", (one, "Has all of these elements.")
        yield "containedBy", (one, "Has no other elements than these.")
        yield "overlaps", (one, "Has at least one of these elements.")
    if kind.ordered:
        yield "gt", (one, "Is greater.")
        yield "gte", (one, "Is greater or equal.")
        yield "lt", (one, "Is less.")
        yield "lte", (one, "Is less or equal.")
    if kind not in {Kind.BOOLEAN, Kind.JSON} and not kind.is_list:
        yield "in", (many, "Is one of these.")
        yield "notIn", (many, "Is none of these; null is not, as in SQL.")
    if kind is Kind.TEXT:
        wildcards = "`%` stands for any text, `_` for one character, `\\` takes the next character as it is."
        yield "like", (one, f"Matches the pattern. {wildcards}")
        yield "ilike", (one, f"Matches the pattern in any case. {wildcards}")
        for name, where in ("contains", "Contains"), ("startsWith", "Starts with"), ("endsWith", "Ends with"):
            yield name, (one, f"{where} this text, in which nothing is a wildcard.")
            yield f"i{name}", (one, f"{where} this text in any case; nothing in it is a wildcard.")
    yield "isNull", (lambda: optional(bool), "Is null, or with `false` is not.")


@strawberry.input(description="A plain value at a path inside a JSON value.")
class JSONPathFilter:
    """One entry of a JSON column's `at`."""

    path: list[str] = strawberry.field(description="The keys that lead to the value, from the outside in.")
    eq: JSON | None = strawberry.field(description="A string, a number, a boolean or null.")


@functools.cache
def order_type(type_name: str) -> type:
    """`<Type>Order`: one key of an order, a `@oneOf` input."""
    table = catalog[type_name]
    fields = {
        column.field: Field(lambda: optional(OrderDirection), describe(table.name, column.name))
        for column in table.columns.values()
        if column.kind is not Kind.JSON and not column.kind.is_list
    }
    for relation in table.relations.values():
        if not relation.many and not catalog.crosses(table, relation):
            fields[relation.field] = _related_order(relation)
    return make_input(f"{type_name}Order", fields, f"One key of an order of `{type_name}` rows.", one_of=True)


def _related_order(relation: Relation) -> Field:
    return Field(
        lambda: optional(order_type(relation.target)),
        "By a key of this related row; null without a visible one.",
    )

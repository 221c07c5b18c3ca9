"""What random documents give as arguments: filters, orders and keys, with values that rows of the seed have."""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLNamedType, get_named_type
from hypothesis import strategies as st

from gql.catalog import catalog
from gql.table import Column, Kind
from tests.differential.reference import written_schema

ADA, BEN = "ada00000-0000-4000-8000-000000000001", "be400000-0000-4000-8000-000000000002"
# Rows of the seed whose keys are known, some of them hidden from Ada, and one that there is not.
KEYS = {
    "Trip": [f"ada00000-0000-4000-8002-00000000000{n}" for n in (1, 2, 3)] + ["be400000-0000-4000-8002-000000000001"],
    "Place": ["ada00000-0000-4000-8001-000000000001", "ada00000-0000-4000-8001-000000000010"],
    "Profile": [ADA, BEN, "00000000-0000-4000-8000-000000000000"],
}
VALUES: dict[Kind, list[Any]] = {
    Kind.TEXT: ["Rome", "Kyoto", "EUR", "Lofoten by car", "Sensō-ji at dusk", "M", ""],
    Kind.UUID: [ADA, BEN, *KEYS["Trip"], *KEYS["Place"]],
    Kind.INT: [-1, 0, 1, 2, 4, 11],
    Kind.NUMERIC: ["0", "14.00", "500", "23170.00", "41.89021"],
    Kind.BOOLEAN: [True, False],
    Kind.DATE: ["2025-12-29", "2026-04-13", "2027-11-14"],
    Kind.DATETIME: ["2026-02-01T19:12:00Z", "2026-06-20T10:30:00+02:00", "2027-11-17T00:30:00Z"],
}
OPERATORS = {"eq", "neq", "distinctFrom", "gt", "gte", "lt", "lte", "in", "notIn", "isNull", "startsWith", "contains"}


class Name(str):
    """What stands in a document without quotes: a name of an enum, a variable."""

    __slots__ = ()


def literal(value: Any) -> str:
    """A value as a document writes it."""
    match value:
        case Name():
            return str(value)
        case dict():
            return f"{{{', '.join(f'{name}: {literal(inner)}' for name, inner in value.items())}}}"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)


# The strategies are kept, since making one takes longer than drawing from it.


@functools.cache
def filters(type_name: str, depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    """Filters by own columns."""
    columns = [column for column in catalog[type_name].columns.values() if column.enum or column.kind in VALUES]
    type_ = written_schema().type_map[f"{type_name}Filter"]
    one = st.sampled_from(columns).flatmap(
        lambda column: st.fixed_dictionaries({column.field: operators(column, input_field(type_, column.field))})
    )
    if not depth:
        return one
    below = filters(type_name, depth - 1)
    both = st.tuples(one, one).map(lambda pair: pair[0] | pair[1])
    return st.one_of(
        one,
        both,
        st.fixed_dictionaries({"and": st.lists(below, max_size=2)}),
        st.fixed_dictionaries({"or": st.lists(below, max_size=3)}),
        st.fixed_dictionaries({"not": below}),
    )


def operators(column: Column, type_: GraphQLNamedType) -> st.SearchStrategy[dict[str, Any]]:
    """An operator on a column, of those that its type offers."""
    assert isinstance(type_, GraphQLInputObjectType)
    value = st.sampled_from([Name(each.name) for each in column.enum] if column.enum else VALUES[column.kind])

    def given(operator: str) -> st.SearchStrategy[Any]:
        if operator == "isNull":
            return st.booleans()
        return st.lists(value, max_size=3) if operator in {"in", "notIn"} else value

    names = sorted(OPERATORS & set(type_.fields))
    return st.sampled_from(names).flatmap(lambda name: st.fixed_dictionaries({name: given(name)}))


def input_field(type_: GraphQLNamedType, name: str) -> GraphQLNamedType:
    """The type of a field of an input."""
    assert isinstance(type_, GraphQLInputObjectType)
    named: GraphQLNamedType = get_named_type(type_.fields[name].type)
    return named


@functools.cache
def orders(type_name: str) -> st.SearchStrategy[list[dict[str, Name]]]:
    """Keys of an order by own columns, none twice."""
    columns = catalog[type_name].columns.values()
    fields = [column.field for column in columns if column.kind not in {Kind.JSON, Kind.TEXT_ARRAY}]
    directions = [f"{way}{nulls}" for way in ("ASC", "DESC") for nulls in ("", "_NULLS_FIRST", "_NULLS_LAST")]
    entry = st.tuples(st.sampled_from(fields), st.sampled_from(directions))
    return st.lists(entry, max_size=2, unique_by=lambda each: each[0]).map(
        lambda entries: [{field: Name(direction)} for field, direction in entries]
    )


@functools.cache
def node_ids() -> st.SearchStrategy[str]:
    """Identifiers across all types."""
    rows = [f"{type_name}:{key}" for type_name, keys in KEYS.items() for key in keys]
    return st.sampled_from([base64.urlsafe_b64encode(row.encode()).decode().rstrip("=") for row in rows])

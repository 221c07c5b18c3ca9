"""Aggregates under tests of related rows, which PostgREST computes in parts.

A test of related rows is part of what PostgREST groups by. So an aggregate is no row when none passes the test, and
several rows when a test may fail and the condition still hold, one for each combination of outcomes. A count of whole
rows is not grouped, but then no test of a relation may show beside it, and it takes the right to read every column.
"""

import dataclasses
from typing import assert_never

from gql.catalog import catalog
from gql.errors import bad_input
from gql.table import Kind, Table
from tripgate.planner.plan import Aggregate, And, Compare, Condition, Function, IsNull, Not, Or, Read, Related
from tripgate.upstream.postgrest.merge import Part


def grouped(read: Read) -> tuple[Read, tuple[Part, ...]]:
    """A read of aggregates as PostgREST can compute it, and how the rows of its answer become one.

    The parts are empty where there is always exactly one row, and for groups, of which there may be any number.

    Raises:
        ApiError: BAD_USER_INPUT for a least or greatest text in several parts, whose order only Postgres knows, and for
            groups in several parts.
    """
    by_key = read.table in catalog.partly_hidden or shows_relations(read.where, inside=True)
    several = splits(read.where)
    if read.columns and several:
        raise bad_input(
            "Rows cannot be grouped under a filter whose `or` or `not` holds several conditions, one of them on "
            "related rows.",
            field="filter",
        )
    computed = any(each.function is not Function.COUNT for each in read.aggregates)
    in_parts = not read.columns and shows_relations(read.where) and (computed or by_key)
    if not by_key and not in_parts:
        return read, ()
    table = catalog.named(read.table)
    aggregates = _by_key(read.aggregates, table) if by_key else read.aggregates
    if in_parts and several:
        aggregates = _in_parts(aggregates, table)
    if aggregates != read.aggregates:
        read = dataclasses.replace(read, aggregates=aggregates)
    return read, tuple(_part(each, aggregates, table) for each in aggregates) if in_parts else ()


def _by_key(aggregates: tuple[Aggregate, ...], table: Table) -> tuple[Aggregate, ...]:
    """The same, with rows counted by their key."""
    return tuple(
        dataclasses.replace(each, column=table.primary_key)
        if each.function is Function.COUNT and each.column is None
        else each
        for each in aggregates
    )


def _in_parts(aggregates: tuple[Aggregate, ...], table: Table) -> tuple[Aggregate, ...]:
    """The same and what averages are merged from: a sum and a count for each."""
    found = {(each.function, each.column): each for each in aggregates if each.alias != Function.COUNT}
    counted = tuple(each for each in aggregates if each.alias == Function.COUNT)
    for function, name in tuple(found):
        assert name is not None  # noqa: S101 - only whole rows are counted without a column
        column = table.by_sql_name[name]
        if function in {Function.MIN, Function.MAX} and column.kind is Kind.TEXT:
            raise bad_input(
                f"{function} of {column.field} cannot be computed under a filter whose `or` "
                "or `not` holds several conditions, one of them on related rows.",
                field="filter",
            )
        if function is Function.AVG:
            for further, cast in (
                (Function.SUM, None if column.kind is Kind.DOUBLE else "text"),
                (Function.COUNT, None),
            ):
                found.setdefault((further, name), Aggregate(f"a{len(found)}", further, name, cast))
    return (*counted, *found.values())


def _part(each: Aggregate, aggregates: tuple[Aggregate, ...], table: Table) -> Part:
    kind = None if each.column is None or each.function is Function.COUNT else table.by_sql_name[each.column].kind
    quotient = None
    if each.function is Function.AVG:
        total, count = (
            next((one.alias for one in aggregates if (one.function, one.column) == (function, each.column)), None)
            for function in (Function.SUM, Function.COUNT)
        )
        quotient = None if total is None or count is None else (total, count)
    return Part(each.alias, each.function.value, kind, quotient)


def splits(condition: Condition, *, negated: bool = False, inside: bool = False) -> bool:
    """Whether rows may satisfy the condition with different outcomes of those tests of relations that show.

    Args:
        negated: Whether the condition must not hold.
        inside: Whether it is one on rows that are tested themselves.
    """
    match condition:
        case Compare() | IsNull():
            return False
        case Related():
            return not negated and splits(condition.where, inside=True)
        case Not():
            return splits(condition.of, negated=not negated, inside=inside)
        case And() | Or():
            if isinstance(condition, And) != negated or len(condition.of) < 2:  # all must hold, or none may
                return any(splits(part, negated=negated, inside=inside) for part in condition.of)
            return shows_relations(condition, inside=inside)
        case _:
            assert_never(condition)


def shows_relations(condition: Condition, *, inside: bool = False) -> bool:
    """Whether a test of a relation in the condition shows among what PostgREST groups by.

    Inside of another it does so only with a further one inside itself, or where nobody may read all of its columns.
    """
    match condition:
        case Compare() | IsNull():
            return False
        case Related():
            return not inside or condition.table in catalog.partly_hidden or shows_relations(condition.where)
        case Not():
            return shows_relations(condition.of, inside=inside)
        case And() | Or():
            return any(shows_relations(part, inside=inside) for part in condition.of)
        case _:
            assert_never(condition)

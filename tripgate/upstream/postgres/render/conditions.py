"""Conditions as SQL."""

from collections.abc import Iterator
from typing import assert_never

from tripgate.planner.plan import And, Compare, Condition, IsNull, Not, Operator, Or, Related
from tripgate.upstream.postgres.render.statement import Writing, array, column, joined, qualified

_OPERATORS = {
    Operator.EQ: "=",
    Operator.NEQ: "<>",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.LIKE: "like",
    Operator.ILIKE: "ilike",
    Operator.CONTAINS: "@>",
    Operator.CONTAINED_BY: "<@",
    Operator.OVERLAPS: "&&",
}


def condition_text(writing: Writing, condition: Condition, table: str, alias: str, *, in_turn: bool = False) -> str:
    """A condition on a row of the table, in a form that binds closer than `and`, `or` and `not`.

    Args:
        in_turn: Whether related rows are looked for row by row, so that a page is done once it is full. Otherwise
            Postgres may find all that match first, by joins.
    """
    match condition:
        case Compare():
            return _compare(writing, condition, column(alias, condition.column))
        case IsNull():
            return f"{column(alias, condition.column)} is null"
        case Related():
            return _related(writing, condition, table, alias, in_turn=in_turn)
        case And():
            return _all(writing, condition.of, " and ", table, alias, in_turn=in_turn) if condition.of else "true"
        case Or():
            return _all(writing, condition.of, " or ", table, alias, in_turn=in_turn) if condition.of else "false"
        case Not(of=IsNull() as test):
            return f"{column(alias, test.column)} is not null"
        case Not():
            return f"not ({condition_text(writing, condition.of, table, alias, in_turn=in_turn)})"
        case _:
            assert_never(condition)


def tests_lists(condition: Condition) -> bool:
    """Whether there may be several related rows to look at for a row."""
    match condition:
        case Related():
            return condition.many
        case Not():
            return tests_lists(condition.of)
        case And() | Or():
            return any(map(tests_lists, condition.of))
        case _:
            return False


def tested_columns(condition: Condition) -> Iterator[str]:
    """The row's own columns in a condition; related rows are found by a foreign key."""
    match condition:
        case Compare() | IsNull():
            yield condition.column
        case Not():
            yield from tested_columns(condition.of)
        case And() | Or():
            for part in condition.of:
                yield from tested_columns(part)
        case _:
            return


def _all(
    writing: Writing, conditions: tuple[Condition, ...], operator: str, table: str, alias: str, *, in_turn: bool
) -> str:
    parts = [condition_text(writing, each, table, alias, in_turn=in_turn) for each in conditions]
    return parts[0] if len(parts) == 1 else f"({operator.join(parts)})"


def _related(writing: Writing, related: Related, table: str, alias: str, *, in_turn: bool) -> str:
    below = writing.alias()
    belongs = joined(table, alias, related.via, related.table, below, many=related.many)
    where = "" if related.where == And(()) else f" and {condition_text(writing, related.where, related.table, below)}"
    # What has an offset is never made a join of.
    apart = " offset 0" if in_turn else ""
    return f"exists (select from {qualified(related.table)} as {below} where {belongs}{where}{apart})"


def _compare(writing: Writing, compare: Compare, left: str) -> str:
    operator, value = compare.operator, compare.value
    if operator is Operator.IN:
        values = value if isinstance(value, tuple) else (value,)
        if len(values) == 1:
            return f"{left} = {writing.bind(values[0])}"
        return f"{left} = any ({writing.bind(array(values))})"
    right = writing.bind(array(value) if isinstance(value, tuple) else value)
    if operator is Operator.SEARCH:
        return f"{left} @@ websearch_to_tsquery('english', {right})"
    return f"{left} {_OPERATORS[operator]} {right}"

"""Conditions as PostgREST's filters."""

import re
from collections.abc import Callable
from typing import assert_never

from gql.catalog import catalog
from gql.schemas import bare
from tripgate.planner.plan import ALWAYS, And, Compare, Condition, IsNull, Not, Operator, Or, OwnTest, Related
from tripgate.upstream.postgrest.render.request import percent, quoted, related_name

_OPERATORS = {
    Operator.CONTAINS: "cs",
    Operator.CONTAINED_BY: "cd",
    Operator.OVERLAPS: "ov",
    Operator.SEARCH: "wfts(english)",
}
_LIST_OPERATORS = {**_OPERATORS, Operator.EQ: "eq", Operator.NEQ: "neq"}
"""What compares with a list of text as a whole."""


class Filters:
    """What a condition on one resource becomes.

    A test of related rows takes an embed of its own, empty so that it does not show in the answer, whose presence is
    what the condition tests.

    Attributes:
        embeds: Entries for the resource's `select`.
        parameters: Parameters of the request.
    """

    def __init__(
        self, condition: Condition, table: str, prefix: str, *, aggregated: bool = False, alias: str = "f"
    ) -> None:
        """Render a condition on rows of the table, the resource whose name `prefix` is, dot included.

        Args:
            aggregated: Whether the resource is aggregated, which an embed without columns would break.
            alias: What the aliases of embeds begin with.
        """
        self.embeds: list[str] = []
        self.parameters: list[str] = []
        self._table = table
        self._prefix = prefix
        self._aggregated = aggregated
        self._alias = alias
        if condition == ALWAYS:
            return
        if isinstance(condition, Compare) and condition.operator is Operator.EQ and isinstance(condition.value, str):
            # Shorter, and PostgREST takes all that follows `eq.` as it is.
            self.parameters.append(f"{prefix}{condition.column}=eq.{percent(condition.value)}")
            return
        parts = condition.of if isinstance(condition, And) else (condition,)
        text = ",".join([self._condition(part) for part in parts])
        self.parameters.insert(0, f"{prefix}and=({text})")

    def _condition(self, condition: Condition) -> str:
        match condition:
            case Compare():
                return f"{condition.column}.{_compare(condition, quoted)}"
            case IsNull():
                return f"{condition.column}.is.null"
            case Related():
                return f"{self._related(condition)}.not.is.null"
            case And():
                return f"and({self._all(condition.of)})" if condition.of else self._constant(holds=True)
            case Or():
                return f"or({self._all(condition.of)})" if condition.of else self._constant(holds=False)
            case Not(of=Compare() as compare):
                return f"{compare.column}.not.{_compare(compare, quoted)}"
            case Not(of=IsNull() as test):
                return f"{test.column}.not.is.null"
            case Not(of=Related() as related):
                return f"{self._related(related)}.is.null"
            case Not(of=Not() as inner):
                return self._condition(inner.of)
            case Not():
                return f"not.{self._condition(condition.of)}"
            case _:
                assert_never(condition)

    def _all(self, conditions: tuple[Condition, ...]) -> str:
        return ",".join(map(self._condition, conditions))

    def _constant(self, *, holds: bool) -> str:
        return f"{catalog.key_of(self._table)}.{'not.' if holds else ''}in.()"

    def _related(self, related: Related) -> str:
        """Embed the related rows that satisfy the condition; the embed's alias."""
        alias = f"{self._alias}{len(self.embeds)}"
        place = len(self.embeds)
        self.embeds.append(alias)
        # PostgREST groups by these aliases, and SQL would take a column of that name inside the embed instead.
        inner = Filters(related.where, related.table, f"{self._prefix}{alias}.", alias="g" if self._aggregated else "f")
        # Without columns PostgREST would read them all, which takes the right to each.
        some = self._aggregated or related.table in catalog.partly_hidden
        columns = [f"x:{catalog.key_of(related.table)}->nope", *inner.embeds] if some else inner.embeds
        name = (
            related_name(related.table, related.via, of=self._table, many=related.many)
            if related.via
            else bare(related.table)
        )
        self.embeds[place] = f"{alias}:{name}({','.join(columns)})"
        self.parameters += inner.parameters
        if related.many:
            # One is enough to know that there is one.
            self.parameters.append(f"{self._prefix}{alias}.limit=1")
        return alias


def own_parameter(test: OwnTest) -> str:
    """A test of a column of the row itself as a parameter of its own, the only kind of filter that a write obeys."""
    match test:
        case Compare():
            return f"{test.column}={_compare(test, percent)}"
        case IsNull():
            return f"{test.column}=is.null"
        case Not(of=Compare() as compare):
            return f"{compare.column}=not.{_compare(compare, percent)}"
        case Not(of=IsNull() as null):
            return f"{null.column}=not.is.null"
        case _:
            raise ValueError(f"a write cannot be held to {test}")


def _compare(compare: Compare, encode: Callable[[str], str]) -> str:
    """Operator and value.

    Args:
        encode: `quoted` inside parentheses; `percent` for a parameter of its own, where PostgREST takes all that
            follows the operator as it is. The elements of a list are quoted in both.
    """
    value = compare.value
    if compare.operator in _LIST_OPERATORS and isinstance(value, tuple):
        return f"{_LIST_OPERATORS[compare.operator]}.{encode(_array(value))}"
    if isinstance(value, tuple):
        if len(value) == 1:
            # `in.("")` matches nothing; `eq` says the same of one value and is exact.
            return f"eq.{encode(value[0])}"
        return f"in.({','.join(map(quoted, value))})"
    operator = _OPERATORS.get(compare.operator, compare.operator.value)
    if compare.operator in {Operator.LIKE, Operator.ILIKE} and "*" in value:
        # PostgREST reads `*` as `%` even when quoted, so a literal one travels as a regular expression.
        operator = "match" if compare.operator is Operator.LIKE else "imatch"
        value = _like_as_regex(value)
    return f"{operator}.{encode(value)}"


def _array(values: tuple[str, ...]) -> str:
    """The literal of a text array."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"


def _like_as_regex(pattern: str) -> str:
    """The regular expression of a LIKE pattern, anchored at both ends. Postgres's `.` matches newlines too."""
    parts = ["^"]
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            parts.append(".*")
        elif character == "_":
            parts.append(".")
        elif character == "\\":
            parts.append(_regex_literal(next(characters, "\\")))
        else:
            parts.append(_regex_literal(character))
    return "".join([*parts, "$"])


def _regex_literal(character: str) -> str:
    return f"\\{character}" if re.fullmatch(r"[!-/:-@\[-`{-~]", character) and character != "_" else character

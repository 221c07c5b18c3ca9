"""Conditions as PostgREST's filters."""

import re
from collections.abc import Iterable
from typing import assert_never

from tripgate.planner.plan import ALWAYS, And, Compare, Condition, IsNull, Not, Operator, Or
from tripgate.upstream.postgrest.render.request import percent, quoted


def where_parameters(condition: Condition, prefix: str) -> Iterable[str]:
    """The parameters for a condition on the resource whose name `prefix` is, dot included."""
    if condition == ALWAYS:
        return
    if isinstance(condition, Compare) and condition.operator is Operator.EQ and isinstance(condition.value, str):
        # Shorter, and PostgREST takes all that follows `eq.` as it is.
        yield f"{prefix}{condition.column}=eq.{percent(condition.value)}"
        return
    parts = condition.of if isinstance(condition, And) else (condition,)
    yield f"{prefix}and=({','.join(_condition(part) for part in parts)})"


def _condition(condition: Condition) -> str:
    match condition:
        case Compare():
            return _compare(condition, "")
        case IsNull():
            return f"{condition.column}.is.null"
        case And():
            return f"and({','.join(map(_condition, condition.of))})" if condition.of else _constant(holds=True)
        case Or():
            return f"or({','.join(map(_condition, condition.of))})" if condition.of else _constant(holds=False)
        case Not(of=Compare() as compare):
            return _compare(compare, "not.")
        case Not(of=IsNull() as test):
            return f"{test.column}.not.is.null"
        case Not(of=Not() as inner):
            return _condition(inner.of)
        case Not():
            return f"not.{_condition(condition.of)}"
        case _:
            assert_never(condition)


def _constant(*, holds: bool) -> str:
    return f"id.{'not.' if holds else ''}in.()"


def _compare(compare: Compare, negation: str) -> str:
    column, value = compare.column, compare.value
    if isinstance(value, tuple):
        if len(value) == 1:
            # `in.("")` matches nothing; `eq` says the same of one value and is exact.
            return f"{column}.{negation}eq.{quoted(value[0])}"
        return f"{column}.{negation}in.({','.join(map(quoted, value))})"
    operator = compare.operator.value
    if compare.operator in {Operator.LIKE, Operator.ILIKE} and "*" in value:
        # PostgREST reads `*` as `%` even when quoted, so a literal one travels as a regular expression.
        operator = "match" if compare.operator is Operator.LIKE else "imatch"
        value = _like_as_regex(value)
    return f"{column}.{negation}{operator}.{quoted(value)}"


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

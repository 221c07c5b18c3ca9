"""Plan → PostgREST request. The only module that knows PostgREST's URL syntax.

Columns, operators and aliases come from the mapping and the planner, never from a client. A client's text enters
through `quoted` and `percent` alone, which are exact for every string that Postgres can hold.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import quote

import orjson

from gql.table import Sort
from tripgate.planner.plan import (
    ALWAYS,
    And,
    Call,
    Compare,
    Condition,
    Delete,
    Embed,
    EmbedCount,
    Insert,
    IsNull,
    Match,
    Not,
    Operator,
    Or,
    Pick,
    Read,
    Update,
    Write,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request below the REST address.

    Attributes:
        path: Path and query, percent-encoded, beginning with the table.
        prefer: The `Prefer` header, or empty.
    """

    method: str
    path: str
    prefer: str = ""
    body: bytes | None = None


def read_request(read: Read) -> Request:
    """Render a read."""
    parameters = [f"select={_select(read)}", *_level_parameters(read, "")]
    prefer = "count=exact" if read.count else ""
    return Request("GET", f"{read.table}?{'&'.join(parameters)}", prefer)


def write_request(write: Write) -> Request:
    """Render a write that answers with the columns it returns.

    Only own-column `col=op.value` filters: PostgREST applies `and=`, `or=` and embed filters of a PATCH or DELETE to
    the answer alone and would change every row.
    """
    select = f"select={','.join(_pick(pick) for pick in write.returning)}"
    match write:
        case Insert():
            columns = ",".join(write.columns)
            path = f"{write.table}?{select}" + (f"&columns={columns}" if columns else "")
            return Request("POST", path, "return=representation,missing=default", orjson.dumps(list(write.rows)))
        case Update():
            path = f"{write.table}?{_match(write.match)}&{select}"
            return Request("PATCH", path, "return=representation", orjson.dumps(write.changes))
        case Delete():
            return Request("DELETE", f"{write.table}?{_match(write.match)}&{select}", "return=representation")
        case Call():
            return Request("POST", f"rpc/{write.function}?{select}", "", orjson.dumps(write.arguments))
        case _:
            assert_never(write)


def _match(match: Match) -> str:
    if not match:
        raise ValueError("a write without a condition would change every row")
    return "&".join(f"{column}=eq.{percent(value)}" for column, value in match)


def percent(text: str) -> str:
    """Percent-encode every byte that could mean something in a query string."""
    return quote(text, safe="")


def quoted(text: str) -> str:
    """A value inside `and=(…)`, `or=(…)` or `in.(…)`: double-quoted, then percent-encoded."""
    return percent('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')


def _select(read: Read) -> str:
    parts = [_pick(pick) for pick in read.columns]
    for embed in read.embeds:
        match embed:
            case Embed():
                parts.append(f"{embed.alias}:{embed.read.table}!{embed.via}({_select(embed.read)})")
            case EmbedCount():
                # By a column: PostgREST's plain count() counts whole rows, which takes the right to read every column.
                parts.append(f"{embed.alias}:{embed.table}!{embed.via}({embed.via}.count())")
            case _:
                assert_never(embed)
    return ",".join(parts)


def _pick(pick: Pick) -> str:
    return pick.column if pick.cast is None else f"{pick.column}::{pick.cast}"


def _level_parameters(read: Read, prefix: str) -> Iterable[str]:
    yield from _where(read.where, prefix)
    if read.order:
        yield f"{prefix}order={','.join(_sort(key) for key in read.order)}"
    if read.limit is not None:
        yield f"{prefix}limit={read.limit}"
    if read.offset:
        yield f"{prefix}offset={read.offset}"
    for embed in read.embeds:
        below = f"{prefix}{embed.alias}."
        if isinstance(embed, Embed):
            yield from _level_parameters(embed.read, below)
        else:
            yield from _where(embed.where, below)


def _sort(key: Sort) -> str:
    text = f"{key.column}.{'desc' if key.descending else 'asc'}"
    if key.nulls_first == key.descending:
        return text  # where Postgres puts nulls by itself
    return f"{text}.{'nullsfirst' if key.nulls_first else 'nullslast'}"


def _where(condition: Condition, prefix: str) -> Iterable[str]:
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

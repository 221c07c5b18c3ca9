"""What a client asks of `postgres_changes`: table, kind of change, filter, columns.

Takes the client's words; gives a Binding; refuses with the platform's sentences. Filters are `column=op.value`, with
`not.` before the operator to negate it, joined by commas for "and". Source: supabase/realtime,
lib/extensions/postgres_cdc_rls/subscriptions.ex.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from tripgate.local.realtime.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY = "*"
ACTIONS = ("INSERT", "UPDATE", "DELETE")
OPERATORS = {
    "eq": "=",
    "neq": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "in": "= any",
    "like": "like",
    "ilike": "ilike",
    "match": "~",
    "imatch": "~*",
    "is": "is",
    "isdistinct": "is distinct from",
}
IS_VALUES = ("null", "true", "false", "unknown")
# Ids are below 2²⁷, like Erlang's hashes.
LARGEST_ID = 2**27 - 1
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. The value of `in` is an array literal."""

    column: str
    operator: str
    value: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Binding:
    """What is asked for. `schema` and `table` may be ANY; `columns` None stands for all that may be read."""

    action: str
    schema: str
    table: str
    filters: tuple[Filter, ...]
    columns: tuple[str, ...] | None

    def __str__(self) -> str:
        """As errors show it."""
        shown = [(item.column, item.operator, item.value) for item in self.filters]
        return (
            f"[event: {self.action}, schema: {self.schema}, table: {self.table}, filters: {shown}, "
            f"select: {list(self.columns) if self.columns else 'nil'}]"
        )


def id_of(given: Mapping[str, Any]) -> int:
    """The number by which events name a binding: the same words have the same number."""
    return zlib.crc32(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)) & LARGEST_ID


def parse(given: Mapping[str, Any]) -> Binding:
    """What the client's words ask for. Raises RefusedError."""
    event = given.get("event")
    action = event.upper() if isinstance(event, str) and event.upper() in ACTIONS else ANY
    schema, table, filter_ = (given.get(name) for name in ("schema", "table", "filter"))
    columns = _columns(given.get("select"))
    if isinstance(schema, str) and isinstance(table, str) and (filter_ is None or isinstance(filter_, str)):
        filters = _filters(filter_ or "")
    elif isinstance(schema, str) and table is None and filter_ is None:
        table, filters = ANY, ()
    elif isinstance(table, str) and schema is None and filter_ is None:
        schema, filters = "public", ()
    else:
        raise _refusal("No subscription params provided. Please provide at least a `schema` or `table` to subscribe to")
    if columns is not None and ANY in {schema, table}:
        raise _refusal(
            "Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name."
        )
    return Binding(action, schema, table, filters, columns)


def _columns(given: Any) -> tuple[str, ...] | None:
    if isinstance(given, str):
        raise _refusal("Error parsing `select` params: expected a list of column name strings")
    columns = tuple(name for name in given if isinstance(name, str)) if isinstance(given, list) else ()
    return columns or None


def _filters(text: str) -> tuple[Filter, ...]:
    return tuple(_filter(part) for part in _split(text)) if text.strip() else ()


def _filter(text: str) -> Filter:
    text = text.strip()
    if not text:
        raise _refusal("Error parsing `filter` params: filter must not contain empty segments (check for extra commas)")
    column, _, rest = text.partition("=")
    negated = rest.startswith("not.")
    operator, dot, value = rest.removeprefix("not.").partition(".")
    if not dot or operator not in OPERATORS:
        raise _refusal(f"Error parsing `filter` params: {[part for part in (operator or text, value) if part]}")
    if operator == "in":
        if not (value.startswith("(") and value.endswith(")")):
            raise _refusal("Error parsing `filter` params: `in` filter value must be wrapped by parentheses")
        value = "{" + value[1:-1] + "}"
    elif operator == "is" and value not in IS_VALUES:
        raise _refusal("invalid value for is filter: must be null, true, false, or unknown")
    else:
        quoted = _QUOTED.fullmatch(value)
        if quoted:
            value = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
    return Filter(column, operator, value, negated)


def _split(text: str) -> list[str]:
    """The parts between commas that stand neither in parentheses nor in quotes; a quote opens after `.`, `(` or `,`."""
    parts, depth, quoted, escaped, before = [""], 0, False, False, ""
    for character in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = before in set(".(,")
        elif character == "(":
            depth += 1
        elif character == ")":
            depth = max(0, depth - 1)
        elif character == "," and depth == 0:
            parts.append("")
            before = ""
            continue
        parts[-1] += character
        before = character
    return parts


def _refusal(message: str) -> RefusedError:
    return RefusedError("RealtimeDisabledForConfiguration", message)

"""JSON as Realtime sends it, decoded as far as it can be.

Postgres keeps numbers of any size and values of any depth, and a message is made of whole rows. One value that cannot
be held here must not take the others of its message with it, so it is marked, and everything else is decoded.
"""

import json
import math
import re
from typing import Any

import orjson

from tripgate.planner import json_values
from tripgate.planner.json_values import UNREADABLE

DEEPEST = 4 + json_values.DEEPEST
"""Levels of nesting that are decoded: a value of a row that is deeper is not answered either."""

# Numbers that may be beyond a double. A false alarm only takes the slower way.
_LONG_NUMBER = re.compile(r"\d{300}|\d[eE]\+?\d{3}")
_MARK = "Infinity"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]|[^"\[\]{}]+', re.DOTALL)


def decoded(data: str | bytes) -> Any:
    """The value in a JSON text, with UNREADABLE for what is nested deeper, and for numbers beyond any double.

    Raises:
        ValueError: It is no JSON.
    """
    text = data.decode() if isinstance(data, bytes) else data
    if _LONG_NUMBER.search(text) is None and (text.count("[") + text.count("{")) <= DEEPEST:
        return orjson.loads(text)
    return json.loads(_shallow(text), parse_float=_number, parse_int=_number, parse_constant=_constant)


def readable(value: Any) -> bool:
    """Whether a decoded value holds nothing UNREADABLE."""
    if isinstance(value, dict | list):
        return all(map(readable, value.values() if isinstance(value, dict) else value))
    return value is not UNREADABLE


def _shallow(text: str) -> str:
    """The text with a mark for each value that is nested deeper than is decoded. It need not be JSON."""
    kept: list[str] = []
    depth = 0
    for part in _TOKEN.findall(text):
        if part in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept.append(_MARK)
        if depth <= DEEPEST:
            kept.append(part)
        if part in "]}":
            depth -= 1
    return "".join(kept)


def _number(digits: str) -> Any:
    if len(digits) < 19 and digits.lstrip("-").isdecimal():
        return int(digits)
    number = float(digits)
    return number if math.isfinite(number) else UNREADABLE


def _constant(name: str) -> Any:
    if name != _MARK:
        raise ValueError(f"{name} is no JSON")
    return UNREADABLE

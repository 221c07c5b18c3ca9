"""JSON as Realtime sends it: decoded exactly, and as far as it can be.

Postgres keeps numbers of any size and values of any depth, and a message is made of whole rows. One value that cannot
be held here must not take the others of its message with it, so it is marked, and everything else is decoded.
"""

import json
import math
import re
from typing import Any

import orjson

DEEPEST = 200
"""Levels of nesting that are decoded. An answer of more could not be encoded."""

UNREPRESENTABLE = orjson.Fragment(b"null")
"""Stands for a value that cannot be held: nested deeper, or a number greater than any double."""

# Sixteen significant digits are more than a double is sure to keep. A false alarm only takes the slower way.
_LONG_NUMBER = re.compile(r"[\d.]{17,}|\d[eE][+-]?\d{3}")
_MARK = "Infinity"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]|[^"\[\]{}]+', re.DOTALL)


def decoded(data: str | bytes) -> Any:
    """The value in a JSON text, with UNREPRESENTABLE in place of what cannot be held.

    Numbers that Python would round are orjson fragments of the digits that came, and so are passed on as they are.

    Raises:
        ValueError: It is no JSON.
    """
    text = data.decode() if isinstance(data, bytes) else data
    if _LONG_NUMBER.search(text) is None and (text.count("[") + text.count("{")) <= DEEPEST:
        return orjson.loads(text)
    return json.loads(_shallow(text), parse_float=_float, parse_int=_int, parse_constant=_constant)


def representable(value: Any) -> bool:
    """Whether a decoded value holds nothing UNREPRESENTABLE."""
    if isinstance(value, dict | list):
        return all(map(representable, value.values() if isinstance(value, dict) else value))
    return value is not UNREPRESENTABLE


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


def _int(digits: str) -> Any:
    if len(digits) <= 18:
        return int(digits)
    return _whole(digits)


def _float(digits: str) -> Any:
    number = float(digits)
    return number if repr(number) == digits else _whole(digits)


def _whole(digits: str) -> Any:
    return orjson.Fragment(digits) if math.isfinite(float(digits)) else UNREPRESENTABLE


def _constant(name: str) -> Any:
    if name != _MARK:
        raise ValueError(f"{name} is no JSON")
    return UNREPRESENTABLE

"""Numbers in people's metadata, as Auth keeps them: 64-bit floats, as Go reads JSON into a map.

A number that no such float holds exactly is rounded; one that is too large for any is refused in a body, and read as
null where the database holds it all the same. So an account with any number in its metadata stays usable.
"""

from __future__ import annotations

import json
import math
from typing import Any

# What the encoder of answers writes as an integer.
MOST = 2.0**63


def rounded(value: Any) -> Any:
    """JSON with its numbers as Auth keeps them. Raises ValueError for a number that no float can hold."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value)
    return value


def loads(text: str | bytes) -> Any:
    """JSON of the database, whatever its numbers."""
    return json.loads(text, parse_int=_read, parse_float=_read)


def _read(digits: str) -> float | int | None:
    number = float(digits)
    return _number(number) if math.isfinite(number) else None


def _number(value: float) -> float | int:
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("a number is too large") from error
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return int(number) if number.is_integer() and abs(number) < MOST else number

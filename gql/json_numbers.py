"""Numbers of JSON that Python's own do not hold: exact from a request to the database, and beyond 64 bits as well.

JSON knows decimal numbers of any length, as Postgres' `jsonb` does. orjson makes floats of those with a fraction or
with more than 64 bits, which drops digits. `Exact` keeps the digits beside the float, and `dumps` writes them.
"""

import math
import re
from decimal import Decimal
from typing import Any, Self

import orjson

LONGEST = 1000
"""Characters of a number. Nobody means a longer one, and Postgres rounds behind 16,383 decimals without a word."""

_ZERO = re.compile(r"-?[0.]+(?:[eE].*)?")
_SURELY_EXACT = 15
_INT64 = range(-(2**63), 2**64)


class Exact(float):
    """A number with the digits that it was written in.

    Attributes:
        text: As in JSON.
    """

    __slots__ = ("text",)
    text: str

    @classmethod
    def of(cls, text: str) -> Self:
        """From a number's text, whatever its size."""
        made = cls(text)
        made.text = text
        return made

    @property
    def safe(self) -> bool:
        """Whether a double comes near it, since most readers of JSON make it one, and nobody minds its length."""
        return (
            len(self.text) <= LONGEST
            and math.isfinite(self)
            and (float(self) != 0 or _ZERO.fullmatch(self.text) is not None)
        )

    def __eq__(self, other: object) -> bool:
        return Decimal(self.text) == (Decimal(other.text) if isinstance(other, Exact) else other)

    def __ne__(self, other: object) -> bool:  # float has one of its own
        return not self == other

    def __hash__(self) -> int:
        return hash(Decimal(self.text))

    def __repr__(self) -> str:
        return self.text


def decimal_number(text: str) -> float:
    """A number with a fraction or an exponent: a float where that says the same."""
    number = float(text)
    # Up to 15 digits and with an exponent of two digits a float comes back as it was written.
    if len(text) <= _SURELY_EXACT and math.isfinite(number) and (number != 0 or _ZERO.fullmatch(text) is not None):
        return number
    return Exact.of(text)


def whole_number(text: str) -> int | float:
    """A number without a fraction: an integer where orjson writes it."""
    if len(text) <= len(str(_INT64.stop)) and (number := int(text)) in _INT64:
        return number
    return Exact.of(text)


def dumps(value: Any) -> bytes:
    """JSON with all digits.

    Raises:
        orjson.JSONEncodeError: There is something else in it than JSON values.
    """
    return orjson.dumps(value, default=exact)


def exact(value: object) -> orjson.Fragment:
    """For orjson's `default`: the digits of an `Exact`.

    Raises:
        TypeError: It is something else.
    """
    if isinstance(value, Exact):
        return orjson.Fragment(value.text)
    raise TypeError

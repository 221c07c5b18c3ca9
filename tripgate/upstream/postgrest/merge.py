"""Merge totals that come in parts: one row for each combination of outcomes of a filter's tests of relations."""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from gql import intervals
from gql.table import Kind

Row = dict[str, Any]

# Postgres' numeric holds 131,072 digits before the point and 16,383 behind it, so that no sum is ever rounded.
_EXACT = Context(prec=147_455)
_SIGNIFICANT_DIGITS = 16
_DIGITS_OF_A_PLACE = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One of the totals, where they may come in any number of rows.

    Attributes:
        function: As in SQL.
        kind: The column's, where values are compared or added.
        quotient: For an average in several rows, the aliases of the sum and of the count that it is made of.
    """

    alias: str
    function: str
    kind: Kind | None
    quotient: tuple[str, str] | None


def merge(parts: tuple[Part, ...], rows: list[Row]) -> Row:
    """One row of totals from any number of rows; of none, the totals of nothing."""
    if len(rows) == 1:
        return rows[0]
    return {part.alias: _total(part, rows) for part in parts}


def _total(part: Part, rows: list[Row]) -> Any:
    values = [row[part.alias] for row in rows if row[part.alias] is not None]
    if part.function == "count":
        return sum(values)
    if not values:
        return None
    match part.function:
        case "sum":
            return _float_sum(values) if part.kind is Kind.DOUBLE else f"{_sum(values):f}"
        case "avg":
            assert part.quotient is not None  # noqa: S101 - an average in several parts is planned with both
            total, count = ([row[alias] for row in rows if row[alias] is not None] for alias in part.quotient)
            if part.kind is Kind.DOUBLE:
                added = _float_sum(total)
                return added if isinstance(added, str) else added / sum(count)
            return _quotient(_sum(total), sum(count))
        case function:
            return (min if function == "min" else max)(values, key=_ORDERS.get(part.kind, _itself))


def _float_sum(values: list[float | str]) -> float | str:
    """As JSON holds it: what is no number there is text."""
    total = sum(map(float, values))
    return total if math.isfinite(total) else str(total)


def _sum(values: list[str]) -> Decimal:
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, Decimal(value))
    return total


def _quotient(total: Decimal, count: int) -> str:
    """A division with as many digits as Postgres gives one (`select_div_scale` of its numeric.c)."""
    weight, first = _leading_place(total)
    count_weight, count_first = _leading_place(Decimal(count))
    place = weight - count_weight - (first <= count_first)
    own_scale = -_exponent(total)
    scale = max(_SIGNIFICANT_DIGITS - place * _DIGITS_OF_A_PLACE, own_scale, 0)
    # In whole numbers: `scale` digits are wanted, not as many as the context has.
    units = abs(int(_EXACT.scaleb(total, own_scale))) * 10 ** (scale - own_scale)
    rounded = (2 * units + count) // (2 * count)
    digits = f"{rounded:0{scale + 1}d}"
    sign = "-" if total < 0 and rounded else ""
    return sign + (f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits)


def _leading_place(value: Decimal) -> tuple[int, int]:
    """The power of 10,000 of the first place that is not zero, and what stands there."""
    if not value:
        return 0, 0
    weight = value.adjusted() // _DIGITS_OF_A_PLACE
    return weight, int(_EXACT.scaleb(value.copy_abs(), -weight * _DIGITS_OF_A_PLACE))


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101 - the mapped columns hold numbers only
    return exponent


def _itself(value: Any) -> Any:
    return value


_ORDERS: dict[Kind | None, Callable[[Any], Any]] = {
    Kind.NUMERIC: Decimal,
    Kind.DATE: dt.date.fromisoformat,
    Kind.DATETIME: dt.datetime.fromisoformat,
    Kind.BIGINT: int,
    Kind.INTERVAL: lambda text: intervals.stored(text).order,
    # For Postgres, NaN is the greatest.
    Kind.DOUBLE: lambda value: ((number := float(value)) != number, number),
}

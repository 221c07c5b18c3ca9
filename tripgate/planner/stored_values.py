"""Values that the database says otherwise than an answer does."""

from collections.abc import Callable
from typing import Any

from gql import intervals
from gql.table import Kind
from tripgate.planner.json_values import UNREADABLE, count_unreadable


def interval(text: str | None) -> str | None:
    """An interval, in the style of the database, as an ISO 8601 duration."""
    return None if text is None else str(intervals.stored(text))


def finite(value: Any) -> Any:
    """A floating-point number; `UNREADABLE` for NaN and the infinities, which come as text, since JSON has none."""
    if isinstance(value, str):
        count_unreadable()
        return UNREADABLE
    return value


CONVERSIONS: dict[Kind, Callable[[Any], Any]] = {Kind.INTERVAL: interval, Kind.DOUBLE: finite}
"""Of the kinds that need one: from a value as a row holds it to one as an answer does."""

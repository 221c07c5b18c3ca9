"""From old values to new ones: exactly, or not at all.

Old values are the texts of a CSV file or the values of JSON, numbers as `int` and `Decimal`. New ones are what JSON
has: Postgres reads them as the types of its columns. Each conversion takes the value, neither `None` nor empty,
and the run's `Habits`, and raises UnfitError.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tripgate.importing.unfit import UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

# The largest whole number that a column holds.
LARGEST = 2**63 - 1
# As deep as JSON may be: readers of it have an end.
DEEPEST = 64
_MOST_DIGITS = 100
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(\.\d{3})*(,\d+)?|[+-]?\d+(,\d+)?")
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})


@dataclass(frozen=True, slots=True)
class Habits:
    """How whoever made the files writes things.

    Attributes:
        zone: Where times without a zone are meant.
        decimal_comma: Whether texts of numbers are written 1.234,50.
    """

    zone: tzinfo = UTC
    decimal_comma: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """JSON that is passed on as it is written."""

    text: str


def as_text(value: object, _habits: Habits) -> str:
    """A text, or a number as it is written."""
    if isinstance(value, str):
        return checked(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise UnfitError("is no text", "Write a text.")


def checked(text: str) -> str:
    """The text, which Postgres can keep. Raises UnfitError."""
    if "\0" in text:
        raise UnfitError("holds a character with the number 0", "Take it out: Postgres keeps none.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnfitError("holds half of a character (a lone surrogate)", "Take it out, or write the whole.") from None
    return text


def as_integer(value: object, habits: Habits) -> int:
    """A whole number."""
    number = as_decimal(value, habits)
    if number != number.to_integral_value() or abs(number) > LARGEST:
        raise UnfitError("is no whole number", "Write a whole number, such as 12.")
    return int(number)


def as_decimal(value: object, habits: Habits) -> Decimal:
    """A number, to the last digit."""
    if isinstance(value, bool):
        raise UnfitError("is no number", "Write a number, such as 12.50.")
    if isinstance(value, int | Decimal):
        return _in_range(Decimal(value))
    text = str(value).strip()
    if habits.decimal_comma and isinstance(value, str) and _GROUPED.fullmatch(text):
        return _in_range(Decimal(text.replace(".", "").replace(",", ".")))
    if not isinstance(value, str) or not _NUMBER.fullmatch(text) or habits.decimal_comma:
        advice = "Write it as 1234.50, without a currency"
        comma = isinstance(value, str) and "," in text and not habits.decimal_comma
        raise UnfitError("is no number", f"{advice}, or say --decimal-comma." if comma else f"{advice}.")
    return _in_range(Decimal(text))


def _in_range(number: Decimal) -> Decimal:
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS or len(number.as_tuple().digits) > _MOST_DIGITS:
        raise UnfitError(f"is a number of more than {_MOST_DIGITS} digits", "Write one that a column can hold.")
    return number


def as_boolean(value: object, _habits: Habits) -> bool:
    """True or false: also 1 and 0, as SQLite keeps them, yes and no."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if isinstance(value, str | int) and text in _TRUE | _FALSE:
        return text in _TRUE
    raise UnfitError("is neither true nor false", "Write true or false.")


def as_date(value: object, _habits: Habits) -> str:
    """A day, written as 2026-05-31; of a time before midnight in its zone that day."""
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?)?", text):
            try:
                return date.fromisoformat(text[:10]).isoformat()
            except ValueError:
                raise UnfitError("is no day of the calendar", "Write one that exists, such as 2026-05-31.") from None
    raise UnfitError("is no date", "Write year, month and day as 2026-05-31.")


def as_timestamp(value: object, habits: Habits) -> str:
    """A moment: ISO 8601, with a zone or in that of the habits; or Firestore's seconds and nanoseconds."""
    if isinstance(value, dict):
        return _of_firestore(value)
    if not isinstance(value, str) or not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", value.strip()):
        raise UnfitError("is no time", "Write it as 2026-05-31T18:30:00+02:00.")
    try:
        moment = datetime.fromisoformat(_full_offset(value.strip()))
    except ValueError:
        raise UnfitError("is no time of the calendar", "Write it as 2026-05-31T18:30:00+02:00.") from None
    return (moment if moment.tzinfo is not None else _placed(moment, habits.zone)).isoformat()


def _full_offset(text: str) -> str:
    """Postgres writes +02, which Python reads from a later version on."""
    return f"{text}:00" if re.search(r":\d{2}(\.\d+)?[+-]\d{2}$", text) else text


def _placed(moment: datetime, zone: tzinfo) -> datetime:
    """The moment at which clocks of the zone show this."""
    first = moment.replace(tzinfo=zone)
    if first.utcoffset() != first.replace(fold=1).utcoffset():
        shown = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
        why = "is a time that comes twice there" if shown == moment else "is a time that clocks leave out there"
        raise UnfitError(why, "Write it with its offset from UTC, as 2026-10-25T02:30:00+01:00.")
    return first


def _of_firestore(value: Mapping[str, object]) -> str:
    seconds = value.get("_seconds", value.get("seconds"))
    nanoseconds = value.get("_nanoseconds", value.get("nanoseconds", 0))
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not isinstance(nanoseconds, int):
        raise UnfitError("is no time", "Write it as 2026-05-31T18:30:00+02:00.")
    return _since_1970(Decimal(seconds) + Decimal(nanoseconds) / 10**9)


def as_epoch(unit: str) -> Callable[[object, Habits], str]:
    """A moment as a number of `s` or `ms` since 1970, UTC."""

    def convert(value: object, habits: Habits) -> str:
        number = as_decimal(value, habits)
        return _since_1970(number / 1000 if unit == "ms" else number)

    return convert


def _since_1970(seconds: Decimal) -> str:
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=math.floor(seconds * 10**6))
    except (OverflowError, ValueError):
        raise UnfitError("is no time between the years 1 and 9999", "Is it in seconds, or in milliseconds?") from None
    return moment.isoformat()


def as_choice(known: Mapping[str, str]) -> Callable[[object, Habits], str]:
    """One of the old words, each with its new one; in any case."""
    folded = {old.casefold(): new for old, new in known.items()}

    def convert(value: object, habits: Habits) -> str:
        found = folded.get(as_text(value, habits).strip().casefold())
        if found is None:
            raise UnfitError("is none of the words that may stand there", f"Write one of {', '.join(known)}.")
        return found

    return convert


def as_texts(separator: str) -> Callable[[object, Habits], list[str]]:
    """Several texts: a list of JSON, or in one text with this between them."""

    def convert(value: object, habits: Habits) -> list[str]:
        parts = value.split(separator) if isinstance(value, str) else value
        if not isinstance(parts, list):
            raise UnfitError("is no list of texts", f"Write them with {separator} between them.")
        return [text for part in parts if (text := as_text(part, habits).strip())]

    return convert


def as_json(value: object, _habits: Habits) -> object:
    """JSON as it is, or a text that holds it: to the last digit."""
    if not isinstance(value, str):
        return _kept(value, 0)
    try:
        parsed = json.loads(value, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise UnfitError("is no JSON", 'Write JSON, such as {"seat": "12A"}.') from None
    _kept(parsed, 0)
    return Raw(value)


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _kept(value: object, depth: int) -> object:
    if depth > DEEPEST:
        raise UnfitError(f"is nested more than {DEEPEST} levels deep", "Make it flatter.")
    if isinstance(value, str):
        checked(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            checked(key)
            _kept(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _kept(inner, depth + 1)
    return value


def zone_named(name: str) -> tzinfo:
    """The time zone of this IANA name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError):
        raise ValueError(f"{name} is no time zone: take a name such as Europe/Rome") from None


def encoded(value: object) -> str:
    """The value as JSON, its numbers to the last digit."""
    match value:
        case Raw(text):
            return text
        case None | bool() | int() | str():
            return json.dumps(value)
        case Decimal():
            return str(value)
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{encoded(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ",".join(map(encoded, value)) + "]"
        case _:
            raise TypeError(f"A conversion gave {type(value).__name__}, which JSON does not have")

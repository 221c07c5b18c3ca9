"""Intervals: ISO 8601 durations to and from clients, and as Postgres writes them."""

import re
from dataclasses import dataclass

_NUMBER = r"([+-]?[0-9]{1,15})"
_ISO = re.compile(
    rf"([+-]?)P(?=.)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=.)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:([+-]?[0-9]{{1,15}})(?:\.([0-9]{{1,6}}))?S)?)?"
)
_POSTGRES = re.compile(
    r"(?:([+-]?[0-9]+) years? ?)?(?:([+-]?[0-9]+) mons? ?)?(?:([+-]?[0-9]+) days? ?)?"
    r"(?:([+-]?)([0-9]+):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?)?"
)
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Parts:
    """An interval as Postgres holds one: its parts do not turn into each other, for months and days differ in length.

    Attributes:
        time: Microseconds.
    """

    months: int
    days: int
    time: int

    @property
    def order(self) -> int:
        """What Postgres compares: microseconds, a month as thirty days and a day as 24 hours."""
        return (self.months * 30 + self.days) * _DAY + self.time

    def __str__(self) -> str:
        """An ISO 8601 duration, each part with a sign of its own, as in `P1Y2M-3DT4H5M6.5S`."""
        years, months = _divided(self.months, 12)
        hours, rest = _divided(self.time, _HOUR)
        minutes, rest = _divided(rest, _MINUTE)
        date = "".join(f"{value}{unit}" for value, unit in ((years, "Y"), (months, "M"), (self.days, "D")) if value)
        time = "".join(f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M")) if value)
        if rest:
            whole, fraction = divmod(abs(rest), _SECOND)
            time += f"{'-' * (rest < 0)}{whole}{f'.{fraction:06d}'.rstrip('0') if fraction else ''}S"
        if not date and not time:
            return "PT0S"
        return f"P{date}" + (f"T{time}" if time else "")


def from_iso(text: str) -> Parts | None:
    """An ISO 8601 duration: whole numbers but for seconds, which may have six decimals. `None` for any other text.

    Raises:
        OverflowError: Postgres holds no interval of this size.
    """
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    sign = -1 if found[1] == "-" else 1
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in found.groups()[1:7])
    seconds = found[8] or "0"
    fraction = int((found[9] or "").ljust(6, "0")) * (-1 if seconds.startswith("-") else 1)
    made = Parts(
        sign * (years * 12 + months),
        sign * (weeks * 7 + days),
        sign * (hours * _HOUR + minutes * _MINUTE + int(seconds) * _SECOND + fraction),
    )
    if made.months not in _INT32 or made.days not in _INT32 or made.time not in _INT64:
        raise OverflowError
    return made


def stored(text: str) -> Parts:
    """An interval as Postgres writes it, in its style `postgres` or `iso_8601`.

    Raises:
        ValueError: It is written in another style.
    """
    if text.startswith("P") and (parts := from_iso(text)) is not None:
        return parts
    found = _POSTGRES.fullmatch(text)
    if found is None or not text:
        raise ValueError(f"{text!r} is no interval in the styles postgres and iso_8601")
    years, months, days = (int(part or 0) for part in found.groups()[:3])
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[4:7])
    time = hours * _HOUR + minutes * _MINUTE + seconds * _SECOND + int((found[8] or "").ljust(6, "0"))
    return Parts(years * 12 + months, days, -time if found[4] == "-" else time)


def _divided(value: int, by: int) -> tuple[int, int]:
    """Quotient and rest, both with the sign of the value."""
    whole, rest = divmod(abs(value), by)
    return (whole, rest) if value >= 0 else (-whole, -rest)

"""Old values become new ones exactly, or are refused in words."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tripgate.importing import declaring
from tripgate.importing.conversions import Habits, Raw, encoded, zone_named
from tripgate.importing.declaring import Column
from tripgate.importing.unfit import UnfitError

ROME = Habits(ZoneInfo("Europe/Rome"))
COMMA = Habits(decimal_comma=True)
PLAIN = Habits()


def converted(column: Column, value: object, habits: Habits = PLAIN) -> Any:
    return column.convert(value, habits)


@pytest.mark.parametrize(
    ("column", "value", "new"),
    [
        (declaring.text(), " as it is ", " as it is "),
        (declaring.text(), 17, "17"),
        (declaring.text(), Decimal("1.50"), "1.50"),
        (declaring.texts(), "sea; sun;; ", ["sea", "sun"]),
        (declaring.texts(), ["sea", "sun"], ["sea", "sun"]),
        (declaring.integer(), "12", 12),
        (declaring.integer(), Decimal("12.0"), 12),
        (declaring.integer(), str(2**63 - 1), 2**63 - 1),
        (declaring.decimal(), "12345678901234567890.123456789", Decimal("12345678901234567890.123456789")),
        (declaring.decimal(), Decimal("0.1"), Decimal("0.1")),
        (declaring.decimal(), "-1.5e2", Decimal(-150)),
        (declaring.boolean(), "t", True),
        (declaring.boolean(), 0, False),
        (declaring.boolean(), "No", False),
        (declaring.date(), "2026-05-31", "2026-05-31"),
        (declaring.date(), "2026-05-31T00:00:00.000Z", "2026-05-31"),
        (declaring.timestamp(), "2026-05-31T18:30:00.123Z", "2026-05-31T18:30:00.123000+00:00"),
        (declaring.timestamp(), "2026-05-31 18:30:00+02", "2026-05-31T18:30:00+02:00"),
        (declaring.timestamp(), "2026-05-31 18:30:00", "2026-05-31T18:30:00+00:00"),
        (declaring.timestamp(), {"_seconds": 1, "_nanoseconds": 500_000_000}, "1970-01-01T00:00:01.500000+00:00"),
        (declaring.timestamp(epoch="ms"), 1500, "1970-01-01T00:00:01.500000+00:00"),
        (declaring.timestamp(epoch="s"), "-1", "1969-12-31T23:59:59+00:00"),
        (declaring.choice("", "walk", "swim"), "SWIM", "swim"),
        (declaring.choice("", "walk", renamed={"hike": "walk"}), " hike", "walk"),
        (declaring.json(), {"a": [Decimal("1.10")]}, {"a": [Decimal("1.10")]}),
        (declaring.json(), '{"a": 1.10}', Raw('{"a": 1.10}')),
    ],
)
def test_what_fits(column: Column, value: object, new: object) -> None:
    assert converted(column, value) == new


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        (declaring.text(), "a\0b", "holds a character with the number 0"),
        (declaring.text(), "\ud800", "holds half of a character (a lone surrogate)"),
        (declaring.text(), True, "is no text"),
        (declaring.text(), {"a": 1}, "is no text"),
        (declaring.texts(), [1, None], "is no text"),
        (declaring.texts(), 5, "is no list of texts"),
        (declaring.integer(), "12.5", "is no whole number"),
        (declaring.integer(), str(2**63), "is no whole number"),
        (declaring.integer(), True, "is no number"),
        (declaring.decimal(), "NaN", "is no number"),
        (declaring.decimal(), "1,234.50", "is no number"),
        (declaring.decimal(), "€ 5", "is no number"),
        (declaring.decimal(), "1_000", "is no number"),
        (declaring.decimal(), "1e999", "is a number of more than 100 digits"),
        (declaring.boolean(), "perhaps", "is neither true nor false"),
        (declaring.boolean(), 2, "is neither true nor false"),
        (declaring.date(), "31/05/2026", "is no date"),
        (declaring.date(), "2026-02-30", "is no day of the calendar"),
        (declaring.date(), "2026-05-31T18:30:00Z", "is no date"),
        (declaring.timestamp(), "2026-05-31", "is no time"),
        (declaring.timestamp(), "2026-05-31T25:00", "is no time of the calendar"),
        (declaring.timestamp(), {"_seconds": "1"}, "is no time"),
        (declaring.timestamp(epoch="s"), 10**15, "is no time between the years 1 and 9999"),
        (declaring.choice("", "walk"), "run", "is none of the words that may stand there"),
        (declaring.json(), "{", "is no JSON"),
        (declaring.json(), "NaN", "is no JSON"),
        (declaring.json(), '"\\u0000"', "holds a character with the number 0"),
        (declaring.json(), "[" * 100 + "]" * 100, "is nested more than 64 levels deep"),
    ],
)
def test_what_does_not(column: Column, value: object, why: str) -> None:
    with pytest.raises(UnfitError) as refused:
        converted(column, value)
    assert refused.value.why == why
    assert refused.value.advice.endswith((".", "?"))


def test_a_time_without_a_zone_is_in_that_of_the_run() -> None:
    assert converted(declaring.timestamp(), "2026-07-01 12:00:00", ROME) == "2026-07-01T12:00:00+02:00"
    assert converted(declaring.timestamp(), "2026-07-01 12:00:00Z", ROME) == "2026-07-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("2026-03-29 02:30:00", "is a time that clocks leave out there"),
        ("2026-10-25 02:30:00", "is a time that comes twice there"),
    ],
)
def test_a_time_at_which_clocks_are_changed_is_not_guessed(value: str, why: str) -> None:
    with pytest.raises(UnfitError) as refused:
        converted(declaring.timestamp(), value, ROME)
    assert refused.value.why == why


@pytest.mark.parametrize(("value", "new"), [("1.234,50", "1234.50"), ("1234,5", "1234.5"), ("-7", "-7")])
def test_numbers_with_a_comma_where_the_operator_says_so(value: str, new: str) -> None:
    assert converted(declaring.decimal(), value, COMMA) == Decimal(new)


def test_a_point_is_not_taken_for_a_comma_nor_the_other_way_round() -> None:
    with pytest.raises(UnfitError):
        converted(declaring.decimal(), "1234.50", COMMA)
    with pytest.raises(UnfitError, match="--decimal-comma"):
        converted(declaring.decimal(), "1234,50")


def test_no_digit_is_lost_on_the_way_to_postgres() -> None:
    value = {"n": [Decimal("0.1"), 2**70, Raw("1.10"), None, True, "é\n"]}
    assert encoded(value) == '{"n":[0.1,1180591620717411303424,1.10,null,true,"\\u00e9\\n"]}'
    with pytest.raises(TypeError):
        encoded(0.1)


def test_zones_are_named_as_the_iana_names_them() -> None:
    assert zone_named("Europe/Rome") == ZoneInfo("Europe/Rome")
    for name in ("Rome", "../etc/passwd", ""):
        with pytest.raises(ValueError, match="no time zone"):
            zone_named(name)

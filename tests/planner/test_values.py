"""Values on their way into an answer: identifiers, stored JSON, and fields that the program makes of a row."""

import asyncio
import datetime as dt
import uuid
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson
import pytest

from gql.catalog import catalog
from gql.errors import ApiError
from gql.table import Column, Kind, PythonField
from gql.types import profiles  # noqa: F401 - declares one of the types
from gql.types.trips import TripStatus
from tripgate.planner import node_id, result_shape
from tripgate.planner.json_values import (
    DEEPEST,
    UNREADABLE,
    PartlyReadable,
    UnreadableCount,
    counting,
    remove_unreadable,
    stored,
)
from tripgate.planner.python_fields import from_row

KEY = uuid.UUID("ada00000-0000-4000-8002-000000000001")


# Identifiers across all types.


def test_an_identifier_names_a_type_and_a_key() -> None:
    made = node_id.encode("Trip", str(KEY))
    assert made == "VHJpcDphZGEwMDAwMC0wMDAwLTQwMDAtODAwMi0wMDAwMDAwMDAwMDE"
    assert node_id.decode(catalog, made) == ("Trip", str(KEY))
    assert node_id.decode(catalog, node_id.encode("Profile", str(KEY))) == ("Profile", str(KEY))


@pytest.mark.parametrize("text", ["", "Trip", "!", "a+b/", "VHJpcDp4", "é", "//79"])
def test_other_text_is_no_identifier(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        node_id.decode(catalog, text)
    assert refused.value.message == "nodeId is not an identifier of this API."
    assert refused.value.extensions == {"code": "BAD_USER_INPUT", "field": "nodeId"}


# Stored JSON.


def lists(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1.10}',
        "[" + "{}," * 100 + "1]",
        "[" + "[]," * 100 + "1]",
        lists(DEEPEST),
        '{"a": "' + "[" * 100 + '"}',
        '{"a": "\\"' + "{" * 100 + '"}',
        '{"a": "\\\\", "b": ' + lists(DEEPEST - 1) + "}",
        "1" * 308,
        "0." + "1" * 500,
    ],
)
def test_stored_json_is_answered_as_it_is(text: str) -> None:
    counting.set(unreadable := UnreadableCount())
    assert orjson.dumps(stored(text)) == text.encode()
    assert unreadable.count == 0


@pytest.mark.parametrize(
    "text",
    [
        lists(DEEPEST + 1),
        '{"a":' * 65 + "1" + "}" * 65,
        '["\\\\",' + lists(DEEPEST) + "]",
        "[" + "1" * 400 + "]",
    ],
)
def test_what_others_could_not_read_stays_out(text: str) -> None:
    counting.set(unreadable := UnreadableCount())
    assert stored(text) is UNREADABLE
    assert unreadable.count == 1
    assert repr(UNREADABLE) == "UNREADABLE"


def test_no_value_is_no_json() -> None:
    assert stored(None) is None


def test_null_takes_the_place_of_what_cannot_be_answered() -> None:
    text = orjson.Fragment(b"[null]")
    answer = {"a": [1, UNREADABLE, {"b": UNREADABLE}], "c": PartlyReadable(text, ((0, "d"), (2, "e"))), "f": "x"}
    assert remove_unreadable(answer) == [("a", 1), ("a", 2, "b"), ("c", 0, "d"), ("c", 2, "e")]
    assert answer == {"a": [1, None, {"b": None}], "c": text, "f": "x"}
    assert remove_unreadable([1, UNREADABLE, {"b": UNREADABLE}], 7) == [(8,), (9, "b")]
    assert remove_unreadable([UNREADABLE]) == [(0,)]
    assert remove_unreadable({"a": 1}) == []


# Fields that the program makes of a row.


def column(kind: Kind, enum: type[Enum] | None = None) -> Column:
    return Column("x", "x_sql", kind, nullable=True, enum=enum)


@pytest.mark.parametrize("kind", Kind)
def test_a_value_is_converted_as_its_kind_asks(kind: Kind) -> None:
    found = result_shape.value("key", "x_sql", column(kind))
    if kind is Kind.JSON:
        assert found == result_shape.Json("key", "x_sql")
    elif kind in {Kind.INTERVAL, Kind.DOUBLE}:
        assert found == result_shape.Converted("key", "x_sql", kind)
    else:
        assert found == result_shape.Value("key", "x_sql", None)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (column(Kind.UUID), str(KEY), KEY),
        (column(Kind.NUMERIC), "1.50", Decimal("1.50")),
        (column(Kind.DATE), "2027-01-02", dt.date(2027, 1, 2)),
        (column(Kind.DATETIME), "2027-01-02T03:00:00+00:00", dt.datetime(2027, 1, 2, 3, tzinfo=dt.UTC)),
        (column(Kind.JSON), '{"a": 1}', {"a": 1}),
        (column(Kind.ENUM, TripStatus), "booked", TripStatus.BOOKED),
        (column(Kind.TEXT), "a", "a"),
        (column(Kind.INT), 0, 0),
        (column(Kind.NUMERIC), None, None),
    ],
)
def test_a_function_gets_columns_as_python_values(column: Column, value: Any, expected: Any) -> None:
    found: list[Any] = []
    field = PythonField("made", (("x", column),), lambda row: found.append(row.x))
    from_row(field)({"x_sql": value, "other": 1})
    assert found == [expected]
    assert type(found[0]) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TripStatus.BOOKED, "BOOKED"),
        (KEY, str(KEY)),
        (Decimal("1.50"), "1.50"),
        (dt.date(2027, 1, 2), "2027-01-02"),
        (dt.datetime(2027, 1, 2, 3, tzinfo=dt.UTC), "2027-01-02T03:00:00+00:00"),
        (None, None),
        (True, True),
    ],
)
def test_what_it_gives_is_answered_as_json(value: Any, expected: Any) -> None:
    assert from_row(PythonField("made", (), lambda _: value))({}) == expected


async def test_each_answer_counts_its_own() -> None:
    async def answer(text: str) -> int:
        counting.set(count := UnreadableCount())
        stored(text)
        await asyncio.sleep(0)
        return count.count

    assert await asyncio.gather(answer("[" + "1" * 400 + "]"), answer("[1]")) == [1, 0]

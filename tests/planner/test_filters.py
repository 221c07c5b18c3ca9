"""Filters as conditions: what each operator asks, and the very words in which a mistake is refused."""

import datetime as dt
import decimal
import math
import uuid
from typing import Any

import pytest

from gql.catalog import catalog
from gql.errors import ApiError
from gql.json_numbers import Exact
from gql.types.trips import TripStatus
from tripgate.gateway.schema import graphql_schema
from tripgate.planner.conditions import as_text, condition
from tripgate.planner.plan import ALWAYS, NEVER, And, Compare, Condition, IsNull, Not, Operator, Or, Related, both

graphql_schema()
TRIP = catalog["Trip"]
ITEM = catalog["TripItem"]
TITLE = Compare("title", Operator.EQ, "a")
NO_BUDGET = IsNull("budget")


def items(where: Condition) -> Related:
    return Related("trip_items", "trip_id", True, where)


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (None, ALWAYS),
        ({}, ALWAYS),
        ({"title": {}}, ALWAYS),
        ({"title": {"eq": "a"}}, TITLE),
        ({"title": {"neq": "a"}}, Compare("title", Operator.NEQ, "a")),
        ({"startDate": {"gt": dt.date(2027, 1, 2)}}, Compare("start_date", Operator.GT, "2027-01-02")),
        ({"budget": {"isNull": True}}, NO_BUDGET),
        ({"budget": {"isNull": False}}, Not(NO_BUDGET)),
        ({"title": {"eq": "a"}, "budget": {"isNull": True}}, And((TITLE, NO_BUDGET))),
        ({"title": {"in": ["a", "b"]}}, Compare("title", Operator.IN, ("a", "b"))),
        ({"title": {"in": []}}, NEVER),
        ({"title": {"notIn": ["a"]}}, Not(Compare("title", Operator.IN, ("a",)))),
        ({"title": {"notIn": []}}, ALWAYS),
        (
            {"budget": {"distinctFrom": decimal.Decimal("1.50")}},
            Or((Compare("budget", Operator.NEQ, "1.50"), NO_BUDGET)),
        ),
        ({"title": {"contains": r"5%_\a"}}, Compare("title", Operator.LIKE, r"%5\%\_\\a%")),
        ({"title": {"startsWith": "a"}}, Compare("title", Operator.LIKE, "a%")),
        ({"title": {"endsWith": "a"}}, Compare("title", Operator.LIKE, "%a")),
        ({"title": {"icontains": "a"}}, Compare("title", Operator.ILIKE, "%a%")),
        ({"title": {"istartsWith": "a"}}, Compare("title", Operator.ILIKE, "a%")),
        ({"title": {"iendsWith": "a"}}, Compare("title", Operator.ILIKE, "%a")),
        ({"title": {"like": "a_%"}}, Compare("title", Operator.LIKE, "a_%")),
        ({"title": {"ilike": "a\\\\"}}, Compare("title", Operator.ILIKE, "a\\\\")),
        ({"labels": {"contains": ["a", "b"]}}, Compare("labels", Operator.CONTAINS, ("a", "b"))),
        ({"search": "a b"}, Compare("search", Operator.SEARCH, "a b")),
        ({"and": [{"title": {"eq": "a"}}, {}]}, TITLE),
        ({"and": []}, ALWAYS),
        ({"and": [{"title": {"in": []}}], "budget": {"isNull": True}}, NEVER),
        ({"or": []}, NEVER),
        ({"or": [{}, {"title": {"eq": "a"}}]}, ALWAYS),
        ({"or": [{"title": {"eq": "a"}}, {"title": {"in": []}}]}, TITLE),
        ({"or": [{"title": {"eq": "a"}}, {"budget": {"isNull": True}}]}, Or((TITLE, NO_BUDGET))),
        ({"not": {}}, NEVER),
        ({"not": {"title": {"in": []}}}, ALWAYS),
        ({"not": {"title": {"eq": "a"}}}, Not(TITLE)),
        ({"owner": {}}, Related("profiles", "user_id", False, ALWAYS)),
        ({"items": {}}, ALWAYS),
        ({"items": {"some": {}}}, items(ALWAYS)),
        ({"items": {"some": {"cost": {"in": []}}}}, NEVER),
        ({"items": {"none": {"cost": {"isNull": True}}}}, Not(items(IsNull("cost")))),
        ({"items": {"none": {"cost": {"in": []}}}}, ALWAYS),
        ({"items": {"every": {"cost": {"isNull": True}}}}, Not(items(Not(IsNull("cost"))))),
        ({"items": {"every": {}}}, ALWAYS),
        ({"items": {"some": {}, "none": {"cost": {"isNull": True}}}}, And((items(ALWAYS), Not(items(IsNull("cost")))))),
    ],
)
def test_what_a_filter_asks(filter_: dict[str, Any] | None, expected: Condition) -> None:
    assert condition(catalog, TRIP, filter_) == expected


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ({"eq": {"a": [1, Exact.of("1.10")]}}, Compare("details", Operator.EQ, '{"a":[1,1.10]}')),
        ({"contains": {"a": None}}, Compare("details", Operator.CONTAINS, '{"a":null}')),
        ({"at": [{"path": ["a", "b"], "eq": 1}]}, Compare("details", Operator.CONTAINS, '{"a":{"b":1}}')),
        ({"at": [{"path": ["a"], "eq": None}]}, Compare("details", Operator.CONTAINS, '{"a":null}')),
        ({"at": []}, ALWAYS),
    ],
)
def test_json_is_compared_as_text(operators: dict[str, Any], expected: Condition) -> None:
    assert condition(catalog, ITEM, {"details": operators}) == expected


NUL = "contains the character U+0000, which text cannot hold."
NUMBER = (
    "contains a number that is too large, too small or too long for readers of JSON: at most ±1.7e308 and 1000 "
    "characters. Send it as a string."
)
NULL = "is null. Leave it out, or test for null with isNull."


@pytest.mark.parametrize(
    ("filter_", "field", "message"),
    [
        ({"title": None}, "filter.title", NULL),
        ({"title": {"eq": None}}, "filter.title.eq", NULL),
        ({"and": [{}, {"or": [{"not": None}]}]}, "filter.and[1].or[0].not", NULL),
        ({"not": {"title": {"eq": None}}}, "filter.not.title.eq", NULL),
        ({"trip": {"title": None}}, "filter.trip.title", NULL),
        ({"votes": {"some": None}}, "filter.votes.some", "is null. Leave it out."),
        ({"votes": {"none": {"comment": None}}}, "filter.votes.none.comment", NULL),
        ({"search": "a\0"}, "filter.search", NUL),
        ({"title": {"eq": "\0"}}, "filter.title.eq", NUL),
        ({"title": {"in": ["a", "\0"]}}, "filter.title.in", NUL),
        ({"title": {"notIn": ["\0"]}}, "filter.title.notIn", NUL),
        ({"title": {"contains": "\0"}}, "filter.title.contains", NUL),
        ({"title": {"like": "\0"}}, "filter.title.like", NUL),
        ({"title": {"distinctFrom": "\0"}}, "filter.title.distinctFrom", NUL),
        ({"title": {"eq": "\ud800"}}, "filter.title.eq", "contains a lone surrogate, which is no character."),
        (
            {"title": {"like": "a\\\\\\"}},
            "filter.title.like",
            "ends in a backslash that takes no character. Write two for a backslash itself.",
        ),
        ({"details": {"eq": {"a": ["\0"]}}}, "filter.details.eq", NUL),
        ({"details": {"eq": {"\0": 1}}}, "filter.details.eq", NUL),
        ({"details": {"eq": [math.inf]}}, "filter.details.eq", NUMBER),
        ({"details": {"eq": Exact.of("1e400")}}, "filter.details.eq", NUMBER),
        (
            {"details": {"at": [{"path": ["a"], "eq": 1}, {"path": ["a"], "eq": math.nan}]}},
            "filter.details.at[1]",
            NUMBER,
        ),
        (
            {"details": {"at": [{"path": ["a"]}]}},
            "filter.details.at[0].eq",
            "is missing. Give the value that is wanted; null is one, too.",
        ),
        ({"details": {"at": [{"path": [], "eq": 1}]}}, "filter.details.at[0].path", "is empty. Name at least one key."),
        (
            {"details": {"at": [{"path": ["a"], "eq": []}]}},
            "filter.details.at[0].eq",
            "is not a plain value. Use contains for objects and lists.",
        ),
    ],
)
def test_what_is_refused(filter_: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        condition(catalog, ITEM, filter_)
    assert refused.value.message == f"{field} {message}"
    assert refused.value.extensions == {"code": "BAD_USER_INPUT", "field": field}


def test_the_filters_place_is_that_of_its_argument() -> None:
    with pytest.raises(ApiError) as refused:
        condition(catalog, TRIP, {"title": None}, "where")
    assert refused.value.extensions["field"] == "where.title"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("é", "é"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (decimal.Decimal("1.50"), "1.50"),
        (TripStatus.BOOKED, "booked"),
        (dt.date(2027, 1, 2), "2027-01-02"),
        (dt.datetime(2027, 1, 2, 3, tzinfo=dt.UTC), "2027-01-02T03:00:00+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_scalar_as_postgres_reads_it(value: Any, expected: str) -> None:
    assert as_text(value, "x") == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (ALWAYS, ALWAYS, ALWAYS),
        (TITLE, ALWAYS, TITLE),
        (ALWAYS, TITLE, TITLE),
        (TITLE, NO_BUDGET, And((TITLE, NO_BUDGET))),
        (And((TITLE, NO_BUDGET)), Not(TITLE), And((TITLE, NO_BUDGET, Not(TITLE)))),
    ],
)
def test_both_conditions(first: Condition, second: Condition, expected: Condition) -> None:
    assert both(first, second) == expected

"""Inputs and patches as writes, and the very words in which a mistake is refused."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from gql.catalog import catalog
from gql.errors import ApiError
from gql.types.trips import TripItemKind, TripStatus
from tripgate.gateway.schema import graphql_schema
from tripgate.planner.plan import And, Compare, Condition, Delete, Insert, IsNull, Not, Operator, Or, Pick, Related
from tripgate.planner.write import (
    changed_after,
    has_related,
    insert,
    insert_tree,
    keyed,
    only,
    own_tests,
    related_tables,
    returning,
    unmodified_since,
    update,
)
from tripgate.planner.write_filters import check_write_filter

graphql_schema()
TRIP, ITEM, PLACE, PROFILE = (catalog[name] for name in ("Trip", "TripItem", "Place", "Profile"))
ID = (Pick("id"),)
NOON = dt.datetime(2027, 1, 2, 12, tzinfo=dt.UTC)
BAD = "BAD_USER_INPUT"


def refusal(made: Any, *arguments: Any, **named: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(ApiError) as refused:
        made(*arguments, **named)
    return refused.value.message, refused.value.extensions


# New rows.


def test_one_row_gets_its_key_from_the_database() -> None:
    given = {"title": "a", "description": None, "status": TripStatus.BOOKED, "startDate": dt.date(2027, 1, 2)}
    row = {"title": "a", "description": None, "status": "booked", "start_date": "2027-01-02"}
    assert insert(TRIP, [given], ID, "input") == Insert("trips", tuple(row), (row,), ID)


def test_several_rows_get_theirs_here() -> None:
    made = insert(TRIP, [{"title": "a"}, {"title": "b", "budget": Decimal("1.50")}], ID, "inputs")
    assert made.columns == ("id", "title", "budget")
    assert [{name: value for name, value in row.items() if name != "id"} for row in made.rows] == [
        {"title": "a"},
        {"title": "b", "budget": "1.50"},
    ]
    assert len({uuid.UUID(row["id"]) for row in made.rows}) == 2


def test_values_travel_as_json() -> None:
    given = {
        "tripId": uuid.UUID(int=1),
        "kind": TripItemKind.FOOD,
        "dayNumber": 2,
        "startsAt": NOON,
        "details": {"a": [1]},
    }
    (row,) = insert(ITEM, [given], ID, "input").rows
    assert row == {
        "trip_id": "00000000-0000-0000-0000-000000000001",
        "kind": "food",
        "day_number": 2,
        "starts_at": "2027-01-02T12:00:00+00:00",
        "details": {"a": [1]},
    }
    assert insert(TRIP, [{"labels": ["a", "b"], "items": []}], ID, "input").rows == ({"labels": ["a", "b"]},)


DEFAULT = "cannot be null. Leave it out for its default."
NUL = "contains the character U+0000, which text cannot hold."


@pytest.mark.parametrize(
    ("inputs", "message", "field"),
    [
        ([{"title": None}], f"input.title {DEFAULT}", "title"),
        ([{}, {"title": None}], f"input[1].title {DEFAULT}", "title"),
        ([{"items": None}], "input.items cannot be null. Leave it out where there are none.", "items"),
        ([{"title": "\0"}], f"input.title {NUL}", "title"),
        ([{"labels": ["\0"]}], f"input.labels {NUL}", "labels"),
        ([{"budget": Decimal("1.001")}], "input.budget has more than 2 decimals. Round it first.", "budget"),
        ([{"budget": Decimal("1.1001e1")}], "input.budget has more than 2 decimals. Round it first.", "budget"),
    ],
)
def test_rows_that_are_refused(inputs: list[dict[str, Any]], message: str, field: str) -> None:
    assert refusal(insert, TRIP, inputs, ID, "input") == (message, {"code": BAD, "field": field})


@pytest.mark.parametrize("value", ["1e10", "-10000000000.00", "99999999999"])
def test_a_number_that_its_column_does_not_hold(value: str) -> None:
    message = "input.budget is too large. Between -9999999999.99 and 9999999999.99 it can be kept."
    expected = {"code": BAD, "field": "budget", "sqlstate": "22003"}
    assert refusal(insert, TRIP, [{"budget": Decimal(value)}], ID, "input") == (message, expected)


@pytest.mark.parametrize("value", ["9999999999.99", "-0.01", "1.10000", "0", "0.000", "0e20", "1e9", "12e-2", None])
def test_a_number_that_it_holds(value: str | None) -> None:
    given = None if value is None else Decimal(value)
    expected = None if given is None else str(given)
    assert insert(TRIP, [{"budget": given}], ID, "input").rows == ({"budget": expected},)


def test_json_that_cannot_be_held() -> None:
    message, extensions = refusal(insert, ITEM, [{"details": ["\0"]}], ID, "input")
    assert (message, extensions) == (f"input.details {NUL}", {"code": BAD, "field": "details"})


# Rows with related ones.


def test_whether_related_rows_come_along() -> None:
    assert has_related(TRIP, [{}, {"items": [{}]}])
    assert not has_related(TRIP, [{"items": []}, {"labels": ["a"]}])


def test_which_rows_may_come_along() -> None:
    assert list(related_tables(catalog, TRIP)) == [("items", ITEM, "trip_id")]
    assert list(related_tables(catalog, PROFILE)) == []
    assert list(related_tables(catalog, TRIP, "x.")) == [("x.items", ITEM, "trip_id")]


def test_a_tree_names_each_rows_parent() -> None:
    inputs = [{"title": "a", "items": [{"title": "b"}, {"title": "c"}]}, {"title": "d"}]
    tree, keys = insert_tree(catalog, TRIP, inputs, "inputs", max_list=2)
    (trips, trip_rows), (items, item_rows) = tree.parts
    assert (trips, items) == ("trips", "trip_items")
    assert [row["id"] for row in trip_rows] == keys
    assert [row["title"] for row in trip_rows] == ["a", "d"]
    assert [(row["title"], row["trip_id"]) for row in item_rows] == [("b", keys[0]), ("c", keys[0])]
    assert len({row["id"] for row in (*trip_rows, *item_rows)}) == 4


@pytest.mark.parametrize(
    ("inputs", "message", "field"),
    [
        ([{"items": [{"title": None}]}], f"input.items[0].title {DEFAULT}", "items.title"),
        ([{}, {"items": [{}, {"title": None}]}], f"input[1].items[1].title {DEFAULT}", "items.title"),
        ([{"items": None}], "input.items cannot be null. Leave it out where there are none.", "items"),
        (
            [{"items": [{"votes": None}]}],
            "input.items[0].votes cannot be null. Leave it out where there are none.",
            "items.votes",
        ),
        ([{"items": [{}] * 4}], "input.items has 4 entries; at most 3 go at once.", "items"),
        ([{"items": [{}] * 3}] * 11, "There are more than 30 related rows. Send fewer at once.", "items"),
        (
            [{"items": [{"cost": Decimal("0.001")}]}],
            "input.items[0].cost has more than 2 decimals. Round it first.",
            "items.cost",
        ),
    ],
)
def test_trees_that_are_refused(inputs: list[dict[str, Any]], message: str, field: str) -> None:
    found = refusal(insert_tree, catalog, TRIP, inputs, "input", max_list=3)
    assert found == (message, {"code": BAD, "field": field})


def test_as_many_related_rows_as_are_allowed() -> None:
    tree, _ = insert_tree(catalog, TRIP, [{"items": [{}] * 3}] * 10, "inputs", max_list=3)
    assert [len(rows) for _, rows in tree.parts] == [10, 30]


# Changes.


def test_changes_keep_what_is_left_out() -> None:
    made = update(TRIP, (("id", "x"),), {"title": "a", "budget": None}, ID)
    assert (made.table, made.match, made.changes, made.returning) == (
        "trips",
        (("id", "x"),),
        {"title": "a", "budget": None},
        ID,
    )
    assert (made.where, made.exactly) == ((), None)


def test_changes_that_are_refused() -> None:
    found = refusal(update, TRIP, (), {"title": None}, ID)
    assert found == ("patch.title cannot be null. Leave it out to keep it as it is.", {"code": BAD, "field": "title"})
    empty = refusal(update, TRIP, (), {}, ID)
    assert empty == ("patch is empty. Give at least one field to change.", {"code": BAD, "field": "patch"})


def test_a_write_of_those_rows_alone() -> None:
    write = Delete("trips", (("id", "x"),), ID, (IsNull("budget"),))
    assert only(write, (IsNull("title"),), exactly=3) == Delete(
        "trips", (("id", "x"),), ID, (IsNull("budget"), IsNull("title")), 3
    )
    assert keyed(TRIP, iter("ab")) == Compare("id", Operator.IN, ("a", "b"))


def test_since_a_moment() -> None:
    assert unmodified_since(TRIP, None) == ()
    assert unmodified_since(TRIP, NOON) == (Compare("updated_at", Operator.LTE, "2027-01-02T12:00:00+00:00"),)
    rows = [{"updated_at": f"2027-01-02T{hour}:00:00+00:00"} for hour in (11, 12, 13, 14)]
    assert changed_after(TRIP, rows, NOON) == "2027-01-02T13:00:00+00:00"
    assert changed_after(TRIP, rows[:2], NOON) is None


def test_what_a_write_answers_with() -> None:
    assert returning(TRIP, ["title", "budget", "id", "title"]) == (Pick("id"), Pick("title"), Pick("budget", "text"))


TITLE, NO_BUDGET = Compare("title", Operator.EQ, "a"), IsNull("budget")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (TITLE, (TITLE,)),
        (NO_BUDGET, (NO_BUDGET,)),
        (Not(NO_BUDGET), (Not(NO_BUDGET),)),
        (Not(Not(TITLE)), (TITLE,)),
        (And((TITLE, And((Not(NO_BUDGET),)))), (TITLE, Not(NO_BUDGET))),
        (Or((TITLE, NO_BUDGET)), ()),
        (Not(And((TITLE,))), ()),
        (Related("trip_items", "trip_id", True, TITLE), ()),
        (Compare("id", Operator.EQ, "x"), ()),
        (Not(Compare("id", Operator.EQ, "x")), ()),
        (Compare("cost_total", Operator.GT, "1"), ()),
        (Not(IsNull("duration_days")), ()),
        (Compare("search", Operator.SEARCH, "a"), ()),
    ],
)
def test_what_of_a_filter_a_write_repeats(condition: Condition, expected: tuple[Any, ...]) -> None:
    assert own_tests(TRIP, condition) == expected


# Filters of writes say which rows they mean.

ADVICE = "Was a variable left out? Nothing was written. To mean every row, say { id: { isNull: false } }."


@pytest.mark.parametrize(
    ("filter_", "field"),
    [
        (None, "filter"),
        ({}, "filter"),
        ({"and": []}, "filter.and"),
        ({"and": [{"title": {"eq": "a"}}, {}]}, "filter.and[1]"),
        ({"or": [{}]}, "filter.or[0]"),
        ({"not": {}}, "filter.not"),
        ({"not": {"or": []}}, "filter.not.or"),
        ({"owner": {}}, "filter.owner"),
        ({"items": {}}, "filter.items"),
        ({"items": {"some": {}}}, "filter.items.some"),
        ({"items": {"every": {}}}, "filter.items.every"),
        ({"items": {"some": {"and": []}}}, "filter.items.some.and"),
        ({"items": {"every": {"or": []}}}, "filter.items.every.or"),
        ({"items": {"none": {"or": []}}}, "filter.items.none.or"),
        ({"not": {"items": {"none": {}}}}, "filter.not.items.none"),
        ({"not": {"owner": {"or": []}}}, "filter.not.owner.or"),
        ({"not": {"items": {"some": {"or": []}}}}, "filter.not.items.some.or"),
        ({"items": {"some": {"details": {"at": []}}}}, "filter.items.some.details.at"),
    ],
)
def test_a_part_that_says_nothing(filter_: dict[str, Any] | None, field: str) -> None:
    expected = (f"{field} is empty. {ADVICE}", {"code": BAD, "field": field})
    assert refusal(check_write_filter, catalog, TRIP, filter_) == expected


def test_a_column_without_an_operator() -> None:
    expected = (f"where.title names a column but no operator. {ADVICE}", {"code": BAD, "field": "where.title"})
    assert refusal(check_write_filter, catalog, TRIP, {"title": {}}, "where") == expected


@pytest.mark.parametrize(
    "filter_",
    [
        {"title": {"eq": "a"}},
        {"search": "a"},
        {"or": []},
        {"not": {"not": {"or": []}}},
        {"not": {"and": [{"title": {"eq": "a"}}]}},
        {"owner": {"displayName": {"eq": "a"}}},
        {"items": {"none": {}}},
        {"items": {"none": {"not": {"or": []}}}},
        {"items": {"some": {"or": []}}},
        {"not": {"items": {"some": {}}}},
        {"not": {"items": {"none": {"or": []}}}},
        {"title": None, "items": {"some": None}},
        {"items": {"some": {"details": {"at": [{}]}}}},
    ],
)
def test_filters_that_say_something(filter_: dict[str, Any]) -> None:
    check_write_filter(catalog, TRIP, filter_)

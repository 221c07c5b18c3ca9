"""Writes by filter that are refused: filters that say nothing, bounds that are passed, rules that are broken."""

from typing import Any

import pytest

from tests.gateway.test_writes_many import ALL, DELETE, UPDATE, trips
from tests.support import Person, Wire


@pytest.fixture
async def planner(newcomer: Person) -> Person:
    """Somebody with the trips a, b and c, of which c is booked."""
    for title, status in (("a", "PLANNING"), ("b", "PLANNING"), ("c", "BOOKED")):
        await newcomer.trip(title=title, status=status)
    return newcomer


async def test_more_rows_than_at_most_change_nothing(planner: Person, wire: Wire) -> None:
    exceeded = {
        "code": "AT_MOST_EXCEEDED",
        "message": "The filter matches more than 1 of the trips, so nothing was changed."
        " Narrow it, or raise atMost, to 100 at most.",
        "field": "atMost",
    }
    wire.clear()
    assert await planner.refused(UPDATE, filter=ALL, patch={"title": "x"}) == exceeded
    assert await planner.refused(DELETE, filter={"status": {"eq": "PLANNING"}}) == exceeded
    assert [request.split()[0] for request in wire.requests] == ["GET", "GET"]
    assert await planner.code(DELETE, filter=ALL, atMost=2) == "AT_MOST_EXCEEDED"
    assert await trips(planner) == {"a": "PLANNING", "b": "PLANNING", "c": "BOOKED"}


async def test_every_row_is_meant_by_a_test_that_holds_of_each(planner: Person) -> None:
    assert len((await planner.ask(UPDATE, filter=ALL, patch={"status": "BOOKED"}, atMost=3))["updateTrips"]) == 3
    assert len((await planner.ask(DELETE, filter=ALL, atMost=3))["deleteTrips"]) == 3
    assert await trips(planner) == {}


_ADVICE = "Was a variable left out? Nothing was written. To mean every row, say { id: { isNull: false } }."


def nothing_said(path: str) -> dict[str, str]:
    """The refusal of a filter that says nothing at this place."""
    return {"code": "BAD_USER_INPUT", "message": f"{path} is empty. {_ADVICE}", "field": path}


def no_operator(path: str) -> dict[str, str]:
    """The refusal of a filter that names this column and no operator."""
    message = f"{path} names a column but no operator. {_ADVICE}"
    return {"code": "BAD_USER_INPUT", "message": message, "field": path}


@pytest.mark.parametrize(
    ("filter_", "refusal"),
    [
        ({}, nothing_said("filter")),
        ({"id": {}}, no_operator("filter.id")),
        ({"title": {"eq": "a"}, "id": {}}, no_operator("filter.id")),
        ({"and": []}, nothing_said("filter.and")),
        ({"and": [{"title": {"eq": "a"}}, {}]}, nothing_said("filter.and[1]")),
        ({"or": [{"title": {"eq": "a"}}, {"id": {}}]}, no_operator("filter.or[1].id")),
        ({"not": {}}, nothing_said("filter.not")),
        ({"not": {"title": {}}}, no_operator("filter.not.title")),
        ({"not": {"or": []}}, nothing_said("filter.not.or")),
        ({"not": {"and": [{"or": [{"title": {}}]}]}}, no_operator("filter.not.and[0].or[0].title")),
        ({"owner": {}}, nothing_said("filter.owner")),
        ({"owner": {"id": {}}}, no_operator("filter.owner.id")),
        ({"items": {}}, nothing_said("filter.items")),
        ({"items": {"some": {}}}, nothing_said("filter.items.some")),
        ({"items": {"every": {}}}, nothing_said("filter.items.every")),
        ({"items": {"none": {"title": {}}}}, no_operator("filter.items.none.title")),
        ({"items": {"some": {"place": {}}}}, nothing_said("filter.items.some.place")),
        ({"items": {"some": {"votes": {"some": {}}}}}, nothing_said("filter.items.some.votes.some")),
        ({"items": {"some": {"details": {"at": []}}}}, nothing_said("filter.items.some.details.at")),
        ({"not": {"items": {"none": {}}}}, nothing_said("filter.not.items.none")),
    ],
)
async def test_a_filter_that_says_nothing_somewhere_is_refused(
    planner: Person, wire: Wire, filter_: dict[str, Any], refusal: dict[str, str]
) -> None:
    wire.clear()
    assert await planner.refused(UPDATE, filter=filter_, patch={"title": "x"}, atMost=100) == refusal
    assert await planner.refused(DELETE, filter=filter_, atMost=100) == refusal
    assert wire.requests == []


LOST = [
    ("TripItems", "{ id: { eq: $x } }", no_operator("filter.id")),
    ("TripItems", "{ trip: { id: { eq: $x } } }", no_operator("filter.trip.id")),
    ("Trips", "{ items: { some: { id: { eq: $x } } } }", no_operator("filter.items.some.id")),
    ("Places", '{ and: [{ name: { eq: "p" } }, { id: { eq: $x } }] }', no_operator("filter.and[1].id")),
    ("SavedPlaces", "{ placeId: { eq: $x } }", no_operator("filter.placeId")),
    ("Collections", "{ not: { id: { eq: $x } } }", no_operator("filter.not.id")),
    ("CollectionPlaces", "{ collectionId: { eq: $x } }", no_operator("filter.collectionId")),
    ("Tags", '{ or: [{ id: { eq: $x } }, { name: { eq: "t" } }] }', no_operator("filter.or[0].id")),
    ("PlaceTags", "{ tag: { id: { eq: $x } } }", no_operator("filter.tag.id")),
]


@pytest.mark.parametrize(("table", "filter_", "refusal"), LOST)
async def test_a_variable_that_is_not_given_deletes_nothing(
    planner: Person, wire: Wire, table: str, filter_: str, refusal: dict[str, str]
) -> None:
    lost = f"mutation ($x: UUID) {{ delete{table}(filter: {filter_}, atMost: 50) {{ __typename }} }}"
    wire.clear()
    assert await planner.refused(lost) == refusal
    assert wire.requests == []
    # Null is no value to compare with either.
    assert await planner.code(lost, x=None) == "BAD_USER_INPUT"
    assert wire.requests == []


@pytest.mark.parametrize("filter_", [{"items": {"none": {}}}, {"not": {"items": {"some": {}}}}])
async def test_that_there_is_none_may_be_said_shortly(planner: Person, filter_: dict[str, Any]) -> None:
    filter_ = {**filter_, "title": {"in": ["a", "b"]}}
    assert len((await planner.ask(DELETE, filter=filter_, atMost=9))["deleteTrips"]) == 2
    assert await trips(planner) == {"c": "BOOKED"}


async def test_where_nothing_matches_nothing_is_written(planner: Person, wire: Wire) -> None:
    wire.clear()
    assert await planner.ask(UPDATE, filter={"title": {"eq": "d"}}, patch={"title": "x"}) == {"updateTrips": []}
    assert await planner.ask(DELETE, filter={"or": []}, atMost=100) == {"deleteTrips": []}
    assert [request.split()[0] for request in wire.requests] == ["GET", "GET"]


@pytest.mark.parametrize("at_most", [0, -1, 101])
async def test_at_most_has_bounds(planner: Person, wire: Wire, at_most: int) -> None:
    wire.clear()
    refusal = {
        "code": "BAD_USER_INPUT",
        "message": f"atMost must be between 1 and 100, not {at_most}.",
        "field": "atMost",
    }
    assert await planner.refused(UPDATE, filter=ALL, patch={"title": "x"}, atMost=at_most) == refusal
    assert await planner.refused(DELETE, filter=ALL, atMost=at_most) == refusal
    assert wire.requests == []


async def test_mistakes_are_found_before_anything_is_sent(planner: Person, wire: Wire) -> None:
    wire.clear()
    for filter_, patch in ((ALL, {}), (ALL, {"title": None}), ({"title": {"eq": None}}, {"title": "x"})):
        assert await planner.code(UPDATE, filter=filter_, patch=patch, atMost=9) == "BAD_USER_INPUT"
    assert await planner.code("mutation { updateTrips(patch: {}) { id } }") == "GRAPHQL_VALIDATION_FAILED"
    assert await planner.code("mutation { deleteTrips(filter: null) { id } }") == "GRAPHQL_VALIDATION_FAILED"
    assert wire.requests == []


async def test_a_patch_that_breaks_a_rule_changes_nothing(planner: Person) -> None:
    error = await planner.refused(UPDATE, filter=ALL, patch={"currency": "euro"}, atMost=9)
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "currency")
    assert await trips(planner) == {"a": "PLANNING", "b": "PLANNING", "c": "BOOKED"}

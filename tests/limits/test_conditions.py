"""How many conditions an operation may hold, and which of them are one: alternatives of one column are one list."""

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gql.catalog import catalog
from tests.live.clients import live
from tests.support import Person, Wire, examples
from tripgate.gateway.limits import cost, filters
from tripgate.gateway.schema import graphql_schema
from tripgate.planner.conditions import condition
from tripgate.planner.plan import And, Compare, Condition, IsNull, Not, Operator, Or, Related

COUNT = "query ($f: TripFilter) { trips(filter: $f) { totalCount } }"
TITLES = "query ($f: TripFilter) { trips(filter: $f, orderBy: [{ title: ASC }], first: 100) { nodes { title } } }"
MANY = [{"title": {"contains": f"word {number}"}} for number in range(201)]


def refusal(found: int) -> dict[str, Any]:
    return {
        "message": f"The filters of the operation hold {found} conditions; at most 200 are allowed. Write alternatives "
        "of one column as a list, `in: [...]`, or ask in several operations.",
        "code": "BAD_USER_INPUT",
        "limit": 200,
        "found": found,
    }


graphql_schema()
TRIP = catalog["Trip"]


def planned(filter_: dict[str, Any]) -> Condition:
    return condition(catalog, TRIP, filter_)


def eq(*titles: str) -> list[dict[str, Any]]:
    return [{"title": {"eq": title}} for title in titles]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"or": eq("a", "b", "a")}, Compare("title", Operator.IN, ("a", "b"))),
        ({"or": eq("a", "a")}, Compare("title", Operator.EQ, "a")),
        (
            {"or": [*eq("a"), {"title": {"in": ["b", "c"]}}, {"or": eq("d")}, {"and": eq("e")}]},
            Compare("title", Operator.IN, ("a", "b", "c", "d", "e")),
        ),
        ({"not": {"or": eq("a", "b")}}, Not(Compare("title", Operator.IN, ("a", "b")))),
        (
            {"or": [*eq("a"), {"currency": {"eq": "EUR"}}, *eq("b"), {"currency": {"in": ["JPY"]}}]},
            Or((Compare("title", Operator.IN, ("a", "b")), Compare("currency", Operator.IN, ("EUR", "JPY")))),
        ),
        # Each of these says something else, or more.
        (
            {"or": [*eq("a", "b"), {"title": {"neq": "c"}}, {"title": {"eq": "d"}, "currency": {"eq": "EUR"}}]},
            Or(
                (
                    Compare("title", Operator.IN, ("a", "b")),
                    Compare("title", Operator.NEQ, "c"),
                    And((Compare("title", Operator.EQ, "d"), Compare("currency", Operator.EQ, "EUR"))),
                )
            ),
        ),
        ({"and": eq("a", "b")}, And((Compare("title", Operator.EQ, "a"), Compare("title", Operator.EQ, "b")))),
        (
            {"or": [{"labels": {"eq": ["a"]}}, {"labels": {"eq": ["b", "c"]}}]},
            Or((Compare("labels", Operator.EQ, ("a",)), Compare("labels", Operator.EQ, ("b", "c")))),
        ),
        (
            {"or": [*eq("a"), {"title": {"isNull": True}}]},
            Or((Compare("title", Operator.EQ, "a"), IsNull("title"))),
        ),
        ({"or": [{"title": {"in": []}}, *eq("a")]}, Compare("title", Operator.EQ, "a")),
        (
            {"items": {"some": {"or": [{"title": {"eq": "a"}}, {"title": {"eq": "b"}}]}}},
            Related("trip_items", "trip_id", many=True, where=Compare("title", Operator.IN, ("a", "b"))),
        ),
    ],
)
def test_alternatives_of_one_column_become_a_list(filter_: dict[str, Any], expected: Condition) -> None:
    assert planned(filter_) == expected


@pytest.mark.parametrize(
    ("filter_", "conditions", "relations"),
    [
        ({}, 0, 0),
        ({"title": {"eq": "a", "neq": "b"}, "search": "c"}, 3, 0),
        ({"or": eq("a", "b", "c")}, 1, 0),
        ({"or": [*eq("a", "b"), {"currency": {"in": ["EUR"]}}, {"title": {"neq": "c"}}]}, 3, 0),
        ({"or": [{"labels": {"eq": ["a"]}}, {"labels": {"eq": ["b"]}}]}, 2, 0),
        ({"or": [{"title": {"eq": "a", "neq": "b"}}, {"title": None}, *eq("c")]}, 3, 0),
        ({"and": eq("a", "b"), "not": {"or": eq("c")}}, 3, 0),
        ({"items": {"some": {"title": {"eq": "a"}}, "none": {}}, "owner": {}}, 4, 3),
        ({"items": {"some": {"details": {"at": [{"path": ["a"], "eq": 1}] * 3, "contains": {}}}}}, 1 + 4, 1),
    ],
)
def test_what_counts(filter_: dict[str, Any], conditions: int, relations: int) -> None:
    found = filters.tested(TRIP, filter_)
    assert (found.conditions, found.relations) == (conditions, relations)


def test_the_refusal_says_what_to_do() -> None:
    error = cost.too_many_conditions(201, 200)
    assert {"message": error.message, **error.extensions} == refusal(201)


LEAVES = st.one_of(
    st.builds(lambda title: {"title": {"eq": title}}, st.sampled_from("abc")),
    st.builds(lambda titles: {"title": {"in": titles}}, st.lists(st.sampled_from("abc"), max_size=3)),
    st.builds(lambda name: {"title": {name: "a", "neq": "b"}}, st.sampled_from(["eq", "contains"])),
    st.just({"currency": {"eq": "EUR"}}),
    st.just({"items": {"some": {"or": [{"title": {"eq": "a"}}, {"title": {"eq": "b"}}]}}}),
    st.just({}),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda name, of: {name: of}, st.sampled_from(["and", "or"]), st.lists(inner, max_size=4)),
        st.builds(lambda of: {"not": of}, inner),
    ),
    max_leaves=12,
)


def leaves(condition: Condition) -> int:
    """The tests that a condition consists of."""
    match condition:
        case And() | Or():
            return sum(map(leaves, condition.of))
        case Not():
            return leaves(condition.of)
        case Related():
            return 1 + leaves(condition.where)
        case _:
            return 1


@settings(max_examples=examples(100))
@given(FILTERS)
def test_nothing_is_sent_that_was_not_counted(filter_: dict[str, Any]) -> None:
    assert leaves(planned(filter_)) <= filters.tested(TRIP, filter_).conditions


async def test_more_conditions_than_allowed_are_refused(ada: Person, wire: Wire) -> None:
    wire.clear()
    assert await ada.refused(COUNT, f={"or": MANY}) == refusal(201)
    assert await ada.refused(COUNT, f={"and": [{"title": {"eq": str(number)}} for number in range(300)]}) == refusal(
        300
    )
    assert await ada.refused(COUNT, f={"not": {"or": MANY}, "search": "x"}) == refusal(202)
    assert wire.requests == []
    assert await ada.ask(COUNT, f={"or": MANY[:200]}) == {"trips": {"totalCount": 0}}


@pytest.mark.parametrize(
    "query",
    [
        "query ($f: TripFilter!) { a: trips(filter: $f) { totalCount } b: trips(filter: $f) { totalCount } }",
        "query ($f: TripFilter!) { viewer { trips(filter: $f) { totalCount } } b: trips(filter: $f) { totalCount } }",
        "query ($f: TripFilter!) { trips(filter: { and: [$f, { not: $f }] }) { totalCount } }",
        "query ($f: TripFilter!) { tripsGrouped(by: [STATUS], filter: { or: [$f, $f] }) { count } }",
        'query ($f: TripFilter!) { tripItems(filter: { trip: { and: [$f, $f], title: { eq: "" } } }) { totalCount } }',
        "mutation ($f: TripFilter!) { deleteTrips(filter: { and: [$f, $f] }, atMost: 9) { id } }",
        'mutation ($f: TripFilter!) { updateTrips(filter: { or: [$f, $f] }, patch: { title: "x" }) { id } }',
    ],
)
async def test_all_filters_of_an_operation_count_together(ada: Person, wire: Wire, query: str) -> None:
    wire.clear()
    error = await ada.refused(query, f={"and": MANY[:101]})
    assert error == refusal(error["found"])
    assert 202 <= error["found"] <= 204
    assert wire.requests == []


async def test_over_other_transports_too(ada: Person, wire: Wire) -> None:
    wire.clear()
    async with live(ada) as client:
        assert await client.ending(await client.subscribe(COUNT, f={"or": MANY})) == "BAD_USER_INPUT"
    headers = {"Authorization": f"Bearer {ada.token}", "Accept": "text/event-stream"}
    body = {"query": COUNT, "variables": {"f": {"or": MANY}}}
    async with ada.http.post(ada.url, json=body, headers=headers) as response:
        assert "at most 200 are allowed" in await response.text()
    assert wire.requests == []


async def test_a_cursor_of_many_keys_counts(ada: Person, wire: Wire) -> None:
    columns = [name for name, column in TRIP.columns.items() if column.kind.ordered]
    keys = [{name: "ASC"} for name in columns]
    keys += [{"owner": {name: "ASC"}} for name in ("displayName", "createdAt", "updatedAt", "id")]
    query = """query ($order: [TripOrder!], $after: String) {
      trips(orderBy: $order, first: 1, after: $after) { nodes { id } pageInfo { endCursor } } }"""
    found = (len(keys) + 1) * (len(keys) + 2) // 2
    cursor = (await ada.ask(query, order=keys))["trips"]["pageInfo"]["endCursor"]
    if found > 200:
        wire.clear()
        assert await ada.refused(query, order=keys, after=cursor) == refusal(found)
        assert wire.requests == []
    few = keys[:10]
    cursor = (await ada.ask(query, order=few))["trips"]["pageInfo"]["endCursor"]
    assert len((await ada.ask(query, order=few, after=cursor))["trips"]["nodes"]) == 1


async def test_two_thousand_alternatives_of_one_column_are_one_list(newcomer: Person, wire: Wire) -> None:
    for title in ("a", "b", ""):
        await newcomer.trip(title=title or "c")
    alternatives = [{"title": {"eq": f"{number:03x}"}} for number in range(1998)]
    wire.clear()
    found = await newcomer.ask(TITLES, f={"or": [*alternatives, {"title": {"eq": "a"}}, {"title": {"eq": "b"}}]})
    assert [node["title"] for node in found["trips"]["nodes"]] == ["a", "b"]
    (request,) = wire.requests
    assert request.count("title.in.(") == 1
    assert "or(" not in request


async def test_alternatives_of_ids_travel_as_a_long_list_does(newcomer: Person, wire: Wire) -> None:
    trip = await newcomer.trip(title="a")
    nowhere = [{"id": {"eq": str(uuid.UUID(int=number, version=4))}} for number in range(1, 500)]
    wire.clear()
    found = await newcomer.ask(TITLES, f={"or": [*nowhere, {"id": {"eq": trip}}]})
    assert [node["title"] for node in found["trips"]["nodes"]] == ["a"]
    assert [request.partition("?")[0] for request in wire.requests] == ["POST /rpc/trips_by_ids"]


@pytest.mark.parametrize(
    ("alternatives", "expected"),
    [
        ([{"title": {"eq": 'a"),b'}}, {"title": {"eq": "not.eq.a"}}], ['a"),b', "not.eq.a"]),
        ([{"title": {"eq": "\\"}}, {"title": {"in": ["{}", "*"]}}], ["*", "\\", "{}"]),
        ([{"status": {"eq": "BOOKED"}}, {"status": {"eq": "CANCELLED"}}], ["*"]),
        ([{"budget": {"eq": "12.5"}}, {"budget": {"eq": "12.500"}}, {"budget": {"eq": "1"}}], ["\\", "{}"]),
        ([{"startDate": {"eq": "2027-01-01"}}, {"startDate": {"in": ["2027-01-02"]}}], ["*", 'a"),b']),
        ([{"durationDays": {"eq": 2}}, {"durationDays": {"eq": 5}}], ['a"),b']),
        ([{"labels": {"eq": ["x"]}}, {"labels": {"eq": ["x", "y"]}}], ["not.eq.a", "{}"]),
    ],
)
async def test_a_list_of_any_type_finds_what_its_alternatives_do(
    shelf: Person, alternatives: list[dict[str, Any]], expected: list[str]
) -> None:
    async def titles(filter_: dict[str, Any]) -> list[str]:
        return [node["title"] for node in (await shelf.ask(TITLES, f=filter_))["trips"]["nodes"]]

    assert await titles({"or": alternatives}) == expected
    # What is null is in neither.
    rest = await titles({"not": {"or": alternatives}})
    column = next(iter(alternatives[0]))
    nulls = await titles({column: {"isNull": True}}) if column != "labels" else []
    assert sorted([*rest, *nulls, *expected]) == sorted(['a"),b', "not.eq.a", "\\", "{}", "*"])


@pytest.fixture(scope="module")
async def shelf(anonymous: Person) -> Person:
    """Somebody whose trips are called what means something to PostgREST."""
    person = await anonymous.sign_up()
    await person.trip(title='a"),b', startDate="2027-01-01", endDate="2027-01-02", status="PLANNING")
    await person.trip(title="not.eq.a", labels=["x"])
    await person.trip(title="\\", budget="12.50")
    await person.trip(title="{}", budget="12.5", labels=["x", "y"])
    await person.trip(title="*", startDate="2027-01-02", status="BOOKED")
    return person

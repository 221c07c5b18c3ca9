"""Lists of more ids than a URL holds: they mean what short ones mean, and what is too long all the same is told so."""

import dataclasses
import random
import uuid
from typing import Any

import pytest

from tests.support import Person, Wire, serving
from tripgate.local.stack import StackInfo
from tripgate.planner.plan import Compare, Operator, Pick, Read
from tripgate.upstream.postgrest.client import LONGEST_PATH
from tripgate.upstream.postgrest.render import read_request

NOWHERE = [str(uuid.UUID(int=number, version=4)) for number in range(1, 2000)]
PAGE = """query ($filter: TripFilter, $after: String) {
  trips(filter: $filter, orderBy: [{ budget: DESC_NULLS_LAST }], first: 4, after: $after) {
    nodes { id title items(orderBy: [{ title: ASC }]) { nodes { title } totalCount } owner { displayName } }
    pageInfo { endCursor hasNextPage hasPreviousPage }
    totalCount
    aggregate { count sum { budget } }
  } }"""


def long(ids: list[str], length: int = 1000) -> list[str]:
    """These ids among so many that nothing has."""
    found = [*ids, *NOWHERE[: length - len(ids)]]
    random.Random(1).shuffle(found)
    return found


@pytest.fixture(scope="module")
async def planner(anonymous: Person) -> Person:
    """Somebody with ten trips, of which every other one has two items."""
    person = await anonymous.sign_up()
    for number in range(10):
        trip = await person.trip(
            title=f"Trip {number}",
            description="To the mountains" if number % 3 else None,
            status=["PLANNING", "BOOKED"][number % 2],
            budget=None if number == 5 else f"{100 - number}.10",
            labels=["even"] if number % 2 == 0 else [],
            startDate="2027-01-01",
            endDate=None if number == 7 else f"2027-01-{number + 1:02}",
        )
        if number % 2 == 0:
            items = [
                {"tripId": trip, "title": f"Item {number}{name}", "cost": f"{number}.05", "details": {"seat": name}}
                for name in "ab"
            ]
            await person.ask(
                "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }", inputs=items
            )
    return person


@pytest.fixture(scope="module")
async def trips(planner: Person) -> list[str]:
    """The ids of these trips but one."""
    nodes = (await planner.ask("{ trips(orderBy: [{ title: ASC }]) { nodes { id } } }"))["trips"]["nodes"]
    return [node["id"] for node in nodes][:9]


@pytest.fixture(scope="module")
async def items(planner: Person) -> list[str]:
    """The ids of their items but one."""
    nodes = (await planner.ask("{ tripItems(orderBy: [{ title: ASC }]) { nodes { id } } }"))["tripItems"]["nodes"]
    return [node["id"] for node in nodes][1:]


async def test_pages_of_a_thousand_ids(planner: Person, trips: list[str], wire: Wire) -> None:
    wire.clear()
    filter_ = {"id": {"in": long(trips)}}
    first = (await planner.ask(PAGE, filter=filter_))["trips"]
    assert [request.partition("?")[0] for request in wire.requests] == ["POST /rpc/trips_by_ids"] * 2
    assert all(trips[0] not in request and NOWHERE[0] not in request for request in wire.requests)
    assert [node["title"] for node in first["nodes"]] == ["Trip 0", "Trip 1", "Trip 2", "Trip 3"]
    assert first["nodes"][0]["items"] == {"nodes": [{"title": "Item 0a"}, {"title": "Item 0b"}], "totalCount": 2}
    assert (first["totalCount"], first["aggregate"]) == (9, {"count": 9, "sum": {"budget": "769.80"}})

    second = (await planner.ask(PAGE, filter=filter_, after=first["pageInfo"]["endCursor"]))["trips"]
    assert [node["title"] for node in second["nodes"]] == ["Trip 4", "Trip 6", "Trip 7", "Trip 8"]
    assert second["totalCount"] == 9
    third = (await planner.ask(PAGE, filter=filter_, after=second["pageInfo"]["endCursor"]))["trips"]
    assert [node["title"] for node in third["nodes"]] == ["Trip 5"]
    assert third["pageInfo"]["hasNextPage"] is False
    assert first == (await planner.ask(PAGE, filter={"id": {"in": trips}}))["trips"]


@pytest.mark.parametrize(
    ("beside", "arguments", "selection"),
    [
        ({}, "", "{ totalCount }"),
        (
            {},
            "orderBy: [{ title: DESC }], last: 3",
            "{ nodes { title } totalCount pageInfo { startCursor endCursor } }",
        ),
        ({}, "orderBy: [{ owner: { displayName: DESC } }], first: 3", "{ nodes { title } pageInfo { endCursor } }"),
        ({}, "orderBy: [{ costTotal: DESC }], first: 3", "{ nodes { title costTotal } pageInfo { endCursor } }"),
        ({}, "orderBy: [{ title: ASC }], offset: 7", "{ nodes { title } totalCount }"),
        ({}, "offset: 100", "{ nodes { title } totalCount }"),
        ({}, "", "{ nodes { title } aggregate { sum { budget } min { startDate } max { title } } }"),
        ({}, "", "{ edges { cursor node { items(first: 1) { totalCount aggregate { sum { cost } } } } } }"),
        ({"title": {"in": ["Trip 1", "Trip 2"]}}, "", "{ totalCount nodes { durationDays } }"),
        ({"budget": {"lt": "95"}}, "", "{ totalCount aggregate { count } }"),
        ({"durationDays": {"gte": 3}, "search": "mountain"}, "", "{ totalCount nodes { title } }"),
        ({"durationDays": {"gte": 3}, "search": "mountain"}, "", "{ aggregate { count avg { budget } } }"),
        ({"labels": {"contains": ["even"]}}, "", "{ totalCount nodes { title } }"),
        ({"items": {"some": {"title": {"endsWith": "a"}}}}, "", "{ totalCount nodes { title } aggregate { count } }"),
        ({"items": {"none": {}}}, "", "{ totalCount nodes { title } aggregate { count sum { budget } } }"),
        ({"or": [{"items": {"some": {}}}, {"budget": {"isNull": True}}]}, "", "{ aggregate { count sum { budget } } }"),
        ({"owner": {"displayName": {"neq": "x"}}}, "orderBy: [{ status: DESC }]", "{ nodes { title } }"),
        ({"not": {"status": {"eq": "BOOKED"}}}, "", "{ nodes { title id nodeId } totalCount }"),
        ({"or": []}, "", "{ totalCount nodes { title } }"),
        # Tests of related rows, so that each row embeds itself, beside all that is computed from a row.
        ({}, "", '{ nodes { title items(filter: { title: { endsWith: "a" } }) { nodes { title } totalCount } } }'),
        ({"items": {"some": {}}}, "orderBy: [{ costTotal: DESC }], first: 2", "{ nodes { title } totalCount }"),
        ({"items": {"some": {}}}, "", "{ nodes { durationDays costTotal } aggregate { sum { costTotal } count } }"),
        ({"items": {"none": {}}, "search": "mountain"}, "", "{ nodes { title } totalCount aggregate { count } }"),
        ({"or": [{"items": {"some": {}}}, {"search": "mountain"}]}, "", "{ aggregate { count avg { costTotal } } }"),
        # Trip 7 has no duration, which says neither yes nor no.
        (
            {"not": {"and": [{"durationDays": {"lt": 100}}, {"items": {"none": {}}}]}},
            "orderBy: [{ durationDays: DESC_NULLS_LAST }, { title: ASC }], offset: 1",
            "{ nodes { title } totalCount }",
        ),
        ({"not": {"or": [{"durationDays": {"gt": 8}}, {"items": {"some": {}}}]}}, "", "{ nodes { title } totalCount }"),
    ],
)
async def test_a_long_list_means_what_a_short_one_means(
    planner: Person, trips: list[str], wire: Wire, beside: dict[str, Any], arguments: str, selection: str
) -> None:
    query = f"query ($filter: TripFilter) {{ trips(filter: $filter, {arguments}) {selection} }}"
    short = await planner.ask(query, filter={"id": {"in": trips}, **beside})
    wire.clear()
    assert await planner.ask(query, filter={"id": {"in": long(trips)}, **beside}) == short
    assert {request.split("?")[0] for request in wire.requests} <= {"POST /rpc/trips_by_ids", "GET /trips"}
    assert beside == {"or": []} or wire.requests[0].startswith("POST")
    assert await planner.ask(query, filter={"and": [{"and": [{"id": {"in": long(trips)}}]}, beside]}) == short


@pytest.mark.parametrize("by", ["STATUS", "STATUS, DURATION_DAYS"])
@pytest.mark.parametrize("beside", [{}, {"budget": {"gt": "93"}}, {"items": {"none": {}}}])
async def test_groups(planner: Person, trips: list[str], wire: Wire, beside: dict[str, Any], by: str) -> None:
    query = f"""query ($filter: TripFilter) {{
      tripsGrouped(by: [{by}], filter: $filter) {{
        key {{ status durationDays }} count sum {{ budget costTotal }} }} }}"""
    short = await planner.ask(query, filter={"id": {"in": trips}, **beside})
    wire.clear()
    assert await planner.ask(query, filter={"id": {"in": long(trips)}, **beside}) == short
    assert [request.partition("?")[0] for request in wire.requests] == ["POST /rpc/trips_by_ids"]


async def test_pages_in_an_order_by_what_is_computed(planner: Person, trips: list[str]) -> None:
    query = """query ($filter: TripFilter, $after: String) {
      trips(filter: $filter, orderBy: [{ costTotal: DESC }], first: 2, after: $after) {
        nodes { title costTotal } pageInfo { endCursor hasNextPage } } }"""
    after: str | None = None
    seen = []
    while True:
        filter_ = {"id": {"in": long(trips)}, "items": {"some": {"cost": {"gt": "0.10"}}}}
        page = (await planner.ask(query, filter=filter_, after=after))["trips"]
        seen += [(node["title"], node["costTotal"]) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [("Trip 8", "16.10"), ("Trip 6", "12.10"), ("Trip 4", "8.10"), ("Trip 2", "4.10")]


async def test_an_order_by_relation_and_its_cursor(planner: Person, items: list[str]) -> None:
    query = """query ($ids: [UUID!], $after: String) { tripItems(
        filter: { id: { in: $ids }, details: { contains: {} } }, first: 4, after: $after
        orderBy: [{ trip: { title: DESC } }, { title: ASC }]) {
      nodes { title trip { title } } pageInfo { endCursor } totalCount } }"""
    after: str | None = None
    seen = []
    while True:
        page = await planner.ask(query, ids=long(items), after=after)
        assert page == await planner.ask(query, ids=items, after=after)
        found = page["tripItems"]
        if not found["nodes"]:
            break
        seen += [node["title"] for node in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        assert found["totalCount"] == 9
    assert seen == [f"Item {name}" for name in ("8a", "8b", "6a", "6b", "4a", "4b", "2a", "2b", "0b")]


async def test_a_stranger_gets_nothing(newcomer: Person, anonymous: Person, trips: list[str]) -> None:
    found = (await newcomer.ask(PAGE, filter={"id": {"in": long(trips)}}))["trips"]
    assert (found["nodes"], found["totalCount"], found["aggregate"]["count"]) == ([], 0, 0)
    assert await anonymous.code(PAGE, filter={"id": {"in": long(trips)}}) == "UNAUTHENTICATED"


async def test_few_ids_stay_in_the_url(planner: Person, trips: list[str], wire: Wire) -> None:
    query = "query ($ids: [UUID!]) { trips(filter: { id: { in: $ids } }) { totalCount } }"
    for count, method in ((100, "GET"), (101, "POST")):
        wire.clear()
        assert (await planner.ask(query, ids=long(trips, count)))["trips"] == {"totalCount": 9}
        assert [request.split()[0] for request in wire.requests] == [method]


async def test_rows_with_hidden_columns_keep_their_list_in_the_url(planner: Person, wire: Wire) -> None:
    query = "query ($ids: [UUID!]) { invitations(filter: { id: { in: $ids } }) { totalCount } }"
    wire.clear()
    assert (await planner.ask(query, ids=long([])))["invitations"] == {"totalCount": 0}
    assert [request.split()[0] for request in wire.requests] == ["GET"]


async def test_a_thousand_ids_elsewhere_fit_a_url(planner: Person, trips: list[str], wire: Wire) -> None:
    query = """query ($ids: [UUID!]) { tripItems(filter: { tripId: { in: $ids } }, orderBy: [{ title: ASC }]) {
      nodes { title } totalCount } }"""
    wire.clear()
    found = (await planner.ask(query, ids=long(trips)))["tripItems"]
    assert [request.split()[0] for request in wire.requests] == ["GET"]
    assert (len(found["nodes"]), found["totalCount"]) == (10, 10)


@pytest.mark.parametrize(
    "query",
    [
        "query ($ids: [UUID!]) { tripItems(filter: { tripId: { in: $ids } }) { totalCount } }",
        "query ($ids: [UUID!]) { trips(filter: { id: { notIn: $ids } }) { totalCount } }",
        "query ($ids: [UUID!]) { trips { nodes { items(filter: { id: { in: $ids } }) { totalCount } } } }",
        "mutation ($ids: [UUID!]) { deleteTripItems(filter: { tripId: { in: $ids } }, atMost: 100) { id } }",
    ],
)
async def test_more_than_a_url_holds_is_refused(planner: Person, wire: Wire, query: str) -> None:
    wire.clear()
    error = await planner.refused(query, ids=long([], 1500))
    assert error["code"] == "BAD_USER_INPUT"
    assert "too long for one request. Split the longest list" in error["message"]
    assert wire.requests == []


@pytest.mark.postgrest
async def test_the_longest_url_that_is_sent_is_one_that_postgrest_takes(planner: Person, seeded: StackInfo) -> None:
    query = "query ($text: String) { trips(filter: { title: { neq: $text } }) { totalCount } }"
    async with serving(seeded) as url:
        person = dataclasses.replace(planner, url=url)
        total = Read("trips", (Pick("id"),), where=Compare("title", Operator.NEQ, ""), limit=0, count=True)
        rest = LONGEST_PATH - len(read_request(total).path)
        assert (await person.ask(query, text="x" * rest))["trips"] == {"totalCount": 10}
        assert await person.code(query, text="x" * (rest + 1)) == "BAD_USER_INPUT"


async def test_writes_by_a_long_list(newcomer: Person, wire: Wire) -> None:
    trips = [await newcomer.trip(title=f"Trip {number}") for number in range(3)]
    mutation = """mutation ($ids: [UUID!]) {
      updateTrips(filter: { id: { in: $ids } }, patch: { currency: "GBP" }, atMost: 100) { id currency } }"""
    wire.clear()
    found = (await newcomer.ask(mutation, ids=long(trips)))["updateTrips"]
    assert found == [{"id": trip, "currency": "GBP"} for trip in sorted(trips)]
    assert [request.split("?")[0] for request in wire.requests] == ["POST /rpc/trips_by_ids", "PATCH /trips"]

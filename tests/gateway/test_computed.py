"""Fields that no column holds: computed by the database from a row, or by the program from some of its columns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.gateway.conftest import Team
from tests.support import Person, Wire

LENGTHS = [("p", 1), ("q", 3), ("r", None), ("s", 3), ("t", 14), ("u", None), ("v", 2)]


@pytest.fixture
async def planner(newcomer: Person) -> Person:
    """Somebody whose trips have the lengths above."""
    inputs: list[dict[str, Any]] = [{"title": title} for title, _ in LENGTHS]
    for given, (_, days) in zip(inputs, LENGTHS, strict=True):
        if days is not None:
            given["startDate"], given["endDate"] = "2027-03-01", f"2027-03-{days:02}"
    await newcomer.ask("mutation ($inputs: [CreateTripInput!]!) { createTrips(inputs: $inputs) { id } }", inputs=inputs)
    return newcomer


async def spend(person: Person, trip: str, *costs: str | None) -> None:
    """Add items of these costs."""
    await person.ask(
        "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }",
        inputs=[{"tripId": trip, "title": "x", "cost": cost} for cost in costs],
    )


async def test_a_trips_length_and_costs_beside_its_columns(ada: Person, wire: Wire) -> None:
    wire.clear()
    data = await ada.ask("{ trips(orderBy: [{ durationDays: ASC }]) { nodes { title durationDays costTotal } } }")
    assert data["trips"]["nodes"] == [
        {"title": "A long weekend in Rome", "durationDays": 4, "costTotal": "440.50"},
        {"title": "New Year in Lisbon", "durationDays": 5, "costTotal": "12.00"},
        {"title": "Lofoten by car", "durationDays": 8, "costTotal": "15400.00"},
        {"title": "Tokyo and Kyoto under the maples", "durationDays": 11, "costTotal": "23170.00"},
    ]
    assert len(wire.requests) == 1


async def test_they_are_exact_and_never_floats(newcomer: Person) -> None:
    trip = await newcomer.trip()
    await spend(newcomer, trip, "9999999999.99", "0.01", None, "0.10")
    data = await newcomer.ask("query ($id: UUID!) { trip(id: $id) { costTotal durationDays } }", id=trip)
    assert data == {"trip": {"costTotal": "10000000000.10", "durationDays": None}}
    empty = await newcomer.trip()
    assert await newcomer.ask("query ($id: UUID!) { trip(id: $id) { costTotal } }", id=empty) == {
        "trip": {"costTotal": "0.00"}
    }


async def test_filters(planner: Person) -> None:
    async def titles(**filter_: Any) -> list[str]:
        data = await planner.ask(
            """query ($filter: TripFilter) {
                 trips(filter: $filter, orderBy: [{ title: ASC }]) { nodes { title } totalCount } }""",
            filter=filter_,
        )
        assert data["trips"]["totalCount"] == len(data["trips"]["nodes"])
        return [node["title"] for node in data["trips"]["nodes"]]

    assert await titles(durationDays={"gte": 3}) == ["q", "s", "t"]
    assert await titles(durationDays={"isNull": True}) == ["r", "u"]
    assert await titles(durationDays={"in": [1, 2]}) == ["p", "v"]
    assert await titles(durationDays={"eq": 14}, costTotal={"eq": "0"}) == ["t"]
    assert await titles(costTotal={"gt": "0"}) == []


@pytest.mark.parametrize("direction", ["ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_LAST"])
@pytest.mark.parametrize("backward", [False, True])
async def test_cursors_are_exact_in_their_orders(planner: Person, direction: str, *, backward: bool) -> None:
    order = [{"durationDays": direction}, {"costTotal": "ASC"}]
    everything = "query ($order: [TripOrder!]) { trips(orderBy: $order) { nodes { title } } }"
    whole = [node["title"] for node in (await planner.ask(everything, order=order))["trips"]["nodes"]]
    lengths = dict(LENGTHS)
    known = [days for title in whole if (days := lengths[title]) is not None]
    assert known == sorted(known, reverse=direction.startswith("DESC"))
    nulls_lead = direction in {"DESC", "ASC_NULLS_FIRST"}
    assert {lengths[title] for title in (whole[:2] if nulls_lead else whole[-2:])} == {None}
    page = (
        "query ($order: [TripOrder!], $cursor: String) { trips(orderBy: $order, last: 2, before: $cursor)"
        if backward
        else "query ($order: [TripOrder!], $cursor: String) { trips(orderBy: $order, first: 2, after: $cursor)"
    ) + " { edges { node { title } cursor } } }"
    found: list[str] = []
    cursor = None
    while edges := (await planner.ask(page, order=order, cursor=cursor))["trips"]["edges"]:
        titles = [edge["node"]["title"] for edge in edges]
        found = [*titles, *found] if backward else [*found, *titles]
        cursor = edges[0 if backward else -1]["cursor"]
    assert found == whole


async def test_costs_count_what_the_caller_may_see(team: Team) -> None:
    await spend(team.owner, team.trip, "10.00", "2.50")
    await spend(team.stranger, team.strangers_trip, "7.00")
    query = "query ($id: UUID!) { trip(id: $id) { costTotal items { nodes { trip { costTotal } } } } }"
    for person in (team.owner, team.editor, team.viewer):
        trip = (await person.ask(query, id=team.trip))["trip"]
        assert trip == {"costTotal": "12.50", "items": {"nodes": [{"trip": {"costTotal": "12.50"}}] * 5}}
        assert await person.ask(query, id=team.strangers_trip) == {"trip": None}
        # Nor does a filter tell what somebody else's trip costs.
        data = await person.ask('{ trips(filter: { costTotal: { eq: "7.00" } }) { totalCount } }')
        assert data == {"trips": {"totalCount": 0}}
    assert await team.stranger.ask(query, id=team.trip) == {"trip": None}


async def test_they_cannot_be_written_and_are_answered_by_writes(newcomer: Person, wire: Wire) -> None:
    create = "mutation ($input: CreateTripInput!) { createTrip(input: $input) { id durationDays costTotal isOver } }"
    assert await newcomer.code(create, input={"title": "x", "durationDays": 3}) == "BAD_USER_INPUT"
    wire.clear()
    made = (await newcomer.ask(create, input={"title": "x", "startDate": "2001-02-27", "endDate": "2001-03-01"}))[
        "createTrip"
    ]
    assert made == {"id": made["id"], "durationDays": 3, "costTotal": "0.00", "isOver": True}
    assert len(wire.requests) == 1
    await spend(newcomer, made["id"], "3.00")
    wire.clear()
    data = await newcomer.ask(
        'mutation ($id: UUID!) { updateTrip(id: $id, patch: { endDate: "2001-02-28" }) { durationDays costTotal } }',
        id=made["id"],
    )
    assert data == {"updateTrip": {"durationDays": 2, "costTotal": "3.00"}}
    data = await newcomer.ask(
        "mutation { deleteTrips(filter: { durationDays: { eq: 2 } }) { durationDays costTotal } }"
    )
    assert data == {"deleteTrips": [{"durationDays": 2, "costTotal": "3.00"}]}


async def test_nobody_calls_them_with_a_row_of_their_own_making(seeded_rest: str, ada: Person) -> None:
    headers = {"Authorization": f"Bearer {ada.token}"}
    for name in ("duration_days", "cost_total"):
        async with ada.http.get(f"{seeded_rest}/rpc/{name}", headers=headers) as response:
            assert response.status == 404


@pytest.fixture
def seeded_rest(wire: Wire) -> str:
    """PostgREST's own address."""
    return wire.rest_url


async def test_a_field_of_the_program_reads_what_it_needs(newcomer: Person, wire: Wire) -> None:
    today = datetime.now(UTC).date()
    days = {"past": today - timedelta(days=3), "to come": today + timedelta(days=3), "unknown": None}
    await newcomer.ask(
        "mutation ($inputs: [CreateTripInput!]!) { createTrips(inputs: $inputs) { id } }",
        inputs=[{"title": title, "endDate": day and day.isoformat()} for title, day in days.items()],
    )
    wire.clear()
    data = await newcomer.ask(
        """{ trips(orderBy: [{ title: ASC }]) {
               nodes { title done: isOver }
               edges { node { isOver owner { trips(orderBy: [{ title: ASC }]) { nodes { isOver } } } } } } }"""
    )
    expected = {"past": True, "to come": False, "unknown": None}
    assert data["trips"]["nodes"] == [{"title": title, "done": over} for title, over in expected.items()]
    nested = [{"isOver": over} for over in expected.values()]
    assert data["trips"]["edges"] == [
        {"node": {"isOver": over, "owner": {"trips": {"nodes": nested}}}} for over in expected.values()
    ]
    (request,) = wire.requests
    assert request.startswith("GET /trips?select=title,end_date,")


async def test_a_field_of_the_program_behind_an_identifier(ada: Person) -> None:
    data = await ada.ask('{ trip(id: "ada00000-0000-4000-8002-000000000004") { nodeId } }')
    data = await ada.ask(
        """query ($id: ID!) {
             nodes(nodeIds: [$id]) { ... on Trip { isOver } } node(nodeId: $id) { ... on Trip { isOver } } }""",
        id=data["trip"]["nodeId"],
    )
    assert data == {"nodes": [{"isOver": True}], "node": {"isOver": True}}

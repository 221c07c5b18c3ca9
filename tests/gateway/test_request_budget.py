"""How often PostgREST is asked: once a root read field, however deep; the exceptions are few and named."""

import pytest

from tests.support import Person, Wire

DEEP = "title owner { displayName } items { nodes { title place { name } trip { items { totalCount } } } totalCount }"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"{{ trips {{ nodes {{ {DEEP} }} totalCount pageInfo {{ hasNextPage endCursor }} }} }}", ["GET"]),
        (f"{{ a: trips {{ nodes {{ {DEEP} }} }} b: trips(last: 1) {{ nodes {{ {DEEP} }} }} }}", ["GET", "GET"]),
        ("{ viewer { displayName } }", ["GET"]),
        ("{ trips { totalCount } }", ["GET"]),
        ("{ trips { totalCount aggregate { count sum { budget } } } }", ["GET"]),
        ("{ trips { nodes { title } totalCount aggregate { sum { budget } max { title } } } }", ["GET", "GET"]),
        ("{ trips { nodes { items { nodes { title } aggregate { count sum { cost } } } } } }", ["GET"]),
        ("{ tripsGrouped(by: [STATUS, CURRENCY]) { key { status } count sum { budget } } }", ["GET"]),
        ("{ __typename }", []),
        ("{ trips { __typename } }", []),
        ("{ __schema { queryType { name } } trips { totalCount } }", ["GET"]),
    ],
)
async def test_reads(ada: Person, wire: Wire, query: str, expected: list[str]) -> None:
    wire.clear()
    await ada.ask(query)
    assert [request.split()[0] for request in wire.requests] == expected


async def test_a_total_beside_a_cursor_is_one_more(ada: Person, wire: Wire) -> None:
    after = (await ada.ask("{ trips(first: 1) { pageInfo { endCursor } } }"))["trips"]["pageInfo"]["endCursor"]
    wire.clear()
    data = await ada.ask(
        "query ($after: String) { trips(first: 1, after: $after) { nodes { title } totalCount } }", after=after
    )
    assert data["trips"]["totalCount"] == 4
    assert [request.split()[0] for request in wire.requests] == ["GET", "GET"]


async def test_writes(newcomer: Person, wire: Wire) -> None:
    trip_id = await newcomer.trip()

    async def methods(mutation: str) -> list[str]:
        wire.clear()
        await newcomer.ask(f"mutation ($id: UUID!) {{ {mutation} }}", id=trip_id)
        return [request.split()[0] for request in wire.requests]

    one_item = '{ tripId: $id, title: "x" }'
    assert await methods(f"createTripItem(input: {one_item}) {{ id title tripId }}") == ["POST"]
    assert await methods(f"createTripItem(input: {one_item}) {{ id trip {{ title }} }}") == ["POST", "GET"]
    assert await methods(f"createTripItems(inputs: [{one_item}, {one_item}]) {{ title }}") == ["POST"]
    assert await methods(f"createTripItems(inputs: [{one_item}, {one_item}]) {{ trip {{ id }} }}") == ["POST", "GET"]
    assert await methods('updateTrip(id: $id, patch: { title: "y" }) { title }') == ["PATCH"]
    assert await methods('updateTrip(id: $id, patch: { title: "y" }) { items { totalCount } }') == ["PATCH", "GET"]
    assert await methods("deleteTrip(id: $id) { title items { totalCount } }") == ["GET", "DELETE"]


async def test_an_empty_write_may_ask_once_more_to_explain_itself(ben: Person, newcomer: Person, wire: Wire) -> None:
    trip_id = await newcomer.trip()
    wire.clear()
    assert await ben.code("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=trip_id) == "NOT_FOUND"
    assert [request.split()[0] for request in wire.requests] == ["DELETE", "GET"]


async def test_mistakes_are_found_before_anything_is_sent(ada: Person, wire: Wire) -> None:
    wire.clear()
    for query in (
        "{ trips(first: -1) { totalCount nodes { id } } }",
        "{ trips(filter: { title: { eq: null } }) { totalCount } }",
        'mutation { updateTrip(id: "00000000-0000-4000-8000-000000000000", patch: {}) { id } }',
        "{ trips { nodes { nothing } } }",
    ):
        await ada.refused(query)
    assert wire.requests == []

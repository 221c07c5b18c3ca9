"""Rows by the keys that they alone have, and several of any types by their identifiers."""

import base64

import pytest

from tests.gateway.conftest import Team
from tests.support import Person, Wire

TAG = "query ($name: String!) { tagByName(name: $name) { name colour owner { id } } }"
VOTE = """query ($item: UUID!, $person: UUID!) {
  voteByItemAndUser(tripItemId: $item, userId: $person) { value user { id } tripItem { title } }
}"""
CAST = "mutation ($item: UUID!) { castVote(tripItemId: $item, value: UP) { id } }"


async def methods(wire: Wire, asking: Person, query: str, /, **variables: object) -> list[str]:
    """How PostgREST was asked."""
    wire.clear()
    await asking.ask(query, **variables)
    return [request.split()[0] for request in wire.requests]


async def test_a_tag_by_its_name_is_ones_own(newcomer: Person, stranger: Person, anonymous: Person, wire: Wire) -> None:
    for person in (newcomer, stranger):
        await person.ask('mutation { upsertTag(input: { name: "shared word", colour: "#112233" }) { id } }')
    for person in (newcomer, stranger):
        assert await person.ask(TAG, name="shared word") == {
            "tagByName": {"name": "shared word", "colour": "#112233", "owner": {"id": person.id}}
        }
    assert await newcomer.ask(TAG, name="shared") == {"tagByName": None}
    assert await newcomer.ask(TAG, name="") == {"tagByName": None}
    assert await methods(wire, newcomer, TAG, name="shared word") == ["GET"]
    assert await anonymous.code(TAG, name="shared word") == "UNAUTHENTICATED"
    assert await newcomer.code(TAG, name="a\0b") == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "name", ['a"b', "a,b", "(a)", "a.b", "a*", "a%", "\\", "null", "true", "ä&b=c", "in.(a)", " a "]
)
async def test_what_stands_in_a_name_is_text(newcomer: Person, name: str) -> None:
    await newcomer.ask("mutation ($name: String!) { createTag(input: { name: $name }) { id } }", name=name)
    assert (await newcomer.ask(TAG, name=name))["tagByName"]["name"] == name
    assert (await newcomer.ask(TAG, name=f"{name}x"))["tagByName"] is None


async def test_a_vote_by_item_and_person_for_those_on_the_trip(team: Team, wire: Wire) -> None:
    item = team.items[0]
    await team.viewer.ask(CAST, item=item)
    for person in (team.owner, team.editor, team.viewer):
        assert await person.ask(VOTE, item=item, person=team.viewer.id) == {
            "voteByItemAndUser": {"value": "UP", "user": {"id": team.viewer.id}, "tripItem": {"title": "a"}}
        }
        assert await person.ask(VOTE, item=item, person=team.owner.id) == {"voteByItemAndUser": None}
    assert await team.stranger.ask(VOTE, item=item, person=team.viewer.id) == {"voteByItemAndUser": None}
    assert await methods(wire, team.owner, VOTE, item=item, person=team.viewer.id) == ["GET"]


async def test_a_collaborator_by_trip_and_person(team: Team, anonymous: Person) -> None:
    query = """query ($trip: UUID!, $person: UUID!) {
      collaboratorByTripAndUser(tripId: $trip, userId: $person) { role user { id } }
    }"""
    for person in (team.owner, team.editor, team.viewer):
        assert await person.ask(query, trip=team.trip, person=team.editor.id) == {
            "collaboratorByTripAndUser": {"role": "EDITOR", "user": {"id": team.editor.id}}
        }
    assert await team.stranger.ask(query, trip=team.trip, person=team.editor.id) == {"collaboratorByTripAndUser": None}
    assert await anonymous.code(query, trip=team.trip, person=team.editor.id) == "UNAUTHENTICATED"


async def test_a_plan_that_one_person_leaves_behind_does_not_serve_another(newcomer: Person, stranger: Person) -> None:
    query = '{ tagByName(name: "only newcomers") { name } }'
    await newcomer.ask('mutation { upsertTag(input: { name: "only newcomers" }) { id } }')
    for _ in range(2):
        assert await newcomer.ask(query) == {"tagByName": {"name": "only newcomers"}}
        assert await stranger.ask(query) == {"tagByName": None}


NODES = """query ($ids: [ID!]!) {
  nodes(nodeIds: $ids) { __typename nodeId ... on Trip { title } ... on TripItem { title trip { title } } }
}"""


async def node_ids(team: Team) -> tuple[str, list[str]]:
    """Of the trip and of its items."""
    data = await team.owner.ask(
        "query ($id: UUID!) { trip(id: $id) { nodeId items { nodes { nodeId } } } }", id=team.trip
    )
    return data["trip"]["nodeId"], [item["nodeId"] for item in data["trip"]["items"]["nodes"]]


async def test_nodes_in_the_order_of_their_ids(team: Team, wire: Wire) -> None:
    trip, items = await node_ids(team)
    unknown = base64.urlsafe_b64encode(b"Trip:00000000-0000-4000-8000-000000000000").decode().rstrip("=")
    wanted = [items[2], trip, unknown, items[0], trip]
    wire.clear()
    found = (await team.viewer.ask(NODES, ids=wanted))["nodes"]
    whole = {"__typename": "Trip", "nodeId": trip, "title": "Shared"}
    assert found == [
        {"__typename": "TripItem", "nodeId": items[2], "title": "c", "trip": {"title": "Shared"}},
        whole,
        None,
        {"__typename": "TripItem", "nodeId": items[0], "title": "a", "trip": {"title": "Shared"}},
        whole,
    ]
    assert sorted(request.split("?")[0] for request in wire.requests) == ["GET /trip_items", "GET /trips"]


async def test_nodes_that_may_not_be_seen_are_as_if_they_were_not_there(team: Team, anonymous: Person) -> None:
    trip, items = await node_ids(team)
    assert await team.stranger.ask(NODES, ids=[trip, *items]) == {"nodes": [None] * 4}
    assert await anonymous.code(NODES, ids=[trip]) == "UNAUTHENTICATED"


async def test_nodes_of_types_whose_fields_nobody_asks_for(team: Team) -> None:
    trip, items = await node_ids(team)
    data = await team.owner.ask("query ($ids: [ID!]!) { nodes(nodeIds: $ids) { __typename } }", ids=[trip, items[0]])
    assert data == {"nodes": [{"__typename": "Trip"}, {"__typename": "TripItem"}]}
    data = await team.owner.ask(
        "query ($ids: [ID!]!) { nodes(nodeIds: $ids) { ... on Trip { title } } }", ids=[items[0], trip]
    )
    assert data == {"nodes": [{}, {"title": "Shared"}]}


async def test_lists_of_nodes_have_bounds_and_mistakes_cost_no_request(ada: Person, wire: Wire) -> None:
    wire.clear()
    assert await ada.ask(NODES, ids=[]) == {"nodes": []}
    error = await ada.refused(NODES, ids=["x"] * 101)
    assert (error["code"], error["message"]) == (
        "BAD_USER_INPUT",
        "nodeIds has 101 entries; at most 100 go at once.",
    )
    good = base64.urlsafe_b64encode(b"Trip:00000000-0000-4000-8000-000000000000").decode().rstrip("=")
    for bad in ("", "x", "VHJpcDpub3QtYS11dWlk", base64.b64encode(b"Nope:" + b"0" * 32).decode()):
        error = await ada.refused(NODES, ids=[good, bad])
        assert error == {
            "code": "BAD_USER_INPUT",
            "message": "nodeIds[1] is not an identifier of this API.",
            "field": "nodeIds",
        }
    assert wire.requests == []

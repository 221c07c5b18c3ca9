"""Planning together: who may see and do what on a shared trip, votes, and moving items."""

import asyncio
from typing import Any

from tests.gateway.conftest import Team
from tests.support import Person, Wire


async def titles(person: Person, trip: str, day: int = 1) -> list[tuple[int, str]]:
    data = await person.ask(
        """query ($trip: UUID!, $day: Int) {
             tripItems(filter: { tripId: { eq: $trip }, dayNumber: { eq: $day } }) { nodes { orderIndex title } } }""",
        trip=trip,
        day=day,
    )
    return [(node["orderIndex"], node["title"]) for node in data["tripItems"]["nodes"]]


async def test_everyone_on_a_trip_sees_it_and_who_is_on_it(team: Team) -> None:
    query = """query ($id: UUID!) {
      trip(id: $id) {
        title
        owner { id }
        items { totalCount }
        collaborators { nodes { role user { id displayName } } }
      }
    }"""
    for person in (team.owner, team.editor, team.viewer):
        trip = (await person.ask(query, id=team.trip))["trip"]
        assert (trip["title"], trip["owner"]["id"], trip["items"]["totalCount"]) == ("Shared", team.owner.id, 3)
        found = {one["user"]["id"]: one["role"] for one in trip["collaborators"]["nodes"]}
        assert found == {team.editor.id: "EDITOR", team.viewer.id: "VIEWER"}
    assert await team.stranger.ask(query, id=team.trip) == {"trip": None}


async def test_editors_change_items_and_viewers_do_not(team: Team) -> None:
    change = 'mutation ($id: UUID!) { updateTripItem(id: $id, patch: { notes: "x" }) { notes } }'
    add = 'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "d" }) { title } }'
    remove = "mutation ($id: UUID!) { deleteTripItem(id: $id) { title } }"
    assert await team.editor.ask(change, id=team.items[0]) == {"updateTripItem": {"notes": "x"}}
    assert await team.editor.ask(add, trip=team.trip) == {"createTripItem": {"title": "d"}}
    assert await team.editor.ask(remove, id=team.items[2]) == {"deleteTripItem": {"title": "c"}}
    assert await team.viewer.code(change, id=team.items[0]) == "FORBIDDEN"
    assert await team.viewer.code(add, trip=team.trip) == "FORBIDDEN"
    assert await team.viewer.code(remove, id=team.items[0]) == "FORBIDDEN"
    assert await team.stranger.code(change, id=team.items[0]) == "NOT_FOUND"


async def test_only_the_owner_deletes_the_trip_and_manages_who_is_on_it(team: Team) -> None:
    data = await team.viewer.ask(
        "query ($id: UUID!) { trip(id: $id) { collaborators(orderBy: [{ role: ASC }]) { nodes { id role } } } }",
        id=team.trip,
    )
    editor, viewer = data["trip"]["collaborators"]["nodes"]
    assert (editor["role"], viewer["role"]) == ("EDITOR", "VIEWER")
    promote = "mutation ($id: UUID!) { updateCollaborator(id: $id, patch: { role: EDITOR }) { role user { id } } }"
    remove = "mutation ($id: UUID!) { removeCollaborator(id: $id) { role } }"
    delete = "mutation ($id: UUID!) { deleteTrip(id: $id) { id } }"
    assert await team.editor.code(delete, id=team.trip) == "FORBIDDEN"
    assert await team.viewer.code(promote, id=viewer["id"]) == "FORBIDDEN"
    assert await team.editor.code(remove, id=viewer["id"]) == "FORBIDDEN"
    assert await team.stranger.code(remove, id=viewer["id"]) == "NOT_FOUND"
    assert await team.owner.ask(promote, id=viewer["id"]) == {
        "updateCollaborator": {"role": "EDITOR", "user": {"id": team.viewer.id}}
    }
    assert await team.owner.ask(remove, id=editor["id"]) == {"removeCollaborator": {"role": "EDITOR"}}
    assert await team.editor.ask("query ($id: UUID!) { trip(id: $id) { id } }", id=team.trip) == {"trip": None}


async def test_a_collaborator_may_leave(team: Team) -> None:
    leave = "mutation ($id: UUID!) { leaveTrip(tripId: $id) }"
    assert await team.viewer.ask(leave, id=team.trip) == {"leaveTrip": True}
    assert await team.viewer.ask("query ($id: UUID!) { trip(id: $id) { id } }", id=team.trip) == {"trip": None}
    assert await team.viewer.code(leave, id=team.trip) == "NOT_FOUND"
    assert await team.owner.code(leave, id=team.trip) == "NOT_FOUND"
    data = await team.owner.ask("query ($id: UUID!) { trip(id: $id) { collaborators { totalCount } } }", id=team.trip)
    assert data == {"trip": {"collaborators": {"totalCount": 1}}}


CAST = """mutation ($item: UUID!, $value: VoteValue!, $comment: String) {
  castVote(tripItemId: $item, value: $value, comment: $comment) {
    value comment tripItemId user { id } tripItem { title voteSummary { up neutral down score mine } }
  }
}"""


async def test_votes(team: Team, wire: Wire) -> None:
    item = team.items[0]
    vote = (await team.viewer.ask(CAST, item=item, value="UP", comment="Yes!"))["castVote"]
    assert vote == {
        "value": "UP",
        "comment": "Yes!",
        "tripItemId": item,
        "user": {"id": team.viewer.id},
        "tripItem": {"title": "a", "voteSummary": {"up": 1, "neutral": 0, "down": 0, "score": 1, "mine": "UP"}},
    }
    await team.owner.ask(CAST, item=item, value="DOWN")
    await team.editor.ask(CAST, item=item, value="NEUTRAL")
    again = (await team.viewer.ask(CAST, item=item, value="DOWN"))["castVote"]
    assert (again["value"], again["comment"]) == ("DOWN", None)

    wire.clear()
    data = await team.owner.ask(
        """query ($id: UUID!) {
             trip(id: $id) {
               items {
                 nodes {
                   title
                   voteSummary { up neutral down score mine }
                   votes { nodes { value user { id } } totalCount }
                 }
               }
             }
           }""",
        id=team.trip,
    )
    assert len(wire.requests) == 1
    first, second, _ = data["trip"]["items"]["nodes"]
    assert first["voteSummary"] == {"up": 0, "neutral": 1, "down": 2, "score": -2, "mine": "DOWN"}
    assert {one["user"]["id"]: one["value"] for one in first["votes"]["nodes"]} == {
        team.viewer.id: "DOWN",
        team.owner.id: "DOWN",
        team.editor.id: "NEUTRAL",
    }
    assert second["voteSummary"] == {"up": 0, "neutral": 0, "down": 0, "score": 0, "mine": None}
    assert second["votes"] == {"nodes": [], "totalCount": 0}

    retract = "mutation ($item: UUID!) { retractVote(tripItemId: $item) { value tripItem { voteSummary { down } } } }"
    data = await team.viewer.ask(retract, item=item)
    assert data["retractVote"]["value"] == "DOWN"
    assert await team.viewer.code(retract, item=item) == "NOT_FOUND"


async def test_a_stranger_neither_votes_nor_counts(team: Team) -> None:
    assert await team.stranger.code(CAST, item=team.items[0], value="UP") == "FORBIDDEN"
    await team.owner.ask(CAST, item=team.items[0], value="UP")
    data = await team.stranger.ask("{ votes { totalCount } }")
    assert data == {"votes": {"totalCount": 0}}


MOVE = """mutation ($id: UUID!, $day: Int!, $position: Int!) {
  moveTripItem(id: $id, dayNumber: $day, position: $position) { title dayNumber orderIndex trip { id } }
}"""


async def test_moving_an_item_closes_the_gap(team: Team) -> None:
    first, _, last = team.items
    moved = (await team.editor.ask(MOVE, id=last, day=1, position=0))["moveTripItem"]
    assert moved == {"title": "c", "dayNumber": 1, "orderIndex": 0, "trip": {"id": team.trip}}
    assert await titles(team.owner, team.trip) == [(0, "c"), (1, "a"), (2, "b")]
    await team.owner.ask(MOVE, id=first, day=2, position=9)
    assert await titles(team.owner, team.trip) == [(0, "c"), (1, "b")]
    assert await titles(team.owner, team.trip, day=2) == [(0, "a")]


async def test_who_may_not_move_items(team: Team) -> None:
    assert await team.viewer.code(MOVE, id=team.items[0], day=1, position=2) == "FORBIDDEN"
    assert await team.stranger.code(MOVE, id=team.items[0], day=1, position=2) == "NOT_FOUND"
    assert await team.owner.code(MOVE, id=team.items[0], day=0, position=0) == "BAD_USER_INPUT"
    assert await team.owner.code(MOVE, id=team.items[0], day=1, position=-1) == "BAD_USER_INPUT"


async def test_many_movers_at_once_leave_no_gap_and_no_double(team: Team) -> None:
    async def move(person: Person, number: int) -> Any:
        return await person.ask(MOVE, id=team.items[number % 3], day=1 + number % 2, position=number % 3)

    people = [team.owner, team.editor]
    await asyncio.gather(*(move(people[number % 2], number) for number in range(16)))
    for day in (1, 2):
        places = [place for place, _ in await titles(team.owner, team.trip, day)]
        assert places == list(range(len(places)))


async def test_what_people_keep_for_themselves(team: Team) -> None:
    person = team.owner
    place = (await person.ask('mutation { createPlace(input: { name: "Pier" }) { id } }'))["createPlace"]["id"]
    made = await person.ask(
        """mutation ($place: UUID!) {
             createSavedPlace(input: { placeId: $place, name: "The pier", category: NATURE }) {
               name category place { name }
             }
             createCollection(input: { name: "Coast" }) { id name }
             createTag(input: { name: "windy" }) { id name }
           }""",
        place=place,
    )
    assert made["createSavedPlace"] == {"name": "The pier", "category": "NATURE", "place": {"name": "Pier"}}
    data = await person.ask(
        """mutation ($place: UUID!, $collection: UUID!, $tag: UUID!) {
             createCollectionPlace(input: { collectionId: $collection, placeId: $place }) { orderIndex }
             createPlaceTag(input: { tagId: $tag, placeId: $place }) { tag { name } }
           }""",
        place=place,
        collection=made["createCollection"]["id"],
        tag=made["createTag"]["id"],
    )
    assert data["createPlaceTag"] == {"tag": {"name": "windy"}}
    data = await person.ask(
        """{
             collections {
               nodes { name collectionPlaces { nodes { place { name placeTags { nodes { tag { name } } } } } } }
             }
           }"""
    )
    (coast,) = data["collections"]["nodes"]
    assert coast["collectionPlaces"]["nodes"] == [
        {"place": {"name": "Pier", "placeTags": {"nodes": [{"tag": {"name": "windy"}}]}}}
    ]
    for query in ("savedPlaces", "collections", "collectionPlaces", "tags", "placeTags"):
        data = await team.editor.ask(f"{{ {query} {{ totalCount }} }}")
        assert data == {query: {"totalCount": 0}}
    assert await person.code('mutation { createTag(input: { name: "windy" }) { id } }') == "CONFLICT"

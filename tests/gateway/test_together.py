"""Planning together: who may see and do what on a shared trip, votes, and moving items."""

import asyncio
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests.support import Person, Wire
from tripgate.local.stack import StackInfo


@dataclass
class Party:
    """A trip with three items, its owner, an editor, a viewer and a stranger."""

    trip: str
    items: list[str]
    owner: Person
    editor: Person
    viewer: Person
    stranger: Person


@pytest.fixture
async def party(seeded: StackInfo, anonymous: Person) -> Party:
    owner, editor, viewer, stranger = [await anonymous.sign_up() for _ in range(4)]
    trip = await owner.trip(title="Shared")
    made = await owner.ask(
        "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }",
        inputs=[{"tripId": trip, "title": title, "orderIndex": index} for index, title in enumerate("abc")],
    )
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        for person, role in ((editor, "editor"), (viewer, "viewer")):
            connection.execute(
                "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, %s)", [trip, person.id, role]
            )
    return Party(trip, [item["id"] for item in made["createTripItems"]], owner, editor, viewer, stranger)


async def titles(person: Person, trip: str, day: int = 1) -> list[tuple[int, str]]:
    data = await person.ask(
        """query ($trip: UUID!, $day: Int) {
             tripItems(filter: { tripId: { eq: $trip }, dayNumber: { eq: $day } }) { nodes { orderIndex title } } }""",
        trip=trip,
        day=day,
    )
    return [(node["orderIndex"], node["title"]) for node in data["tripItems"]["nodes"]]


async def test_everyone_on_a_trip_sees_it_and_who_is_on_it(party: Party) -> None:
    query = """query ($id: UUID!) {
      trip(id: $id) {
        title
        owner { id }
        items { totalCount }
        collaborators { nodes { role user { id displayName } } }
      }
    }"""
    for person in (party.owner, party.editor, party.viewer):
        trip = (await person.ask(query, id=party.trip))["trip"]
        assert (trip["title"], trip["owner"]["id"], trip["items"]["totalCount"]) == ("Shared", party.owner.id, 3)
        found = {one["user"]["id"]: one["role"] for one in trip["collaborators"]["nodes"]}
        assert found == {party.editor.id: "EDITOR", party.viewer.id: "VIEWER"}
    assert await party.stranger.ask(query, id=party.trip) == {"trip": None}


async def test_editors_change_items_and_viewers_do_not(party: Party) -> None:
    change = 'mutation ($id: UUID!) { updateTripItem(id: $id, patch: { notes: "x" }) { notes } }'
    add = 'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "d" }) { title } }'
    remove = "mutation ($id: UUID!) { deleteTripItem(id: $id) { title } }"
    assert await party.editor.ask(change, id=party.items[0]) == {"updateTripItem": {"notes": "x"}}
    assert await party.editor.ask(add, trip=party.trip) == {"createTripItem": {"title": "d"}}
    assert await party.editor.ask(remove, id=party.items[2]) == {"deleteTripItem": {"title": "c"}}
    assert await party.viewer.code(change, id=party.items[0]) == "FORBIDDEN"
    assert await party.viewer.code(add, trip=party.trip) == "FORBIDDEN"
    assert await party.viewer.code(remove, id=party.items[0]) == "FORBIDDEN"
    assert await party.stranger.code(change, id=party.items[0]) == "NOT_FOUND"


async def test_only_the_owner_deletes_the_trip_and_manages_who_is_on_it(party: Party) -> None:
    data = await party.viewer.ask(
        "query ($id: UUID!) { trip(id: $id) { collaborators(orderBy: [{ role: ASC }]) { nodes { id role } } } }",
        id=party.trip,
    )
    editor, viewer = data["trip"]["collaborators"]["nodes"]
    assert (editor["role"], viewer["role"]) == ("EDITOR", "VIEWER")
    promote = "mutation ($id: UUID!) { updateCollaborator(id: $id, patch: { role: EDITOR }) { role user { id } } }"
    remove = "mutation ($id: UUID!) { removeCollaborator(id: $id) { role } }"
    delete = "mutation ($id: UUID!) { deleteTrip(id: $id) { id } }"
    assert await party.editor.code(delete, id=party.trip) == "FORBIDDEN"
    assert await party.viewer.code(promote, id=viewer["id"]) == "FORBIDDEN"
    assert await party.editor.code(remove, id=viewer["id"]) == "FORBIDDEN"
    assert await party.stranger.code(remove, id=viewer["id"]) == "NOT_FOUND"
    assert await party.owner.ask(promote, id=viewer["id"]) == {
        "updateCollaborator": {"role": "EDITOR", "user": {"id": party.viewer.id}}
    }
    assert await party.owner.ask(remove, id=editor["id"]) == {"removeCollaborator": {"role": "EDITOR"}}
    assert await party.editor.ask("query ($id: UUID!) { trip(id: $id) { id } }", id=party.trip) == {"trip": None}


async def test_a_collaborator_may_leave(party: Party) -> None:
    leave = "mutation ($id: UUID!) { leaveTrip(tripId: $id) }"
    assert await party.viewer.ask(leave, id=party.trip) == {"leaveTrip": True}
    assert await party.viewer.ask("query ($id: UUID!) { trip(id: $id) { id } }", id=party.trip) == {"trip": None}
    assert await party.viewer.code(leave, id=party.trip) == "NOT_FOUND"
    assert await party.owner.code(leave, id=party.trip) == "NOT_FOUND"
    data = await party.owner.ask("query ($id: UUID!) { trip(id: $id) { collaborators { totalCount } } }", id=party.trip)
    assert data == {"trip": {"collaborators": {"totalCount": 1}}}


CAST = """mutation ($item: UUID!, $value: VoteValue!, $comment: String) {
  castVote(tripItemId: $item, value: $value, comment: $comment) {
    value comment tripItemId user { id } tripItem { title voteSummary { up neutral down score mine } }
  }
}"""


async def test_votes(party: Party, wire: Wire) -> None:
    item = party.items[0]
    vote = (await party.viewer.ask(CAST, item=item, value="UP", comment="Yes!"))["castVote"]
    assert vote == {
        "value": "UP",
        "comment": "Yes!",
        "tripItemId": item,
        "user": {"id": party.viewer.id},
        "tripItem": {"title": "a", "voteSummary": {"up": 1, "neutral": 0, "down": 0, "score": 1, "mine": "UP"}},
    }
    await party.owner.ask(CAST, item=item, value="DOWN")
    await party.editor.ask(CAST, item=item, value="NEUTRAL")
    again = (await party.viewer.ask(CAST, item=item, value="DOWN"))["castVote"]
    assert (again["value"], again["comment"]) == ("DOWN", None)

    wire.clear()
    data = await party.owner.ask(
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
        id=party.trip,
    )
    assert len(wire.requests) == 1
    first, second, _ = data["trip"]["items"]["nodes"]
    assert first["voteSummary"] == {"up": 0, "neutral": 1, "down": 2, "score": -2, "mine": "DOWN"}
    assert {one["user"]["id"]: one["value"] for one in first["votes"]["nodes"]} == {
        party.viewer.id: "DOWN",
        party.owner.id: "DOWN",
        party.editor.id: "NEUTRAL",
    }
    assert second["voteSummary"] == {"up": 0, "neutral": 0, "down": 0, "score": 0, "mine": None}
    assert second["votes"] == {"nodes": [], "totalCount": 0}

    retract = "mutation ($item: UUID!) { retractVote(tripItemId: $item) { value tripItem { voteSummary { down } } } }"
    data = await party.viewer.ask(retract, item=item)
    assert data["retractVote"]["value"] == "DOWN"
    assert await party.viewer.code(retract, item=item) == "NOT_FOUND"


async def test_a_stranger_neither_votes_nor_counts(party: Party) -> None:
    assert await party.stranger.code(CAST, item=party.items[0], value="UP") == "FORBIDDEN"
    await party.owner.ask(CAST, item=party.items[0], value="UP")
    data = await party.stranger.ask("{ votes { totalCount } }")
    assert data == {"votes": {"totalCount": 0}}


MOVE = """mutation ($id: UUID!, $day: Int!, $position: Int!) {
  moveTripItem(id: $id, dayNumber: $day, position: $position) { title dayNumber orderIndex trip { id } }
}"""


async def test_moving_an_item_closes_the_gap(party: Party) -> None:
    first, _, last = party.items
    moved = (await party.editor.ask(MOVE, id=last, day=1, position=0))["moveTripItem"]
    assert moved == {"title": "c", "dayNumber": 1, "orderIndex": 0, "trip": {"id": party.trip}}
    assert await titles(party.owner, party.trip) == [(0, "c"), (1, "a"), (2, "b")]
    await party.owner.ask(MOVE, id=first, day=2, position=9)
    assert await titles(party.owner, party.trip) == [(0, "c"), (1, "b")]
    assert await titles(party.owner, party.trip, day=2) == [(0, "a")]


async def test_who_may_not_move_items(party: Party) -> None:
    assert await party.viewer.code(MOVE, id=party.items[0], day=1, position=2) == "FORBIDDEN"
    assert await party.stranger.code(MOVE, id=party.items[0], day=1, position=2) == "NOT_FOUND"
    assert await party.owner.code(MOVE, id=party.items[0], day=0, position=0) == "BAD_USER_INPUT"
    assert await party.owner.code(MOVE, id=party.items[0], day=1, position=-1) == "BAD_USER_INPUT"


async def test_many_movers_at_once_leave_no_gap_and_no_double(party: Party) -> None:
    async def move(person: Person, number: int) -> Any:
        return await person.ask(MOVE, id=party.items[number % 3], day=1 + number % 2, position=number % 3)

    people = [party.owner, party.editor]
    await asyncio.gather(*(move(people[number % 2], number) for number in range(16)))
    for day in (1, 2):
        places = [place for place, _ in await titles(party.owner, party.trip, day)]
        assert places == list(range(len(places)))


async def test_what_people_keep_for_themselves(party: Party) -> None:
    person = party.owner
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
        data = await party.editor.ask(f"{{ {query} {{ totalCount }} }}")
        assert data == {query: {"totalCount": 0}}
    assert await person.code('mutation { createTag(input: { name: "windy" }) { id } }') == "CONFLICT"

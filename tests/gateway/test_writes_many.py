"""Updates and deletions of all rows that a filter finds: exactly those, all or none, and never more than was said."""

import asyncio
from typing import Any

import psycopg
import pytest

from tests.gateway.conftest import Team
from tests.support import Person, Wire
from tripgate.local.stack import StackInfo

UPDATE = """mutation ($filter: TripFilter!, $patch: TripPatch!, $atMost: Int! = 1) {
  updateTrips(filter: $filter, patch: $patch, atMost: $atMost) { id title status }
}"""
DELETE = """mutation ($filter: TripFilter!, $atMost: Int! = 1) {
  deleteTrips(filter: $filter, atMost: $atMost) { id title }
}"""
UPDATE_ITEMS = """mutation ($filter: TripItemFilter!, $patch: TripItemPatch!, $atMost: Int! = 1) {
  updateTripItems(filter: $filter, patch: $patch, atMost: $atMost) { title notes }
}"""
DELETE_ITEMS = """mutation ($filter: TripItemFilter!, $atMost: Int! = 1) {
  deleteTripItems(filter: $filter, atMost: $atMost) { title }
}"""

ALL = {"id": {"isNull": False}}
"""Every row that the caller may see."""


async def trips(person: Person) -> dict[str, str]:
    """The person's own trips: titles and statuses."""
    data = await person.ask("{ trips(first: 100) { nodes { title status owner { id } } } }")
    return {node["title"]: node["status"] for node in data["trips"]["nodes"] if node["owner"]["id"] == person.id}


async def notes(person: Person) -> list[tuple[str, str | None]]:
    """The items of all trips that the person sees: titles and notes."""
    data = await person.ask("{ tripItems(orderBy: [{ title: ASC }], first: 100) { nodes { title notes } } }")
    return [(node["title"], node["notes"]) for node in data["tripItems"]["nodes"]]


@pytest.fixture
async def planner(newcomer: Person) -> Person:
    """Somebody with the trips a, b and c, of which c is booked."""
    for title, status in (("a", "PLANNING"), ("b", "PLANNING"), ("c", "BOOKED")):
        await newcomer.trip(title=title, status=status)
    return newcomer


async def test_the_rows_that_match_are_changed_and_answered_by_their_ids(planner: Person, wire: Wire) -> None:
    wire.clear()
    data = await planner.ask(UPDATE, filter={"status": {"eq": "PLANNING"}}, patch={"status": "CANCELLED"}, atMost=2)
    assert sorted((row["title"], row["status"]) for row in data["updateTrips"]) == [
        ("a", "CANCELLED"),
        ("b", "CANCELLED"),
    ]
    ids = [row["id"] for row in data["updateTrips"]]
    assert ids == sorted(ids)
    assert wire.requests == [
        "GET /trips?select=id&status=eq.planning&order=id.asc&limit=3",
        f'PATCH /trips?id=in.("{ids[0]}","{ids[1]}")&status=eq.planning&select=id,title,status',
    ]
    assert await trips(planner) == {"a": "CANCELLED", "b": "CANCELLED", "c": "BOOKED"}


async def test_the_rows_that_match_are_deleted_and_answered_as_they_were(planner: Person, wire: Wire) -> None:
    wire.clear()
    data = await planner.ask(DELETE, filter={"status": {"neq": "BOOKED"}}, atMost=5)
    assert sorted(row["title"] for row in data["deleteTrips"]) == ["a", "b"]
    ids = [row["id"] for row in data["deleteTrips"]]
    assert wire.requests == [
        'GET /trips?select=id&and=(status.neq."booked")&order=id.asc&limit=6',
        f'DELETE /trips?id=in.("{ids[0]}","{ids[1]}")&status=neq.booked&select=id,title',
    ]
    assert await trips(planner) == {"c": "BOOKED"}


async def test_relations_cost_one_read_of_the_new_and_none_of_the_old(planner: Person, wire: Wire) -> None:
    owner = {"owner": {"id": planner.id}}
    wire.clear()
    data = await planner.ask(
        'mutation { updateTrips(filter: { title: { eq: "a" } }, patch: { title: "z" }) { title owner { id } } }'
    )
    assert data["updateTrips"] == [{"title": "z", **owner}]
    assert [request.split()[0] for request in wire.requests] == ["GET", "PATCH", "GET"]
    wire.clear()
    data = await planner.ask(
        'mutation { deleteTrips(filter: { title: { in: ["b", "z"] } }, atMost: 2) { title owner { id } } }'
    )
    assert sorted(data["deleteTrips"], key=lambda row: row["title"]) == [
        {"title": "b", **owner},
        {"title": "z", **owner},
    ]
    assert [request.split()[0] for request in wire.requests] == ["GET", "DELETE"]
    assert await trips(planner) == {"c": "BOOKED"}


@pytest.mark.parametrize(
    ("filter_", "repeated"),
    [
        (
            {"title": {"eq": "a"}, "status": {"in": ["PLANNING", "BOOKED"]}},
            'title=eq.a&status=in.("planning","booked")&',
        ),
        ({"and": [{"title": {"eq": "a"}}, {"and": [{"budget": {"isNull": True}}]}]}, "title=eq.a&budget=is.null&"),
        ({"not": {"title": {"neq": "a"}}}, "title=not.neq.a&"),
        ({"not": {"not": {"title": {"startsWith": "a"}}}}, "title=like.a%&"),
        ({"title": {"eq": "a"}, "startDate": {"isNull": True}}, "title=eq.a&start_date=is.null&"),
        ({"or": [{"title": {"eq": "a"}}, {"title": {"startsWith": "A"}}]}, ""),
        # Alternatives of one column are a list, which is one test.
        ({"or": [{"title": {"eq": "a"}}, {"title": {"eq": "A"}}]}, 'title=in.("a","A")&'),
        ({"not": {"or": [{"title": {"eq": "b"}}, {"title": {"eq": "c"}}]}}, 'title=not.in.("b","c")&'),
        ({"items": {"none": {}}, "title": {"eq": "a"}}, "title=eq.a&"),
        ({"owner": {"trips": {"some": {"title": {"eq": "b"}}}}, "title": {"in": ["a"]}}, "title=eq.a&"),
    ],
)
async def test_the_write_repeats_tests_of_own_columns_and_no_others(
    planner: Person, wire: Wire, filter_: dict[str, Any], repeated: str
) -> None:
    wire.clear()
    data = await planner.ask(UPDATE, filter=filter_, patch={"title": "found"})
    ((id_, title),) = [(row["id"], row["title"]) for row in data["updateTrips"]]
    assert title == "found"
    assert wire.requests[1] == f"PATCH /trips?id=eq.{id_}&{repeated}select=id,title,status"
    assert await trips(planner) == {"found": "PLANNING", "b": "PLANNING", "c": "BOOKED"}


async def test_who_may_change_the_items_of_a_trip(team: Team, anonymous: Person, wire: Wire) -> None:
    filter_ = {"title": {"in": ["a", "b"]}}

    async def change(person: Person, text: str) -> Any:
        return await person.ask(UPDATE_ITEMS, filter=filter_, patch={"notes": text}, atMost=2)

    for person, text in ((team.owner, "by the owner"), (team.editor, "by the editor")):
        rows = (await change(person, text))["updateTripItems"]
        assert sorted(row["title"] for row in rows) == ["a", "b"]
        assert {row["notes"] for row in rows} == {text}
    wire.clear()
    assert await team.viewer.refused(UPDATE_ITEMS, filter=filter_, patch={"notes": "no"}, atMost=2) == {
        "code": "FORBIDDEN",
        "message": "You may see these trip items but not change each of them, so nothing was changed.",
    }
    assert [request.split()[0] for request in wire.requests] == ["GET", "PATCH", "GET"]
    # The stranger's filter finds the stranger's own items, which are called the same.
    assert len((await change(team.stranger, "a stranger's"))["updateTripItems"]) == 2
    wire.clear()
    assert await anonymous.code(UPDATE_ITEMS, filter=ALL, patch={"notes": "x"}) == "UNAUTHENTICATED"
    assert wire.requests == []
    assert await notes(team.owner) == [("a", "by the editor"), ("b", "by the editor"), ("c", None)]
    assert await notes(team.stranger) == [("a", "a stranger's"), ("b", "a stranger's"), ("c", None)]


async def test_who_may_delete_the_items_of_a_trip(team: Team, anonymous: Person) -> None:
    assert await team.viewer.refused(DELETE_ITEMS, filter=ALL, atMost=9) == {
        "code": "FORBIDDEN",
        "message": "You may see these trip items but not delete each of them, so nothing was changed.",
    }
    assert await anonymous.code(DELETE_ITEMS, filter=ALL) == "UNAUTHENTICATED"
    of_this_trip = {"tripId": {"eq": team.trip}}
    assert await team.stranger.ask(DELETE_ITEMS, filter=of_this_trip, atMost=9) == {"deleteTripItems": []}
    assert await team.editor.ask(DELETE_ITEMS, filter={"title": {"eq": "a"}}) == {"deleteTripItems": [{"title": "a"}]}
    assert await team.owner.ask(DELETE_ITEMS, filter={"title": {"eq": "c"}}) == {"deleteTripItems": [{"title": "c"}]}
    assert await notes(team.owner) == [("b", None)]
    assert await notes(team.stranger) == [("a", None), ("b", None), ("c", None)]


@pytest.mark.parametrize("selection", ["title", "title items { totalCount }"])
async def test_one_row_that_may_not_be_written_saves_the_others(team: Team, selection: str) -> None:
    await team.editor.trip(title="Own")
    both = f"mutation {{ deleteTrips(filter: {{ id: {{ isNull: false }} }}, atMost: 2) {{ {selection} }} }}"
    assert (await team.editor.refused(both))["message"] == (
        "You may see these trips but not delete each of them, so nothing was changed."
    )
    data = await team.editor.ask("{ trips(orderBy: [{ title: ASC }]) { nodes { title } } }")
    assert data["trips"]["nodes"] == [{"title": "Own"}, {"title": "Shared"}]
    # An editor may change both, so the same filter serves for that.
    rows = (await team.editor.ask(UPDATE, filter=ALL, patch={"status": "BOOKED"}, atMost=2))["updateTrips"]
    assert sorted(row["title"] for row in rows) == ["Own", "Shared"]


async def test_rows_are_found_through_their_relations(team: Team) -> None:
    filter_ = {"trip": {"collaborators": {"some": {"userId": {"eq": team.viewer.id}}}}, "title": {"neq": "b"}}
    rows = (await team.owner.ask(UPDATE_ITEMS, filter=filter_, patch={"notes": "x"}, atMost=9))["updateTripItems"]
    assert sorted(row["title"] for row in rows) == ["a", "c"]
    assert await notes(team.owner) == [("a", "x"), ("b", None), ("c", "x")]
    filter_ = {"items": {"every": {"title": {"neq": "b"}}}}
    assert await team.owner.ask(DELETE, filter=filter_) == {"deleteTrips": []}
    filter_ = {"items": {"some": {"notes": {"eq": "x"}}}}
    assert [row["id"] for row in (await team.owner.ask(DELETE, filter=filter_))["deleteTrips"]] == [team.trip]
    assert await trips(team.stranger) == {"Shared": "PLANNING"}


async def test_votes_and_collaborators_too(team: Team) -> None:
    for person in (team.owner, team.viewer):
        for item in team.items:
            await person.ask("mutation ($item: UUID!) { castVote(tripItemId: $item, value: UP) { id } }", item=item)
    change = """mutation ($filter: VoteFilter!) {
      updateVotes(filter: $filter, patch: { value: DOWN, comment: "No" }, atMost: 9) { value comment user { id } }
    }"""
    retract = "mutation ($filter: VoteFilter!) { retractVotes(filter: $filter, atMost: 9) { value } }"
    mine = {"userId": {"eq": team.viewer.id}}
    assert await team.viewer.code(change, filter=ALL) == "FORBIDDEN"
    assert await team.viewer.ask(change, filter=mine) == {
        "updateVotes": [{"value": "DOWN", "comment": "No", "user": {"id": team.viewer.id}}] * 3
    }
    assert await team.viewer.code(retract, filter=ALL) == "FORBIDDEN"
    assert await team.viewer.ask(retract, filter=mine) == {"retractVotes": [{"value": "DOWN"}] * 3}

    promote = """mutation ($filter: CollaboratorFilter!) {
      updateCollaborators(filter: $filter, patch: { role: EDITOR }, atMost: 9) { role }
    }"""
    remove = "mutation ($filter: CollaboratorFilter!) { removeCollaborators(filter: $filter, atMost: 9) { role } }"
    assert await team.editor.code(promote, filter=ALL) == "FORBIDDEN"
    assert await team.owner.ask(promote, filter=ALL) == {"updateCollaborators": [{"role": "EDITOR"}] * 2}
    assert await team.editor.code(remove, filter=ALL) == "FORBIDDEN"
    assert await team.editor.ask(remove, filter={"userId": {"eq": team.editor.id}}) == {
        "removeCollaborators": [{"role": "EDITOR"}]
    }
    assert await team.owner.ask(remove, filter=ALL) == {"removeCollaborators": [{"role": "EDITOR"}]}


@pytest.mark.parametrize("mutation", [UPDATE, DELETE], ids=["update", "delete"])
async def test_a_row_that_moves_on_meanwhile_is_left_alone_and_so_are_the_others(
    planner: Person, wire: Wire, seeded: StackInfo, mutation: str
) -> None:
    variables = {"filter": {"status": {"eq": "PLANNING"}}, "atMost": 9}
    if mutation is UPDATE:
        variables["patch"] = {"title": "x"}
    async with await psycopg.AsyncConnection.connect(seeded.admin_db_url) as other:
        await other.execute(
            "update public.trips set status = 'completed' where user_id = %s and title = 'b'", [planner.id]
        )
        wire.clear()
        asked = asyncio.create_task(planner.refused(mutation, **variables))
        while len(wire.requests) < 2:  # noqa: ASYNC110 - the wire has no event to wait for
            await asyncio.sleep(0.01)
        # Found as it was before the other's change, the row is now waited for.
        await asyncio.sleep(0.1)
        await other.commit()
    assert await asked == {
        "code": "CONFLICT",
        "message": "Something changed meanwhile, so nothing was written. Try again.",
        "reason": "CHANGED_MEANWHILE",
    }
    assert await trips(planner) == {"a": "PLANNING", "b": "COMPLETED", "c": "BOOKED"}


async def test_several_rows_of_what_people_keep_are_made_changed_and_deleted_at_once(newcomer: Person) -> None:
    made = await newcomer.ask(
        """mutation {
             createPlaces(inputs: [{ name: "p" }, { name: "q" }]) { id name }
             createTags(inputs: [{ name: "t" }, { name: "u" }]) { id name }
             createCollections(inputs: [{ name: "c" }, { name: "d" }]) { id name }
           }"""
    )
    p, q = [row["id"] for row in made["createPlaces"]]
    t, u = [row["id"] for row in made["createTags"]]
    c, d = [row["id"] for row in made["createCollections"]]
    made = await newcomer.ask(
        """mutation (
             $saved: [CreateSavedPlaceInput!]!
             $in: [CreateCollectionPlaceInput!]!
             $tags: [CreatePlaceTagInput!]!
           ) {
             createSavedPlaces(inputs: $saved) { name }
             createCollectionPlaces(inputs: $in) { orderIndex }
             createPlaceTags(inputs: $tags) { tag { name } }
           }""",
        **{
            "saved": [{"placeId": p, "name": "mine"}, {"name": "A bench"}],
            "in": [{"collectionId": c, "placeId": p, "orderIndex": 1}, {"collectionId": d, "placeId": q}],
            "tags": [{"placeId": p, "tagId": t}, {"placeId": q, "tagId": u}],
        },
    )
    assert made == {
        "createSavedPlaces": [{"name": "mine"}, {"name": "A bench"}],
        "createCollectionPlaces": [{"orderIndex": 1}, {"orderIndex": 0}],
        "createPlaceTags": [{"tag": {"name": "t"}}, {"tag": {"name": "u"}}],
    }
    changed = await newcomer.ask(
        """mutation {
             updatePlaces(filter: { id: { isNull: false } }, patch: { city: "Rome" }, atMost: 2) { city }
             updateSavedPlaces(filter: { id: { isNull: false } }, patch: { notes: "n" }, atMost: 2) { notes }
             updateCollections(filter: { id: { isNull: false } }, patch: { description: "n" }, atMost: 2) {
               description
             }
             updateCollectionPlaces(filter: { id: { isNull: false } }, patch: { notes: "n" }, atMost: 2) { notes }
             updateTags(filter: { id: { isNull: false } }, patch: { colour: "#ffffff" }, atMost: 2) { colour }
           }"""
    )
    assert changed == {
        "updatePlaces": [{"city": "Rome"}] * 2,
        "updateSavedPlaces": [{"notes": "n"}] * 2,
        "updateCollections": [{"description": "n"}] * 2,
        "updateCollectionPlaces": [{"notes": "n"}] * 2,
        "updateTags": [{"colour": "#ffffff"}] * 2,
    }
    verbs = ["SavedPlaces", "CollectionPlaces", "PlaceTags", "Collections", "Tags", "Places"]
    fields = " ".join(
        f"delete{verb}(filter: {{ id: {{ isNull: false }} }}, atMost: 2) {{ __typename }}" for verb in verbs
    )
    gone = await newcomer.ask(f"mutation {{ {fields} }}")
    assert {name: len(rows) for name, rows in gone.items()} == {f"delete{verb}": 2 for verb in verbs}

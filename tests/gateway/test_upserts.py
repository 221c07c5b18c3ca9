"""Rows made where there are none and changed where there are some, and what that tells of rows of other people."""

import psycopg

from tests.support import Person, Wire
from tripgate.local.stack import StackInfo

TAG = """mutation ($input: UpsertTagInput!) { upsertTag(input: $input) { id name colour owner { id } } }"""
SAVE = "mutation ($input: UpsertSavedPlaceInput!) { upsertSavedPlace(input: $input) { id name category notes } }"
PUT = "mutation ($input: UpsertPlaceTagInput!) { upsertPlaceTag(input: $input) { id } }"
COLLECT = (
    "mutation ($input: UpsertCollectionPlaceInput!) { upsertCollectionPlace(input: $input) { id notes orderIndex } }"
)


async def place(person: Person) -> str:
    """The id of a new place."""
    data = await person.ask('mutation { createPlace(input: { name: "Pier" }) { id } }')
    return str(data["createPlace"]["id"])


async def tag(person: Person, name: str = "windy") -> str:
    """The id of a new tag."""
    data = await person.ask("mutation ($name: String!) { createTag(input: { name: $name }) { id } }", name=name)
    return str(data["createTag"]["id"])


async def collection(person: Person) -> str:
    """The id of a new collection."""
    data = await person.ask('mutation { createCollection(input: { name: "Coast" }) { id } }')
    return str(data["createCollection"]["id"])


async def test_the_same_tag_twice_is_one_tag(newcomer: Person, wire: Wire) -> None:
    first = (await newcomer.ask(TAG, input={"name": "quiet", "colour": "#112233"}))["upsertTag"]
    assert first == {"id": first["id"], "name": "quiet", "colour": "#112233", "owner": {"id": newcomer.id}}
    assert await newcomer.ask(TAG, input={"name": "quiet", "colour": "#445566"}) == {
        "upsertTag": {**first, "colour": "#445566"}
    }
    # What is left out stays as it is.
    assert await newcomer.ask(TAG, input={"name": "quiet"}) == {"upsertTag": {**first, "colour": "#445566"}}
    assert await newcomer.ask("{ tags { totalCount } }") == {"tags": {"totalCount": 1}}
    wire.clear()
    await newcomer.ask('mutation { upsertTag(input: { name: "quiet" }) { id colour } }')
    assert [request.split()[0] for request in wire.requests] == ["POST"]
    wire.clear()
    await newcomer.ask('mutation { upsertTag(input: { name: "quiet" }) { id owner { id } } }')
    assert [request.split()[0] for request in wire.requests] == ["POST", "GET"]


async def test_a_tag_of_the_same_name_of_somebody_else_is_left_alone(newcomer: Person, stranger: Person) -> None:
    theirs = (await stranger.ask(TAG, input={"name": "common", "colour": "#aaaaaa"}))["upsertTag"]
    mine = (await newcomer.ask(TAG, input={"name": "common", "colour": "#bbbbbb"}))["upsertTag"]
    assert mine["id"] != theirs["id"]
    assert mine["owner"] == {"id": newcomer.id}
    assert (await stranger.ask(TAG, input={"name": "common"}))["upsertTag"] == theirs


async def test_what_is_never_written_is_not_in_the_input(newcomer: Person, stranger: Person) -> None:
    for field, value in (("ownerId", stranger.id), ("id", stranger.id), ("createdAt", "2020-01-01T00:00:00Z")):
        assert await newcomer.code(TAG, input={"name": "x", field: value}) == "BAD_USER_INPUT"


async def test_mistakes_are_reported_and_cost_no_request(newcomer: Person, anonymous: Person, wire: Wire) -> None:
    wire.clear()
    error = await newcomer.refused(TAG, input={"name": "x", "colour": None})
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "colour")
    assert await newcomer.code(SAVE, input={"name": "No place"}) == "BAD_USER_INPUT"
    assert await anonymous.code(TAG, input={"name": "x"}) == "UNAUTHENTICATED"
    assert wire.requests == []
    error = await newcomer.refused(TAG, input={"name": "x", "colour": "red"})
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "colour")


async def test_a_saved_place_changes_where_it_is_saved_already(newcomer: Person, wire: Wire) -> None:
    pier = await place(newcomer)
    wire.clear()
    first = (await newcomer.ask(SAVE, input={"placeId": pier, "notes": "Go early."}))["upsertSavedPlace"]
    assert [request.split()[0] for request in wire.requests] == ["POST"]
    assert first == {"id": first["id"], "name": "Pier", "category": "OTHER", "notes": "Go early."}
    wire.clear()
    # Its place may not be changed, not even to what it is, so the change is a request of its own.
    second = (await newcomer.ask(SAVE, input={"placeId": pier, "category": "NATURE"}))["upsertSavedPlace"]
    assert [request.split()[0] for request in wire.requests] == ["POST", "PATCH"]
    assert second == {**first, "category": "NATURE"}
    assert await newcomer.ask("{ savedPlaces { totalCount } }") == {"savedPlaces": {"totalCount": 1}}


async def test_a_tag_is_put_on_a_place_once(newcomer: Person, wire: Wire) -> None:
    given = {"placeId": await place(newcomer), "tagId": await tag(newcomer)}
    first = await newcomer.ask(PUT, input=given)
    wire.clear()
    assert await newcomer.ask(PUT, input=given) == first
    assert [request.split()[0] for request in wire.requests] == ["POST", "GET"]
    data = await newcomer.ask(
        "mutation ($input: UpsertPlaceTagInput!) { upsertPlaceTag(input: $input) { tag { name } place { name } } }",
        input=given,
    )
    assert data == {"upsertPlaceTag": {"tag": {"name": "windy"}, "place": {"name": "Pier"}}}
    assert await newcomer.ask("{ placeTags { totalCount } }") == {"placeTags": {"totalCount": 1}}


async def test_a_place_stands_in_a_collection_once(newcomer: Person) -> None:
    given = {"collectionId": await collection(newcomer), "placeId": await place(newcomer)}
    first = (await newcomer.ask(COLLECT, input={**given, "notes": "a"}))["upsertCollectionPlace"]
    assert first == {"id": first["id"], "notes": "a", "orderIndex": 0}
    data = await newcomer.ask(COLLECT, input={**given, "orderIndex": 3})
    assert data == {"upsertCollectionPlace": {**first, "orderIndex": 3}}
    data = await newcomer.ask(COLLECT, input={**given, "notes": None})
    assert data == {"upsertCollectionPlace": {**first, "orderIndex": 3, "notes": None}}


async def test_what_somebody_else_keeps_cannot_be_written_to(newcomer: Person, stranger: Person) -> None:
    """The answer is the same whether there is such a row or not."""
    theirs = {"placeId": await place(stranger), "tagId": await tag(stranger, "for a test of upserts")}
    answers = [await newcomer.refused(PUT, input=theirs)]
    await stranger.ask(PUT, input=theirs)
    answers.append(await newcomer.refused(PUT, input=theirs))
    assert answers == [{"code": "FORBIDDEN", "message": "You are not allowed to do this."}] * 2
    kept = {"collectionId": await collection(stranger), "placeId": theirs["placeId"]}
    answers = [await newcomer.refused(COLLECT, input={**kept, "notes": "mine"})]
    await stranger.ask(COLLECT, input={**kept, "notes": "theirs"})
    answers.append(await newcomer.refused(COLLECT, input={**kept, "notes": "mine"}))
    assert answers == [{"code": "FORBIDDEN", "message": "You are not allowed to do this."}] * 2
    assert await newcomer.code(SAVE, input={"placeId": theirs["placeId"]}) == "FORBIDDEN"
    data = await stranger.ask(
        "query ($id: UUID!) { collection(id: $id) { collectionPlaces { nodes { notes } } } }", id=kept["collectionId"]
    )
    assert data["collection"]["collectionPlaces"]["nodes"] == [{"notes": "theirs"}]


async def test_a_row_that_is_in_the_way_and_hidden_says_nothing(
    newcomer: Person, stranger: Person, seeded: StackInfo
) -> None:
    """No caller can make such a row; an administrator can."""
    given = {"tagId": await tag(newcomer, "hidden"), "placeId": await place(newcomer)}
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        connection.execute(
            "insert into public.place_tags (user_id, tag_id, place_id) values (%s, %s, %s)",
            [stranger.id, given["tagId"], given["placeId"]],
        )
    error = await newcomer.refused(PUT, input=given)
    assert error == {
        "code": "CONFLICT",
        "message": "This place tag exists already and is not yours to change.",
        "reason": "ALREADY_EXISTS",
    }

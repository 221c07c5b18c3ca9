"""Rows that come along with a new row: created with it in one transaction, or nothing is."""

from typing import Any

import pytest

from gql.catalog import catalog
from tests.support import Person, Wire

CREATE = """mutation ($input: CreateTripInput!) {
  createTrip(input: $input) { id title items { nodes { title kind dayNumber cost trip { title } } totalCount } }
}"""
CREATE_MANY = """mutation ($inputs: [CreateTripInput!]!) {
  createTrips(inputs: $inputs) { title items { nodes { title } } }
}"""
UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def counts(person: Person) -> dict[str, int]:
    data = await person.ask("{ trips { totalCount } tripItems { totalCount } }")
    return {name: found["totalCount"] for name, found in data.items()}


async def test_a_trip_with_its_items(newcomer: Person, wire: Wire) -> None:
    wire.clear()
    data = await newcomer.ask(
        CREATE,
        input={
            "title": "Rome",
            "items": [
                {"title": "Forum", "cost": "16.00"},
                {"title": "Supper", "kind": "FOOD", "dayNumber": 2},
                {"title": "Ostia", "kind": "TRANSPORT", "dayNumber": 3, "cost": "7.50"},
            ],
        },
    )
    assert [request.split("?")[0] for request in wire.requests] == ["POST /rpc/insert_tree", "GET /trips"]
    assert data["createTrip"].pop("id")
    # What a row leaves out gets its default, whatever the rows beside it say.
    in_rome = {"trip": {"title": "Rome"}}
    assert data["createTrip"] == {
        "title": "Rome",
        "items": {
            "nodes": [
                {"title": "Forum", "kind": "ACTIVITY", "dayNumber": 1, "cost": "16.00", **in_rome},
                {"title": "Supper", "kind": "FOOD", "dayNumber": 2, "cost": None, **in_rome},
                {"title": "Ostia", "kind": "TRANSPORT", "dayNumber": 3, "cost": "7.50", **in_rome},
            ],
            "totalCount": 3,
        },
    }


async def test_several_trips_with_and_without_items_in_the_order_of_the_inputs(newcomer: Person, wire: Wire) -> None:
    wire.clear()
    data = await newcomer.ask(
        CREATE_MANY,
        inputs=[
            {"title": "b", "items": [{"title": "1"}, {"title": "2", "notes": "n"}, {"title": "4"}]},
            {"title": "a", "status": "BOOKED"},
            {"title": "c", "items": []},
            {"title": "d", "items": [{"title": "3"}]},
        ],
    )
    assert [request.split("?")[0] for request in wire.requests] == ["POST /rpc/insert_tree", "GET /trips"]
    found = [(trip["title"], [item["title"] for item in trip["items"]["nodes"]]) for trip in data["createTrips"]]
    assert found == [("b", ["1", "2", "4"]), ("a", []), ("c", []), ("d", ["3"])]


async def test_without_items_the_insert_is_a_plain_one(newcomer: Person, wire: Wire) -> None:
    wire.clear()
    await newcomer.ask('mutation { createTrip(input: { title: "x", items: [] }) { title } }')
    await newcomer.ask('mutation { createTrips(inputs: [{ title: "x" }, { title: "y", items: [] }]) { title } }')
    assert [request.split("?")[0] for request in wire.requests] == ["POST /trips", "POST /trips"]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"title": "x", "cost": "-1"},
            {
                "code": "BAD_USER_INPUT",
                "message": "A cost is zero or more.",
                "sqlstate": "23514",
                "constraint": "trip_items_cost_check",
                "field": "items.cost",
            },
        ),
        (
            {"title": "x", "startsAt": "2027-01-02T00:00:00Z", "endsAt": "2027-01-01T00:00:00Z"},
            {
                "code": "BAD_USER_INPUT",
                "message": "An item ends by the year 9999, and not before it starts.",
                "sqlstate": "23514",
                "constraint": "trip_items_ends_at_check",
                "field": "items.endsAt",
            },
        ),
        (
            {"title": "x", "placeId": UNKNOWN},
            {"code": "FORBIDDEN", "message": "You are not allowed to do this.", "field": "items"},
        ),
        (
            {"title": "x", "kind": None},
            {
                "code": "BAD_USER_INPUT",
                "message": "inputs[1].items[1].kind cannot be null. Leave it out for its default.",
                "field": "items.kind",
            },
        ),
        (
            {"title": "a\0b"},
            {
                "code": "BAD_USER_INPUT",
                "message": "inputs[1].items[1].title contains the character U+0000, which text cannot hold.",
                "field": "items.title",
            },
        ),
    ],
)
async def test_one_bad_row_and_nothing_is_created(
    newcomer: Person, item: dict[str, Any], expected: dict[str, str]
) -> None:
    inputs = [{"title": "a", "items": [{"title": "good"}]}, {"title": "b", "items": [{"title": "good"}, item]}]
    assert await newcomer.refused(CREATE_MANY, inputs=inputs) == expected
    assert await counts(newcomer) == {"trips": 0, "tripItems": 0}


async def test_a_bad_root_is_named_as_ever(newcomer: Person) -> None:
    error = await newcomer.refused(CREATE, input={"title": "a", "currency": "euro", "items": [{"title": "good"}]})
    assert (error["constraint"], error["field"]) == ("trips_currency_check", "currency")
    assert await counts(newcomer) == {"trips": 0, "tripItems": 0}


async def test_lists_have_limits(newcomer: Person, wire: Wire) -> None:
    item = {"title": "x"}
    wire.clear()
    assert await newcomer.refused(CREATE, input={"title": "a", "items": [item] * 101}) == {
        "code": "BAD_USER_INPUT",
        "message": "input.items has 101 entries; at most 100 go at once.",
        "field": "items",
    }
    assert await newcomer.refused(CREATE_MANY, inputs=[{"title": "a", "items": [item] * 100}] * 11) == {
        "code": "BAD_USER_INPUT",
        "message": "There are more than 1000 related rows. Send fewer at once.",
        "field": "items",
    }
    assert await newcomer.refused(CREATE, input={"title": "a", "items": None}) == {
        "code": "BAD_USER_INPUT",
        "message": "input.items cannot be null. Leave it out where there are none.",
        "field": "items",
    }
    assert await newcomer.code(CREATE, input={"title": "a", "items": [{**item, "tripId": UNKNOWN}]}) == "BAD_USER_INPUT"
    assert wire.requests == []
    data = await newcomer.ask(CREATE_MANY, inputs=[{"title": "a", "items": [item] * 100}] * 10)
    assert len(data["createTrips"]) == 10
    assert await counts(newcomer) == {"trips": 10, "tripItems": 1000}


async def test_nobody_creates_nothing(anonymous: Person, wire: Wire) -> None:
    wire.clear()
    assert await anonymous.code(CREATE, input={"title": "a", "items": [{"title": "x"}]}) == "UNAUTHENTICATED"
    assert wire.requests == []


async def test_collections_with_places_and_places_with_tags(newcomer: Person, stranger: Person) -> None:
    made = await newcomer.ask(
        'mutation { createTag(input: { name: "calm" }) { id } createPlace(input: { name: "Pier" }) { id } }'
    )
    tag, pier = made["createTag"]["id"], made["createPlace"]["id"]
    data = await newcomer.ask(
        """mutation ($place: CreatePlaceInput!, $collection: CreateCollectionInput!, $tag: CreateTagInput!) {
             createPlace(input: $place) { name placeTags { nodes { tag { name } } } }
             createCollection(input: $collection) { name collectionPlaces { nodes { notes place { name } } } }
             createTag(input: $tag) { name placeTags { nodes { place { name } } } }
           }""",
        place={"name": "Bench", "latitude": "41.9", "longitude": "12.5", "placeTags": [{"tagId": tag}]},
        collection={"name": "Coast", "collectionPlaces": [{"placeId": pier, "notes": "Early"}]},
        tag={"name": "windy", "placeTags": [{"placeId": pier}]},
    )
    assert data == {
        "createPlace": {"name": "Bench", "placeTags": {"nodes": [{"tag": {"name": "calm"}}]}},
        "createCollection": {
            "name": "Coast",
            "collectionPlaces": {"nodes": [{"notes": "Early", "place": {"name": "Pier"}}]},
        },
        "createTag": {"name": "windy", "placeTags": {"nodes": [{"place": {"name": "Pier"}}]}},
    }

    collect = "mutation ($input: CreateCollectionInput!) { createCollection(input: $input) { id } }"
    assert await newcomer.refused(
        collect, input={"name": "Twice", "collectionPlaces": [{"placeId": pier}, {"placeId": pier, "orderIndex": 1}]}
    ) == {
        "code": "CONFLICT",
        "message": "This already exists.",
        "reason": "ALREADY_EXISTS",
        "sqlstate": "23505",
        "constraint": "collection_places_collection_id_place_id_key",
        "field": "collectionPlaces.placeId",
    }
    # Of somebody else's places and tags one can have neither.
    forbidden = {"code": "FORBIDDEN", "message": "You are not allowed to do this."}
    error = await stranger.refused(collect, input={"name": "Theirs", "collectionPlaces": [{"placeId": pier}]})
    assert error == {**forbidden, "field": "collectionPlaces"}
    error = await stranger.refused(
        "mutation ($input: CreatePlaceInput!) { createPlace(input: $input) { id } }",
        input={"name": "Theirs", "placeTags": [{"tagId": tag}]},
    )
    assert error == {**forbidden, "field": "placeTags"}
    data = await stranger.ask('{ collections(filter: { name: { eq: "Theirs" } }) { totalCount } }')
    assert data == {"collections": {"totalCount": 0}}


def test_what_may_come_along_is_declared() -> None:
    found = {
        f"{table.type_name}.{each.field}" for table in catalog for each in table.relations.values() if each.creatable
    }
    assert found == {"Trip.items", "Collection.collectionPlaces", "Tag.placeTags", "Place.placeTags"}

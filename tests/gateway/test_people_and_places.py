"""Profiles, preferences, places, and objects of any type by their identifier."""

import pytest

from tests.support import Person, Wire

ROME = "ada00000-0000-4000-8002-000000000001"


async def test_ones_own_profile(newcomer: Person) -> None:
    path = f"{newcomer.id}/nova.png"
    data = await newcomer.ask(
        f'mutation {{ updateMyProfile(patch: {{ displayName: "Nova", avatarPath: "{path}" }}) {{ id displayName }} }}'
    )
    assert data == {"updateMyProfile": {"id": newcomer.id, "displayName": "Nova"}}
    data = await newcomer.ask("{ viewer { displayName avatarPath trips { totalCount } places { nodes { name } } } }")
    assert data == {
        "viewer": {
            "displayName": "Nova",
            "avatarPath": path,
            "trips": {"totalCount": 0},
            "places": {"nodes": []},
        }
    }
    error = await newcomer.refused('mutation { updateMyProfile(patch: { displayName: " " }) { id } }')
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "displayName")


async def test_a_picture_lies_in_ones_own_folder(newcomer: Person, ada: Person) -> None:
    write = "mutation ($path: String) { updateMyProfile(patch: { avatarPath: $path }) { avatarPath } }"
    for path in (
        "me/nova.png",
        f"{ada.id}/nova.png",
        f"{newcomer.id}nova.png",
        f"{newcomer.id}/",
        f"{newcomer.id}/../{ada.id}/nova.png",
        f"{newcomer.id}/a\nb.png",
        f"{newcomer.id}/" + "x" * 1000,
        # Of fewer characters, but more bytes than an object's name has.
        f"{newcomer.id}/" + "\u00e9" * 600,
    ):
        error = await newcomer.refused(write, path=path)
        assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "avatarPath")


async def test_other_people_are_not_listed(newcomer: Person, ada: Person) -> None:
    assert await newcomer.ask("query ($id: UUID!) { profile(id: $id) { displayName } }", id=ada.id) == {"profile": None}
    data = await newcomer.ask("{ profiles { nodes { id } totalCount } }")
    assert data == {"profiles": {"nodes": [{"id": newcomer.id}], "totalCount": 1}}


async def test_ones_own_preferences(newcomer: Person, anonymous: Person) -> None:
    preferences = "{ locale timezone homeCurrency distanceUnit emailNotifications pushNotifications user { id } }"
    first = (await newcomer.ask(f"{{ myPreferences {preferences} }}"))["myPreferences"]
    assert first == {
        "locale": "en",
        "timezone": "UTC",
        "homeCurrency": "EUR",
        "distanceUnit": "KM",
        "emailNotifications": True,
        "pushNotifications": False,
        "user": {"id": newcomer.id},
    }
    data = await newcomer.ask(
        f'mutation {{ updateMyPreferences(patch: {{ timezone: "Europe/Lisbon", distanceUnit: MI }}) {preferences} }}'
    )
    assert data == {"updateMyPreferences": {**first, "timezone": "Europe/Lisbon", "distanceUnit": "MI"}}
    assert await anonymous.ask("{ myPreferences { locale } }") == {"myPreferences": None}
    change = 'mutation { updateMyPreferences(patch: { locale: "de" }) { locale } }'
    assert await anonymous.code(change) == "UNAUTHENTICATED"


async def test_keeping_places(newcomer: Person, stranger: Person) -> None:
    data = await newcomer.ask(
        """mutation {
             createPlace(
               input: { name: "Pantheon", category: ATTRACTION, latitude: "41.898600", longitude: "12.476900" }
             ) {
               id name category latitude longitude owner { id }
             }
           }"""
    )
    place = data["createPlace"]
    place_id = place.pop("id")
    assert place == {
        "name": "Pantheon",
        "category": "ATTRACTION",
        "latitude": "41.898600",
        "longitude": "12.476900",
        "owner": {"id": newcomer.id},
    }
    trip_id = await newcomer.trip()
    data = await newcomer.ask(
        """mutation ($trip: UUID!, $place: UUID!) {
             createTripItem(input: { tripId: $trip, placeId: $place, title: "Look up" }) {
               placeId place { name items { nodes { title } } }
             }
           }""",
        trip=trip_id,
        place=place_id,
    )
    assert data["createTripItem"] == {
        "placeId": place_id,
        "place": {"name": "Pantheon", "items": {"nodes": [{"title": "Look up"}]}},
    }
    assert await stranger.ask("query ($id: UUID!) { place(id: $id) { name } }", id=place_id) == {"place": None}
    use = """mutation ($trip: UUID!, $place: UUID!) {
               createTripItem(input: { tripId: $trip, placeId: $place, title: "x" }) { id } }"""
    assert await stranger.code(use, trip=await stranger.trip(), place=place_id) == "FORBIDDEN"
    data = await newcomer.ask(
        """mutation ($id: UUID!) {
             updatePlace(id: $id, patch: { city: "Rome", latitude: null, longitude: null }) { city latitude } }""",
        id=place_id,
    )
    assert data == {"updatePlace": {"city": "Rome", "latitude": None}}
    assert await newcomer.ask("mutation ($id: UUID!) { deletePlace(id: $id) { name } }", id=place_id) == {
        "deletePlace": {"name": "Pantheon"}
    }
    data = await newcomer.ask(
        "query ($id: UUID!) { trip(id: $id) { items { nodes { placeId place { id } } } } }", id=trip_id
    )
    assert data == {"trip": {"items": {"nodes": [{"placeId": None, "place": None}]}}}


async def test_several_places_and_trips_at_once(newcomer: Person) -> None:
    data = await newcomer.ask(
        """mutation {
             createPlaces(inputs: [{ name: "b" }, { name: "a", category: CAFE }]) { name category }
             createTrips(inputs: [{ title: "b" }, { title: "a" }, { title: "c" }]) { title owner { id } }
           }"""
    )
    assert data["createPlaces"] == [{"name": "b", "category": "OTHER"}, {"name": "a", "category": "CAFE"}]
    assert data["createTrips"] == [{"title": title, "owner": {"id": newcomer.id}} for title in "bac"]


NODE = """query ($id: ID!) {
  node(nodeId: $id) {
    __typename
    nodeId
    ... on Trip { title items(first: 1) { nodes { title } } }
    ... on Profile { displayName }
  }
}"""


async def test_any_object_by_its_identifier(ada: Person, ben: Person, wire: Wire) -> None:
    data = await ada.ask("query ($id: UUID!) { trip(id: $id) { nodeId owner { nodeId } } }", id=ROME)
    trip, owner = data["trip"]["nodeId"], data["trip"]["owner"]["nodeId"]
    wire.clear()
    assert await ada.ask(NODE, id=trip) == {
        "node": {
            "__typename": "Trip",
            "nodeId": trip,
            "title": "A long weekend in Rome",
            "items": {"nodes": [{"title": "Train in from Fiumicino"}]},
        }
    }
    assert len(wire.requests) == 1
    assert await ada.ask(NODE, id=owner) == {
        "node": {"__typename": "Profile", "nodeId": owner, "displayName": "Ada Lindqvist"}
    }
    assert await ben.ask(NODE, id=trip) == {"node": None}


@pytest.mark.parametrize("node_id", ["", "x", "VHJpcA", "VHJpcDo", "VHJpcDpub3QtYS11dWlk", "UGFnZUluZm86MQ", "é"])
async def test_identifiers_that_nobody_gave(ada: Person, node_id: str) -> None:
    error = await ada.refused(NODE, id=node_id)
    assert error == {
        "code": "BAD_USER_INPUT",
        "message": "nodeId is not an identifier of this API.",
        "field": "nodeId",
    }

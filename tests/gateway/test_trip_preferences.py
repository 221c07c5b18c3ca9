"""What a group wishes for, over GraphQL: said, changed, taken back, and counted in the trip's own request."""

from typing import Any

import pytest

from tests.gateway.conftest import Team
from tests.support import Person, Wire

UPSERT = """mutation ($input: UpsertTripPreferencesInput!) {
  upsertTripPreferences(input: $input) {
    userId budgetMin budgetMax currency pace interests dietaryNeeds trip { title } user { id }
  }
}"""
SUMMARY = """query ($trip: UUID!) {
  trip(id: $trip) {
    title
    preferenceSummary {
      people
      paces { pace people }
      interests { interest people }
      dietaryNeeds { need people }
      budgets { currency people shared { min max } }
    }
  }
}"""
MINE = "query ($trip: UUID!) { myTripPreferences(tripId: $trip) { pace interests } }"
ALL = """query ($trip: UUID!) {
  trip(id: $trip) { preferences { nodes { pace user { id } } totalCount } }
}"""


async def wish(person: Person, team: Team, **wishes: Any) -> dict[str, Any]:
    said = await person.ask(UPSERT, input={"tripId": team.trip, **wishes})
    return dict(said["upsertTripPreferences"])


async def test_one_says_what_one_wishes_for_and_changes_it(team: Team) -> None:
    first = await wish(team.viewer, team, budgetMax="1200.50", pace="BUSY", interests=["whales"])
    assert first == {
        "userId": team.viewer.id,
        "budgetMin": None,
        "budgetMax": "1200.50",
        "currency": "EUR",
        "pace": "BUSY",
        "interests": ["whales"],
        "dietaryNeeds": [],
        "trip": {"title": "Shared"},
        "user": {"id": team.viewer.id},
    }
    # What the input leaves out stays.
    assert await wish(team.viewer, team, budgetMin="300", pace=None, dietaryNeeds=["vegan"]) == {
        **first,
        "budgetMin": "300.00",
        "pace": None,
        "dietaryNeeds": ["vegan"],
    }
    assert await team.viewer.ask(MINE, trip=team.trip) == {"myTripPreferences": {"pace": None, "interests": ["whales"]}}
    assert await team.owner.ask(MINE, trip=team.trip) == {"myTripPreferences": None}


async def test_all_on_the_trip_see_what_each_wishes_for_and_nobody_else(team: Team) -> None:
    await wish(team.viewer, team, pace="BUSY")
    await wish(team.owner, team, pace="RELAXED")
    for person in (team.owner, team.editor, team.viewer):
        seen = (await person.ask(ALL, trip=team.trip))["trip"]["preferences"]
        assert seen == {
            "nodes": [
                {"pace": "BUSY", "user": {"id": team.viewer.id}},
                {"pace": "RELAXED", "user": {"id": team.owner.id}},
            ],
            "totalCount": 2,
        }
    assert await team.stranger.ask(ALL, trip=team.trip) == {"trip": None}
    assert (await team.stranger.ask("{ tripPreferences { totalCount } }"))["tripPreferences"]["totalCount"] == 0


async def test_the_trip_counts_them_in_its_own_request(team: Team, wire: Wire) -> None:
    await wish(team.owner, team, budgetMin="100", budgetMax="500", pace="RELAXED", interests=["Whales", "fjords"])
    await wish(team.viewer, team, budgetMin="400", pace="RELAXED", interests=["whales"], dietaryNeeds=["Vegan"])
    await wish(team.editor, team, budgetMax="90000", currency="JPY")
    wire.clear()
    assert await team.editor.ask(SUMMARY, trip=team.trip) == {
        "trip": {
            "title": "Shared",
            "preferenceSummary": {
                "people": 3,
                "paces": [{"pace": "RELAXED", "people": 2}],
                "interests": [{"interest": "whales", "people": 2}, {"interest": "fjords", "people": 1}],
                "dietaryNeeds": [{"need": "vegan", "people": 1}],
                "budgets": [
                    {"currency": "EUR", "people": 2, "shared": {"min": "400.00", "max": "500.00"}},
                    {"currency": "JPY", "people": 1, "shared": {"min": None, "max": "90000.00"}},
                ],
            },
        }
    }
    assert len(wire.requests) <= 1  # none over SQL


async def test_it_is_the_same_in_a_list_with_lists(team: Team) -> None:
    await wish(team.owner, team, pace="BUSY")
    document = """{ trips(first: 1) { nodes {
      preferenceSummary { paces { pace __typename } budgets { shared { min } } } items(first: 1) { nodes { title } }
    } } }"""
    (trip,) = (await team.viewer.ask(document))["trips"]["nodes"]
    assert trip == {
        "preferenceSummary": {"paces": [{"pace": "BUSY", "__typename": "PaceCount"}], "budgets": []},
        "items": {"nodes": [{"title": "a"}]},
    }


async def test_one_takes_back_what_one_wished_for_and_not_what_others_did(team: Team) -> None:
    await wish(team.viewer, team, pace="BUSY")
    found = await team.owner.ask("query ($t: UUID!) { trip(id: $t) { preferences { nodes { id } } } }", t=team.trip)
    ((key),) = [node["id"] for node in found["trip"]["preferences"]["nodes"]]
    delete = "mutation ($id: UUID!) { deleteTripPreferences(id: $id) { pace } }"
    assert await team.owner.code(delete, id=key) == "FORBIDDEN"
    assert await team.stranger.code(delete, id=key) == "NOT_FOUND"
    assert await team.viewer.ask(delete, id=key) == {"deleteTripPreferences": {"pace": "BUSY"}}
    assert await team.viewer.ask(MINE, trip=team.trip) == {"myTripPreferences": None}


async def test_leaving_the_trip_takes_them_along(team: Team) -> None:
    await wish(team.viewer, team, pace="BUSY")
    await team.viewer.ask("mutation ($trip: UUID!) { leaveTrip(tripId: $trip) }", trip=team.trip)
    seen = (await team.owner.ask(ALL, trip=team.trip))["trip"]["preferences"]
    assert seen["totalCount"] == 0


async def test_a_stranger_says_nothing(team: Team) -> None:
    assert await team.stranger.code(UPSERT, input={"tripId": team.trip, "pace": "BUSY"}) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("wishes", "field", "message"),
    [
        (
            {"budgetMin": "2", "budgetMax": "1"},
            "budgetMax",
            "The most to be spent is zero or more, and not less than the least.",
        ),
        ({"budgetMin": "-1"}, "budgetMin", "The least to be spent is zero or more."),
        ({"currency": "euro"}, "currency", "A currency is three capital letters, its ISO 4217 code, such as EUR."),
        (
            {"interests": ["x"] * 21},
            "interests",
            "A person names at most 20 interests, of at most 1,000 characters together, and none of them is null.",
        ),
    ],
)
async def test_what_cannot_be_is_told_at_its_field(team: Team, wishes: Any, field: str, message: str) -> None:
    told = await team.viewer.refused(UPSERT, input={"tripId": team.trip, **wishes})
    assert (told["code"], told["field"]) == ("BAD_USER_INPUT", field)
    _, answer = await team.viewer.post(UPSERT, input={"tripId": team.trip, **wishes})
    assert answer["errors"][0]["message"] == message


async def test_without_an_account_nothing_is_wished_for(anonymous: Person, team: Team) -> None:
    assert await anonymous.code(UPSERT, input={"tripId": team.trip}) == "UNAUTHENTICATED"

"""As in `make dev` without a key: what the fake says where no test speaks is of use in each function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.functions.ai.conftest import Ai
    from tests.support import Person

ITEM = "mutation ($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }"
PLACE = "mutation ($input: CreatePlaceInput!) { createPlace(input: $input) { id } }"


async def planned(person: Person) -> tuple[str, dict[str, str]]:
    """A trip, and its items by title."""
    trip = await person.trip(title="Norway", startDate="2030-05-01", endDate="2030-05-03")
    items = {}
    for title, day in (("Ferry", 1), ("Fish market", 1), ("Museum", 3), ("Hike", 2)):
        made = await person.ask(ITEM, input={"tripId": trip, "title": title, "dayNumber": day})
        items[title] = made["createTripItem"]["id"]
    return trip, items


async def done(ai: Ai, person: Person, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The run of a function, which must succeed."""
    status, answer = await ai.call(person, name, body)
    assert status == 202, answer
    row = await ai.ended(answer["run"]["id"])
    assert (row["status"], row["error_code"]) == ("succeeded", None)
    ai.assert_settled(person)
    return row


async def test_the_assistant_reads_and_tells(ai: Ai) -> None:
    person = await ai.account()
    trip, items = await planned(person)
    row = await done(
        ai, person, "run-ai-agent", {"agent_key": "assistant", "prompt": "What is planned?", "trip_id": trip}
    )
    asked, looked_up, told = ai.messages(str(row["id"]))
    assert asked["content"] == "What is planned?"
    assert {call["name"] for call in looked_up["tool_calls"]} == {"read_trip", "read_items", "read_votes"}
    assert "**Norway**" in told["content"]
    assert all(title in told["content"] for title in items)


async def test_a_summary_is_of_the_trip(ai: Ai) -> None:
    person = await ai.account()
    trip, items = await planned(person)
    result = (await done(ai, person, "summarize-trip", {"trip_id": trip}))["result"]
    assert result["kind"] == "summary"
    assert all(title in result["summary"] for title in ("Norway", *items))


async def test_an_itinerary_has_every_item_on_a_day_that_there_is(ai: Ai) -> None:
    person = await ai.account()
    trip, items = await planned(person)
    result = (await done(ai, person, "optimize-itinerary", {"trip_id": trip}))["result"]
    assert {item["item_id"]: item["day_number"] for item in result["itinerary"]["items"]} == {
        items["Ferry"]: 1,
        items["Fish market"]: 1,
        items["Museum"]: 3,
        items["Hike"]: 2,
    }


@pytest.mark.parametrize(("name", "category"), [("Maritime Museum", "museum"), ("Nothing in particular", "other")])
async def test_a_category_is_one_that_there_is(ai: Ai, name: str, category: str) -> None:
    person = await ai.account()
    place = (await person.ask(PLACE, input={"name": name}))["createPlace"]["id"]
    result = (await done(ai, person, "classify-place", {"place_id": place}))["result"]
    assert (result["place_id"], result["category"]) == (place, category)


async def test_what_it_is_asked_to_remember_is_found_again(ai: Ai) -> None:
    person = await ai.account()
    await done(
        ai, person, "run-ai-agent", {"agent_key": "assistant", "prompt": "Please remember that I love old trams."}
    )
    await done(ai, person, "run-ai-agent", {"agent_key": "assistant", "prompt": "Remember that I eat no meat."})
    status, answer = await ai.call(person, "search-ai-memories", {"text": "trams", "first": 1})
    assert status == 200, answer
    assert [memory["content"] for memory in answer["memories"]] == ["I love old trams."]
    ai.assert_settled(person)

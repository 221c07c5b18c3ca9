"""What a group wishes for, as it is said: on the trip's topic, and in live queries."""

from tests.live.clients import live
from tests.live.conftest import Party

CHANGES = """subscription ($trip: UUID!) {
  tripPreferencesChanges(tripId: $trip) { operation tripPreferences { pace budgetMax interests user { id } } }
}"""
SUMMARY = """subscription ($trip: UUID!) {
  trip(id: $trip) { preferenceSummary { people paces { pace people } budgets { currency shared { max } } } }
}"""
UPSERT = "mutation ($input: UpsertTripPreferencesInput!) { upsertTripPreferences(input: $input) { id } }"


async def test_the_summary_is_live_and_each_change_is_told(party: Party) -> None:
    async with live(party.owner) as connection:
        summary = await connection.subscribe(SUMMARY, trip=party.trip)
        assert (await connection.event(summary))["trip"]["preferenceSummary"]["people"] == 0
        changes = await connection.subscribe(CHANGES, trip=party.trip)
        await connection.silence(changes)
        await party.editor.ask(UPSERT, input={"tripId": party.trip, "pace": "BUSY", "budgetMax": "12.50"})
        assert (await connection.event(summary))["trip"]["preferenceSummary"] == {
            "people": 1,
            "paces": [{"pace": "BUSY", "people": 1}],
            "budgets": [{"currency": "EUR", "shared": {"max": "12.50"}}],
        }
        told = (await connection.event(changes))["tripPreferencesChanges"]
        assert told == {
            "operation": "INSERT",
            "tripPreferences": {
                "pace": "BUSY",
                "budgetMax": "12.50",
                "interests": [],
                "user": {"id": party.editor.id},
            },
        }
        await party.editor.ask("mutation ($trip: UUID!) { leaveTrip(tripId: $trip) }", trip=party.trip)
        assert (await connection.event(changes))["tripPreferencesChanges"]["operation"] == "DELETE"
        gone = await connection.event(summary)
        assert gone["trip"]["preferenceSummary"]["people"] == 0


async def test_a_stranger_hears_nothing_of_it(party: Party) -> None:
    async with live(party.stranger) as connection:
        assert await connection.ending(await connection.subscribe(CHANGES, trip=party.trip)) == "FORBIDDEN"

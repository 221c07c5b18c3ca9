"""Following a trip: each change once, in order, to those who may see it and to nobody else."""

import asyncio
from typing import Any

import pytest

from tests.live.clients import live
from tests.live.conftest import Party
from tests.support import Person

ITEMS = "subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { operation id tripItem { title dayNumber } } }"
TRIP = "subscription ($trip: UUID!) { tripChanges(tripId: $trip) { operation id trip { title status } } }"
VOTES = """subscription ($trip: UUID!) {
  voteChanges(tripId: $trip) { operation id occurredAt vote { value user { id displayName } tripItem { title } } }
}"""
PEOPLE = (
    "subscription ($trip: UUID!) { collaboratorChanges(tripId: $trip) { operation collaborator { role user { id } } } }"
)
RENAME = "mutation ($id: UUID!, $title: String!) { updateTripItem(id: $id, patch: { title: $title }) { id } }"


async def rename(party: Party, title: str) -> None:
    await party.owner.ask(RENAME, id=party.item, title=title)


async def until_following(connection: Any, id_: str, party: Party) -> None:
    """A subscription says nothing when it begins, so provoke it until it answers, and hear it out."""
    for attempt in range(50):
        await rename(party, f"Ready {attempt}")
        try:
            await connection.event(id_, 0.3)
        except TimeoutError:
            continue
        await asyncio.sleep(0.2)
        while True:
            try:
                await connection.event(id_, 0.1)
            except TimeoutError:
                return
    raise AssertionError("the subscription never began")


async def test_changes_of_items_reach_the_others_once_and_in_order(party: Party) -> None:
    async with live(party.editor) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        for number in range(5):
            await rename(party, f"Boat {number}")
        made = await party.owner.ask(
            'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "Tea", dayNumber: 2 }) { id } }',
            trip=party.trip,
        )
        tea = made["createTripItem"]["id"]
        await party.owner.ask("mutation ($id: UUID!) { deleteTripItem(id: $id) { id } }", id=tea)
        heard = [(await connection.event(items))["tripItemChanges"] for _ in range(7)]
        assert heard == [
            *(
                {"operation": "UPDATE", "id": party.item, "tripItem": {"title": f"Boat {number}", "dayNumber": 1}}
                for number in range(5)
            ),
            {"operation": "INSERT", "id": tea, "tripItem": {"title": "Tea", "dayNumber": 2}},
            {"operation": "DELETE", "id": tea, "tripItem": None},
        ]
        await connection.silence(items)


async def test_each_subscription_hears_its_own_kind(party: Party) -> None:
    async with live(party.editor) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        trips = await connection.subscribe(TRIP, trip=party.trip)
        votes = await connection.subscribe(VOTES, trip=party.trip)
        await until_following(connection, items, party)
        await party.owner.ask(
            "mutation ($id: UUID!) { updateTrip(id: $id, patch: { status: BOOKED }) { id } }", id=party.trip
        )
        await party.owner.ask("mutation ($id: UUID!) { castVote(tripItemId: $id, value: UP) { id } }", id=party.item)
        heard = (await connection.event(trips))["tripChanges"]
        assert heard == {"operation": "UPDATE", "id": party.trip, "trip": {"title": "Shared", "status": "BOOKED"}}
        vote = (await connection.event(votes))["voteChanges"]
        assert vote["operation"] == "INSERT"
        assert vote["vote"]["value"] == "UP"
        assert vote["vote"]["user"]["id"] == party.owner.id
        await connection.silence(items)


async def test_money_and_relations_are_read_anew_and_exact(party: Party) -> None:
    query = """subscription ($trip: UUID!) {
      tripItemChanges(tripId: $trip) { tripItem { cost trip { title owner { id } } votes { totalCount } } }
    }"""
    async with live(party.editor) as connection:
        items = await connection.subscribe(query, trip=party.trip)
        await until_following(connection, items, party)
        await party.owner.ask(
            'mutation ($id: UUID!) { updateTripItem(id: $id, patch: { cost: "1234567890.10" }) { id } }', id=party.item
        )
        assert (await connection.event(items))["tripItemChanges"] == {
            "tripItem": {
                "cost": "1234567890.10",
                "trip": {"title": "Shared", "owner": {"id": party.owner.id}},
                "votes": {"totalCount": 0},
            }
        }


@pytest.mark.parametrize(
    "query",
    [ITEMS, TRIP, VOTES, PEOPLE, "subscription ($trip: UUID!) { tripPresence(tripId: $trip) { people { id } } }"],
)
async def test_a_stranger_is_refused_as_for_a_trip_that_does_not_exist(party: Party, query: str) -> None:
    async with live(party.stranger) as connection:
        for trip in (party.trip, "00000000-0000-4000-8000-000000000000"):
            assert await connection.ending(await connection.subscribe(query, trip=trip)) == "FORBIDDEN"
    async with live(Person(party.owner.http, party.owner.url)) as connection:
        assert await connection.ending(await connection.subscribe(query, trip=party.trip)) == "UNAUTHENTICATED"


async def test_a_removed_collaborator_receives_nothing_more_and_a_refusal(party: Party) -> None:
    async with live(party.editor) as editor, live(party.owner) as owner:
        hers = await editor.subscribe(ITEMS, trip=party.trip)
        his = await owner.subscribe(ITEMS, trip=party.trip)
        people = await owner.subscribe(PEOPLE, trip=party.trip)
        await until_following(editor, hers, party)
        await until_following(owner, his, party)
        party.sql("delete from public.collaborators where trip_id = %s", party.trip)
        await rename(party, "Secret")
        while (ending := await editor._next(hers, 5))["type"] == "next":
            assert ending["payload"]["data"]["tripItemChanges"]["tripItem"]["title"] != "Secret"
        assert ending["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        assert (await owner.event(his))["tripItemChanges"]["tripItem"]["title"] == "Secret"
        assert (await owner.event(people))["collaboratorChanges"] == {"operation": "DELETE", "collaborator": None}


async def test_a_deleted_trip_ends_what_follows_it(party: Party) -> None:
    async with live(party.editor) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        trips = await connection.subscribe(TRIP, trip=party.trip)
        await until_following(connection, items, party)
        await party.owner.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=party.trip)
        assert (await connection.event(trips))["tripChanges"] == {"operation": "DELETE", "id": party.trip, "trip": None}
        assert await connection.ending(trips) == "complete"
        assert await connection.ending(items) == "complete"


async def test_a_deletion_is_told_to_whoever_is_admitted_anew_just_then(party: Party) -> None:
    """A new token has everybody admitted anew, and by then there may be no trip to read."""
    async with live(party.editor) as connection:
        trips = await connection.subscribe(TRIP, trip=party.trip)
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        delete = "mutation ($id: UUID!) { deleteTrip(id: $id) { id } }"
        deleting = asyncio.create_task(party.owner.ask(delete, id=party.trip))
        while not deleting.done():
            await connection.send(type="ping", payload={"Authorization": f"Bearer {party.editor.token}"})
            await asyncio.sleep(0.005)
        assert (await connection.event(trips))["tripChanges"] == {"operation": "DELETE", "id": party.trip, "trip": None}
        assert await connection.ending(trips) == "complete"
        assert await connection.ending(items) == "complete"


async def test_whoever_gives_a_trip_away_is_refused_at_once(party: Party) -> None:
    async with live(party.owner) as connection, live(party.editor) as other:
        trips = await connection.subscribe(TRIP, trip=party.trip)
        theirs = await other.subscribe(TRIP, trip=party.trip)
        items = await other.subscribe(ITEMS, trip=party.trip)
        await until_following(other, items, party)
        party.sql("update public.trips set user_id = %s where id = %s", party.stranger.id, party.trip)
        assert await connection.ending(trips) == "FORBIDDEN"
        assert (await other.event(theirs))["tripChanges"]["operation"] == "UPDATE"


async def test_who_is_on_the_trip_now(party: Party) -> None:
    query = "subscription ($trip: UUID!) { tripPresence(tripId: $trip) { people { id } joined { id } left { id } } }"

    def ids(event: Any, part: str) -> set[str]:
        return {person["id"] for person in event["tripPresence"][part]}

    async with live(party.owner) as owner:
        his = await owner.subscribe(query, trip=party.trip)
        assert ids(await owner.event(his), "people") == {party.owner.id}
        async with live(party.editor) as editor:
            hers = await editor.subscribe(query, trip=party.trip)
            assert ids(await editor.event(hers), "people") == {party.owner.id, party.editor.id}
            event = await owner.event(his)
            assert (ids(event, "people"), ids(event, "joined")) == (
                {party.owner.id, party.editor.id},
                {party.editor.id},
            )
        event = await owner.event(his)
        assert (ids(event, "people"), ids(event, "left")) == ({party.owner.id}, {party.editor.id})

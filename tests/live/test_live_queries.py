"""Live queries: the answer at once, and anew whenever it differs, as a query of the same person would have it."""

import asyncio
import random
from typing import Any

import pytest

from tests.live.clients import live
from tests.live.conftest import Party
from tests.live.following import TRIP, TRIPS, hear_out
from tests.support import Person

ITEMS = """subscription ($trip: UUID!) {
  tripItems(filter: { tripId: { eq: $trip } }) { totalCount nodes { title cost } } }"""
INVITE = """insert into public.invitations (trip_id, email, role, token_hash, invited_by)
  select id, 'somebody@example.com', 'viewer', encode(sha256('live'), 'hex'), user_id
  from public.trips where user_id = %s"""


async def test_the_first_answer_comes_at_once_and_a_whole_new_one_whenever_it_differs(party: Party) -> None:
    async with live(party.editor) as connection:
        query = await connection.subscribe(TRIP, trip=party.trip)
        first = {"title": "Shared", "items": {"nodes": [{"title": "Boat", "voteSummary": {"score": 0, "mine": None}}]}}
        assert await connection.event(query) == {"trip": first}
        party.sql(
            "insert into public.votes (trip_item_id, user_id, value) values (%s, %s, 1)", party.item, party.owner.id
        )
        first["items"]["nodes"][0]["voteSummary"]["score"] = 1
        assert await connection.event(query) == {"trip": first}
        await party.editor.ask("mutation ($id: UUID!) { castVote(tripItemId: $id, value: UP) { id } }", id=party.item)
        first["items"]["nodes"][0]["voteSummary"] = {"score": 2, "mine": "UP"}
        assert await connection.event(query) == {"trip": first}
        party.sql("update public.trip_items set updated_at = now() where id = %s", party.item)
        await connection.silence(query, 1.0)


@pytest.mark.parametrize(
    ("query", "change", "before", "after"),
    [
        (
            "tripItems(filter: { tripId: { eq: $trip } }) { totalCount aggregate { max { dayNumber } } }",
            "update public.trip_items set day_number = 4 where trip_id = %s",
            {"totalCount": 1, "aggregate": {"max": {"dayNumber": 1}}},
            {"totalCount": 1, "aggregate": {"max": {"dayNumber": 4}}},
        ),
        (
            "tripsGrouped(by: [STATUS], filter: { id: { eq: $trip } }) { key { status } count }",
            "update public.trips set status = 'booked' where id = %s",
            [{"key": {"status": "PLANNING"}, "count": 1}],
            [{"key": {"status": "BOOKED"}, "count": 1}],
        ),
        (
            'tripItems(filter: { trip: { id: { eq: $trip } }, title: { eq: "Tea" } }, orderBy: [{ title: ASC }])'
            " { edges { node { title } } }",
            "update public.trip_items set title = 'Tea' where trip_id = %s",
            {"edges": []},
            {"edges": [{"node": {"title": "Tea"}}]},
        ),
    ],
)
async def test_filters_orders_aggregates_and_groups_are_followed_too(
    party: Party, query: str, change: str, before: Any, after: Any
) -> None:
    async with live(party.editor) as connection:
        following = await connection.subscribe(f"subscription ($trip: UUID!) {{ it: {query} }}", trip=party.trip)
        assert await connection.event(following) == {"it": before}
        party.sql(change, party.trip)
        assert await connection.event(following) == {"it": after}


async def test_whoever_is_removed_sees_null_and_whoever_comes_back_sees_it_again(party: Party) -> None:
    async with live(party.editor) as connection:
        query = await connection.subscribe("subscription ($trip: UUID!) { trip(id: $trip) { title } }", trip=party.trip)
        trips = await connection.subscribe(TRIPS)
        shared = {"trips": {"nodes": [{"title": "Shared"}], "totalCount": 1}}
        assert await connection.event(query) == {"trip": {"title": "Shared"}}
        assert await connection.event(trips) == shared
        party.sql("delete from public.collaborators where user_id = %s", party.editor.id)
        assert await connection.event(query) == {"trip": None}
        assert await connection.event(trips) == {"trips": {"nodes": [], "totalCount": 0}}
        party.sql(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')",
            party.trip,
            party.editor.id,
        )
        assert await connection.event(query) == {"trip": {"title": "Shared"}}
        assert await connection.event(trips) == shared


async def test_a_trip_that_is_deleted_is_null(party: Party) -> None:
    async with live(party.editor) as connection:
        query = await connection.subscribe("subscription ($trip: UUID!) { trip(id: $trip) { title } }", trip=party.trip)
        assert await connection.event(query) == {"trip": {"title": "Shared"}}
        await party.owner.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=party.trip)
        assert await connection.event(query) == {"trip": None}


@pytest.mark.parametrize(
    ("query", "change"),
    [
        ("{ tags { nodes { name } } }", "insert into public.tags (user_id, name) values (%s, 'Sea')"),
        ("{ savedPlaces { totalCount } }", "insert into public.saved_places (user_id, name) values (%s, 'Quay')"),
        ("{ collections { nodes { name } } }", "insert into public.collections (user_id, name) values (%s, 'Quays')"),
        ("{ places { nodes { name } } }", "insert into public.places (user_id, name) values (%s, 'Quay')"),
        ("{ myPreferences { locale } }", "update public.user_preferences set locale = 'fr-FR' where user_id = %s"),
        ("{ viewer { displayName } }", "update public.profiles set display_name = 'Else' where id = %s"),
        ("{ trips { nodes { title } } }", "insert into public.trips (user_id, title) values (%s, 'Made elsewhere')"),
        ("{ invitations { totalCount } }", INVITE),
    ],
    ids=lambda text: text.split()[1] if text.startswith("{") else "",
)
async def test_what_is_ones_own_is_followed_wherever_it_is_written(party: Party, query: str, change: str) -> None:
    async with live(party.owner) as connection:
        following = await connection.subscribe(f"subscription {query}")
        first = await connection.event(following)
        assert await hear_out(connection, following) is None
        party.sql(change, party.owner.id)
        second = await connection.event(following, 2.5)
        assert second == await party.owner.ask(query)
        assert second != first


async def test_a_place_or_a_person_on_the_trip_is_followed_by_the_others(party: Party) -> None:
    made = await party.owner.ask('mutation { createPlace(input: { name: "Quay" }) { id } }')
    party.sql("update public.trip_items set place_id = %s where id = %s", made["createPlace"]["id"], party.item)
    async with live(party.editor) as connection:
        query = await connection.subscribe(
            """subscription ($trip: UUID!) {
                 trip(id: $trip) { owner { displayName } items { nodes { place { name } } } } }""",
            trip=party.trip,
        )
        message = await connection.message()
        first = message["payload"]["data"]
        assert "extensions" not in message["payload"], "all of it can be heard of"
        assert await hear_out(connection, query) is None
        await party.owner.ask(
            'mutation ($id: UUID!) { updatePlace(id: $id, patch: { name: "Pier" }) { id } }',
            id=made["createPlace"]["id"],
        )
        first["trip"]["items"]["nodes"][0]["place"]["name"] = "Pier"
        assert await connection.event(query, 2.5) == first
        party.sql("update public.profiles set display_name = 'Renamed' where id = %s", party.owner.id)
        first["trip"]["owner"]["displayName"] = "Renamed"
        assert await connection.event(query, 2.5) == first


async def test_mistakes_end_it_with_their_code(party: Party) -> None:
    async with live(party.editor) as connection:
        query = await connection.subscribe('subscription { trips(after: "nonsense") { totalCount nodes { id } } }')
        assert await connection.ending(query) == "BAD_USER_INPUT"
    async with live(Person(party.editor.http, party.editor.url)) as connection:
        query = await connection.subscribe(TRIPS)
        assert await connection.ending(query) == "UNAUTHENTICATED"


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_interleaving_of_changes_the_last_answer_is_the_querys(party: Party, seed: int) -> None:
    rolls = random.Random(seed)
    texts = {
        TRIP: {"trip": party.trip},
        TRIPS: {},
        ITEMS: {"trip": party.trip},
        "subscription { tripsGrouped(by: [STATUS]) { key { status } count } }": {},
        "subscription { votes { nodes { value user { id } tripItem { title } } } }": {},
    }
    async with live(party.editor) as connection:
        running = {text: await connection.subscribe(text, **variables) for text, variables in texts.items()}
        for step in range(25):
            party.sql(*_change(rolls, party, step))
            await asyncio.sleep(rolls.choice([0, 0, 0.02, 0.15]))
        await asyncio.sleep(1)
        for text, id_ in running.items():
            last = await hear_out(connection, id_)
            assert last == await party.editor.ask(text.replace("subscription", "query"), **texts[text]), text


def _change(rolls: random.Random, party: Party, step: int) -> tuple[Any, ...]:
    """A change behind the gateway's back, of a kind at random."""
    return rolls.choice(
        [
            ("update public.trips set title = %s where id = %s", f"Trip {step}", party.trip),
            ("update public.trips set status = 'booked' where id = %s", party.trip),
            ("insert into public.trip_items (trip_id, title, cost) values (%s, %s, 2.50)", party.trip, f"Item {step}"),
            ("delete from public.trip_items where trip_id = %s and title <> 'Boat'", party.trip),
            (
                """insert into public.votes (trip_item_id, user_id, value) values (%s, %s, 1)
                   on conflict (trip_item_id, user_id) do update set value = -public.votes.value""",
                party.item,
                party.owner.id,
            ),
            ("delete from public.collaborators where user_id = %s", party.editor.id),
            (
                """insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')
                   on conflict do nothing""",
                party.trip,
                party.editor.id,
            ),
        ]
    )

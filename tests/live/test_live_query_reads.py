"""What live queries read: as little as there is to hear of, and no more of it for one person than for others."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests import sql_wire
from tests.live.clients import Live, live
from tests.live.conftest import Party
from tests.live.following import TITLE, TRIP, at, events, hear_out, until_heard
from tests.support import Wire, serving
from tripgate.local.stack import StackInfo

DEAR = "{ trips(first: 100) { nodes { title items(first: 4) { nodes { id } } } } }"


@pytest.fixture(scope="module")
async def upstream(info: StackInfo) -> AsyncIterator[tuple[Wire, dict[str, str]]]:
    """What the gateway asks, whichever backend it reads over, and its settings for that."""
    async with sql_wire.watched(info) as found:
        yield found


@pytest.fixture(scope="module")
def asked(upstream: tuple[Wire, dict[str, str]]) -> Wire:
    """What it asks."""
    return upstream[0]


@pytest.fixture(scope="module")
async def watched(info: StackInfo, upstream: tuple[Wire, dict[str, str]]) -> AsyncIterator[str]:
    """A gateway that polls often, and whose requests are counted."""
    async with serving(info, live_poll=1.0, **upstream[1]) as url:
        yield url


async def test_a_change_on_another_trip_causes_no_read(party: Party, watched: str, asked: Wire) -> None:
    other = await party.owner.trip(title="Another")
    editor = at(party.editor, watched)
    async with live(editor) as connection:
        query = await connection.subscribe(TRIP, trip=party.trip)
        await until_heard(connection, query, party, lambda event: event["trip"]["title"])
        asked.clear()
        party.sql("update public.trips set title = 'Elsewhere' where id = %s", other)
        await connection.silence(query, 1.5)
        assert asked.requests == []


async def test_changes_that_come_together_are_read_once(party: Party, watched: str, asked: Wire) -> None:
    async with live(at(party.editor, watched)) as connection:
        query = await connection.subscribe(TRIP, trip=party.trip)
        await until_heard(connection, query, party, lambda event: event["trip"]["title"])
        asked.clear()
        # In one transaction, so told at once.
        party.sql("update public.trip_items set title = 'Twice' where trip_id = %s", party.trip)
        party.sql(
            "insert into public.trip_items (trip_id, title) select %s, 'Item ' || n from generate_series(1, 50) as n",
            party.trip,
        )
        last = await hear_out(connection, query, 1.0)
        assert len(last["trip"]["items"]["nodes"]) == 20  # a page
        assert len(asked.requests) <= 2


async def test_subscriptions_of_one_token_share_their_reads(party: Party, watched: str, asked: Wire) -> None:
    editor = at(party.editor, watched)
    async with live(editor) as one, live(editor) as other:
        first = await one.subscribe(TRIP, trip=party.trip)
        await until_heard(one, first, party, lambda event: event["trip"]["title"])
        asked.clear()
        second = await other.subscribe(TRIP, trip=party.trip)
        assert (await other.event(second))["trip"]["title"].startswith("Ready")
        assert asked.requests == []
        party.sql("update public.trips set title = 'For both' where id = %s", party.trip)
        assert (await one.event(first))["trip"]["title"] == "For both"
        assert (await other.event(second))["trip"]["title"] == "For both"
        assert len(asked.requests) == 1


async def test_what_one_may_not_see_is_null_as_in_a_query_and_looked_for_now_and_then(
    party: Party, watched: str, asked: Wire
) -> None:
    async with live(at(party.stranger, watched)) as connection:
        query = await connection.subscribe("subscription ($trip: UUID!) { trip(id: $trip) { title } }", trip=party.trip)
        assert await connection.event(query) == {"trip": None}
        await asyncio.sleep(1)
        asked.clear()
        await asyncio.sleep(3)
        assert len(asked.requests) <= 4, "one a second, and one for the topic"
        party.sql(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')",
            party.trip,
            party.stranger.id,
        )
        assert (await connection.event(query))["trip"] is None, "that it polls is said"
        assert await connection.event(query) == {"trip": {"title": "Shared"}}


async def test_what_cannot_be_heard_of_is_read_again_and_again_and_says_so(party: Party, watched: str) -> None:
    async with live(at(party.owner, watched)) as connection:
        query = await connection.subscribe("subscription { trips { nodes { isOver } } }")
        message = await connection.message()
        assert message["payload"]["data"] == {"trips": {"nodes": [{"isOver": None}]}}
        assert message["payload"]["extensions"] == {"live": {"pollSeconds": 1.0}}
        party.sql("update public.trips set end_date = '2001-01-01' where id = %s", party.trip)
        assert await connection.event(query) == {"trips": {"nodes": [{"isOver": True}]}}


async def test_each_read_counts_against_what_its_person_may_spend(party: Party, info: StackInfo) -> None:
    """Once the minute's budget is spent, further answers wait; none is lost, and the query does not end."""
    async with (
        serving(info, rate_limits=True, cost_per_person=1500, max_cost=1500) as url,
        live(at(party.editor, url)) as connection,
    ):
        query = await connection.subscribe(f"subscription {DEAR}")
        await connection.event(query)
        for number in range(8):
            party.sql("update public.trips set title = %s where id = %s", f"Spent {number}", party.trip)
            await asyncio.sleep(0.3)
        assert len(await events(connection, query, 1.0)) <= 2
        assert await at(party.editor, url).code(DEAR) == "RATE_LIMITED"


async def test_one_persons_many_queries_keep_nobody_elses_waiting(party: Party, info: StackInfo) -> None:
    """Of four reads at once one person has one, so that the other's come between them."""
    async with (
        serving(info, live_reads=4, live_window=0.02) as url,
        live(at(party.owner, url)) as greedy,
        live(at(party.editor, url)) as modest,
    ):
        query = await modest.subscribe(TITLE, trip=party.trip)
        await until_heard(modest, query, party, lambda event: event["trip"]["title"])
        selected = "nodes { title items(first: 10) { nodes { title } totalCount } }"
        many = {
            await greedy.subscribe(f"subscription {{ trips(first: {size}) {{ {selected} }} }}") for size in range(1, 41)
        }
        for each in many:
            await greedy.event(each, 20)
        for each in many:
            await hear_out(greedy, each, 0.01)
        told: list[str] = []

        async def hear(connection: Live, ids: set[str]) -> None:
            left = set(ids)
            while left:
                id_ = (await connection.message(20))["id"]
                told.extend(["greedy" if connection is greedy else "modest"] if id_ in left else [])
                left.discard(id_)

        party.sql("update public.trips set title = 'For all' where id = %s", party.trip)
        await asyncio.gather(hear(modest, {query}), hear(greedy, many))
        assert told.index("modest") < 20, told

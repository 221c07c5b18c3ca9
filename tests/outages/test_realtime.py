"""Realtime or Postgres go away while somebody follows a trip: nothing is lost without a word."""

import asyncio
import time
from typing import Any

import psycopg
import pytest

from tests.live.clients import live
from tests.live.conftest import Party
from tests.live.test_changes import ITEMS, rename, until_following
from tests.live.test_faults import titles
from tests.outages.test_servers import back
from tripgate.local.stack import Stack, StackInfo
from tripgate.upstream.realtime.channel import REPLAY_LIMIT, REPLAY_MARGIN_SECONDS


async def heard_until(connection: Any, id_: str, title: str, seconds: float = 60) -> list[dict[str, Any]]:
    """Every event up to the one with this title."""
    events = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        event = (await connection.event(id_, seconds))["tripItemChanges"]
        events.append(event)
        if event["tripItem"] and event["tripItem"]["title"] == title:
            return events
    raise AssertionError(events)


async def missed(party: Party, breakable_stack: Stack, count: int) -> None:
    """So many changes while Realtime is away, which then comes back."""
    await asyncio.to_thread(breakable_stack.kill, "realtime")
    for number in range(count):
        await rename(party, f"Missed {number}")
    await asyncio.to_thread(breakable_stack.restart, "realtime")


def titles_in(events: list[dict[str, Any]]) -> list[str]:
    """What each event says: the title it brings, or what else it is."""
    return [event["tripItem"]["title"] if event["tripItem"] else event["operation"] for event in events]


async def test_what_happens_while_realtime_is_away_is_sent_afterwards_once_and_in_order(
    party: Party, breakable_stack: Stack
) -> None:
    """Nothing is lost, so no RESYNC is due: it would have every client read everything anew.

    It is not due where fewer changes were missed than are told again, and none that are told again are from before the
    topic was joined, of which nobody can tell whether they were missed.
    """
    async with live(party.editor) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        await asyncio.sleep(REPLAY_MARGIN_SECONDS + 1)
        await rename(party, "Last")
        assert titles_in(await heard_until(connection, items, "Last")) == ["Last"]
        await missed(party, breakable_stack, 3)
        assert titles_in(await heard_until(connection, items, "Missed 2", 30)) == ["Missed 0", "Missed 1", "Missed 2"]
        # By now it is settled that the replay was complete.
        await connection.silence(items, 2)
        await rename(party, "Back")
        assert titles_in(await heard_until(connection, items, "Back")) == ["Back"]


async def test_more_than_realtime_tells_again_is_owned_up_to(party: Party, breakable_stack: Stack) -> None:
    async with live(party.editor) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        await missed(party, breakable_stack, REPLAY_LIMIT + 5)
        events = [(await connection.event(items))["tripItemChanges"]]
        while events[-1]["operation"] != "RESYNC":
            events.append((await connection.event(items))["tripItemChanges"])
        await connection.silence(items, 2)
        await rename(party, "Back")
        events += await heard_until(connection, items, "Back")
        heard = titles_in(events)
        assert heard.count("RESYNC") == 1
        assert len(heard) == len(set(heard))
        assert heard[-1] == "Back"


async def test_postgres_drops_every_connection(party: Party, breakable_stack: Stack, info: StackInfo) -> None:
    async with live(party.editor) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        with psycopg.connect(info.admin_db_url, autocommit=True) as admin:
            # All but Auth's, whose pool would need a moment before the next test's people could sign up.
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where pid <> pg_backend_pid() and usename <> 'supabase_auth_admin'"
            )
        for attempt in range(60):
            try:
                await rename(party, f"Back {attempt}")
                await heard_until(connection, items, f"Back {attempt}", 1)
            except (AssertionError, TimeoutError):
                await asyncio.sleep(0.2)
            else:
                return
        raise AssertionError("the subscription never came back")


@pytest.mark.parametrize("crash", [False, True])
async def test_postgres_starts_anew(party: Party, breakable_stack: Stack, crash: bool) -> None:
    async with live(party.editor) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        for number in range(3):
            party.sql("update public.trip_items set title = %s where trip_id = %s", f"Before {number}", party.trip)
        if crash:
            await asyncio.to_thread(breakable_stack.kill, "postgres")
        await asyncio.to_thread(breakable_stack.restart, "postgres")
        party.sql("update public.trip_items set title = 'After' where trip_id = %s", party.trip)
        assert await titles(connection, items, "After") == ["Before 0", "Before 1", "Before 2", "After"]
        # PostgREST and Auth come back by themselves.
        await back(party.owner)
        await rename(party, "By the API")
        assert await titles(connection, items, "By the API") == ["By the API"]
        await connection.silence(items)

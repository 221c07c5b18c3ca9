"""Live queries while what they hear of changes by, or read from, is away: they say so, and miss nothing."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.live.conftest import Party
from tests.live.following import TITLE, TRANSPORTS, Following, at, followed
from tests.outages.test_servers import back
from tests.support import serving
from tripgate.local.stack import Stack, StackInfo


def rename(party: Party, title: str) -> None:
    """Change what is followed."""
    party.sql("update public.trips set title = %s where id = %s", title, party.trip)


async def until(following: Following, *, polls: bool) -> None:
    """Return once an answer says that it polls, or says so no longer."""
    async with asyncio.timeout(60):
        while ("extensions" in await following.payload(60)) is not polls:
            pass


async def until_told(following: Following, party: Party) -> None:
    """Return once changes are heard of, and not found by polling, as until the topics are joined.

    An answer that says so already is not sent again where it polls on.
    """
    for attempt in range(120):
        rename(party, f"Ready {attempt}")
        try:
            found = await following.title(f"Ready {attempt}", 0.5)
        except TimeoutError:
            continue
        if "extensions" not in found:
            return
    raise AssertionError("the query never heard of a change")


async def test_without_realtime_it_polls_and_says_so_until_it_hears_again(
    party: Party, info: StackInfo, breakable_stack: Stack
) -> None:
    """Over all transports at once."""
    async with serving(info, live_poll=1.0) as url, AsyncExitStack() as stack:
        editor = at(party.editor, url)
        all_of_them = [
            await stack.enter_async_context(followed(editor, transport, TITLE, trip=party.trip))
            for transport in TRANSPORTS
        ]
        for following in all_of_them:
            assert await following.payload() == {"data": {"trip": {"title": "Shared"}}}
        for following in all_of_them:
            await until_told(following, party)
        await asyncio.to_thread(breakable_stack.kill, "realtime")
        try:
            # What is read as the connection is lost does not poll yet.
            for following in all_of_them:
                await until(following, polls=True)
            rename(party, "Unheard of")
            seen = {"data": {"trip": {"title": "Unheard of"}}, "extensions": {"live": {"pollSeconds": 1.0}}}
            for following in all_of_them:
                assert await following.title("Unheard of") == seen
        finally:
            await asyncio.to_thread(breakable_stack.restart, "realtime")
        for following in all_of_them:
            await until(following, polls=False)
        rename(party, "Heard of")
        for following in all_of_them:
            assert await following.title("Heard of") == {"data": {"trip": {"title": "Heard of"}}}


async def test_what_changes_while_realtime_starts_anew_is_not_missed(
    party: Party, info: StackInfo, breakable_stack: Stack
) -> None:
    """Realtime tells again what was missed, or that something was; either way the query is read."""
    async with (
        serving(info, live_poll=3600) as url,
        followed(at(party.editor, url), "websocket", TITLE, trip=party.trip) as following,
    ):
        await until_told(following, party)
        await asyncio.to_thread(breakable_stack.kill, "realtime")
        await asyncio.sleep(0.5)
        rename(party, "Meanwhile")
        await asyncio.to_thread(breakable_stack.restart, "realtime")
        await following.title("Meanwhile")


async def test_without_postgrest_it_waits_and_goes_on(party: Party, info: StackInfo, breakable_stack: Stack) -> None:
    async with (
        serving(info) as url,
        followed(at(party.editor, url), "websocket", TITLE, trip=party.trip) as following,
    ):
        await until_told(following, party)
        await asyncio.to_thread(breakable_stack.kill, "postgrest")
        try:
            rename(party, "Unread")
            await asyncio.sleep(1)
        finally:
            await asyncio.to_thread(breakable_stack.restart, "postgrest")
        await following.title("Unread")
        rename(party, "Read again")
        await following.title("Read again")


@pytest.mark.postgrest
async def test_without_postgrest_for_too_long_it_ends(party: Party, info: StackInfo, breakable_stack: Stack) -> None:
    async with (
        serving(info, live_retry_seconds=1.0) as url,
        followed(at(party.editor, url), "websocket", TITLE, trip=party.trip) as following,
    ):
        await until_told(following, party)
        await asyncio.to_thread(breakable_stack.kill, "postgrest")
        try:
            rename(party, "Never read")
            assert await following.ending() in {"UPSTREAM_UNAVAILABLE", "TIMEOUT"}
        finally:
            await asyncio.to_thread(breakable_stack.restart, "postgrest")


@pytest.mark.parametrize("crash", [False, True])
async def test_postgres_starts_anew(party: Party, info: StackInfo, breakable_stack: Stack, crash: bool) -> None:
    async with (
        serving(info) as url,
        followed(at(party.editor, url), "websocket", TITLE, trip=party.trip) as following,
    ):
        await until_told(following, party)
        if crash:
            await asyncio.to_thread(breakable_stack.kill, "postgres")
        await asyncio.to_thread(breakable_stack.restart, "postgres")
        rename(party, "Afterwards")
        await following.title("Afterwards")
        await back(party.owner)

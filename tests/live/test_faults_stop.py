"""SIGTERM of a real `tripgate serve`: everybody is told, what runs is answered, and the process ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import psycopg

from tests.live.clients import live
from tests.live.conftest import Party
from tests.live.served import served
from tests.live.test_changes import ITEMS, RENAME, until_following
from tests.live.test_protocol import events, sse
from tests.support import Person
from tripgate.local.stack import StackInfo


@asynccontextmanager
async def locked(party: Party) -> AsyncIterator[None]:
    """While this lasts, whoever changes the party's item waits."""
    async with await psycopg.AsyncConnection.connect(party.info.admin_db_url) as connection:
        await connection.execute("select from public.trip_items where id = %s for update", (party.item,))
        yield


async def waits(party: Party, count: int) -> None:
    """Return once so many wait for the lock."""
    query = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    async with asyncio.timeout(60), await psycopg.AsyncConnection.connect(party.info.admin_db_url) as connection:
        while (await (await connection.execute(query)).fetchone() or (0,))[0] < count:
            await connection.rollback()
            await asyncio.sleep(0.02)


async def test_a_stop_tells_everybody_and_lets_what_runs_be_answered(
    party: Party, info: StackInfo, http: aiohttp.ClientSession
) -> None:
    async with served(info) as gateway:
        owner = Person(http, gateway.url, party.owner.token)
        editor = Person(http, gateway.url, party.editor.token)
        async with live(editor) as following, live(owner) as changing:
            items = await following.subscribe(ITEMS, trip=party.trip)
            await until_following(following, items, party)
            stream = await sse(owner, ITEMS, trip=party.trip)
            assert await stream.content.readuntil(b"\n\n") == b":\n\n"
            async with locked(party):
                by_socket = await changing.subscribe(RENAME, id=party.item, title="By WebSocket")
                by_http = asyncio.create_task(owner.ask(RENAME, id=party.item, title="By HTTP"))
                by_stream = await sse(owner, RENAME, id=party.item, title="By server-sent events")
                await waits(party, 3)
                gateway.stop()
                assert await following.close_code() == 1001
                # No `complete`, which would say that the subscription has come to its end: clients connect again.
                assert await asyncio.wait_for(stream.content.read(), 60) == b""
                assert not by_http.done(), "they are not kept until what runs is answered"
            answer = {"updateTripItem": {"id": party.item}}
            assert await by_http == answer
            assert await events(by_stream, 2) == [("next", {"data": answer}), ("complete", None)]
            assert await changing.event(by_socket) == answer
            assert await changing.ending(by_socket) == "complete"
            assert await changing.close_code() == 1001
            assert await gateway.exit_code(5) == 0


async def test_a_stop_waits_no_longer_than_it_may(party: Party, info: StackInfo, http: aiohttp.ClientSession) -> None:
    async with served(info, SHUTDOWN_TIMEOUT="1") as gateway, locked(party):
        owner = Person(http, gateway.url, party.owner.token)
        async with live(owner) as connection:
            await connection.subscribe(RENAME, id=party.item, title="Never")
            # It neither reads nor answers, the close included.
            silent = await http.ws_connect(gateway.url.replace("http", "ws", 1), protocols=("graphql-transport-ws",))
            asking = asyncio.create_task(owner.post(RENAME, id=party.item, title="Never"))
            await waits(party, 2)
            gateway.stop()
            assert await connection.close_code() == 1001
            assert await gateway.exit_code(8) == 0
            await asyncio.gather(asking, return_exceptions=True)
            await silent.close()

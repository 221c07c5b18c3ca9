"""SIGTERM under load: every request that was let in is answered, and what was acknowledged is there."""

import asyncio
import itertools
import time
from collections import Counter

import aiohttp
import pytest
from aiohttp import web

from tests.faults.conftest import Database
from tests.live.served import Served, served
from tests.support import Person
from tripgate.gateway.shutdown import SHUTDOWN, Shutdown, drain
from tripgate.local.stack import StackInfo

WRITE = "mutation ($title: String!) { createTrip(input: { title: $title }) { id } }"


class Load:
    """Clients that write without a pause, until nobody lets them in any more."""

    def __init__(self, gateway: Served, token: str | None, word: str) -> None:
        self._url = gateway.url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._word = word
        self._numbers = itertools.count(1)
        self.acknowledged: list[str] = []
        self.told_to_go = 0

    async def client(self, *, keeps_its_connection: bool) -> str:
        """One of them; how it ended."""
        connector = aiohttp.TCPConnector(limit=1, force_close=not keeps_its_connection)
        async with aiohttp.ClientSession(connector=connector, headers=self._headers) as http:
            while True:
                title = f"{self._word} {next(self._numbers)}"
                try:
                    async with http.post(self._url, json={"query": WRITE, "variables": {"title": title}}) as response:
                        body = await response.json()
                        self.told_to_go += response.headers.get("Connection") == "close" and keeps_its_connection
                except aiohttp.ClientConnectorError:
                    return "not let in"
                except aiohttp.ClientError as error:
                    return f"lost: {error!r}"
                assert body["data"]["createTrip"], body
                self.acknowledged.append(title)

    async def come_so_far(self, count: int) -> None:
        """Return once so many have been acknowledged."""
        async with asyncio.timeout(60):
            while len(self.acknowledged) < count:  # noqa: ASYNC110 - a test may look
                await asyncio.sleep(0.01)


async def stopping(http: aiohttp.ClientSession, url: str) -> bool:
    """Whether `/readyz` says so, as soon as the signal has arrived."""
    async with asyncio.timeout(3.9):
        while True:
            async with http.get(url.replace("graphql", "readyz")) as response:
                if response.status == 503:
                    return bool((await response.json()) == {"status": "stopping"})


async def test_no_request_is_lost(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person, database: Database
) -> None:
    async with served(info, DRAIN_SECONDS="4", RATE_LIMITS="false") as gateway:
        load = Load(gateway, somebody.token, "Before the end")
        clients = [asyncio.create_task(load.client(keeps_its_connection=number < 4)) for number in range(6)]
        await load.come_so_far(50)
        gateway.stop()
        began, done = time.monotonic(), len(load.acknowledged)
        assert await stopping(http, gateway.url), "readyz sends everybody elsewhere"
        async with http.get(gateway.url.replace("graphql", "healthz")) as response:
            assert response.status == 200, "but it must not be killed for that"
        ends = await asyncio.gather(*clients)
        assert Counter(ends) == {"not let in": 6}
        assert time.monotonic() - began > 3.9, "requests were taken while those who send them could notice"
        assert len(load.acknowledged) > done
        assert load.told_to_go > 4, "and each answer says that it is the connection's last"
        assert await gateway.exit_code(60) == 0
    query = "select title, count(*) from public.trips where title like %s group by title"
    written = dict(database.rows(query, "Before the end %"))  # type: ignore[arg-type]
    assert written == dict.fromkeys(load.acknowledged, 1)


async def answer(_: web.Request) -> web.StreamResponse:
    return web.Response()


async def test_who_is_in_a_hurry_waits_for_nobody(http: aiohttp.ClientSession) -> None:
    app = web.Application()
    app.router.add_get("/", answer)
    told = asyncio.Event()

    async def tell() -> None:
        told.set()

    app[SHUTDOWN] = Shutdown(tell)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        hurry = asyncio.Event()
        shutdown = asyncio.create_task(drain(runner, 60, hurry))
        await told.wait()
        async with http.get(url) as response:
            assert response.status == 200
        hurry.set()
        await asyncio.wait_for(shutdown, 0.5)
        async with aiohttp.ClientSession() as late:
            with pytest.raises(aiohttp.ClientConnectorError):
                await late.get(url)
    finally:
        await runner.cleanup()

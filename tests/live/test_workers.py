"""`tripgate serve --workers 2`: one port, two gateways, and none is left behind."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import psutil
import pytest

from tests.live.clients import live
from tests.live.conftest import Party
from tests.live.test_changes import ITEMS, rename
from tests.support import Person
from tripgate.local.stack import StackInfo

TITLE = "query ($id: UUID!) { trip(id: $id) { title } }"


class Workers:
    """A running `tripgate serve --workers 2`."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.parent = psutil.Process(process.pid)
        self.url = url

    @property
    def pids(self) -> set[int]:
        """Its workers."""
        return {child.pid for child in self.parent.children()}

    async def gone(self, pids: set[int]) -> None:
        """Return once these processes have ended."""
        async with asyncio.timeout(60):
            while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.fixture
async def workers(info: StackInfo) -> AsyncIterator[Workers]:
    async with serving_with_two(info) as running:
        yield running


@asynccontextmanager
async def serving_with_two(info: StackInfo) -> AsyncIterator[Workers]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "TRIPGATE_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tripgate", "serve", "--workers", "2", "--port", "0"),
        env={
            **inherited,
            "SUPABASE_URL": info.api_url,
            "SUPABASE_PUBLISHABLE_KEY": info.publishable_key,
            "TRIPGATE_REST_URL": info.rest_url,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert line.startswith("Tripgate serving: http://127.0.0.1:")
        yield Workers(process, line.split()[-1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def connections(pid: int, status: str) -> int:
    """How many of the port's TCP connections a worker has in this state."""
    return len([each for each in psutil.Process(pid).net_connections("tcp") if each.status == status])


async def asked(url: str, party: Party) -> int | None:
    """Ask on a connection of its own; which of the two took it is the kernel's choice."""
    async with aiohttp.ClientSession() as http:
        person = Person(http, url, party.owner.token)
        return int((await person.ask(TITLE, id=party.trip))["trip"] is not None)


async def test_two_serve_one_port_and_a_dead_one_is_replaced(workers: Workers, party: Party) -> None:
    before = workers.pids
    assert len(before) == 2
    assert sum(await asyncio.gather(*(asked(workers.url, party) for _ in range(20)))) == 20

    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(30):
        while len([pid for pid in workers.pids - {killed} if connections(pid, "LISTEN")]) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert sum(await asyncio.gather(*(asked(workers.url, party) for _ in range(20)))) == 20

    # Whichever has the connection, every subscriber hears what was written through any.
    async with AsyncExitStack() as stack:
        followers = []
        for _ in range(12):
            http = await stack.enter_async_context(aiohttp.ClientSession())
            follower = await stack.enter_async_context(live(Person(http, workers.url, party.owner.token)))
            followers.append((follower, await follower.subscribe(ITEMS, trip=party.trip)))
        assert all(connections(pid, "ESTABLISHED") for pid in workers.pids), "both hold some"
        heard: set[int] = set()
        async with asyncio.timeout(60):
            while len(heard) < len(followers):
                await rename(party, "Knock")
                for number, (follower, id_) in enumerate(followers):
                    try:
                        await follower.event(id_, 0.1)
                        heard.add(number)
                    except TimeoutError:
                        continue

        pids = workers.pids
        workers.process.terminate()
        assert {await follower.close_code() for follower, _ in followers} == {1001}
    assert await asyncio.wait_for(workers.process.wait(), 60) == 0
    await workers.gone(pids)


async def test_workers_do_not_outlive_their_parent(workers: Workers) -> None:
    pids = workers.pids
    workers.process.kill()
    await workers.gone(pids)


async def test_a_port_that_is_taken_is_not_shared(info: StackInfo) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tripgate", "serve", "--workers", "2", "--port", str(port)),
            env={**os.environ, "SUPABASE_URL": info.api_url, "SUPABASE_PUBLISHABLE_KEY": info.publishable_key},
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another with --port." in said.decode()

"""How many connections an address and a process keep open, what ends the idle ones, and what is told of refusals."""

import asyncio
import json
import resource
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from tests.live.clients import Live, live
from tests.live.served import served
from tests.rates.conftest import Client
from tests.support import Person, serving
from tripgate.gateway.edge.connections import RefusalCounts, room_for_clients
from tripgate.local.stack import StackInfo

FOLLOW = "subscription ($trip: UUID!) { tripChanges(tripId: $trip) { operation } }"
WITHOUT_UVLOOP = (
    "-c",
    "import sys; sys.modules['uvloop'] = None; sys.argv[0] = 'tripgate'; from tripgate.cli import main; main()",
)


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": "graphql-transport-ws",
}


async def opening(http: aiohttp.ClientSession, url: str, address: str) -> Live:
    """A WebSocket of a client at this address, behind the test's proxy."""
    opened = await http.ws_connect(url, protocols=("graphql-transport-ws",), headers={"X-Forwarded-For": address})
    return Live(opened)


async def refused(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """Connections that were refused, by reason."""
    async with http.get(url.replace("/graphql", "/metrics")) as response:
        lines = (await response.text()).splitlines()
    found = (line.removeprefix("tripgate_connections_refused_total").rsplit(" ", 1) for line in lines)
    return {name.split('"')[1]: float(value) for name, value in found if name.startswith("{reason=") and float(value)}


class TestLive:
    async def test_an_address_keeps_so_many_open_and_others_theirs(
        self, seeded: StackInfo, http: aiohttp.ClientSession, newcomer: Person
    ) -> None:
        trip = await newcomer.trip()
        changes = {"trusted_proxies": "127.0.0.1", "max_live_connections_per_address": 3}
        async with serving(seeded, **changes) as url, AsyncExitStack() as stack:
            here, there = Client(http, url, newcomer), Client(http, url, newcomer)
            two = [await opening(http, url, here.address) for _ in range(2)]
            stream = await stack.enter_async_context(stream_of(here, trip))
            assert stream.status == 200
            with pytest.raises(aiohttp.WSServerHandshakeError) as failure:
                await opening(http, url, here.address)
            assert failure.value.status == 429
            errors = [
                {
                    "message": "At most 3 live connections are open from one address. Close one first.",
                    "extensions": {"code": "RATE_LIMITED"},
                }
            ]
            async with stream_of(here, trip) as one_more:
                assert one_more.status == 429
                assert (await one_more.json())["errors"] == errors
            async with http.get(url, headers={**UPGRADE, "X-Forwarded-For": here.address}) as one_more:
                assert one_more.status == 429
                assert await one_more.json() == {"errors": errors}
            async with stream_of(there, trip) as elsewhere:
                assert elsewhere.status == 200
            assert (await here.post("{ __typename }")).status == 200, "requests are no live connections"
            assert await refused(http, url) == {"live-address": 3}

            await two[0].socket.close()
            again = await opening(http, url, here.address)
            for each in (two[1], again):
                await each.socket.close()

    async def test_a_process_keeps_so_many_open(self, seeded: StackInfo, http: aiohttp.ClientSession) -> None:
        async with serving(seeded, trusted_proxies="127.0.0.1", max_live_connections=2) as url:
            two = [await opening(http, url, f"198.51.100.{number}") for number in range(2)]
            with pytest.raises(aiohttp.WSServerHandshakeError) as failure:
                await opening(http, url, "198.51.100.9")
            assert failure.value.status == 503
            assert failure.value.headers is not None
            assert failure.value.headers["Retry-After"] == "1"
            assert await refused(http, url) == {"live-process": 1}
            for each in two:
                await each.socket.close()


class stream_of:  # noqa: N801 - reads as a function
    """An event stream of this client's."""

    def __init__(self, client: Client, trip: str) -> None:
        assert client.person is not None
        headers = {
            "X-Forwarded-For": client.address,
            "Accept": "text/event-stream",
            "Authorization": f"Bearer {client.person.token}",
        }
        body = {"query": FOLLOW, "variables": {"trip": trip}}
        self._asking = client.http.post(client.url, json=body, headers=headers)

    async def __aenter__(self) -> aiohttp.ClientResponse:
        return await self._asking.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await self._asking.__aexit__(*error)  # type: ignore[arg-type]


class TestIdle:
    """A WebSocket that nobody is signed in on and that runs nothing is closed."""

    @pytest.fixture
    async def url(self, seeded: StackInfo) -> AsyncIterator[str]:
        async with serving(seeded, websocket_idle_timeout=0.5) as url:
            yield url

    async def test_anonymous_ones_end_though_they_show_signs_of_life(
        self, http: aiohttp.ClientSession, url: str
    ) -> None:
        async with live(Person(http, url)) as connection:

            async def pinging() -> None:
                with suppress(ConnectionError):
                    while True:
                        await connection.send(type="pong")
                        await asyncio.sleep(0.1)

            task = asyncio.create_task(pinging())
            assert await connection.close_code() == 1000
            task.cancel()

    async def test_not_while_they_ask_now_and_then(self, http: aiohttp.ClientSession, url: str) -> None:
        async with live(Person(http, url)) as connection:
            for _ in range(4):
                await asyncio.sleep(0.3)
                id_ = await connection.subscribe("{ __typename }")
                assert await connection.event(id_) == {"__typename": "Query"}
                assert await connection.ending(id_) == "complete"
            assert await connection.close_code() == 1000

    async def test_who_is_signed_in_stays(self, newcomer: Person, url: str) -> None:
        async with live(Person(newcomer.http, url, newcomer.token)) as connection:
            await asyncio.sleep(1.2)
            await connection.send(type="ping")
            assert (await connection.message())["type"] == "pong"


def connect(url: str) -> socket.socket:
    """A connection that says nothing."""
    address = urlsplit(url)
    found = socket.create_connection((address.hostname, address.port), timeout=10)
    found.settimeout(10)
    return found


def hears(connection: socket.socket) -> bytes:
    """What comes until the end, when it is closed."""
    found = b""
    with connection, suppress(ConnectionError):
        while part := connection.recv(4096):
            found += part
    return found


class TestSockets:
    """`tripgate serve`, where connections are counted before anything is read."""

    @pytest.mark.parametrize(
        ("settings", "status", "code", "reason"),
        [
            ({"MAX_CONNECTIONS_PER_ADDRESS": "5"}, b"429 Too Many Requests", "RATE_LIMITED", "address"),
            ({"MAX_CONNECTIONS": "10", "TRUSTED_PROXIES": "127.0.0.1"}, b"503 Service", "OVERLOADED", "process"),
        ],
    )
    async def test_who_opens_too_many_is_refused_and_those_that_are_open_go_on(
        self, seeded: StackInfo, tmp_path: Path, settings: dict[str, str], status: bytes, code: str, reason: str
    ) -> None:
        log = tmp_path / "log"
        most = int(next(iter(settings.values())))
        async with served(seeded, log=log, **settings) as gateway, aiohttp.ClientSession() as http:
            assert await refused(http, gateway.url) == {}  # and this connection stays open
            opened = [await asyncio.to_thread(connect, gateway.url) for _ in range(most - 1)]
            for _ in range(3):
                said = await asyncio.to_thread(hears, await asyncio.to_thread(connect, gateway.url))
                head, _, body = said.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 " + status)
                assert json.loads(body)["errors"][0]["extensions"] == {"code": code}
            assert await refused(http, gateway.url) == {reason: 3}
            opened.pop().close()
            async with asyncio.timeout(60):
                while not (again := await asyncio.to_thread(asks, gateway.url)).startswith(b"HTTP/1.1 200"):
                    assert again.startswith(b"HTTP/1.1 " + status)
            for each in opened:
                each.close()
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        (told,) = [line for line in lines if line["logger"] == "tripgate.connections"]
        assert told["level"] == "warning"
        assert "127.0.0.1" not in told["message"]

    async def test_a_full_process_still_says_that_it_lives(self, seeded: StackInfo) -> None:
        async with served(seeded, MAX_CONNECTIONS="10", TRUSTED_PROXIES="127.0.0.1") as gateway:
            opened = [await asyncio.to_thread(connect, gateway.url) for _ in range(10)]
            for path in ("/healthz", "/readyz", "/healthz?again"):
                answer = await asyncio.to_thread(asks, gateway.url, path)
                assert answer.startswith(b"HTTP/1.1 200"), answer
            said = await asyncio.to_thread(asks, gateway.url, "/graphql")
            head, _, body = said.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503")
            assert json.loads(body)["errors"][0]["extensions"] == {"code": "OVERLOADED"}
            # Those who take the reserve and say nothing have it for a second, and only four of one address.
            silent = [await asyncio.to_thread(connect, gateway.url) for _ in range(4)]
            assert (await asyncio.to_thread(asks, gateway.url)).startswith(b"HTTP/1.1 503")
            for each in silent:
                assert (await asyncio.to_thread(hears, each)).startswith(b"HTTP/1.1 503")
            assert (await asyncio.to_thread(asks, gateway.url)).startswith(b"HTTP/1.1 200")
            for each in opened:
                each.close()

    @pytest.mark.parametrize("program", [("-m", "tripgate"), WITHOUT_UVLOOP], ids=["uvloop", "asyncio"])
    async def test_without_descriptors_it_says_so_and_comes_back(
        self, seeded: StackInfo, tmp_path: Path, program: Sequence[str]
    ) -> None:
        log = tmp_path / "log"
        async with served(seeded, program=program, log=log) as gateway, aiohttp.ClientSession() as http:
            assert await refused(http, gateway.url) == {}
            process = psutil.Process(gateway.pid)
            before = process.rlimit(psutil.RLIMIT_NOFILE)
            # As if something had taken all of them: no number above those in use may be opened.
            process.rlimit(psutil.RLIMIT_NOFILE, (highest_descriptor(gateway.pid) + 1, before[1]))
            fill = [await asyncio.to_thread(connect, gateway.url) for _ in range(20)]
            async with asyncio.timeout(60):
                while "descriptors" not in await refused(http, gateway.url):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.1)
            process.rlimit(psutil.RLIMIT_NOFILE, before)
            for each in fill:
                each.close()
            async with asyncio.timeout(60):
                while not (await asyncio.to_thread(asks, gateway.url)).startswith(b"HTTP/1.1 200"):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        assert "no descriptor is left" in log.read_text()

    async def test_it_may_open_as_many_as_the_system_lets_it(self, seeded: StackInfo) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lower = min(soft, 512)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lower, hard))
        try:
            async with served(seeded) as gateway:
                assert psutil.Process(gateway.pid).rlimit(psutil.RLIMIT_NOFILE) == (hard, hard)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def asks(url: str, path: str = "/healthz") -> bytes:
    """The answer to a request on a connection of its own."""
    with connect(url) as connection:
        with suppress(ConnectionError):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return hears(connection)


def highest_descriptor(pid: int) -> int:
    return max(int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir())


@pytest.mark.parametrize(
    ("descriptors", "most", "room"),
    [(1024, 20_000, 660), (1024, 500, 500), (resource.RLIM_INFINITY, 20_000, 20_000), (128, 20_000, 16)],
)
def test_clients_leave_descriptors_for_the_way_upstream(descriptors: int, most: int, room: int) -> None:
    assert room_for_clients(descriptors, 100, most) == room


def test_a_flood_of_refusals_is_a_line_in_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    refusals = RefusalCounts(lambda: now)
    for _ in range(1000):
        refusals.add("process", "too many")
    now = 10.0
    refusals.add("process", "too many")
    assert [record.getMessage() for record in caplog.records] == [
        "too many (1 more since the last of these lines)",
        "too many (1000 more since the last of these lines)",
    ]
    assert refusals.counts["process"] == 1001

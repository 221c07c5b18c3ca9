"""Servers that are killed in the middle of things: nothing that was acknowledged is lost, and nothing is done twice."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import pytest

from tests.faults.conftest import Database, locked
from tests.observability.test_health import FINE, ready
from tests.support import Person, serving
from tripgate.local.postgrest import POOL
from tripgate.local.stack import Stack, StackInfo

READ = "{ trips(first: 1) { nodes { id } } }"
WRITE = "mutation ($title: String!) { createTrip(input: { title: $title }) { title } }"
NO_TRIP = 'mutation { deleteTrip(id: "00000000-0000-4000-8000-000000000000") { id } }'
SIGN_IN = 'mutation { signIn(input: { email: "nobody@example.com", password: "wrong horse" }) { user { id } } }'
WRITERS = 6
GONE = {**FINE, "rest": "unavailable", **({"database": "unreachable"} if "database" in FINE else {})}
"""What `/readyz` says without Postgres."""


@pytest.fixture(scope="module")
async def person(http: aiohttp.ClientSession, info: StackInfo, somebody: Person) -> AsyncIterator[Person]:
    """Somebody at a gateway that is not patient with what is away."""
    async with serving(info, breaker_seconds=0.3) as url:
        person = Person(http, url, somebody.token)
        await back(person)  # from what the tests before have killed
        yield person


async def back(person: Person) -> None:
    """Return once reads and Auth are answered again; until then people are told that they may come back."""
    async with asyncio.timeout(60):
        while True:
            codes = {await person.code(NO_TRIP), await person.code(SIGN_IN)}
            if codes == {"NOT_FOUND", "UNAUTHENTICATED"}:
                return
            assert codes <= {"NOT_FOUND", "UNAUTHENTICATED", "UPSTREAM_UNAVAILABLE"}
            await asyncio.sleep(0.05)


async def waits(database: Database, count: int) -> None:
    """Return once so many statements wait for a lock."""
    async with asyncio.timeout(60):
        while await asyncio.to_thread(database.waiting) != count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("server", [pytest.param("postgrest", marks=pytest.mark.postgrest), "postgres"])
async def test_in_the_middle_of_a_read_and_a_write(
    person: Person, database: Database, breakable_stack: Stack, server: str
) -> None:
    title = f"Half written, {server}"
    async with killing(breakable_stack, server) as kill, locked(database, "public.trips"):
        asking = [asyncio.create_task(person.code(READ)), asyncio.create_task(person.code(WRITE, title=title))]
        await waits(database, 2)
        await kill()
        # Whoever waited for the lock, or for a deadline, would be told TIMEOUT.
        assert await asyncio.gather(*asking) == ["UPSTREAM_UNAVAILABLE"] * 2
    await back(person)
    await waits(database, 0)
    assert database.trips(title) == 0, "it was not acknowledged, and was not repeated behind the client's back"


@asynccontextmanager
async def killing(stack: Stack, server: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """What kills the server; it is started anew afterwards, whatever happens."""
    try:
        yield partial(asyncio.to_thread, stack.kill, server)
    finally:
        await asyncio.to_thread(stack.restart, server)


class Writers:
    """People who write without a pause, and what became of each write."""

    def __init__(self, person: Person, word: str) -> None:
        self._person = person
        self._word = word
        self._numbers = itertools.count(1)
        self.acknowledged: list[str] = []
        self.failed: dict[str, str] = {}

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """While they do."""
        tasks = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        try:
            yield
        finally:
            self._stop = True
            await asyncio.gather(*tasks)

    _stop = False

    async def _write(self) -> None:
        while not self._stop:
            title = f"{self._word} {next(self._numbers)}"
            status, body = await self._person.post(WRITE, title=title)
            assert status == 200
            if "errors" in body:
                self.failed[title] = body["errors"][0]["extensions"]["code"]
                await asyncio.sleep(0.02)
            else:
                self.acknowledged.append(title)

    async def come_so_far(self, count: int) -> None:
        """Return once so many more have been acknowledged."""
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(60):
            while len(self.acknowledged) < wanted:  # noqa: ASYNC110 - a test may look
                await asyncio.sleep(0.01)

    def written(self, database: Database) -> dict[str, int]:
        """How often each title stands in the database."""
        query = "select title, count(*) from public.trips where title like %s group by title"
        return dict(database.rows(query, f"{self._word} %"))  # type: ignore[arg-type]


@pytest.mark.parametrize("server", ["postgrest", "postgres"])
async def test_what_was_acknowledged_is_there_once(
    person: Person, database: Database, breakable_stack: Stack, server: str
) -> None:
    writers = Writers(person, f"Kept by {server}")
    async with writers.writing():
        await writers.come_so_far(30)
        async with killing(breakable_stack, server) as kill:
            await kill()
        await writers.come_so_far(30)
    await back(person)
    written = writers.written(database)
    assert {title: written.get(title) for title in writers.acknowledged} == dict.fromkeys(writers.acknowledged, 1)
    assert {written[title] for title in writers.failed if title in written} <= {1}
    assert set(writers.failed.values()) == {"UPSTREAM_UNAVAILABLE"}


async def test_the_schema_is_read_anew_under_load(person: Person, database: Database) -> None:
    writers = Writers(person, "Meanwhile")
    async with writers.writing():
        for _ in range(5):
            await asyncio.to_thread(database.rows, "notify pgrst, 'reload schema'")
            await asyncio.to_thread(database.rows, "notify pgrst, 'reload config'")
            await writers.come_so_far(20)
    assert writers.failed == {}
    assert len(writers.written(database)) == len(writers.acknowledged)


@pytest.mark.postgrest
async def test_all_of_postgrests_connections_are_held(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person, database: Database
) -> None:
    # One more than PostgREST has connections, in a gateway that thinks it has more: the last waits there.
    places, queue = POOL + 1, 5
    limits = {"upstream_pool": places, "upstream_share": 1, "upstream_queue": queue, "breaker_seconds": 0.3}
    async with serving(info, request_timeout=1.2, **limits) as url:
        person = Person(http, url, somebody.token)
        async with locked(database, "public.trips"):
            began = time.monotonic()
            codes = await asyncio.gather(*(person.code(READ) for _ in range(places + queue + 10)))
            assert time.monotonic() - began < 20, "nobody waits for the lock"
            assert codes.count("OVERLOADED") >= 10
            assert set(codes) == {"OVERLOADED", "TIMEOUT"}
            assert codes.count("TIMEOUT") >= places
        began = time.monotonic()
        await back(person)
        assert time.monotonic() - began < 30, "all is well soon after the lock is gone"


async def until(http: aiohttp.ClientSession, url: str, status: int) -> object:
    """What `/readyz` answers, as soon as it does with this status."""
    async with asyncio.timeout(60):
        while (found := await ready(http, url))[0] != status:  # noqa: ASYNC110 - it is another process that changes
            await asyncio.sleep(0.3)
    return found[1]


async def test_who_has_no_postgres_is_not_ready_until_it_comes_back(
    http: aiohttp.ClientSession, info: StackInfo, breakable_stack: Stack, somebody: Person
) -> None:
    async with serving(info) as url:
        assert await until(http, url, 200) == {"status": "ok", "checks": FINE}
        async with killing(breakable_stack, "postgres") as kill:
            await kill()
            assert await until(http, url, 503) == {"status": "unavailable", "checks": GONE}
            async with http.get(url.replace("graphql", "healthz")) as response:
                assert response.status == 200
        assert await until(http, url, 200) == {"status": "ok", "checks": FINE}
        # Auth's own connections come back a moment later, and the tests that follow here sign people up.
        await back(Person(http, url, somebody.token))

"""Each way in which Postgres or the way to it can fail: what the caller is told, and that nothing outlives it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from gql.catalog import catalog
from gql.errors import ApiError
from tests.postgres.conftest import ADA, Own, backend_of, called, caller
from tripgate.local.direct_login import NAME as LOGIN
from tripgate.planner.plan import FunctionCall, Pick, Read
from tripgate.upstream.http_connection import AbandonedError
from tripgate.upstream.postgres.backend import GatheringBackend, PostgresBackend
from tripgate.upstream.postgres.render import Statement
from tripgate.upstream.postgres.session import ROLES
from tripgate.upstream.postgres.wire import MOST_CHARACTERS, WireConnection

TRIPS = Read("trips", (Pick("id"),), limit=3)
ME = caller(ADA)
Spoil = Callable[["Way"], Awaitable[None]]


@dataclass
class Way:
    """A proxy in front of Postgres, whose connections can be spoilt.

    Attributes:
        refuses: Whether it takes no more connections.
        swallows: Whether what Postgres answers goes nowhere.
        cuts_after: Bytes of an answer after which a connection is reset.
    """

    host: str
    port: int
    refuses: bool = False
    swallows: bool = False
    cuts_after: int | None = None
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.refuses:
            writer.transport.abort()
            return
        upstream_reader, upstream_writer = await asyncio.open_connection(self.host, self.port)
        self.writers += [writer, upstream_writer]
        await asyncio.gather(
            self._pass_on(reader, upstream_writer, answers=False), self._pass_on(upstream_reader, writer, answers=True)
        )

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        try:
            while data := await reader.read(65_536):
                if answers and self.swallows:
                    continue
                if answers and self.cuts_after is not None:
                    writer.write(data[: self.cuts_after])
                    await writer.drain()
                    self.cuts_after = None
                    writer.transport.abort()
                    return
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def reset(self) -> None:
        """Reset all connections that are open."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


@pytest.fixture(scope="module", autouse=True)
def naps(own: Own) -> None:
    """A function that takes its time."""
    own.run(
        "create or replace function public.naps(seconds text) returns text language sql stable as "
        "$$ select pg_sleep(seconds::float8)::text $$",
        "grant execute on function public.naps(text) to authenticated",
    )


@pytest.fixture
async def through(own: Own) -> AsyncIterator[tuple[Way, PostgresBackend]]:
    """A backend of two connections over the proxy, which has asked once."""
    found = conninfo_to_dict(own.url)
    way = Way(str(found["host"]), int(found["port"] or 0))
    async with served(way) as port:
        backend, pool = backend_of(own.url.replace(f":{way.port}/", f":{port}/"), timeout=0.8, retries=2)
        assert len(await rows(backend)) == 3
        yield way, backend
        pool.close()


@asynccontextmanager
async def served(way: Way) -> AsyncIterator[int]:
    """The proxy's port."""
    server = await asyncio.start_server(way.handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        way.reset()
        server.close()


async def rows(backend: PostgresBackend, read: Read = TRIPS) -> list[object]:
    return list((await backend.fetch(backend.prepare(read), ME, catalog["Trip"])).rows)


async def code(backend: PostgresBackend, read: Read = TRIPS) -> str:
    """How a read ends, in a word."""
    try:
        await rows(backend, read)
    except ApiError as error:
        return str(error.extensions["code"])
    return "ok"


async def test_connections_that_were_reset_while_nobody_asked(through: tuple[Way, PostgresBackend]) -> None:
    way, backend = through
    way.reset()
    assert await code(backend) == "ok"
    way.reset()
    await asyncio.sleep(0.05)
    assert await code(backend) == "ok"


@pytest.mark.parametrize("cut", [0, 1, 40, 200])
async def test_an_answer_that_breaks_off_is_asked_for_again(through: tuple[Way, PostgresBackend], cut: int) -> None:
    way, backend = through
    way.cuts_after = cut
    assert await code(backend) == "ok"
    assert way.cuts_after is None


async def test_nobody_takes_connections(through: tuple[Way, PostgresBackend]) -> None:
    way, backend = through
    way.refuses = True
    way.reset()
    assert await code(backend) == "UPSTREAM_UNAVAILABLE"
    way.refuses = False
    assert await code(backend) == "ok"


async def test_answers_that_never_come(through: tuple[Way, PostgresBackend]) -> None:
    way, backend = through
    way.swallows = True
    began = time.monotonic()
    assert await code(backend) == "TIMEOUT"
    assert time.monotonic() - began < 30
    way.swallows = False
    assert await code(backend) == "ok"  # over another connection


async def test_a_connection_that_is_ended_by_the_server_is_replaced(own: Own, backend: PostgresBackend) -> None:
    asked = asyncio.create_task(called(backend, "naps", ME, seconds="0.3"))
    await asyncio.sleep(0.1)
    own.run(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{LOGIN}'")
    assert await asked == ""  # asked again over a new connection
    assert await code(backend) == "ok"


async def test_a_statement_whose_time_is_over(own: Own) -> None:
    backend, pool = backend_of(own.url, timeout=0.6)
    with pytest.raises(ApiError) as refused:
        await called(backend, "naps", ME, seconds="30")
    assert refused.value.extensions["code"] == "TIMEOUT"
    assert (pool.open, pool.idle) == (1, 1), "Postgres itself has ended it, or the connection would be given up"
    assert await code(backend) == "ok"
    pool.close()


async def test_what_takes_too_long_together_is_ended_by_postgres(own: Own) -> None:
    """What was ready has its answer, the next is ended once the time of all is over, and the rest is asked again."""
    backend, pool = backend_of(own.url, size=1, timeout=0.8)
    gathering = GatheringBackend(backend, backend)
    napping = Read("napping", (Pick("seconds"),))
    own.run(
        "create or replace view public.napping as select pg_sleep(0.3)::text as seconds",
        "grant select on public.napping to authenticated",
    )
    asked = (gathering.fetch(gathering.prepare(napping), ME, None) for _ in range(3))
    found = await asyncio.gather(*asked, return_exceptions=True)
    codes = [each.extensions["code"] if isinstance(each, ApiError) else None for each in found]
    assert codes == [None, "TIMEOUT", None]
    assert (pool.open, pool.idle) == (1, 1)
    own.run("drop view public.napping")
    pool.close()


async def test_whoever_goes_leaves_a_connection_that_is_busy_until_postgres_is_done(own: Own) -> None:
    backend, pool = backend_of(own.url, size=1)
    asked = asyncio.create_task(called(backend, "naps", ME, seconds="0.5"))
    await asyncio.sleep(0.2)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (pool.open, pool.idle) == (1, 0)
    assert await code(backend) == "ok"  # it waits
    assert (pool.open, pool.idle) == (1, 1)
    pool.close()


async def test_no_connection_is_left_on_the_server(own: Own) -> None:
    own.run(f"alter role {LOGIN} connection limit 1")
    try:
        backend, pool = backend_of(own.url, size=3, retries=0)
        holding = await psycopg.AsyncConnection.connect(own.url)
        assert await code(backend) == "UPSTREAM_UNAVAILABLE"
        await holding.close()
        await asyncio.sleep(0.1)
        assert await code(backend) == "ok"
        pool.close()
    finally:
        own.run(f"alter role {LOGIN} connection limit -1")


async def test_one_that_became_free_while_another_could_not_be_had_is_taken(own: Own) -> None:
    own.run(f"alter role {LOGIN} connection limit 1")
    try:
        _, pool = backend_of(own.url, size=2)
        only = await pool.take(5)
        asking = asyncio.create_task(pool.take(5))
        await asyncio.sleep(0)  # it connects, and will be refused
        pool.give(only)
        assert await asking is only
        pool.give(only)
        pool.close()
    finally:
        own.run(f"alter role {LOGIN} connection limit -1")


async def test_a_table_that_changes_under_prepared_statements(own: Own, backend: PostgresBackend) -> None:
    whole = FunctionCall("newest", ())
    own.run(
        "create or replace view public.changing as select 1 as id",
        "grant select on public.changing to authenticated",
        "create or replace function public.newest() returns json language sql stable as "
        "$$ select to_json(c) from public.changing as c $$",
        "grant execute on function public.newest() to authenticated",
    )
    for _ in range(3):
        assert (await backend.fetch(backend.prepare(whole), ME, None)).rows == [{"id": 1}]
    own.run(
        "drop view public.changing cascade",
        "create view public.changing as select 2 as id, 3 as more",
        "grant select on public.changing to authenticated",
    )
    assert (await backend.fetch(backend.prepare(whole), ME, None)).rows == [{"id": 2, "more": 3}]
    own.run("drop function public.newest()", "drop view public.changing")


async def test_statements_are_kept_within_a_bound(own: Own) -> None:
    """Of memory: long ones weigh more, and those of all roles weigh together."""
    connection = await WireConnection.open(own.url, named=True, timeout=5)
    counting = Statement("select count(*), sum(length(statement)) + 200 * count(*) from pg_prepared_statements")
    for number in range(MOST_CHARACTERS // 400):
        text = f"select {number}".ljust(1000 if number % 2 else 150)
        await connection.run(ROLES[number % 3 % 2], (Statement(text),), 5)
    (count,) = await connection.ask((counting,), 5)
    kept, characters = (int(count.get_value(0, column) or b"0") for column in (0, 1))
    assert MOST_CHARACTERS - 1200 < characters <= MOST_CHARACTERS + 1200 + len(counting.text)
    assert kept < MOST_CHARACTERS / (600 + 150)
    # One that is longer than all may be leaves no other, and goes with the next.
    (found,) = await connection.ask((Statement("select 7".ljust(2 * MOST_CHARACTERS)),), 5)
    assert found.get_value(0, 0) == b"7"
    (count,) = await connection.ask((counting,), 5)
    assert count.get_value(0, 0) == b"1"
    # The oldest is prepared anew, and those that failed to be were never there.
    (first,) = await connection.ask((Statement("select 0".ljust(150)),), 5)
    assert first.get_value(0, 0) == b"0"
    for _ in range(2):
        with pytest.raises(Exception, match="42703"):
            await connection.ask((Statement("select nonsense"),), 5)
    connection.close()


async def test_what_is_cancelled_before_it_is_prepared_is_prepared_once(own: Own) -> None:
    """Under a name of its own each time, so that none is made twice."""
    connection = await WireConnection.open(own.url, named=True, timeout=5)
    chance = random.Random(1)
    for number in range(200):
        asked = asyncio.create_task(connection.ask((Statement(f"select {number % 20}"),), 5))
        await asyncio.sleep(chance.random() * 0.001)
        asked.cancel()
        try:
            await asked
        except AbandonedError as gone:
            await gone.over
        except asyncio.CancelledError:
            pass
    for number in range(20):
        (found,) = await connection.ask((Statement(f"select {number}"),), 5)
        assert found.get_value(0, 0) == str(number).encode()
    connection.close()

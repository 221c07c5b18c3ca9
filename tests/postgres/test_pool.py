"""Who waits for a connection, for how long, and who is told that there is none."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from gql.errors import ApiError
from tests.postgres.conftest import Own, backend_of
from tests.postgres.test_faults import Way, code, served
from tripgate.local.direct_login import NAME as LOGIN
from tripgate.upstream.postgres.pool import Pool


@contextmanager
def granted(own: Own, connections: int) -> Iterator[None]:
    """While Postgres lets the login have so many."""
    own.run(f"alter role {LOGIN} connection limit {connections}")
    try:
        yield
    finally:
        own.run(f"alter role {LOGIN} connection limit -1")


def pool_of(url: str, size: int) -> Pool:
    return Pool(url, size=size, named=True, search_path="public")


async def test_a_cold_start_with_fewer_connections_than_the_pool_may_have_answers_everybody(own: Own) -> None:
    with granted(own, 3):
        backend, pool = backend_of(own.url, size=10, retries=0, breaker_failures=1)
        codes = await asyncio.gather(*(code(backend) for _ in range(60)))
        assert codes == ["ok"] * 60
        assert (pool.open, pool.idle) == (3, 3)
        assert pool.changes() == {"opened": 3, "refused": 7, "broken": 0}
        pool.close()


async def test_who_waits_gets_the_first_that_is_there(own: Own) -> None:
    """Opened or given back, whichever comes first, while a third is never ready."""
    found = conninfo_to_dict(own.url)
    way = Way(str(found["host"]), int(found["port"] or 0))
    async with served(way) as port:
        pool = pool_of(own.url.replace(f":{way.port}/", f":{port}/"), 2)
        only = await pool.take(5)
        way.swallows = True
        waiting = asyncio.create_task(pool.take(5))
        await asyncio.sleep(0.05)
        pool.give(only)
        assert await waiting is only
        pool.give(only)
        pool.close()


async def test_what_is_opened_for_nobody_is_given_up_and_the_next_tries_anew(own: Own) -> None:
    found = conninfo_to_dict(own.url)
    way = Way(str(found["host"]), int(found["port"] or 0))
    async with served(way) as port:
        pool = pool_of(own.url.replace(f":{way.port}/", f":{port}/"), 1)
        way.swallows = True
        with pytest.raises(ApiError) as late:
            await pool.take(0.2)
        assert late.value.extensions["code"] == "TIMEOUT"
        cancelled = asyncio.create_task(pool.take(5))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        with suppress(asyncio.CancelledError):
            await cancelled
        way.swallows = False
        pool.give(await pool.take(1))
        assert (pool.open, pool.idle) == (1, 1)
        pool.close()


async def test_all_are_told_at_once_where_nobody_is_let_in(own: Own) -> None:
    with granted(own, 1):
        holding = await psycopg.AsyncConnection.connect(own.url)
        pool = pool_of(own.url, 3)
        async with asyncio.timeout(20):
            told = await asyncio.gather(*(pool.take(30) for _ in range(8)), return_exceptions=True)
        assert [isinstance(each, ApiError) and each.extensions["code"] for each in told] == ["UPSTREAM_UNAVAILABLE"] * 8
        assert (pool.open, pool.idle) == (0, 0)
        await holding.close()
        pool.close()


async def test_those_that_are_there_serve_all_and_more_are_tried_after_a_while(own: Own) -> None:
    with granted(own, 1):
        pool = pool_of(own.url, 3)
        only = await pool.take(5)
        waiting = [asyncio.create_task(pool.take(10)) for _ in range(2)]
        while pool.changes()["refused"] < 2:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        assert pool.busy
        own.run(f"alter role {LOGIN} connection limit -1")
        for session in await asyncio.gather(*waiting):
            assert session is not only
            pool.give(session)
        pool.give(only)
        assert (pool.open, pool.idle) == (3, 3)
        pool.close()


async def test_nobody_waits_for_a_pool_that_is_closed(own: Own) -> None:
    pool = pool_of(own.url, 1)
    only = await pool.take(5)
    waiting = asyncio.create_task(pool.take(5))
    await asyncio.sleep(0)
    pool.close()
    with pytest.raises(ApiError):
        await waiting
    with pytest.raises(ApiError):
        await pool.take(5)
    pool.give(only)
    assert pool.open == 0

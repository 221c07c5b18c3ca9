"""Postgres is killed, and comes back. The last of these files, since others of the stack notice it too."""

import asyncio

from tests.postgres.conftest import Own, backend_of
from tests.postgres.test_faults import code


async def test_postgres_is_killed_and_comes_back(own: Own) -> None:
    backend, pool = backend_of(own.url, breaker_seconds=0.2, timeout=2)
    assert await code(backend) == "ok"
    await asyncio.to_thread(own.stack.kill, "postgres")
    # What served the connections outlives the server that made it by a moment.
    async with asyncio.timeout(60):
        while (last := await code(backend)) == "ok":  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    assert last == "UPSTREAM_UNAVAILABLE"
    await asyncio.to_thread(own.stack.restart, "postgres")
    async with asyncio.timeout(60):
        while (last := await code(backend)) != "ok":
            assert last == "UPSTREAM_UNAVAILABLE"
            await asyncio.sleep(0.05)
    pool.close()

"""Realtime's own connections to the database, as role `supabase_realtime_admin`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from tripgate.local.realtime.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Connection = psycopg.AsyncConnection[tuple[object, ...]]
Pool = AsyncConnectionPool[Connection]
# A policy that takes longer counts as one that cannot be judged.
STATEMENT_TIMEOUT = "5s"
WAIT_SECONDS = 5.0


def new_pool(database_url: str, size: int) -> Pool:
    """A pool that is still closed. Connections that died are noticed when they are taken."""
    return cast(
        "Pool",
        AsyncConnectionPool(
            database_url,
            min_size=1,
            max_size=size,
            timeout=WAIT_SECONDS,
            open=False,
            check=AsyncConnectionPool.check_connection,
            kwargs={"options": f"-c statement_timeout={STATEMENT_TIMEOUT}"},
        ),
    )


@contextlib.asynccontextmanager
async def rolled_back(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction that leaves no trace. Raises RefusedError where the database cannot be reached."""
    try:
        async with pool.connection() as connection:
            try:
                yield connection
            finally:
                if not connection.closed:
                    await connection.rollback()
    except (PoolTimeout, psycopg.OperationalError) as error:
        # A statement that was cancelled or a lock is the policy's fault, and carries a code.
        if isinstance(error, psycopg.Error) and error.sqlstate:
            raise
        message = "Realtime was unable to connect to the project database"
        raise RefusedError("UnableToConnectToProject", message) from error

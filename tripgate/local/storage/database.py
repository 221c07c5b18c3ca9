"""Storage's own connections to the database. Each transaction acts as somebody: as the caller, whom policies judge, or
as `service_role`, whom none does."""

from __future__ import annotations

import contextlib
import select
import time
from typing import TYPE_CHECKING, Any, cast

import orjson
import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from tripgate.local.storage.caller import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

Connection = psycopg.AsyncConnection[DictRow]
# The name of a prepared statement and its values.
Statement = tuple[str, tuple[Any, ...]]
STATEMENT_TIMEOUT = "30s"
LOCK_TIMEOUT = "5s"
CONNECTIONS = 16
WAIT_SECONDS = 10.0
# By which the next process knows what is left of one that was killed.
NAME = "tripgate storage"
SERVICE = Caller("service_role", {"role": "service_role"})

_SCOPE = (
    "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true),"
    " set_config('request.jwt.claim.sub', %s, true), set_config('request.jwt.claim.role', %s, true),"
    " set_config('request.jwt', %s, true), set_config('request.method', %s, true),"
    " set_config('request.path', %s, true), set_config('storage.operation', %s, true),"
    " set_config('storage.allow_delete_query', 'true', true)"
)
_BECOME = "become_caller"
_BECOMES = f"({', '.join(['text'] * 8)}) as {_SCOPE % tuple(f'${number}' for number in range(1, 9))}"


_END = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
    " where application_name = %s and usename = current_user and pid <> pg_backend_pid()"
)
END_SECONDS = 20.0


class Act:
    """What is being done, as policies may ask: `operation`, such as storage.object.upload, by which request."""

    def __init__(self, operation: str, method: str, path: str) -> None:
        self.operation = operation
        self.method = method
        self.path = path


class Database:
    """The pool, still closed; it is opened and closed by whoever serves. Each connection knows some statements by name,
    which `turn` takes: `(types) as statement` of each."""

    def __init__(self, url: str, prepared: Mapping[str, str]) -> None:
        prepare = "; ".join(f"prepare {name}{statement}" for name, statement in {_BECOME: _BECOMES, **prepared}.items())

        async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
            await connection.execute(prepare.encode())

        self.pool = cast(
            "AsyncConnectionPool[Connection]",
            AsyncConnectionPool(
                url,
                min_size=1,
                max_size=CONNECTIONS,
                timeout=WAIT_SECONDS,
                open=False,
                check=_check,
                configure=configure,
                kwargs={
                    "autocommit": True,
                    "row_factory": dict_row,
                    # Of its own accord psycopg drops them all, ours too, behind each rollback.
                    "prepare_threshold": None,
                    "application_name": NAME,
                    "options": f"-c statement_timeout={STATEMENT_TIMEOUT} -c lock_timeout={LOCK_TIMEOUT}",
                },
            ),
        )

    @contextlib.asynccontextmanager
    async def acting_as(self, caller: Caller, act: Act, *, only_asking: bool = False) -> AsyncIterator[Connection]:
        """A transaction as this caller. What is done `only_asking` is rolled back. Statements are sent together with
        the next that is fetched from, the commit with the end. Raises psycopg.Error, or PoolTimeout without a
        database."""
        async with (
            self.pool.connection() as connection,
            connection.pipeline(),
            connection.transaction(force_rollback=only_asking),
        ):
            await scope(connection, caller, act)
            yield connection

    async def turn(
        self,
        caller: Caller,
        act: Act,
        *statements: Statement,
        before: Sequence[Statement] = (),
        only_asking: bool = False,
        writes: bool = False,
    ) -> list[list[DictRow]]:
        """A transaction as this caller whose statements do not hang on each other's rows, and so are sent at once and
        answered at once; the rows of each. What comes `before` is asked as the tables' owner, whom no policy judges.
        What is done `only_asking` is rolled back; what `writes` is committed behind the answer alone, so that nothing
        is done for a process that has ended meanwhile. Raises as `acting_as`."""
        parts = [*before, (_BECOME, _identity(caller, act)), *statements]
        # One message of several statements is one transaction, unless it says so itself.
        text = "; ".join(f"execute {name}({', '.join(['%s'] * len(values))})" for name, values in parts)
        if only_asking or writes:
            text = f"begin; {text}"
        if only_asking:
            text += "; rollback"
        async with self.pool.connection() as connection:
            cursor = psycopg.AsyncClientCursor(connection, row_factory=dict_row)
            try:
                await cursor.execute(text, [value for _, values in parts for value in values])
            except psycopg.Error:
                # Behind an error nothing is done of what was sent with it, the end included.
                if not connection.broken:
                    await connection.rollback()
                raise
            found = [await each.fetchall() if each.description else [] async for each in cursor.results()]
            if writes:
                await connection.commit()
        found = found[only_asking or writes :]
        return [*found[: len(before)], *found[len(before) + 1 : len(parts)]]

    def service(self, act: Act) -> contextlib.AbstractAsyncContextManager[Connection]:
        """A transaction that no policy judges."""
        return self.acting_as(SERVICE, act)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for single reads that no policy judges: the tables' owner's."""
        async with self.pool.connection() as connection:
            yield connection


async def _check(connection: psycopg.AsyncConnection[Any]) -> None:
    """Look whether a connection still holds, before it is used: one that Postgres has closed has something to read, and
    only then is it asked. Raises psycopg.OperationalError."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)


async def scope(connection: Connection, caller: Caller, act: Act) -> None:
    """Become this caller for the rest of the transaction."""
    await connection.execute(_SCOPE, _identity(caller, act))


def _identity(caller: Caller, act: Act) -> tuple[str, ...]:
    claims = orjson.dumps(caller.claims).decode()
    return caller.role, claims, caller.owner or "", caller.role, caller.token, act.method, act.path, act.operation


async def one(connection: Connection, query: Any, values: Any = ()) -> DictRow | None:
    """The first row, if there is one."""
    cursor = await connection.execute(query, values)
    return await cursor.fetchone()


async def many(connection: Connection, query: Any, values: Any = ()) -> list[DictRow]:
    """All rows."""
    cursor = await connection.execute(query, values)
    return await cursor.fetchall()


def end_former(url: str) -> None:
    """End what a process that was killed still does in the database, and wait for it: a row that came later would have
    no bytes by then. Raises psycopg.Error."""
    deadline = time.monotonic() + END_SECONDS
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(_END, (NAME,)).fetchone() != (0,) and time.monotonic() < deadline:
            time.sleep(0.02)

"""Opens the backend that reads from Postgres, and looks at its login before anybody is answered."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from gql.catalog import catalog
from gql.errors import ApiError
from tripgate.upstream.backend import Backend, BackendError
from tripgate.upstream.http_connection import AbandonedError
from tripgate.upstream.postgres.backend import Claims, PostgresBackend, RoutedBackend, fault
from tripgate.upstream.postgres.login import LoginError
from tripgate.upstream.postgres.pool import Pool
from tripgate.upstream.postgres.refusals import mistake, mistake_in
from tripgate.upstream.postgres.render.statement import Statement, identifier
from tripgate.upstream.postgres.session import SessionError
from tripgate.upstream.postgres.transaction import Answer
from tripgate.upstream.resilience.failures import NoAnswerError, unavailable
from tripgate.upstream.resilience.policy import Policy, PolicyLimits

_START_SECONDS = 5.0
_PING_SECONDS = 1.5
_log = logging.getLogger("tripgate.database")


class UnusableDatabaseError(Exception):
    """Postgres cannot be asked at this address, or must not with this login; the message says why, a line each."""


@dataclass(frozen=True, slots=True)
class Database:
    """What is to be had of an open database.

    Attributes:
        backend: Reads from it.
        policy: How it is asked.
        ping: Asks it for nothing, past its policy; raises an ApiError where no answer comes.
        pool: The connections to it.
    """

    backend: Backend
    policy: Policy[Answer]
    ping: Callable[[], Awaitable[None]]
    pool: Pool


@asynccontextmanager
async def open_database(
    url: str, limits: PolicyLimits, claims: Claims, writes: Backend, *, named: bool
) -> AsyncIterator[Database]:
    """A database to read from, while it is open. Writes are left to another backend.

    Args:
        limits: As many requests at once as there may be connections.
        named: Whether statements are prepared once and kept.

    Raises:
        UnusableDatabaseError: The address is wrong, the login may do more than it should, or settings of a request do
            not end with it.
    """
    pool = _pool(url, limits.connections, named=named)
    policy: Policy[Answer] = Policy("database", limits, fault)
    try:
        await _look(pool)
        backend = RoutedBackend(PostgresBackend(pool, claims, policy), writes)
        yield Database(backend, policy, partial(_ping, pool), pool)
    finally:
        pool.close()


async def look_at_login(url: str, *, named: bool) -> None:
    """Connect once, and see whether the login is one to serve with.

    Raises:
        UnusableDatabaseError: It is not.
        ApiError: It cannot connect, for now.
    """
    pool = _pool(url, 1, named=named)
    try:
        await _open_first(pool)
    finally:
        pool.close()


def _pool(url: str, size: int, *, named: bool) -> Pool:
    if (wrong := mistake_in(url)) is not None:
        raise UnusableDatabaseError(wrong)
    # As PostgREST's: the schemas of the API, and what it searches beside them on the platform.
    path = ", ".join(map(identifier, (*catalog.schemas(), "extensions")))
    return Pool(url, size=size, named=named, search_path=path)


async def _ping(pool: Pool) -> None:
    if pool.busy:
        # What uses them finds out by itself, and the breaker tells. Waiting would call a busy gateway a dead one.
        return
    session = await pool.take(_PING_SECONDS)
    try:
        await session.connection.ask((Statement("select 1"),), _PING_SECONDS)
    except (AbandonedError, NoAnswerError) as gone:
        if gone.over is None:
            pool.give(session)
        else:
            pool.give_when(gone.over, session)
        raise
    except BackendError as error:
        pool.give(session)
        raise unavailable() from error
    except BaseException:
        pool.give(session)
        raise
    pool.give(session)


async def _look(pool: Pool) -> None:
    """Open the first connection. Where Postgres is away, each is looked at as it is opened."""
    try:
        await _open_first(pool)
    except ApiError as error:
        _log.warning("database away", extra={"fields": {"reason": type(error.__cause__).__name__}})


async def _open_first(pool: Pool) -> None:
    try:
        pool.give(await pool.opened(_START_SECONDS))
    except ApiError as error:
        wrong = error.__cause__
        said = str(wrong) if isinstance(wrong, LoginError | SessionError) else mistake(wrong)
        if said is not None:
            raise UnusableDatabaseError(said) from None
        raise

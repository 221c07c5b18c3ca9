"""Opens the backend that reads from Postgres, and looks at its login before anybody is answered."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gql.errors import ApiError
from gql.table import catalog
from tripgate.upstream.backend import Backend
from tripgate.upstream.postgres.backend import Answer, Claims, PostgresBackend, RoutedBackend, fault
from tripgate.upstream.postgres.login import LoginError
from tripgate.upstream.postgres.pool import Pool
from tripgate.upstream.postgres.render.statement import identifier
from tripgate.upstream.postgres.session import SessionError
from tripgate.upstream.resilience.policy import Policy, PolicyLimits

_START_SECONDS = 5.0
_log = logging.getLogger("tripgate.database")


class UnsafeDatabaseError(Exception):
    """Postgres must not be asked with this login; the message says why, a line each."""


@asynccontextmanager
async def open_database(
    url: str, limits: PolicyLimits, claims: Claims, writes: Backend, *, named: bool
) -> AsyncIterator[tuple[Backend, Policy[Answer]]]:
    """A backend that reads from Postgres and leaves writes to another, and how Postgres is asked.

    Args:
        limits: As many requests at once as there may be connections.
        named: Whether statements are prepared once and kept.

    Raises:
        UnsafeDatabaseError: The login may do more than it should, or settings of a request do not end with it.
    """
    # As PostgREST's: the schemas of the API, and what it searches beside them on the platform.
    path = ", ".join(map(identifier, (*catalog.schemas(), "extensions")))
    pool = Pool(url, size=limits.connections, named=named, search_path=path)
    policy: Policy[Answer] = Policy("database", limits, fault)
    try:
        await _look(pool)
        yield RoutedBackend(PostgresBackend(pool, claims, policy), writes), policy
    finally:
        pool.close()


async def _look(pool: Pool) -> None:
    """Open the first connection. Where Postgres is away, each is looked at as it is opened."""
    try:
        pool.give(await pool.opened(_START_SECONDS))
    except ApiError as error:
        if isinstance(error.__cause__, LoginError | SessionError):
            raise UnsafeDatabaseError(str(error.__cause__)) from None
        _log.warning("database away", extra={"fields": {"reason": type(error.__cause__).__name__}})

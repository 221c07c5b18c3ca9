"""One request: a transaction that begins as the caller's and ends with nothing left of it on its connection."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import pq

from gql.errors import ApiError
from tripgate.upstream.backend import BackendError
from tripgate.upstream.caller import Caller
from tripgate.upstream.http_connection import AbandonedError
from tripgate.upstream.postgres.errors import StatementError
from tripgate.upstream.postgres.pool import Session
from tripgate.upstream.postgres.render import Query, Statement
from tripgate.upstream.postgres.session import (
    ANON,
    AUTHENTICATED,
    CLEAN,
    CLEAN_AFTER_CALLS,
    UNLOCK,
    SessionError,
)
from tripgate.upstream.resilience.failures import unavailable

_FOR_THE_WAY = 0.25
_UNLOCK_SECONDS = 2.0
SAID_NO = 400
"""The status of an answer that is a failure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: its results, or how Postgres refused it.

    Attributes:
        status: As HTTP would say it, since policies of upstreams ask for no more.
    """

    status: int
    results: "Sequence[pq.abc.PGresult]" = ()
    error: BackendError | None = None


async def run(
    session: Session,
    queries: tuple[Query, ...],
    caller: Caller,
    claims: bytes,
    timeout: float,  # noqa: ASYNC109
) -> Answer:
    """Run queries as the caller: their results, as far as none fails, and the failure.

    Raises:
        ApiError: UPSTREAM_UNAVAILABLE, Postgres did not make the caller's transaction of it.
    """
    begins = session.roles[ANON if caller.token is None else AUTHENTICATED]
    milliseconds = max(1, int(1000 * max(timeout / 2, timeout - _FOR_THE_WAY)))
    target = queries[0].target
    begun = begins.begin(claims, milliseconds, target.method, target.path)
    clean = CLEAN_AFTER_CALLS if target.calls else CLEAN
    before: tuple[Statement, ...] = (begun,)
    if begins.pre_request is not None and (begins.reads_call_it or target.calls):
        before = (begun, begins.pre_request)
    if len(queries) == 1 or target.calls or len(before) > 1:
        # A function that is called before each request may look at what is asked, so there is one such thing.
        asked = queries[0].statements
    else:
        alike = itertools.takewhile(lambda query: not query.target.calls, queries)
        asked = tuple(itertools.chain.from_iterable(query.statements for query in alike))
    several = len(asked) > 1
    if several:
        # Each by itself may take all of the time, and all together no more than it.
        go_on = begins.go_on(milliseconds)
        asked = (asked[0], *itertools.chain.from_iterable((go_on, each) for each in asked[1:]))
    statements = (*before, *asked, *clean)
    results, error = await session.connection.run(begins.role, statements, timeout)
    if error is not None and isinstance(error, StatementError) and error.stale:
        # Prepared anew, here: other connections that are free would have one that is as old.
        results, error = await session.connection.run(begins.role, statements, timeout)
    if results:
        try:
            begins.check(results[0], claims)
        except SessionError as wrong:
            # Nothing of such an answer may be seen, and no connection like it be used again.
            session.connection.close()
            raise unavailable() from wrong
    first, ending = len(before), len(statements) - len(clean)
    step = 2 if several else 1
    if error is None:
        return Answer(200, results[first:ending:step])
    if len(results) >= ending:
        # Of what the request has set for good it is not known whether it is gone.
        session.connection.close()
        raise unavailable() from error
    return Answer(SAID_NO, results[first::step], error)


async def unlock(session: Session) -> None:
    """Give up locks of the session. Where that fails, it is of no use any more.

    Raises:
        CancelledError: Likewise.
    """
    try:
        await session.connection.ask((UNLOCK,), _UNLOCK_SECONDS)
    except (ApiError, BackendError):
        session.connection.close()
    except AbandonedError:
        session.connection.close()
        raise asyncio.CancelledError from None

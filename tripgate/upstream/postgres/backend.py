"""A backend that reads straight from Postgres, under the caller's verified claims."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg import pq

from gql.table import Table
from tripgate.planner.plan import FunctionCall, Read
from tripgate.upstream.backend import Backend, BackendError, Plan, PreparedByKey, PreparedPlan, RelatedTables, Rows
from tripgate.upstream.caller import Caller
from tripgate.upstream.calls import UpstreamCall
from tripgate.upstream.database_errors import public_error
from tripgate.upstream.http_connection import AbandonedError
from tripgate.upstream.postgres import errors
from tripgate.upstream.postgres.pool import Pool, Session
from tripgate.upstream.postgres.records import rows_of
from tripgate.upstream.postgres.render import KeyedQuery, Query, Statement, keyed_query, read_query, value_query
from tripgate.upstream.postgres.session import ANON, ANONYMOUS_CLAIMS, AUTHENTICATED, SessionError
from tripgate.upstream.postgres.wire import values
from tripgate.upstream.resilience.failures import unavailable
from tripgate.upstream.resilience.policy import Fault, Policy

Claims = Callable[[str], Awaitable[bytes]]
"""From a token to its claims as JSON; raises UNAUTHENTICATED for one that is not, or no longer, to be trusted."""

_FOR_THE_WAY = 0.25
_SAID_NO = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: its results, or how Postgres refused it.

    Attributes:
        status: As HTTP would say it, since policies of upstreams ask for no more.
    """

    status: int
    results: "Sequence[pq.abc.PGresult]" = ()
    error: BackendError | None = None


class PostgresBackend(Backend):
    """Reads from Postgres what a plan asks for.

    Args:
        claims: The claims of a caller's token. They alone make a caller somebody, so nobody else may have made them.
        policy: How long and how often Postgres is asked; as wide as the pool.
    """

    def __init__(self, pool: Pool, claims: Claims, policy: Policy[Answer]) -> None:
        self._pool = pool
        self._claims = claims
        self._policy = policy

    def prepare(self, plan: Plan) -> PreparedPlan:
        """The query for a plan."""
        if isinstance(plan, Read):
            return read_query(plan)
        if isinstance(plan, FunctionCall):
            return value_query(plan)
        raise TypeError(f"{type(plan).__name__} changes something, and this backend only reads")

    def prepare_by_key(self, read: Read, column: str) -> KeyedQuery:
        """The query for a row of a key."""
        return keyed_query(read, column)

    async def fetch(self, prepared: Any, caller: Caller, table: Table | None, related: RelatedTables = ()) -> Rows:
        """Run a `Query` that was prepared. Raises as `Backend.fetch`."""
        query: Query = prepared
        token = caller.token
        claims = ANONYMOUS_CLAIMS if token is None else await self._claims(token)
        role = ANON if token is None else AUTHENTICATED
        answer = await self._policy.ask(partial(self._attempt, query, role, claims), caller.user_id, repeatable=True)
        error = answer.error
        if error is not None:
            raise public_error(error, caller, table, related) from error
        return _rows(query, answer.results)

    async def _attempt(self, query: Query, role: str, claims: bytes, timeout: float) -> Answer:  # noqa: ASYNC109
        """Ask once, within so many seconds."""
        with UpstreamCall("database", "SQL", query.target.name, query.plan) as call:
            session = self._pool.try_take() or await self._pool.take(timeout)
            try:
                results = await self._run(session, query, role, claims, timeout)
            except AbandonedError as gone:
                self._pool.give_when(gone.over, session)
                raise
            except BackendError as error:
                self._pool.give(session)
                call.status = _SAID_NO
                return Answer(_SAID_NO, (), error)
            except BaseException:
                self._pool.give(session)
                raise
            self._pool.give(session)
            call.status = 200
            return Answer(200, results)

    async def _run(
        self,
        session: Session,
        query: Query,
        role: str,
        claims: bytes,
        timeout: float,  # noqa: ASYNC109
    ) -> "Sequence[pq.abc.PGresult]":
        begins = session.roles[role]
        milliseconds = max(1, int(1000 * max(timeout / 2, timeout - _FOR_THE_WAY)))
        target = query.target
        begun = begins.begin(claims, milliseconds, target.method, target.path)
        first = 1
        if begins.pre_request is not None and (begins.reads_call_it or target.calls):
            statements: tuple[Statement, ...] = (begun, begins.pre_request, *query.statements)
            first = 2
        else:
            statements = (begun, *query.statements)
        results = await session.connection.run(role, statements, timeout)
        try:
            begins.check(results[0], claims)
        except SessionError as error:
            # Nothing of such an answer may be seen, and no connection like it be used again.
            session.connection.close()
            raise unavailable() from error
        return results[first:]


def _rows(query: Query, results: "Sequence[pq.abc.PGresult]") -> Rows:
    if not query.counts:
        return Rows(rows_of(values(results[0])))
    total = int(results[-1].get_value(0, 0) or b"0")
    return Rows(rows_of(values(results[0])) if len(results) > 1 else [], total)


class RoutedBackend(Backend):
    """Two backends as one: what changes nothing goes to the one, and what does to the other.

    The one that reads must see at once what the other has written.
    """

    def __init__(self, reads: Backend, writes: Backend) -> None:
        self._reads = reads
        self._writes = writes

    def prepare(self, plan: Plan) -> PreparedPlan:
        """As the backend that is asked."""
        return (self._reads if isinstance(plan, Read | FunctionCall) else self._writes).prepare(plan)

    def prepare_by_key(self, read: Read, column: str) -> PreparedByKey:
        """As the backend that reads."""
        return self._reads.prepare_by_key(read, column)

    async def fetch(
        self, prepared: PreparedPlan, caller: Caller, table: Table | None, related: RelatedTables = ()
    ) -> Rows:
        """As the backend that is asked."""
        backend = self._reads if isinstance(prepared, Query) else self._writes
        return await backend.fetch(prepared, caller, table, related)


def fault(answer: Answer) -> Fault | None:
    """What an answer says about Postgres, where something is wrong with it."""
    return None if answer.error is None else errors.fault(answer.error)

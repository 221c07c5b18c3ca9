"""A backend that reads straight from Postgres, under the caller's verified claims."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg import pq

from gql.table import Table
from tripgate.planner.plan import FunctionCall, Read
from tripgate.planner.planner import ObjectPlan
from tripgate.upstream.backend import (
    AnswerPlan,
    Backend,
    BackendError,
    Plan,
    PreparedByKey,
    PreparedPlan,
    RelatedTables,
    Rows,
)
from tripgate.upstream.caller import Caller
from tripgate.upstream.calls import UpstreamCall
from tripgate.upstream.database_errors import failure_of_read, public_error
from tripgate.upstream.http_connection import AbandonedError
from tripgate.upstream.postgres import errors
from tripgate.upstream.postgres.pool import Pool, Session
from tripgate.upstream.postgres.records import rows_of
from tripgate.upstream.postgres.render import (
    Frame,
    KeyedQuery,
    Query,
    answer_query,
    keyed_answer_query,
    keyed_query,
    read_query,
    value_query,
)
from tripgate.upstream.postgres.session import (
    ANONYMOUS_CLAIMS,
)
from tripgate.upstream.postgres.transaction import SAID_NO, Answer, run, unlock
from tripgate.upstream.postgres.wire import values
from tripgate.upstream.resilience.failures import NoAnswerError
from tripgate.upstream.resilience.policy import Fault, Policy

Claims = Callable[[str], Awaitable[bytes]]
"""From a token to its claims as JSON; raises UNAUTHENTICATED for one that is not, or no longer, to be trusted."""


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
        self._unlocking: set[asyncio.Task[None]] = set()

    def prepare(self, plan: Plan) -> PreparedPlan:
        """The query for a plan."""
        if isinstance(plan, Read):
            return read_query(plan)
        if isinstance(plan, FunctionCall):
            return value_query(plan)
        raise TypeError(f"{type(plan).__name__} changes something, and this backend only reads")

    def prepare_answer(self, plan: AnswerPlan) -> PreparedPlan | None:
        """The query for an answer's text."""
        return answer_query(plan)

    def prepare_answer_by_key(self, plan: ObjectPlan, column: str) -> PreparedByKey | None:
        """The query for the text of the row of a key."""
        return keyed_answer_query(plan, column)

    def prepare_by_key(self, read: Read, column: str) -> KeyedQuery:
        """The query for a row of a key."""
        return keyed_query(read, column)

    async def fetch(self, prepared: Any, caller: Caller, table: Table | None, related: RelatedTables = ()) -> Rows:
        """Run a `Query` that was prepared. Raises as `Backend.fetch`."""
        query: Query = prepared
        token = caller.token
        claims = ANONYMOUS_CLAIMS if token is None else await self._claims(token)
        attempt = partial(self._attempt, (query,), caller, claims)
        answer = await self._policy.ask(attempt, caller.user_id, repeatable=True)
        error = answer.error
        if error is not None:
            error = failure_of_read(error, query.plan)
            raise public_error(error, caller, table, related) from error
        return _rows(query, answer.results)

    async def fetch_all(self, asked: "Sequence[tuple[Query, Table | None]]", caller: Caller) -> list[Rows | Exception]:
        """Run queries in one packet, which see one state of the database; the rows or the failure of each.

        What comes behind one that fails is asked again without it.

        Raises:
            ApiError: None was answered. As `Backend.fetch`.
        """
        token = caller.token
        claims = ANONYMOUS_CLAIMS if token is None else await self._claims(token)
        outcomes: list[Rows | Exception] = []
        while len(outcomes) < len(asked):
            queries = tuple(query for query, _ in asked[len(outcomes) :])
            attempt = partial(self._attempt, queries, caller, claims)
            answer = await self._policy.ask(attempt, caller.user_id, repeatable=True)
            results = answer.results
            for query in queries:
                count = len(query.statements)
                if len(results) < count:
                    break
                outcomes.append(_rows(query, results[:count]))
                results = results[count:]
            if answer.error is not None:
                failed, table = asked[len(outcomes)]
                outcomes.append(_failure(failure_of_read(answer.error, failed.plan), caller, table))
        return outcomes

    async def _attempt(
        self,
        queries: tuple[Query, ...],
        caller: Caller,
        claims: bytes,
        timeout: float,  # noqa: ASYNC109
    ) -> Answer:
        """Ask once, within so many seconds."""
        with UpstreamCall("database", "SQL", queries[0].target.name, queries[0].plan) as call:
            session = self._pool.try_take()
            if session is None:
                began = time.monotonic()
                session = await self._pool.take(timeout)
                timeout = max(0.001, timeout - (time.monotonic() - began))
            try:
                answer = await run(session, queries, caller, claims, timeout)
                if answer.error is not None and _calls(queries):
                    await unlock(session)
            except (AbandonedError, NoAnswerError) as gone:
                if gone.over is None:
                    self._pool.give(session)
                else:
                    gone.over.add_done_callback(lambda _: self._give_unlocked(session, queries))
                raise
            except BackendError as error:
                self._pool.give(session)
                call.status = SAID_NO
                return Answer(SAID_NO, (), error)
            except BaseException:
                self._pool.give(session)
                raise
            self._pool.give(session)
            call.status = answer.status
            return answer

    def _give_unlocked(self, session: Session, queries: tuple[Query, ...]) -> None:
        """Give a session back after a request that nobody waits for any more."""
        if session.connection.broken or not _calls(queries):
            self._pool.give(session)
            return
        task = asyncio.get_running_loop().create_task(unlock(session))
        self._unlocking.add(task)
        task.add_done_callback(self._unlocking.discard)
        task.add_done_callback(lambda _: self._pool.give(session))


def _calls(queries: tuple[Query, ...]) -> bool:
    return any(query.target.calls for query in queries)


def _failure(error: BackendError, caller: Caller, table: Table | None) -> Exception:
    """A failure as the caller is told, or as it is where no caller could have brought it about."""
    try:
        told = public_error(error, caller, table)
    except BackendError as masked:
        return masked
    told.__cause__ = error
    return told


def _rows(query: Query, results: "Sequence[pq.abc.PGresult]") -> Rows:
    if query.frame is not None:
        return _framed(query.frame, *results)
    if query.answers:
        if not results[0].ntuples:
            return Rows((), count=0)
        text = results[0].get_value(0, 0)
        if text is None:
            raise BackendError(None, "an answer that Postgres wrote is null")
        return Rows((), text=text, count=int(results[0].get_value(0, 1) or b"0"))
    if not query.counts:
        return Rows(rows_of(values(results[0])))
    total = int(results[-1].get_value(0, 0) or b"0")
    return Rows(rows_of(values(results[0])) if len(results) > 1 else [], total)


def _framed(frame: Frame, result: "pq.abc.PGresult", *totals: "pq.abc.PGresult") -> Rows:
    get, rows = result.get_value, range(result.ntuples)
    count = sum(int(get(row, 1) or b"0") for row in rows)
    # That which holds nothing but the row beyond the page has no text.
    texts = {row: text for row in rows if (text := get(row, 0)) is not None}
    ends = None
    if frame.cursors and texts:
        ends = get(min(texts), 2) or b"null", get(max(texts), 3) or b"null"
    beside = [each.get_value(0, column) or b"null" for each in totals for column in range(each.nfields)]
    return Rows((), text=frame.around([*texts.values()], count, ends, beside), count=count)


class GatheringBackend(Backend):
    """Asks at once what one operation asks at the same moment.

    Args:
        backend: What is asked for everything that changes something.
        reads: What is asked for everything else.
    """

    def __init__(self, backend: Backend, reads: PostgresBackend) -> None:
        self._backend = backend
        self._reads = reads
        self._gathered: list[_Asked] = []

    def prepare(self, plan: Plan) -> PreparedPlan:
        """As the backend."""
        return self._backend.prepare(plan)

    def gathering(self) -> Backend:
        """Itself."""
        return self

    def prepare_answer(self, plan: AnswerPlan) -> PreparedPlan | None:
        """As the backend."""
        return self._backend.prepare_answer(plan)

    def prepare_answer_by_key(self, plan: ObjectPlan, column: str) -> PreparedByKey | None:
        """As the backend."""
        return self._backend.prepare_answer_by_key(plan, column)

    def prepare_by_key(self, read: Read, column: str) -> PreparedByKey:
        """As the backend."""
        return self._backend.prepare_by_key(read, column)

    async def fetch(
        self, prepared: PreparedPlan, caller: Caller, table: Table | None, related: RelatedTables = ()
    ) -> Rows:
        """With all that is asked at this moment. Raises as `Backend.fetch`."""
        if not isinstance(prepared, Query):
            return await self._backend.fetch(prepared, caller, table, related)
        loop = asyncio.get_running_loop()
        asked = _Asked(prepared, caller, table, loop.create_future())
        self._gathered.append(asked)
        if len(self._gathered) == 1:
            # In two turns of the loop: a field that asks for two things begins with them in the next one.
            loop.call_soon(loop.call_soon, self._send)
        return await asked.answer

    def _send(self) -> None:
        gathered, self._gathered = self._gathered, []
        packet = _Packet(gathered)
        task = asyncio.get_running_loop().create_task(packet.run(self._reads))
        for asked in gathered:
            asked.answer.add_done_callback(lambda _: packet.left(task))


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One of those that are asked at once."""

    query: Query
    caller: Caller
    table: Table | None
    answer: "asyncio.Future[Rows]"


class _Packet:
    """What is asked at once. It goes on while anybody waits for an answer."""

    def __init__(self, asked: "list[_Asked]") -> None:
        self._asked = asked
        self._waiting = len(asked)

    async def run(self, backend: PostgresBackend) -> None:
        """Ask, and answer everybody."""
        asked = [each for each in self._asked if not each.answer.done()]
        if not asked:
            return
        try:
            found: Sequence[Rows | Exception] = await backend.fetch_all(
                [(each.query, each.table) for each in asked], asked[0].caller
            )
        except Exception as error:
            found = [error] * len(asked)
        for each, outcome in zip(asked, found, strict=True):
            if each.answer.done():
                continue
            if isinstance(outcome, Exception):
                each.answer.set_exception(outcome)
            else:
                each.answer.set_result(outcome)

    def left(self, task: "asyncio.Task[None]") -> None:
        """One is answered, or does not wait any more."""
        self._waiting -= 1
        if not self._waiting:
            task.cancel()


class RoutedBackend(Backend):
    """Two backends as one: what changes nothing goes to the one, and what does to the other.

    The one that reads must see at once what the other has written.
    """

    def __init__(self, reads: PostgresBackend, writes: Backend) -> None:
        self._reads = reads
        self._writes = writes

    def gathering(self) -> Backend:
        """One that reads at once what is asked at the same moment."""
        return GatheringBackend(self, self._reads)

    def prepare(self, plan: Plan) -> PreparedPlan:
        """As the backend that is asked."""
        return (self._reads if isinstance(plan, Read | FunctionCall) else self._writes).prepare(plan)

    def prepare_answer(self, plan: AnswerPlan) -> PreparedPlan | None:
        """As the backend that reads."""
        return self._reads.prepare_answer(plan)

    def prepare_answer_by_key(self, plan: ObjectPlan, column: str) -> PreparedByKey | None:
        """As the backend that reads."""
        return self._reads.prepare_answer_by_key(plan, column)

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

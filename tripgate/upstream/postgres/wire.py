"""One connection to Postgres, on which one request at a time is sent as one packet: libpq's pipeline mode, no threads.

Everything up to a `Sync` is one implicit transaction. Settings that are local to it end there, an error needs no
ROLLBACK, and nothing of a request is left on the connection but its prepared statements.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import pq

from tripgate.upstream.backend import BackendError
from tripgate.upstream.http_connection import AbandonedError
from tripgate.upstream.postgres.errors import StatementError, failure_of, fault
from tripgate.upstream.postgres.render import Statement
from tripgate.upstream.resilience.failures import timed_out, unavailable

MOST_CHARACTERS = 100_000
"""Of the prepared statements that a connection keeps, whoever's they are. Postgres takes about 120 bytes of memory for
each character of one and its plan, and as much as 200 characters more for the statement itself: 12 MB in all."""

_EACH = 200

_TUPLES = pq.ExecStatus.TUPLES_OK
_DONE = pq.ExecStatus.COMMAND_OK
_WELL = (_TUPLES, _DONE)
_SYNC = pq.ExecStatus.PIPELINE_SYNC
_FAILED = pq.ExecStatus.FATAL_ERROR
_CLOSES_STATEMENTS = pq.version() >= 170000

_log = logging.getLogger("tripgate.database")

Values = list[bytes | None]
"""The first column of a statement's rows, or all of one row; `None` for null."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was sent, to know the answers by: a statement to prepare, to close or, without a name, to run."""

    text: str
    name: bytes = b""


class WireConnection:
    """An open connection in pipeline mode.

    Args:
        connection: Just opened by psycopg, which does no more than that.
        named: Whether statements are prepared once and kept; poolers that change connections between transactions may
            not know them.

    Attributes:
        broken: Whether it is of no use any more.
        opened_at: By the loop's clock.
    """

    def __init__(self, connection: psycopg.AsyncConnection, *, named: bool) -> None:
        self._connection = connection
        self._pg = connection.pgconn
        self._named = named
        self._loop = asyncio.get_running_loop()
        # By role and text, the one not used for longest first.
        self._prepared: dict[tuple[str, str], bytes] = {}
        self._characters = 0
        self._role = ""
        # A pooler may lead two connections to one of Postgres, where a name must not mean another's statement.
        self._prefix = b"t%b_" % secrets.token_hex(6).encode()
        self._names = 0
        self._stale: set[str] = set()
        self._sent: list[_Sent] = []
        self._results: list[pq.abc.PGresult] = []
        self._waiting: asyncio.Future[None] | None = None
        self._over: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._preparing = False
        self.broken = False
        self.opened_at = self._loop.time()
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._socket = self._pg.socket
        self._loop.add_reader(self._socket, self._readable)

    @classmethod
    async def open(cls, url: str, *, named: bool, timeout: float) -> "WireConnection":  # noqa: ASYNC109 - psycopg's too
        """Connect.

        Raises:
            psycopg.Error: It cannot be had.
            TimeoutError: It cannot be had in time.
        """
        async with asyncio.timeout(timeout):
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        return cls(connection, named=named)

    @property
    def server(self) -> tuple[str, str]:
        """The host and the port that it leads to."""
        return self._connection.info.host, str(self._connection.info.port)

    async def run(
        self,
        role: str,
        statements: Sequence[Statement],
        timeout: float,  # noqa: ASYNC109 - one timer, and not a cancellation
    ) -> "tuple[list[pq.abc.PGresult], BackendError | None]":
        """Run these statements in one transaction: the results of those before the first that fails, and its failure.

        Args:
            role: Whose prepared statements they are: a plan of a table with policies belongs to a role.
            timeout: Seconds. Whoever has no answer by then gets none; the connection has as long again to be free.

        Raises:
            BackendError: Postgres hung up, and said why.
            NoAnswerError: The connection broke, or was too slow; then the connection is free once `over` is done.
            AbandonedError: This task was cancelled while Postgres goes on; the connection is free once that is over.
        """
        if self.broken:
            raise unavailable(sent=False)
        try:
            self._send(role, statements)
        except psycopg.Error:
            self.close()
            raise unavailable(sent=False) from None
        waiting = self._waiting = self._loop.create_future()
        self._timer = self._loop.call_later(timeout, self._expire, timeout)
        try:
            await waiting
        except asyncio.CancelledError:
            if self._waiting is None:
                raise
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # too late as well, which nobody is there to be told
            over = self._over = self._loop.create_future()
            raise AbandonedError(over) from None
        results, error = self._answers()
        if error is not None and isinstance(error, StatementError) and error.stale:
            # Under its old name it goes with the connection.
            text = statements[len(results)].text
            self._forget(self._role, text)
            self._stale.add(text)
        return results, error

    async def ask(self, statements: Sequence[Statement], timeout: float) -> "list[pq.abc.PGresult]":  # noqa: ASYNC109
        """What these statements answer, as nobody but the login itself; for what no caller asks.

        Raises:
            BackendError: One fails. Otherwise as `run`.
        """
        results, error = await self.run("", statements, timeout)
        if error is not None:
            raise error
        return results

    def close(self) -> None:
        """Hang up."""
        if self.broken:
            return
        self.broken = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._pg.finish()
        self._end()

    def _send(self, role: str, statements: Sequence[Statement]) -> None:
        pg, sent = self._pg, self._sent
        sent.clear()
        self._results = []
        self._preparing = False
        if not self._named:
            for statement in statements:
                pg.send_query_params(statement.text.encode(), statement.values)
                sent.append(_Sent(statement.text))
        else:
            prepared, self._role = self._prepared, role
            while self._characters > MOST_CHARACTERS and prepared:
                self._close_statement(*next(iter(prepared)))
            for statement in statements:
                key = role, statement.text
                name = prepared.pop(key, None)
                if name is None:
                    name = self._prepare(statement.text)
                else:
                    prepared[key] = name
                pg.send_query_prepared(name, statement.values)
                sent.append(_RUN)
        pg.pipeline_sync()
        self._flush()

    def _prepare(self, text: str) -> bytes:
        for sent in self._sent:
            if sent.text == text and sent.name:
                return sent.name  # twice in one packet
        self._preparing = True
        self._names += 1
        name = b"%b%d" % (self._prefix, self._names)
        # Poolers take one text for one statement, so one that was stale must be another text.
        written = text.encode() if text not in self._stale else b"%b --%b" % (text.encode(), name)
        self._pg.send_prepare(name, written)
        self._sent.append(_Sent(text, name))
        return name

    def _close_statement(self, role: str, text: str) -> None:
        self._preparing = True
        name = self._prepared[role, text]
        self._forget(role, text)
        if _CLOSES_STATEMENTS:
            self._pg.send_close_prepared(name)
        else:
            self._pg.send_query_params(b"deallocate " + name, None)
        self._sent.append(_Sent("", name))

    def _forget(self, role: str, text: str) -> None:
        if self._prepared.pop((role, text), None) is not None:
            self._characters -= len(text) + _EACH

    def _flush(self) -> None:
        if self._pg.flush():
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        try:
            if not self._pg.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error:
            self.close()

    def _readable(self) -> None:
        pg, results = self._pg, self._results
        try:
            pg.consume_input()
            if self._waiting is None and self._over is None:
                # Nobody has asked: it is a notice, or the end.
                if pg.status == pq.ConnStatus.BAD:
                    self.close()
                return
            ended = False
            while not pg.is_busy():
                result = pg.get_result()
                if result is None:
                    if ended:
                        # One ends each statement. After nonsense libpq says nothing else, for ever.
                        if pg.status == pq.ConnStatus.BAD:
                            self.close()
                        return
                    ended = True
                    continue
                ended = False
                if result.status == _SYNC:
                    self._end()
                    return
                results.append(result)
        except psycopg.Error:
            self._take_rest()
            self.close()

    def _take_rest(self) -> None:
        """What Postgres said before it hung up."""
        try:
            while (result := self._pg.get_result()) is not None:
                self._results.append(result)
        except psycopg.Error:
            pass

    def _expire(self, seconds: float) -> None:
        """Tell whoever waits that it takes too long. Postgres ends its statements by itself, or is not there."""
        self._timer = self._loop.call_later(seconds, self.close)
        waiting = self._waiting
        if waiting is not None and not waiting.done():
            self._over = self._loop.create_future()
            waiting.set_exception(timed_out(over=self._over))

    def _end(self) -> None:
        """The request is over: answered, or not to be any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, None
        over, self._over = self._over, None
        if self._preparing:
            self._note_prepared()
        if over is not None:
            over.set_result(None)
        elif waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _answers(self) -> "tuple[list[pq.abc.PGresult], BackendError | None]":
        results = self._results
        if self.broken:
            said = next((failure_of(each) for each in results if each.status == _FAILED), None)
            # Whatever else it is that ends a connection, it is nothing that a request has brought about.
            raise unavailable() if said is None or fault(said) is None else said
        if not self._preparing:
            # The usual case.
            for place, result in enumerate(results):
                if result.status not in _WELL:
                    return results[:place], self._failure(result)
            return results, None
        found: list[pq.abc.PGresult] = []
        for result, sent in zip(results, self._sent, strict=False):
            if result.status not in _WELL:
                return found, self._failure(result)
            if not sent.name:
                found.append(result)
        return found, None

    def _note_prepared(self) -> None:
        """Keep the names of those statements that Postgres has prepared, whatever became of the rest."""
        for result, sent in zip(self._results, self._sent, strict=False):
            if sent.name and sent.text and result.status == _DONE:
                self._forget(self._role, sent.text)
                self._prepared[self._role, sent.text] = sent.name
                self._characters += len(sent.text) + _EACH

    def _failure(self, result: pq.abc.PGresult) -> BackendError:
        error = failure_of(result)
        if result.error_field(pq.DiagnosticField.SQLSTATE) is None:
            # Not Postgres' words, but libpq's about what it does not understand.
            self.close()
        if not isinstance(error, StatementError):
            return error
        if not error.stale:
            self.close()
        if error.code == _LOST:
            _log.error("prepared statement lost", extra={"fields": {"reason": _POOLER}})
        return error


_RUN = _Sent("")
_LOST = "26000"
_POOLER = (
    "A pooler stands before the database that does not keep prepared statements. "
    "Set TRIPGATE_DATABASE_PREPARED=false, or have it lend connections for a session."
)


def values(result: "pq.abc.PGresult") -> Values:
    """The first column of all rows."""
    return [result.get_value(row, 0) for row in range(result.ntuples)]

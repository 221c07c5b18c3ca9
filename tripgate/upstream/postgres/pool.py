"""A bounded number of connections, opened when they are wanted."""

import asyncio
import logging
import random
import time
from collections import deque
from dataclasses import dataclass

import psycopg

from tripgate.upstream.backend import BackendError
from tripgate.upstream.database_errors import back_in
from tripgate.upstream.http_connection import AbandonedError
from tripgate.upstream.postgres.address import Address
from tripgate.upstream.postgres.login import LoginError, check_login
from tripgate.upstream.postgres.refusals import mistake, passes
from tripgate.upstream.postgres.session import RoleSession, SessionError, open_sessions
from tripgate.upstream.postgres.wire import WireConnection
from tripgate.upstream.resilience.failures import NoAnswerError, timed_out, unavailable

OLDEST_SECONDS = 1800.0
"""After so long, give or take a tenth, a connection is opened anew: what it keeps, and whom it leads to, may be old."""

_CONNECT_SECONDS = 5.0
_REFUSED_SECONDS = 1.0
_SAID_AGAIN_SECONDS = 10.0
_log = logging.getLogger("tripgate.database")


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A connection and how requests begin on it, by role."""

    connection: WireConnection
    roles: dict[str, RoleSession]
    ends_at: float


@dataclass(slots=True)
class _Counts:
    """What became of connections so far.

    Attributes:
        opened: Those that were ready for requests.
        refused: Those that were not to be had, or not to be trusted.
        broken: Those that ended otherwise than by age and by the pool's end.
    """

    opened: int = 0
    refused: int = 0
    broken: int = 0


class Pool:
    """Connections of one login.

    Args:
        url: As libpq takes it.
        size: How many at most.
        named: Whether statements are prepared under names and kept.
        search_path: Where computed columns are found.
    """

    def __init__(self, url: str, *, size: int, named: bool, search_path: str) -> None:
        self._address = Address(url)
        self._size = size
        self._named = named
        self._search_path = search_path
        self._idle: list[Session] = []
        self._count = 0
        self._tasks: dict[asyncio.Task[Session], None] = {}
        self._refused_until = float("-inf")
        self._later: asyncio.TimerHandle | None = None
        self._said: tuple[str, float] = ("", float("-inf"))
        self._counts = _Counts()
        self._waiting: deque[asyncio.Future[Session]] = deque()
        self._closed = False

    @property
    def open(self) -> int:
        """How many connections there are, those being opened included."""
        return self._count

    @property
    def idle(self) -> int:
        """How many of them are free."""
        return len(self._idle)

    @property
    def busy(self) -> bool:
        """Whether all that there may be are in use, or all that Postgres grants."""
        return not self._idle and (self._count >= self._size or self._held_back)

    @property
    def _held_back(self) -> bool:
        """Whether no more are opened for the moment: Postgres has just refused one, and others are there.

        One that is tried in vain takes Postgres as much as one that is had.
        """
        return self._count > len(self._tasks) and time.monotonic() < self._refused_until

    def connections(self) -> dict[str, float]:
        """How many are used and idle, and how many requests wait for one, to be measured."""
        waiting = sum(not each.done() for each in self._waiting)
        return {"used": self._count - len(self._idle), "idle": len(self._idle), "waiting": waiting}

    def changes(self) -> dict[str, float]:
        """What became of connections so far, to be measured."""
        counts = self._counts
        return {"opened": counts.opened, "refused": counts.refused, "broken": counts.broken}

    def try_take(self) -> Session | None:
        """A free connection, if there is one: the one that was used last."""
        idle = self._idle
        while idle:
            session = idle.pop()
            if not session.connection.broken:
                return session
            self._count -= 1
            self._counts.broken += 1
        return None

    async def take(self, timeout: float) -> Session:  # noqa: ASYNC109 - the pool's own
        """A free connection, or the next that is opened or given back.

        Args:
            timeout: Seconds.

        Raises:
            NoAnswerError: There is none in time, or none to be had and none to wait for.
        """
        if self._closed:
            raise unavailable(sent=False)
        if (found := self.try_take()) is not None:
            return found
        waiting: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._open_more()
        try:
            async with asyncio.timeout(timeout):
                return await waiting
        except TimeoutError:
            late = timed_out()
            late.sent = False
            self._gone(waiting)
            raise late from None
        except asyncio.CancelledError:
            self._gone(waiting)
            raise

    def give(self, session: Session) -> None:
        """Take a connection back that nobody uses any more."""
        connection = session.connection
        if self._closed or connection.broken or time.monotonic() >= session.ends_at:
            self._counts.broken += connection.broken and not self._closed
            self._forget(connection)
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(session)
                return
        self._idle.append(session)

    def give_when(self, over: "asyncio.Future[None]", session: Session) -> None:
        """Take a connection back once Postgres is done with a request that nobody waits for."""
        over.add_done_callback(lambda _: self.give(session))

    async def opened(self, seconds: float) -> Session:
        """A new connection, of which it is known that it does what it must.

        Raises:
            NoAnswerError: It is not to be had.
        """
        self._count += 1
        try:
            return await self._open(seconds)
        except BaseException:
            self._count -= 1
            raise

    def close(self) -> None:
        """Hang up all that are free, and the others once they are given back."""
        self._closed = True
        if self._later is not None:
            self._later.cancel()
        for task in self._tasks:
            task.cancel()
        while self._idle:
            self._forget(self._idle.pop().connection)
        self._fail(unavailable(sent=False))

    def _open_more(self) -> None:
        """Open as many connections as there are requests that wait for one, within the pool's size."""
        if self._closed or self._held_back:
            return
        wanted = sum(not each.done() for each in self._waiting) - len(self._tasks)
        for _ in range(min(wanted, self._size - self._count)):
            self._count += 1
            task = asyncio.get_running_loop().create_task(self._open(_CONNECT_SECONDS))
            self._tasks[task] = None
            task.add_done_callback(self._opened)

    def _opened(self, task: "asyncio.Task[Session]") -> None:
        """A connection that was wanted is there, or will not be."""
        del self._tasks[task]
        if not task.cancelled() and task.exception() is None:
            self.give(task.result())
            return
        self._count -= 1
        if task.cancelled():
            self._open_more()
        elif self._count and isinstance(task.exception(), NoAnswerError):
            # Others are there, or are being opened, and will be given to those who wait.
            self._refused_until = time.monotonic() + _REFUSED_SECONDS
            if self._later is not None:
                self._later.cancel()
            self._later = asyncio.get_running_loop().call_later(_REFUSED_SECONDS, self._try_again)
        else:
            self._fail(task.exception() or unavailable(sent=False))

    async def _open(self, seconds: float) -> Session:
        connection = None
        try:
            within = max(seconds, self._address.seconds)
            connection = await WireConnection.open(self._address.conninfo, named=self._named, timeout=within)
            self._address.had(*connection.server)
            await check_login(connection, seconds)
            roles = await open_sessions(connection, self._search_path, seconds)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, Exception) or isinstance(error, AbandonedError):
                # Whoever waited has gone: nothing else of it is of use.
                raise asyncio.CancelledError from None
            self._counts.refused += 1
            raise self._unopened(error) from error
        self._counts.opened += 1
        age = OLDEST_SECONDS * random.uniform(0.9, 1.1)  # noqa: S311
        return Session(connection, roles, time.monotonic() + age)

    def _try_again(self) -> None:
        self._refused_until = float("-inf")
        self._open_more()

    def _fail(self, error: BaseException) -> None:
        """Tell all who wait that there is nothing to wait for."""
        while self._waiting:
            if not (waiting := self._waiting.popleft()).done():
                waiting.set_exception(error)

    def _gone(self, waiting: "asyncio.Future[Session]") -> None:
        """Whoever waited does so no more."""
        if waiting.done() and not waiting.cancelled():
            if waiting.exception() is None:
                self.give(waiting.result())
            return
        # What is being opened for nobody may be what took too long.
        if len(self._tasks) > sum(not each.done() for each in self._waiting):
            next(iter(self._tasks)).cancel()

    def _forget(self, connection: WireConnection) -> None:
        """One connection less, so there is a place for another."""
        connection.close()
        self._count -= 1
        self._open_more()

    def _unopened(self, error: Exception) -> NoAnswerError:
        """Why there is no connection, for the log and for the caller."""
        if isinstance(error, LoginError | SessionError):
            _log.error("database login refused", extra={"fields": {"reason": str(error)}})
        elif isinstance(error, psycopg.Error | BackendError | TimeoutError | OSError | NoAnswerError):
            self._say(str(error) or "It did not answer in time.", mistake(error))
        if isinstance(error, psycopg.Error | BackendError | TimeoutError | OSError | LoginError | SessionError):
            code = error.code or "" if isinstance(error, BackendError) else passes(error)
            return unavailable(sent=False, retry_after=back_in(str(code)))
        if isinstance(error, NoAnswerError):
            error.sent = False
            return error
        raise error

    def _say(self, reason: str, wrong: str | None) -> None:
        """Log why no connection is to be had, now and then; libpq names address and login, and no password.

        Args:
            wrong: What somebody must mend, where it is that.
        """
        said, at = self._said
        if reason != said or time.monotonic() - at > _SAID_AGAIN_SECONDS:
            self._said = reason, time.monotonic()
            if wrong is None:
                _log.warning("database away", extra={"fields": {"reason": reason}})
            else:
                _log.error("database login refused", extra={"fields": {"reason": f"{wrong} ({reason})"}})

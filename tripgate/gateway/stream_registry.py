"""Event streams of many operations, from when they are reserved until they end: whose they are, and what is told."""

import asyncio
import itertools
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from gql.errors import ErrorCode
from resolvers.context import Refreshable
from tripgate.gateway.edge.connections import LiveConnections
from tripgate.gateway.edge.http_error import HttpError
from tripgate.upstream.caller import Caller

_MOST_WAITING = 16


@dataclass(frozen=True, slots=True)
class SingleStreamLimits:
    """How streams are bounded.

    Attributes:
        open_timeout: Seconds within which a reserved stream must be opened.
        idle_timeout: Seconds after which one that runs nothing is ended where nobody is signed in.
        most_operations: How many operations run at once on one.
        one_process: Whether there is no other process to which a later request about a stream could come.
    """

    open_timeout: float = 10.0
    idle_timeout: float = 60.0
    most_operations: int = 50
    one_process: bool = True


class SingleStream:
    """One stream, reserved or open.

    Attributes:
        caller: Who reserved it, under the newest token that they have shown.
        operations: Those that run, by the names that the client gave them.
        tasks: The same, and those whose end is being told.
        finite: Those of them that end by themselves.
        live: What goes on under a newer token.
        waiting: What is to be told; whoever tells waits until the reader takes more. `None` ends the stream.
        opened: Whether it is open; it never is a second time.
        reservation: Counts it as a connection until it is opened.
        counted_for: The person for whom it waits to be opened, or the address of whoever is not signed in.
    """

    __slots__ = (
        "caller",
        "counted_for",
        "finite",
        "late",
        "live",
        "numbers",
        "opened",
        "operations",
        "reservation",
        "tasks",
        "waiting",
    )

    def __init__(self, caller: Caller, counted_for: str, reservation: AbstractContextManager[None]) -> None:
        self.caller = caller
        self.counted_for = counted_for
        self.operations: dict[str, asyncio.Task[None]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.finite: set[asyncio.Task[None]] = set()
        self.live: set[Refreshable] = set()
        self.waiting: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(maxsize=1)
        self.opened = False
        self.reservation = reservation
        self.late: asyncio.TimerHandle | None = None
        self.numbers = itertools.count(1)

    def start(self, id_: str, run: Coroutine[Any, Any, None]) -> None:
        """Run an operation under this name."""
        task = self.operations[id_] = asyncio.create_task(run)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def may_end_first(self) -> None:
        """The operation that runs here ends by itself, so a server that stops waits for it."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - operations run in tasks
        self.finite.add(task)
        task.add_done_callback(self.finite.discard)

    def refresh(self, caller: Caller) -> None:
        """Go on under a token of the same person that lasts longer."""
        if (caller.expires_at or 0.0) > (self.caller.expires_at or 0.0):
            self.caller = caller
            for each in self.live:
                each.refresh(caller)

    @property
    def idle(self) -> bool:
        """Whether it runs nothing and is nobody's who is signed in."""
        return not self.operations and (self.caller.anonymous or self.caller.expired)


class StreamRegistry:
    """The reserved and open streams of this process, by their tokens.

    Args:
        open_connections: Count each stream as a connection of its address, from when it is reserved.
    """

    def __init__(self, limits: SingleStreamLimits, open_connections: LiveConnections) -> None:
        self._limits = limits
        self._open = open_connections
        self._streams: dict[str, SingleStream] = {}
        self._reserved: Counter[str] = Counter()

    def reserve(self, caller: Caller, address: str) -> str:
        """The token of a new stream, which ends by itself unless it is opened in time.

        Raises:
            HttpError: RATE_LIMITED or OVERLOADED, there are too many.
        """
        counted_for = caller.user_id or address
        if self._reserved[counted_for] >= _MOST_WAITING:
            whose = "one person" if caller.user_id else "one address where nobody is signed in"
            message = f"{_MOST_WAITING} event streams of {whose} wait to be opened. Open one first."
            raise HttpError(429, message, ErrorCode.RATE_LIMITED, {"Retry-After": "1"})
        reservation = self._open.one_more(address)
        reservation.__enter__()
        token = secrets.token_urlsafe(32)
        stream = self._streams[token] = SingleStream(caller, counted_for, reservation)
        self._reserved[counted_for] += 1
        stream.late = asyncio.get_running_loop().call_later(self._limits.open_timeout, self.forget, token)
        return token

    def found(self, token: str, caller: Caller, *, or_nobody: bool = False) -> SingleStream:
        """The stream with this token, if it is the caller's.

        Args:
            or_nobody: Whether it may be asked for without saying who asks.

        Raises:
            HttpError: 404, it is not, or there is none; the same for both.
        """
        stream = self._streams.get(token)
        if stream is not None and (stream.caller.user_id == caller.user_id or (or_nobody and caller.user_id is None)):
            return stream
        message = "There is no such event stream of yours: reserve one by PUT, and open it within {:g} seconds."
        raise HttpError(404, message.format(self._limits.open_timeout), ErrorCode.NOT_FOUND)

    def open(self, stream: SingleStream) -> None:
        """Count a stream as reserved no longer: from now on its connection is counted.

        Raises:
            HttpError: 409, it is open already.
        """
        if stream.opened:
            raise HttpError(409, "This event stream is open already.", ErrorCode.CONFLICT, reason="STREAM_OPEN")
        stream.opened = True
        self._release(stream)

    def forget(self, token: str) -> None:
        """End a stream and all that runs on it."""
        stream = self._streams.pop(token, None)
        if stream is not None:
            self._release(stream)
            for task in stream.tasks:
                task.cancel()

    def _release(self, stream: SingleStream) -> None:
        if stream.late is None:
            return
        stream.late.cancel()
        stream.late = None
        stream.reservation.__exit__(None, None, None)
        self._reserved[stream.counted_for] -= 1
        if not self._reserved[stream.counted_for]:
            del self._reserved[stream.counted_for]

    async def told(self, stream: SingleStream) -> AsyncGenerator[dict[str, Any], None]:
        """What is told on a stream, until it ends."""
        while True:
            try:
                async with asyncio.timeout(self._limits.idle_timeout):
                    told = await stream.waiting.get()
            except TimeoutError:
                if stream.idle:
                    return
                continue
            if told is None:
                return
            yield told

    def items(self) -> Iterable[tuple[str, SingleStream]]:
        """All of them, as they are now."""
        return list(self._streams.items())

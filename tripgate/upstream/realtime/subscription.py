"""One subscriber of a topic: its queue, its admission, its end."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, Operation, resync

Admit = Callable[[Caller], Awaitable[None]]
"""Reads what the topic is about under the caller's own token; raises when that caller may not see it."""


class Subscription:
    """Changes for one person, in order, each once.

    Nothing is handed out while the person's admission is in doubt: at the start, after every membership event, after a
    new token, and when a minute has passed. A reader that does not keep up gets one RESYNC instead of what it missed.

    Args:
        most_waiting: How many changes wait for a slow reader.
        recheck: Seconds for which an admission is good.
    """

    def __init__(self, caller: Caller, admit: Admit, *, most_waiting: int, recheck: float) -> None:
        self.caller = caller
        self._admit = admit
        self._recheck = recheck
        self._most_waiting = most_waiting
        self._waiting: deque[Change] = deque()
        self._news = asyncio.Event()
        self._admitted_until = 0.0
        self._failure: ApiError | None = None
        self._ended = False
        self.on_refresh: Callable[[Subscription], None] = lambda _: None

    def push(self, change: Change) -> None:
        """Hand a change to the reader, as soon as it may have it."""
        if len(self._waiting) >= self._most_waiting or (change.operation is Operation.RESYNC and self._waiting):
            self._waiting.clear()
            change = resync()
        self._waiting.append(change)
        self._news.set()

    def doubt(self) -> None:
        """Ask anew whether this person may see the topic, before anything more is handed out."""
        self._admitted_until = 0.0
        self._news.set()

    def refresh(self, caller: Caller) -> None:
        """Go on under a newer token of the same person."""
        self.caller = caller
        self.doubt()
        self.on_refresh(self)

    def fail(self, error: ApiError) -> None:
        """End with this error; what waits is not handed out."""
        self._failure = error
        self._waiting.clear()
        self._news.set()

    def end(self) -> None:
        """End once what waits has been handed out."""
        self._ended = True
        self._news.set()

    @property
    def waiting(self) -> int:
        """How many changes wait."""
        return len(self._waiting)

    async def admit(self) -> None:
        """Make sure that the person may see the topic now.

        Raises:
            ApiError: FORBIDDEN, or UNAUTHENTICATED for a token that has expired.
        """
        if self.caller.expired:
            raise ApiError(ErrorCode.UNAUTHENTICATED, "The access token has expired. Refresh the session.")
        while self._admitted_until == 0.0:
            # Set before asking: a doubt that comes up meanwhile makes it ask again.
            self._admitted_until = time.monotonic() + self._recheck
            try:
                await self._admit(self.caller)
            except BaseException:
                self._admitted_until = 0.0
                raise

    async def changes(self) -> AsyncGenerator[Change, None]:
        """The changes until the end.

        Raises:
            ApiError: FORBIDDEN when the person may see the topic no longer; UNAUTHENTICATED when the token expires.
        """
        while True:
            if self._failure is not None:
                raise self._failure
            if time.monotonic() >= self._admitted_until or self.caller.expired:
                self._admitted_until = 0.0
                await self.admit()
                continue
            if self._waiting:
                yield self._waiting.popleft()
                continue
            if self._ended:
                return
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), self._patience())
            except TimeoutError:
                continue

    def _patience(self) -> float:
        until = self._admitted_until - time.monotonic()
        if self.caller.expires_at is not None:
            until = min(until, self.caller.expires_at - time.time())
        return max(until, 0.0)

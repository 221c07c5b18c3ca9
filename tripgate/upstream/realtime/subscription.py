"""One subscriber of a topic: its queue, its admission, its end."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, Operation, resync
from tripgate.upstream.resilience.gate import Gate
from tripgate.upstream.resilience.patience import patiently

Admit = Callable[[Caller], Awaitable[None]]
"""Reads what the topic is about under the caller's own token; raises when that caller may not see it."""


class Resyncs:
    """How many subscribers were told to read anew: after a gap, since they were too slow, or since what came could not
    be decoded."""

    __slots__ = ("gap", "slow", "undecodable")

    def __init__(self) -> None:
        self.gap = 0
        self.slow = 0
        self.undecodable = 0


class Subscription:
    """Changes for one person, in order, each once: an asynchronous iterator that ends with the subscription.

    Nothing is handed out while the person's admission is in doubt: at the start, after every membership event, after a
    new token, and when a minute has passed. A reader that does not keep up gets one RESYNC instead of what it missed.

    There are as many of these as there are readers, most of them idle, so each is small: slots, one future while it
    waits, one timer for the end of its admission.

    Args:
        topic: Where the changes come from, as in `trip:<id>`.
        most_waiting: How many changes wait for a slow reader.
        recheck: Seconds for which an admission is good.
        turns: Taken for each admission, so that one person's do not keep others waiting.
        patience: Seconds for which it is kept when it cannot be asked whether the admission is still good.
        resyncs: Counts them.
    """

    __slots__ = (
        "_admit",
        "_ended",
        "_failure",
        "_in_doubt",
        "_most_waiting",
        "_news",
        "_patience",
        "_recheck",
        "_resyncs",
        "_turns",
        "_until_doubt",
        "_waiting",
        "caller",
        "on_refresh",
        "topic",
    )

    def __init__(
        self,
        topic: str,
        caller: Caller,
        admit: Admit,
        *,
        most_waiting: int,
        recheck: float,
        turns: Gate,
        patience: float = 20.0,
        resyncs: Resyncs | None = None,
    ) -> None:
        self._resyncs = resyncs or Resyncs()
        self.topic = topic
        self.caller = caller
        self._admit = admit
        self._recheck = recheck
        self._turns = turns
        self._patience = patience
        self._most_waiting = most_waiting
        self._waiting: list[Change] = []
        self._news: asyncio.Future[None] | None = None
        self._in_doubt = True
        self._until_doubt: asyncio.TimerHandle | None = None
        self._failure: ApiError | None = None
        self._ended = False
        self.on_refresh: Callable[[Subscription], None] = lambda _: None

    def push(self, change: Change) -> None:
        """Hand a change to the reader, as soon as it may have it."""
        if change.undecodable:
            self._resyncs.undecodable += 1
        elif change.operation is Operation.RESYNC:
            self._resyncs.gap += 1
        elif len(self._waiting) >= self._most_waiting:
            self._resyncs.slow += 1
        if len(self._waiting) >= self._most_waiting or (change.operation is Operation.RESYNC and self._waiting):
            self._waiting.clear()
            change = resync()
        self._waiting.append(change)
        self._rouse()

    def doubt(self) -> None:
        """Ask anew whether this person may see the topic, before anything more is handed out."""
        self._in_doubt = True
        self._rouse()

    def refresh(self, caller: Caller) -> None:
        """Go on under a newer token of the same person."""
        self.caller = caller
        self.doubt()
        self.on_refresh(self)

    def fail(self, error: ApiError) -> None:
        """End with this error; what waits is not handed out."""
        self._failure = error
        self._waiting.clear()
        self._rouse()

    def end(self) -> None:
        """End once what waits has been handed out."""
        self._ended = True
        self._rouse()

    def disconnected(self) -> None:
        """Do nothing: the channel passes on what was missed, or a RESYNC, once it has joined again."""

    def close(self) -> None:
        """Nobody reads any more."""
        if self._until_doubt is not None:
            self._until_doubt.cancel()

    @property
    def waiting(self) -> int:
        """How many changes wait."""
        return len(self._waiting)

    async def admit(self) -> None:
        """Make sure that the person may see the topic now.

        Raises:
            ApiError: FORBIDDEN, UNAUTHENTICATED for a token that has expired, or what kept the read from an answer.
        """
        if self.caller.expired:
            raise ApiError(ErrorCode.UNAUTHENTICATED, "The access token has expired. Refresh the session.")
        while self._in_doubt:
            # Settled before asking: a doubt that comes up meanwhile makes it ask again.
            self._in_doubt = False
            self._doubt_in_time()
            try:
                person = self.caller.user_id
                await self._turns.enter(person, None)
                try:
                    await self._admit(self.caller)
                finally:
                    self._turns.leave(person)
            except BaseException:
                self._in_doubt = True
                raise

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Change:
        """The next change, once there is one.

        Raises:
            ApiError: FORBIDDEN when the person may see the topic no longer; UNAUTHENTICATED when the token expires;
                UPSTREAM_UNAVAILABLE, TIMEOUT or OVERLOADED when it could not be asked for too long.
        """
        while True:
            if self._failure is not None:
                raise self._failure
            if self._in_doubt or self.caller.expired:
                await patiently(self.admit, self._patience)
            elif self._waiting:
                return self._waiting.pop(0)
            elif self._ended:
                raise StopAsyncIteration
            else:
                self._news = asyncio.get_running_loop().create_future()
                await self._news

    def _rouse(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _doubt_in_time(self) -> None:
        """An admission is good for a while, and no longer than its token."""
        if self._until_doubt is not None:
            self._until_doubt.cancel()
        # Subscribers that came together do not ask together for ever.
        seconds = self._recheck * random.uniform(0.9, 1)  # noqa: S311
        if self.caller.expires_at is not None:
            seconds = min(seconds, self.caller.expires_at - time.time())
        self._until_doubt = asyncio.get_running_loop().call_later(seconds, self.doubt)

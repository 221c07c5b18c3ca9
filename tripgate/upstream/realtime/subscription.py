"""One subscription to a topic: its queue, its admission, its end."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, Operation, resync
from tripgate.upstream.resilience.bulkhead import Bulkhead
from tripgate.upstream.resilience.retry import retry

_FAREWELL_SECONDS = 1.0
"""For how long somebody who is let in no longer is not told so: it may be because what they follow has been deleted."""

Admit = Callable[[Caller], Awaitable[None]]
"""Reads what the topic is about under the caller's own token; raises when that caller may not see it."""


class ResyncCounts:
    """How many RESYNCs subscribers got: after a gap, for reading too slowly, or for what could not be decoded."""

    __slots__ = ("gap", "slow", "undecodable")

    def __init__(self) -> None:
        self.gap = 0
        self.slow = 0
        self.undecodable = 0


class Subscription:
    """Changes for one person, in order, each once: an asynchronous iterator that ends with the subscription.

    Nothing is handed out while an admission is due: at the start, after every membership event, after a new token, and
    when a minute has passed. A reader that does not keep up gets one RESYNC instead of what it missed. Whoever was
    still let in when the topic's root was deleted is told of that, whichever of the two is found out first.

    There are as many of these as there are readers, most of them idle, so each is small: slots, one future while it
    waits, one timer for the end of its admission.

    Args:
        topic: Where the changes come from, as in `trip:<id>`.
        queue_limit: How many changes wait for a slow reader.
        recheck: Seconds for which an admission is good.
        admission_bulkhead: Passed by each admission, so that one person's do not keep others waiting.
        retry_seconds: For how long an admission that cannot be asked for is asked for again before the subscription
            fails.
        resyncs: Counts those of all subscriptions.
        takes_pieces: Whether pieces of texts are wanted, beside changes of rows.
    """

    __slots__ = (
        "_admission_bulkhead",
        "_admission_due",
        "_admit",
        "_ended",
        "_failure",
        "_farewell",
        "_maybe_removed",
        "_queue_limit",
        "_recheck",
        "_recheck_timer",
        "_resyncs",
        "_retry_seconds",
        "_waiting",
        "_wakeup",
        "caller",
        "on_refresh",
        "takes_pieces",
        "topic",
    )

    def __init__(
        self,
        topic: str,
        caller: Caller,
        admit: Admit,
        *,
        queue_limit: int,
        recheck: float,
        admission_bulkhead: Bulkhead,
        retry_seconds: float = 20.0,
        resyncs: ResyncCounts | None = None,
        takes_pieces: bool = False,
    ) -> None:
        self.takes_pieces = takes_pieces
        self._resyncs = resyncs or ResyncCounts()
        self.topic = topic
        self.caller = caller
        self._admit = admit
        self._recheck = recheck
        self._admission_bulkhead = admission_bulkhead
        self._retry_seconds = retry_seconds
        self._queue_limit = queue_limit
        self._waiting: list[Change] = []
        self._wakeup: asyncio.Future[None] | None = None
        self._admission_due = True
        self._recheck_timer: asyncio.TimerHandle | None = None
        self._failure: ApiError | None = None
        self._ended = False
        self._farewell: Change | None = None
        self._maybe_removed = False
        self.on_refresh: Callable[[Subscription], None] = lambda _: None

    def push(self, change: Change) -> None:
        """Queue a change for the reader; a RESYNC in its place, and nothing else, where the queue is full."""
        if change.undecodable:
            self._resyncs.undecodable += 1
        elif change.operation is Operation.RESYNC:
            self._resyncs.gap += 1
        elif len(self._waiting) >= self._queue_limit:
            self._resyncs.slow += 1
        if len(self._waiting) >= self._queue_limit or (change.operation is Operation.RESYNC and self._waiting):
            self._waiting.clear()
            change = resync()
        self._waiting.append(change)
        self._wake()

    def recheck_admission(self, *, removed: bool = False) -> None:
        """Admit the person again before anything more is handed out.

        Args:
            removed: Whether they may have been removed: somebody has, or something was missed.
        """
        self._admission_due = True
        self._maybe_removed = self._maybe_removed or removed
        self._wake()

    def refresh(self, caller: Caller) -> None:
        """Go on under a newer token of the same person."""
        self.caller = caller
        self.recheck_admission()
        self.on_refresh(self)

    def fail(self, error: ApiError) -> None:
        """End with this error at once; changes that wait are dropped."""
        self._failure = error
        self._waiting.clear()
        self._wake()

    def end(self, farewell: Change | None = None) -> None:
        """End once the changes that wait have been handed out.

        Args:
            farewell: The deletion of the topic's root, where that is why.
        """
        self._ended = True
        self._farewell = farewell
        self._wake()

    def disconnected(self) -> None:
        """Do nothing: the channel passes on what was missed, or a RESYNC, once it has joined again."""

    def close(self) -> None:
        """Stop the timer of a subscription that is read no more."""
        if self._recheck_timer is not None:
            self._recheck_timer.cancel()

    @property
    def waiting(self) -> int:
        """How many changes wait."""
        return len(self._waiting)

    async def admit(self) -> None:
        """Make sure that the person may see the topic now.

        Raises:
            ApiError: FORBIDDEN, UNAUTHENTICATED for a token that has expired, or what kept the read from an answer.
        """
        while True:
            # Each time: PostgREST lets a token in for half a minute longer, for which it would be asked over and over.
            if self.caller.expired:
                raise ApiError(ErrorCode.UNAUTHENTICATED, "The access token has expired. Refresh the session.")
            if not self._admission_due:
                return
            # Cleared before asking: what makes another admission due meanwhile makes it ask again.
            self._admission_due = False
            removed, self._maybe_removed = self._maybe_removed, False
            self._schedule_recheck()
            try:
                person = self.caller.user_id
                await self._admission_bulkhead.enter(person, None)
                try:
                    await self._admit(self.caller)
                finally:
                    self._admission_bulkhead.leave(person)
            except BaseException:
                self._admission_due = True
                self._maybe_removed = self._maybe_removed or removed
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
            ends = self.caller.expires_at
            if self._admission_due or (ends is not None and time.time() >= ends):
                try:
                    await retry(self.admit, self._retry_seconds)
                except ApiError as error:
                    if error.code is not ErrorCode.FORBIDDEN or not await self._was_there_to_the_end():
                        raise
                    assert self._farewell is not None  # noqa: S101 - that is what the answer means
                    farewell, self._farewell = self._farewell, None
                    self._admission_due = False
                    self._waiting.clear()
                    self.close()
                    return farewell
            elif self._waiting:
                return self._waiting.pop(0)
            elif self._ended:
                raise StopAsyncIteration
            else:
                self._wakeup = asyncio.get_running_loop().create_future()
                await self._wakeup

    async def _was_there_to_the_end(self) -> bool:
        """Whether the topic's root was deleted while the person was let in; waits a moment to hear of it.

        Nobody was removed since they were last let in, so they are refused since there is nothing to see any more.
        """
        end = time.monotonic() + _FAREWELL_SECONDS
        while not self._maybe_removed and self._farewell is None and (left := end - time.monotonic()) > 0:
            self._wakeup = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(left):
                    await self._wakeup
            except TimeoutError:
                break
        return self._farewell is not None and not self._maybe_removed

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    def _schedule_recheck(self) -> None:
        """An admission is good for a while, and no longer than its token."""
        if self._recheck_timer is not None:
            self._recheck_timer.cancel()
        # Subscribers that came together do not ask together for ever.
        seconds = self._recheck * random.uniform(0.9, 1)  # noqa: S311
        if self.caller.expires_at is not None:
            seconds = min(seconds, self.caller.expires_at - time.time())
        self._recheck_timer = asyncio.get_running_loop().call_later(seconds, self.recheck_admission)

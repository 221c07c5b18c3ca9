"""One live query: read anew when it may be stale, for all who follow it under one token."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from graphql.execution.values import VariableValues

from gql.errors import ApiError, ErrorCode
from gql.json_numbers import dumps
from resolvers.context import Context
from resolvers.declared.live import LiveRead
from resolvers.declared.outside import fill
from tripgate.gateway.errors import beside_null, not_representable
from tripgate.gateway.staleness.dependencies import Dependencies
from tripgate.planner.json_values import UnreadableCount, counting, remove_unreadable
from tripgate.planner.selection import Selected
from tripgate.upstream.caller import Caller
from tripgate.upstream.resilience.bulkhead import Bulkhead
from tripgate.upstream.resilience.retry import retry

RECHECK_SECONDS = 60.0
"""An answer is read anew at least this often, as admissions to topics are: a session may have been ended."""

_FIRST_LOOK = 0.02
_LONGEST_LOOK = 1.0

Charge = Callable[[int, Caller], Awaitable[None]]
"""Counts what a read costs its caller; raises ApiError, with `retryAfter`, where that is too much."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often live queries are read.

    Attributes:
        window: Seconds in which changes are gathered before a read.
        poll: Seconds between reads while not everything can be heard.
        retry_seconds: For how long a read that fails is tried again before the query ends.
    """

    window: float
    poll: float
    retry_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class LiveAnswer:
    """One answer.

    Attributes:
        payload: As it is sent.
        digest: Of its bytes, so that the same answer is not sent twice.
        began: When its read began, by `time.monotonic`: what was changed before that is in it.
    """

    payload: dict[str, Any]
    digest: bytes
    began: float


class Reader(Protocol):
    """Who follows a query."""

    def offer(self, answer: LiveAnswer) -> None:
        """Hand an answer out."""

    def fail(self, error: Exception) -> None:
        """There are no more answers."""


class Ears(Protocol):
    """What hears of changes on a person's behalf."""

    def hears(self, caller: Caller, dependencies: Dependencies) -> bool:
        """Whether every change that a topic tells of would be heard now; joins what is missing in the background."""


class LiveQuery:
    """A root field under one token and one set of variables, and those who follow it.

    Reads follow each other, never two at once, so that each answer is at least as new as the one before it. A change
    may be heard of a moment before it can be read (`changed_row` says why), which the window outlasts.

    Args:
        cost: What each read costs.
        charge: Counts it; the first read is counted already by whoever asks for it.
    """

    __slots__ = (
        "_bulkhead",
        "_charge",
        "_context",
        "_cost",
        "_deaf_since",
        "_ears",
        "_pace",
        "_selected",
        "_stale",
        "_task",
        "_variables",
        "answer",
        "dependencies",
        "readers",
        "reads",
    )

    def __init__(
        self,
        context: Context,
        selected: Selected,
        variables: VariableValues,
        dependencies: Dependencies,
        ears: Ears,
        pace: Pace,
        bulkhead: Bulkhead,
        *,
        cost: int,
        charge: Charge | None,
    ) -> None:
        self._context = context
        self._selected = selected
        self._variables = variables
        self.dependencies = dependencies
        self._ears = ears
        self._pace = pace
        self._bulkhead = bulkhead
        self._cost = cost
        self._charge = charge
        self._stale = asyncio.Event()
        self._deaf_since: float | None = None
        self.answer: LiveAnswer | None = None
        self.readers: dict[Reader, None] = {}
        self.reads = 0
        self._task = asyncio.create_task(self._run())

    def changed(self) -> None:
        """Read anew: something has changed that the answer may depend on."""
        self._stale.set()

    @property
    def fresh(self) -> LiveAnswer | None:
        """The answer, where nothing is known to have changed since its read began."""
        return None if self._stale.is_set() or self._deaf_since is not None else self.answer

    @property
    def over(self) -> bool:
        """Whether there are no more answers."""
        return self._task.done()

    def close(self) -> None:
        """Read no more."""
        self._task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                heard = self._hears()
                self._stale.clear()
                self.answer = answer = await self._read(polls=self._polls(heard))
                for reader in list(self.readers):
                    reader.offer(answer)
                await self._until_due(heard)
        except Exception as error:
            for reader in list(self.readers):
                reader.fail(error)

    def _hears(self) -> bool:
        """Whether all changes that topics tell of are heard from now on."""
        heard = self._ears.hears(self._context.caller, self.dependencies)
        if heard:
            self._deaf_since = None
        elif self._deaf_since is None:
            self._deaf_since = time.monotonic()
        return heard

    def _polls(self, heard: bool) -> bool:
        """Whether the answer is looked for again and again: not just until topics are joined."""
        if not self.dependencies.heard:
            return True
        return not heard and time.monotonic() - (self._deaf_since or 0.0) >= 0.9 * self._pace.poll

    async def _until_due(self, heard: bool) -> None:
        """Wait until there is a reason to read again."""
        end = time.monotonic() + self._pace.poll
        if heard and self.dependencies.heard:
            # Those that came together are not to ask together for ever.
            end = time.monotonic() + RECHECK_SECONDS * random.uniform(0.9, 1)  # noqa: S311
        look = _FIRST_LOOK
        while not self._stale.is_set() and (left := end - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left if heard else min(left, look)):
                    await self._stale.wait()
            except TimeoutError:
                look = min(2 * look, _LONGEST_LOOK)
                if not heard and self._hears():
                    break  # what changed until now may have been missed
        if self._stale.is_set():
            await asyncio.sleep(self._pace.window)
        if self._charge is not None:
            await self._charged(self._charge)

    async def _charged(self, charge: Charge) -> None:
        """Count the next read, once its caller has something left to spend."""
        while True:
            try:
                await charge(self._cost, self._context.caller)
            except ApiError as error:
                seconds = error.extensions.get("retryAfter")
                if seconds is None:
                    raise
                await asyncio.sleep(max(float(seconds), 1.0))
            else:
                return

    async def _read(self, *, polls: bool) -> LiveAnswer:
        unreadable = UnreadableCount()
        counting.set(unreadable)
        began, value = await retry(self._asked, self._pace.retry_seconds)
        self.reads += 1
        payload: dict[str, Any] = {"data": {self._selected.key: value}}
        if unreadable.outside and (failed := await fill(payload["data"], self._context)):
            payload["errors"] = [beside_null(path, error) for path, error in failed]
        if unreadable.count and (paths := remove_unreadable(payload["data"])):
            payload["errors"] = [*payload.get("errors", ()), *map(not_representable, paths)]
        if polls:
            payload["extensions"] = {"live": {"pollSeconds": self._pace.poll}}
        return LiveAnswer(payload, blake2b(dumps(payload), digest_size=16).digest(), began)

    async def _asked(self) -> tuple[float, Any]:
        """What the read answers, and when it began."""
        context, field = self._context, self._selected.declaration
        assert isinstance(field, LiveRead)  # noqa: S101 - nothing else is followed
        person = context.caller.user_id
        await self._bulkhead.enter(person, None)
        try:
            began = time.monotonic()
            return began, await field.read.run(context, self._selected, self._variables)
        finally:
            self._bulkhead.leave(person)


class Follower:
    """One subscription: an iterator over answers, each unlike the one before it.

    Only the newest answer waits for a slow reader.

    Args:
        move: Called with a newer token of the same person: has another query offer its answers.
    """

    __slots__ = ("_ended", "_failure", "_move", "_newest", "_sent", "_timer", "_waiting", "_wakeup", "caller")

    def __init__(self, caller: Caller, move: "Callable[[Follower], None]") -> None:
        self.caller = caller
        self._move = move
        self._waiting: LiveAnswer | None = None
        self._sent: bytes | None = None
        self._newest = float("-inf")
        self._failure: Exception | None = None
        self._ended = False
        self._wakeup: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._expire_later()

    def refresh(self, caller: Caller) -> None:
        """Go on under a newer token of the same person."""
        self.caller = caller
        self._failure = None
        self._expire_later()
        self._move(self)

    def offer(self, answer: LiveAnswer) -> None:
        """Hand an answer out, unless it is older than one that has been."""
        if answer.began >= self._newest:
            self._newest = answer.began
            self._waiting = answer
            self._wake()

    def fail(self, error: Exception) -> None:
        """End with this error."""
        self._failure = error
        self._wake()

    def end(self) -> None:
        """End once what waits has been handed out."""
        self._ended = True
        self._wake()

    def close(self) -> None:
        """Wait for nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def __aiter__(self) -> "Follower":
        return self

    async def __anext__(self) -> dict[str, Any]:
        """The next answer, once there is one.

        Raises:
            ApiError: UNAUTHENTICATED when the token expires.
            Exception: As the read failed.
        """
        while True:
            if self.caller.expired:
                raise ApiError(ErrorCode.UNAUTHENTICATED, "The access token has expired. Refresh the session.")
            if self._failure is not None:
                raise self._failure
            answer, self._waiting = self._waiting, None
            if answer is not None and answer.digest != self._sent:
                self._sent = answer.digest
                return answer.payload
            if answer is not None:
                continue
            if self._ended:
                raise StopAsyncIteration
            self._wakeup = asyncio.get_running_loop().create_future()
            await self._wakeup

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    def _expire_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.caller.expires_at is not None:
            seconds = max(0.0, self.caller.expires_at - time.time()) + 0.01
            self._timer = asyncio.get_running_loop().call_later(seconds, self._wake)

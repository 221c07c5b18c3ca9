"""How one upstream is asked: within the deadline, through its bulkhead and its breaker, and again where that is safe.

When all is well this costs a few microseconds a request: no tasks, no timers of its own, no locks. That is why it is no
retry library and no breaker library; `docs/architecture.md` has the figures.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from gql.errors import ErrorCode
from tripgate.upstream.http_connection import AbandonedError
from tripgate.upstream.resilience.breaker import Breaker
from tripgate.upstream.resilience.bulkhead import Bulkhead
from tripgate.upstream.resilience.deadline import deadline, ends_at
from tripgate.upstream.resilience.failures import NoAnswerError, timed_out, unavailable
from tripgate.upstream.resilience.payer import paying

FREE_SECONDS = 0.1
"""Seconds that one request may take of an upstream without being charged to its payer."""
_LEAST_SECONDS = 0.25
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 2.0


@dataclass(frozen=True, slots=True)
class PolicyLimits:
    """How an upstream is treated.

    Attributes:
        timeout: Seconds for one attempt; also for a request with all its attempts where no operation bounds it.
        connections: How many requests may be under way.
        share: How many of them may be one person's; by default all.
        queue: How many may wait to be.
        retries: How often a read is is_probe again.
        breaker_failures: Failures in a row that open the breaker.
        breaker_seconds: How long it stays open before somebody tries.
    """

    timeout: float = 10.0
    connections: int = 100
    queue: int = 500
    retries: int = 2
    breaker_failures: int = 10
    breaker_seconds: float = 2.0
    share: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What an answer says about the upstream, where it says that something is wrong with it.

    Attributes:
        transient: Whether the same read may well succeed when it is sent again.
        opens_breaker: Whether the upstream is out of order, so that the breaker counts a failure.
        late: Whether it was not done in time, which may be for what was asked.
        retry_after: Seconds after which to ask again, where it says so.
    """

    transient: bool
    opens_breaker: bool
    late: bool = False
    retry_after: float | None = None


class _Status(Protocol):
    @property
    def status(self) -> int: ...


A = TypeVar("A", bound=_Status)


class Policy(Generic[A]):
    """One upstream's.

    Args:
        name: What it is called in metrics, as in `rest`.
        limits: Among them `timeout`, seconds, which stays an attribute.
        fault: The fault in an answer of status 400 or above; `None` where the upstream is in order.
    """

    def __init__(self, name: str, limits: PolicyLimits, fault: Callable[[A], Fault | None] = lambda _: None) -> None:
        self.name = name
        self.breaker = Breaker(failures=limits.breaker_failures, seconds=limits.breaker_seconds)
        self.bulkhead = Bulkhead(width=limits.connections, queue=limits.queue, share=limits.share)
        self.retried = 0
        self.timeout = limits.timeout
        self._retries = limits.retries
        self._fault = fault

    async def ask(self, attempt: Callable[[float], Awaitable[A]], person: str | None, *, repeatable: bool) -> A:
        """The upstream's answer, after as many attempts as need be and may be; the last one may say that it failed.

        Args:
            attempt: Sends the request, within so many seconds; raises NoAnswerError when nothing comes.
            person: The id of whoever asks, for the bulkhead; without one the payer's key.
            repeatable: Whether the request changes nothing. Any other is sent again only when it cannot have arrived.

        Raises:
            ApiError: TIMEOUT, UPSTREAM_UNAVAILABLE or OVERLOADED.
        """
        breaker, bulkhead = self.breaker, self.bulkhead
        ends = ends_at.get()
        ends = time.monotonic() + self.timeout if ends == math.inf else ends
        person = paying.get().key if person is None else person
        tries = 0
        while True:
            began = time.monotonic()
            if breaker.opened_at is None and began < ends and bulkhead.try_enter(person):
                is_probe = False
            else:
                is_probe = await self._enter(person, ends)
                began = time.monotonic()
            try:
                answer = await attempt(min(self.timeout, ends - began))
            except NoAnswerError as error:
                self._failed(person, began, late=error.code is ErrorCode.TIMEOUT, is_probe=is_probe, over=error.over)
                again = error.code is ErrorCode.UPSTREAM_UNAVAILABLE and (repeatable or not error.sent)
                wait = self._wait(tries, None, ends) if again else None
                if wait is None:
                    raise
            except BaseException as error:
                self._abandoned_by_caller(error, person, began, is_probe=is_probe)
                raise
            else:
                # The usual case.
                if answer.status < 400 and not breaker.failures and not is_probe:
                    bulkhead.leave(person)
                    if (took := time.monotonic() - began) > FREE_SECONDS:
                        paying.get().spent(took, late=False)
                    return answer
                fault = self._answered(answer, person, began, is_probe=is_probe)
                wait = None if fault is None or not repeatable else self._wait_for(fault, tries, ends)
                if wait is None:
                    return answer
            tries += 1
            self.retried += 1
            await asyncio.sleep(wait)

    @asynccontextmanager
    async def once(self, person: str | None, *failures: type[Exception]) -> AsyncIterator["Attempt"]:
        """Pass breaker, bulkhead and deadline once, for requests that are made by a client library.

        Args:
            failures: Exceptions that say that no answer came; a timeout is one anyhow.

        Raises:
            TimeoutError: The time is over.
            ApiError: UPSTREAM_UNAVAILABLE or OVERLOADED, and nothing was sent.
        """
        ends = min(deadline(), time.monotonic() + self.timeout)
        no_answer: tuple[type[Exception], ...] = (TimeoutError, *failures)
        if person is None:
            person = paying.get().key
        is_probe = await self._enter(person, ends)
        attempt = Attempt()
        began = time.monotonic()
        try:
            async with asyncio.timeout(ends - began):
                yield attempt
        except no_answer as error:
            self._failed(person, began, late=isinstance(error, TimeoutError), is_probe=is_probe)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            self.breaker.abandoned(is_probe=is_probe)
            self._leave(person, began)
            raise
        except BaseException:
            self.breaker.succeeded(is_probe=is_probe)
            self._leave(person, began)
            raise
        else:
            if attempt.failed:
                self._failed(person, began, late=False, is_probe=is_probe)
            else:
                self.breaker.succeeded(is_probe=is_probe)
                self._leave(person, began)

    def _abandoned_by_caller(self, error: BaseException, person: str | None, began: float, *, is_probe: bool) -> None:
        """End an attempt that was cancelled, or that raised what it should not.

        Raises:
            CancelledError: Whoever asked has gone, and the upstream goes on with what it was asked.
        """
        self.breaker.abandoned(is_probe=is_probe)
        if isinstance(error, AbandonedError):
            error.over.add_done_callback(partial(self._over, person, began))
            # Nothing but this very class is a cancellation for `asyncio.timeout`.
            raise asyncio.CancelledError from None
        self._leave(person, began)

    def _answered(self, answer: A, person: str | None, began: float, *, is_probe: bool) -> Fault | None:
        fault = self._fault(answer) if answer.status >= 400 else None
        if fault is None:
            self.breaker.succeeded(is_probe=is_probe)
            self._leave(person, began)
        elif fault.opens_breaker:
            self._failed(person, began, late=fault.late, is_probe=is_probe)
        else:
            self.breaker.succeeded(is_probe=is_probe)
            self._leave(person, began, late=fault.late)
        return fault

    def _over(self, person: str | None, began: float, _: asyncio.Future[None]) -> None:
        """Free the place of a request that nobody waits for any more: it has been answered, or will not be."""
        self._leave(person, began)

    def _failed(
        self,
        person: str | None,
        began: float,
        *,
        late: bool,
        is_probe: bool,
        over: asyncio.Future[None] | None = None,
    ) -> None:
        if late:
            self.breaker.late(person, is_probe=is_probe)
        else:
            self.breaker.failed(is_probe=is_probe)
        if over is None:
            self._leave(person, began, late=late)
        else:
            # Charged now with what is known, and with the rest when it is over.
            paying.get().spent(time.monotonic() - began, late=late)
            over.add_done_callback(partial(self._over, person, time.monotonic()))

    def _leave(self, person: str | None, began: float, *, late: bool = False) -> None:
        self.bulkhead.leave(person)
        took = time.monotonic() - began
        if took > FREE_SECONDS or late:
            paying.get().spent(took, late=late)

    async def _enter(self, person: str | None, ends: float) -> bool:
        """Pass the breaker and the bulkhead; whether this request is the probe of a breaker that is half open."""
        self._check_breaker()
        _check_time(ends)
        if not self.bulkhead.try_enter(person):
            # Nobody is let in with hardly any time left: it would be late, and be done all the same.
            await self.bulkhead.enter(person, max(0.0, ends - time.monotonic() - _LEAST_SECONDS))
            try:
                self._check_breaker()  # it may have opened while this one waited
                _check_time(ends)
            except BaseException:
                self.bulkhead.leave(person)
                raise
        return self.breaker.enter()

    def _check_breaker(self) -> None:
        seconds = self.breaker.refuses()
        if seconds:
            raise unavailable(sent=False, retry_after=seconds)

    def _wait_for(self, fault: Fault, tries: int, ends: float) -> float | None:
        return self._wait(tries, fault.retry_after, ends) if fault.transient else None

    def _wait(self, tries: int, retry_after: float | None, ends: float) -> float | None:
        """Seconds until the next attempt, drawn at random so that those who failed together do not come together."""
        if tries >= self._retries:
            return None
        wait = random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**tries))  # noqa: S311
        if retry_after is not None:
            wait += retry_after
        return wait if time.monotonic() + wait < ends else None


def _check_time(ends: float) -> None:
    if time.monotonic() >= ends:
        raise timed_out()


@dataclass(slots=True)
class Attempt:
    """What came of asking `once`, where no exception says it.

    Attributes:
        failed: Whether the answer says that the upstream is out of order.
    """

    failed: bool = False

"""How much may run at once for one person. In this process alone, unless a store that several share counts instead."""

from collections import Counter
from typing import Protocol

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.caller import Caller


class ConcurrencyCounter(Protocol):
    """Counts what runs at once, by key."""

    async def acquire(self, key: str, limit: int) -> bool:
        """Count one more, unless `limit` run already; whether it was counted."""

    async def release(self, key: str) -> None:
        """Count one less."""


class LocalCounter:
    """Counts what this process runs."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    async def acquire(self, key: str, limit: int) -> bool:
        """Count one more, unless `limit` run already; whether it was counted."""
        if self._running[key] >= limit:
            return False
        self._running[key] += 1
        return True

    async def release(self, key: str) -> None:
        """Count one less."""
        self._running[key] -= 1
        if self._running[key] <= 0:
            del self._running[key]

    def __len__(self) -> int:
        """How many keys there is something to count of."""
        return len(self._running)


class SubscriptionLimit:
    """Bounds each person's subscriptions, over all of the person's connections.

    Args:
        most: How many run at once.
    """

    def __init__(self, counter: ConcurrencyCounter, *, most: int) -> None:
        self._counter = counter
        self._most = most

    def one_more(self, caller: Caller) -> "_OneMore":
        """While one more runs: `async with limit.one_more(caller)`. Nobody signed in has any: theirs end as they begin.

        Raises:
            ApiError: RATE_LIMITED, the person has as many as may be.
        """
        return _OneMore(self, caller.user_id)

    async def begin(self, person: str) -> None:
        """Count one more.

        Raises:
            ApiError: RATE_LIMITED.
        """
        if not await self._counter.acquire(person, self._most):
            raise ApiError(
                ErrorCode.RATE_LIMITED, f"At most {self._most} subscriptions of one person run at once. End one first."
            )

    async def end(self, person: str) -> None:
        """Count one less."""
        await self._counter.release(person)


class _OneMore:
    """A subscription while it runs: a class, for a generator would take four times as much of each idle subscriber."""

    __slots__ = ("_limit", "_person")

    def __init__(self, limit: SubscriptionLimit, person: str | None) -> None:
        self._limit = limit
        self._person = person

    async def __aenter__(self) -> None:
        if self._person is not None:
            await self._limit.begin(self._person)

    async def __aexit__(self, *_: object) -> None:
        if self._person is not None:
            await self._limit.end(self._person)

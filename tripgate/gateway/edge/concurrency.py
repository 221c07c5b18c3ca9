"""How much may run at once for one person. In this process alone, unless a store that several share counts instead."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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

    @asynccontextmanager
    async def one_more(self, caller: Caller) -> AsyncIterator[None]:
        """While one more runs. Nobody signed in has any: theirs end as they begin.

        Raises:
            ApiError: RATE_LIMITED, the person has as many as may be.
        """
        person = caller.user_id
        if person is None:
            yield
            return
        if not await self._counter.acquire(person, self._most):
            raise ApiError(
                ErrorCode.RATE_LIMITED, f"At most {self._most} subscriptions of one person run at once. End one first."
            )
        try:
            yield
        finally:
            await self._counter.release(person)

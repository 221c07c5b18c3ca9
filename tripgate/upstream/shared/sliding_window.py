"""Quotas counted in this process, by sliding windows: how many lately, from two counts for each key.

What was counted in the window before weighs as much as is still within reach, as if it had come evenly. So the count
never doubles at a window's edge, as it does with fixed windows, and a key takes two numbers, whatever its limit.
"""

import math
import time
from collections.abc import Callable

from tripgate.upstream.shared.quotas import Quota, Taken

_MOST_KEYS = 50_000


class SlidingWindow:
    """The counts of one quota in this process, by key.

    Args:
        most_keys: More keys than that within a window end it early, so that a flood of addresses takes no more memory.
            Who was counted then weighs as in the window before, and so a little less.
        clock: Seconds that only grow.
    """

    __slots__ = ("_before", "_clock", "_counts", "_ends", "_limit", "_most_keys", "_seconds")

    def __init__(
        self, quota: Quota, *, most_keys: int = _MOST_KEYS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = quota.limit
        self._seconds = quota.seconds
        self._most_keys = most_keys
        self._clock = clock
        self._ends = clock() + quota.seconds
        self._before: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        """How many counts are kept."""
        return len(self._counts) + len(self._before)

    def take(self, key: str, cost: int) -> Taken:
        """Count `cost` for this key, unless that would be more than the quota."""
        now = self._clock()
        if now >= self._ends:
            self._advance(now)
        left = self._ends - now
        count = self._counts.get(key, 0)
        before = self._before.get(key, 0)
        room = self._limit - count - before * left / self._seconds if before else self._limit - count
        if cost > room:
            return Taken(False, max(0, int(room)), wait(self._limit, self._seconds, left, count, before, cost))
        if not count and len(self._counts) >= self._most_keys:
            self._before, self._counts = self._counts, {}
        self._counts[key] = count + cost
        return Taken(True, int(room - cost), math.ceil(left))

    def remaining(self, key: str) -> int:
        """What is left for this key, in whole units."""
        now = self._clock()
        if now >= self._ends:
            self._advance(now)
        reach = (self._ends - now) / self._seconds
        return max(0, int(self._limit - self._counts.get(key, 0) - self._before.get(key, 0) * reach))

    def charge(self, key: str, cost: int) -> None:
        """Count `cost` for this key, though it be more than the quota."""
        now = self._clock()
        if now >= self._ends:
            self._advance(now)
        count = self._counts.get(key, 0)
        if not count and len(self._counts) >= self._most_keys:
            self._before, self._counts = self._counts, {}
        self._counts[key] = count + cost

    def _advance(self, now: float) -> None:
        passed = int((now - self._ends) // self._seconds) + 1
        self._before = self._counts if passed == 1 else {}
        self._counts = {}
        self._ends += passed * self._seconds


def wait(limit: int, seconds: float, left: float, count: int, before: int, cost: int) -> int:
    """Whole seconds until `cost` fits, if nothing else comes; a whole window for what never will.

    Args:
        left: Seconds to the end of the window.
        count: What was counted in it.
        before: What was counted in the window before.
    """
    if cost > limit:
        return math.ceil(seconds)
    if count + cost <= limit:
        # What came before must weigh less.
        return max(1, math.ceil(left - (limit - count - cost) * seconds / before))
    # The next window must have begun, and this one must weigh less.
    return max(1, math.ceil(left + seconds - (limit - cost) * seconds / count))


class LocalQuotas:
    """The quotas of a gateway that stands alone, within bounds of memory."""

    def __init__(self) -> None:
        self._windows: dict[Quota, SlidingWindow] = {}

    async def take(self, quota: Quota, key: str, cost: int = 1) -> Taken:
        """Count in this process."""
        return self.count(quota, key, cost)

    def count(self, quota: Quota, key: str, cost: int) -> Taken:
        """The same, at once."""
        window = self._windows.get(quota)
        if window is None:
            window = self._windows[quota] = SlidingWindow(quota)
        return window.take(key, cost)

    async def remaining(self, quota: Quota, key: str) -> int:
        """Look in this process."""
        window = self._windows.get(quota)
        return quota.limit if window is None else window.remaining(key)

    def charge(self, quota: Quota, key: str, cost: int) -> None:
        """Count what has been spent already."""
        window = self._windows.get(quota)
        if window is None:
            window = self._windows[quota] = SlidingWindow(quota)
        window.charge(key, cost)

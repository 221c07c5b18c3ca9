"""Counts what may happen only so often."""

from __future__ import annotations

import time
from collections import deque


class Window:
    """At most `limit` times within the last `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._times: deque[float] = deque()

    def allows(self) -> bool:
        """Whether it may happen now; if so, it counts."""
        now = time.monotonic()
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        if len(self._times) >= self._limit:
            return False
        self._times.append(now)
        return True

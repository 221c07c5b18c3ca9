"""The time of the faked services: this machine's, moved forward as far as tests and people like.

Takes calls for moments to come, and makes each once its moment has come, whether time went by or was advanced. A call
sees its own moment as the present; calls of one moment are made in the order in which they were asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import heapq
import itertools
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LONGEST = datetime.timedelta(days=3660)
# Ahead of the machine's time altogether: whoever counts from there stays within the calendar.
FARTHEST = datetime.timedelta(days=36600)
MAX_CALLS = 10_000
_IDLE_SECONDS = 3600.0

log = logging.getLogger(__name__)


class TooManyCallsError(Exception):
    """Calls that ask for further calls did not come to an end."""


def machine_time() -> datetime.datetime:
    """The time outside, by which receivers of webhooks judge how old a signature is."""
    return datetime.datetime.now(datetime.UTC)


class Clock:
    """Never goes back, but for `reset`."""

    def __init__(self) -> None:
        self._ahead = datetime.timedelta()
        self._calls: list[tuple[datetime.datetime, int, Callable[[], Awaitable[None]]]] = []
        self._numbers = itertools.count()
        self._one_at_a_time = asyncio.Lock()
        self._changed = asyncio.Event()

    def now(self) -> datetime.datetime:
        """The present here, in UTC."""
        return machine_time() + self._ahead

    @property
    def ahead(self) -> datetime.timedelta:
        """How far this clock is ahead of the machine's."""
        return self._ahead

    def at(self, moment: datetime.datetime, call: Callable[[], Awaitable[None]]) -> None:
        """Make the call once it is `moment`; soon, where that is over."""
        heapq.heappush(self._calls, (moment, next(self._numbers), call))
        self._changed.set()

    async def advance(self, by: datetime.timedelta) -> int:
        """Move on, making the calls that fall due on the way; how many there were.

        Raises:
            ValueError: Backwards, or too far at once.
            TooManyCallsError: They ask for more and more of them; time stands where that was noticed.
        """
        if not datetime.timedelta() <= by <= LONGEST:
            raise ValueError(f"The clock is advanced by 0 to {LONGEST.days} days")
        async with self._one_at_a_time:
            ahead, target = self._ahead + by, self.now() + by
            if ahead > FARTHEST:
                raise ValueError(f"The clock is {FARTHEST.days} days ahead at most: reset it")
            made = 0
            while self._calls and self._calls[0][0] <= target:
                if made == MAX_CALLS:
                    raise TooManyCallsError(f"More than {MAX_CALLS} calls fell due: advance by less")
                moment, _, call = heapq.heappop(self._calls)
                self._be_at(moment)
                made += 1
                try:
                    await call()
                except Exception:
                    log.exception("what was due at %s failed", moment.isoformat())
            self._ahead = max(self._ahead, ahead)
            self._changed.set()
            return made

    async def run(self) -> None:
        """Make the calls that fall due as time goes by, for ever."""
        while True:
            self._changed.clear()
            wait = (self._calls[0][0] - self.now()).total_seconds() if self._calls else _IDLE_SECONDS
            if wait > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), min(wait, _IDLE_SECONDS))
                continue
            try:
                await self.advance(datetime.timedelta())
            except TooManyCallsError as error:
                log.warning("%s", error)
                await asyncio.sleep(1)

    def reset(self) -> None:
        """Be the machine's time again, with nothing to call."""
        self._ahead = datetime.timedelta()
        self._calls.clear()
        self._changed.set()

    def _be_at(self, moment: datetime.datetime) -> None:
        """Only forwards: what falls due late, since the machine was busy, finds the time that it is."""
        self._ahead = max(self._ahead, moment - machine_time())

"""How fast all sockets of a process join topics together: Realtime hangs up on whoever joins too many a second."""

import asyncio

JOINS_PER_SECOND = 80.0
"""The platform permits a project 100 on its smallest plan."""

_AT_ONCE = 10
_LONGEST_INTERVAL = 1.0
_RECOVERY = 0.98


class JoinPace:
    """Lets joins through one after the other; a few at once after a pause.

    Where the server still says that there are too many, since other processes join as well, the pace is halved, and
    recovers with each join that is accepted.
    """

    def __init__(self, joins_per_second: float = JOINS_PER_SECOND) -> None:
        self._interval = self._shortest = 1 / joins_per_second
        self._turn = asyncio.Lock()
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for one's turn, in the order of asking."""
        async with self._turn:
            now = asyncio.get_running_loop().time()
            wait = self._next - now - (_AT_ONCE - 1) * self._interval
            self._next = max(self._next, now) + self._interval
            if wait > 0:
                await asyncio.sleep(wait)

    def accepted(self) -> None:
        """A join was accepted."""
        self._interval = max(self._shortest, self._interval * _RECOVERY)

    def too_many(self) -> None:
        """The server says that there are too many joins."""
        self._interval = min(2 * self._interval, _LONGEST_INTERVAL)
        self._next = max(self._next, asyncio.get_running_loop().time() + _AT_ONCE * self._interval)

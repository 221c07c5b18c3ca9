"""How fast all sockets of a process join topics together: Realtime hangs up on whoever joins too many a second."""

import asyncio

JOINS_PER_SECOND = 70.0
"""The platform permits a project 100 on its smallest plan."""

_AT_ONCE = 5
# A server that stands still for a moment comes upon no more than these at once.
_MOST_UNANSWERED = 20
_ANSWER_SECONDS = 2.0
_LONGEST_INTERVAL = 0.5
_RECOVERY = 0.95
# By then what others join beside this process has joined; any sooner, all come back to too fast a pace together.
_RECOVERY_AFTER = 10.0


class JoinPace:
    """Lets joins through one after the other; a few at once after a pause, and few ahead of their answers.

    Where the server still says that there are too many, since other processes join as well, the pace is halved. After
    ten seconds without such words it recovers with each join that is accepted.
    """

    def __init__(self, joins_per_second: float = JOINS_PER_SECOND) -> None:
        self._interval = self._shortest = 1 / joins_per_second
        self._turn = asyncio.Lock()
        self._next = 0.0
        self._slower_at = -_RECOVERY_AFTER
        self._unanswered = 0
        self._answer = asyncio.Event()

    async def turn(self) -> None:
        """Wait for one's turn, in the order of asking; then a join is sent, and `answered` follows."""
        async with self._turn:
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    while self._unanswered >= _MOST_UNANSWERED:
                        self._answer.clear()
                        await self._answer.wait()
            except TimeoutError:
                self._unanswered = 0  # what has no answer by now will have none
            now = asyncio.get_running_loop().time()
            wait = self._next - now - (_AT_ONCE - 1) * self._interval
            self._next = max(self._next, now) + self._interval
            if wait > 0:
                await asyncio.sleep(wait)
            self._unanswered += 1

    def answered(self, joins: int = 1) -> None:
        """So many joins were answered, or will not be."""
        self._unanswered = max(0, self._unanswered - joins)
        self._answer.set()

    def accepted(self) -> None:
        """A join was accepted."""
        if asyncio.get_running_loop().time() - self._slower_at > _RECOVERY_AFTER:
            self._interval = max(self._shortest, self._interval * _RECOVERY)

    def too_many(self) -> None:
        """The server says that there are too many joins; it says so of each of those that come together."""
        now = asyncio.get_running_loop().time()
        if now - self._slower_at > 1:
            self._slower_at = now
            self._interval = min(2 * self._interval, _LONGEST_INTERVAL)
            self._next = max(self._next, now + 1)

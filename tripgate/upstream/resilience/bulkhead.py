"""A concurrency limit with a bounded queue in which people take turns."""

import asyncio
from collections import OrderedDict, deque

from gql.errors import ApiError
from tripgate.upstream.resilience.failures import overloaded


class Bulkhead:
    """Bounds what runs at once, for everybody and for each person.

    Those who find no room wait, and people take turns: whoever asks for much waits behind others' first requests, not
    before them. Whoever has as many inside as one person may waits for one of those to leave, however much room there
    is. When the queue is full, the longest line loses its last, so nobody can keep others from waiting.

    Args:
        width: How many may be inside.
        queue: How many may wait.
        share: How many of one person's may be inside; by default all.

    Attributes:
        refused: How many found no room.
    """

    __slots__ = ("_inside", "_lines", "_of", "_queue", "_share", "_waiting", "_width", "refused")

    def __init__(self, *, width: int, queue: int, share: int | None = None) -> None:
        self._width = width
        self._queue = queue
        self._share = width if share is None else share
        self._inside = 0
        self._of: dict[str | None, int] = {}
        self._waiting = 0
        self.refused = 0
        self._lines: OrderedDict[str | None, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def inside(self) -> int:
        """How many are inside."""
        return self._inside

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._waiting

    def try_enter(self, person: str | None) -> bool:
        """Enter if there is a place at once; whether there was.

        Args:
            person: Whose place it takes; `None` is everybody of whom nothing is known.
        """
        count = self._of.get(person, 0)
        if self._inside >= self._width or count >= self._share:
            return False
        self._of[person] = count + 1
        self._inside += 1
        return True

    async def enter(self, person: str | None, seconds: float | None) -> None:
        """Enter, waiting for a place if need be.

        Args:
            person: Whose turn it takes.
            seconds: For how long to wait; `None` is for ever.

        Raises:
            ApiError: OVERLOADED, no room was to be had in time.
        """
        if self.try_enter(person):
            return
        if self._waiting >= self._queue:
            self._evict_last_of_longest(person)
        place = asyncio.get_running_loop().create_future()
        self._lines.setdefault(person, deque()).append(place)
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave(person)  # it was let in as it went
            else:
                self._forget(person, place)
            if isinstance(error, TimeoutError):
                raise self._refusal() from None
            raise

    def leave(self, person: str | None) -> None:
        """Leave; the next one in turn takes the place."""
        count = self._of[person] - 1
        if count:
            self._of[person] = count
        else:
            del self._of[person]
        self._inside -= 1
        if self._waiting:
            self._let_in()

    def _let_in(self) -> None:
        """One of those who wait, the first in turn who may have one more inside: there is one place more for them."""
        for person in [each for each in self._lines if self._of.get(each, 0) < self._share]:
            line = self._lines.pop(person)
            place = None
            while line and place is None:
                place = line.popleft()
                self._waiting -= 1
                if place.done():
                    place = None
            if line:
                self._lines[person] = line  # behind the others
            if place is not None:
                self._of[person] = self._of.get(person, 0) + 1
                self._inside += 1
                place.set_result(None)
                return

    def _evict_last_of_longest(self, person: str | None) -> None:
        """Send somebody away: the last of the longest line, which may be this person's.

        Raises:
            ApiError: OVERLOADED.
        """
        longest = max(self._lines, key=lambda each: len(self._lines[each]), default=person)
        if longest not in self._lines or len(self._lines[longest]) <= len(self._lines.get(person, ())) + 1:
            raise self._refusal()
        line = self._lines[longest]
        place = line.pop()
        self._waiting -= 1
        if not line:
            del self._lines[longest]
        if not place.done():
            place.set_exception(self._refusal())

    def _refusal(self) -> ApiError:
        self.refused += 1
        return overloaded()

    def _forget(self, person: str | None, place: asyncio.Future[None]) -> None:
        line = self._lines.get(person)
        if line is not None and place in line:
            line.remove(place)
            self._waiting -= 1
            if not line:
                del self._lines[person]

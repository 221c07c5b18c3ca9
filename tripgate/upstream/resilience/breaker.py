"""Stop asking an upstream that does not answer, and find out when it does again."""

import time
from collections.abc import Callable
from typing import Literal


class Breaker:
    """One upstream's breaker.

    Closed, it lets everything through. So many failures in a row open it, and nothing passes for a while. Then it is
    half open: one request passes, and what comes of that one closes it or opens it again.

    A failure is no answer, or one that says that the upstream is out of order. A refusal is an answer.

    Args:
        failures: How many in a row open it.
        seconds: How long nothing passes.

    Attributes:
        failures: How many there were in a row.
        opened_at: When it opened, by its clock; `None` while it is closed.
    """

    __slots__ = ("_clock", "_late", "_most", "_seconds", "_trying", "failures", "opened_at")

    def __init__(self, *, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = failures
        self._seconds = seconds
        self._clock = clock
        self.failures = 0
        self._late: set[str] = set()
        self.opened_at: float | None = None
        self._trying = False

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """Where it stands."""
        if self.opened_at is None:
            return "closed"
        return "open" if self.refuses() else "half_open"

    def refuses(self) -> float:
        """Seconds until it may let somebody through; 0 where it would now."""
        if self.opened_at is None:
            return 0.0
        left = self.opened_at + self._seconds - self._clock()
        if left > 0:
            return left
        return self._seconds if self._trying else 0.0

    def enter(self) -> bool:
        """Let one through that `refuses` does not; whether it is the one that tries for all."""
        if self.opened_at is None:
            return False
        self._trying = True
        return True

    def succeeded(self, *, tried: bool) -> None:
        """An answer came, a late one of before it opened too: the upstream is there."""
        if self.failures or tried:
            self.failures = 0
            self._late.clear()
            self.opened_at = None
            self._trying = False

    def failed(self, *, tried: bool) -> None:
        """None came. Only the one that tries opens it anew: what left before it opened may still fail for seconds."""
        self.failures += 1
        if tried or (self.opened_at is None and self.failures >= self._most):
            self.opened_at = self._clock()
            self._trying = False

    def late(self, person: str | None, *, tried: bool) -> None:
        """None came in time, which may be for what was asked: in a row of failures each person's count once.

        Args:
            person: Who asked; `None` where that is not known, and then each counts.
        """
        if person is not None and not tried:
            if person in self._late:
                return
            self._late.add(person)
        self.failed(tried=tried)

    def abandoned(self, *, tried: bool) -> None:
        """Whoever asked has gone before an answer could come; somebody else may try."""
        if tried:
            self._trying = False

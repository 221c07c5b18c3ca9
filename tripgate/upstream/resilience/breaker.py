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

    __slots__ = ("_clock", "_late", "_most", "_probing", "_seconds", "failures", "opened_at")

    def __init__(self, *, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = failures
        self._seconds = seconds
        self._clock = clock
        self.failures = 0
        self._late: set[str] = set()
        self.opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """Its state now."""
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
        return self._seconds if self._probing else 0.0

    def enter(self) -> bool:
        """Let a request through that `refuses` does not; whether it is the probe of a half open breaker."""
        if self.opened_at is None:
            return False
        self._probing = True
        return True

    def succeeded(self, *, is_probe: bool) -> None:
        """Count an answer, which closes the breaker; one to a request of before it opened does too."""
        if self.failures or is_probe:
            self.failures = 0
            self._late.clear()
            self.opened_at = None
            self._probing = False

    def failed(self, *, is_probe: bool) -> None:
        """Count a failure. While it is open only the probe's counts: requests of before may still fail for seconds."""
        self.failures += 1
        if is_probe or (self.opened_at is None and self.failures >= self._most):
            self.opened_at = self._clock()
            self._probing = False

    def late(self, person: str | None, *, is_probe: bool) -> None:
        """Count a timeout, which may be for what was asked: in a row of failures each person's count once.

        Args:
            person: Who asked; `None` where that is not known, and then each counts.
        """
        if person is not None and not is_probe:
            if person in self._late:
                return
            self._late.add(person)
        self.failed(is_probe=is_probe)

    def abandoned(self, *, is_probe: bool) -> None:
        """Count nothing: the request was cancelled. Another may be the probe."""
        if is_probe:
            self._probing = False

"""The moment by which the operation that runs here must be answered, and how many operations run at once.

It travels in a context variable and not as an argument: what waits for Supabase lies below the client library of Auth,
the relay and the shapers, none of which has any use for it.
"""

import math
import time
from contextvars import ContextVar, Token
from types import TracebackType

from tripgate.upstream.resilience.failures import overloaded

ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)
"""When what runs here must have ended, by `time.monotonic`; infinity where nothing bounds it."""


class DeadlineScope:
    """`with DeadlineScope(seconds):` gives what runs inside a deadline, its tasks included, and
    is when that is. An earlier one stays."""

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._token: Token[float] | None = None

    def __enter__(self) -> float:
        ends = min(time.monotonic() + self._seconds, ends_at.get())
        self._token = ends_at.set(ends)
        return ends

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            ends_at.reset(self._token)


def deadline() -> float:
    """The value of `ends_at` here."""
    return ends_at.get()


class Operations:
    """Bounds how many queries and mutations run at once, and gives each its deadline.

    Args:
        most: How many run at once.
        seconds: How long each may take.

    Attributes:
        running: How many run now.
        refused: How many were refused.
    """

    __slots__ = ("_most", "_seconds", "refused", "running")

    def __init__(self, *, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self.running = 0
        self.refused = 0

    def run(self) -> "_Operation":
        """`with operations.run():` counts what runs inside as one operation, within its deadline.

        Raises:
            ApiError: OVERLOADED, on entering, where as many run already as may.
        """
        return _Operation(self, self._seconds)

    def begin(self) -> None:
        """Count one more.

        Raises:
            ApiError: OVERLOADED.
        """
        if self.running >= self._most:
            self.refused += 1
            raise overloaded()
        self.running += 1

    def end(self) -> None:
        """Count one less."""
        self.running -= 1

    def ends_at(self) -> float:
        """When an operation that begins now must have ended."""
        return time.monotonic() + self._seconds


class _Operation(DeadlineScope):
    __slots__ = ("_operations",)

    def __init__(self, operations: Operations, seconds: float) -> None:
        super().__init__(seconds)
        self._operations = operations

    def __enter__(self) -> float:
        self._operations.begin()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._operations.running -= 1
        super().__exit__(kind, error, trace)

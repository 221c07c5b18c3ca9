"""How many operations run at once, and how long each may take."""

from types import TracebackType

from tripgate.upstream.resilience.deadline import Within
from tripgate.upstream.resilience.failures import overloaded


class Operations:
    """Bounds queries and mutations. What one more would cost everybody is refused while it costs nothing yet.

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

    def one(self) -> "_Operation":
        """`with operations.one():` runs one more within its deadline; OVERLOADED where there is no room for it."""
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


class _Operation(Within):
    __slots__ = ("_operations",)

    def __init__(self, operations: Operations, seconds: float) -> None:
        super().__init__(seconds)
        self._operations = operations

    def __enter__(self) -> None:
        self._operations.begin()
        super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._operations.running -= 1
        super().__exit__(kind, error, trace)

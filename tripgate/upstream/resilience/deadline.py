"""The moment by which the operation that runs here must be answered.

It travels in a context variable and not as an argument: what waits for Supabase lies below the client library of Auth,
the relay and the shapers, none of which has any use for it.
"""

import math
import time
from contextvars import ContextVar, Token
from types import TracebackType

_ends: ContextVar[float] = ContextVar("deadline", default=math.inf)


class Within:
    """`with Within(seconds):` bounds what runs inside, the tasks that it starts included. An earlier bound stays."""

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._token: Token[float] | None = None

    def __enter__(self) -> None:
        self._token = _ends.set(min(time.monotonic() + self._seconds, _ends.get()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _ends.reset(self._token)


def deadline() -> float:
    """When what runs here must have ended, by `time.monotonic`; infinity where nothing bounds it."""
    return _ends.get()

"""Metrics of the database's tasks (docs/jobs.md), which it tells to whoever has their token.

They are asked for when metrics are, but no more often than every few seconds, and never waited for longer than the
scrape can: the other metrics are told all the same, and one of them says that these are old.
"""

import asyncio
import logging
import time
from typing import Any

from gql.errors import ApiError
from tripgate.gateway.observability.metrics import Metrics
from tripgate.planner.plan import FunctionCall
from tripgate.upstream.backend import Backend, BackendError
from tripgate.upstream.caller import ANONYMOUS
from tripgate.upstream.record import recording
from tripgate.upstream.resilience.deadline import DeadlineScope

_FUNCTION = "task_metrics"
_STATES = ("waiting", "running", "failed")
_FRESH_SECONDS = 5.0
_READ_SECONDS = 3.0
_log = logging.getLogger("tripgate.jobs")


class JobMetrics:
    """What there is to do, by kind.

    Args:
        token: Of which the database knows the digest.
    """

    def __init__(self, metrics: Metrics, backend: Backend, token: str) -> None:
        self._backend = backend
        self._prepared = backend.prepare(FunctionCall(_FUNCTION, (("token", token),)))
        self._fresh_until = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._failing = False
        # Set when they are read and not when they are told: of several workers whoever has asked last is right.
        self._up = metrics.latest("tripgate_jobs_up", "Whether the numbers of jobs could be had.")
        self._numbers = metrics.latest("tripgate_jobs", "Jobs by kind and state.", "kind", "state")
        self._ages = metrics.latest(
            "tripgate_jobs_oldest_due_seconds",
            "For how long the oldest job has been due that is not done.",
            "kind",
        )
        self._kinds: set[str] = set()
        metrics.read_first(self.read)

    async def read(self, seconds: float) -> None:
        """Ask for the numbers, unless they are fresh, and wait for so many seconds at most."""
        if time.monotonic() < self._fresh_until:
            return
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        # Whoever waits no longer must not end it for the next.
        await asyncio.wait({self._reading}, timeout=seconds)
        if self._reading is not None:
            self._up.set(0)

    async def _read(self) -> None:
        recording.set(None)
        try:
            with DeadlineScope(_READ_SECONDS):
                async with asyncio.timeout(_READ_SECONDS):
                    (found,) = (await self._backend.fetch(self._prepared, ANONYMOUS, None)).rows
            self._take(found)
            self._up.set(1)
            self._failing = False
        except (ApiError, BackendError, TimeoutError, AttributeError, KeyError, TypeError, ValueError) as error:
            if not self._failing:
                _log.warning("no metrics of jobs", extra={"fields": {"why": _why(error)}})
            self._failing = True
            self._up.set(0)
        finally:
            self._fresh_until = time.monotonic() + _FRESH_SECONDS
            self._reading = None

    def _take(self, found: dict[str, Any]) -> None:
        # A kind of which there is none any more is told of with zeros.
        for kind in self._kinds - found.keys():
            self._tell(kind, dict.fromkeys(_STATES, 0.0), 0.0)
        for kind, counted in found.items():
            numbers = {state: float(counted[state]) for state in _STATES}
            self._tell(kind, numbers, float(counted["oldest_due_seconds"] or 0))
        self._kinds |= found.keys()

    def _tell(self, kind: str, numbers: dict[str, float], age: float) -> None:
        for state, number in numbers.items():
            self._numbers.labels(kind, state).set(number)
        self._ages.labels(kind).set(age)


def _why(error: Exception) -> str:
    """Without what the database says beside, which may be anything."""
    if isinstance(error, ApiError):
        return f"{error.code.value}: {error.message}"
    return type(error).__name__

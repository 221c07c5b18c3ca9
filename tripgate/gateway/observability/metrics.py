"""Metrics for Prometheus.

A request counts in plain numbers, which cost a fraction of a microsecond; they are handed to `prometheus_client`, whose
locks and shared files cost several each, when somebody asks for them. Where several processes serve together,
`PROMETHEUS_MULTIPROC_DIR` names the folder that they share, each hands its numbers over every second, and whichever is
asked answers for all.
"""

import asyncio
import os
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from tripgate.gateway.observability.process import Process
from tripgate.upstream.calls import UpstreamCall
from tripgate.upstream.record import RequestRecord

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of what takes as long as a request."""

STAGE_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)
"""Upper bounds of what takes as long as a part of one."""

STAGES = ("receive", "parse", "plan", "upstream", "shape", "encode")
"""The parts of a request, in order."""

OTHER = "(other)"
NAMELESS = "(anonymous)"

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_HAND_OVER_SECONDS = 1.0

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class _Histogram(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, counts: Iterable[int], total: float) -> None:
        """Add so many observations to each bucket, and their sum."""
        self._sum.inc(total)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class Timing:
    """One histogram's observations since they were last handed over.

    Attributes:
        counts: How many there are up to each bound, and beyond the last.
        total: Their sum, in seconds.
    """

    __slots__ = ("_bounds", "_target", "counts", "total")

    def __init__(self, target: _Histogram, bounds: Sequence[float]) -> None:
        self._target = target
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Something took so long."""
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.total += seconds

    def hand_over(self) -> None:
        """Tell `prometheus_client`."""
        if any(self.counts):
            self._target.add(self.counts, self.total)
            self.counts = [0] * (len(self._bounds) + 1)
            self.total = 0.0


class Timings:
    """A histogram by labels."""

    def __init__(
        self, registry: CollectorRegistry, name: str, words: str, labels: tuple[str, ...], bounds: Sequence[float]
    ) -> None:
        self._histogram = _Histogram(name, words, labels, buckets=bounds, registry=registry)
        self._bounds = bounds
        self._known: dict[tuple[str, ...], Timing] = {}

    def of(self, *labels: str) -> Timing:
        """The histogram with these labels; frequent observers hold on to it."""
        found = self._known.get(labels)
        if found is None:
            target = self._histogram.labels(*labels) if labels else self._histogram
            found = self._known[labels] = Timing(target, self._bounds)
        return found

    def hand_over(self) -> None:
        """Tell `prometheus_client`."""
        for timing in self._known.values():
            timing.hand_over()


class BufferedCounter:
    """A counter by labels."""

    def __init__(self, registry: CollectorRegistry, name: str, words: str, labels: tuple[str, ...]) -> None:
        self._counter = Counter(name, words, labels, registry=registry)
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *labels: str) -> None:
        """One more."""
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def hand_over(self) -> None:
        """Tell `prometheus_client`."""
        counts, self._counts = self._counts, {}
        for labels, count in counts.items():
            (self._counter.labels(*labels) if labels else self._counter).inc(count)


class Metrics:
    """All that is measured. `docs/operations.md` lists the names.

    Args:
        most_operations: How many operations are told apart by name. Names are the clients' words, so there is an end.
    """

    def __init__(self, most_operations: int) -> None:
        self._most_operations = most_operations
        self._names: set[str] = set()
        self._registry = registry = CollectorRegistry()
        self._shared = os.environ.get(FOLDER)
        self._samples: list[Callable[[], None]] = []
        self._reads: list[Callable[[float], Awaitable[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self.operations = Timings(
            registry,
            "tripgate_operation_seconds",
            "Queries and mutations, from arrival to answer.",
            ("kind", "operation"),
            SECONDS,
        )
        self.stages = Timings(
            registry, "tripgate_stage_seconds", "Parts of queries and mutations.", ("stage",), STAGE_SECONDS
        )
        self._stages = {name: self.stages.of(name) for name in STAGES}
        self.upstream = Timings(registry, "tripgate_upstream_seconds", "Requests to Supabase.", ("upstream",), SECONDS)
        self.upstream_outcomes = BufferedCounter(
            registry, "tripgate_upstream_requests", "Requests to Supabase by outcome.", ("upstream", "outcome")
        )
        self.responses = BufferedCounter(
            registry, "tripgate_responses", "Answered GraphQL requests.", ("transport", "status")
        )
        self.errors = BufferedCounter(registry, "tripgate_errors", "GraphQL errors in answers.", ("code",))
        self.loop_lag = Timings(
            registry,
            "tripgate_loop_lag_seconds",
            "How late the event loop came to a timer.",
            (),
            STAGE_SECONDS,
        )
        self._timings = (self.operations, self.stages, self.upstream, self.loop_lag)
        self._tallies = (self.upstream_outcomes, self.responses, self.errors)
        self._samples.append(Process(registry).sample)

    def count_request(
        self,
        record: RequestRecord,
        status: str,
        stages: Mapping[str, tuple[float, float]],
        ended: float,
        *,
        trusted: bool,
    ) -> None:
        """Count a request that is over, and the calls that its record keeps.

        Args:
            stages: When each of its parts began and ended; none of a subscription.
            trusted: See `operation`.
        """
        self.responses.add(record.transport, status)
        for code in record.codes:
            self.errors.add(code)
        for call in record.calls:
            self.count_call(call)
        if stages:
            self.operation(record.operation.kind.value, record.operation.name, trusted=trusted).observe(
                ended - record.arrived
            )
            timings = self._stages
            for name, (began, until) in stages.items():
                # As `observe`, which takes as long to be called as to do it.
                timing, seconds = timings[name], until - began
                timing.counts[bisect_left(STAGE_SECONDS, seconds)] += 1
                timing.total += seconds

    def count_call(self, call: UpstreamCall) -> None:
        """Count a request to Supabase that is over."""
        self.upstream.of(call.upstream).observe(call.ended - call.began)
        self.upstream_outcomes.add(call.upstream, call.outcome)

    def operation(self, kind: str, name: str | None, *, trusted: bool) -> Timing:
        """The histogram of an operation.

        Args:
            trusted: Whether a name that is new here may become one of those that are told apart.
        """
        if name is None:
            return self.operations.of(kind, NAMELESS)
        if name not in self._names:
            if not trusted or len(self._names) >= self._most_operations:
                return self.operations.of(kind, OTHER)
            self._names.add(name)
        return self.operations.of(kind, name)

    def gauge(self, name: str, words: str, read: Callable[[], float]) -> None:
        """Something that is read when metrics are asked for; several processes' numbers are added up."""
        gauge = Gauge(name, words, registry=self._registry, multiprocess_mode="livesum")
        self._samples.append(lambda: gauge.set(read()))

    def most(self, name: str, words: str, read: Callable[[], float]) -> None:
        """As `gauge`, but of several processes' numbers the largest counts."""
        gauge = Gauge(name, words, registry=self._registry, multiprocess_mode="livemax")
        self._samples.append(lambda: gauge.set(read()))

    def gauges(self, name: str, words: str, label: str, read: Callable[[], dict[str, float]]) -> None:
        """As `gauge`, a number for each value of a label."""
        gauge = Gauge(name, words, (label,), registry=self._registry, multiprocess_mode="livesum")

        def sample() -> None:
            for value, number in read().items():
                gauge.labels(value).set(number)

        self._samples.append(sample)

    def latest(self, name: str, words: str, *labels: str) -> Gauge:
        """Something that is set when it becomes known; of several processes' numbers the newest counts."""
        return Gauge(name, words, labels, registry=self._registry, multiprocess_mode="livemostrecent")

    def read_first(self, read: Callable[[float], Awaitable[None]]) -> None:
        """Something that is awaited when metrics are asked for, and may take so many seconds."""
        self._reads.append(read)

    def counters(self, name: str, words: str, label: str, read: Callable[[], dict[str, float]]) -> None:
        """Numbers that somebody else counts and that never fall, one for each value of a label."""
        counter = Counter(name, words, (label,), registry=self._registry)
        seen: dict[str, float] = {}

        def sample() -> None:
            for value, number in read().items():
                counter.labels(value).inc(max(0.0, number - seen.get(value, 0.0)))
                seen[value] = number

        self._samples.append(sample)

    def counter(self, name: str, words: str, read: Callable[[], float]) -> None:
        """As `counters`, one number."""
        counter = Counter(name, words, registry=self._registry)
        seen = 0.0

        def sample() -> None:
            nonlocal seen
            now = read()
            counter.inc(max(0.0, now - seen))
            seen = now

        self._samples.append(sample)

    def start(self) -> None:
        """Hand over in time for others to be asked, where there are others."""
        if self._shared is not None:
            self._timer = asyncio.get_running_loop().call_later(_HAND_OVER_SECONDS, self._again)

    def stop(self) -> None:
        """Hand over what is left."""
        if self._timer is not None:
            self._timer.cancel()
        if self._shared is not None:
            self._hand_over()

    async def exposition(self, accept: str, seconds: float) -> tuple[bytes, str]:
        """What Prometheus reads, and its content type, by its `Accept` header.

        Args:
            seconds: How long may be waited for what others have to be asked for.
        """
        await asyncio.gather(*(read(seconds) for read in self._reads))
        self._hand_over()
        encode, content_type = choose_encoder(accept)
        # Hundreds of lines take milliseconds, for which no request should wait.
        return await asyncio.to_thread(lambda: encode(self._collected())), content_type

    def _collected(self) -> CollectorRegistry:
        if self._shared is None:
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=self._shared)  # type: ignore[no-untyped-call]
        return registry

    def _hand_over(self) -> None:
        for timings in self._timings:
            timings.hand_over()
        for tallies in self._tallies:
            tallies.hand_over()
        for sample in self._samples:
            sample()

    def _again(self) -> None:
        self._hand_over()
        self.start()

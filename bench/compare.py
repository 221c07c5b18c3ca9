"""Contenders against each other: figures taken within each round, then their median, least and greatest value."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from bench.contenders import HANDWRITTEN, HANDWRITTEN_CACHED, HOP, POSTGRAPHILE, RAW, TRIPGATE, Contender
from bench.measure import Measured
from bench.outcome import Spread, Target
from bench.workloads import DELAY, DELAY_OF_MANY, LATENCY, LATENCY_OF_ONE, PROFILE_BY_ID, TEN_TRIPS, THOUSAND_TRIPS

Figure = Callable[[Measured, Measured], float]


def faster(one: Measured, other: Measured) -> float:
    """How many times as many requests per second."""
    return one.requests_per_second / other.requests_per_second


def longer(one: Measured, other: Measured) -> float:
    """How many times the median latency."""
    return one.p50_ms / other.p50_ms


def later(one: Measured, other: Measured) -> float:
    """Milliseconds of median latency on top."""
    return one.p50_ms - other.p50_ms


def cheaper(one: Measured, other: Measured) -> float:
    """How many times the gateway's CPU the other takes."""
    return other.cpu_ms["gateway"] / one.cpu_ms["gateway"]


def dearer(one: Measured, other: Measured) -> float:
    """Milliseconds of gateway CPU per request on top."""
    return one.cpu_ms["gateway"] - other.cpu_ms["gateway"]


class Rounds:
    """All rounds, to be asked for pairs."""

    def __init__(self, measured: Iterable[Measured]) -> None:
        self._found = {(each.workload, each.contender, each.round): each for each in measured}
        self._last = max((each.round for each in self._found.values()), default=0)

    def of(self, workload: str, contender: Contender) -> list[Measured]:
        """The rounds of one contender with one workload."""
        return [
            found
            for number in range(1, self._last + 1)
            if (found := self._found.get((workload, contender.name, number))) is not None
        ]

    def spread(self, workload: str, figure: Figure, one: Contender, other: Contender, unit: str = "") -> Spread | None:
        """A figure of each round that both took part in; `None` without any."""
        both = [
            figure(first, second)
            for first in self.of(workload, one)
            if (second := self._found.get((workload, other.name, first.round))) is not None
        ]
        return Spread(median(both), min(both), max(both), unit) if both else None


def ratios(rounds: Rounds, workload: str) -> dict[str, Spread]:
    """Tripgate against each of the others, by what the figure says."""
    wanted: list[tuple[str, Figure, Contender, str]] = [
        ("throughput, Tripgate to {}", faster, RAW, ""),
        ("throughput, Tripgate to {}", faster, HANDWRITTEN, ""),
        ("throughput, Tripgate to {}", faster, HANDWRITTEN_CACHED, ""),
        ("throughput, Tripgate to {}", faster, POSTGRAPHILE, ""),
        ("p50 of Tripgate over {}", later, RAW, " ms"),
        ("gateway CPU, {} to Tripgate", cheaper, HANDWRITTEN, ""),
        ("gateway CPU, {} to Tripgate", cheaper, HANDWRITTEN_CACHED, ""),
        ("gateway CPU, {} to Tripgate", cheaper, POSTGRAPHILE, ""),
        ("gateway CPU, Tripgate over {}", dearer, HOP, " ms"),
    ]
    return {
        name.format(against.title): found
        for name, figure, against, unit in wanted
        if (found := rounds.spread(workload, figure, TRIPGATE, against, unit)) is not None
    }


def targets(rounds: Rounds) -> Sequence[Target]:
    """What was promised of single requests, as far as it was measured."""
    ten, thousand = TEN_TRIPS.title, THOUSAND_TRIPS.title
    wanted: list[tuple[str, str, Figure, Contender, str, str, float]] = [
        (PROFILE_BY_ID.name, f"{PROFILE_BY_ID.title}: gateway CPU over the hop", dearer, HOP, " ms", "at most", 0.25),
        (TEN_TRIPS.name, f"{ten}: gateway CPU over the hop", dearer, HOP, " ms", "at most", 0.35),
        (TEN_TRIPS.name, f"{ten}: throughput to raw PostgREST", faster, RAW, "", "at least", 0.80),
        (TEN_TRIPS.name, f"{ten}: throughput to hand-written", faster, HANDWRITTEN, "", "at least", 6.0),
        (THOUSAND_TRIPS.name, f"{thousand}: time to raw PostgREST", longer, RAW, "", "at most", 1.3),
        (THOUSAND_TRIPS.name, f"{thousand}: times as fast as hand-written", faster, HANDWRITTEN, "", "at least", 8.0),
        (LATENCY_OF_ONE.name, f"{LATENCY_OF_ONE.title}: p50 over raw PostgREST", later, RAW, " ms", "at most", 0.8),
        (LATENCY.name, f"{LATENCY.title}: p50 over raw PostgREST", later, RAW, " ms", "at most", 0.8),
        (DELAY.name, f"{DELAY.title}: p50 over raw PostgREST", later, RAW, " ms", "at most", 1.0),
        (DELAY.name, f"{DELAY.title}: p50 over PostGraphile", later, POSTGRAPHILE, " ms", "below", 0.0),
        (DELAY_OF_MANY.name, f"{DELAY_OF_MANY.title}: p50 over PostGraphile", later, POSTGRAPHILE, " ms", "below", 0.0),
    ]
    found = []
    for workload, name, figure, other, unit, word, bound in wanted:
        spread = rounds.spread(workload, figure, TRIPGATE, other, unit)
        if spread is not None:
            value = spread.median
            met = value >= bound if word == "at least" else value < bound if word == "below" else value <= bound
            found.append(Target(name, f"{word} {bound:g}{unit}", str(spread), met))
    return found

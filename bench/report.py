"""What is shown of a run: tables of medians, and what was promised beside what was measured.

Ratios are taken within each round, then their median, least and greatest value.
"""

import dataclasses
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench import workloads as asked
from bench.contenders import (
    GATEWAYS,
    HANDWRITTEN,
    HOP,
    ONE_WORKER,
    POSTGRAPHILE,
    RAW,
    TRIPGATE,
    TRIPGATE_SQL,
    TWO_WORKERS,
    WIDE,
    Contender,
)  # fmt: skip
from bench.measure import Measured, Plan
from bench.node import versions
from bench.workloads import Workload

PACKAGES = ("tripgate", "aiohttp", "graphql-core", "orjson", "strawberry-graphql", "uvloop")
MOST_MS = 20.0
MOST_PER_ROW = 1.2
Figure = Callable[[Measured, Measured], float]


@dataclass(frozen=True)
class Target:
    """One promise beside what was measured, both in words."""

    name: str
    bound: str
    value: str
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'MISSED'}: {self.name}, {self.bound}: {self.value}"


@dataclass(frozen=True)
class Outcome:
    """A table and what explains it, and the targets of that part of a run."""

    name: str
    text: str
    targets: Sequence[Target]


@dataclass(frozen=True)
class Spread:
    """A figure of each round: the median, the least and the greatest."""

    median: float
    least: float
    greatest: float

    def show(self, unit: str = "") -> str:
        """As text."""
        return f"{self.median:.2f}{unit} ({self.least:.2f} to {self.greatest:.2f})"


def faster(one: Measured, other: Measured) -> float:
    """How many times as many requests per second."""
    return one.requests_per_second / other.requests_per_second


def longer(one: Measured, other: Measured) -> float:
    """How many times the median latency."""
    return one.p50_ms / other.p50_ms


def later(one: Measured, other: Measured) -> float:
    """Milliseconds of median latency on top."""
    return one.p50_ms - other.p50_ms


def dearer(one: Measured, other: Measured) -> float:
    """Milliseconds of gateway CPU per request on top."""
    return one.cpu_ms["gateway"] - other.cpu_ms["gateway"]


def costlier(one: Measured, other: Measured) -> float:
    """How many times the gateway's CPU."""
    return one.cpu_ms["gateway"] / other.cpu_ms["gateway"]


class Rounds:
    """All rounds, to be asked for pairs."""

    def __init__(self, measured: Iterable[Measured]) -> None:
        self._found: dict[tuple[str, str], dict[int, Measured]] = {}
        for each in measured:
            self._found.setdefault((each.workload, each.contender), {})[each.round] = each

    def of(self, workload: Workload, contender: Contender) -> list[Measured]:
        """The rounds of one contender with one workload."""
        return list(self._found.get((workload.name, contender.name), {}).values())

    def spread(self, workload: Workload, figure: Figure, one: Contender, other: Contender) -> Spread | None:
        """A figure of each round that both took part in; `None` without any."""
        others = {each.round: each for each in self.of(workload, other)}
        both = [figure(each, others[each.round]) for each in self.of(workload, one) if each.round in others]
        return Spread(median(both), min(both), max(both)) if both else None


# Workload, what of it, the figure, whose and against whom, and what it has to be.
_Promise = tuple[Workload, str, Figure, Contender, Contender, str, str, float]
_OVER_SQL = [
    (asked.PROFILE_BY_ID, 1.8, 2.3),
    (asked.POINT, 1.8, 2.3),
    (asked.TEN_TRIPS, 2.3, 2.3),
    (asked.PAGE_OF_MANY, 1.6, 2.0),
    (asked.PAGE_OF_THOUSAND, 1.6, 2.0),
    (asked.THOUSAND_TRIPS, 1.4, 2.0),
]
PROMISES: list[_Promise] = [
    (asked.PROFILE_BY_ID, "gateway CPU over the hop", dearer, TRIPGATE, HOP, " ms", "at most", 0.25),
    (asked.TEN_TRIPS, "gateway CPU over the hop", dearer, TRIPGATE, HOP, " ms", "at most", 0.35),
    (asked.TEN_TRIPS, "throughput to raw PostgREST", faster, TRIPGATE, RAW, "", "at least", 0.80),
    (asked.TEN_TRIPS, "throughput to hand-written", faster, TRIPGATE, HANDWRITTEN, "", "at least", 6.0),
    (asked.THOUSAND_TRIPS, "time to raw PostgREST", longer, TRIPGATE, RAW, "", "at most", 1.3),
    (asked.THOUSAND_TRIPS, "times as fast as hand-written", faster, TRIPGATE, HANDWRITTEN, "", "at least", 8.0),
    (asked.LATENCY_OF_ONE, "p50 over raw PostgREST", later, TRIPGATE, RAW, " ms", "at most", 0.8),
    (asked.LATENCY, "p50 over raw PostgREST", later, TRIPGATE, RAW, " ms", "at most", 0.8),
    (asked.DELAY, "p50 over raw PostgREST", later, TRIPGATE, RAW, " ms", "at most", 1.0),
    (asked.DELAY, "p50 over PostGraphile", later, TRIPGATE, POSTGRAPHILE, " ms", "below", 0.0),
    (asked.DELAY_OF_MANY, "p50 over PostGraphile", later, TRIPGATE, POSTGRAPHILE, " ms", "below", 0.0),
    *(
        (workload, f"throughput over SQL to {other.title}", faster, TRIPGATE_SQL, other, "", "at least", least)
        for workload, *bounds in _OVER_SQL
        for other, least in zip((RAW, POSTGRAPHILE), bounds, strict=True)
    ),
    (asked.DELAY, "p50 over SQL to raw PostgREST", longer, TRIPGATE_SQL, RAW, "", "at most", 1.0),
    (asked.DELAY, "throughput over SQL to PostGraphile 5", faster, TRIPGATE_SQL, POSTGRAPHILE, "", "at least", 2.5),
    *(
        (workload, f"throughput over SQL to {other.title}", faster, TRIPGATE_SQL, other, "", "at least", least)
        for workload in (asked.RELATED, asked.TOTALS, asked.GROUPS, asked.FAR_DOWN)
        for other, least in ((TRIPGATE, 1.0), (POSTGRAPHILE, 1.5))
    ),
    (asked.REPLAYED, "two workers against one", faster, TWO_WORKERS, ONE_WORKER, " times", "at least", 1.7),
    (asked.KEPT, "gateway CPU with 200 tables more", costlier, WIDE, TRIPGATE, " times", "at most", 1.1),
    (asked.NEW, "gateway CPU with 200 tables more", costlier, WIDE, TRIPGATE, " times", "at most", 1.1),
]


def targets(rounds: Rounds) -> list[tuple[str, Target]]:
    """What was promised, as far as it was measured, each with the group of its workload."""
    found = []
    for workload, name, figure, one, other, unit, word, bound in PROMISES:
        spread = rounds.spread(workload, figure, one, other)
        if spread is not None:
            value = spread.median
            met = value >= bound if word == "at least" else value < bound if word == "below" else value <= bound
            title = f"{workload.title}: {name}"
            found.append((workload.group, Target(title, f"{word} {bound:g}{unit}", spread.show(unit), met)))
    return found


def outcomes(measured: Sequence[Measured], plan: Plan) -> list[Outcome]:
    """The tables and targets of every group of workloads."""
    rounds = Rounds(measured)
    promised = targets(rounds)
    found = []
    for group, (head, notes) in _GROUPS.items():
        cells = [(w, c) for w, c in plan.cells if w.group == group and rounds.of(w, c)]
        if not cells:
            continue
        mine = [target for each, target in promised if each == group]
        if group == asked.REQUESTS:
            how = f"{plan.connections} connections where nothing else is said; "
            lines = [*_compared(rounds, cells), how + _how(plan, 1), notes]
        else:
            lines = [head, *_plain(rounds, cells), f"{_how(plan, cells[0][0].every)}{notes}"]
            mine += _documented(rounds, cells) if group == asked.DOCUMENTED_QUERIES else []
            mine += _growing(rounds) if group == asked.GROWTH else []
        found.append(Outcome(group, "\n".join(lines), mine))
    return found


_GROUPS = {
    asked.REQUESTS: (
        "",
        "to raw, … to it: requests/s as a ratio within each round; the median of the rounds.\n"
        "From gateway to generator: CPU milliseconds per request of each process; over hop: of the gateway, beyond the "
        "bare hop.\nelsewhere: cores that other programs kept busy meanwhile.",
    ),
    asked.WORKERS: ("workers: a gateway with one worker and with two; PostgREST is what replays", ""),
    asked.DOCUMENTED_QUERIES: ("documented: each documented query through Tripgate, 1 connection", ""),
    asked.GROWTH: ("growth: answers of 10, 100 and 1,000 trips, 1 connection", ""),
    asked.TABLES: (
        "tables: 10 trips with 10 items each, while the schema has 200 tables more that nobody asks for",
        " 1 connection.",
    ),
}
_PROCESSES = ("gateway", "postgrest", "postgres", "load")


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows as lines, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(["", *(cell.rjust(width) if n else cell.ljust(width) for n, (cell, width) in enumerate(pairs))])
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]


def _how(plan: Plan, every: int) -> str:
    turns = max(1, plan.rounds // every)
    return f"medians of {turns} round{'s' * (turns > 1)} of {plan.seconds:g} s, contenders in turn."


def _compared(rounds: Rounds, cells: Sequence[tuple[Workload, Contender]]) -> list[str]:
    """A block for each workload, a row for each contender."""
    ours = [each for each in GATEWAYS if any(contender == each for _, contender in cells)]
    rows = [("", *_FIGURES, "to raw", *(f"{each.title} to it" for each in ours), "over hop")]
    for workload, contender in cells:
        over = None if contender.is_postgrest else rounds.spread(workload, dearer, contender, HOP)
        mine = [None if contender == each else rounds.spread(workload, faster, each, contender) for each in ours]
        ratios = [_ratio(each) for each in (rounds.spread(workload, faster, contender, RAW), *mine)]
        over_hop = f"{over.median:+.2f}" if over is not None and contender != HOP else "-"
        rows.append((contender.title, *_figures(rounds, workload, contender), *ratios, over_hop))
    head, *shown = aligned(rows)
    lines = [head]
    for number, (workload, _) in enumerate(cells):
        if number == 0 or workload is not cells[number - 1][0]:
            lines.append(f"{workload.name}: {workload.title}")
        lines.append(shown[number])
    return lines


def _plain(rounds: Rounds, cells: Sequence[tuple[Workload, Contender]]) -> list[str]:
    """A row for each workload and contender."""
    alone = len({contender.name for _, contender in cells}) == 1
    titles = [workload.title if alone else f"{workload.title}, {contender.title}" for workload, contender in cells]
    rows = [(title, *_figures(rounds, *cell)) for title, cell in zip(titles, cells, strict=True)]
    return aligned([("", *_FIGURES), *rows])


_FIGURES = ("requests/s", "p50 ms", "p99 ms", "gateway", "PostgREST", "Postgres", "generator", "elsewhere")


def _figures(rounds: Rounds, workload: Workload, contender: Contender) -> list[str]:
    """The medians of all rounds."""
    found = rounds.of(workload, contender)

    def middle(read: Callable[[Measured], float], digits: int = 2) -> str:
        return f"{median(read(each) for each in found):,.{digits}f}"

    return [
        middle(lambda each: each.requests_per_second, 1),
        middle(lambda each: each.p50_ms, 1),
        middle(lambda each: each.p99_ms, 1),
        *(middle(lambda each, name=name: each.cpu_ms[name]) if name in found[0].cpu_ms else "-" for name in _PROCESSES),
        middle(lambda each: each.cores_elsewhere),
    ]


def _ratio(spread: Spread | None) -> str:
    return "-" if spread is None else f"{spread.median:.2f}"


def _documented(rounds: Rounds, cells: Sequence[tuple[Workload, Contender]]) -> list[Target]:
    worst, title = max((median(each.p99_ms for each in rounds.of(w, c)), w.title) for w, c in cells)
    value = f"{worst:.1f} ms ({title})"
    return [Target("p99 of each documented query", f"at most {MOST_MS:g} ms", value, worst <= MOST_MS)]


def _growing(rounds: Rounds) -> list[Target]:
    """What the last nine hundred trips cost each, against what the ninety before them did."""
    if not all(rounds.of(workload, TRIPGATE) for workload in asked.GROWING):
        return []
    found = []
    for name, read in (
        ("time of an answer", lambda each: each.p50_ms),
        ("gateway CPU", lambda each: each.cpu_ms["gateway"]),
    ):
        values = [median(read(each) for each in rounds.of(workload, TRIPGATE)) for workload in asked.GROWING]
        first, second = (
            (values[n + 1] - values[n]) / (asked.GROWTH_SIZES[n + 1] - asked.GROWTH_SIZES[n]) for n in (0, 1)
        )
        bound = f"a further row costs at most {MOST_PER_ROW:g} times as much"
        ratio = second / first
        found.append(Target(f"{name} as its rows grow", bound, f"{ratio:.2f}", ratio <= MOST_PER_ROW))
    return found


def run(
    measured: Sequence[Measured], parts: Sequence[Outcome], plan: Plan, data: str, servers: dict[str, str]
) -> dict[str, Any]:
    """A run as plain values: everything that was measured, what was shown of it, and on what it was measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        },
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in PACKAGES},
            **versions(),
            **servers,
        },
        "parameters": {
            "rounds": plan.rounds,
            "seconds": plan.seconds,
            "connections": plan.connections,
            "data": data,
        },
        "rounds": [dataclasses.asdict(each) for each in measured],
        "parts": [dataclasses.asdict(each) for each in parts],
    }


def write(folder: Path, run: dict[str, Any]) -> Path:
    """Keep a run; the file, named after the moment."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{datetime.fromisoformat(run['date']):%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def tables(run: dict[str, Any]) -> str:
    """The tables of all parts."""
    return "\n\n".join(part["text"] for part in run["parts"])


def verdicts(run: dict[str, Any]) -> list[str]:
    """A line for each target."""
    return [
        str(Target(**{name: each[name] for name in ("name", "bound", "value", "met")}))
        for part in run["parts"]
        for each in part["targets"]
    ]

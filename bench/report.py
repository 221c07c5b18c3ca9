"""What is shown of a run: tables of medians, and what was promised beside what was measured; and where it is published.

Ratios are taken within each round, then their median, least and greatest value.
"""

import dataclasses
import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench import workloads as asked
from bench.contenders import GATEWAYS, HANDWRITTEN, HOP, POSTGRAPHILE, RAW, TRIPGATE, TRIPGATE_SQL, Contender
from bench.load import Measured
from bench.measure import Plan
from bench.node import versions
from bench.workloads import Workload

PACKAGES = ("tripgate", "aiohttp", "graphql-core", "orjson", "strawberry-graphql", "uvloop")
SHOWN_QUERIES, MOST_MS = 8, 20.0
ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "bench" / "published.json"
DOCUMENT, README = ROOT / "docs" / "performance.md", ROOT / "README.md"
BEGIN, END = "<!-- results: written by `python -m bench --publish`, not by hand -->", "<!-- end of results -->"
# The tables of targets.
DIRECT, GATEWAY, LIVE, STORAGE = "Reads straight from Postgres", "The gateway itself", "Live", "Storage"
_SHARES = ("all", "half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


class PublishError(Exception):
    """A run cannot be published; the message says why."""


@dataclass(frozen=True)
class Target:
    """One promise beside what was measured, both in words, and the table that it belongs to."""

    table: str
    name: str
    bound: str
    value: str
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'MISSED'}: {self.table}: {self.name}, {self.bound}: {self.value}"


@dataclass(frozen=True)
class Outcome:
    """A table and what explains it, the targets of that part of a run, and what must not have happened."""

    text: str
    targets: Sequence[Target]
    mistakes: Sequence[str] = ()


@dataclass(frozen=True)
class Spread:
    """A figure of each round: the median, the least and the greatest."""

    median: float
    least: float
    greatest: float

    def show(self, unit: str = "") -> str:
        """As text."""
        return f"{self.median:.2f}{unit} ({self.least:.2f} to {self.greatest:.2f})"


# What is told of one contender and another in the same round.
_RATIO, _LATENCY, _LATER, _CPU = "requests/s to", "p50 to", "p50 over", "gateway CPU over"
_FIGURE: dict[str, Callable[[Measured, Measured], float]] = {
    _RATIO: lambda one, other: one.requests_per_second / other.requests_per_second,
    _LATENCY: lambda one, other: one.p50_ms / other.p50_ms,
    _LATER: lambda one, other: one.p50_ms - other.p50_ms,
    _CPU: lambda one, other: one.cpu_ms["gateway"] - other.cpu_ms["gateway"],
}


class Rounds:
    """All rounds, to be asked for pairs."""

    def __init__(self, measured: Iterable[Measured]) -> None:
        self._found: dict[tuple[str, str], dict[int, Measured]] = {}
        for each in measured:
            self._found.setdefault((each.workload, each.contender), {})[each.round] = each

    def of(self, workload: Workload, contender: Contender) -> list[Measured]:
        """The rounds of one contender with one workload."""
        return list(self._found.get((workload.name, contender.name), {}).values())

    def spread(self, workload: Workload, figure: str, one: Contender, other: Contender) -> Spread | None:
        """A figure of each round that both took part in; `None` without any."""
        others = {each.round: each for each in self.of(workload, other)}
        both = [_FIGURE[figure](each, others[each.round]) for each in self.of(workload, one) if each.round in others]
        return Spread(median(both), min(both), max(both)) if both else None


# Reads straight from Postgres, at least so many times as often as others.
_DIRECT: list[tuple[Workload, tuple[tuple[Contender, float], ...]]] = [
    (asked.PROFILE_BY_ID, ((RAW, 1.8), (POSTGRAPHILE, 2.3))),
    (asked.POINT, ((RAW, 1.8), (POSTGRAPHILE, 2.3))),
    (asked.TEN_TRIPS, ((RAW, 2.3), (POSTGRAPHILE, 2.3))),
    (asked.PAGE_OF_MANY, ((RAW, 1.6), (POSTGRAPHILE, 2.0))),
    (asked.PAGE_OF_THOUSAND, ((RAW, 1.6), (POSTGRAPHILE, 2.0))),
    (asked.THOUSAND_TRIPS, ((RAW, 2.0), (POSTGRAPHILE, 2.0))),
    (asked.DELAY, ((POSTGRAPHILE, 2.5),)),
    *(
        (each, ((TRIPGATE, 1.0), (POSTGRAPHILE, 1.5)))
        for each in (asked.RELATED, asked.TOTALS, asked.GROUPS, asked.FAR_DOWN)
    ),
]
# A workload, the figure, whose and against whom, and the bound: of requests/s the least, of others the most.
_PROMISES: list[tuple[Workload, str, Contender, Contender, float]] = [
    *((workload, _RATIO, TRIPGATE_SQL, *bound) for workload, bounds in _DIRECT for bound in bounds),
    (asked.PROFILE_BY_ID, _CPU, TRIPGATE, HOP, 0.25),
    (asked.TEN_TRIPS, _CPU, TRIPGATE, HOP, 0.35),
    (asked.TEN_TRIPS, _RATIO, TRIPGATE, RAW, 0.80),
    (asked.TEN_TRIPS, _RATIO, TRIPGATE, HANDWRITTEN, 6.0),
    (asked.THOUSAND_TRIPS, _LATENCY, TRIPGATE, RAW, 1.3),
    (asked.THOUSAND_TRIPS, _RATIO, TRIPGATE, HANDWRITTEN, 8.0),
    (asked.LATENCY_OF_ONE, _LATER, TRIPGATE, RAW, 0.8),
    (asked.LATENCY, _LATER, TRIPGATE, RAW, 0.8),
    (asked.DELAY, _LATER, TRIPGATE, RAW, 1.0),
    (asked.DELAY, _LATENCY, TRIPGATE_SQL, RAW, 1.0),
    (asked.DELAY, _LATENCY, TRIPGATE, POSTGRAPHILE, 1.0),
    (asked.DELAY_OF_MANY, _LATENCY, TRIPGATE, POSTGRAPHILE, 1.0),
]


def targets(rounds: Rounds) -> list[Target]:
    """What was promised, as far as it was measured."""
    found = []
    for workload, figure, one, other, bound in _PROMISES:
        spread = rounds.spread(workload, figure, one, other)
        if spread is not None:
            word, met = "at most", spread.median <= bound
            if figure == _RATIO:
                word, met = "at least", spread.median >= bound
            unit = " ms" if figure in {_LATER, _CPU} else ""
            table = DIRECT if one == TRIPGATE_SQL and figure == _RATIO else GATEWAY
            name = f"{workload.title}: {one.title}, {figure} {other.title}"
            found.append(Target(table, name, f"{word} {bound:g}{unit}", spread.show(unit), met))
    return found


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows as lines, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(["", *(cell.rjust(width) if n else cell.ljust(width) for n, (cell, width) in enumerate(pairs))])
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]


_FIGURES: dict[str, tuple[Callable[[Measured], float | None], int]] = {
    "requests/s": (lambda each: each.requests_per_second, 0),
    "p50 ms": (lambda each: each.p50_ms, 1),
    "p99 ms": (lambda each: each.p99_ms, 1),
    "gateway": (lambda each: each.cpu_ms.get("gateway"), 2),
    "PostgREST": (lambda each: each.cpu_ms["postgrest"], 2),
    "Postgres": (lambda each: each.cpu_ms["postgres"], 2),
    "generator": (lambda each: each.cpu_ms["load"], 2),
    "elsewhere": (lambda each: each.cores_elsewhere, 2),
}


def _figures(found: Sequence[Measured]) -> list[str]:
    """The medians of all rounds, in the order of the columns."""
    values = {name: [read(each) for each in found] for name, (read, _) in _FIGURES.items()}
    return [
        "-" if None in values[name] else f"{median(each for each in values[name] if each is not None):,.{digits}f}"
        for name, (_, digits) in _FIGURES.items()
    ]


def compared(measured: Sequence[Measured], plan: Plan) -> Outcome:
    """A block for each workload, a row for each contender."""
    rounds = Rounds(measured)
    cells = [(w, c) for w, c in plan.cells if w.group == asked.REQUESTS and rounds.of(w, c)]
    ours = [each for each in GATEWAYS if any(contender == each for _, contender in cells)]
    rows = [("", *_FIGURES, "to raw", *(f"{each.title} to it" for each in ours), "over hop")]
    for workload, contender in cells:
        pairs = [(contender, RAW), *((each, contender) for each in ours)]
        ratios = [rounds.spread(workload, _RATIO, *pair) if pair[0] != pair[1] else None for pair in pairs]
        over = None if contender.is_postgrest or contender == HOP else rounds.spread(workload, _CPU, contender, HOP)
        shown = [*("-" if each is None else f"{each.median:.2f}" for each in ratios)]
        over_hop = "-" if over is None else f"{over.median:+.2f}"
        rows.append((contender.title, *_figures(rounds.of(workload, contender)), *shown, over_hop))
    head, *lines = aligned(rows)
    text = [head]
    for number, (workload, _) in enumerate(cells):
        if number == 0 or workload is not cells[number - 1][0]:
            text.append(f"{workload.name}: {workload.title}")
        text.append(lines[number])
    text.append(
        f"8 connections where nothing else is said; medians of {plan.rounds} rounds of "
        f"{plan.seconds:g} s, contenders in turn.\n"
        "to raw, … to it: requests/s as a ratio within each round; the median of the rounds.\n"
        "From gateway to generator: CPU milliseconds per request of each process; over hop: of the gateway, beyond the "
        "bare hop.\nelsewhere: cores that other programs kept busy meanwhile."
    )
    return Outcome("\n".join(text), targets(rounds))


def documented(measured: Sequence[Measured], plan: Plan) -> Outcome:
    """The slowest of the documented queries."""
    rounds = Rounds(measured)
    found = [(w.title, rounds.of(w, c)) for w, c in plan.cells if w.group == asked.DOCUMENTED_QUERIES]
    found.sort(key=lambda each: -median(one.p99_ms for one in each[1]))
    rows = [("", *_FIGURES), *((title, *_figures(each)) for title, each in found[:SHOWN_QUERIES])]
    text = [
        f"documented: the slowest of {len(found)} documented queries through Tripgate, 1 connection",
        *aligned(rows),
    ]
    worst = median(one.p99_ms for one in found[0][1])
    value = f"{worst:.1f} ms ({found[0][0]})"
    name = "p99 of each documented query, 1 connection"
    return Outcome("\n".join(text), [Target(GATEWAY, name, f"at most {MOST_MS:g} ms", value, worst <= MOST_MS)])


def run(
    measured: Sequence[Measured], parts: Sequence[Outcome], plan: Plan, data: str, servers: dict[str, str]
) -> dict[str, Any]:
    """A run as plain values: everything that was measured, what was shown of it, and on what it was measured."""
    packages = {package: importlib.metadata.version(package) for package in PACKAGES}
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.system(), "architecture": platform.machine(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version(), **packages, **versions(), **servers},
        "parameters": {"rounds": plan.rounds, "seconds": plan.seconds, "data": data},
        "parts": [dataclasses.asdict(each) for each in parts],
        "rounds": [dataclasses.asdict(each) for each in measured],
    }


def write(file: Path, run: dict[str, Any]) -> None:
    """Keep a run, each measured round on a line."""
    rest = json.dumps({**run, "rounds": []}, indent=1, ensure_ascii=False).removesuffix("[]\n}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{rest}[\n" + ",\n".join(map(json.dumps, run["rounds"])) + "\n]}\n", encoding="utf-8")


def tables(run: dict[str, Any]) -> str:
    """The tables of all parts."""
    return "\n\n".join(part["text"] for part in run["parts"])


def verdicts(run: dict[str, Any]) -> list[Target]:
    """All targets."""
    return [Target(**each) for part in run["parts"] for each in part["targets"]]


def publish(file: Path) -> list[Path]:
    """Put a kept run where people read it: into docs/performance.md between two marks, and its claims into README.md.

    Raises:
        PublishError: The file holds no run, or a document has no place for it.
    """
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
        section = _section(run)
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise PublishError(f"{file} does not hold a run of this benchmark: {error!r}") from None
    before, begin, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise PublishError(f"{DOCUMENT} has no lines `{BEGIN}` and `{END}`.")
    write(PUBLISHED, run)
    DOCUMENT.write_text(f"{before}{begin}\n\n{section}\n\n{end}{after}", encoding="utf-8")
    claims = README.read_text(encoding="utf-8")
    for target in verdicts(run):
        value = target.value.split()[0]
        if target.name == f"{asked.TEN_TRIPS.title}: {TRIPGATE.title}, {_CPU} {HOP.title}":
            claims = re.sub(r"(take\s)[\d.]+( ms of CPU more)", rf"\g<1>{value}\2", claims)
        elif target.name == f"{asked.TEN_TRIPS.title}: {TRIPGATE.title}, {_RATIO} {HANDWRITTEN.title}":
            claims = re.sub(r"an?\s\w+(\sas\soften)", rf"{share(float(value))}\1", claims)
    README.write_text(claims, encoding="utf-8")
    return [PUBLISHED, DOCUMENT, README]


def share(times: float) -> str:
    """How often the other one answers, in words."""
    word = _SHARES[min(round(times), len(_SHARES)) - 1]
    return f"an {word}" if word.startswith("e") else f"a {word}"


def _section(run: dict[str, Any]) -> str:
    """What stands between the marks."""
    moment, machine, of = datetime.fromisoformat(run["date"]), run["machine"], run["versions"]
    lines = [
        f"{moment.day} {moment:%B %Y}, {machine['cores']} cores ({machine['architecture']}), "
        f"Python {of['python']}, PostgREST {of['postgrest']}, Postgres {of['postgres']}, "
        f"Node {of['node']}, PostGraphile {of['postgraphile']}; {run['parameters']['data']}."
    ]
    lines += ["", *_direct(run)]
    for table in (GATEWAY, LIVE, STORAGE):
        rows = [each for each in verdicts(run) if each.table == table]
        if rows:
            lines += ["", f"| {table} | target | measured | |", "|---|---|---|---|"]
            verdict = {True: "met", False: "**missed**"}
            lines += [f"| {each.name} | {each.bound} | {each.value} | {verdict[each.met]} |" for each in rows]
    return "\n".join([*lines, "", "```", tables(run), "```"])


def _direct(run: dict[str, Any]) -> list[str]:
    """How many times as many requests/s there are over SQL as over others, for each workload."""
    rounds = Rounds(Measured(**each) for each in run["rounds"])
    others = (RAW, TRIPGATE, POSTGRAPHILE)
    least = {(workload.name, other.name): bound for workload, bounds in _DIRECT for other, bound in bounds}
    lines = [
        "Requests/s of Tripgate over SQL as a multiple of the others', and what it should be at least:\n",
        f"| {DIRECT} | {' | '.join(each.title for each in others)} |",
        f"|---|{'---|' * len(others)}",
    ]
    for workload in asked.COMPARISONS:
        cells = []
        for other in others:
            spread = rounds.spread(workload, _RATIO, TRIPGATE_SQL, other)
            bound = least.get((workload.name, other.name))
            cell = spread.show() if spread is not None else ""
            cell += f"; {bound:g}" if bound is not None and spread is not None else ""
            missed = bound is not None and spread is not None and spread.median < bound
            cells.append(f"{cell}, **missed**" if missed else cell)
        if any(cells):
            lines.append(f"| {workload.title} | {' | '.join(cells)} |")
    return lines

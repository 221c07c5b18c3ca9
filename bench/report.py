"""What is shown and kept: one table of medians for each workload, ratios of the same run, and all rounds as JSON."""

import dataclasses
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.aligned import aligned
from bench.contenders import HANDWRITTEN, HANDWRITTEN_CACHED, HOP, RAW, TRIPGATE, Contender
from bench.data import Volume
from bench.measure import Measured, Plan
from bench.realtime.run import Found
from bench.workloads import Workload

PACKAGES = ("tripgate", "aiohttp", "graphql-core", "orjson", "strawberry-graphql")
_PROCESSES = ("gateway", "postgrest", "postgres", "load")
_COLUMNS = ("", "requests/s", "p50 ms", "p99 ms", "gateway", "PostgREST", "Postgres", "generator", "elsewhere")


@dataclasses.dataclass(frozen=True)
class Ratio:
    """A comparison within rounds: its median, least and greatest value."""

    name: str
    unit: str
    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{self.name}: {self.median:.2f}{self.unit} ({self.least:.2f} to {self.greatest:.2f} over the rounds)"


def tables(measured: Sequence[Measured], plan: Plan, workloads: Iterable[Workload]) -> str:
    """All tables as text."""
    lines: list[str] = []
    for workload in workloads:
        rows = [_row(contender.name, contender.title, measured, workload.name) for contender in plan.contenders]
        shown = [row for row in rows if row is not None]
        if not shown:
            continue
        lines += [f"{workload.name}: {workload.title}", *aligned([_COLUMNS, *shown])]
        lines += [f"  {ratio}" for ratio in ratios(measured, workload.name)]
        lines.append("")
    lines.append(
        f"{plan.connections} connections; medians of {plan.rounds} rounds of {plan.seconds:g} s, contenders in turn.\n"
        "From gateway to generator: CPU milliseconds per request of each process.\n"
        "elsewhere: cores that other programs kept busy meanwhile."
    )
    return "\n".join(lines)


def ratios(measured: Sequence[Measured], workload: str) -> list[Ratio]:
    """Tripgate against the others, each ratio taken within one round."""

    def speed(one: Measured, other: Measured) -> float:
        return one.requests_per_second / other.requests_per_second

    def added_cpu(one: Measured, other: Measured) -> float:
        return one.cpu_ms["gateway"] - other.cpu_ms["gateway"]

    def cpu(one: Measured, other: Measured) -> float:
        return other.cpu_ms["gateway"] / one.cpu_ms["gateway"]

    wanted: list[tuple[str, str, Contender, Callable[[Measured, Measured], float]]] = [
        ("throughput, Tripgate to {}", "", RAW, speed),
        ("throughput, Tripgate to {}", "", HANDWRITTEN, speed),
        ("throughput, Tripgate to {}", "", HANDWRITTEN_CACHED, speed),
        ("gateway CPU per request, {} to Tripgate", "", HANDWRITTEN, cpu),
        ("gateway CPU per request, {} to Tripgate", "", HANDWRITTEN_CACHED, cpu),
        ("gateway CPU per request, Tripgate over {}", " ms", HOP, added_cpu),
    ]
    rounds = {(each.round, each.contender): each for each in measured if each.workload == workload}
    found = []
    for name, unit, against, compare in wanted:
        values = [
            compare(each, rounds[number, against.name])
            for (number, contender), each in rounds.items()
            if contender == TRIPGATE.name and (number, against.name) in rounds
        ]
        if values:
            found.append(Ratio(name.format(against.title), unit, median(values), min(values), max(values)))
    return found


def write(
    folder: Path,
    measured: Sequence[Measured],
    plan: Plan,
    volume: Volume,
    versions: dict[str, str],
    realtime: Found | None,
) -> Path:
    """Keep a run as JSON; the file."""
    now = datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{now:%Y%m%dT%H%M%SZ}.json"
    names = dict.fromkeys(each.workload for each in measured)
    data: dict[str, Any] = {
        "date": now.isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        },
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in PACKAGES},
            **versions,
        },
        "parameters": {
            "rounds": plan.rounds,
            "seconds": plan.seconds,
            "connections": plan.connections,
            "volume": dataclasses.asdict(volume),
        },
        "ratios": {name: [dataclasses.asdict(ratio) for ratio in ratios(measured, name)] for name in names},
        "rounds": [dataclasses.asdict(each) for each in measured],
        "realtime": realtime.as_json() if realtime is not None else None,
    }
    file.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return file


def _row(name: str, title: str, measured: Sequence[Measured], workload: str) -> tuple[str, ...] | None:
    rounds = [each for each in measured if each.contender == name and each.workload == workload]
    if not rounds:
        return None
    cpu = [
        f"{median(each.cpu_ms[process] for each in rounds):.2f}" if process in rounds[0].cpu_ms else "-"
        for process in _PROCESSES
    ]
    return (
        title,
        f"{median(each.requests_per_second for each in rounds):,.0f}",
        f"{median(each.p50_ms for each in rounds):.1f}",
        f"{median(each.p99_ms for each in rounds):.1f}",
        *cpu,
        f"{median(each.cores_elsewhere for each in rounds):.2f}",
    )

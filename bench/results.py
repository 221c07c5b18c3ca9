"""A run as a file: everything that was measured, what was shown of it, and on what it was measured."""

import dataclasses
import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from bench.compare import Rounds, ratios
from bench.data import Volume
from bench.measure import Measured, Plan
from bench.outcome import Outcome

PACKAGES = ("tripgate", "aiohttp", "graphql-core", "orjson", "strawberry-graphql", "uvloop")
_LOCK = Path(__file__).parent / "postgraphile" / "package.json"
_NODE = Path(__file__).with_name("requirements.txt")


def collect(
    measured: Sequence[Measured], outcomes: Sequence[Outcome], plan: Plan, volume: Volume, versions: dict[str, str]
) -> dict[str, Any]:
    """The run as plain values."""
    rounds = Rounds(measured)
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
            **_javascript(),
            **versions,
        },
        "parameters": {
            "rounds": plan.rounds,
            "seconds": plan.seconds,
            "connections": plan.connections,
            "volume": dataclasses.asdict(volume),
            "data": volume.describe(),
        },
        "ratios": {
            name: {key: dataclasses.asdict(spread) for key, spread in ratios(rounds, name).items()}
            for name in dict.fromkeys(each.workload for each in measured)
        },
        "rounds": [dataclasses.asdict(each) for each in measured],
        "parts": [outcome.as_json() for outcome in outcomes],
    }


def write(folder: Path, run: dict[str, Any]) -> Path:
    """Keep a run; the file, named after the moment."""
    folder.mkdir(parents=True, exist_ok=True)
    moment = datetime.fromisoformat(run["date"])
    file = folder / f"{moment:%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def read(file: Path) -> dict[str, Any]:
    """A run that was kept."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def tables(run: dict[str, Any]) -> str:
    """The tables of all parts."""
    return "\n\n".join(part["text"] for part in run["parts"])


def verdicts(run: dict[str, Any]) -> list[str]:
    """A line for each target."""
    return [
        f"{'met' if each['met'] else 'MISSED'}: {each['name']}, {each['bound']}: {each['value']}"
        for part in run["parts"]
        for each in part["targets"]
    ]


def circumstances(run: dict[str, Any]) -> str:
    """On what and when it was measured, as a sentence."""
    moment, machine, versions = datetime.fromisoformat(run["date"]), run["machine"], run["versions"]
    return (
        f"{moment.day} {moment:%B %Y}, {machine['cores']} cores ({machine['architecture']}), "
        f"Python {versions['python']}, PostgREST {versions['postgrest']}, Postgres {versions['postgres']}, "
        f"Node {versions['node']}, PostGraphile {versions['postgraphile']}; {run['parameters']['data']}."
    )


def _javascript() -> dict[str, str]:
    """What is locked of the contender that is not Python."""
    node = re.search(r"==([\d.]+)", _NODE.read_text(encoding="utf-8"))
    dependencies = json.loads(_LOCK.read_text(encoding="utf-8"))["dependencies"]
    return {"node": node.group(1) if node is not None else "unknown", "postgraphile": dependencies["postgraphile"]}

"""The load generator's process: `python -m bench.load`, driven over its standard streams by `bench.generator`.

Takes lines of JSON. A job is `{"host", "port", "connections", "warm_seconds", "seconds", "exchanges": [{"request",
"body"}]}`, texts in UTF-8. It warms up, answers `{"event": "warm"}`, waits for a line `go`, measures, and answers
`{"event": "done", "requests", "seconds", "p50_ms", "p99_ms", "max_ms"}`, or `{"event": "failed", "message"}`.
"""

import asyncio
import gc
import itertools
import json
import sys
from time import perf_counter
from typing import Any

from bench.http1 import Exchange, WrongAnswerError, connect, run_phase


def main() -> None:
    """Do jobs until standard input ends."""
    with asyncio.Runner() as runner:
        while line := sys.stdin.readline():
            try:
                _say(_job(runner, json.loads(line)))
            except (WrongAnswerError, OSError) as error:
                _say({"event": "failed", "message": str(error)})


def _job(runner: asyncio.Runner, job: dict[str, Any]) -> dict[str, Any]:
    exchanges = itertools.cycle(
        [Exchange(each["request"].encode(), each["body"].encode()) for each in job["exchanges"]]
    )
    connections = runner.run(connect(job["host"], job["port"], job["connections"]))
    try:
        runner.run(run_phase(connections, exchanges, job["warm_seconds"]))
        gc.collect()
        _say({"event": "warm"})
        sys.stdin.readline()
        began = perf_counter()
        phase = runner.run(run_phase(connections, exchanges, job["seconds"]))
        seconds = perf_counter() - began
    finally:
        for connection in connections:
            connection.close()
    latencies = sorted(phase.latencies)
    return {
        "event": "done",
        "requests": len(latencies),
        "seconds": seconds,
        "p50_ms": _percentile(latencies, 0.50) * 1000,
        "p99_ms": _percentile(latencies, 0.99) * 1000,
        "max_ms": latencies[-1] * 1000,
    }


def _percentile(ordered: list[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

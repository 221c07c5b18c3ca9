"""One measured stretch of load on one server: how often, how fast, and who spent the CPU time."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil

from bench.cpu import Tree, machine_seconds
from bench.generator import Generator
from bench.http1 import Exchange
from bench.site import ROOT, child_env

WARM_SECONDS = 0.4


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one stretch gave. Latencies in milliseconds.

    Attributes:
        cpu_ms: CPU milliseconds per request of each process tree that was named, and of `load`, the generator.
        cores_elsewhere: How many cores other programs kept busy meanwhile, on average.
    """

    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_ms: dict[str, float]
    cores_elsewhere: float


class Meter:
    """A load generator that waits for work; a context manager that ends it."""

    def __init__(self) -> None:
        self._generator = Generator(ROOT, {**os.environ, **child_env()})
        self._load = Tree(psutil.Process(self._generator.pid))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._generator.__exit__(kind, error, trace)

    def read(
        self,
        url: str,
        exchanges: Sequence[Exchange],
        trees: Mapping[str, Tree],
        *,
        connections: int,
        seconds: float,
        besides: Sequence[Tree] = (),
    ) -> Reading:
        """Load one server.

        Args:
            trees: The processes that work for it, by what they are.
            besides: Processes of the benchmark that work for it, too, and are not shown.

        Raises:
            WrongAnswerError: An answer was not the expected one, or the server did not answer.
        """
        watched = {**trees, "load": self._load, **{f"besides {n}": tree for n, tree in enumerate(besides)}}
        before: dict[str, float] = {}

        def warmed() -> None:
            before.update({name: tree.seconds() for name, tree in watched.items()}, machine=machine_seconds())

        load = self._generator.run(
            url,
            exchanges,
            connections=connections,
            warm_seconds=min(WARM_SECONDS, seconds),
            seconds=seconds,
            warmed=warmed,
        )
        used = {name: tree.seconds() - before[name] for name, tree in watched.items()}
        elsewhere = machine_seconds() - before["machine"] - sum(used.values())
        return Reading(
            requests=load.requests,
            requests_per_second=load.requests / load.seconds,
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            max_ms=load.max_ms,
            cpu_ms={name: used[name] * 1000 / load.requests for name in (*trees, "load")},
            cores_elsewhere=max(0.0, elsewhere / load.seconds),
        )

"""A closed loop over HTTP/1.1 from a process of its own, with little CPU: one asyncio protocol per connection.

Every answer is compared with the one that is expected, byte for byte, which ready-made generators do not do.
"""

import asyncio
import gc
import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import httptools

from bench.cpu import Tree, machine_seconds

WARM_SECONDS = 0.2


class WrongAnswerError(Exception):
    """A contender answered with something else than before, or not at all."""


@dataclass(frozen=True)
class Exchange:
    """One request as the bytes on the wire, and the body that a 200 answer must have."""

    request: bytes
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one stretch of load gave: one contender with one workload in one round. Latencies in milliseconds.

    Attributes:
        cpu_ms: CPU milliseconds per request of each process tree that was named: `gateway` (absent for raw PostgREST),
            `postgrest` and `postgres`; and of `load`, the generator.
        cores_elsewhere: How many cores other programs kept busy meanwhile, on average.
    """

    round: int
    workload: str
    contender: str
    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: dict[str, float]
    cores_elsewhere: float


def child_process() -> ProcessPoolExecutor:
    """One process that is handed calls. Ctrl-C is for its parent, which ends it."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, context, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed; 0 without any."""
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)] if ordered else 0.0


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered."""

    def __init__(self, exchanges: Iterator[Exchange]) -> None:
        self._exchanges = exchanges
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._done: asyncio.Future[None] | None = None
        self.latencies: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server closed a connection: {exc or 'end of stream'}")

    async def run(self, seconds: float) -> None:
        """Send requests for so long; all that was asked is answered when this returns."""
        self.latencies = []
        self._done = asyncio.get_running_loop().create_future()
        self._ends_at = perf_counter() + seconds
        self._send()
        await self._done

    def _send(self) -> None:
        self._exchange = next(self._exchanges)
        self._sent_at = perf_counter()
        self.transport.write(self._exchange.request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"this is no HTTP: {error}")

    def on_body(self, body: bytes) -> None:
        """Called by the parser, which knows chunks."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        now = perf_counter()
        self.latencies.append(now - self._sent_at)
        body, status = b"".join(self._body), self._parser.get_status_code()
        self._body.clear()
        if status != 200 or body != self._exchange.body:
            expected = len(self._exchange.body)
            self._fail(f"HTTP {status}, {len(body)} bytes instead of {expected}: {body[:300]!r}")
        elif now < self._ends_at:
            self._send()
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _fail(self, message: str) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(WrongAnswerError(message))


def read(
    url: str,
    exchanges: Sequence[Exchange],
    trees: Mapping[str, Tree],
    *,
    connections: int,
    seconds: float,
    besides: Sequence[Tree],
    **names: Any,
) -> Measured:
    """Load one server, from a process of one's own; warm up on the connections that are then measured.

    Args:
        exchanges: Asked one after the other, again and again, by all connections together.
        trees: The processes that work for it, by what they are.
        besides: Processes of the benchmark that work for it, too, and are not shown.
        names: What is measured: `round`, `workload` and `contender`.

    Raises:
        WrongAnswerError: An answer was not the expected one, or the server did not answer.
    """
    mine = Tree(os.getpid())
    watched = {**trees, **{f"besides {n}": tree for n, tree in enumerate(besides)}}

    async def measured() -> Measured:
        loop, parts, turn = asyncio.get_running_loop(), urlsplit(url), itertools.cycle(exchanges)
        opened = [
            (await loop.create_connection(lambda: _Connection(turn), parts.hostname, parts.port))[1]
            for _ in range(connections)
        ]
        try:
            await asyncio.gather(*(each.run(WARM_SECONDS) for each in opened))
            gc.collect()
            # Looking takes time of this process, so it looks at itself closest to what is measured.
            before = {name: tree.seconds() for name, tree in watched.items()}
            machine, own, began = machine_seconds(), mine.seconds(), perf_counter()
            await asyncio.gather(*(each.run(seconds) for each in opened))
            took, own, machine = perf_counter() - began, mine.seconds() - own, machine_seconds() - machine
            used = {name: tree.seconds() - before[name] for name, tree in watched.items()}
        finally:
            for each in opened:
                each.transport.close()
        latencies = sorted(itertools.chain.from_iterable(each.latencies for each in opened))
        cpu = {**{name: used[name] for name in trees}, "load": own}
        return Measured(
            **names,
            requests=len(latencies),
            requests_per_second=len(latencies) / took,
            p50_ms=percentile(latencies, 0.50) * 1000,
            p99_ms=percentile(latencies, 0.99) * 1000,
            cpu_ms={name: spent * 1000 / len(latencies) for name, spent in cpu.items()},
            cores_elsewhere=max(0.0, machine - own - sum(used.values())) / took,
        )

    try:
        return asyncio.run(measured())
    except OSError as error:
        raise WrongAnswerError(str(error)) from None

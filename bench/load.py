"""A closed loop over HTTP/1.1 from a process of its own, with little CPU: one asyncio protocol per connection.

Every answer is compared with the one that is expected, byte for byte, which ready-made generators do not do.
"""

import asyncio
import gc
import itertools
import multiprocessing
import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bench.cpu import Tree, machine_seconds

WARM_SECONDS = 0.4
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class WrongAnswerError(Exception):
    """A contender answered with something else than before, or not at all."""


@dataclass(frozen=True)
class Exchange:
    """One request as the bytes on the wire, and the body that a 200 answer must have."""

    request: bytes
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one stretch of load gave. Latencies in milliseconds.

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


class Load:
    """The load generator's process; a context manager that ends it."""

    def __enter__(self) -> Self:
        self._pool = child_process()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

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
            exchanges: Asked one after the other, again and again, by all connections together.
            trees: The processes that work for it, by what they are.
            besides: Processes of the benchmark that work for it, too, and are not shown.

        Raises:
            WrongAnswerError: An answer was not the expected one, or the server did not answer.
        """
        return self._pool.submit(_read, url, exchanges, trees, connections, seconds, besides).result()


def child_process() -> ProcessPoolExecutor:
    """One process that is handed calls. Ctrl-C is for its parent, which ends it."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, context, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered."""

    def __init__(self, exchanges: Iterator[Exchange]) -> None:
        self._exchanges = exchanges
        self._received = bytearray()
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
        self._received.clear()
        self._head = 0  # length of the answer's head, once it is there
        self._length: int | None = None  # length of the whole answer, unless chunked
        self._sent_at = perf_counter()
        self.transport.write(self._exchange.request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._whole():
            return
        now = perf_counter()
        self.latencies.append(now - self._sent_at)
        body = bytes(self._received[self._head :])
        if self._length is None:
            body = _unchunked(body)
        status = self._received[9:12]  # "HTTP/1.1 200"
        if status != b"200" or body != self._exchange.body:
            expected = len(self._exchange.body)
            self._fail(f"HTTP {status.decode()}, {len(body)} bytes instead of {expected}: {body[:300]!r}")
        elif now < self._ends_at:
            self._send()
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _whole(self) -> bool:
        received = self._received
        if not self._head:
            end = received.find(_HEAD_END)
            if end < 0:
                return False
            self._head = end + len(_HEAD_END)
            length = _LENGTH.search(received, 0, end)
            self._length = None if length is None else self._head + int(length[1])
        return received.endswith(_LAST_CHUNK) if self._length is None else len(received) >= self._length

    def _fail(self, message: str) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(WrongAnswerError(message))


def _unchunked(text: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while True:
        end = text.index(b"\r\n", at)
        size = int(text[at:end], 16)
        if size == 0:
            return b"".join(parts)
        at = end + 2
        parts.append(text[at : at + size])
        at += size + 2


def _read(
    url: str,
    exchanges: Sequence[Exchange],
    trees: Mapping[str, Tree],
    connections: int,
    seconds: float,
    besides: Sequence[Tree],
) -> Reading:
    """In the generator's process: warm up on the connections that are then measured."""
    mine = Tree(os.getpid())
    watched = {**trees, **{f"besides {n}": tree for n, tree in enumerate(besides)}}

    async def measured() -> Reading:
        loop, parts, turn = asyncio.get_running_loop(), urlsplit(url), itertools.cycle(exchanges)
        opened = [
            (await loop.create_connection(lambda: _Connection(turn), parts.hostname, parts.port))[1]
            for _ in range(connections)
        ]
        try:
            await asyncio.gather(*(each.run(min(WARM_SECONDS, seconds)) for each in opened))
            gc.collect()
            # Looking takes time of this process, so it looks at itself closest to what is measured.
            before = {name: tree.seconds() for name, tree in watched.items()}
            machine, own, began = machine_seconds(), mine.seconds(), perf_counter()
            await asyncio.gather(*(each.run(seconds) for each in opened))
            took, own, machine = perf_counter() - began, mine.seconds() - own, machine_seconds() - machine
            used = {name: tree.seconds() - before[name] for name, tree in watched.items()}
            elsewhere = machine - own - sum(used.values())
        finally:
            for each in opened:
                each.transport.close()
        latencies = sorted(itertools.chain.from_iterable(each.latencies for each in opened))
        return Reading(
            requests=len(latencies),
            requests_per_second=len(latencies) / took,
            p50_ms=percentile(latencies, 0.50) * 1000,
            p99_ms=percentile(latencies, 0.99) * 1000,
            max_ms=latencies[-1] * 1000,
            cpu_ms={
                **{name: used[name] * 1000 / len(latencies) for name in trees},
                "load": own * 1000 / len(latencies),
            },
            cores_elsewhere=max(0.0, elsewhere / took),
        )

    try:
        return asyncio.run(measured())
    except OSError as error:
        raise WrongAnswerError(str(error)) from None

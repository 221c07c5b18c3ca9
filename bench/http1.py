"""A closed loop over HTTP/1.1 with little CPU of its own: one asyncio protocol per connection, no client library."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class WrongAnswerError(Exception):
    """A contender answered with something else than before, or not at all."""


@dataclass(frozen=True)
class Exchange:
    """One request as the bytes on the wire, and the body that a 200 answer must have."""

    request: bytes
    body: bytes


@dataclass
class Phase:
    """One stretch of load on open connections; `latencies` in seconds, one for each answer."""

    exchanges: Iterator[Exchange]
    ends_at: float
    done: asyncio.Future[None]
    running: int
    latencies: list[float] = field(default_factory=list)

    def fail(self, message: str) -> None:
        """End the phase with an error, once."""
        if not self.done.done():
            self.done.set_exception(WrongAnswerError(message))


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._head = 0  # length of the answer's head, once it is there
        self._length: int | None = None  # length of the whole answer, unless chunked
        self._phase: Phase | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """No server may close a connection while it is measured."""
        if self._phase is not None:
            self._phase.fail(f"the server closed a connection: {exc or 'end of stream'}")

    def close(self) -> None:
        """Close the connection."""
        self._phase = None
        self._transport.close()

    def start(self, phase: Phase) -> None:
        """Send requests until the phase ends."""
        self._phase = phase
        self._send(phase)

    def _send(self, phase: Phase) -> None:
        self._exchange = next(phase.exchanges)
        self._head = 0
        self._length = None
        self._received.clear()
        self._sent_at = perf_counter()
        self._transport.write(self._exchange.request)

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        phase = self._phase
        if phase is None:
            return
        self._received += data
        if not self._whole():
            return
        now = perf_counter()
        phase.latencies.append(now - self._sent_at)
        if not self._right(phase):
            return
        if now < phase.ends_at:
            self._send(phase)
            return
        self._phase = None
        phase.running -= 1
        if phase.running == 0 and not phase.done.done():
            phase.done.set_result(None)

    def _whole(self) -> bool:
        received = self._received
        if not self._head:
            end = received.find(_HEAD_END)
            if end < 0:
                return False
            self._head = end + len(_HEAD_END)
            self._length = _content_length(bytes(received[:end]).lower(), self._head)
        if self._length is not None:
            return len(received) >= self._length
        return received.endswith(_LAST_CHUNK)

    def _right(self, phase: Phase) -> bool:
        received = self._received
        body = bytes(received[self._head :])
        if self._length is None:
            body = _unchunked(body)
        # "HTTP/1.1 200"
        if received[9:12] == b"200" and body == self._exchange.body:
            return True
        status = received[9:12].decode("latin-1")
        phase.fail(f"HTTP {status}, {len(body)} bytes instead of {len(self._exchange.body)}: {body[:300]!r}")
        return False


def _content_length(head: bytes, head_length: int) -> int | None:
    """The length of the whole answer from its head in lower case; `None` when it is chunked."""
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return None
    end = head.find(b"\r\n", at + 2)
    return head_length + int(head[at + 17 : end if end >= 0 else len(head)])


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


async def connect(host: str, port: int, count: int) -> list[Connection]:
    """Open connections."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, host, port))[1] for _ in range(count)]


async def run_phase(connections: Sequence[Connection], exchanges: Iterator[Exchange], seconds: float) -> Phase:
    """Load the server for some seconds; all that was asked is answered when this returns.

    Args:
        exchanges: Never ends; the next phase goes on where this one stops.

    Raises:
        WrongAnswerError: An answer was not the expected one.
    """
    phase = Phase(
        exchanges=exchanges,
        ends_at=perf_counter() + seconds,
        done=asyncio.get_running_loop().create_future(),
        running=len(connections),
    )
    for connection in connections:
        connection.start(phase)
    await phase.done
    return phase

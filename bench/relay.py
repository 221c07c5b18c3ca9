"""Two small servers that stand for what is behind a gateway; each prints `Serving: <address>` once it listens.

- `python -m bench.relay delay <host> <port> <milliseconds>`: a way to a server that takes time. What a client sends
  arrives so much later at the server; what the server answers comes back at once. So each exchange takes one delay
  more, whatever the protocol, and nothing else changes.
- `python -m bench.relay replay <file>`: a PostgREST that costs nothing and answers every request with the bytes of a
  file. A gateway's own capacity shows only where what it asks is nearly free.
"""

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path


class _Side(asyncio.Protocol):
    """One side of a connection: what comes here goes out at the other side, some time later."""

    def __init__(self, delay: float, other: "_Side | None" = None) -> None:
        self._delay = delay
        self._other = other
        self._waiting: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        # Those that wait go in their order, each when some delay is over.
        self._waiting.append(data)
        self._later(self._send)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._later(self._leave)

    def _later(self, call: Callable[[], None]) -> None:
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, call)
        else:
            call()

    def _send(self) -> None:
        if self._other is None:
            # Still connecting, which this machine does in less than a delay.
            self._later(self._send)
        else:
            self._other.transport.write(self._waiting.popleft())

    def _leave(self) -> None:
        if self._other is not None:
            self._other.transport.close()


class _Front(_Side):
    """The client's side, which reaches for the server."""

    def __init__(self, host: str, port: int, delay: float) -> None:
        super().__init__(delay)
        self._address = (host, port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._reaching = asyncio.get_running_loop().create_task(self._reach())

    async def _reach(self) -> None:
        try:
            _, self._other = await asyncio.get_running_loop().create_connection(lambda: _Side(0, self), *self._address)
        except OSError:
            self.transport.close()


class _Replay(asyncio.Protocol):
    """Answers as many requests as have come whole; reads have no body."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *whole, self._received = (self._received + data).split(b"\r\n\r\n")
        for _ in whole:
            self._transport.write(self._answer)


def _replay(body: bytes) -> _Replay:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Range: 0-*/*\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return _Replay(head.encode() + body)


async def _serve(protocol: Callable[[], asyncio.Protocol]) -> None:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    print(f"Serving: http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main(kind: str, *arguments: str) -> None:
    """Serve until stopped."""
    if kind == "delay":
        host, port, milliseconds = arguments
        protocol: Callable[[], asyncio.Protocol] = lambda: _Front(host, int(port), float(milliseconds) / 1000)  # noqa: E731
    else:
        body = Path(arguments[0]).read_bytes()
        protocol = lambda: _replay(body)  # noqa: E731
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(protocol))


if __name__ == "__main__":
    main(*sys.argv[1:])

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
from functools import partial
from pathlib import Path


class _Side(asyncio.Protocol):
    """One side of a connection: what comes here goes out at the other side, some time later and in its order.

    The client's side reaches for the server; what comes before it is there waits.
    """

    def __init__(self, delay: float, address: tuple[str, int] | None = None, other: "_Side | None" = None) -> None:
        self._delay, self._address, self._other = delay, address, other
        self._waiting: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._address is not None:
            self._reaching = asyncio.get_running_loop().create_task(self._reach(*self._address))

    def data_received(self, data: bytes) -> None:
        self._waiting.append(data)
        self._later(self._send)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._later(lambda: self._other and self._other.transport.close())

    async def _reach(self, host: str, port: int) -> None:
        try:
            _, self._other = await asyncio.get_running_loop().create_connection(
                lambda: _Side(0, other=self), host, port
            )
        except OSError:
            self.transport.close()

    def _later(self, call: Callable[[], object]) -> None:
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, call)
        else:
            call()

    def _send(self) -> None:
        if self._other is None:
            self._later(self._send)
        else:
            self._other.transport.write(self._waiting.popleft())


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


async def _serve(protocol: Callable[[], asyncio.Protocol]) -> None:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    print(f"Serving: http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main(kind: str, *arguments: str) -> None:
    """Serve until stopped."""
    if kind == "delay":
        host, port, milliseconds = arguments
        protocol: Callable[[], asyncio.Protocol] = partial(_Side, float(milliseconds) / 1000, (host, int(port)))
    else:
        body = Path(arguments[0]).read_bytes()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Range: 0-*/*\r\nContent-Length: {len(body)}"
        )
        protocol = partial(_Replay, head.encode() + b"\r\n\r\n" + body)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(protocol))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A way to a server that takes time: `python -m bench.delay <host> <port> <milliseconds>`.

What a client sends arrives so much later at the server; what the server answers comes back at once. So each exchange
takes one delay more, whatever the protocol, and nothing else changes. Prints `Serving: <address>` once it listens.
"""

import asyncio
import contextlib
import sys
from collections import deque


class _Server(asyncio.Protocol):
    """The connection to the server: what comes is for the client."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._client.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The client has nobody to talk to any more."""
        self._client.close()


class _Client(asyncio.Protocol):
    """A client's connection: what comes waits before it goes on."""

    def __init__(self, host: str, port: int, delay: float) -> None:
        self._address = (host, port)
        self._delay = delay
        self._waiting: deque[bytes] = deque()
        self._server: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect to the server; what comes meanwhile waits."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._connecting = self._loop.create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        """Let it wait. Those that wait go in their order, each when some delay is over."""
        self._waiting.append(data)
        self._loop.call_later(self._delay, self._send)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Leave the server, after what still waits."""
        self._loop.call_later(self._delay, self._leave)

    async def _connect(self) -> None:
        try:
            transport, _ = await self._loop.create_connection(lambda: _Server(self._transport), *self._address)
        except OSError:
            self._transport.close()
            return
        assert isinstance(transport, asyncio.Transport)
        self._server = transport

    def _send(self) -> None:
        if self._server is None:
            # Still connecting, which this machine does in less than a delay.
            self._loop.call_later(self._delay, self._send)
        else:
            self._server.write(self._waiting.popleft())

    def _leave(self) -> None:
        if self._server is not None:
            self._server.close()


async def _serve(host: str, port: int, milliseconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Client(host, port, milliseconds / 1000), "127.0.0.1", 0)
    print(f"Serving: http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))

"""A PostgREST that costs nothing: `python -m bench.replay <file>` answers every request with the bytes of a file.

A gateway's own capacity shows only where what it asks is nearly free: on two cores, two workers would otherwise share
them with PostgREST and Postgres. Prints `Serving: <address>` once it listens.
"""

import asyncio
import contextlib
import sys
from pathlib import Path


class _Answers(asyncio.Protocol):
    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer as many requests as have come whole; reads have no body."""
        *whole, self._received = (self._received + data).split(b"\r\n\r\n")
        for _ in whole:
            self._transport.write(self._answer)


async def _serve(body: bytes) -> None:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Range: 0-*/*\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answers(head.encode() + body), "127.0.0.1", 0)
    print(f"Serving: http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Path(sys.argv[1]).read_bytes()))

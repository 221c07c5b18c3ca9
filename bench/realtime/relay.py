"""Counts what a gateway asks of Supabase: `python -m bench.realtime.relay`, told over its standard streams.

The first line is `{"rest", "realtime"}`, the addresses behind it; the answer `{"event": "open", "rest", "realtime"}`
has the ports in front. Every further line is answered by `{"event": "counted", "reads", "sockets", "joins"}`.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit


@dataclass
class Counts:
    """Requests to PostgREST, connections to Realtime that are open, and topics joined."""

    reads: int = 0
    sockets: int = 0
    joins: int = 0


class _Pipe(asyncio.Protocol):
    """One side of a connection: what comes here goes out at the other side."""

    def __init__(self, saw: Callable[[bytes], None] = lambda _: None, ended: Callable[[], None] = lambda: None) -> None:
        self.other: _Pipe | None = None
        self.transport: asyncio.Transport | None = None
        self._saw = saw
        self._ended = ended
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._saw(data)
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)
        else:
            self._early.append(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._ended()
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def join(self, other: "_Pipe") -> None:
        """Go on to the other side, with what has come already."""
        self.other, other.other = other, self
        assert other.transport is not None
        for data in self._early:
            other.transport.write(data)
        self._early.clear()


class _Joins:
    """Finds `phx_join` in a client's masked WebSocket frames."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._buffer = b""
        self._upgraded = False

    def __call__(self, data: bytes) -> None:
        data = self._buffer + data
        if not self._upgraded:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            self._upgraded = True
        while len(data) >= 2:
            length, start = data[1] & 0x7F, 2
            if length >= 126:
                start = 4 if length == 126 else 10
                length = int.from_bytes(data[2:start], "big")
            end = start + 4 + length
            if len(data) < end:
                break
            mask = data[start : start + 4]
            text = bytes(byte ^ mask[n % 4] for n, byte in enumerate(data[start + 4 : end]))
            self._counts.joins += b"phx_join" in text
            data = data[end:]
        self._buffer = data


async def _listen(behind: str, front: Callable[[], _Pipe]) -> int:
    host, port = str(urlsplit(behind).hostname), int(urlsplit(behind).port or 80)
    loop = asyncio.get_running_loop()
    waiting: set[asyncio.Task[None]] = set()

    async def reach(near: _Pipe) -> None:
        try:
            _, far = await loop.create_connection(_Pipe, host, port)
        except OSError:
            assert near.transport is not None
            near.transport.close()
        else:
            near.join(far)

    def accept() -> _Pipe:
        near = front()
        task = loop.create_task(reach(near))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        return near

    server = await loop.create_server(accept, "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def _serve() -> None:
    counts = Counts()

    def request(data: bytes) -> None:
        counts.reads += data.count(b" HTTP/1.1\r\n")

    def hung_up() -> None:
        counts.sockets -= 1

    def realtime() -> _Pipe:
        counts.sockets += 1
        return _Pipe(_Joins(counts), hung_up)

    behind = json.loads(await asyncio.to_thread(sys.stdin.readline))
    rest = await _listen(behind["rest"], lambda: _Pipe(request))
    _say(event="open", rest=rest, realtime=await _listen(behind["realtime"], realtime))
    while await asyncio.to_thread(sys.stdin.readline):
        _say(event="counted", **asdict(counts))


def _say(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve())

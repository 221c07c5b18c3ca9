"""A subscriber over `graphql-transport-ws` with little CPU of its own: one asyncio protocol, no client library.

Messages are kept as they come, with the time of their arrival, and read after the measured stretch.
"""

import asyncio
import base64
import os
import zlib
from collections.abc import Callable
from time import monotonic

import orjson

_TEXT, _CLOSE, _PING = 1, 8, 9
_COMPRESSED = 0x40
# Appended to a message before it is inflated: RFC 7692, section 7.2.2.
_TAIL = b"\x00\x00\xff\xff"


class Subscriber(asyncio.Protocol):
    """One connection and its one subscription.

    Args:
        arrived: Called for every message of a subscription.
    """

    def __init__(self, host: str, token: str, arrived: Callable[[], None]) -> None:
        self.received: list[tuple[float, bytes, bool]] = []
        self.acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._host = host
        self._token = token
        self._arrived = arrived
        self._buffer = b""
        self._upgraded = False
        self._inflater: zlib._Decompress | None = None
        self.lost: str | None = None
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade; as a browser does, offer compression."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        fields = (
            "GET /graphql HTTP/1.1",
            f"Host: {self._host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: graphql-transport-ws",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        )
        transport.write("\r\n".join([*fields, "", ""]).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        """The server may not hang up."""
        self.lost = self.lost or f"the server closed a connection: {exc or 'end of stream'}"
        if not self.acknowledged.done():
            self.acknowledged.set_exception(ConnectionError(self.lost))

    def send(self, **message: object) -> None:
        """Send a protocol message."""
        self._frame(_TEXT, orjson.dumps(message))

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what came, and cut it into frames."""
        now = monotonic()
        if self._buffer:
            data = self._buffer + data
        at = 0
        if not self._upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = data
                return
            self._upgrade(data[:end])
            at = end + 4
        size = len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                start += 2
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length == 127:
                start += 8
                length = int.from_bytes(data[at + 2 : start], "big")
            if size < start or size - start < length:
                break
            self._take(now, data[at], data[start : start + length])
            at = start + length
        self._buffer = data[at:]

    def messages(self) -> list[tuple[float, dict[str, object]]]:
        """What has come since the last call, decoded."""
        found = []
        for at, data, compressed in self.received:
            if compressed:
                if self._inflater is None:
                    self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
                text = self._inflater.decompress(data + _TAIL)
            else:
                text = data
            found.append((at, orjson.loads(text)))
        self.received.clear()
        return found

    def _upgrade(self, head: bytes) -> None:
        if not head.startswith(b"HTTP/1.1 101"):
            self.lost = f"the server does not upgrade: {head[:200]!r}"
            self._transport.close()
            return
        self._upgraded = True
        self.send(type="connection_init", payload={"Authorization": f"Bearer {self._token}"})

    def _take(self, now: float, head: int, payload: bytes) -> None:
        kind = head & 0x0F
        if kind == _TEXT:
            self.received.append((now, payload, bool(head & _COMPRESSED)))
            if self.acknowledged.done():
                self._arrived()
            else:
                ((_, message),) = self.messages()
                if message.get("type") == "connection_ack":
                    self.acknowledged.set_result(None)
        elif kind == _PING:
            self._frame(10, payload)
        elif kind == _CLOSE:
            self.lost = f"the server closed a connection: {payload[:100]!r}"

    def _frame(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        head = bytes((0x80 | kind, 0x80 | (size if size < 126 else 126)))
        if size >= 126:
            head += size.to_bytes(2, "big")
        # Masked with zeros, which leaves the payload as it is.
        self._transport.write(head + b"\0\0\0\0" + payload)

"""A proxy in front of Postgres that keeps what gateways ask through it, as `tests.support.Wire` does for PostgREST."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict

from tests.support import Wire, backend, reading
from tripgate.local.stack import StackInfo

# What a client may ask before it says who it is: for TLS, for GSS.
_BEFORE_START = frozenset({80877103, 80877104})


@dataclass
class SqlWire:
    """The proxy.

    Attributes:
        requests: Method and path of each request, as the preamble says them, and the SQL of its queries.
        open: Answers to requests wait while it is not set, with what Postgres had seen before.
        url: The login's address here.
    """

    database_url: str
    requests: list[str] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["SqlWire"]:
        """While it stands there."""
        self.open.set()
        found = conninfo_to_dict(self.database_url)
        self._server = str(found["host"]), int(found["port"] or 0)
        writers: list[asyncio.StreamWriter] = []

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server_reader, server_writer = await asyncio.open_connection(*self._server)
            writers.extend((writer, server_writer))
            asked = _Asked(self.requests)
            await asyncio.gather(
                self._pass_on(reader, server_writer, asked, None), self._pass_on(server_reader, writer, None, asked)
            )

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.url = self.database_url.replace(f":{self._server[1]}/", f":{port}/")
        try:
            yield self
        finally:
            self.open.set()
            server.close()
            for writer in writers:
                writer.transport.abort()

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        sent: "_Asked | None",
        answered: "_Asked | None",
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if sent is not None:
                    sent.feed(data)
                if answered is not None and answered.under_way:
                    await self.open.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


class _Asked:
    """What is sent over one connection, message by message."""

    def __init__(self, requests: list[str]) -> None:
        self._requests = requests
        self._rest = b""
        self._started = False
        self._texts: dict[bytes, str] = {}
        self._line: list[str] = []
        self.under_way = False

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        self._rest += data
        while (length := self._length()) and len(self._rest) >= length:
            message, self._rest = self._rest[:length], self._rest[length:]
            if self._started:
                self._message(message[:1], message[5:])
            else:
                self._started = struct.unpack("!i", message[4:8])[0] not in _BEFORE_START

    def _length(self) -> int:
        """How many bytes the next message has; 0 where that has not come yet."""
        if self._started:
            return 1 + int(struct.unpack("!i", self._rest[1:5])[0]) if len(self._rest) >= 5 else 0
        return int(struct.unpack("!i", self._rest[:4])[0]) if len(self._rest) >= 8 else 0

    def _message(self, kind: bytes, body: bytes) -> None:
        if kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            self._texts[name] = text.decode()
        elif kind == b"B":
            _, name, values = body.split(b"\0", 2)
            text = self._texts[name]
            if "set_config(E'request.method', $3" in text:
                *_, method, path = _values(values)
                self._line = [f"{method} {path}"]
            elif self._line and text.startswith("select"):
                self._line.append(text)
        elif kind == b"S":
            if len(self._line) > 1:
                self._requests.append(" ".join(self._line))
            self.under_way = bool(self._line)
            self._line = []


def _values(body: bytes) -> list[str]:
    """The parameters of a Bind."""
    (formats,) = struct.unpack("!h", body[:2])
    body = body[2 + 2 * formats :]
    (count,) = struct.unpack("!h", body[:2])
    body, found = body[2:], []
    for _ in range(count):
        (length,) = struct.unpack("!i", body[:4])
        found.append(body[4 : 4 + max(0, length)].decode())
        body = body[4 + max(0, length) :]
    return found


@asynccontextmanager
async def watched(stack: StackInfo) -> AsyncIterator[tuple[Wire, dict[str, str]]]:
    """A wire that keeps what gateways ask, whichever backend they read over, and the settings by which they ask it."""
    async with Wire(stack.rest_url) as wire:
        if backend() != "postgres":
            yield wire, {"rest_url": wire.url}
            return
        async with SqlWire(reading(stack, "postgres")["database_url"], wire.requests).serving() as sql:
            yield wire, {"rest_url": wire.url, "database_url": sql.url}

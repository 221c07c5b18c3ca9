"""A proxy in front of Postgres that fails in the ways in which networks and servers do.

Each request, which ends with a Sync, takes the next fault of a script, and each new connection the next of another;
when they are over, all passes. What the gateway asks while it opens a connection takes none of the former.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict

from tests.faults.proxy import abort
from tests.support import reading, serving
from tripgate.local.stack import StackInfo

OPENING = 6
"""Requests by which a gateway makes sure of a connection: the login, settings, and two for each of two roles."""


@dataclass
class Link:
    """One connection at the proxy, and how to go on with it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: asyncio.StreamReader
    to_server: asyncio.StreamWriter
    packet: bytes = b""
    answered: bytes = b""

    async def answer(self) -> bytes:
        """What Postgres answers to the packet, up to where it is ready for the next."""
        self.to_server.write(self.packet)
        answer = b""
        while not answer.endswith(b"Z\0\0\0\x05I"):
            data = await self.server.read(65_536)
            if not data:
                raise ConnectionResetError
            answer += data
        return answer

    async def send(self, data: bytes) -> None:
        """Send this to the gateway."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection by RST."""
        abort(self.writer)


Fault = Callable[[Link], Awaitable[None]]


async def passes(link: Link) -> None:
    """Nothing is wrong."""
    await link.send(await link.answer())


def late(seconds: float) -> Fault:
    """It passes, but late."""

    async def fault(link: Link) -> None:
        await asyncio.sleep(seconds)
        await passes(link)

    return fault


async def reset_before(link: Link) -> None:
    """The connection is reset before Postgres hears of the request."""
    link.reset()


async def reset_after(link: Link) -> None:
    """Postgres has answered, and the connection is reset before its answer is sent."""
    await link.answer()
    link.reset()


async def half_a_packet(link: Link) -> None:
    """Half of the request arrives, and then the connection is reset."""
    link.to_server.write(link.packet[: len(link.packet) // 2])
    await link.to_server.drain()
    link.reset()


async def half_closed(link: Link) -> None:
    """Whoever is there says that nothing more comes, and nothing has come."""
    link.writer.write_eof()
    await asyncio.sleep(60)


async def black_hole(_: Link) -> None:
    """Nothing comes, not even an end."""
    await asyncio.sleep(60)


async def half_into_a_black_hole(link: Link) -> None:
    """Half of the request arrives, and nothing comes."""
    link.to_server.write(link.packet[: len(link.packet) // 2])
    await asyncio.sleep(60)


async def trickle(link: Link) -> None:
    """The answer comes a byte every 50 ms."""
    for byte in await link.answer():
        await link.send(bytes([byte]))
        await asyncio.sleep(0.05)


def cut(part: Callable[[bytes], bytes]) -> Fault:
    """A part of the answer comes, and then the end."""

    async def fault(link: Link) -> None:
        await link.send(part(await link.answer()))
        link.writer.close()

    return fault


def stuck(part: Callable[[bytes], bytes]) -> Fault:
    """A part of the answer comes, and nothing more."""

    async def fault(link: Link) -> None:
        await link.send(part(await link.answer()))
        await asyncio.sleep(60)

    return fault


async def garbage(link: Link) -> None:
    """What comes is not the protocol."""
    await link.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    link.writer.close()


def says(sqlstate: str, *, fatal: bool) -> Fault:
    """Postgres reports this failure; a fatal one ends the connection."""

    async def fault(link: Link) -> None:
        severity = b"FATAL" if fatal else b"ERROR"
        fields = b"S%b\0V%b\0C%b\0Msecret\0\0" % (severity, severity, sqlstate.encode())
        await link.send(b"E" + (len(fields) + 4).to_bytes(4) + fields + (b"" if fatal else b"Z\0\0\0\x05I"))
        if fatal:
            link.writer.close()

    return fault


@dataclass
class DatabaseProxy:
    """The proxy. `attempts` counts the requests that came, `connected` the connections."""

    host: str
    port: int
    script: list[Fault] = field(default_factory=list)
    connecting: list[Fault] = field(default_factory=list)
    opening: Fault | None = None
    attempts: int = 0
    connected: int = 0
    own_port: int = 0
    _links: set[asyncio.Task[None]] = field(default_factory=set)

    async def does(self, *script: Fault, connecting: tuple[Fault, ...] = (), opening: Fault | None = None) -> None:
        """Forget what was, and do this with the next requests and connections; the latter by ending all that are open.

        Args:
            opening: What is done with the last request by which a connection is opened, each time.
        """
        self.script[:] = script
        self.connecting[:] = connecting
        self.opening = opening
        if connecting or opening:
            for task in self._links:
                task.cancel()
            await asyncio.gather(*self._links, return_exceptions=True)
            await asyncio.sleep(0.02)  # for the gateway to see it
        self.attempts = self.connected = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["DatabaseProxy"]:
        """While it runs."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.own_port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._links:
                task.cancel()
            await asyncio.gather(*self._links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        task.add_done_callback(self._links.discard)
        server = None
        try:
            self.connected += 1
            server = await asyncio.open_connection(self.host, self.port)
            link = Link(reader, writer, *server)
            if self.connecting:
                await reader.read(65_536)
                await self.connecting.pop(0)(link)
                return
            await self._let_in(link)
            await self._serve(link)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # asyncio would log the last
        finally:
            writer.close()
            if server is not None:
                server[1].close()

    async def _let_in(self, link: Link) -> None:
        """Pass on what comes before the first request: a try for TLS, a password."""
        data = b""
        while not data.endswith(b"Z\0\0\0\x05I"):
            up, down = (asyncio.create_task(each.read(65_536)) for each in (link.reader, link.server))
            try:
                await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (up, down):
                    if not task.done():
                        task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
            for task, writer in ((up, link.to_server), (down, link.writer)):
                if not task.cancelled():
                    data = task.result()
                    if not data:
                        raise ConnectionResetError
                    writer.write(data)

    async def _serve(self, link: Link) -> None:
        number = 0
        while True:
            link.packet = b""
            while not link.packet.endswith(b"S\0\0\0\x04"):
                kind = await self._kind(link)
                length = await link.reader.readexactly(4)
                link.packet += kind + length + await link.reader.readexactly(int.from_bytes(length) - 4)
            number += 1
            if number <= OPENING:
                await (self.opening if self.opening is not None and number == OPENING else passes)(link)
                continue
            self.attempts += 1
            await (self.script.pop(0) if self.script else passes)(link)

    async def _kind(self, link: Link) -> bytes:
        """The next message's type; meanwhile whatever Postgres says of its own is passed on."""
        kind = asyncio.create_task(link.reader.readexactly(1))
        said = asyncio.create_task(link.server.read(65_536))
        try:
            while True:
                await asyncio.wait({kind, said}, return_when=asyncio.FIRST_COMPLETED)
                if kind.done():
                    return kind.result()
                await link.send(said.result())
                if not said.result():
                    raise ConnectionResetError
                said = asyncio.create_task(link.server.read(65_536))
        finally:
            for task in (kind, said):
                task.cancel()
            await asyncio.gather(kind, said, return_exceptions=True)


@asynccontextmanager
async def faulty_database(stack: StackInfo, **settings: object) -> AsyncIterator[tuple[DatabaseProxy, str]]:
    """A proxy in front of the stack's Postgres, and the address of a gateway that reads through it."""
    url = reading(stack, "postgres")["database_url"]
    where = conninfo_to_dict(url)
    proxy = DatabaseProxy(str(where["host"]), int(where["port"] or 0))
    async with proxy.running():
        through = url.replace(f":{where['port']}/", f":{proxy.own_port}/")
        async with serving(stack, database_url=through, **settings) as address:
            yield proxy, address

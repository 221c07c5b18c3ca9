"""A proxy in front of PostgREST that fails in the ways in which networks and servers do.

Each request takes the next fault of a script; when the script is over, requests pass.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import aiohttp
from yarl import URL

from tests.support import serving
from tripgate.local.stack import StackInfo


def abort(writer: asyncio.StreamWriter) -> None:
    """End a connection by RST."""
    wire = writer.get_extra_info("socket")
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass
class Exchange:
    """One request at the proxy, and how to go on with it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter
    ask: Callable[["Exchange"], Awaitable[bytes]]

    async def answer(self) -> bytes:
        """What PostgREST answers, as it travels."""
        return await self.ask(self)

    async def send(self, data: bytes) -> None:
        """Send this to the gateway."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection by RST, so that whoever reads gets an error and not an end."""
        abort(self.writer)


Fault = Callable[[Exchange], Awaitable[None]]


async def passes(exchange: Exchange) -> None:
    """Nothing is wrong."""
    await exchange.send(await exchange.answer())


def late(seconds: float) -> Fault:
    """It passes, but late."""

    async def fault(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await passes(exchange)

    return fault


def held(until: asyncio.Event) -> Fault:
    """It passes once something has happened."""

    async def fault(exchange: Exchange) -> None:
        await until.wait()
        await passes(exchange)

    return fault


async def reset_before(exchange: Exchange) -> None:
    """The connection is reset before PostgREST hears of the request."""
    exchange.reset()


async def reset_after(exchange: Exchange) -> None:
    """PostgREST has done what was asked, and the connection is reset before its answer is sent."""
    await exchange.answer()
    exchange.reset()


async def half_closed(exchange: Exchange) -> None:
    """The proxy says that it sends nothing more, and has sent nothing."""
    exchange.writer.write_eof()
    await asyncio.sleep(60)


async def black_hole(_: Exchange) -> None:
    """Nothing comes, not even an end."""
    await asyncio.sleep(60)


async def trickle(exchange: Exchange) -> None:
    """The answer comes a byte every 50 ms."""
    for byte in await exchange.answer():
        await exchange.send(bytes([byte]))
        await asyncio.sleep(0.05)


async def truncated(exchange: Exchange) -> None:
    """The answer ends before its last byte."""
    answer = await exchange.answer()
    await exchange.send(answer[:-1])
    exchange.writer.close()


async def garbage(exchange: Exchange) -> None:
    """What comes is no HTTP."""
    await exchange.send(b"\x16\x03\x01 this is not the protocol you are looking for\r\n\r\n")
    exchange.writer.close()


async def no_json(exchange: Exchange) -> None:
    """A status of success, and a body that is none of PostgREST's."""
    await exchange.send(response(200, b"<html>secret</html>"))


def says(status: int, code: str | None, **headers: str) -> Fault:
    """It answers this without asking PostgREST."""
    body = b"<html>secret</html>" if code is None else b'{"code":"%s","message":"secret"}' % code.encode()

    async def fault(exchange: Exchange) -> None:
        await exchange.send(response(status, body, **headers))

    return fault


def response(status: int, body: bytes, **headers: str) -> bytes:
    """An HTTP response."""
    lines = [f"HTTP/1.1 {status} It", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class FaultyProxy:
    """The proxy. `attempts` are the requests that came, as `GET trips`; `deadlines` what they said of theirs."""

    rest_url: str
    script: list[Fault] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    deadlines: list[int] = field(default_factory=list)
    url: str = ""

    async def does(self, *script: Fault) -> None:
        """Forget what was, close what is open, and do this with the next requests."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0.01)  # for the gateway to see it
        self.script[:] = script
        self.attempts.clear()
        self.deadlines.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FaultyProxy"]:
        """While it runs."""
        async with aiohttp.ClientSession() as session:
            server = await asyncio.start_server(partial(self._connected, session), "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            connections = self._connections = set[asyncio.Task[None]]()
            try:
                yield self
            finally:
                server.close()
                for task in connections:
                    task.cancel()
                await asyncio.gather(*connections, return_exceptions=True)

    async def _connected(
        self, session: aiohttp.ClientSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            while True:
                exchange = await self._read(session, reader, writer)
                self.attempts.append(f"{exchange.method} {exchange.path.partition('?')[0]}")
                if "x-deadline-ms" in exchange.headers:
                    self.deadlines.append(int(exchange.headers["x-deadline-ms"]))
                await (self.script.pop(0) if self.script else passes)(exchange)
        except (asyncio.IncompleteReadError, ConnectionError, aiohttp.ClientError, asyncio.CancelledError):
            pass  # asyncio would log the last
        finally:
            writer.close()

    async def _read(
        self, session: aiohttp.ClientSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Exchange:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = line.split(" ")
        return Exchange(method, target.removeprefix("/"), headers, body, writer, partial(self._ask, session))

    async def _ask(self, session: aiohttp.ClientSession, exchange: Exchange) -> bytes:
        headers = {name: value for name, value in exchange.headers.items() if name not in {"host", "content-length"}}
        url = URL(f"{self.rest_url}/{exchange.path}", encoded=True)
        async with session.request(exchange.method, url, headers=headers, data=exchange.body or None) as found:
            kept = {
                name.replace("-", "_"): found.headers[name]
                for name in ("Content-Type", "Content-Range")
                if name in found.headers
            }
            return response(found.status, await found.read(), **kept)


@asynccontextmanager
async def faulty(stack: StackInfo, **settings: object) -> AsyncIterator[tuple[FaultyProxy, str]]:
    """A proxy in front of the stack's PostgREST, and the address of a gateway that asks through it."""
    async with FaultyProxy(stack.rest_url).running() as proxy, serving(stack, rest_url=proxy.url, **settings) as url:
        yield proxy, url

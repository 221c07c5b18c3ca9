"""HTTP by hand, for what no client library would send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from yarl import URL

TIMEOUT = 60.0


class Answer(NamedTuple):
    """A response as it came; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, head: str, body: bytes = b"") -> None:
        """Send lines, which need no carriage returns, and what follows them."""
        self._writer.write(head.replace("\n", "\r\n").encode() + body)

    async def answer(self, seconds: float = TIMEOUT) -> Answer:
        """The next response."""
        async with asyncio.timeout(seconds):
            status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
            return Answer(int(status.split()[1]), headers, body)

    async def ended(self, seconds: float = TIMEOUT) -> bool:
        """Whether the server has hung up."""
        try:
            return await asyncio.wait_for(self._reader.read(), seconds) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Line]:
    """A connection to the host of this address."""
    where = URL(url)
    reader, writer = await asyncio.open_connection(where.host, where.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()

"""The front door's connections to the Storage process: as much of HTTP/1.1 as two processes of one program need, which
know each other. Bodies' lengths are always told."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from tripgate.local import ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

# Of an answer's head, which repeats what was asked, and of what has come before somebody reads it.
BUFFER = 1024 * 1024
IDLE_CONNECTIONS = 16
# Less than after which Storage closes them.
IDLE_SECONDS = 30.0
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Head:
    """The beginning of an answer."""

    status: int
    reason: str
    headers: CIMultiDict[str]


class BrokenError(Exception):
    """Storage does not listen, or its answer does not come."""


class StaleError(BrokenError):
    """A connection that was there before had been closed: nobody has heard what was asked."""


class RequestError(Exception):
    """What cannot be asked in one line for each part."""


class Link:
    """One connection. `reusable` says whether another request may follow."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.reusable = False
        self.used = False
        self.freed = 0.0

    def usable(self) -> bool:
        """Whether it looks as if it still holds."""
        idle = time.monotonic() - self.freed
        return idle < IDLE_SECONDS and not self._reader.at_eof() and not self._writer.is_closing()

    def close(self) -> None:
        """Close it, once what was written has gone out."""
        self._writer.close()

    def ask(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Send the head of a request. Raises RequestError for what would be more than one."""
        self.reusable = False
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        text = "\r\n".join(lines)
        if text.count("\r") != len(lines) - 1 or text.count("\n") != len(lines) - 1 or " " in path:
            raise RequestError
        self._writer.write(text.encode("utf-8", "surrogateescape") + _END)

    async def send(self, data: bytes) -> None:
        """Send a part of a body. Raises BrokenError."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError as error:
            raise BrokenError("Storage closed the connection") from error

    async def head(self) -> Head:
        """The next head. Raises BrokenError where there is none, and StaleError where nobody has heard the request."""
        try:
            raw = await self._reader.readuntil(_END)
        except asyncio.IncompleteReadError as error:
            if self.used and not error.partial:
                raise StaleError from None
            raise BrokenError("Storage closed the connection") from None
        except asyncio.LimitOverrunError:
            raise BrokenError("Storage's answer has too long a head") from None
        except ConnectionError as error:
            raise (StaleError if self.used else BrokenError)("Storage closed the connection") from error
        self.used = False
        first, *lines = raw[: -len(_END)].decode("utf-8", "surrogateescape").split("\r\n")
        headers: CIMultiDict[str] = CIMultiDict()
        for line in lines:
            name, _, value = line.partition(":")
            headers.add(name, value.strip())
        return Head(int(first[9:12]), first[13:], headers)

    async def body(self, length: int) -> bytes:
        """A body of this length. Raises BrokenError."""
        try:
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise BrokenError("Storage closed the connection") from None


class Links:
    """Connections that are open; those to a process that has ended are not used again."""

    def __init__(self) -> None:
        self._idle: list[tuple[int, Link]] = []

    @contextlib.asynccontextmanager
    async def link(self, port: int) -> AsyncIterator[Link]:
        """A connection, kept afterwards where it is `reusable`. Raises BrokenError."""
        link = self._found(port)
        if link is None:
            try:
                link = Link(*await asyncio.open_connection(ports.HOST, port, limit=BUFFER))
            except OSError as error:
                raise BrokenError(str(error)) from error
        try:
            yield link
        finally:
            if link.reusable and len(self._idle) < IDLE_CONNECTIONS:
                link.freed, link.used = time.monotonic(), True
                self._idle.append((port, link))
            else:
                link.close()

    def close(self) -> None:
        """Close all that nobody uses."""
        while self._idle:
            self._idle.pop()[1].close()

    def _found(self, port: int) -> Link | None:
        while self._idle:
            to, link = self._idle.pop()
            if to == port and link.usable():
                return link
            link.close()
        return None

"""One server over HTTP/1.1, with little CPU of its own: asyncio's protocols, httptools' parser, connections kept open.

A general client spends more on one request than all the rest of the gateway: it makes objects for the URL, headers and
cookies of each. Here a request is bytes, and mostly bytes that are kept with its plan.
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools

_KEPT_HEADERS = frozenset({b"content-range", b"retry-after"})
_LARGEST_HEAD = 128 * 1024
# PostgREST 13.0.0 to 14.1 says the length of another body with this status, so more may come after what it counted.
_WRONG_LENGTH = 416
_CONTROL = (b"\r", b"\n", b"\0")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answers a request.

    Attributes:
        headers: `content-range` and `retry-after`, where they were sent; names in small letters.
    """

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class ConnectionFailedError(Exception):
    """No answer, or not all of one.

    Attributes:
        sent: Whether the request may have arrived.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class AbandonedError(asyncio.CancelledError):
    """Whoever waited for an answer was cancelled, and the server goes on with what it was asked.

    Attributes:
        over: Done once it has answered, or will not any more.
    """

    def __init__(self, over: "asyncio.Future[None]") -> None:
        super().__init__()
        self.over = over


def header(name: str, value: str) -> bytes:
    """A header as a line.

    Raises:
        ValueError: The value would end the line, or is not of Latin-1's characters.
    """
    text = value.encode("latin-1")
    if any(each in text for each in _CONTROL):
        raise ValueError(f"{name} cannot have a line's end in its value")
    return name.encode() + b": " + text + b"\r\n"


class HttpClient:
    """Keeps connections to one server.

    Args:
        url: The server's address; its path is put before each request's.
        connections: How many may be open at once. Whoever finds none waits.
        idle: Seconds after which an unused connection is not trusted any more: servers close theirs, and a write must
            not meet that moment.
        connect_timeout: Seconds to wait for a connection. That no server takes it is known for sure before anything has
            been sent, so that even writes can be repeated.
    """

    def __init__(self, url: str, *, connections: int, idle: float = 20.0, connect_timeout: float = 3.0) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._ssl is not None else 80)
        self._path = parts.path.rstrip("/").encode() + b"/"
        self._host_line = header("Host", parts.netloc.rpartition("@")[2])
        self._limit = connections
        self._keep = idle
        self._connect_timeout = connect_timeout
        self._open = 0
        self._idle: list[_Connection] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    def head(self, method: str, path: str, headers: bytes = b"") -> bytes:
        """The beginning of a request, to be kept: its line and the headers that are always the same.

        Args:
            path: Percent-encoded, below the server's address, without a slash before it.
            headers: Lines, as `header` makes them.

        Raises:
            ValueError: The path is not percent-encoded.
        """
        text = path.encode("ascii")
        if b" " in text or any(each in text for each in _CONTROL):
            raise ValueError("the path is not percent-encoded")
        return method.encode() + b" " + self._path + text + b" HTTP/1.1\r\n" + self._host_line + headers

    async def request(self, head: bytes, body: bytes | None, timeout: float) -> Answer:  # noqa: ASYNC109 - as bounded here, it costs a fifth
        """Send a request and wait for all of its answer.

        Args:
            head: As `head` made it, with further lines of headers, but without the empty one.
            timeout: Seconds, the wait for a connection included.

        Raises:
            TimeoutError: They are over. The request may have arrived.
            ConnectionFailedError: No answer.
            AbandonedError: Cancelled after the request was sent.
        """
        data = head + b"\r\n" if body is None else b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout
        again = head.startswith(b"GET ")
        while True:
            connection = self._unused()
            fresh = connection is None
            if connection is None:
                connection = await self._another(ends)
            try:
                answer = await connection.ask(data, ends)
            except ConnectionFailedError:
                # The server has closed a connection that nobody used, just as it was used again.
                if fresh or connection.heard or not again:
                    raise
                continue
            except asyncio.CancelledError:
                raise AbandonedError(self._abandon(connection, ends)) from None
            except BaseException:
                connection.drop()  # its answer may still come, and is nobody's
                raise
            self._give_back(connection)
            return answer

    def _abandon(self, connection: "_Connection", ends: float) -> "asyncio.Future[None]":
        """Wait for an answer that nobody wants any more: a server goes on when its client hangs up."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended(answer: "asyncio.Future[Answer]") -> None:
            if answer.cancelled() or answer.exception() is not None:
                connection.drop()
            else:
                self._give_back(connection)
            if not over.done():
                over.set_result(None)

        connection.outlive(ends).add_done_callback(ended)
        return over

    def close(self) -> None:
        """Close what is not used; what is used closes with its answer."""
        self._keep = -1.0
        self._drop_old()

    def _unused(self) -> "_Connection | None":
        oldest = time.monotonic() - self._keep
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.since > oldest:
                return connection
            connection.drop()
        return None

    async def _another(self, ends: float) -> "_Connection":
        """A new connection, or one that is given back first where no more may be opened."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(ends):
            while self._open >= self._limit:
                waiter = loop.create_future()
                self._waiting.append(waiter)
                try:
                    await waiter
                except asyncio.CancelledError:
                    if waiter.done() and not waiter.cancelled():
                        self._wake()  # it was this one's turn; now it is the next one's
                    raise
                if (connection := self._unused()) is not None:
                    return connection
            self._open += 1
            connection = _Connection(self._lost)
            try:
                async with asyncio.timeout_at(min(ends, loop.time() + self._connect_timeout)):
                    await loop.create_connection(
                        lambda: connection,
                        self._host,
                        self._port,
                        ssl=self._ssl,
                        server_hostname=self._host if self._ssl is not None else None,
                    )
            except OSError as error:  # TimeoutError is one
                connection.end()
                raise ConnectionFailedError(f"cannot connect: {error or 'no answer'}", sent=False) from None
            except BaseException:
                connection.end()
                raise
            return connection

    def _give_back(self, connection: "_Connection") -> None:
        if connection.usable and self._keep > 0:
            connection.since = time.monotonic()
            self._idle.append(connection)
            if self._sweep is None:
                self._sweep = asyncio.get_running_loop().call_later(self._keep, self._drop_old)
            if self._waiting:
                self._wake()
        else:
            connection.drop()

    def _drop_old(self) -> None:
        """Close what nobody has used for long; a crowd that has left leaves no connections behind."""
        if self._sweep is not None:
            self._sweep.cancel()
        oldest = time.monotonic() - self._keep
        old = [connection for connection in self._idle if connection.since <= oldest]
        self._idle = [connection for connection in self._idle if connection.since > oldest]
        for connection in old:
            connection.drop()
        self._sweep = asyncio.get_running_loop().call_later(self._keep, self._drop_old) if self._idle else None

    def _lost(self) -> None:
        self._open -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class _Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    __slots__ = (
        "_answer",
        "_body",
        "_head_size",
        "_headers",
        "_lost",
        "_parser",
        "_says_its_end",
        "_timer",
        "_transport",
        "heard",
        "since",
        "usable",
    )

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost: Callable[[], None] | None = lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._body: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._head_size = 0
        self._says_its_end = True
        self.heard = False  # anything of the answer to the last request
        self.usable = True
        self.since = 0.0

    async def ask(self, data: bytes, ends: float) -> Answer:
        """Send a request; its answer.

        Raises:
            TimeoutError: The time is over.
            ConnectionFailedError: The connection ended first.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            self.usable = False
            raise ConnectionFailedError("the connection is closed", sent=False)
        loop = asyncio.get_running_loop()
        self.heard = False
        answer: asyncio.Future[Answer] = loop.create_future()
        self._answer = answer
        transport.write(data)
        self._timer = loop.call_at(ends, self._expire)
        try:
            return await answer
        finally:
            self._timer.cancel()
            self._answer = None

    def outlive(self, ends: float) -> "asyncio.Future[Answer]":
        """The answer to what was sent last, whose asker has gone."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._answer = answer
        self._timer = loop.call_at(ends, self._expire)
        answer.add_done_callback(self._outlived)
        if self._transport is None or self._transport.is_closing():
            self._fail(ConnectionFailedError("the connection is closed", sent=True))
        return answer

    def _outlived(self, _: "asyncio.Future[Answer]") -> None:
        self._answer = None
        if self._timer is not None:
            self._timer.cancel()

    def drop(self) -> None:
        """End the connection at once."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def end(self) -> None:
        """Count it as gone, once."""
        self.usable = False
        if self._lost is not None:
            lost, self._lost = self._lost, None
            lost()

    def _expire(self) -> None:
        self._fail(TimeoutError())

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own are none by their class

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        if self._answer is None:
            self.drop()  # nobody asked for it
            return
        self.heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionFailedError(f"not an answer: {error}", sent=True))
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has hung up, or we have."""
        if not self._says_its_end and exc is None:
            self._complete()
        self._fail(ConnectionFailedError(f"the connection ended: {exc or 'closed by the server'}", sent=True))
        self.end()

    # What httptools calls.

    def on_message_begin(self) -> None:
        """An answer begins."""
        if self._answer is None or self._answer.done():
            self.usable = False  # a second one, which must never be taken for the next request's
        self._body = []
        self._headers = {}
        self._head_size = 0
        self._says_its_end = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the few that matter."""
        self._head_size += len(name) + len(value)
        if self._head_size > _LARGEST_HEAD:
            raise ValueError("the answer's headers are too long")
        lowered = name.lower()
        if lowered in _KEPT_HEADERS:
            self._headers[lowered] = value
        elif lowered in {b"content-length", b"transfer-encoding"}:
            self._says_its_end = True

    def on_headers_complete(self) -> None:
        """What has no body ends here."""
        status = self._parser.get_status_code()
        self._says_its_end |= status < 200 or status in {204, 304}

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._says_its_end = True
        self._complete()

    def _complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return  # only word of the one that comes, as 103 is
        if not self._parser.should_keep_alive() or status == _WRONG_LENGTH:
            self.usable = False
        # Not kept while the connection waits for its next use.
        body, self._body = self._body, []
        found = Answer(status, self._headers, body[0] if len(body) == 1 else b"".join(body))
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(found)

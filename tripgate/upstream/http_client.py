"""One server over HTTP/1.1, with little CPU of its own: asyncio's protocols, httptools' parser, connections kept open.

A general client spends more on one request than all the rest of the gateway: it makes objects for the URL, headers and
cookies of each. Here a request is bytes, and mostly bytes that are kept with its plan.
"""

import asyncio
import ssl
import time
from collections import deque
from urllib.parse import urlsplit

from tripgate.upstream.http_connection import AbandonedError, Answer, Connection, ConnectionFailedError, LateError

_CONTROL = (b"\r", b"\n", b"\0")


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
        outlive: Seconds for which an answer is waited for when nobody wants it any more, after its time was over.
    """

    def __init__(
        self, url: str, *, connections: int, idle: float = 20.0, connect_timeout: float = 3.0, outlive: float = 0.0
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._ssl is not None else 80)
        self._path = parts.path.rstrip("/").encode() + b"/"
        self._host_line = header("Host", parts.netloc.rpartition("@")[2])
        self._limit = connections
        self._keep = idle
        self._connect_timeout = connect_timeout
        self._outlive = outlive
        self._open = 0
        self._idle: list[Connection] = []
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
            TimeoutError: They are over, and nothing was sent.
            LateError: They are over.
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
            except TimeoutError:
                raise LateError(self._abandon(connection, ends)) from None
            except BaseException:
                connection.drop()  # its answer may still come, and is nobody's
                raise
            if connection.usable and self._sweep is not None and not self._waiting:  # as it nearly always is
                connection.since = time.monotonic()
                self._idle.append(connection)
            else:
                self._give_back(connection)
            return answer

    def _abandon(self, connection: "Connection", ends: float) -> "asyncio.Future[None]":
        """Wait for an answer that nobody wants any more: a server goes on when its client hangs up."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended(answer: "asyncio.Future[Answer]") -> None:
            if answer.cancelled() or answer.exception() is not None:
                connection.drop()
            else:
                self._give_back(connection)
            if not over.done():
                over.set_result(None)

        connection.outlive(ends + self._outlive).add_done_callback(ended)
        return over

    def close(self) -> None:
        """Close what is not used; what is used closes with its answer."""
        self._keep = -1.0
        self._drop_old()

    def _unused(self) -> "Connection | None":
        oldest = time.monotonic() - self._keep
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.since > oldest:
                return connection
            connection.drop()
        return None

    async def _another(self, ends: float) -> "Connection":
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
            connection = Connection(self._lost)
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

    def _give_back(self, connection: "Connection") -> None:
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

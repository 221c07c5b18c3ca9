"""A connection to a server over HTTP/1.1: one request at a time, and what is taken for its answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import httptools

_KEPT_HEADERS = frozenset({b"content-range", b"retry-after"})
_LARGEST_HEAD = 128 * 1024
# PostgREST 13.0.0 to 14.1 says the length of another body with this status, so more may come after what it counted.
_WRONG_LENGTH = 416


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


class LateError(TimeoutError):
    """No answer in time, and the server goes on with what it was asked.

    Attributes:
        over: As in AbandonedError.
    """

    def __init__(self, over: "asyncio.Future[None]") -> None:
        super().__init__()
        self.over = over


class Connection(asyncio.Protocol):
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

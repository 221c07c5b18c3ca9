"""The response with a whole answer: head and body leave in one write, and the head is made of texts that are known.

It builds on the internals of aiohttp, which is pinned. Whatever is unusual is left to aiohttp: another method than
POST, another version of HTTP, a connection that closes, and headers that somebody looks at or adds to.
"""

import functools
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_writer import StreamWriter
from multidict import CIMultiDict

SERVER = "tripgate"

_LONG = 64 * 1024


class WholeResponse(web.Response):
    """A response of JSON, or an event stream that is over.

    Args:
        more: Headers beside those of every answer.
    """

    def __init__(self, body: bytes, status: int, media_type: str, more: Mapping[str, str]) -> None:
        super().__init__(body=body, status=status)
        self._text_of_body = body
        self._media_type = media_type
        self._more: Mapping[str, str] | None = more
        self._head = b""

    @property
    def headers(self) -> "CIMultiDict[str]":
        """The headers, which are aiohttp's to write from now on."""
        self._hand_over()
        return super().headers

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """As aiohttp does."""
        more = self._more
        usual = (
            more is not None
            and self._keep_alive is None
            and not (self._cookies or self._compression or self._chunked)
            and request.keep_alive
            and request.method == "POST"
            and request.version == HttpVersion11
            and isinstance(request, web.Request)
            and not request.app.on_response_prepare
        )
        if more is None or not usual:
            self._hand_over()
            return await super().prepare(request)
        self._req = request
        self._keep_alive = True
        lines = "".join([f"{name}: {value}\r\n" for name, value in more.items()])
        if lines.count("\n") != len(more) or lines.count("\r") != len(more):
            raise ValueError("a header has several lines")
        self._head = (
            f"{_beginning(self.status, self._media_type)}{lines}Content-Length: {len(self._text_of_body)}\r\n"
            f"Date: {rfc822_formatted_time()}\r\nServer: {SERVER}\r\n\r\n"
        ).encode("latin-1")
        self._payload_writer = request.writer
        return self._payload_writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send all of it."""
        writer = self._payload_writer
        if not self._head or not isinstance(writer, StreamWriter):
            await super().write_eof(data)
            return
        if self._eof_sent:
            return
        body = self._text_of_body
        if len(body) < _LONG:
            writer._write(self._head + body)
        else:
            writer._write(self._head)
            writer._write(body)
        await writer.drain()
        self._eof_sent = True
        self._req = None
        self._body_length = writer.output_size
        self._payload_writer = None

    def _hand_over(self) -> None:
        if self._more is not None:
            more, self._more = self._more, None
            self._headers.update(_always(self._media_type), **more)


def _always(media_type: str) -> dict[str, str]:
    return {"Content-Type": f"{media_type}; charset=utf-8", "X-Content-Type-Options": "nosniff"}


@functools.lru_cache(maxsize=64)
def _beginning(status: int, media_type: str) -> str:
    lines = "".join(f"{name}: {value}\r\n" for name, value in _always(media_type).items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}"

"""The parameters of a GraphQL request, as JSON values: from the body of a POST, or from the address of a GET.

A body is bounded in size, by what it says of itself before it is read and by what has come, and in time.
"""

import asyncio
import functools
from typing import Any

from aiohttp import web

from gql.errors import ApiError, ErrorCode
from tripgate.gateway.edge.encodings import TooLargeError, decoded
from tripgate.gateway.edge.http_error import HttpError, method_not_allowed
from tripgate.gateway.edge.json_body import NotJsonError, read_json
from tripgate.gateway.edge.media_types import EVENT_STREAM, JSON_TYPE, RESPONSE_TYPE, Accepted, split_header

_TEXTS = ("query", "documentId", "operationName")
_OBJECTS = ("variables", "extensions")


# What may be asked with, and what when queries may be asked by GET.
METHODS = ("POST",)
METHODS_WITH_GET = ("GET", "HEAD", "POST")
OF_STREAMS = ("PUT", "DELETE")
"""By which an event stream of many operations is reserved, and its operations ended."""


class Parameters:
    """Reads the parameters of requests.

    Args:
        methods: Those by which may be asked.
        most_bytes: The largest body; what is compressed counts as it is afterwards, too.
        seconds: Seconds within which all of it must have come.
    """

    def __init__(self, *, methods: tuple[str, ...], most_bytes: int, seconds: float) -> None:
        self._methods = methods
        self._most_bytes = most_bytes
        self._seconds = seconds

    async def read(self, request: web.Request, accept: Accepted, *, in_parts: bool = False) -> object:
        """The parameters of a request that can be answered as it wants to be.

        Args:
            in_parts: Whether there may be an answer in parts. Who takes nothing else is let in then, and whoever reads
                the operation refuses it where there is none.

        Raises:
            HttpError: 405, it asks by another method; 406, it takes no media type that there is.
            ApiError: As `_posted` and `_in_address`.
        """
        method = request.method
        if method not in self._methods:
            raise method_not_allowed(f"Ask by {' or '.join(self._methods)}.", *self._methods, *OF_STREAMS)
        if accept.best is None:
            if not (in_parts and method == "POST" and (accept.parts or accept.incremental)):
                raise not_acceptable()
        elif method == "HEAD" and accept.best == EVENT_STREAM:
            raise not_acceptable()
        return await self._posted(request) if method == "POST" else _in_address(request)

    async def _posted(self, request: web.Request) -> object:
        """The JSON value in the request's body.

        Raises:
            HttpError: 415, it is something else, or compressed as is not taken; 413, it is too large; 408, it has not
                come in time.
            ApiError: BAD_REQUEST, it is broken.
        """
        if not _is_json(request.headers.get("Content-Type", "")):
            raise HttpError(415, "Send the request as application/json, in UTF-8.")
        body = await self._body(request)
        if "Content-Encoding" in request.headers:
            body = self._decoded(request, body)
        if not body:
            raise _bad_request('The body is empty; send {"query": …} as JSON.')
        try:
            return read_json(body)
        except NotJsonError as error:
            raise _bad_request(f"The body is not JSON: {error}.") from None

    async def _body(self, request: web.Request) -> bytes:
        if (request.content_length or 0) > self._most_bytes:
            raise self._too_large()
        try:
            if request.content.is_eof():
                return await request.read()  # all of it is here, as it is with nearly every request
            async with asyncio.timeout(self._seconds):
                return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise self._too_large() from None
        except TimeoutError:
            raise HttpError(
                408, "The body did not arrive in time.", ErrorCode.TIMEOUT, {"Connection": "close"}
            ) from None
        except web.RequestPayloadError:
            raise _bad_request("The body does not arrive as its headers say.") from None

    def _decoded(self, request: web.Request, body: bytes) -> bytes:
        try:
            return decoded(body, request.headers.getall("Content-Encoding"), most=self._most_bytes)
        except TooLargeError:
            raise self._too_large() from None

    def _too_large(self) -> HttpError:
        message = f"The body is too large; at most {self._most_bytes} bytes are taken."
        return HttpError(413, message, ErrorCode.PAYLOAD_TOO_LARGE)


def not_acceptable() -> HttpError:
    """What is answered to who takes no answer that there is."""
    return HttpError(406, f"Answers are {RESPONSE_TYPE}, {JSON_TYPE} or {EVENT_STREAM}; accept one of them.")


def _in_address(request: web.Request) -> dict[str, Any]:
    """The parameters in the query of an address; those without a value are left out.

    Raises:
        ApiError: BAD_REQUEST.
    """
    query, found = request.query, {}
    for name in (*_TEXTS, *_OBJECTS):
        values = query.getall(name, ())
        if len(values) > 1:
            raise _bad_request(f"`{name}` stands in the address more than once.")
        if values and values[0]:
            found[name] = values[0] if name in _TEXTS else _json(name, values[0])
    return found


def _json(name: str, text: str) -> Any:
    try:
        return read_json(text)
    except NotJsonError as error:
        raise _bad_request(f"`{name}` is not JSON: {error}.") from None


def _bad_request(message: str) -> ApiError:
    return ApiError(ErrorCode.BAD_REQUEST, message)


@functools.lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    """Whether a body is JSON in UTF-8. Nothing else is read, and no form can send it."""
    media_type, *parameters = (part.strip().lower() for part in split_header(content_type, ";"))
    charsets = [part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset")]
    return media_type == JSON_TYPE and all(charset in {"utf-8", "utf8"} for charset in charsets)

"""aiohttp's handler of a connection, whose own refusals are GraphQL errors too and repeat nothing of the request."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from gql.errors import ErrorCode
from tripgate.gateway.errors import masked

_log = logging.getLogger("tripgate.http")
_MANY_HEADERS = "Too many headers received"  # aiohttp has no exception of its own for them


class GatewayRequestHandler(RequestHandler):
    """Handles the requests of one connection."""

    __slots__ = ()

    def answer_only(
        self, paths: frozenset[str], refuse: Callable[[], web.Response], *, begun: Callable[[], None]
    ) -> None:
        """Take one request, and close: of these paths as usual, and `refuse` answers any other.

        Args:
            begun: Called once the request's headers are there.
        """
        inner = cast(Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], self._request_handler)

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            begun()
            response = await inner(request) if request.path in paths else refuse()
            response.force_close()
            return response

        self._request_handler = answer

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's words, which repeat what came
    ) -> web.StreamResponse:
        """The answer to what is no HTTP, has too long or too many headers, or failed outside `/graphql`.

        Raises:
            ConnectionError: Part of an answer has been sent already.
        """
        if cast(Any, request.writer).output_size > 0:
            raise ConnectionError("a part of the answer has been sent")
        if status >= 500:
            error = masked(exc or TimeoutError())
        elif isinstance(exc, LineTooLong):
            limit = min(self.max_line_size, self.max_field_size)
            error = _bad_request(f"The request line and each header may have at most {limit} bytes. One is longer.")
        elif getattr(exc, "message", None) == _MANY_HEADERS:
            error = _bad_request(f"A request may have at most {self.max_headers} headers. There are more.")
        else:
            _log.debug("no HTTP: %s", type(exc).__name__)
            error = _bad_request("This is no request that HTTP/1.1 knows.")
        response = json_response(status, [error])
        response.force_close()
        return response


def json_response(status: int, errors: list[dict[str, Any]], **headers: str) -> web.Response:
    """Errors outside `/graphql`, in GraphQL's form."""
    return web.Response(
        body=orjson.dumps({"errors": errors}),
        status=status,
        headers={"Content-Type": "application/json; charset=utf-8", "X-Content-Type-Options": "nosniff", **headers},
    )


def _bad_request(message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": ErrorCode.BAD_REQUEST.value}}

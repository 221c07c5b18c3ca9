"""GraphQL over HTTP: request → operation → response, after the GraphQL-over-HTTP specification."""

import logging
import time
from typing import Any

import orjson
from aiohttp import web

from gql.errors import ApiError, ErrorCode
from tripgate.gateway.engine import Engine, GraphQLRequest
from tripgate.gateway.errors import formatted, masked, request_error
from tripgate.gateway.identity import Identity
from tripgate.gateway.operation import RequestError
from tripgate.gateway.sse import MEDIA_TYPE, EventStreams

JSON_TYPE = "application/json"
RESPONSE_TYPE = "application/graphql-response+json"

_STATUS = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.UPSTREAM_UNAVAILABLE: 503,
    ErrorCode.TIMEOUT: 504,
}
_log = logging.getLogger("tripgate.requests")


class GraphQLHandler:
    """Answers `POST /graphql`."""

    def __init__(self, engine: Engine, identity: Identity, streams: EventStreams) -> None:
        self._engine = engine
        self._identity = identity
        self._streams = streams

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; never raises for anything a client sends."""
        began = time.perf_counter()
        accept = request.headers.get("Accept", "")
        media_type = RESPONSE_TYPE if RESPONSE_TYPE in accept else JSON_TYPE
        name = None
        try:
            wanted = await _read(request)
            name = wanted.operation_name
            caller = await self._identity.caller(request.headers.get("Authorization"))
            if MEDIA_TYPE in accept:
                return await self._streams.respond(request, wanted, caller)
            answer = await self._engine.answer(wanted, self._engine.operation(wanted), caller)
            status = 200
        except RequestError as error:
            # `application/json` clients of old take any other status for a failure of the transport.
            status = 400 if media_type == RESPONSE_TYPE else 200
            answer = {"errors": formatted(error.errors, error.code)}
        except ApiError as error:
            status, answer = _STATUS.get(error.code, 400), {"errors": request_error(error)}
        except Exception as error:  # a mistake of ours ends this request, not the server
            status, answer = 500, {"errors": [masked(error)]}
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s %d %.1f ms", name or "-", status, (time.perf_counter() - began) * 1000)
        return _response(answer, status, media_type)


def _response(answer: dict[str, Any], status: int, media_type: str) -> web.Response:
    headers = {"Content-Type": f"{media_type}; charset=utf-8"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(body=orjson.dumps(answer), status=status, headers=headers)


async def _read(request: web.Request) -> GraphQLRequest:
    """The parameters of a request.

    Raises:
        ApiError: BAD_REQUEST.
    """
    if request.content_type != JSON_TYPE:
        raise _bad_request("Send the request as application/json.")
    try:
        found = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise _bad_request(f"The body is not JSON: {error}.") from None
    except web.HTTPRequestEntityTooLarge:
        raise _bad_request("The body is too large.") from None
    return GraphQLRequest.parse(found)


def _bad_request(message: str) -> ApiError:
    return ApiError(ErrorCode.BAD_REQUEST, message)

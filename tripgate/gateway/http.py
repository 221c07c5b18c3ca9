"""GraphQL over HTTP: request → operation → response, after the GraphQL-over-HTTP specification."""

import logging
import time
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from graphql import GraphQLSchema

from gql.errors import ApiError, ErrorCode
from resolvers.context import Context
from tripgate.gateway.errors import formatted, masked, request_error
from tripgate.gateway.executor import run
from tripgate.gateway.identity import Identity
from tripgate.gateway.operation import Documents, RequestError
from tripgate.upstream.auth import AuthClient
from tripgate.upstream.postgrest.client import PostgrestClient

JSON_TYPE = "application/json"
RESPONSE_TYPE = "application/graphql-response+json"

_STATUS = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.UPSTREAM_UNAVAILABLE: 503,
    ErrorCode.TIMEOUT: 504,
}
_access_log = logging.getLogger("tripgate.requests")


@dataclass(frozen=True, slots=True)
class Services:
    """What every request shares."""

    schema: GraphQLSchema
    documents: Documents
    identity: Identity
    postgrest: PostgrestClient
    auth: AuthClient
    max_page_size: int
    hide_suggestions: bool


@dataclass(frozen=True, slots=True)
class _Request:
    query: str
    variables: dict[str, Any]
    operation_name: str | None


class GraphQLHandler:
    """Answers `POST /graphql`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, request: web.Request) -> web.Response:
        """Answer one request; never raises for anything a client sends."""
        began = time.perf_counter()
        media_type = RESPONSE_TYPE if RESPONSE_TYPE in request.headers.get("Accept", "") else JSON_TYPE
        name = None
        try:
            wanted = await _read(request)
            name = wanted.operation_name
            status, answer = await self._execute(request, wanted, media_type)
        except ApiError as error:
            status, answer = _STATUS.get(error.code, 400), {"errors": request_error(error)}
        except Exception as error:  # a mistake of ours ends this request, not the server
            status, answer = 500, {"errors": [masked(error)]}
        if _access_log.isEnabledFor(logging.INFO):
            _access_log.info("%s %d %.1f ms", name or "-", status, (time.perf_counter() - began) * 1000)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        body = orjson.dumps(answer)
        return web.Response(body=body, status=status, content_type=media_type, charset="utf-8", headers=headers)

    async def _execute(self, request: web.Request, wanted: _Request, media_type: str) -> tuple[int, dict[str, Any]]:
        services = self._services
        caller = await services.identity.caller(request.headers.get("Authorization"))
        context = Context(caller, services.postgrest, services.auth, services.max_page_size)
        try:
            operation = services.documents.operation(wanted.query, wanted.operation_name)
            result = await run(
                services.schema, operation, wanted.variables, context, hide_suggestions=services.hide_suggestions
            )
        except RequestError as error:
            # `application/json` clients of old take any other status for a failure of the transport.
            status = 400 if media_type == RESPONSE_TYPE else 200
            return status, {"errors": formatted(error.errors, error.code)}
        if result.errors:
            return 200, {"errors": formatted(result.errors), "data": result.data}
        return 200, {"data": result.data}


async def _read(request: web.Request) -> _Request:
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
    if not isinstance(found, dict):
        raise _bad_request("The body must be a JSON object; batches are not taken.")
    query, variables, name = found.get("query"), found.get("variables"), found.get("operationName")
    if not isinstance(query, str):
        raise _bad_request("`query` must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise _bad_request("`variables` must be an object.")
    if name is not None and not isinstance(name, str):
        raise _bad_request("`operationName` must be a string.")
    return _Request(query, variables or {}, name or None)


def _bad_request(message: str) -> ApiError:
    return ApiError(ErrorCode.BAD_REQUEST, message)

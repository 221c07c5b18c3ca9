"""GraphQL over HTTP: request → operation → response, after the GraphQL-over-HTTP specification."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, NoReturn

import orjson
from aiohttp import web
from graphql import OperationType

from gql.errors import ApiError, ErrorCode
from gql.json_numbers import exact
from tripgate.gateway.admission.admission import Client
from tripgate.gateway.cache.conditional import conditional
from tripgate.gateway.edge.http_error import HttpError, method_not_allowed
from tripgate.gateway.edge.media_types import EVENT_STREAM, JSON_TYPE, MULTIPART, Accepted, accepted
from tripgate.gateway.edge.parameters import Parameters, not_acceptable
from tripgate.gateway.edge.stream_formats import EVENTS, PARTS, TOKEN_HEADER, incremental_parts
from tripgate.gateway.edge.whole_response import WholeResponse
from tripgate.gateway.errors import formatted, masked, request_error
from tripgate.gateway.incremental.payloads import FORMATS, Payload
from tripgate.gateway.operation import Operation, RequestError
from tripgate.gateway.request import GraphQLRequest
from tripgate.gateway.shutdown import Shutdown
from tripgate.gateway.sse import EventStreams
from tripgate.gateway.stages import Stages
from tripgate.upstream.caller import Caller
from tripgate.upstream.record import RequestRecord

_STATUS = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.UPSTREAM_UNAVAILABLE: 503,
    ErrorCode.OVERLOADED: 503,
    ErrorCode.TIMEOUT: 504,
}
# Of requests of whose bodies the rest is not waited for.
_UNREAD = frozenset({408, 413})
# An answer to GET is one person's, and for a cache to keep only if it asks each time.
_GET_HEADERS = {"Vary": "Accept, Authorization", "Cache-Control": "private, no-cache"}


async def graphql(request: web.Request) -> web.StreamResponse:
    """The route of all that the gateway answers."""
    if TOKEN_HEADER in request.headers and request.method == "POST":
        return await request.app[OVER_ONE_STREAM](request)
    return await request.app[HTTP](request)


class GraphQLHandler:
    """Answers requests of any method to `/graphql`.

    Args:
        incremental: Whether queries with `@defer` and `@stream` are answered in parts to clients that take them.
    """

    def __init__(
        self,
        stages: Stages,
        streams: EventStreams,
        parameters: Parameters,
        shutdown: Shutdown,
        *,
        incremental: bool,
    ) -> None:
        self._observability = stages.observability
        self._addresses = stages.addresses
        self._admission = stages.admission
        self._identity = stages.identity
        self._parser = stages.parser
        self._engine = stages.engine
        self._streams = streams
        self._parameters = parameters
        self._shutdown = shutdown
        self._incremental = incremental

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; never raises for anything a client sends."""
        record = self._observability.begin("http", request.headers)
        accept = accepted(request.headers)
        headers: Mapping[str, str] = {} if request.method == "POST" else _GET_HEADERS
        body: bytes | None = None
        try:
            client = await self._admission.arrive(self._addresses.of(request))
            found = await self._parameters.read(request, accept, in_parts=True)
            wanted = GraphQLRequest.parse(found, explains=self._parser.explains)
            caller = record.caller = await self._identity.caller_or_anonymous(request.headers.get("Authorization"))
            headers = {**headers, **await client.identify(caller)}
            operation = await self._parser.parse(wanted)
            query = operation.kind is OperationType.QUERY
            if not query or request.method != "POST":
                _check_kind(operation, request.method, accept)
            if operation.kind is OperationType.SUBSCRIPTION or accept.best == EVENT_STREAM:
                answers = await self._stream(client, wanted, operation, caller)
                live = operation.kind is OperationType.SUBSCRIPTION
                self._observability.stream(record, live=live)
                parts = live and accept.parts
                stream = await self._streams.respond(
                    request, answers, record, client.address, live=live, written_as=PARTS if parts else EVENTS
                )
                self._observability.finish(record, stream.status)
                return self._shutdown.last(stream)
            if accept.incremental is not None and operation.in_parts is not None and self._delivers(wanted, request):
                return await self._in_parts(request, client, wanted, operation, record, accept, headers)
            if accept.best is None:
                _refuse_whole()
            prepared = await client.admit(wanted, operation, caller)
            if query and self._engine.caches_answers and wanted.explanation is None:
                finished = await self._engine.finished(wanted, operation, prepared, caller)
                answer = {"errors": finished.errors}
                status, body, headers = conditional(request, finished, accept.json, headers)
            else:
                answer = await self._engine.answer(wanted, operation, prepared, caller)
                status = 200
        except RequestError as error:
            return self._refused(error, accept, headers, record)
        except HttpError as error:
            status, headers, answer = error.status, {**headers, **error.headers}, {"errors": request_error(error)}
        except ApiError as error:
            status, answer = _STATUS.get(error.code, 400), {"errors": request_error(error)}
            if (seconds := error.extensions.get("retryAfter")) is not None:
                headers = {**headers, "Retry-After": str(seconds)}
        except Exception as error:  # a mistake of ours ends this request, not the server
            status, answer = 500, {"errors": [masked(error)]}
        except BaseException:  # the server stops and waits no longer
            self._observability.finish(record, "cancelled")
            raise
        return self._answered(status, answer, body, accept.json, headers, record)

    def _delivers(self, wanted: GraphQLRequest, request: web.Request) -> bool:
        """Whether a query that asks for it is answered in parts. GET is answered whole, for a cache to keep."""
        return self._incremental and wanted.explanation is None and request.method == "POST"

    async def _in_parts(
        self,
        request: web.Request,
        client: Client,
        wanted: GraphQLRequest,
        operation: Operation,
        record: RequestRecord,
        accept: Accepted,
        headers: Mapping[str, str],
    ) -> web.StreamResponse:
        """The answer to a query with `@defer` or `@stream`: whole, where nothing turns out to be put off.

        Raises:
            ApiError: As `Client.admit` and `Engine.parts`, before anything is sent; likewise RequestError.
        """
        caller, format_, in_parts = record.caller, accept.incremental, operation.in_parts
        assert caller is not None  # noqa: S101 - they have been identified
        assert format_ is not None  # noqa: S101 - asked before
        assert in_parts is not None  # noqa: S101 - likewise
        prepared = await client.admit(wanted, in_parts, caller)
        if not self._engine.answers_in_parts(prepared):
            answer = await self._engine.answer(wanted, operation, prepared, caller)
        else:
            parts = self._engine.parts(in_parts, prepared, caller)
            first = await anext(parts)
            if not first.last:
                answers, written_as = _written(first, parts, format_), incremental_parts(format_)
                stream = await self._streams.respond(
                    request, answers, record, client.address, live=False, written_as=written_as, headers=headers
                )
                self._observability.finish(record, stream.status)
                return self._shutdown.last(stream)
            await parts.aclose()
            answer = first.answer or {}
        return self._answered(200, answer, None, accept.json, headers, record)

    def _refused(
        self, error: RequestError, accept: Accepted, headers: Mapping[str, str], record: RequestRecord
    ) -> web.StreamResponse:
        """The response to what cannot run.

        Clients of event streams, and those of `application/json` of old, take any other status than 200 for a failure
        of the transport; the former try again.
        """
        answer = {"errors": formatted(error.errors, error.code)}
        if accept.best == EVENT_STREAM:
            headers = {**headers, "Cache-Control": "no-store"}
            return self._answered(200, answer, EVENTS.whole(answer), EVENT_STREAM, headers, record)
        status = 200 if accept.best == JSON_TYPE else 400
        return self._answered(status, answer, None, accept.json, headers, record)

    def _answered(
        self,
        status: int,
        answer: Mapping[str, Any],
        body: bytes | None,
        media_type: str,
        headers: Mapping[str, str],
        record: RequestRecord,
    ) -> web.StreamResponse:
        """The response with a whole answer, or one that is encoded already."""
        if "errors" in answer:
            self._observability.note(record, answer)
        status, body = _encoded(status, answer) if body is None else (status, body)
        closes = self._shutdown.ending or status in _UNREAD
        self._observability.finish(record, status)
        more = {**headers, "X-Request-Id": record.request_id}
        if status == 401:
            more["WWW-Authenticate"] = "Bearer"
        response = WholeResponse(body, status, media_type, more)
        if closes:
            response.force_close()
        return response

    async def _stream(
        self, client: Client, wanted: GraphQLRequest, operation: Operation, caller: Caller
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The answers of a stream, which begins though variables do not fit, and says so.

        Raises:
            ApiError: As `Client.admit`, before anything is sent.
        """
        try:
            prepared = await client.admit(wanted, operation, caller)
        except RequestError as error:
            return _refused(error)
        return self._engine.stream(wanted, operation, prepared, caller, set(), client.charge)


HTTP = web.AppKey("http", GraphQLHandler)
OVER_ONE_STREAM: web.AppKey[Callable[[web.Request], Awaitable[web.StreamResponse]]] = web.AppKey("over_one_stream")
"""Answers what is asked over an event stream of many operations."""


async def _written(
    first: Payload, rest: AsyncGenerator[Payload, None], format_: str
) -> AsyncGenerator[dict[str, Any], None]:
    """The parts of an answer in the format that the client takes."""
    write = FORMATS[format_]
    async with aclosing(rest):
        yield write(first)
        async for each in rest:
            yield write(each)


async def _refused(error: RequestError) -> AsyncGenerator[dict[str, Any], None]:
    """The answers of a stream of which there are none."""
    raise error
    yield {}


def _check_kind(operation: Operation, method: str, accept: Accepted) -> None:
    """Refuse what must not be done by GET, since any page can make a browser send one, and streams nobody reads."""
    kind = operation.kind
    if kind is OperationType.QUERY:
        if operation.has_effects:
            raise method_not_allowed("This query has something done, and needs POST.", "POST")
        return
    if method != "POST":
        raise method_not_allowed(f"A {kind.value} needs POST.", "POST")
    if kind is OperationType.SUBSCRIPTION and not (accept.streams or accept.parts):
        raise HttpError(
            406,
            f"Subscribe with `Accept: {EVENT_STREAM}` or `{MULTIPART};subscriptionSpec=1.0`, or over a WebSocket.",
        )


def _refuse_whole() -> NoReturn:
    """Refuse to run what has no parts for who takes nothing else."""
    raise not_acceptable()


def _encoded(status: int, answer: object) -> tuple[int, bytes]:
    try:
        return status, orjson.dumps(answer, default=exact)
    except orjson.JSONEncodeError as error:  # a field of ours made what is no JSON
        return 500, orjson.dumps({"errors": [masked(error)]})

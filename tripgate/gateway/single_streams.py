"""Many operations over one event stream: the single connection mode of `graphql-sse`'s protocol.

1. PUT reserves a stream and answers its token, which comes in a header from then on; in the address too, but of POST.
2. GET opens it, once.
3. POST runs an operation, named in its `extensions.operationId`, and answers 202; the stream tells what comes of it.
4. DELETE ends the operation that its address names.

A stream is the person's who reserved it. What is told goes to whoever opens it, so its token is kept as theirs is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, nullcontext, suppress
from typing import Any

import orjson
from aiohttp import web
from graphql import OperationType

from gql.errors import ApiError, ErrorCode
from tripgate.gateway.admission.admission import Client
from tripgate.gateway.edge.concurrency import SubscriptionLimit
from tripgate.gateway.edge.connections import LiveConnections
from tripgate.gateway.edge.http_error import HttpError
from tripgate.gateway.edge.media_types import accepted
from tripgate.gateway.edge.parameters import Parameters
from tripgate.gateway.edge.stream_formats import OPERATION_EVENTS, TOKEN_HEADER
from tripgate.gateway.errors import formatted, masked, request_error
from tripgate.gateway.operation import RequestError
from tripgate.gateway.request import GraphQLRequest
from tripgate.gateway.sse import EventStreams
from tripgate.gateway.stages import Stages
from tripgate.gateway.stream_registry import SingleStream, SingleStreamLimits, StreamRegistry
from tripgate.upstream.caller import Caller
from tripgate.upstream.record import RequestRecord

_IN_ADDRESS = "token"
_CLOSE_SECONDS = 2.0
_LONGEST_ID = 256


class SingleStreams:
    """The reserved and open streams of this process.

    Args:
        streams: Write what is told.
        open_connections: Count each stream as a connection of its address, from when it is reserved.
    """

    def __init__(
        self,
        stages: Stages,
        streams: EventStreams,
        parameters: Parameters,
        limits: SingleStreamLimits,
        subscriptions: SubscriptionLimit,
        open_connections: LiveConnections,
    ) -> None:
        self._stages = stages
        self._written = streams
        self._parameters = parameters
        self._limits = limits
        self._subscriptions = subscriptions
        self._streams = StreamRegistry(limits, open_connections)
        self._stopping = False

    @staticmethod
    def names(request: web.Request) -> bool:
        """Whether a GET is about such a stream."""
        return TOKEN_HEADER in request.headers or (
            f"{_IN_ADDRESS}=" in request.raw_path and _IN_ADDRESS in request.query
        )

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; never raises for anything a client sends."""
        record = self._stages.observability.begin("http", request.headers)
        answer: Callable[..., Awaitable[web.StreamResponse]] = {
            "PUT": self._reserve,
            "GET": self._opened,
            "POST": self._operate,
            "DELETE": self._end,
        }.get(request.method, self._refuse)
        try:
            client = await self._stages.admission.arrive(self._stages.addresses.of(request))
            response = await answer(request, client, record)
        except HttpError as error:
            response = _refused(error.status, error, record, error.headers)
        except ApiError as error:
            response = _refused(_STATUS.get(error.code, 400), error, record)
        except Exception as error:  # a mistake of ours ends this request, not the server
            body = orjson.dumps({"errors": [masked(error)]})
            response = _response(500, body, record)
        except BaseException:  # the client has gone, or the server stops
            self._stages.observability.finish(record, "cancelled")
            raise
        self._stages.observability.finish(record, response.status)
        return response

    async def stop(self, seconds: float) -> None:
        """End every stream, once its queries and mutations have been answered. Clients connect again.

        Args:
            seconds: Seconds that those may take.
        """
        self._stopping = True
        await asyncio.gather(*(self._go_away(token, stream, seconds) for token, stream in self._streams.items()))

    async def _go_away(self, token: str, stream: SingleStream, seconds: float) -> None:
        if stream.finite:
            await asyncio.wait(stream.finite, timeout=seconds)
        for task in stream.operations.values():
            task.cancel()
        if stream.opened:
            with suppress(TimeoutError):  # the reader takes nothing, and is cut off with the server
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await stream.waiting.put(None)
        else:
            self._streams.forget(token)

    # What clients ask ---------------------------------------------------------------------------------------------

    async def _reserve(self, request: web.Request, client: Client, record: RequestRecord) -> web.StreamResponse:
        caller = record.caller = await self._identified(request)
        if not self._limits.one_process:
            message = (
                "This server has several processes, and a stream for many operations is one's. Stream each by itself."
            )
            raise HttpError(501, message)
        if self._stopping:
            raise HttpError(503, "The server is stopping.", ErrorCode.OVERLOADED, {"Retry-After": "1"})
        token = self._streams.reserve(caller, client.address)
        return _response(201, token.encode(), record, "text/plain")

    async def _opened(self, request: web.Request, client: Client, record: RequestRecord) -> web.StreamResponse:
        if not accepted(request.headers).streams:
            raise HttpError(406, "Open an event stream with `Accept: text/event-stream`.")
        token = _token(request)
        # A page's EventSource sends no Authorization, and the token is as good.
        stream = self._streams.found(token, await self._identified(request), or_nobody=True)
        record.caller = stream.caller
        self._streams.open(stream)
        self._stages.observability.stream(record, live=False)
        try:
            return await self._written.respond(
                request, self._streams.told(stream), record, client.address, live=False, written_as=OPERATION_EVENTS
            )
        finally:
            self._streams.forget(token)

    async def _operate(self, request: web.Request, client: Client, record: RequestRecord) -> web.StreamResponse:
        found = await self._parameters.read(request, accepted(request.headers))
        wanted = GraphQLRequest.parse(found, explains=self._stages.parser.explains)
        id_ = _operation_id(found)
        caller = record.caller = await self._identified(request)
        headers = await client.identify(caller)
        # From here on nothing is waited for, in which the stream could end.
        stream = self._streams.found(_token(request), caller)
        if not stream.opened or self._stopping:
            message = "This event stream is not open. Open it by GET first."
            raise HttpError(409, message, ErrorCode.CONFLICT, reason="STREAM_NOT_OPEN")
        if id_ in stream.operations:
            message = "An operation of this name runs on the event stream."
            raise HttpError(409, message, ErrorCode.CONFLICT, reason="OPERATION_RUNNING")
        if len(stream.operations) >= self._limits.most_operations:
            message = f"At most {self._limits.most_operations} operations run at once on an event stream."
            raise HttpError(429, message, ErrorCode.RATE_LIMITED)
        stream.refresh(caller)
        of_operation = f"{record.request_id}.{next(stream.numbers)}"
        run = self._run(request, stream, id_, wanted, caller, client, of_operation)
        stream.start(id_, run)
        return _response(202, b"", record, headers=headers)

    async def _end(self, request: web.Request, _client: Client, record: RequestRecord) -> web.StreamResponse:
        caller = record.caller = await self._identified(request)
        stream = self._streams.found(_token(request), caller)
        id_ = request.query.get("operationId")
        if not id_:
            raise HttpError(400, "Name the operation that is to end: `?operationId=…`.")
        task = stream.operations.pop(id_, None)
        if task is not None:
            task.cancel()
        return _response(200, b"", record)

    async def _refuse(self, *_: object) -> web.StreamResponse:
        raise HttpError(
            405, "Event streams take PUT, GET, POST and DELETE.", headers={"Allow": "PUT, GET, POST, DELETE"}
        )

    async def _identified(self, request: web.Request) -> Caller:
        caller = await self._stages.identity.caller_or_anonymous(request.headers.get("Authorization"))
        if caller.refusal is not None:
            raise caller.refusal
        return caller

    async def _run(
        self,
        request: web.Request,
        stream: SingleStream,
        id_: str,
        wanted: GraphQLRequest,
        caller: Caller,
        client: Client,
        request_id: str,
    ) -> None:
        """Run an operation, and tell its answers and its end."""
        stages, observability = self._stages, self._stages.observability
        record = observability.begin("sse-operation", request.headers, request_id)
        record.caller = caller
        errors: list[dict[str, Any]] | None = None
        try:
            operation = await stages.parser.parse(wanted)
            prepared = await client.admit(wanted, operation, caller)
            live = operation.kind is OperationType.SUBSCRIPTION
            if live:
                observability.stream(record, live=True)
            else:
                stream.may_end_first()
            async with (
                self._subscriptions.one_more(caller) if live else nullcontext(),
                aclosing(
                    stages.engine.stream(wanted, operation, prepared, caller, stream.live, client.charge)
                ) as answers,
            ):
                async for answer in answers:
                    observability.note(record, answer)
                    await stream.waiting.put({"id": id_, "payload": answer})
        except RequestError as error:
            errors = formatted(error.errors, error.code)
        except ApiError as error:
            errors = request_error(error)
        except Exception as error:  # a mistake of ours ends this operation, not the stream
            errors = [masked(error)]
        except BaseException:  # the client wants no more, or has gone
            observability.finish(record, "cancelled")
            raise
        if errors is not None:
            observability.note(record, {"errors": errors})
            await stream.waiting.put({"id": id_, "payload": {"errors": errors}})
        observability.finish(record, "complete" if errors is None else "error")
        if stream.operations.get(id_) is asyncio.current_task():
            # Free before it is told, so that the client may use the name again at once.
            del stream.operations[id_]
            await stream.waiting.put({"id": id_})


_STATUS = {ErrorCode.UNAUTHENTICATED: 401, ErrorCode.UPSTREAM_UNAVAILABLE: 503, ErrorCode.TIMEOUT: 504}


def _token(request: web.Request) -> str:
    return request.headers.get(TOKEN_HEADER) or request.query.get(_IN_ADDRESS, "")


def _operation_id(found: Any) -> str:
    """The name that a client gives an operation.

    Raises:
        ApiError: BAD_REQUEST.
    """
    id_ = (found.get("extensions") or {}).get("operationId")
    if not isinstance(id_, str) or not 0 < len(id_) <= _LONGEST_ID:
        raise ApiError(
            ErrorCode.BAD_REQUEST,
            f"Name the operation: `extensions.operationId` is a string of at most {_LONGEST_ID} characters.",
        )
    return id_


def _refused(
    status: int, error: ApiError, record: RequestRecord, headers: Mapping[str, str] | None = None
) -> web.Response:
    errors = request_error(error)
    record.codes.extend(each["extensions"]["code"] for each in errors)
    more = dict(headers or {})
    if status == 401:
        more["WWW-Authenticate"] = "Bearer"
    if (seconds := error.extensions.get("retryAfter")) is not None:
        more["Retry-After"] = str(seconds)
    response = _response(status, orjson.dumps({"errors": errors}), record, headers=more)
    if status in {408, 413}:
        response.force_close()  # the rest of the body is not waited for
    return response


def _response(
    status: int,
    body: bytes,
    record: RequestRecord,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    return web.Response(
        status=status,
        body=body,
        headers={
            "Content-Type": f"{media_type}; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Request-Id": record.request_id,
            **(headers or {}),
        },
    )

"""GraphQL over WebSocket, any kind of operation: the socket, the tasks and the timers around `websocket_protocol`.

A token comes in the payload of `connection_init`, as `{"Authorization": "Bearer …"}` or below `headers`, otherwise in
the header of the request that opened the connection. A `ping` with such a payload refreshes it: the connection's
subscriptions go on under the new token. Under one that has ended, or is none, only operations run that need nobody.
"""

import asyncio
import itertools
import logging
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from graphql import OperationType

from gql.errors import ApiError, ErrorCode
from gql.json_numbers import dumps
from resolvers.context import Refreshable
from tripgate.gateway.admission.admission import Client
from tripgate.gateway.edge.concurrency import SubscriptionLimit
from tripgate.gateway.errors import formatted, masked, request_error
from tripgate.gateway.operation import RequestError
from tripgate.gateway.request import GraphQLRequest
from tripgate.gateway.stages import Stages
from tripgate.gateway.transport import abort, flushed
from tripgate.gateway.websocket_protocol import (
    ACKNOWLEDGED,
    CloseError,
    Complete,
    Init,
    Ping,
    Refused,
    Subscribe,
    WebSocketProtocol,
    complete_message,
    error_message,
    next_message,
)
from tripgate.upstream.caller import ANONYMOUS, Caller

_CLOSE_SECONDS = 2.0
_EXPIRED = "The access token has expired. Refresh the session."
_log = logging.getLogger("tripgate.websocket")


@dataclass(frozen=True, slots=True)
class WebSocketLimits:
    """How a connection is bounded.

    Attributes:
        init_timeout: Seconds within which `connection_init` must come.
        keep_alive: Seconds between the server's pings of the WebSocket; a client that takes nothing for as long is
            hung up on.
        most_operations: How many operations run at once.
        largest_message: Bytes of one message.
        messages_per_second: How many messages come on average; as many may come at once.
        idle_timeout: Seconds after which one that runs nothing is ended where nobody is signed in.
    """

    init_timeout: float = 3.0
    keep_alive: float = 15.0
    most_operations: int = 50
    largest_message: int = 256 * 1024
    messages_per_second: float = 100.0
    idle_timeout: float = 60.0


class Connection:
    """One client: its identity, its running operations. Slots, since there may be thousands of them."""

    __slots__ = (
        "__weakref__",
        "_caller",
        "_client",
        "_closing",
        "_finite",
        "_id",
        "_idle",
        "_last_operation",
        "_limits",
        "_live",
        "_operations",
        "_protocol",
        "_request",
        "_runs",
        "_socket",
        "_stages",
        "_subscriptions",
    )

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        stages: Stages,
        limits: WebSocketLimits,
        subscriptions: SubscriptionLimit,
        request_id: str,
        client: Client,
    ) -> None:
        self._client = client
        self._stages = stages
        self._id = request_id
        self._runs = itertools.count(1)
        self._request = request
        self._socket = socket
        self._limits = limits
        self._subscriptions = subscriptions
        self._last_operation = asyncio.get_running_loop().time()
        self._idle: asyncio.TimerHandle | None = None
        self._caller: Caller = ANONYMOUS
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._protocol = WebSocketProtocol(
            self._operations,
            most_operations=limits.most_operations,
            messages_per_second=limits.messages_per_second,
            explains=stages.parser.explains,
            now=self._last_operation,
        )
        self._finite: set[asyncio.Task[None]] = set()
        self._live: set[Refreshable] = set()
        self._closing: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Read messages until either side ends."""
        late = asyncio.get_running_loop().call_later(self._limits.init_timeout, self._init_is_late)
        try:
            async for message in self._socket:
                await self._receive(message.data if message.type is WSMsgType.TEXT else "")
        except CloseError as close:
            await self.close(close.code, close.reason)
        except ConnectionError:  # the client has gone, or was hung up on while it was to be answered
            pass
        except Exception as error:  # a mistake of ours
            await self.close(WSCloseCode.INTERNAL_ERROR, f"Error {masked(error)['extensions']['errorId']}")
        finally:
            late.cancel()
            if self._idle is not None:
                self._idle.cancel()
            for task in list(self._operations.values()):
                task.cancel()
            await asyncio.gather(*self._operations.values(), return_exceptions=True)
            if self._closing is not None:
                # The close frame must have left before the connection ends with this handler.
                await self._closing
            try:
                await flushed(self._request, _CLOSE_SECONDS, but=0)
            except TimeoutError:
                abort(self._request)

    async def go_away(self, seconds: float) -> None:
        """End the connection because the server stops; running queries and mutations may end first."""
        if self._finite:
            await asyncio.wait(self._finite, timeout=seconds)
        await self.close(WSCloseCode.GOING_AWAY, "The server is stopping")

    async def close(self, code: int, reason: str) -> None:
        """End the connection with this code; a client that does not take it is hung up on."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code, reason))
        await self._closing

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._socket.close(code=code, message=reason.encode()[:120], drain=False)
        except TimeoutError:
            abort(self._request)

    def _init_is_late(self) -> None:
        if not self._protocol.initialised and self._closing is None:
            self._closing = asyncio.create_task(self._close(4408, "Connection initialisation timeout"))

    def _look_whether_idle(self, seconds: float) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(seconds, self._end_if_idle)

    def _end_if_idle(self) -> None:
        """Close a connection of nobody signed in that has run no operation for `idle_timeout`; pings do not count."""
        caller, longest = self._caller, self._limits.idle_timeout
        since = asyncio.get_running_loop().time() - self._last_operation
        if not (caller.anonymous or caller.expired) or self._operations:
            self._look_whether_idle(longest)
        elif since < longest:
            self._look_whether_idle(longest - since)
        elif self._closing is None:
            self._closing = asyncio.create_task(self._close(WSCloseCode.OK, "Idle, and nobody is signed in"))

    async def _receive(self, text: str) -> None:
        now = asyncio.get_running_loop().time()
        match self._protocol.receive(text, now):
            case Init(authorization):
                await self._init(authorization)
            case Ping(authorization, answer):
                if authorization is not None:
                    await self._refresh(authorization)
                await self._send(answer)
            case Subscribe(id_, request):
                self._last_operation = now
                self._operations[id_] = asyncio.create_task(self._run(id_, request))
            case Refused(answer):
                await self._send(answer)
            case Complete(id_):
                task = self._operations.pop(id_, None) if id_ is not None else None
                if task is not None:
                    task.cancel()

    async def _init(self, authorization: str | None) -> None:
        said = self._request.headers.get("Authorization") if authorization is None else authorization
        self._caller = await self._identified(said)
        self._protocol.acknowledged = True
        self._look_whether_idle(self._limits.idle_timeout)
        await self._send(ACKNOWLEDGED)

    async def _refresh(self, authorization: str) -> None:
        caller = await self._identified(authorization)
        if caller.refusal is not None:
            raise CloseError(4403, caller.refusal.message)
        # Where the first token was not accepted, nobody is known yet.
        if self._caller.refusal is None and caller.user_id != self._caller.user_id:
            raise CloseError(4403, "A refreshed token must be the same person's")
        self._caller = caller
        for subscription in self._live:
            subscription.refresh(caller)

    async def _identified(self, authorization: str | None) -> Caller:
        caller = await self._stages.identity.caller_or_anonymous(authorization)
        if caller.refusal is not None and caller.refusal.code is not ErrorCode.UNAUTHENTICATED:
            raise CloseError(WSCloseCode.TRY_AGAIN_LATER, caller.refusal.message)
        return caller

    async def _run(self, id_: str, request: GraphQLRequest) -> None:
        observability = self._stages.observability
        record = observability.begin("websocket", self._request.headers, f"{self._id}.{next(self._runs)}")
        expired = ApiError(ErrorCode.UNAUTHENTICATED, _EXPIRED) if self._caller.expired else None
        caller = record.caller = self._caller if expired is None else Caller(refusal=expired)
        try:
            await self._client.count_request()
            await self._client.identify(caller)
            operation = await self._stages.parser.parse(request)
            prepared = await self._client.admit(request, operation, caller)
            stream = self._stages.engine.stream(request, operation, prepared, caller, self._live, self._client.charge)
            live = operation.kind is OperationType.SUBSCRIPTION
            if live:
                observability.stream(record, live=True)
            else:
                self._may_end_first()
            async with (
                self._subscriptions.one_more(caller) if live else nullcontext(),
                aclosing(stream) as answers,
            ):
                async for answer in answers:
                    if live and "errors" not in answer:
                        record.events += 1
                        observability.events += 1
                    else:
                        observability.note(record, answer)
                    await self._send(next_message(id_, answer))
            ending = complete_message(id_)
        except RequestError as error:
            ending = error_message(id_, formatted(error.errors, error.code))
        except ApiError as error:
            ending = error_message(id_, request_error(error))
        except ConnectionError:
            observability.finish(record, "cancelled")
            return
        except Exception as error:  # a mistake of ours ends this operation, not the connection
            ending = error_message(id_, [masked(error)])
        except BaseException:  # the client wants no more, or has gone
            observability.finish(record, "cancelled")
            raise
        if ending["type"] == "error":
            observability.note(record, {"errors": ending["payload"]})
        observability.finish(record, ending["type"])
        if self._operations.get(id_) is asyncio.current_task():
            # Free before it is told, so that the client may use the id again at once.
            del self._operations[id_]
            with suppress(ConnectionError):
                await self._send(ending)

    def _may_end_first(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - operations run in tasks
        self._finite.add(task)
        task.add_done_callback(self._finite.discard)

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            await flushed(self._request, self._limits.keep_alive)
        except TimeoutError:
            abort(self._request)
            raise ConnectionResetError from None
        if not self._socket.closed:
            await self._socket.send_str(dumps(message).decode())

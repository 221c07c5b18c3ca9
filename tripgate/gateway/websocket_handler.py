"""Who may open a WebSocket, and all that are open."""

import asyncio
import sys

import orjson
from aiohttp import web

from gql.errors import ErrorCode
from tripgate.gateway.admission.admission import Client, RateLimitedError
from tripgate.gateway.edge.concurrency import SubscriptionLimit
from tripgate.gateway.edge.connections import LiveConnections
from tripgate.gateway.edge.http_error import HttpError
from tripgate.gateway.edge.origins import Origins
from tripgate.gateway.errors import request_error
from tripgate.gateway.stages import Stages
from tripgate.gateway.websocket import Connection, WebSocketLimits
from tripgate.gateway.websocket_protocol import PROTOCOL

_NO_HANDSHAKE = (
    "This is no handshake of a WebSocket. It needs `Upgrade: websocket`, `Connection: Upgrade`, "
    "`Sec-WebSocket-Version: 13` and a `Sec-WebSocket-Key` of 16 bytes in base64; a proxy may have taken them out."
)


class WebSocketHandler:
    """Answers `GET /graphql` with an upgrade."""

    def __init__(
        self,
        stages: Stages,
        limits: WebSocketLimits,
        origins: Origins,
        subscriptions: SubscriptionLimit,
        open_connections: LiveConnections,
    ) -> None:
        self._open = open_connections
        self._stages = stages
        self._limits = limits
        self._origins = origins
        self._subscriptions = subscriptions
        self._connections: set[Connection] = set()
        self._stopping = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        if not self._origins.may_connect(request):
            return _refusal(HttpError(403, "This origin's pages may not connect.", ErrorCode.FORBIDDEN))
        try:
            client = await self._stages.admission.arrive(self._stages.addresses.of(request))
        except RateLimitedError as error:
            return _refusal(error)
        try:
            with self._open.one_more(client.address):
                return await self._serve(request, client)
        except HttpError as error:
            return _refusal(error)

    async def _serve(self, request: web.Request, client: Client) -> web.StreamResponse:
        limits = self._limits
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,),
            heartbeat=limits.keep_alive,
            max_msg_size=limits.largest_message,
            # A compressor of its own for each client would be most of what an idle subscriber costs.
            compress=False,
            # Who writes waits for room beforehand, see `transport`.
            writer_limit=sys.maxsize,
        )
        request_id = socket.headers["X-Request-Id"] = self._stages.observability.request_id(request.headers)
        try:
            await socket.prepare(request)
        except web.HTTPBadRequest:
            raise HttpError(400, _NO_HANDSHAKE, headers={"Sec-WebSocket-Version": "13"}) from None
        connection = Connection(
            request,
            socket,
            self._stages,
            limits,
            self._subscriptions,
            request_id,
            client,
        )
        if socket.ws_protocol != PROTOCOL:
            await connection.close(4406, "Subprotocol not acceptable")
            return socket
        if self._stopping:
            await connection.go_away(0)
            return socket
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
        return socket

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def close(self, seconds: float) -> None:
        """Tell every client that the server goes away, once its queries and mutations have been answered.

        Args:
            seconds: Seconds that those may take.
        """
        self._stopping = True
        await asyncio.gather(*(connection.go_away(seconds) for connection in list(self._connections)))


def _refusal(error: HttpError) -> web.Response:
    """The refusal of an upgrade: a GraphQL error as JSON, as for any other request."""
    return web.Response(
        body=orjson.dumps({"errors": request_error(error)}),
        status=error.status,
        headers={"Content-Type": "application/json; charset=utf-8", **error.headers},
    )

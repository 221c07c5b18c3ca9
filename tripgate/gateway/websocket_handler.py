"""Who may open a WebSocket, and all that are open."""

import asyncio
import sys

from aiohttp import web

from tripgate.gateway.edge.concurrency import SubscriptionLimit
from tripgate.gateway.edge.connections import LiveConnections
from tripgate.gateway.edge.http_error import HttpError
from tripgate.gateway.edge.origins import Origins
from tripgate.gateway.engine import Engine
from tripgate.gateway.identity import Identity
from tripgate.gateway.rates.addresses import Addresses
from tripgate.gateway.rates.rates import RateLimitedError, Rates, Visit
from tripgate.gateway.telemetry.sight import Sight
from tripgate.gateway.websocket import PROTOCOL, Connection, WebSocketLimits


class WebSocketHandler:
    """Answers `GET /graphql` with an upgrade."""

    def __init__(
        self,
        engine: Engine,
        identity: Identity,
        limits: WebSocketLimits,
        origins: Origins,
        subscriptions: SubscriptionLimit,
        sight: Sight,
        addresses: Addresses,
        open_connections: LiveConnections,
        rates: Rates | None = None,
    ) -> None:
        self._open = open_connections
        self._addresses = addresses
        self._sight = sight
        self._rates = rates
        self._engine = engine
        self._identity = identity
        self._limits = limits
        self._origins = origins
        self._subscriptions = subscriptions
        self._connections: set[Connection] = set()
        self._stopping = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        if not self._origins.may_connect(request):
            return web.Response(status=403, text="This origin's pages may not connect.")
        try:
            visit = None if self._rates is None else await self._rates.visit(request)
        except RateLimitedError as error:
            return web.Response(status=error.status, text=error.message, headers=error.headers)
        address = self._addresses.of(request)
        try:
            with self._open.one_more(address):
                return await self._serve(request, address, visit)
        except HttpError as error:
            return web.Response(status=error.status, text=error.message, headers=error.headers)

    async def _serve(self, request: web.Request, address: str, visit: Visit | None) -> web.StreamResponse:
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
        request_id = socket.headers["X-Request-Id"] = self._sight.request_id(request.headers)
        await socket.prepare(request)
        connection = Connection(
            request,
            socket,
            self._engine,
            self._identity,
            limits,
            self._subscriptions,
            self._sight,
            request_id,
            visit,
            address,
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

    async def close(self, patience: float) -> None:
        """Tell every client that the server goes away, once its queries and mutations have been answered.

        Args:
            patience: Seconds that those may take.
        """
        self._stopping = True
        await asyncio.gather(*(connection.go_away(patience) for connection in list(self._connections)))

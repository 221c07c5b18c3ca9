"""Assembles the Realtime stand-in. Takes its configuration; gives an aiohttp application without the prefix
`/realtime/v1`, which the front door cuts off."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
from typing import TYPE_CHECKING, Any

import psycopg
from aiohttp import WSCloseCode, web

from tripgate.local.realtime import broadcast, http_api, tables
from tripgate.local.realtime.database import new_pool
from tripgate.local.realtime.errors import RefusedError
from tripgate.local.realtime.hub import Hub
from tripgate.local.realtime.limits import Window
from tripgate.local.realtime.postgres_changes import PostgresChanges
from tripgate.local.realtime.presence import Presences
from tripgate.local.realtime.replication import SLOTS, WalStream
from tripgate.local.realtime.serializer import SERIALIZERS
from tripgate.local.realtime.services import Services
from tripgate.local.realtime.socket import Socket
from tripgate.local.realtime.visibility import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tripgate.local.realtime import wal
    from tripgate.local.realtime.config import RealtimeConfig
    from tripgate.local.realtime.database import Pool

SOCKETS: web.AppKey[set[Socket]] = web.AppKey("sockets")
LOOK_AT_DATE_SECONDS = 60.0
# A frame's head and JSON around a payload.
FRAME_SLACK = 64 * 1024

log = logging.getLogger(__name__)


class _Changes:
    """What comes of the log: broadcasts go out at once, changes of other tables queue to be judged."""

    def __init__(self, hub: Hub, changes: PostgresChanges, sockets: set[Socket]) -> None:
        self._hub = hub
        self._changes = changes
        self._sockets = sockets

    def wants(self, relation: wal.Relation) -> bool:
        return broadcast.is_messages(relation) or self._changes.wants(relation.schema, relation.table)

    def changed(self, relation: wal.Relation, change: wal.Change, committed_at: datetime.datetime) -> None:
        if broadcast.is_messages(relation):
            if change.action == "INSERT" and change.new is not None:
                broadcast.tell_inserted(self._hub, relation, change.new)
        else:
            self._changes.enqueue(Event(relation, change, committed_at))

    def missed(self) -> None:
        # Clients come back, and ask for what they missed.
        for socket in tuple(self._sockets):
            socket.hang_up(WSCloseCode.SERVICE_RESTART)


def create(config: RealtimeConfig) -> web.Application:
    """The application; it follows the database's log from its start to its end."""
    settings = config.settings
    pool = new_pool(config.database_url, settings.database_connections)
    hub = Hub()
    sockets: set[Socket] = set()
    changes = PostgresChanges(pool, settings.max_record_bytes)
    publications = (broadcast.PUBLICATION, tables.PUBLICATION)
    app = web.Application(client_max_size=10 * settings.max_payload_bytes)
    app[http_api.SERVICES] = Services(
        signer=config.signer,
        settings=settings,
        pool=pool,
        hub=hub,
        presences=Presences(hub),
        changes=changes,
        stream=WalStream(config.database_url, f"{SLOTS}{config.port}", publications, _Changes(hub, changes, sockets)),
        joins=Window(settings.max_joins_per_second, 1.0),
    )
    app[SOCKETS] = sockets
    app.cleanup_ctx.append(_background)
    app.on_shutdown.append(_hang_up)
    app.add_routes(http_api.routes)
    app.router.add_get("/websocket", websocket)
    return app


async def websocket(request: web.Request) -> web.StreamResponse:
    """Speak Phoenix; 400, 401 or 403 as JSON where the handshake is refused."""
    services = request.app[http_api.SERVICES]
    identity = http_api.caller(request)
    serializer = SERIALIZERS.get(request.query.get("vsn", "1.0.0"))
    if serializer is None:
        return web.json_response({"error": "The requested transport version is not supported"}, status=400)
    response = web.WebSocketResponse(
        compress=False, max_msg_size=services.settings.max_payload_bytes + FRAME_SLACK, autoping=True
    )
    if not response.can_prepare(request).ok:
        return web.json_response({"error": "This address takes WebSockets"}, status=400)
    await response.prepare(request)
    headers = {name.lower(): value for name, value in request.headers.items() if name.lower().startswith("x-")}

    def abort() -> None:
        if request.transport is not None:
            request.transport.abort()

    socket = Socket(services, response, serializer, key_token=identity.token, headers=headers, abort=abort)
    request.app[SOCKETS].add(socket)
    try:
        await socket.run()
    finally:
        request.app[SOCKETS].discard(socket)
    return response


async def _background(app: web.Application) -> AsyncIterator[None]:
    services = app[http_api.SERVICES]
    await services.pool.open(wait=True, timeout=30)
    await broadcast.prepare(services.pool)
    tasks = [
        asyncio.create_task(run)
        for run in (services.stream.run(), services.changes.run(), _maintain_daily(services.pool))
    ]
    # Whoever connects from now on misses nothing.
    await services.stream.ready.wait()
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await services.pool.close()


async def _hang_up(app: web.Application) -> None:
    sockets = app[SOCKETS]
    for socket in tuple(sockets):
        socket.hang_up(WSCloseCode.GOING_AWAY)


async def _maintain_daily(pool: Pool) -> None:
    """Create partitions for days ahead, by the clock on the wall: a laptop may have slept."""
    last: Any = datetime.datetime.now(datetime.UTC).date()
    while True:
        await asyncio.sleep(LOOK_AT_DATE_SECONDS)
        today = datetime.datetime.now(datetime.UTC).date()
        if today != last:
            with contextlib.suppress(psycopg.Error, RefusedError):
                await broadcast.prepare(pool)
                last = today

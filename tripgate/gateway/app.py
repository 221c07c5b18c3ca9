"""The server as a whole: its routes, its connections upstream, its start and its graceful stop."""

import asyncio
import gc
import logging
import math
import signal
from collections.abc import AsyncIterator, Callable

import aiohttp
import httpx
from aiohttp import web

from tripgate.gateway.engine import Engine
from tripgate.gateway.graphiql import add_graphiql
from tripgate.gateway.http import GraphQLHandler
from tripgate.gateway.identity import Identity
from tripgate.gateway.operation import Documents
from tripgate.gateway.schema import graphql_schema
from tripgate.gateway.settings import Settings
from tripgate.gateway.sse import EventStreams
from tripgate.gateway.websocket import WebSocketHandler, WebSocketLimits
from tripgate.upstream.auth import AuthClient
from tripgate.upstream.functions import FunctionsClient
from tripgate.upstream.http_client import HttpClient
from tripgate.upstream.jwks import JwksCache
from tripgate.upstream.postgrest.client import PostgrestClient
from tripgate.upstream.realtime.client import RealtimeClient
from tripgate.upstream.realtime.relay import Relay, RelayLimits

_log = logging.getLogger("tripgate")
_BACKLOG = 2048


def application(settings: Settings) -> web.Application:
    """The aiohttp application, which holds its upstream connections while it runs.

    Raises:
        SettingsError: GraphiQL's files are not where the settings say.
    """
    app = web.Application(client_max_size=settings.max_body_bytes)
    health = _Health(settings)
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)

    async def connections(running: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=settings.upstream_connections, keepalive_timeout=60)
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            httpx.AsyncClient(timeout=settings.upstream_timeout) as http,
        ):
            health.session = session
            identity = _identity(settings, session)
            relay = _relay(settings, session)
            rest = HttpClient(settings.postgrest_url, connections=settings.upstream_connections)
            engine = _engine(settings, session, rest, http, relay)
            streams = running[_STREAMS] = EventStreams(engine, keep_alive=settings.keep_alive)
            running[_HTTP] = GraphQLHandler(engine, identity, streams)
            running[_WEBSOCKET] = WebSocketHandler(
                engine,
                identity,
                WebSocketLimits(keep_alive=settings.keep_alive, largest_message=settings.max_body_bytes),
            )
            yield
            await relay.close()
            rest.close()

    async def graphql(request: web.Request) -> web.StreamResponse:
        return await request.app[_HTTP](request)

    async def get(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await request.app[_WEBSOCKET](request)
        if graphiql is not None:
            return await graphiql.page(request)
        raise web.HTTPMethodNotAllowed(request.method, ["POST"])

    async def go_away(running: web.Application) -> None:
        running[_STREAMS].stop()
        await running[_WEBSOCKET].close(settings.shutdown_timeout)

    app.router.add_post("/graphql", graphql)
    app.on_shutdown.append(go_away)
    app.router.add_get("/graphql", get)
    graphiql = add_graphiql(app, settings)
    app.cleanup_ctx.append(connections)
    return app


_HTTP = web.AppKey("http", GraphQLHandler)
_WEBSOCKET = web.AppKey("websocket", WebSocketHandler)
_STREAMS = web.AppKey("streams", EventStreams)

# Which changes let somebody in or out of a trip, and which end it.
_MEMBERSHIPS = frozenset({"collaborators"})
_ROOTS = frozenset({"trips"})


def _identity(settings: Settings, session: aiohttp.ClientSession) -> Identity:
    secret = settings.supabase_jwt_secret
    return Identity(
        JwksCache(session, f"{settings.auth_url}/.well-known/jwks.json"),
        issuer=settings.auth_url,
        api_key=settings.supabase_publishable_key.get_secret_value(),
        jwt_secret=secret.get_secret_value() if secret is not None else None,
    )


def _relay(settings: Settings, session: aiohttp.ClientSession) -> Relay:
    client = RealtimeClient(session, settings.realtime_address, settings.supabase_publishable_key.get_secret_value())
    return Relay(client, memberships=_MEMBERSHIPS, roots=_ROOTS, limits=RelayLimits())


def _engine(
    settings: Settings, session: aiohttp.ClientSession, rest: HttpClient, http: httpx.AsyncClient, relay: Relay
) -> Engine:
    api_key = settings.supabase_publishable_key.get_secret_value()
    schema = graphql_schema()
    return Engine(
        schema,
        Documents(
            schema,
            size=settings.kept_documents,
            max_tokens=settings.max_tokens,
            hide_suggestions=not settings.development,
        ),
        PostgrestClient(rest, api_key, timeout=settings.upstream_timeout),
        AuthClient(http, settings.auth_url, api_key),
        FunctionsClient(session, f"{settings.project_url}/functions/v1", api_key, timeout=settings.upstream_timeout),
        relay,
        max_page_size=settings.max_page_size,
        hide_suggestions=not settings.development,
        explains=settings.development,
    )


class _Health:
    """`/healthz`: the process answers. `/readyz`: Supabase answers it too."""

    def __init__(self, settings: Settings) -> None:
        self._url = f"{settings.postgrest_url}/"
        self._api_key = settings.supabase_publishable_key.get_secret_value()
        self.session: aiohttp.ClientSession | None = None

    async def alive(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(self, _: web.Request) -> web.Response:
        assert self.session is not None  # noqa: S101 - routes are served only while connections are open
        try:
            timeout = aiohttp.ClientTimeout(total=3)
            async with self.session.head(self._url, headers={"apikey": self._api_key}, timeout=timeout) as response:
                reached = response.status < 500
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            reached = False
        return web.json_response(
            {"status": "ok" if reached else "supabase unreachable"}, status=200 if reached else 503
        )


async def serve(settings: Settings, announce: Callable[[str], None], *, parent: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then let running requests end.

    Args:
        announce: Told the address once the server listens.
        parent: For one of several workers on a port, the end of a pipe whose other end its parent has. When the parent
            is gone, this one stops.

    Raises:
        SettingsError: GraphiQL's files are not where the settings say.
        OSError: The address is taken.
    """
    runner = web.AppRunner(
        application(settings),
        access_log=None,
        shutdown_timeout=settings.shutdown_timeout,
        handle_signals=False,
        # Whole seconds would let all WebSockets ping at once, and changes wait for that.
        timeout_ceil_threshold=math.inf,
    )
    await runner.setup()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if parent is not None:
        asyncio.get_running_loop().add_reader(parent, stopping.set)
    try:
        # When a gateway stops, all its clients come to the others at once; who does not fit waits for seconds.
        site = web.TCPSite(runner, settings.host, settings.port, backlog=_BACKLOG, reuse_port=parent is not None)
        await site.start()
        # What has been loaded stays; looking through it for garbage again and again would hold changes up.
        gc.collect()
        gc.freeze()
        host, port = runner.addresses[0][:2]
        announce(f"http://{host}:{port}/graphql")
        await stopping.wait()
        _log.info("stopping: running requests may end")
    finally:
        await runner.cleanup()

"""The server as a whole: its routes, its connections upstream, its start and its graceful stop."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable

import aiohttp
import httpx
from aiohttp import web

from tripgate.gateway.http import GraphQLHandler, Services
from tripgate.gateway.identity import Identity
from tripgate.gateway.operation import Documents
from tripgate.gateway.schema import graphql_schema
from tripgate.gateway.settings import Settings
from tripgate.upstream.auth import AuthClient
from tripgate.upstream.jwks import JwksCache
from tripgate.upstream.postgrest.client import PostgrestClient

_log = logging.getLogger("tripgate")


def application(settings: Settings) -> web.Application:
    """The aiohttp application, which holds its upstream connections while it runs."""
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
            handler = GraphQLHandler(_services(settings, session, http))
            running[_HANDLER] = handler
            yield

    async def graphql(request: web.Request) -> web.StreamResponse:
        return await request.app[_HANDLER](request)

    app.router.add_post("/graphql", graphql)
    app.cleanup_ctx.append(connections)
    return app


_HANDLER = web.AppKey("handler", GraphQLHandler)


def _services(settings: Settings, session: aiohttp.ClientSession, http: httpx.AsyncClient) -> Services:
    api_key = settings.supabase_publishable_key.get_secret_value()
    secret = settings.supabase_jwt_secret
    schema = graphql_schema()
    return Services(
        schema=schema,
        documents=Documents(
            schema,
            size=settings.kept_documents,
            max_tokens=settings.max_tokens,
            hide_suggestions=not settings.development,
        ),
        identity=Identity(
            JwksCache(session, f"{settings.auth_url}/.well-known/jwks.json"),
            issuer=settings.auth_url,
            api_key=api_key,
            jwt_secret=secret.get_secret_value() if secret is not None else None,
        ),
        postgrest=PostgrestClient(session, settings.postgrest_url, api_key, timeout=settings.upstream_timeout),
        auth=AuthClient(http, settings.auth_url, api_key),
        max_page_size=settings.max_page_size,
        hide_suggestions=not settings.development,
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


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let running requests end.

    Args:
        announce: Told the address once the server listens.

    Raises:
        OSError: The address is taken.
    """
    runner = web.AppRunner(
        application(settings), access_log=None, shutdown_timeout=settings.shutdown_timeout, handle_signals=False
    )
    await runner.setup()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        announce(f"http://{host}:{port}/graphql")
        await stopping.wait()
        _log.info("stopping: running requests may end")
    finally:
        await runner.cleanup()

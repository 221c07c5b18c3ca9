"""The server as a whole: its routes, its connections upstream, its start and its graceful stop."""

import asyncio
import gc
import math
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import strawberry
from aiohttp import web, web_response

from tripgate.gateway.admission.addresses import Addresses
from tripgate.gateway.admission.admission import Admission, admission_of
from tripgate.gateway.admission.shared import Shared, sharing
from tripgate.gateway.cache.assembly import assemble_invalidation
from tripgate.gateway.documents import Documents
from tripgate.gateway.edge.concurrency import SubscriptionLimit
from tripgate.gateway.edge.connections import (
    Connections,
    LiveConnections,
    RefusalCache,
    raise_descriptor_limit,
    room_for_clients,
    watch_descriptors,
)
from tripgate.gateway.edge.media_types import accepted
from tripgate.gateway.edge.origins import Origins
from tripgate.gateway.edge.parameters import METHODS, METHODS_WITH_GET, Parameters
from tripgate.gateway.edge.persisted import PersistedDocuments, read_manifest
from tripgate.gateway.engine import Engine
from tripgate.gateway.graphiql import add_graphiql
from tripgate.gateway.http import HTTP, GraphQLHandler, graphql
from tripgate.gateway.parsing import Parser
from tripgate.gateway.schema import schema as program_schema
from tripgate.gateway.settings import Settings
from tripgate.gateway.shutdown import SHUTDOWN, Shutdown, drain
from tripgate.gateway.sse import EventStreams
from tripgate.gateway.telemetry.endpoints import (
    add_metrics,
    measuring,
    watch_cache,
    watch_live,
    watch_refusals,
    watch_upstreams,
)
from tripgate.gateway.telemetry.health import Check, Health, keys_answer, realtime_hears, rest_answers
from tripgate.gateway.telemetry.logs import unhandled
from tripgate.gateway.telemetry.observability import Observability
from tripgate.gateway.telemetry.start import observing
from tripgate.gateway.upstreams import Upstreams, open_upstreams
from tripgate.gateway.websocket import WebSocketLimits
from tripgate.gateway.websocket_handler import WebSocketHandler
from tripgate.upstream import lazy_auth
from tripgate.upstream.resilience.deadline import Operations

_BACKLOG = 2048
_YOUNG_OBJECTS = 20_000

# aiohttp tells the world its version and Python's, even where it answers what is no HTTP; there is no setting for it.
web_response.SERVER_SOFTWARE = "tripgate"  # type: ignore[attr-defined]
_LINGERING_SECONDS = 2.0


def application(
    settings: Settings, observability: Observability | None = None, schema: strawberry.Schema | None = None
) -> web.Application:
    """The aiohttp application, which holds its upstream connections while it runs.

    Args:
        observability: Where its requests are logged and traced; by default they are only counted.
        schema: What it serves, of `build_schema`; by default the program's own.

    Raises:
        SettingsError: GraphiQL's files are not where the settings say.
    """
    app = web.Application(client_max_size=settings.max_body_bytes, handler_args=_connection_limits(settings))
    observability = observability or Observability(settings)
    schema = schema or program_schema()
    health = Health(settings.needs)
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)
    add_metrics(app, settings, observability)

    refusals = app[REFUSALS] = RefusalCache()
    watch_refusals(observability.metrics, refusals.counts)
    addresses = Addresses(settings.trusted_proxies, header=settings.forwarded_header)

    async def connections(running: web.Application) -> AsyncIterator[None]:
        async with (
            open_upstreams(settings) as upstreams,
            measuring(settings, observability),
            sharing(settings) as shared,
        ):
            admission = admission_of(settings, shared)
            identity = upstreams.identity
            live_connections = LiveConnections(
                refusals,
                per_address=settings.max_live_connections_per_address,
                most=settings.max_live_connections,
            )
            parser = _parser(settings, schema, shared)
            engine = _engine(settings, schema, upstreams)
            subscriptions = SubscriptionLimit(shared.running, most=settings.max_subscriptions_per_person)
            streams = running[_STREAMS] = EventStreams(
                observability, subscriptions, live_connections, keep_alive=settings.keep_alive
            )
            parameters = Parameters(methods=methods, most_bytes=settings.max_body_bytes, patience=settings.body_timeout)
            running[HTTP] = GraphQLHandler(
                observability, admission, identity, parser, engine, streams, addresses, parameters, running[SHUTDOWN]
            )
            limits = _websocket_limits(settings)
            running[_WEBSOCKET] = WebSocketHandler(
                observability,
                addresses,
                admission,
                identity,
                parser,
                engine,
                limits,
                origins,
                subscriptions,
                live_connections,
            )
            _measure(observability, upstreams, engine, running[_WEBSOCKET], admission)
            health.checks = _checks(settings, upstreams)
            yield
            await engine.close()

    methods = METHODS_WITH_GET if settings.get_queries else METHODS
    origins = Origins(settings.cors_origins, this_machine=settings.development, methods=methods)
    if not origins.none:
        app.on_response_prepare.append(origins.tell)
    _let_leave(app, health, settings)
    _add_routes(app, settings, origins)
    app.cleanup_ctx.append(connections)
    return app


def _add_routes(app: web.Application, settings: Settings, origins: Origins) -> None:
    graphiql = None

    async def get(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await request.app[_WEBSOCKET](request)
        if graphiql is not None and accepted(request.headers).page:
            return await graphiql.page(request)
        return await graphql(request)

    async def to_graphql(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/graphql")

    async def options(request: web.Request) -> web.StreamResponse:
        return origins.preflight(request)

    app.router.add_post("/graphql", graphql)
    app.router.add_get("/graphql", get)
    app.router.add_options("/graphql", options)
    app.router.add_route("*", "/graphql", graphql)
    if settings.development:
        app.router.add_get("/", to_graphql)
    graphiql = add_graphiql(app, settings)


_WEBSOCKET = web.AppKey("websocket", WebSocketHandler)
REFUSALS = web.AppKey("refusals", RefusalCache)
_STREAMS = web.AppKey("streams", EventStreams)


def _measure(
    observability: Observability,
    upstreams: Upstreams,
    engine: Engine,
    sockets: WebSocketHandler,
    admission: Admission,
) -> None:
    metrics = observability.metrics
    watch_live(metrics, upstreams.relay, upstreams.realtime, lambda: sockets.connections, lambda: observability.streams)
    watch_upstreams(metrics, upstreams.policies, engine.operations)
    if admission.limits:
        metrics.counters("tripgate_rate_limited", "Requests over a quota.", "limit", lambda: dict(admission.refused))
    if engine.invalidation is not None:
        watch_cache(metrics, engine.invalidation)


def _let_leave(app: web.Application, health: Health, settings: Settings) -> None:
    async def go_away() -> None:
        health.draining = True
        app[_STREAMS].stop()
        await app[_WEBSOCKET].close(settings.shutdown_timeout)

    async def gone(_: web.Application) -> None:
        await shutdown.begin()

    shutdown = app[SHUTDOWN] = Shutdown(go_away)
    app.on_shutdown.append(gone)


def _connection_limits(settings: Settings) -> dict[str, Any]:
    """What aiohttp itself bounds and does."""
    return {
        # Bodies are decompressed by `edge.encodings`, which tells what is wrong with one as everything else is told.
        "auto_decompress": False,
        # Counts from the opening, too, so whoever sends headers a byte at a time is not waited for.
        "keepalive_timeout": settings.idle_timeout,
        # How long a body is read on that has been refused, so that its sender reads why.
        "lingering_time": _LINGERING_SECONDS,
        "max_line_size": settings.max_header_bytes,
        "max_field_size": settings.max_header_bytes,
    }


def _websocket_limits(settings: Settings) -> WebSocketLimits:
    return WebSocketLimits(
        init_timeout=settings.websocket_init_timeout,
        keep_alive=settings.keep_alive,
        most_operations=settings.max_operations_per_connection,
        largest_message=settings.max_body_bytes,
        messages_per_second=settings.websocket_messages_per_second,
        idle_timeout=settings.websocket_idle_timeout,
    )


def _checks(settings: Settings, upstreams: Upstreams) -> dict[str, Check]:
    api_key = settings.supabase_publishable_key.get_secret_value()
    session, breaker = upstreams.session, upstreams.policies.rest.breaker
    return {
        "rest": rest_answers(session, settings.postgrest_url, api_key, lambda: bool(breaker.refuses())),
        "auth": keys_answer(session, f"{settings.auth_url}/.well-known/jwks.json"),
        "realtime": realtime_hears(upstreams.realtime),
    }


def _parser(settings: Settings, schema: strawberry.Schema, shared: Shared) -> Parser:
    documents = Documents(
        schema._schema,
        size=settings.cached_documents,
        limits=settings.limits,
        hide_suggestions=not settings.development,
        introspection=settings.development if settings.introspection is None else settings.introspection,
    )
    return Parser(documents, _persisted(settings, documents, shared), explains=settings.development)


def _persisted(settings: Settings, documents: Documents, shared: Shared) -> PersistedDocuments:
    trusted = read_manifest(settings.trusted_documents, lambda text: documents.operation(text, None))
    return PersistedDocuments(
        trusted,
        only_trusted=settings.trusted_documents_only,
        size=settings.persisted_queries_size,
        shared=shared.documents,
    )


def _engine(settings: Settings, schema: strawberry.Schema, upstreams: Upstreams) -> Engine:
    return Engine(
        schema,
        upstreams.backend,
        upstreams.auth,
        upstreams.functions,
        upstreams.relay,
        max_page_size=settings.max_page_size,
        invalidation=assemble_invalidation(settings, upstreams.backend, upstreams.relay),
        operations=Operations(most=settings.max_running, seconds=settings.request_timeout),
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
    with observing(settings) as observability:
        await _serve(settings, observability, announce, parent)


def _bounded(settings: Settings, refusals: RefusalCache) -> Connections:
    descriptors = raise_descriptor_limit()
    return Connections(
        refusals,
        most=room_for_clients(descriptors, settings.upstream_connections, settings.max_connections),
        per_address=settings.max_connections_per_address,
        exempt=Addresses(settings.trusted_proxies).trusts,
    )


async def _serve(
    settings: Settings, observability: Observability, announce: Callable[[str], None], parent: int | None
) -> None:
    asyncio.get_running_loop().set_exception_handler(unhandled)
    runner = web.AppRunner(
        application(settings, observability),
        access_log=None,
        shutdown_timeout=settings.shutdown_timeout,
        handle_signals=False,
        # Whole seconds would let all WebSockets ping at once, and changes wait for that.
        timeout_ceil_threshold=math.inf,
    )
    await runner.setup()
    assert runner.server is not None  # noqa: S101 - setup has made it
    refusals = runner.app[REFUSALS]
    _bounded(settings, refusals).guard(runner.server)
    background: list[asyncio.Task[None]] = [asyncio.create_task(watch_descriptors(refusals))]
    loop = asyncio.get_running_loop()
    stopping, hurry = asyncio.Event(), asyncio.Event()

    def stop(*, at_once: bool) -> None:
        if at_once or stopping.is_set():
            hurry.set()
        stopping.set()
        if parent is not None:
            loop.remove_reader(parent)

    loop.add_signal_handler(signal.SIGTERM, partial(stop, at_once=False))
    loop.add_signal_handler(signal.SIGINT, partial(stop, at_once=True))
    if parent is not None:
        loop.add_reader(parent, partial(stop, at_once=True))
    try:
        # When a gateway stops, all its clients come to the others at once; who does not fit waits for seconds.
        site = web.TCPSite(runner, settings.host, settings.port, backlog=_BACKLOG, reuse_port=parent is not None)
        await site.start()
        # What has been loaded stays; looking through it for garbage again and again would hold changes up. And what
        # answers are made of is not garbage, however much there is of it at once.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
        host, port = runner.addresses[0][:2]
        announce(f"http://{host}:{port}/graphql")
        background.append(asyncio.create_task(asyncio.to_thread(lazy_auth.load)))
        await stopping.wait()
        await drain(runner, settings.drain_seconds, hurry)
    finally:
        for task in background:
            task.cancel()
        await runner.cleanup()

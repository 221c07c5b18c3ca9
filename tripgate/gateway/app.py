"""The aiohttp application: its routes, its handlers and what it holds while it runs."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import strawberry
from aiohttp import web, web_response, web_server

from tripgate.gateway.admission.shared import Shared, sharing
from tripgate.gateway.assembly import checks, stages_of
from tripgate.gateway.edge.concurrency import SubscriptionLimit
from tripgate.gateway.edge.connections import LiveConnections, RefusalCounts
from tripgate.gateway.edge.hosts import only_by_its_names
from tripgate.gateway.edge.media_types import accepted
from tripgate.gateway.edge.origins import Origins
from tripgate.gateway.edge.parameters import METHODS, METHODS_WITH_GET, OF_STREAMS, Parameters
from tripgate.gateway.edge.request_handler import GatewayRequestHandler
from tripgate.gateway.edge.unknown_paths import answer_unknown_paths
from tripgate.gateway.edge.whole_response import SERVER
from tripgate.gateway.http import HTTP, OVER_ONE_STREAM, GraphQLHandler, graphql
from tripgate.gateway.observability.endpoints import (
    add_metrics,
    measuring,
    watch_cache,
    watch_database,
    watch_live,
    watch_live_queries,
    watch_refusals,
    watch_upstreams,
)
from tripgate.gateway.observability.health import Health
from tripgate.gateway.observability.jobs import JobMetrics
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.pages.board import add_board
from tripgate.gateway.pages.graphiql import add_graphiql
from tripgate.gateway.pages.start import add_start_page
from tripgate.gateway.schema import is_subgraph
from tripgate.gateway.schema import schema as program_schema
from tripgate.gateway.settings import Settings, SettingsError
from tripgate.gateway.shutdown import SHUTDOWN, Shutdown
from tripgate.gateway.single_streams import SingleStreams
from tripgate.gateway.sse import EventStreams
from tripgate.gateway.stages import Stages
from tripgate.gateway.stream_registry import SingleStreamLimits
from tripgate.gateway.upstreams import Upstreams, open_upstreams
from tripgate.gateway.websocket import WebSocketLimits
from tripgate.gateway.websocket_handler import WebSocketHandler

# aiohttp tells the world its version and Python's, even where it answers what is no HTTP; there is no setting for it.
web_response.SERVER_SOFTWARE = SERVER  # type: ignore[attr-defined]
# And it makes a handler of its own for each connection, which has no setting either.
web_server.RequestHandler = GatewayRequestHandler  # type: ignore[attr-defined]
_LINGERING_SECONDS = 2.0


def application(
    settings: Settings, observability: Observability | None = None, schema: strawberry.Schema | None = None
) -> web.Application:
    """The aiohttp application, which holds its upstream connections while it runs.

    Args:
        observability: Where its requests are logged and traced; by default they are only counted.
        schema: What it serves, of `build_schema`; by default the program's own.

    Raises:
        SettingsError: GraphiQL's or the board's files are not where the settings say, or a schema is given that is no
            subgraph though the settings ask for one.
    """
    if schema is not None and settings.federation and not is_subgraph(schema):
        raise SettingsError("TRIPGATE_FEDERATION needs a schema that is made so: build_schema(…, federation=True).")
    app = web.Application(
        client_max_size=settings.max_body_bytes,
        handler_args=_connection_limits(settings),
        middlewares=[only_by_its_names(settings.host, *settings.development_hosts)] if settings.development else (),
    )
    observability = observability or Observability(settings)
    app[REFUSALS] = RefusalCounts()
    watch_refusals(observability.metrics, app[REFUSALS].counts)
    add_metrics(app, settings, observability)
    health = _add_health(app, settings)
    origins = _add_origins(app, settings)
    _add_shutdown(app, health, settings)
    _add_routes(app, settings, origins)
    add_start_page(app, settings, lambda: str(schema or _program_schema(settings)))
    answer_unknown_paths(app)
    app.cleanup_ctx.append(partial(_run, settings, schema or _program_schema(settings), observability, health, origins))
    return app


def _program_schema(settings: Settings) -> strawberry.Schema:
    return program_schema(federation=True) if settings.federation else program_schema()


async def _run(
    settings: Settings,
    schema: strawberry.Schema,
    observability: Observability,
    health: Health,
    origins: Origins,
    app: web.Application,
) -> AsyncIterator[None]:
    """While the application runs: its clients are open, and its handlers there."""
    async with (
        open_upstreams(settings) as upstreams,
        measuring(settings, observability),
        sharing(settings) as shared,
    ):
        stages = stages_of(settings, schema, observability, upstreams, shared)
        _add_handlers(app, settings, stages, shared, origins)
        _measure(settings, observability, upstreams, stages, app[_WEBSOCKET])
        health.checks = checks(settings, upstreams)
        yield
        await stages.engine.close()


def _add_handlers(app: web.Application, settings: Settings, stages: Stages, shared: Shared, origins: Origins) -> None:
    open_connections = LiveConnections(
        app[REFUSALS],
        per_address=settings.max_live_connections_per_address,
        most=settings.max_live_connections,
    )
    subscriptions = SubscriptionLimit(shared.running, most=settings.max_subscriptions_per_person)
    parameters = Parameters(
        methods=_methods(settings), most_bytes=settings.max_body_bytes, seconds=settings.body_timeout
    )
    streams = app[_STREAMS] = EventStreams(
        stages.observability, subscriptions, open_connections, keep_alive=settings.keep_alive
    )
    app[HTTP] = GraphQLHandler(stages, streams, parameters, app[SHUTDOWN], incremental=settings.incremental)
    app[_SINGLE_STREAMS] = SingleStreams(
        stages, streams, parameters, _single_stream_limits(settings), subscriptions, open_connections
    )
    limits = _websocket_limits(settings)
    app[_WEBSOCKET] = WebSocketHandler(stages, limits, origins, subscriptions, open_connections)


def _methods(settings: Settings) -> tuple[str, ...]:
    return METHODS_WITH_GET if settings.get_queries else METHODS


def _add_health(app: web.Application, settings: Settings) -> Health:
    health = Health(settings.needs)
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)
    return health


def _add_origins(app: web.Application, settings: Settings) -> Origins:
    methods = (*_methods(settings), *OF_STREAMS)
    origins = Origins(settings.cors_origins, this_machine=settings.development, methods=methods)
    if not origins.none:
        app.on_response_prepare.append(origins.add_headers)
    return origins


def _add_routes(app: web.Application, settings: Settings, origins: Origins) -> None:
    graphiql = None

    async def get(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await request.app[_WEBSOCKET](request)
        if SingleStreams.names(request):
            return await single_stream(request)
        if graphiql is not None and accepted(request.headers).page:
            return await graphiql.page(request)
        return await graphql(request)

    async def single_stream(request: web.Request) -> web.StreamResponse:
        return app[SHUTDOWN].last(await app[_SINGLE_STREAMS](request))

    async def options(request: web.Request) -> web.StreamResponse:
        return origins.preflight(request)

    app[OVER_ONE_STREAM] = single_stream
    app.router.add_post("/graphql", graphql)
    app.router.add_put("/graphql", single_stream)
    app.router.add_delete("/graphql", single_stream)
    app.router.add_get("/graphql", get)
    app.router.add_options("/graphql", options)
    app.router.add_route("*", "/graphql", graphql)
    graphiql = add_graphiql(app, settings)
    add_board(app, settings)


_WEBSOCKET = web.AppKey("websocket", WebSocketHandler)
REFUSALS = web.AppKey("refusals", RefusalCounts)
_STREAMS = web.AppKey("streams", EventStreams)
_SINGLE_STREAMS = web.AppKey("single_streams", SingleStreams)


def _measure(
    settings: Settings,
    observability: Observability,
    upstreams: Upstreams,
    stages: Stages,
    sockets: WebSocketHandler,
) -> None:
    metrics, engine, admission = observability.metrics, stages.engine, stages.admission
    watch_live(metrics, upstreams.relay, upstreams.realtime, lambda: sockets.connections, lambda: observability.streams)
    watch_live_queries(metrics, engine.live_queries)
    watch_upstreams(metrics, upstreams.policies, engine.operations, lambda: engine.unreadable)
    if upstreams.database is not None:
        watch_database(metrics, upstreams.database.pool.connections, upstreams.database.pool.changes)
    if admission.limits:
        metrics.counters("tripgate_rate_limited", "Requests over a quota.", "limit", lambda: dict(admission.refused))
    if engine.invalidation is not None:
        watch_cache(metrics, engine.invalidation)
    if settings.metrics and settings.metrics_token is not None:
        JobMetrics(metrics, upstreams.backend, settings.metrics_token.get_secret_value())


def _add_shutdown(app: web.Application, health: Health, settings: Settings) -> None:
    async def go_away() -> None:
        health.draining = True
        app[_STREAMS].stop()
        await asyncio.gather(
            app[_WEBSOCKET].close(settings.shutdown_timeout), app[_SINGLE_STREAMS].stop(settings.shutdown_timeout)
        )

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


def _single_stream_limits(settings: Settings) -> SingleStreamLimits:
    return SingleStreamLimits(
        open_timeout=settings.event_stream_open_timeout,
        idle_timeout=settings.websocket_idle_timeout,
        most_operations=settings.max_operations_per_connection,
        one_process=settings.workers == 1,
    )


def _websocket_limits(settings: Settings) -> WebSocketLimits:
    return WebSocketLimits(
        init_timeout=settings.websocket_init_timeout,
        keep_alive=settings.keep_alive,
        most_operations=settings.max_operations_per_connection,
        largest_message=settings.max_body_bytes,
        messages_per_second=settings.websocket_messages_per_second,
        idle_timeout=settings.websocket_idle_timeout,
    )

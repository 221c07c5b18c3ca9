"""`/metrics`, and what runs beside the requests so that there is something to see."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from tripgate.gateway.cache.invalidation import Invalidation
from tripgate.gateway.edge.unknown_paths import answer_unknown_paths
from tripgate.gateway.live.queries import LiveQueries
from tripgate.gateway.observability.metrics import FOLDER, Metrics
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.settings import Settings
from tripgate.upstream.policies import Policies
from tripgate.upstream.realtime.client import RealtimeClient
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.resilience.deadline import Operations

_LAG_SECONDS = 0.5
_OTHERS_SECONDS = 2.0
_OPEN = {"closed": 0.0, "half_open": 0.5, "open": 1.0}
_CONTENT = {"Cache-Control": "no-store"}


def add_metrics(app: web.Application, settings: Settings, observability: Observability) -> None:
    """Serve `/metrics` here, unless it has an address of its own or is switched off."""
    if settings.metrics and settings.metrics_address is None:
        app.router.add_get("/metrics", _handler(observability))


@asynccontextmanager
async def measuring(settings: Settings, observability: Observability) -> AsyncIterator[None]:
    """While requests are served: `/metrics` at an address of its own where one is set, and the event loop's lag.

    Raises:
        OSError: The address is taken.
    """
    observability.metrics.start()
    lag = asyncio.create_task(_measure_lag(observability.metrics))
    runner = await _own_server(settings, observability)
    try:
        yield
    finally:
        lag.cancel()
        if runner is not None:
            await runner.cleanup()
        observability.metrics.stop()


async def _own_server(settings: Settings, observability: Observability) -> web.AppRunner | None:
    if not settings.metrics or settings.metrics_address is None:
        return None
    host, _, port = settings.metrics_address.rpartition(":")
    app = web.Application()
    app.router.add_get("/metrics", _handler(observability))
    answer_unknown_paths(app)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    # Of several processes any may answer, for all.
    shared = FOLDER in os.environ
    await web.TCPSite(runner, host.strip("[]"), int(port), reuse_port=True if shared else None).start()
    return runner


def watch_live_queries(metrics: Metrics, queries: LiveQueries) -> None:
    """Measure live queries."""
    metrics.gauge("tripgate_live_queries", "Live queries that somebody follows.", lambda: queries.queries)
    metrics.counter("tripgate_live_query_reads", "Reads for live queries, the first ones too.", lambda: queries.reads)


def watch_live(
    metrics: Metrics, relay: Relay, realtime: RealtimeClient, connections: Callable[[], int], streams: Callable[[], int]
) -> None:
    """Measure what goes on without requests.

    Args:
        connections: How many WebSockets are open.
        streams: How many streams of server-sent events.
    """
    metrics.gauges(
        "tripgate_connections",
        "Open live connections.",
        "transport",
        lambda: {"websocket": connections(), "sse": streams()},
    )
    metrics.gauge("tripgate_subscribers", "Subscriptions that somebody reads.", lambda: relay.subscribers)
    metrics.gauge("tripgate_waiting_changes", "Changes that wait for slow readers.", lambda: relay.waiting)
    metrics.most("tripgate_longest_queue", "Changes that wait for the slowest reader.", lambda: relay.longest_queue)
    metrics.counters(
        "tripgate_resyncs",
        "Subscribers that were told to read anew, after a gap, for being slow or for what could not be decoded.",
        "reason",
        lambda: {
            "gap": relay.resyncs.gap,
            "slow": relay.resyncs.slow,
            "undecodable": relay.resyncs.undecodable,
        },
    )
    metrics.counter(
        "tripgate_realtime_undecodable",
        "Messages of Realtime that could not be decoded.",
        lambda: realtime.undecodable,
    )
    metrics.gauge("tripgate_realtime_topics", "Topics of Realtime that are kept joined.", lambda: realtime.channels)
    metrics.gauge("tripgate_realtime_sockets", "Open connections to Realtime.", lambda: realtime.sockets)


def watch_upstreams(
    metrics: Metrics, policies: Policies, operations: Operations, unreadable: Callable[[], float]
) -> None:
    """Measure how many operations run, and how each upstream is asked for them.

    Args:
        unreadable: How many stored values could not be answered.
    """
    metrics.gauge("tripgate_running", "Queries and mutations that run.", lambda: operations.running)
    metrics.gauge("tripgate_tasks", "Tasks of the event loop, running or waiting.", lambda: len(asyncio.all_tasks()))
    metrics.counter("tripgate_refused", "Operations refused since too many ran.", lambda: operations.refused)
    metrics.counter("tripgate_unreadable_values", "Stored values that no answer can hold.", unreadable)
    metrics.gauges(
        "tripgate_breaker_open",
        "Whether an upstream is not asked for now: 1, or 0.5 while one request tries it.",
        "upstream",
        lambda: {each.name: _OPEN[each.breaker.state] for each in policies},
    )
    metrics.gauges(
        "tripgate_upstream_running",
        "Requests to an upstream that are under way.",
        "upstream",
        lambda: {each.name: each.bulkhead.inside for each in policies},
    )
    metrics.gauges(
        "tripgate_upstream_waiting",
        "Requests that wait to be sent.",
        "upstream",
        lambda: {each.name: each.bulkhead.waiting for each in policies},
    )
    metrics.counters(
        "tripgate_upstream_retries",
        "Requests that were sent again.",
        "upstream",
        lambda: {each.name: each.retried for each in policies},
    )
    metrics.counters(
        "tripgate_upstream_shed",
        "Requests that were not sent, since too many waited already.",
        "upstream",
        lambda: {each.name: each.bulkhead.refused for each in policies},
    )


def watch_database(
    metrics: Metrics, connections: Callable[[], dict[str, float]], changes: Callable[[], dict[str, float]]
) -> None:
    """Measure the connections to Postgres, where it is asked itself.

    Args:
        connections: How many there are now, by state.
        changes: What became of them so far.
    """
    words = "Connections to Postgres, and requests that wait for one."
    metrics.gauges("tripgate_database_connections", words, "state", connections)
    words = "Connections to Postgres that were opened, could not be had or trusted, or broke."
    metrics.counters("tripgate_database_connections_changed", words, "change", changes)


def watch_refusals(metrics: Metrics, counts: Mapping[str, int]) -> None:
    """Measure connections that were refused."""
    metrics.counters(
        "tripgate_connections_refused",
        "Connections refused, by reason; of `descriptors`, looks at which none could be opened.",
        "reason",
        lambda: dict(counts),
    )


def watch_cache(metrics: Metrics, invalidation: Invalidation) -> None:
    """Measure what is answered without asking Supabase again."""
    answers, sharing = invalidation.answers, invalidation.sharing
    if answers is not None:
        metrics.counters(
            "tripgate_cached_answers",
            "Queries that the cache could answer, and whether it did.",
            "outcome",
            lambda: {"hit": answers.hits, "miss": answers.misses},
        )
        metrics.gauge("tripgate_cached_bytes", "What the cached answers take.", lambda: answers.bytes)
    if sharing is not None:
        metrics.counter("tripgate_shared_reads", "Reads that shared another's request.", lambda: sharing.shared)


def _handler(observability: Observability) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def metrics(request: web.Request) -> web.Response:
        headers = request.headers
        body, content_type = await observability.metrics.exposition(headers.get("Accept", ""), _seconds(headers))
        return web.Response(body=body, headers={"Content-Type": content_type, **_CONTENT})

    return metrics


def _seconds(headers: Mapping[str, str]) -> float:
    """How long others may be waited for: half of the time after which Prometheus says that it gives up."""
    try:
        timeout = float(headers.get("X-Prometheus-Scrape-Timeout-Seconds", ""))
    except ValueError:
        return _OTHERS_SECONDS
    # No number compares with what is none.
    return min(timeout / 2, _OTHERS_SECONDS) if timeout > 0 else _OTHERS_SECONDS


async def _measure_lag(metrics: Metrics) -> None:
    loop = asyncio.get_running_loop()
    timing = metrics.loop_lag.of()
    while True:
        due = loop.time() + _LAG_SECONDS
        await asyncio.sleep(_LAG_SECONDS)
        timing.observe(max(0.0, loop.time() - due))

"""`tripgate serve`: the application behind a socket, from its start to its graceful stop."""

import asyncio
import gc
import math
import signal
from collections.abc import Callable
from functools import partial

from aiohttp import web

from tripgate.gateway.admission.addresses import Addresses
from tripgate.gateway.app import REFUSALS, application
from tripgate.gateway.edge.connections import (
    Connections,
    RefusalCounts,
    raise_descriptor_limit,
    room_for_clients,
    watch_descriptors,
)
from tripgate.gateway.observability.health import PROBES
from tripgate.gateway.observability.logs import unhandled
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.observability.start import observing
from tripgate.gateway.settings import Settings
from tripgate.gateway.shutdown import drain
from tripgate.upstream import lazy_auth

_BACKLOG = 2048
_YOUNG_OBJECTS = 20_000


async def serve(settings: Settings, announce: Callable[[str], None], *, parent: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then let running requests end.

    Args:
        announce: Called with the address once the server listens.
        parent: For one of several workers on a port, the end of a pipe whose other end its parent has. When the parent
            is gone, this one stops.

    Raises:
        SettingsError: GraphiQL's files are not where the settings say.
        OSError: The address is taken.
    """
    with observing(settings) as observability:
        asyncio.get_running_loop().set_exception_handler(unhandled)
        runner = await _runner(settings, observability)
        refusals = runner.app[REFUSALS]
        background: list[asyncio.Task[None]] = [asyncio.create_task(watch_descriptors(refusals))]
        stopping, hurry = _stop_signals(parent)
        try:
            # When a gateway stops, all its clients come to the others at once; who does not fit waits for seconds.
            site = web.TCPSite(runner, settings.host, settings.port, backlog=_BACKLOG, reuse_port=parent is not None)
            await site.start()
            _exempt_from_garbage_collection()
            host, port = runner.addresses[0][:2]
            announce(f"http://{host}:{port}/graphql")
            background.append(asyncio.create_task(asyncio.to_thread(lazy_auth.load)))
            await stopping.wait()
            await drain(runner, settings.drain_seconds, hurry)
        finally:
            for task in background:
                task.cancel()
            await runner.cleanup()


async def _runner(settings: Settings, observability: Observability) -> web.AppRunner:
    """The application, ready to listen, with its connections bounded."""
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
    _bounded(settings, runner.app[REFUSALS]).guard(runner.server)
    return runner


def _bounded(settings: Settings, refusals: RefusalCounts) -> Connections:
    descriptors = raise_descriptor_limit()
    return Connections(
        refusals,
        most=room_for_clients(descriptors, settings.upstream_connections, settings.max_connections),
        per_address=settings.max_connections_per_address,
        exempt=Addresses(settings.trusted_proxies).trusts,
        probes=PROBES,
    )


def _stop_signals(parent: int | None) -> tuple[asyncio.Event, asyncio.Event]:
    """Set when the server shall stop, and when it shall not wait for anybody."""
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
    return stopping, hurry


def _exempt_from_garbage_collection() -> None:
    """Exempt what has been loaded from garbage collection: looking through it again and again would hold changes up.

    And what answers are made of is not garbage, however much there is of it at once.
    """
    gc.collect()
    gc.freeze()
    gc.enable()  # off while it starts, where the command line has begun it
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)

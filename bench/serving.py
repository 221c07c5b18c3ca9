"""What the two comparison servers share: an aiohttp application on a free port, and a session to PostgREST."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import web

SESSION = web.AppKey("session", aiohttp.ClientSession)


def rest_url() -> str:
    """PostgREST's address, from the environment."""
    return os.environ["TRIPGATE_REST_URL"].rstrip("/")


def api_key() -> str:
    """The publishable key, from the environment."""
    return os.environ["SUPABASE_PUBLISHABLE_KEY"]


def run(add_routes: Callable[[web.Application], None]) -> None:
    """Serve until SIGTERM or SIGINT. Prints `Serving: <address>` once it listens."""
    asyncio.run(_serve(add_routes))


async def _serve(add_routes: Callable[[web.Application], None]) -> None:
    app = web.Application()
    app.cleanup_ctx.append(_session)
    add_routes(app)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        print(f"Serving: http://{host}:{port}/graphql", flush=True)
        await stopping.wait()
    finally:
        await runner.cleanup()


async def _session(app: web.Application) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=60)
    # PostgREST repeats the query in a header of its answer, and that of a thousand ids is long.
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), max_field_size=131_072
    ) as session:
        app[SESSION] = session
        yield

"""The bare hop: what any gateway on aiohttp costs before it does anything. `python -m bench.hop`.

Takes `POST /graphql` with `{"path": "trips?select=…"}`, asks PostgREST for that path with the caller's token, and
answers `{"data": <rows>}`: it decodes and encodes as a gateway must, and knows nothing of GraphQL. What it shares with
the hand-written gateway is here, too: an aiohttp application on a free port, and a session to PostgREST.
"""

import os
import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import orjson
from aiohttp import web
from yarl import URL

SESSION = web.AppKey("session", aiohttp.ClientSession)
REST_URL = os.environ.get("TRIPGATE_REST_URL", "").rstrip("/")
API_KEY = os.environ.get("SUPABASE_PUBLISHABLE_KEY", "")


def run(add_routes: Callable[[web.Application], None]) -> None:
    """Serve until SIGTERM or SIGINT. Prints `Serving: <address>` once it listens."""
    app = web.Application()
    app.cleanup_ctx.append(_session)
    add_routes(app)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"Serving: http://127.0.0.1:{listening.getsockname()[1]}/graphql", flush=True)
        web.run_app(app, sock=listening, access_log=None, print=None)


async def _session(app: web.Application) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=60)
    # PostgREST repeats the query in a header of its answer, and that of a thousand ids is long.
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), max_field_size=131_072
    ) as session:
        app[SESSION] = session
        yield


async def _hop(request: web.Request) -> web.Response:
    wanted = orjson.loads(await request.read())
    headers = {"apikey": API_KEY, "Authorization": request.headers["Authorization"]}
    url = URL(f"{REST_URL}/{wanted['path']}", encoded=True)
    async with request.app[SESSION].get(url, headers=headers) as response:
        rows = orjson.loads(await response.read())
        status = response.status
    return web.Response(body=orjson.dumps({"data": rows}), status=status, content_type="application/json")


if __name__ == "__main__":
    run(lambda app: app.router.add_post("/graphql", _hop))

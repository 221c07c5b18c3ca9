"""The bare hop: what any gateway on aiohttp costs before it does anything. `python -m bench.hop`.

Takes `POST /graphql` with `{"path": "trips?select=…"}`, asks PostgREST for that path with the caller's token, and
answers `{"data": <rows>}`: it decodes and encodes as a gateway must, and knows nothing of GraphQL.
"""

import orjson
from aiohttp import web
from yarl import URL

from bench.serving import SESSION, api_key, rest_url, run


def add_routes(app: web.Application) -> None:
    """Add the one route."""
    base = rest_url() + "/"
    key = api_key()

    async def hop(request: web.Request) -> web.Response:
        wanted = orjson.loads(await request.read())
        headers = {"apikey": key, "Authorization": request.headers["Authorization"]}
        url = URL(base + wanted["path"], encoded=True)
        async with request.app[SESSION].get(url, headers=headers) as response:
            rows = orjson.loads(await response.read())
            status = response.status
        return web.Response(body=orjson.dumps({"data": rows}), status=status, content_type="application/json")

    app.router.add_post("/graphql", hop)


if __name__ == "__main__":
    run(add_routes)

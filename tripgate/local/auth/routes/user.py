"""GET /user and POST /logout: what a signed-in person asks for."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from tripgate.local.auth import caller, sessions, users
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError

routes = web.RouteTableDef()


@routes.get("/user")
async def read_user(request: web.Request) -> web.Response:
    """The person as the database has them now, not as their token says."""
    auth = context(request)
    async with auth.pool.connection() as connection:
        who = await caller.identify(auth, connection, request)
        return json_response(await users.to_json(connection, who.user))


@routes.post("/logout")
async def log_out(request: web.Request) -> web.Response:
    """Takes `scope` in the query: `global` (every session), `local` (this one) or `others`."""
    auth = context(request)
    scope = request.query.get("scope") or "global"
    async with auth.pool.connection() as connection:
        who = await caller.identify(auth, connection, request)
        if scope not in {"global", "local", "others"}:
            raise AuthError(400, "validation_failed", f'Unsupported logout scope "{scope}"')
        await sessions.close_sessions(connection, who.user, who.session, cast(sessions.LogoutScope, scope))
    return web.Response(status=204)

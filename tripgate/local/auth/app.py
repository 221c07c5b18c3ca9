"""Assembles the Auth stand-in.

Takes a connection string (role `supabase_auth_admin`), a signer, the issuer, the settings and where mail goes; gives an
aiohttp application whose paths are GoTrue's own; the front door mounts it at `/auth/v1`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aiohttp import web
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from tripgate.local.auth import numbers
from tripgate.local.auth.context import AUTH, AuthContext, Connection
from tripgate.local.auth.errors import answer_errors
from tripgate.local.auth.rates import Rates
from tripgate.local.auth.routes import (
    admin,
    generate_link,
    mails,
    not_enabled,
    service,
    signup,
    token,
    user,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tripgate.local.auth.settings import AuthSettings
    from tripgate.local.inbox import Mail
    from tripgate.local.keys import Signer

ROUTES = (
    service.routes,
    signup.routes,
    token.routes,
    user.routes,
    mails.routes,
    verify.routes,
    admin.routes,
    generate_link.routes,
    not_enabled.routes,
)


def create(
    *,
    database_url: str,
    signer: Signer,
    issuer: str,
    settings: AuthSettings,
    send: Callable[[Mail], None],
) -> web.Application:
    """The application; its connections open when it starts and close when it stops."""
    pool = cast(
        "AsyncConnectionPool[Connection]",
        AsyncConnectionPool(
            database_url,
            min_size=1,
            max_size=8,
            timeout=10,
            open=False,
            kwargs={"row_factory": dict_row},
            configure=_configure,
        ),
    )
    app = web.Application(middlewares=[answer_errors])
    app[AUTH] = AuthContext(pool, signer, issuer, settings, Rates(settings.rate_limits), send)
    for routes in ROUTES:
        app.add_routes(routes)
    app.cleanup_ctx.append(_connections)
    return app


async def _configure(connection: AsyncConnection[Any]) -> None:
    set_json_loads(numbers.loads, connection)


async def _connections(app: web.Application) -> AsyncIterator[None]:
    pool = app[AUTH].pool
    await pool.open(wait=True, timeout=30)
    yield
    await pool.close()

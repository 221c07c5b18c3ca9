"""What every route of the Auth stand-in is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web
from psycopg import AsyncConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg_pool import AsyncConnectionPool

    from tripgate.local.auth.rates import Rates
    from tripgate.local.auth.settings import AuthSettings
    from tripgate.local.inbox import Mail
    from tripgate.local.keys import Signer

Row = dict[str, Any]
Connection = AsyncConnection[Row]


@dataclass(frozen=True)
class AuthContext:
    """The database, the way to sign tokens, the settings, how often people asked, and where mail goes."""

    pool: AsyncConnectionPool[Connection]
    signer: Signer
    issuer: str
    settings: AuthSettings
    rates: Rates
    send: Callable[[Mail], None]


AUTH = web.AppKey("auth", AuthContext)
# Set by the front door where it has put a role's token in an API key's place.
AUTHORIZATION = web.RequestKey("authorization", str)


def context(request: web.Request) -> AuthContext:
    """The context of the application that serves this request."""
    return request.app[AUTH]

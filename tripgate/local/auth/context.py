"""What every route of the Auth stand-in is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web
from psycopg import AsyncConnection

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from tripgate.local.keys import Signer

Row = dict[str, Any]
Connection = AsyncConnection[Row]


@dataclass(frozen=True)
class AuthContext:
    """The database, the way to sign tokens, and the settings that GoTrue would read from its environment."""

    pool: AsyncConnectionPool[Connection]
    signer: Signer
    issuer: str
    access_token_seconds: int
    password_min_length: int = 6
    refresh_token_reuse_seconds: int = 10


AUTH = web.AppKey("auth", AuthContext)
# Set by the front door where it has put a role's token in an API key's place.
AUTHORIZATION = web.RequestKey("authorization", str)


def context(request: web.Request) -> AuthContext:
    """The context of the application that serves this request."""
    return request.app[AUTH]

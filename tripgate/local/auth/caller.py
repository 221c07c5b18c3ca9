"""Who is calling: the bearer token of a request, verified, with its person and session.

Source of the answers: supabase/auth, internal/api/auth.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt

from tripgate.local.auth import sessions, users
from tripgate.local.auth.context import AUTHORIZATION
from tripgate.local.auth.errors import AuthError

if TYPE_CHECKING:
    from aiohttp import web

    from tripgate.local.auth.context import AuthContext, Connection, Row

ADMIN_ROLES = ("service_role", "supabase_admin")
BEARER = re.compile(r"[Bb]earer (\S+)")


@dataclass(frozen=True)
class Caller:
    """A signed-in person, with the session of their token if it names one."""

    claims: dict[str, Any]
    user: Row
    session: Row | None


def claims_of(context: AuthContext, request: web.Request) -> dict[str, Any]:
    """The verified claims of the bearer token. Raises AuthError `no_authorization` or `bad_jwt`."""
    header = request.get(AUTHORIZATION, "") or request.headers.get("Authorization", "")
    match = BEARER.fullmatch(header)
    if match is None:
        raise AuthError(401, "no_authorization", "This endpoint requires a valid Bearer token")
    try:
        return context.signer.verify(match[1])
    except jwt.InvalidTokenError as error:
        message = f"invalid JWT: unable to parse or verify signature, {error}"
        raise AuthError(403, "bad_jwt", message) from error


def require_admin(context: AuthContext, request: web.Request) -> None:
    """Let the service role pass. Raises AuthError `not_admin` for anybody else, and as `claims_of` does."""
    if claims_of(context, request).get("role") not in ADMIN_ROLES:
        raise AuthError(403, "not_admin", "User not allowed")


async def identify(context: AuthContext, connection: Connection, request: web.Request) -> Caller:
    """The person who sent this request. Raises AuthError where the token names none, or one who is gone."""
    claims = claims_of(context, request)
    subject = claims.get("sub")
    if not subject:
        raise AuthError(403, "bad_jwt", "invalid claim: missing sub claim")
    user = await users.find_by_id(connection, _uuid(subject, "sub", status=400))
    if user is None:
        raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
    if users.is_banned(user):
        raise AuthError(403, "user_banned", "User is banned")
    session = None
    session_id = claims.get("session_id")
    if session_id:
        session = await sessions.find(connection, _uuid(session_id, "session_id", status=403))
        if session is None:
            raise AuthError(403, "session_not_found", "Session from session_id claim in JWT does not exist")
    return Caller(claims, user, session)


def _uuid(value: Any, claim: str, *, status: int) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise AuthError(status, "bad_jwt", f"invalid claim: {claim} claim must be a UUID") from error

"""POST /token: a session for a password, for the refresh token of one, or for the code of a link that was followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tripgate.local.auth import bodies, flows, passwords, sessions, users
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

routes = web.RouteTableDef()


@routes.post("/token")
async def token(request: web.Request) -> web.Response:
    """Takes `grant_type` in the query and the grant's own members in the body."""
    grant = GRANTS.get(request.query.get("grant_type", ""))
    if grant is None:
        raise AuthError(400, "invalid_credentials", "unsupported_grant_type")
    return await grant(request)


async def password_grant(request: web.Request) -> web.Response:
    """A new session. An unknown address and a wrong password get the same answer after the same time."""
    auth = context(request)
    body = await bodies.read(request, bodies.PasswordGrantBody)
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if not body.email:
        raise AuthError(400, "validation_failed", "missing email or phone")
    email = users.normal_email(body.email)
    async with auth.pool.connection() as connection:
        user = await users.find_by_email(connection, email) if email else None
    # No connection is held while the hash is computed.
    if not await passwords.matches(body.password, user["encrypted_password"] if user else None) or user is None:
        raise AuthError(400, "invalid_credentials", "Invalid login credentials")
    if users.is_banned(user):
        raise AuthError(400, "user_banned", "User is banned")
    if user["email_confirmed_at"] is None:
        raise AuthError(400, "email_not_confirmed", "Email not confirmed")
    async with auth.pool.connection() as connection:
        return json_response(await sessions.open_session(auth, connection, user, request))


async def refresh_token_grant(request: web.Request) -> web.Response:
    """The same session, with new tokens."""
    auth = context(request)
    body = await bodies.read(request, bodies.RefreshTokenGrantBody)
    if not body.refresh_token:
        raise AuthError(400, "validation_failed", "refresh_token required")
    if "\0" in body.refresh_token:  # which no text in Postgres holds
        raise AuthError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
    refused = None
    async with auth.pool.connection() as connection:
        try:
            answer = await sessions.refresh(auth, connection, body.refresh_token, request)
        except AuthError as error:
            # Leaving the block by the exception would undo the revocation of a stolen session.
            refused = error
    if refused is not None:
        raise refused
    return json_response(answer)


async def pkce_grant(request: web.Request) -> web.Response:
    """A new session for whoever asked for the mail."""
    auth = context(request)
    body = await bodies.read(request, bodies.PkceGrantBody)
    if not body.auth_code or not body.code_verifier:
        message = "invalid request: both auth code and code verifier should be non-empty"
        raise AuthError(400, "validation_failed", message)
    if "\0" in body.auth_code:
        raise AuthError(404, "flow_state_not_found", "invalid flow state, no valid flow state found")
    async with auth.pool.connection() as connection:
        return json_response(await flows.exchange(auth, connection, request, body.auth_code, body.code_verifier))


GRANTS: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
    "password": password_grant,
    "refresh_token": refresh_token_grant,
    "pkce": pkce_grant,
}

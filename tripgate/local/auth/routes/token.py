"""POST /token: a session for a password, for the refresh token of one, or for the code of a link that was followed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

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
    context(request).rates.take("token_refreshes", request.remote)
    return await grant(request)


async def password_grant(request: web.Request) -> web.Response:
    """A new session. An unknown address and a wrong password get the same answer after the same time."""
    auth = context(request)
    body = await bodies.read(request, bodies.PasswordGrantBody)
    if body.email and body.phone:
        message = "Only an email address or phone number should be provided on login."
        raise AuthError(400, "validation_failed", message)
    if body.phone:
        raise AuthError(422, "phone_provider_disabled", "Phone logins are disabled")
    if not body.email:
        raise AuthError(400, "validation_failed", "missing email or phone")
    if not auth.settings.email_enabled:
        raise AuthError(422, "email_provider_disabled", "Email logins are disabled")
    if "\0" in body.email:  # which no text in Postgres holds
        raise AuthError(500, "unexpected_failure", "Database error querying schema", error_id=uuid4())
    email = users.normal_email(body.email)
    async with auth.pool.connection() as connection:
        user = await users.find_by_email(connection, email) if email else None
    if user is not None and user["encrypted_password"] and users.is_banned(user):
        raise AuthError(400, "user_banned", "User is banned")
    # No connection is held while the hash is computed.
    if (
        not await passwords.matches(auth.settings, body.password, user["encrypted_password"] if user else None)
        or user is None
    ):
        raise AuthError(400, "invalid_credentials", "Invalid login credentials")
    if user["email_confirmed_at"] is None:
        raise AuthError(400, "email_not_confirmed", "Email not confirmed")
    async with auth.pool.connection() as connection:
        session = await sessions.open_session(auth, connection, user, request)
    return json_response({**session, "weak_password": passwords.weakness(auth.settings, body.password)})


async def refresh_token_grant(request: web.Request) -> web.Response:
    """The same session, with new tokens."""
    auth = context(request)
    body = await bodies.read(request, bodies.RefreshTokenGrantBody)
    if not sessions.TOKEN.fullmatch(body.refresh_token):
        raise AuthError(400, "validation_failed", "Refresh token is not valid")
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


async def id_token_grant(request: web.Request) -> web.Response:
    """No other provider's tokens are taken."""
    body = await bodies.read(request, bodies.IdTokenGrantBody)
    if not body.id_token:
        return json_response({"error": "invalid request", "error_description": "id_token required"}, status=400)
    issuer = ISSUERS.get(body.provider, body.issuer)
    raise AuthError(400, "provider_disabled", f'Provider (issuer "{issuer}") is not enabled')


async def web3_grant(_: web.Request) -> web.Response:
    """No wallet's signature is taken."""
    raise AuthError(422, "web3_provider_disabled", "Web3 provider is disabled")


ISSUERS = {"apple": "https://appleid.apple.com", "google": "https://accounts.google.com"}
GRANTS: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
    "password": password_grant,
    "refresh_token": refresh_token_grant,
    "pkce": pkce_grant,
    "id_token": id_token_grant,
    "web3": web3_grant,
}

"""A mailed code or link becomes a session: POST /verify for applications, GET /verify for browsers.

A browser is sent on (303) to the application, with the session in the address's fragment or, in the PKCE flow, a code
in its query; what goes wrong travels the same way.
"""

from __future__ import annotations

from aiohttp import hdrs, web

from tripgate.local.auth import bodies, flows, links, phones, sessions, verification
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError, unforeseen
from tripgate.local.auth.one_time_tokens import PKCE_PREFIX
from tripgate.local.auth.routes.signup import required_email

routes = web.RouteTableDef()


@routes.post("/verify")
async def verify(request: web.Request) -> web.Response:
    """Takes `type` with `email` and `token` (the code), or with `token_hash` (what the link carries)."""
    auth = context(request)
    auth.rates.take("verifications", request.remote)
    body = await bodies.read(request, bodies.VerifyBody)
    if not body.type:
        raise AuthError(400, "validation_failed", "Verify requires a verification type")
    if bool(body.token) == bool(body.token_hash):
        raise AuthError(400, "validation_failed", "Verify requires either a token or a token hash")
    if body.token_hash and (body.email or body.phone or body.redirect_to):
        raise AuthError(400, "validation_failed", "Only the token_hash and type should be provided")
    if body.token and bool(body.email) == bool(body.phone):
        message = "Only an email address or phone number should be provided on verify"
        raise AuthError(400, "validation_failed", message)
    if body.phone:
        phones.check(body.phone)
        raise verification.wrong_code()
    email = _email(body.email) if body.token else ""
    async with auth.pool.connection() as connection:
        if body.token:
            proof = await verification.by_code(auth, connection, body.type, email, body.token)
        else:
            proof = await verification.by_link(auth, connection, body.type, body.token_hash)
        user = await verification.accept(auth, connection, proof)
        if user is None:
            return json_response({"msg": verification.HALF_DONE, "code": "200"})
        return json_response(await sessions.open_session(auth, connection, user, request, method="otp"))


def _email(text: str) -> str:
    try:
        return required_email(text)
    except AuthError as error:
        raise AuthError(422, "validation_failed", "Invalid email format") from error


# A mail program that only looks whether a link works must not use it up.
@routes.get("/verify", allow_head=False)
async def follow(request: web.Request) -> web.Response:
    """Takes `token`, `type` and `redirect_to` in the query, as the links of mails have them."""
    auth = context(request)
    auth.rates.take("verifications", request.remote)
    type_, link_token = request.query.get("type", ""), request.query.get("token", "").replace("\0", "")
    if not type_:
        raise AuthError(400, "validation_failed", "Verify requires a verification type")
    if not link_token:
        raise AuthError(400, "validation_failed", "Verify requires a token or a token hash")
    target = links.application_url(auth, request)
    pkce = link_token.startswith(PKCE_PREFIX)
    if pkce and type_ not in flows.AUTHENTICATION_METHODS:
        raise unforeseen()
    try:
        async with auth.pool.connection() as connection:
            proof = await verification.by_link(auth, connection, type_, link_token)
            user = await verification.accept(auth, connection, proof)
            if user is None:
                target = links.with_message(target, verification.HALF_DONE, pkce=pkce)
            elif pkce:
                target = links.with_code(target, await flows.issue_code(connection, user["id"], type_))
            else:
                session = await sessions.open_session(auth, connection, user, request, method="otp")
                target = links.with_session(target, session, type_)
    except AuthError as error:
        target = links.with_error(target, error, pkce=pkce)
    return web.Response(status=303, headers={hdrs.LOCATION: target})

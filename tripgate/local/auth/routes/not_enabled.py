"""What the platform has and the stand-in does not: answered as by a project where it is switched off.

Second factors, other providers, SAML, passkeys, an OAuth server, linked identities. Source: supabase/auth,
internal/api/mfa.go, external.go, sso.go, identity.go and api.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import hdrs, web

from tripgate.local.auth import bodies, caller
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError
from tripgate.local.auth.routes.admin import find_user
from tripgate.local.auth.routes.service import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tripgate.local.auth.caller import Caller

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

routes = web.RouteTableDef()
FACTORS = {"totp": "TOTP", "phone": "Phone", "webauthn": "WebAuthn"}


async def _caller(request: web.Request) -> Caller:
    auth = context(request)
    async with auth.pool.connection() as connection:
        return await caller.identify(auth, connection, request)


def _refuses(code: str, message: str, *, signed_in: bool = False, admin: bool = False) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        if signed_in:
            await _caller(request)
        if admin:
            caller.require_admin(context(request), request)
        raise AuthError(404, code, message)

    return refuse


saml = _refuses("saml_provider_disabled", "SAML 2.0 is disabled")
passkeys = _refuses("passkey_disabled", "Passkeys are disabled")
oauth_server = _refuses("feature_disabled", "OAuth server is disabled")
linking = _refuses("manual_linking_disabled", "Manual linking is disabled", signed_in=True)

routes.post("/sso")(saml)
routes.get("/sso/saml/metadata")(saml)
routes.post("/sso/saml/acs")(saml)
routes.post("/passkeys/{step}/options")(passkeys)
routes.post("/passkeys/{step}/verify")(passkeys)
routes.get("/passkeys")(passkeys)
routes.get("/oauth/authorize")(oauth_server)
routes.post("/oauth/token")(oauth_server)
routes.post("/oauth/clients/register")(oauth_server)
routes.get("/oauth/userinfo")(oauth_server)
routes.get("/.well-known/oauth-authorization-server")(oauth_server)
routes.get("/user/oauth/grants")(_refuses("feature_disabled", "OAuth server is disabled", signed_in=True))
routes.get("/admin/oauth/clients")(_refuses("feature_disabled", "OAuth server is disabled", admin=True))
routes.post("/admin/oauth/clients")(_refuses("feature_disabled", "OAuth server is disabled", admin=True))
routes.get("/user/identities/authorize")(linking)
routes.delete("/user/identities/{id}")(linking)


# second factors ------------------------------------------------------------------------------------------------------


async def _caller_with_address(request: web.Request) -> Caller:
    who = await _caller(request)
    if who.claims.get("is_anonymous"):
        raise AuthError(403, "no_authorization", "Anonymous user not allowed to perform these actions")
    return who


@routes.post("/factors")
async def enroll(request: web.Request) -> web.Response:
    """No kind of second factor may be enrolled."""
    await _caller_with_address(request)
    body = await bodies.read(request, bodies.FactorBody)
    if body.factor_type not in FACTORS:
        raise AuthError(400, "validation_failed", "factor_type needs to be totp, phone, or webauthn")
    code = f"mfa_{body.factor_type}_enroll_not_enabled"
    raise AuthError(422, code, f"MFA enroll is disabled for {FACTORS[body.factor_type]}")


@routes.post("/factors/{factor}/challenge")
@routes.post("/factors/{factor}/verify")
@routes.delete("/factors/{factor}")
async def no_factor(request: web.Request) -> web.StreamResponse:
    """Nobody has a second factor."""
    await _caller_with_address(request)
    raise _no_factor(request)


@routes.get("/admin/users/{id}/factors")
async def factors_of(request: web.Request) -> web.Response:
    """A person's second factors: none."""
    caller.require_admin(context(request), request)
    await _existing(request)
    return json_response([])


@routes.put("/admin/users/{id}/factors/{factor}")
@routes.delete("/admin/users/{id}/factors/{factor}")
async def no_factor_of(request: web.Request) -> web.StreamResponse:
    """A person has no second factor."""
    caller.require_admin(context(request), request)
    await _existing(request)
    raise _no_factor(request)


async def _existing(request: web.Request) -> None:
    async with context(request).pool.connection() as connection:
        await find_user(connection, request)


def _no_factor(request: web.Request) -> AuthError:
    try:
        UUID(request.match_info["factor"])
    except ValueError:
        return AuthError(404, "validation_failed", "factor_id must be an UUID")
    return AuthError(404, "mfa_factor_not_found", "Factor not found")


# other providers -----------------------------------------------------------------------------------------------------


@routes.get("/authorize")
async def authorize(request: web.Request) -> web.StreamResponse:
    """No other provider is enabled."""
    name = request.query.get("provider", "")
    reason = "provider is not enabled" if name in PROVIDERS else f"Provider {name} could not be found"
    raise AuthError(400, "validation_failed", f"Unsupported provider: {reason}")


@routes.get("/callback", allow_head=False)
@routes.post("/callback")
async def callback(request: web.Request) -> web.Response:
    """No other provider has sent anybody here."""
    code, reason = "bad_oauth_callback", "OAuth state parameter missing"
    if request.query.get("state"):
        code, reason = "bad_oauth_state", "OAuth state parameter is invalid"
    query = urlencode({"error": "invalid_request", "error_code": code, "error_description": reason})
    return web.Response(status=303, headers={hdrs.LOCATION: f"{context(request).settings.site_url}?{query}"})


def _administrates(body: object) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        caller.require_admin(context(request), request)
        return json_response(body)

    return answer


routes.get("/admin/audit")(_administrates([]))
routes.get("/admin/sso/providers")(_administrates({"items": []}))
routes.get("/admin/custom-providers")(_administrates({"providers": []}))

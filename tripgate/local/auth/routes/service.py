"""What the service tells about itself: GET /health, /settings and /.well-known/jwks.json."""

from __future__ import annotations

from aiohttp import web

from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context

routes = web.RouteTableDef()


@routes.get("/health")
async def health(_: web.Request) -> web.Response:
    """Answers while the service runs."""
    return json_response(
        {"name": "GoTrue", "version": "tripgate-local", "description": "An Auth stand-in for development and tests"}
    )


@routes.get("/settings")
async def settings(_: web.Request) -> web.Response:
    """Which ways to sign in are open."""
    return json_response(
        {
            "external": {"anonymous_users": False, "email": True, "phone": False},
            "disable_signup": False,
            "mailer_autoconfirm": True,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
        }
    )


@routes.get("/.well-known/jwks.json")
async def jwks(request: web.Request) -> web.Response:
    """The public keys that verify access tokens. A symmetric secret is never shown."""
    return json_response(context(request).signer.public_jwks(), headers={"Cache-Control": "public, max-age=600"})

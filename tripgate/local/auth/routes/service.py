"""What the service tells about itself: GET /health, /settings and /.well-known/jwks.json."""

from __future__ import annotations

from aiohttp import web

from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context

routes = web.RouteTableDef()

# Ways to sign in that the platform knows and the stand-in does not have.
PROVIDERS = (
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "kakao",
    "keycloak",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "slack",
    "slack_oidc",
    "spotify",
    "twitch",
    "twitter",
    "workos",
    "zoom",
)


@routes.get("/health")
async def health(_: web.Request) -> web.Response:
    """Answers while the service runs."""
    return json_response(
        {"name": "GoTrue", "version": "tripgate-local", "description": "An Auth stand-in for development and tests"}
    )


@routes.get("/settings")
async def settings(request: web.Request) -> web.Response:
    """Which ways to sign in are open."""
    found = context(request).settings
    return json_response(
        {
            "external": {
                **dict.fromkeys(PROVIDERS, False),
                "anonymous_users": found.anonymous_enabled,
                "email": True,
                "phone": False,
            },
            "disable_signup": not found.signup_enabled,
            "mailer_autoconfirm": found.autoconfirm,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
        }
    )


@routes.get("/.well-known/jwks.json")
async def jwks(request: web.Request) -> web.Response:
    """The public keys that verify access tokens. A symmetric secret is never shown."""
    return json_response(context(request).signer.public_jwks(), headers={"Cache-Control": "public, max-age=600"})

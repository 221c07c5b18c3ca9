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
    "snapchat",
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
                "email": found.email_enabled,
                "phone": False,
            },
            "disable_signup": not found.signup_enabled,
            "mailer_autoconfirm": found.autoconfirm,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
            "saml_private_key_next_configured": False,
            "passkeys_enabled": False,
        }
    )


@routes.get("/.well-known/openid-configuration")
async def openid_configuration(request: web.Request) -> web.Response:
    """Where the keys and the parts of an OAuth server would be found."""
    issuer = context(request).issuer
    return json_response(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "userinfo_endpoint": f"{issuer}/oauth/userinfo",
            "scopes_supported": ["openid", "profile", "email", "phone", "offline_access"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "claims_supported": ["sub", "aud", "iss", "exp", "iat", "auth_time", "nonce", "email", "email_verified"],
            "code_challenge_methods_supported": ["S256", "plain"],
        }
    )


@routes.get("/.well-known/jwks.json")
async def jwks(request: web.Request) -> web.Response:
    """The public keys that verify access tokens. A symmetric secret is never shown."""
    return json_response(context(request).signer.public_jwks(), headers={"Cache-Control": "public, max-age=600"})

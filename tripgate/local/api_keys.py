"""The API keys at the front door, as the platform's gateway checks and translates them.

Every request names a key, in header `apikey` or, as browsers' WebSockets must, in the query. A request without an
Authorization of its own, or with a key in it, gets the token of its key's role; a person's token passes unchanged, and
whoever is behind the door judges it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hmac import compare_digest

from aiohttp import web

MISSING = {
    "message": "No API key found in request",
    "hint": "No `apikey` request header or url param was found.",
}
UNKNOWN = {
    "message": "Invalid API key",
    "hint": "Double check the API key: it is the publishable or the secret key of this project.",
}
KEY_IN_AUTHORIZATION = re.compile(r"[Bb]earer sb_")
# Links in mails and key sets are fetched by programs that know no key.
# Functions may be called by anybody who knows no key; each decides for itself whether it wants a token. Storage
# has public objects and signed addresses, and wants a token for the rest.
KEYLESS_PATHS = re.compile(r"/(functions|storage)/v1(/.*)?", re.DOTALL)
# The faked services have keys of their own, and their control looks at its key itself.
OPEN_PATHS = re.compile(
    r"/health|/inbox(/.*)?|/providers(/.*)?|/auth/v1/(\.well-known/.*|verify|callback|authorize)", re.DOTALL
)


@dataclass(frozen=True)
class ApiKeys:
    """Which key stands for which role's token. A role's token is itself accepted as a key, as legacy keys are."""

    tokens: dict[str, str]

    @classmethod
    def of(cls, *, publishable_key: str, secret_key: str, anon_token: str, service_role_token: str) -> ApiKeys:
        """The keys of one project."""
        return cls(
            {
                publishable_key: anon_token,
                secret_key: service_role_token,
                anon_token: anon_token,
                service_role_token: service_role_token,
            }
        )

    def authorization(self, request: web.Request) -> str | None:
        """The Authorization to pass on, or None for an open path. Raises web.HTTPUnauthorized with a JSON body."""
        offered = request.headers.get("Authorization")
        given = request.headers.get("apikey") or request.query.get("apikey")
        if OPEN_PATHS.fullmatch(request.path):
            return offered
        token = self._token(given) if given else None
        if token is None:
            if KEYLESS_PATHS.fullmatch(request.path):
                return offered
            raise _refusal(UNKNOWN if given else MISSING)
        if offered and not KEY_IN_AUTHORIZATION.match(offered):
            return offered
        return f"Bearer {token}"

    def _token(self, given: str) -> str | None:
        """Compares with every key in constant time."""
        found = None
        for key, token in self.tokens.items():
            if compare_digest(key.encode(), given.encode(errors="replace")):
                found = token
        return found


def _refusal(body: dict[str, str]) -> web.HTTPUnauthorized:
    text = "{" + ",".join(f'"{name}":"{value}"' for name, value in body.items()) + "}"
    return web.HTTPUnauthorized(text=text, content_type="application/json")

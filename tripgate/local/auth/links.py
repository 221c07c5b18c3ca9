"""Where links lead: into Auth from a mail, and from there to the application.

Source: supabase/auth, internal/utilities/request.go and internal/api/verify.go.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from tripgate.local.auth.context import AuthContext
    from tripgate.local.auth.errors import AuthError
    from tripgate.local.auth.settings import AuthSettings

OAUTH_ERRORS = {
    400: "invalid_request",
    401: "unauthorized_client",
    403: "access_denied",
    500: "server_error",
    503: "temporarily_unavailable",
}
# In `additional_redirect_urls`, `**` stands for anything, `*` and `?` for what is no `.` or `/`.
_WILDCARDS = {"**": ".*", "*": "[^./]*", "?": "[^./]"}


def application_url(context: AuthContext, request: web.Request) -> str:
    """The application's address for this request: what it asks for where that is allowed, otherwise the site."""
    for wanted in (
        request.query.get("redirect_to"),
        request.headers.get("redirect_to"),
        request.headers.get("Referer"),
    ):
        if wanted and is_allowed(context.settings, wanted):
            return wanted
    return context.settings.site_url


def is_allowed(settings: AuthSettings, url: str) -> bool:
    """True for an address of the site (scheme, host and port), of this machine by number, or of the project's list."""
    try:
        asked, site = urlsplit(url), urlsplit(settings.site_url)
        ports = asked.port, site.port
    except ValueError:
        return False
    if re.search(r"[\x00-\x20\x7f]", url):
        return False
    host = asked.hostname
    same_port = ports[0] == ports[1] or host == "localhost"
    if host and host == site.hostname and asked.scheme == site.scheme and same_port:
        return asked.scheme in {"http", "https"}
    try:
        return ipaddress.ip_address(host or "").is_loopback and urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        pass
    bare = url.split("#", 1)[0]
    return any(_matches(pattern, bare) for pattern in settings.additional_redirect_urls)


def _matches(pattern: str, url: str) -> bool:
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    return re.fullmatch("".join(_WILDCARDS.get(part, re.escape(part)) for part in parts), url) is not None


def action_link(context: AuthContext, link_token: str, type_: str, redirect_to: str) -> str:
    """The link of a mail."""
    query = urlencode({"token": link_token, "type": type_, "redirect_to": redirect_to}, quote_via=quote, safe="")
    return f"{context.issuer}/verify?{query}"


def with_session(url: str, session: Mapping[str, object], type_: str) -> str:
    """The application's address with a session in the fragment, which browsers send to nobody."""
    names = ("access_token", "expires_at", "expires_in", "refresh_token", "token_type")
    return f"{url}#{urlencode({**{name: session[name] for name in names}, 'sb': '', 'type': type_})}"


def with_code(url: str, code: str) -> str:
    """The application's address with a code that it exchanges for a session."""
    return _with_query(url, {"code": code})


def with_message(url: str, message: str, *, pkce: bool) -> str:
    """The application's address with a sentence for the person."""
    return _with_query(url, {"message": message} if pkce else {}, fragment=urlencode({"message": message, "sb": ""}))


def with_error(url: str, error: AuthError, *, pkce: bool) -> str:
    """The application's address with what went wrong; where it expects a code, in the query as well."""
    found = {"error_code": error.code, "error_description": error.message}
    if error.status in OAUTH_ERRORS:
        found = {"error": OAUTH_ERRORS[error.status], **found}
    return _with_query(url, found if pkce else {}, fragment=urlencode({**found, "sb": ""}))


def _with_query(url: str, more: Mapping[str, str], fragment: str | None = None) -> str:
    parts = urlsplit(url)
    query = urlencode({**dict(parse_qsl(parts.query, keep_blank_values=True)), **more})
    return urlunsplit((*parts[:3], query, parts.fragment if fragment is None else fragment))

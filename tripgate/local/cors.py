"""Cross-origin rules, as open as the platform's: any origin, any header, no cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS"
EXPOSED = (
    "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, ETag, Link, Location, Range-Unit, "
    "Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Metadata, "
    "Upload-Offset, X-Supabase-Api-Version, X-Total-Count"
)


# Functions answer for themselves: a preflight reaches them, and what they say to it, or do not say, stands.
FUNCTIONS = "/functions/v1/"
ANSWERED_BEHIND = web.RequestKey("answered_behind", bool)


@web.middleware
async def answer_preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a browser's question before the real request; it carries no key."""
    asks = request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    if not asks or request.path.startswith(FUNCTIONS):
        return await handler(request)
    response = web.Response()
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = METHODS
    response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = "3600"
    wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
    if wanted:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = wanted
    return response


async def allow_origin(request: web.Request, response: web.StreamResponse) -> None:
    """A signal on every response: let pages of any origin read it."""
    if hdrs.ORIGIN in request.headers and not request.get(ANSWERED_BEHIND):
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED

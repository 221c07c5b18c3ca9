"""Passes requests on to a server behind the front door, streaming both ways.

The path and query go on byte for byte: PostgREST's operators do not survive a decoding and encoding of the URL.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from tripgate.local import cors

if TYPE_CHECKING:
    from collections.abc import Mapping

# A request line of 64 KiB and its method; response headers repeat the URL (Content-Location).
MAX_LINE = 64 * 1024 + 256
# Of a body before its sender has to wait: fewer turns between the two ends of a large one.
READ_BUFFER = 1024 * 1024
# What is below a prefix, as the end of a route. A line break in it is a character like others.
BELOW = "{rest:(?s:/.*)?}"
CONNECT_SECONDS = 5
TIMEOUT = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)

log = logging.getLogger(__name__)


def new_session() -> aiohttp.ClientSession:
    """A client session for `forward`: no limit of its own on connections or time, bodies as they come."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=TIMEOUT,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=(hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.USER_AGENT, hdrs.CONTENT_TYPE),
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
        read_bufsize=READ_BUFFER,
    )


async def forward(
    session: aiohttp.ClientSession,
    request: web.Request,
    *,
    base: str,
    prefix: str,
    authorization: str | None,
    down: web.Response | None = None,
    seconds: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    """Send the request to `base` without the path's `prefix` and stream the answer back; `down` or 502 if none.

    Args:
        headers: Those that go on with other values.

    Raises:
        TimeoutError: No answer began within so many `seconds`.
    """
    if not request.raw_path.startswith(prefix):
        return no_such_path(prefix)
    url = URL(base + (request.raw_path[len(prefix) :] or "/"), encoded=True)
    try:
        upstream = await session.request(
            request.method,
            url,
            headers=request_headers(request, prefix, authorization, headers),
            data=request.content if request.body_exists else None,
            allow_redirects=False,
            timeout=TIMEOUT if seconds is None else aiohttp.ClientTimeout(total=seconds, connect=CONNECT_SECONDS),
        )
    except aiohttp.ClientError as error:
        log.warning("%s %s: %s", request.method, prefix, error)
        if down is not None:
            return down
        return web.json_response({"message": "An invalid response was received from the upstream server"}, status=502)
    async with upstream:
        response = web.StreamResponse(status=upstream.status, reason=upstream.reason)
        dropped = _hop_by_hop(upstream.headers)
        answers = request.get(cors.ANSWERED_BEHIND, False)
        for name, value in upstream.headers.items():
            lower = name.lower()
            if lower not in dropped and (answers or not lower.startswith("access-control-")):
                response.headers.add(name, value)
        await response.prepare(request)
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


def no_such_path(prefix: str) -> web.Response:
    """The path is another as it was written."""
    return web.json_response({"message": f"Write the path as {prefix}/… from its first slash"}, status=400)


def request_headers(
    request: web.Request, prefix: str, authorization: str | None, others: Mapping[str, str] | None = None
) -> CIMultiDict[str]:
    """The headers that go on: all but those of this one connection, with where the request came from."""
    # `Expect` is answered here already.
    dropped = _hop_by_hop(request.headers) | {"host", "authorization", "expect"}
    headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in dropped)
    if authorization is not None:
        headers[hdrs.AUTHORIZATION] = authorization
    headers[hdrs.X_FORWARDED_FOR] = request.remote or ""
    headers[hdrs.X_FORWARDED_HOST] = request.host
    headers[hdrs.X_FORWARDED_PROTO] = request.scheme
    headers["X-Forwarded-Prefix"] = prefix
    for name, value in (others or {}).items():
        headers[name] = value
    return headers


def _hop_by_hop(headers: aiohttp.typedefs.LooseHeaders) -> set[str]:
    """The headers that concern one connection: the fixed ones, and those that `Connection` lists."""
    listed = CIMultiDict(headers).getall(hdrs.CONNECTION, [])
    return {*HOP_BY_HOP} | {name.strip().lower() for line in listed for name in line.split(",")}

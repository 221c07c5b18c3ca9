"""`/realtime/v1` at the front door: passes WebSockets and requests on to Realtime's server, or says that it is down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from yarl import URL

from tripgate.local import proxy
from tripgate.local.auth.context import AUTHORIZATION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PREFIX = "/realtime/v1"
DOWN = {"message": "Realtime is not running", "error": "Service Unavailable"}
# What only one connection means; each of the two has its own.
HANDSHAKE = ("sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-accept")

log = logging.getLogger(__name__)


def add_to(app: web.Application, base: str) -> None:
    """Serve Realtime's paths. `base` is the address of its server."""
    sessions: list[aiohttp.ClientSession] = []

    async def running(_: web.Application) -> AsyncIterator[None]:
        sessions.append(proxy.new_session())
        yield
        await sessions.pop().close()

    async def pass_on(request: web.Request) -> web.StreamResponse:
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return await _relay(sessions[0], request, base)
        return await proxy.forward(
            sessions[0],
            request,
            base=base,
            prefix=PREFIX,
            authorization=request.get(AUTHORIZATION),
            down=web.json_response(DOWN, status=503),
        )

    app.cleanup_ctx.append(running)
    app.router.add_route("*", PREFIX + proxy.BELOW, pass_on)


async def _relay(session: aiohttp.ClientSession, request: web.Request, base: str) -> web.StreamResponse:
    headers = proxy.request_headers(request, PREFIX, request.get(AUTHORIZATION))
    for name in HANDSHAKE:
        headers.popall(name, None)
    url = URL(base + request.raw_path[len(PREFIX) :], encoded=True)
    try:
        # The client's own side keeps to the limit on messages; the answers' size is the server's business.
        behind = await session.ws_connect(url, headers=headers, max_msg_size=0, compress=0)
    except aiohttp.WSServerHandshakeError as error:
        return await _refusal(session, url, headers, error.status)
    except aiohttp.ClientError:
        return web.json_response(DOWN, status=503)
    async with behind:
        front = web.WebSocketResponse(compress=False, max_msg_size=0)
        await front.prepare(request)
        inward = asyncio.create_task(_pump(front, behind))
        outward = asyncio.create_task(_pump(behind, front))
        try:
            await asyncio.wait((inward, outward), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (inward, outward):
                task.cancel()
            await asyncio.gather(inward, outward, return_exceptions=True)
            # A server that was killed says nothing; its clients hear that it starts anew.
            code = behind.close_code
            if code is None or code == WSCloseCode.ABNORMAL_CLOSURE:
                code = WSCloseCode.SERVICE_RESTART
            await front.close(code=code)
            await behind.close()
        return front


Side = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


async def _pump(source: Side, target: Side) -> None:
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        async for message in source:
            if message.type is WSMsgType.TEXT:
                await target.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)


async def _refusal(
    session: aiohttp.ClientSession, url: URL, headers: aiohttp.typedefs.LooseHeaders, status: int
) -> web.Response:
    """What the server says to a handshake that it refuses, which aiohttp's client does not tell."""
    async with session.get(url, headers=headers) as answer:
        body, kind = await answer.read(), answer.content_type
    return web.Response(body=body, status=status, content_type=kind)

"""GraphQL over server-sent events, in distinct connections mode: one request, one stream.

After the protocol of `graphql-sse`: a `next` event an answer, `complete` at the end. Comments keep idle streams open.
"""

import asyncio
from contextlib import aclosing, suppress
from typing import Any

import orjson
from aiohttp import web

from tripgate.gateway.engine import Engine, GraphQLRequest
from tripgate.gateway.errors import formatted
from tripgate.gateway.operation import RequestError
from tripgate.upstream.caller import Caller

MEDIA_TYPE = "text/event-stream"
KEEP_ALIVE_SECONDS = 12.0


async def respond(request: web.Request, engine: Engine, wanted: GraphQLRequest, caller: Caller) -> web.StreamResponse:
    """Stream the answers to a request, whatever its kind of operation.

    Raises:
        RequestError: The document cannot run at all; nothing has been sent yet.
    """
    operation = engine.operation(wanted)
    response = web.StreamResponse(
        headers={"Content-Type": f"{MEDIA_TYPE}; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    await response.write(b":\n\n")  # the stream is open, though nothing has happened yet
    keeping = asyncio.create_task(_keep_alive(response))
    try:
        try:
            async with aclosing(engine.stream(wanted, operation, caller, set())) as answers:
                async for answer in answers:
                    await response.write(_event("next", answer))
        except RequestError as error:
            await response.write(_event("next", {"errors": formatted(error.errors, error.code)}))
        await response.write(_event("complete", None))
        await response.write_eof()
    except ConnectionError:
        pass  # the reader has gone
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
    return response


async def _keep_alive(response: web.StreamResponse) -> None:
    with suppress(ConnectionError):
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            await response.write(b":\n\n")


def _event(name: str, data: dict[str, Any] | None) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + (b"" if data is None else orjson.dumps(data)) + b"\n\n"

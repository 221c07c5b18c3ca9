"""Writing to a client that may not read: how much may wait for it, and for how long.

aiohttp's own waiting for room is shared by all who write to a connection, and whoever is cancelled while waiting
cancels the others too, so operations that come and go wait here instead.
"""

import asyncio
import socket
import struct
from typing import cast

from aiohttp import web

# Where asyncio resumes a writer that it has paused.
UNSENT_BYTES = 16 * 1024
_LOOK_SECONDS = 0.01
_AT_ONCE = struct.pack("ii", 1, 0)


async def flushed(request: web.Request, seconds: float, *, but: int = UNSENT_BYTES) -> None:
    """Wait until the client has taken what was written, but for so many bytes, or has gone.

    Raises:
        TimeoutError: It has not in so many seconds.
    """
    if _waiting(request) <= but:
        return
    async with asyncio.timeout(seconds):
        while _waiting(request) > but:  # noqa: ASYNC110 - a transport tells one waiter alone, and that is aiohttp
            await asyncio.sleep(_LOOK_SECONDS)


def abort(request: web.Request) -> None:
    """Cut the connection off. A close would wait, for good if need be, until the client has taken what was written."""
    transport = request.transport
    if transport is None:
        return
    wire = transport.get_extra_info("socket")
    if wire is not None:
        # Without this the system keeps what was written, and tries for minutes to deliver it.
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()


def _waiting(request: web.Request) -> int:
    if request.transport is None:
        return 0
    return cast(asyncio.WriteTransport, request.transport).get_write_buffer_size()  # uvloop's are none by their class

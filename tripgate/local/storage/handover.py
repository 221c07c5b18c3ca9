"""What the front door and the Storage process say to each other beside HTTP, so that large bodies pass one process.

Storage decides, and never sends an object's bytes: a final answer with `X-Storage-Object: <version> <start> <count>`
has no body, and the front door sends these bytes of the version's file. A large body the front door keeps back
(`Expect: 100-continue`, framed in chunks, its own length in `X-Storage-Length`) until Storage says `100`. That alone
wants the body as it is. With `X-Storage-Object: <version> <most>` the front door writes the body into the version's
file, which is there and empty, and at its end sends an empty one. Of a body longer than `most` it stops behind that.

None of these headers leaves the front door, and none passes it inwards. `X-Storage-Front-Door` shows Storage, which
answers nobody else, that it is the front door who asks: a secret that both have from the moment Storage starts.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from tripgate.local.storage.errors import denied

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

FRONT_DOOR = "X-Storage-Front-Door"
OBJECT = "X-Storage-Object"
LENGTH = "X-Storage-Length"
OWN = frozenset(name.lower() for name in (FRONT_DOOR, OBJECT, LENGTH))
HEALTH = "/health"
CONTINUE = b"HTTP/1.1 100 Continue\r\n"


def only_front_door(secret: str) -> Middleware:
    """Refuses whoever else of this machine found the port; whether Storage runs, anybody may ask."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        shown = request.headers.get(FRONT_DOOR, "")
        if not compare_digest(shown.encode(errors="replace"), secret.encode()) and request.path != HEALTH:
            return denied("Ask the front door").response()
        return await handler(request)

    return check


def declared_length(request: web.Request) -> int | None:
    """How long a request's body is, as whoever sent it says."""
    kept_back = request.headers.get(LENGTH)
    return request.content_length if kept_back is None else int(kept_back)


async def not_yet(_: web.Request) -> None:
    """An `expect_handler` for routes that ask for the body themselves, once they want it."""


async def want_body(request: web.Request) -> None:
    """Ask for the body as it is, where it is kept back."""
    if hdrs.EXPECT in request.headers:
        await request.writer.write(CONTINUE + b"\r\n")


async def have_written(request: web.Request, version: str, most: int) -> bool:
    """Let the front door write the body into a version's file, and wait for its end; False where it is not kept back.
    Raises what reading a body does where the connection breaks."""
    if hdrs.EXPECT not in request.headers:
        return False
    await request.writer.write(CONTINUE + f"{OBJECT}: {version} {most}\r\n\r\n".encode())
    await request.read()
    return True

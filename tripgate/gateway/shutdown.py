"""Graceful shutdown: no request that was accepted is lost.

1. Whoever asks `/readyz` is sent elsewhere, live clients are told to go, and every answer says `Connection: close`; but
   requests are taken all the same, for as long as whoever spreads them may need to notice.
2. Nothing new is let in. Who was let in just before still gets an answer, though nothing may have been asked yet.
3. Unused connections are closed; running requests end.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

_LAST_REQUESTS_SECONDS = 1.0
_LOOK_SECONDS = 0.02
_log = logging.getLogger("tripgate")


class Shutdown:
    """The state of the process's shutdown.

    Args:
        tell: Asks all live clients to go; returns when they have.
    """

    def __init__(self, tell: Callable[[], Awaitable[None]]) -> None:
        self._tell = tell
        self._telling: asyncio.Future[None] | None = None

    def begin(self) -> asyncio.Future[None]:
        """Begin, once: `/readyz` fails and live clients are asked to go."""
        if self._telling is None:
            self._telling = asyncio.ensure_future(self._tell())
        return self._telling

    @property
    def ending(self) -> bool:
        """Whether each answer is to be the last on its connection."""
        return self._telling is not None

    def last(self, response: web.StreamResponse) -> web.StreamResponse:
        """The response; during shutdown it closes its connection."""
        if self.ending:
            response.force_close()
        return response


SHUTDOWN = web.AppKey("shutdown", Shutdown)


async def drain(runner: web.AppRunner, seconds: float, hurry: asyncio.Event) -> None:
    """Take requests for so many seconds more, or until `hurry` is set; then accept no more, and wait for the rest."""
    runner.app[SHUTDOWN].begin()
    _log.info("stopping: no more requests after %.1f s", seconds)
    if seconds:
        try:
            async with asyncio.timeout(seconds):
                await hurry.wait()
        except TimeoutError:
            pass
    await _stop_accepting(runner)
    _log.info("stopping: running requests may end")
    looks = int(_LAST_REQUESTS_SECONDS / _LOOK_SECONDS)
    while looks and runner.server is not None and runner.server.connections and not hurry.is_set():
        looks -= 1
        await asyncio.sleep(_LOOK_SECONDS)


async def _stop_accepting(runner: web.AppRunner) -> None:
    """Stop listening. Connections that wait in the kernel would be reset by that, so they are accepted first."""
    assert runner.server is not None  # noqa: S101 - it serves
    loop = asyncio.get_running_loop()
    doors = [socket.socket(fileno=os.dup(fileno)) for fileno in _listening(runner)]
    for site in list(runner.sites):
        await site.stop()
    await asyncio.sleep(0)  # the event loop lets nobody in any more, and the doors are open still
    for door in doors:
        with door:
            door.setblocking(False)
            last: list[socket.socket] = []
            try:
                while True:
                    last.append(door.accept()[0])
            except (BlockingIOError, OSError):
                door.close()  # without a pause, in which somebody could come
        for connection in last:
            await loop.connect_accepted_socket(runner.server, connection)


def _listening(runner: web.AppRunner) -> list[int]:
    servers = [getattr(site, "_server", None) for site in runner.sites]
    return [each.fileno() for server in servers if server is not None for each in server.sockets]

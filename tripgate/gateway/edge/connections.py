"""How many connections may be open, from one address and in all, and what was refused.

A connection takes a descriptor of the process, and an idle one costs whoever opened it nothing. So there is an end to
them before the operating system finds one: it would reset connections without a word, and take the files and the way
upstream along with the clients.
"""

import asyncio
import errno
import logging
import os
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiohttp import web

from gql.errors import ErrorCode
from tripgate.gateway.edge.http_error import HttpError
from tripgate.gateway.edge.request_handler import GatewayRequestHandler, json_response

_LOG_SECONDS = 10.0
_RESERVED = 64  # files, pipes, the log, Realtime
_FEWEST = 16
_PROBES = 16  # connections for health probes where all others are taken; of the reserved descriptors
_PROBES_PER_ADDRESS = 4
_PROBE_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_log = logging.getLogger("tripgate.connections")


class RefusalCounts:
    """Counts connections that were refused, by reason; logs the first of each, then one line in ten seconds at most.

    Attributes:
        counts: `address` and `process` for connections of any kind, `live-address` and `live-process` for WebSockets
            and event streams, `descriptors` for looks at which the process could open nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter(
            {"address": 0, "process": 0, "live-address": 0, "live-process": 0, "descriptors": 0}
        )
        self._clock = clock
        self._logged: dict[str, tuple[float, int]] = {}

    def add(self, reason: str, sentence: str) -> None:
        """One more.

        Args:
            sentence: What the log says of it, without any address.
        """
        self.counts[reason] += 1
        now, count = self._clock(), self.counts[reason]
        at, logged = self._logged.get(reason, (-_LOG_SECONDS, 0))
        if now - at >= _LOG_SECONDS:
            self._logged[reason] = now, count
            _log.warning("%s (%d more since the last of these lines)", sentence, count - logged)


class LiveConnections:
    """Bounds WebSockets and event streams.

    Args:
        per_address: How many of one address.
        most: How many in all.
    """

    def __init__(self, refusals: RefusalCounts, *, per_address: int, most: int) -> None:
        self._refusals = refusals
        self._per_address = per_address
        self._most = most
        self._of: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def one_more(self, address: str) -> Iterator[None]:
        """While one more is open.

        Raises:
            HttpError: There are too many: RATE_LIMITED from this address, OVERLOADED in all.
        """
        if self._of[address] >= self._per_address:
            self._refusals.add("live-address", "an address opens more WebSockets and event streams than it may")
            message = f"At most {self._per_address} live connections are open from one address. Close one first."
            raise HttpError(429, message, ErrorCode.RATE_LIMITED)
        if self._all >= self._most:
            self._refusals.add("live-process", "as many WebSockets and event streams are open as may be")
            raise HttpError(503, _FULL, ErrorCode.OVERLOADED, {"Retry-After": "1"})
        self._of[address] += 1
        self._all += 1
        try:
            yield
        finally:
            self._all -= 1
            self._of[address] -= 1
            if not self._of[address]:
                del self._of[address]


class Connections:
    """Bounds the connections of a server, before anything is read of them.

    Args:
        most: How many in all.
        per_address: How many of one address.
        exempt: Whether any number may come from there, as from a proxy that stands for all its clients.
        probes: Paths that are answered though all connections are taken: a few more connections may ask for them,
            one request each and at once, so that nobody ends a process for being busy.
    """

    def __init__(
        self,
        refusals: RefusalCounts,
        *,
        most: int,
        per_address: int,
        exempt: Callable[[str], bool],
        probes: frozenset[str] = frozenset(),
    ) -> None:
        self._refusals = refusals
        self._most = most
        self._per_address = min(per_address, max(1, most // 2))
        self._exempt = exempt
        self._of: Counter[str] = Counter()
        self._address_of: dict[Any, str] = {}
        self._probes = probes
        self._probing: dict[Any, tuple[str, asyncio.TimerHandle]] = {}

    def guard(self, server: web.Server) -> None:
        """Count the server's connections from now on, and refuse what is too much."""
        made, lost = server.connection_made, server.connection_lost

        def connection_made(handler: Any, transport: Any) -> None:
            made(handler, transport)
            peer = transport.get_extra_info("peername")
            self._open(handler, transport, peer[0] if isinstance(peer, tuple) else "")

        def connection_lost(handler: Any, exc: BaseException | None = None) -> None:
            lost(handler, exc)
            self._close(handler)

        # aiohttp has no place for this; its protocols call both on the server that made them.
        server.connection_made = connection_made  # type: ignore[method-assign]
        server.connection_lost = connection_lost  # type: ignore[method-assign]

    def _open(self, handler: Any, transport: Any, address: str) -> None:
        if len(self._address_of) >= self._most:
            if not self._open_for_probe(handler, transport, address):
                self._refuse_as_full(transport)
        elif self._of[address] >= self._per_address and not self._exempt(address):
            self._refusals.add("address", "an address opens more connections than it may")
            message = f"At most {self._per_address} connections are open from one address. Close one first."
            _refuse(transport, b"429 Too Many Requests", "RATE_LIMITED", message)
        else:
            self._of[address] += 1
            self._address_of[handler] = address

    def _open_for_probe(self, handler: Any, transport: Any, address: str) -> bool:
        of_address = sum(each == address for each, _ in self._probing.values())
        if not isinstance(handler, GatewayRequestHandler) or of_address >= _PROBES_PER_ADDRESS:
            return False
        if not self._probes or len(self._probing) >= _PROBES:
            return False
        silent = asyncio.get_running_loop().call_later(_PROBE_SECONDS, self._refuse_as_full, transport)

        def refuse() -> web.Response:
            self._count_full()
            error = {"message": _FULL, "extensions": {"code": ErrorCode.OVERLOADED.value}}
            return json_response(503, [error], **{"Retry-After": "1"})

        self._probing[handler] = address, silent
        handler.answer_only(self._probes, refuse, begun=silent.cancel)
        return True

    def _refuse_as_full(self, transport: Any) -> None:
        self._count_full()
        _refuse(transport, b"503 Service Unavailable", "OVERLOADED", _FULL)

    def _count_full(self) -> None:
        self._refusals.add("process", "as many connections are open as may be")

    def _close(self, handler: Any) -> None:
        if (probing := self._probing.pop(handler, None)) is not None:
            probing[1].cancel()
        address = self._address_of.pop(handler, None)
        if address is not None:
            self._of[address] -= 1
            if not self._of[address]:
                del self._of[address]


_FULL = "Too many connections are open here. Try again in a moment."


def _refuse(transport: Any, status: bytes, code: str, message: str) -> None:
    """Write a refusal and close the connection, without reading the request."""
    body = b'{"errors":[{"message":"%b","extensions":{"code":"%b"}}]}' % (message.encode(), code.encode())
    transport.write(
        b"HTTP/1.1 %b\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After: 1\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
    )
    transport.close()


def raise_descriptor_limit() -> int:
    """Let this process open as many files and sockets as it may; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # systems that know a lower bound than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


async def watch_descriptors(refusals: RefusalCounts) -> None:
    """Look for ever whether anything can be opened: loops are silent about the connections that they cannot accept."""
    while True:
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                refusals.add("descriptors", "no descriptor is left, so that connections are refused; raise `nofile`")
        await asyncio.sleep(_LOOK_SECONDS)


def room_for_clients(descriptors: int, upstream: int, most: int) -> int:
    """How many connections of clients a process has room for.

    Args:
        descriptors: What it may open.
        upstream: Connections to each of Supabase's parts.
        most: What the settings allow.
    """
    if descriptors == resource.RLIM_INFINITY:
        return most
    return min(most, max(_FEWEST, descriptors - 3 * upstream - _RESERVED))

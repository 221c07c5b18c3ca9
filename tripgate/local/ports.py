"""TCP ports on 127.0.0.1: free ones for the inner servers, a listening socket for the API port."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, TypeVar

from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
PORT_ATTEMPTS = 3
Started = TypeVar("Started")


def free_port(preferred: int | None = None) -> int:
    """A port that nobody uses now: the preferred one, if it is free."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise LocalStackError("This machine has no free TCP port on 127.0.0.1.")


def listen(port: int) -> socket.socket:
    """A socket that listens on this port (0: any free one). Raises LocalStackError if it is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise LocalStackError(
                f"Port {port} is in use by another program: stop it, or choose another with --api-port (0 for any)."
            ) from error
        raise LocalStackError(
            f"Port {port} cannot be used: {error.strerror}; choose another with --api-port."
        ) from error
    return listener


def on_free_port(start: Callable[[int], Started], preferred: int | None) -> Started:
    """Call `start` with a free port, and again with another if somebody else was faster to take it."""
    for attempt in range(PORT_ATTEMPTS):
        try:
            return start(free_port(preferred if attempt == 0 else None))
        except LocalStackError as error:
            if "ddress already in use" not in str(error) or attempt == PORT_ATTEMPTS - 1:
                raise
    raise AssertionError("the loop above returns or raises")

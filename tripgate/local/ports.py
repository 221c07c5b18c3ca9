"""TCP ports on 127.0.0.1: free ones for the inner servers, a listening socket for the API port."""

from __future__ import annotations

import errno
import socket

from tripgate.local.errors import LocalStackError

HOST = "127.0.0.1"


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

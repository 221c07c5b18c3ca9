"""Stands in front of one server process and stops it when the supervisor is gone.

Run as `python -I -S guard.py <JSON>`, with the standard library alone. The JSON object holds:

    argv      the server's command line
    control   file descriptor of a pipe whose other end only the supervisor holds
    keep      file descriptors that the server inherits
    log       file that takes the server's output
    user      [uid, gid] to run the server as, or null
    stop      [[signal name, seconds], …]: tried in turn, each for so many seconds, before SIGKILL; SIGQUIT to the guard
              skips them

The supervisor stops a server by closing the pipe. The kernel closes it too when the supervisor dies of anything,
SIGKILL included, so a server never outlives the process that wanted it. The guard ends with the server's exit code
(128 + n for a signal n). Other inherited descriptors, such as the lock of the data directory, stay open in the guard
and are closed in the server: whoever waits for the lock waits for every server to be gone.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the server to its end and return its exit code."""
    spec: dict[str, Any] = json.loads(sys.argv[1])
    control: int = spec["control"]

    # A signal only has to end the select below; what happened is then read from waitpid and from the pipe.
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    asked_to_stop: list[int] = []
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"):
        signal.signal(getattr(signal, name), lambda number, _: asked_to_stop.append(number))

    guard = os.getpid()
    server = os.fork()
    if server == 0:
        become_server(spec, guard)
    for descriptor in spec["keep"]:
        os.close(descriptor)

    while True:
        status = exit_code(server)
        if status is not None:
            break
        ready, _, _ = select.select([control, wake_read], [], [])
        drain(wake_read)
        if asked_to_stop or (control in ready and os.read(control, 1) == b""):
            status = stop(server, [] if signal.SIGQUIT in asked_to_stop else spec["stop"])
            break
    # Whatever the server left behind in its process group goes with it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(server, signal.SIGKILL)
    return status


def become_server(spec: dict[str, Any], guard: int) -> NoReturn:
    """In the forked child: take the server's place. Never returns."""
    try:
        os.setpgid(0, 0)
        for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGCHLD"):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        null = os.open(os.devnull, os.O_RDONLY)
        log = os.open(spec["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        for descriptor in spec["keep"]:
            os.set_inheritable(descriptor, True)
        close_all_except({0, 1, 2, *spec["keep"]})
        if spec["user"]:
            uid, gid = spec["user"]
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        die_with(guard)
        os.execv(spec["argv"][0], spec["argv"])  # noqa: S606 (that is the point)
    except BaseException as error:
        os.write(2, f"cannot start {spec['argv'][0]}: {error}\n".encode())
    finally:
        os._exit(127)


def close_all_except(wanted: set[int]) -> None:
    """Close every descriptor that this process may have inherited, but those."""
    start = 0
    for descriptor in [*sorted(wanted), os.sysconf("SC_OPEN_MAX")]:
        if start < descriptor:  # closerange(0, 0) would close everything
            os.closerange(start, min(descriptor, 65536))
        start = descriptor + 1


def die_with(guard: int) -> None:
    """Linux: let the kernel kill the server if even the guard is killed. Elsewhere only the pipe protects."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(127)


def stop(server: int, steps: list[tuple[str, float]]) -> int:
    """End the server with the signals of `steps`, then with SIGKILL. Returns its exit code."""
    for name, seconds in steps:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, getattr(signal, name))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = exit_code(server)
            if status is not None:
                return status
            time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server, signal.SIGKILL)
    _, status = os.waitpid(server, 0)
    return decode(status)


def exit_code(server: int) -> int | None:
    """The exit code of the server, or None while it runs."""
    pid, status = os.waitpid(server, os.WNOHANG)
    return decode(status) if pid else None


def decode(status: int) -> int:
    """waitpid's status as a shell would show it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def drain(descriptor: int) -> None:
    """Empty the wake-up pipe."""
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 512):
            pass


if __name__ == "__main__":
    sys.exit(main())

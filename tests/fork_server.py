"""A process that has loaded the embedded Supabase's own servers: tests' stacks fork theirs from it.

To load the front door and Realtime takes two thirds of what a stack takes to start, and a whole run starts some sixty.
What is forked runs the same modules under the same guard, with the same descriptors, environment and folder; what
`tripgate dev` starts is started as ever, and so is whatever this does not know.

The servers of one worker's stacks come from one such process, which ends with the worker.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from tripgate.local import guard, process

LOADED = ("tripgate.local.front_door", "tripgate.local.realtime.__main__", "tripgate.local.realtime.app")
FORKED = {"tripgate.local.front_door", "tripgate.local.realtime"}
_SIZE = 256 * 1024


class Forked:
    """A guard that was forked: as much of `subprocess.Popen` as the supervisor uses."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self._pid: int | None = None
        self._code: int | None = None

    @property
    def pid(self) -> int:
        """Its number, waited for until it is forked."""
        if self._pid is None:
            self._pid = self._next()
        return self._pid

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code once it has ended. Raises subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while self._code is None:
            left = None if until is None else max(0, until - time.monotonic())
            if not select.select([self._answers], [], [], left)[0]:
                raise subprocess.TimeoutExpired("guard", timeout or 0)
            if self._pid is None:
                self._pid = self._next()
            else:
                self._code = self._next()
                self._answers.close()
        return self._code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _next(self) -> int:
        said = self._answers.recv(64)
        assert said, "the process from which servers are forked has ended"
        return int(said)


class ForkServer:
    """The process, for whoever asks it for guards."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
                cwd=process.GUARD.parents[2],
                env=process.server_environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def close(self) -> None:
        """End it; what it has forked goes on until its supervisor ends it."""
        self._requests.close()
        self._process.wait()

    def start(self, spec: dict[str, Any], env: Mapping[str, str], descriptors: Sequence[int]) -> Forked:
        """What `start_guard` does."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            said = {"spec": spec, "env": dict(env), "cwd": os.getcwd(), "descriptors": list(descriptors)}
            socket.send_fds(self._requests, [json.dumps(said).encode()], [theirs.fileno(), *descriptors])
        return Forked(ours)


def install() -> Callable[[], None]:
    """Let the stacks of this process fork their servers, until what is returned is called."""
    as_ever = process.start_guard
    servers: list[ForkServer] = []

    def start_guard(spec: dict[str, Any], env: Mapping[str, str], descriptors: Sequence[int]) -> Any:
        argv = spec["argv"]
        if argv[:2] != [sys.executable, "-m"] or argv[2] not in FORKED or spec["user"] is not None:
            return as_ever(spec, env, descriptors)
        if not servers:
            servers.append(ForkServer())
        return servers[0].start(spec, env, descriptors)

    def remove() -> None:
        process.start_guard = as_ever
        while servers:
            servers.pop().close()

    process.start_guard = start_guard
    return remove


def _serve(requests: socket.socket) -> None:
    for module in LOADED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    answers: dict[int, socket.socket] = {}
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([requests, woken], [], [])
        if woken in ready:
            guard.drain(woken)
            _tell_of_the_ended(answers)
        if requests in ready:
            said, descriptors, _, _ = socket.recv_fds(requests, _SIZE, 16)
            if not said:
                return
            child = os.fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                _become_guard(json.loads(said), descriptors)
            answer = answers[child] = socket.socket(fileno=descriptors[0])
            for each in descriptors[1:]:
                os.close(each)
            answer.send(str(child).encode())


def _tell_of_the_ended(answers: dict[int, socket.socket]) -> None:
    while answers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        # Perhaps nobody asks any more.
        with answers.pop(pid) as answer, contextlib.suppress(BrokenPipeError):
            answer.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become_guard(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """In the fork: be what `guard.py` is, with the descriptors where the supervisor has them."""
    code = 1
    try:
        os.setsid()
        os.chdir(request["cwd"])
        wanted = request["descriptors"]
        # First out of the way of those whose places they take.
        above = max([*wanted, *descriptors]) + 1
        moved = [os.dup2(each, above + place) for place, each in enumerate(descriptors[1:])]
        for each, place in zip(moved, wanted, strict=True):
            os.dup2(each, place)
        guard.close_all_except({0, 1, 2, *wanted})
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = [str(process.GUARD), json.dumps(request["spec"])]
        os.execv = _run_module  # type: ignore[assignment]
        code = guard.main()
    finally:
        os._exit(code)


def _run_module(_: str, argv: list[str]) -> NoReturn:
    """In the server: what Python does of `python -m …`, in place of starting it."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = argv[2:]
        # The module itself runs anew; what it imports is there.
        for name in (argv[2], f"{argv[2]}.__main__"):
            if not hasattr(sys.modules.get(name), "__path__"):
                sys.modules.pop(name, None)
        runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))

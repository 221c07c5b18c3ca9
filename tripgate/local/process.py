"""Supervised processes: each server runs behind a guard (`guard.py`) and never outlives this process.

Takes command lines; gives `ServerProcess` objects that can be polled, awaited and stopped; output goes to
`<logs>/<name>.log`. Refuses nothing itself: a server that ends while it is awaited raises LocalStackError with the
last lines of its log.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tripgate.local.system_user import SystemUser

GUARD = Path(__file__).with_name("guard.py")
TERMINATE: tuple[tuple[str, float], ...] = (("SIGTERM", 5.0),)
POLL_SECONDS = 0.02


class ServerProcess:
    """One running server. `terminate` asks it to end, `wait` collects its exit code."""

    def __init__(self, name: str, guard: subprocess.Popen[bytes], control: int, log: Path) -> None:
        self.name = name
        self.log = log
        self._guard = guard
        self._control: int | None = control

    @property
    def pid(self) -> int:
        """The id of the guard, below which the server and all that it started are."""
        return self._guard.pid

    def poll(self) -> int | None:
        """The exit code (128 + n for a signal n), or None while the server runs."""
        return self._guard.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        return self._guard.wait(timeout)

    def terminate(self) -> None:
        """Ask the server to end. Returns at once; the guard kills it if it does not listen."""
        if self._control is not None:
            os.close(self._control)
            self._control = None

    def stop(self) -> int:
        """End the server and return its exit code."""
        self.terminate()
        return self.wait()

    def kill(self) -> int:
        """End the server with SIGKILL, as a crash would, and return its exit code."""
        self._guard.send_signal(signal.SIGQUIT)
        code = self.wait()
        self.terminate()
        return code

    def last_lines(self, count: int = 12) -> str:
        """The end of the server's log, for an error message."""
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(f"  {line}" for line in text.splitlines()[-count:])


def start_guard(spec: dict[str, Any], env: Mapping[str, str], descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start the guard of a server, which keeps these descriptors; `spec` is described in `guard.py`."""
    # A session of its own keeps the terminal's Ctrl-C away: the supervisor alone decides the order of the end.
    return subprocess.Popen(  # noqa: S603 (own command line)
        [sys.executable, "-I", "-S", str(GUARD), json.dumps(spec)],
        env=env,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=descriptors,
    )


class Supervisor:
    """Starts servers in order and stops them in the reverse order."""

    def __init__(self, logs: Path, lock: int) -> None:
        """`lock` is the descriptor of the data directory's lock; the guards keep it open until they end."""
        self._logs = logs
        self._lock = lock
        self._processes: list[ServerProcess] = []

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        user: SystemUser | None = None,
        stop: Sequence[tuple[str, float]] = TERMINATE,
        keep: Sequence[int] = (),
        append: bool = False,
    ) -> ServerProcess:
        """Start a server. `keep` are descriptors for it; `stop` are signals with the seconds to wait after each.
        Its log begins anew unless it is to `append`.

        Without `env` it gets ours, but for libpq's and PostgREST's variables, which would override what we tell it.
        """
        self._logs.mkdir(exist_ok=True)
        log = self._logs / f"{name}.log"
        if not append:
            log.write_bytes(b"")
        control_read, control_write = os.pipe()
        spec = {
            "argv": list(argv),
            "control": control_read,
            "keep": list(keep),
            "log": str(log),
            "user": [user.uid, user.gid] if user else None,
            "stop": list(stop),
        }
        try:
            own = server_environment() if env is None else dict(env)
            guard = start_guard(spec, own, [control_read, self._lock, *keep])
        except BaseException:
            os.close(control_write)
            raise
        finally:
            os.close(control_read)
        process = ServerProcess(name, guard, control_write, log)
        self._processes.append(process)
        return process

    def wait_first(self) -> tuple[str, int]:
        """Wait until a server ends on its own; returns its name and exit code."""
        while (ended := self.ended()) is None:
            time.sleep(0.1)
        return ended

    def ended(self) -> tuple[str, int] | None:
        """Name and exit code of a server that has ended on its own, if one has."""
        for process in self._processes:
            code = process.poll()
            if code is not None:
                return process.name, code
        return None

    def stop_first(self, process: ServerProcess) -> None:
        """Let this server be stopped before all that were started until now."""
        self._processes.remove(process)
        self._processes.append(process)

    def stop_last(self, process: ServerProcess) -> None:
        """Let this server be stopped after all that were started until now."""
        self._processes.remove(process)
        self._processes.insert(0, process)

    def forget(self, process: ServerProcess) -> None:
        """Stop one server and watch it no more."""
        process.stop()
        self._processes.remove(process)

    def find(self, name: str) -> ServerProcess | None:
        """The server of this name, unless it was stopped or never started."""
        return next((process for process in self._processes if process.name == name), None)

    def kill(self, process: ServerProcess) -> None:
        """End one server as a crash would, and watch it no more."""
        self._processes.remove(process)
        process.kill()

    def stop(self) -> None:
        """Stop every server, the last one first."""
        while self._processes:
            self._processes.pop().stop()


def server_environment() -> dict[str, str]:
    """This process's environment without PGHOST, PGRST_DB_URI and the like, in a locale that every system has."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "C",
        "PYTHONUNBUFFERED": "1",
    }


def wait_until(ready: Callable[[], bool], process: ServerProcess, *, seconds: float, what: str) -> None:
    """Poll `ready` until it holds. Raises LocalStackError when the server ends first or `seconds` pass."""
    deadline = time.monotonic() + seconds
    while not ready():
        code = process.poll()
        if code is not None:
            raise LocalStackError(f"{what} stopped while starting (exit code {code}):\n{process.last_lines()}")
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"{what} was not ready after {seconds:.0f} s; see {process.log}:\n{process.last_lines()}"
            )
        time.sleep(POLL_SECONDS)

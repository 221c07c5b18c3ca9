"""CPU time of process trees and of the whole machine, in seconds."""

import contextlib
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil


@dataclass(frozen=True)
class Tree:
    """A process and all that descends from it, the ended ones included."""

    pid: int

    @classmethod
    def serving(cls, url: str) -> "Tree":
        """The tree of the server that listens at a URL, found among this process's descendants.

        Each server has a guard process for a parent, which sleeps and is not counted. Of several workers any may be
        found, and the tree is that of all.

        Raises:
            LookupError: None listens there.
        """
        port = urlsplit(url).port
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if any(
                    connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
                    for connection in process.net_connections("tcp")
                ):
                    return cls(_below_guard(process).pid)
        raise LookupError(f"No process of this benchmark listens at {url}.")

    @classmethod
    def running(cls, module: str) -> "Tree":
        """The tree of the process that runs a module, found among this process's descendants.

        Raises:
            LookupError: None runs it.
        """
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                command = process.cmdline()
                if "-m" in command[:-1] and command[command.index("-m") + 1].startswith(module):
                    return cls(process.pid)
        raise LookupError(f"No process of this benchmark runs {module}.")

    def resident(self) -> int:
        """Bytes of memory that the process itself holds now."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def seconds(self) -> float:
        """CPU time used so far, of user and system together; grows only."""
        root = psutil.Process(self.pid)
        total = 0.0
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                # `children_…` is that of children who have ended, on systems that keep it.
                times = process.cpu_times()
                total += _precise(process.pid) or times.user + times.system
                total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return total


def _precise(pid: int) -> float | None:
    """The CPU time of a process in nanoseconds' steps, where Linux tells it; `cpu_times` has steps of 10 ms."""
    if sys.platform != "linux":
        return None
    try:
        # The id of the process's CPU clock, as clock_getcpuclockid(3) makes it.
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


def _below_guard(process: psutil.Process) -> psutil.Process:
    """The ancestor that the guard started; the process itself where there is no guard."""
    for ancestor in (process, *process.parents()):
        above = ancestor.parent()
        if above is not None and any(part.endswith("guard.py") for part in above.cmdline()):
            return ancestor
    return process


def machine_seconds() -> float:
    """CPU time that this machine has spent on anything since it started, waiting for input and output left out."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - sum(getattr(times, name, 0.0) for name in ("iowait", "guest", "guest_nice")))

"""CPU time of process trees and of the whole machine, in seconds."""

import contextlib
import sys
import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Tree:
    """A process and, unless it is meant alone, all that descends from it, the ended ones included."""

    pid: int
    alone: bool = False

    def pids(self) -> list[int]:
        """Those that run, the first of all first."""
        below = [] if self.alone else psutil.Process(self.pid).children(recursive=True)
        return [self.pid, *(each.pid for each in below)]

    def resident(self) -> int:
        """Bytes of memory that the greatest of its processes holds now."""
        return max(int(psutil.Process(pid).memory_info().rss) for pid in self.pids())

    def seconds(self) -> float:
        """CPU time used so far, of user and system together; grows only."""
        total = 0.0
        for pid in self.pids():
            with contextlib.suppress(psutil.NoSuchProcess):
                # `children_…` is that of children who have ended, on systems that keep it.
                times = psutil.Process(pid).cpu_times()
                total += _precise(pid) or times.user + times.system
                if not self.alone:
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


def machine_seconds() -> float:
    """CPU time that this machine has spent on anything since it started, waiting for input and output left out."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - sum(getattr(times, name, 0.0) for name in ("iowait", "guest", "guest_nice")))

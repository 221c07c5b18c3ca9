"""What the operating system says of this process, under the names that Prometheus' own clients use."""

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

_STATM = Path("/proc/self/statm")
_DESCRIPTORS = Path("/proc/self/fd")


class Process:
    """CPU, memory and descriptors. Where several processes serve together, `pid` tells memory and descriptors apart."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._cpu = Counter("process_cpu_seconds", "CPU time, of user and system.", registry=registry)
        self._memory = _gauge(registry, "process_resident_memory_bytes", "Memory that is resident.")
        self._open = _gauge(registry, "process_open_fds", "Open files and sockets.")
        self._most_open = _gauge(registry, "process_max_fds", "How many files and sockets may be open.")
        self._started = _gauge(registry, "process_start_time_seconds", "When it began, in seconds since 1970.")
        self._started.set(time.time())
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._seen = 0.0

    def sample(self) -> None:
        """Read the numbers."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        now = used.ru_utime + used.ru_stime
        self._cpu.inc(max(0.0, now - self._seen))
        self._seen = now
        self._most_open.set(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        with suppress(OSError):  # not Linux, or no descriptor is left to look with
            self._memory.set(int(_STATM.read_text().split()[1]) * self._page)
            self._open.set(len(os.listdir(_DESCRIPTORS)))


def _gauge(registry: CollectorRegistry, name: str, words: str) -> Gauge:
    return Gauge(name, words, registry=registry, multiprocess_mode="liveall")

"""Several processes behind one port: a parent that starts them, starts anew what fails, and stops them all.

Each worker is a gateway of its own and listens for itself (`SO_REUSEPORT`), so the kernel spreads connections and
nothing stands in between. What they must share, they share as replicas do: over Redis, or not at all.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable

from prometheus_client.multiprocess import mark_process_dead

from tripgate.gateway.settings import Settings

READY = "Tripgate serving: "
_METRICS = "PROMETHEUS_MULTIPROC_DIR"
_LONGEST_PAUSE = 10.0
_STEADY_SECONDS = 30.0
_LAST_WORDS = 5.0
_log = logging.getLogger("tripgate.workers")


class WorkerFailedError(Exception):
    """A worker did not come up; it has said why itself. `code` is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a worker ended with {code} before it served")
        self.code = code


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve with `settings.workers` processes until SIGINT or SIGTERM, then let running requests end.

    Args:
        announce: Called with the address once all listen.

    Raises:
        WorkerFailedError: One did not start.
        OSError: The address is taken.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with _reserved(settings.host, settings.port) as port, tempfile.TemporaryDirectory(prefix="tripgate-") as folder:
        # While this end is open the workers know that they have a parent; the kernel closes it, whatever happens here.
        theirs, ours = os.pipe()
        environment = {**os.environ, "TRIPGATE_PORT": str(port)}
        environment.setdefault(_METRICS, folder)
        workers = [_Worker(number, environment, theirs) for number in range(1, settings.workers + 1)]
        running: list[asyncio.Task[None]] = []
        try:
            await asyncio.gather(*(worker.start() for worker in workers))
            announce(workers[0].address)
            running = [asyncio.create_task(worker.keep(stopping)) for worker in workers]
            await stopping.wait()
            _log.info("stopping %d workers: running requests may end", len(workers))
        finally:
            for task in running:
                task.cancel()
            seconds = settings.drain_seconds + settings.shutdown_timeout + _LAST_WORDS
            await asyncio.gather(*(worker.stop(seconds) for worker in workers))
            os.close(ours)
            os.close(theirs)


class _Worker:
    """One of the processes; it is started again when it ends."""

    def __init__(self, number: int, environment: dict[str, str], parent: int) -> None:
        self._number = number
        self._environment = environment
        self._parent = parent
        self._process: asyncio.subprocess.Process | None = None
        self.address = ""

    async def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            WorkerFailedError: It ended instead.
        """
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tripgate", "serve", "--worker-of", str(self._parent)),
            env=self._environment,
            pass_fds=(self._parent,),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            # A Ctrl-C in a terminal is for the parent, which tells the workers.
            start_new_session=True,
        )
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        while line := (await process.stdout.readline()).decode():
            if line.startswith(READY):
                self.address = line.removeprefix(READY).strip()
                return
        raise WorkerFailedError(await process.wait())

    async def keep(self, stopping: asyncio.Event) -> None:
        """Start it anew whenever it ends by itself; the sooner it does, the longer the pause before."""
        pause = 0.0
        while True:
            assert self._process is not None  # noqa: S101 - it has started
            began = time.monotonic()
            code = await self._process.wait()
            if stopping.is_set():
                return
            mark_process_dead(self._process.pid, self._environment[_METRICS])  # type: ignore[no-untyped-call]
            pause = 0.0 if time.monotonic() - began > _STEADY_SECONDS else min(_LONGEST_PAUSE, pause * 2 + 0.1)
            _log.error("worker %d ended with %d; starting it anew in %.1f s", self._number, code, pause)
            await asyncio.sleep(pause)
            try:
                await self.start()
            except (WorkerFailedError, OSError) as error:
                _log.error("worker %d did not come back: %s", self._number, error)

    async def stop(self, seconds: float) -> None:
        """Let it end; after so many seconds, end it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            _log.error("worker %d does not end; it is killed", self._number)
            process.kill()
            await process.wait()


class _reserved:  # noqa: N801 - a context manager, used like a function
    """A port that is ours but that nobody listens on yet: every worker will, and a stranger cannot."""

    def __init__(self, host: str, port: int) -> None:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            # First without sharing: a gateway that listens there already would otherwise get half of the connections.
            with socket.socket(family, socket.SOCK_STREAM) as alone:
                alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                alone.bind(address)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._socket.bind(address)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> int:
        return int(self._socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._socket.close()

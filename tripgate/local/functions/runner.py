"""Runs functions on Deno: one process each, started at its first call, and anew after a crash or a change of the code.

Takes the project's functions and the environment that the platform would give them; gives the address of a running
function. Packages are fetched beforehand, with this machine's own settings; the function itself then runs with nothing
of this machine's environment and may fetch no code.

`edge_runtime.ts` is loaded before a function: the platform's limits, and work behind an answer. A process that takes no
more requests, since one of its own is old or its code has changed, goes on beside the new one until it ends by itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tripgate.local import binaries, ports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tripgate.local.functions.settings import FunctionLimits
    from tripgate.local.process import ServerProcess, Supervisor

START_SECONDS = 30.0
POLL_SECONDS = 0.02
SOURCES = ("*.ts", "*.js", "*.json", "*.lock")
EDGE_RUNTIME = Path(__file__).with_name("edge_runtime.ts")

log = logging.getLogger(__name__)


class BootError(Exception):
    """A function ended while it started, or did not come to listen; the message is the end of its log."""


@dataclass(frozen=True)
class _Running:
    """A process. At `open_port` one can connect while it takes new requests."""

    process: ServerProcess
    port: int
    open_port: int
    version: int

    @property
    def base(self) -> str:
        return f"http://{ports.HOST}:{self.port}"


class Runner:
    """The processes of one project's functions.

    Args:
        directory: `supabase/functions`; a change of any source below it starts every function anew at its next call.
        environment: What functions find in their environment.
    """

    def __init__(
        self, directory: Path, environment: Mapping[str, str], limits: FunctionLimits, supervisor: Supervisor
    ) -> None:
        self._directory = directory
        self._environment = environment
        self._limits = limits
        self._supervisor = supervisor
        self._running: dict[str, _Running] = {}
        self._ending: list[_Running] = []
        self._starting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._started: set[str] = set()
        self._stopped = False

    async def address(self, name: str, entrypoint: Path) -> str:
        """Where the function listens, once it does. Raises BootError."""
        async with self._starting[name]:
            if self._stopped:
                raise BootError("The stack is being stopped.")
            version = self._version()
            running = self._running.get(name)
            if running is None or running.version != version or not await _listens(running.open_port):
                if running is not None:
                    del self._running[name]
                    await self._let_end(running, changed=running.version != version)
                running = self._running[name] = await self._start(name, entrypoint, version)
            return running.base

    async def kill(self, name: str, base: str, request_id: str) -> None:
        """End the process at this address, which listens to nothing any more, not even to the end of its time."""
        async with self._starting[name]:
            found = [*self._ending, *filter(None, [self._running.get(name)])]
            running = next((each for each in found if each.base == base), None)
            if running is None:
                return  # another request has seen to it
            if running in self._ending:
                self._ending.remove(running)
            else:
                del self._running[name]
            limit = f"{self._limits.wall_seconds:g} s"
            line = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "level": "error",
                "function": name,
                "request_id": request_id,
                "message": f"was killed, since it kept the processor busy for more than {limit}",
            }
            with running.process.log.open("a", encoding="utf-8") as log_file:
                log_file.write(json.dumps(line) + "\n")
            await asyncio.to_thread(self._supervisor.kill, running.process)

    async def stop(self) -> None:
        """End every function, all at once; each may end what it has begun."""
        self._stopped = True
        for running in (*self._running.values(), *self._ending):
            running.process.terminate()
        await asyncio.to_thread(self._supervisor.stop)

    async def _let_end(self, running: _Running, *, changed: bool) -> None:
        """See to a process that is not asked any more, without a wait for what it has begun."""
        if changed:
            running.process.terminate()
        ended = [each for each in self._ending if each.process.poll() is not None]
        self._ending = [running, *(each for each in self._ending if each not in ended)]
        for each in ended:
            await asyncio.to_thread(self._supervisor.forget, each.process)

    async def _start(self, name: str, entrypoint: Path, version: int) -> _Running:
        home = binaries.user_cache() / "deno"
        await self._fetch_packages(entrypoint, home)
        port, open_port = ports.free_port(), ports.free_port()
        process = self._supervisor.start(
            f"function_{name}",
            [
                *(str(binaries.deno()), "run", "--no-prompt", "--cached-only"),
                # What the platform allows.
                *("--allow-net", "--allow-env", "--allow-sys", f"--allow-read={self._directory}"),
                *("--preload", str(EDGE_RUNTIME)),
                str(entrypoint),
            ],
            env={
                **self._environment,
                "DENO_DIR": str(home),
                "DENO_NO_UPDATE_CHECK": "1",
                "DENO_SERVE_ADDRESS": f"tcp:{ports.HOST}:{port}",
                "NO_COLOR": "1",
                "TRIPGATE_EDGE_RUNTIME": json.dumps(
                    {"name": name, "open_port": open_port, **self._limits.model_dump()}
                ),
            },
            # What an earlier process of this stack had to say is kept, and a later one may still be written by it.
            append=name in self._started,
        )
        self._started.add(name)
        try:
            await _until_listening(process, port)
        except BaseException:
            await asyncio.to_thread(self._supervisor.forget, process)
            raise
        log.info("function %s listens on port %d", name, port)
        return _Running(process, port, open_port, version)

    async def _fetch_packages(self, entrypoint: Path, home: Path) -> None:
        fetch = await asyncio.create_subprocess_exec(
            *(str(binaries.deno()), "install", "--quiet", "--entrypoint", str(entrypoint)),
            cwd=entrypoint.parent,
            env={**os.environ, "DENO_DIR": str(home), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await fetch.communicate()
        if fetch.returncode != 0:
            raise BootError(output.decode(errors="replace").strip())

    def _version(self) -> int:
        """A number that differs once any source has changed, come or gone."""
        files = [file for pattern in SOURCES for file in self._directory.rglob(pattern)]
        return hash(tuple(sorted((str(file), file.stat().st_mtime_ns) for file in files)))


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(ports.HOST, port)
    except OSError:
        return False
    writer.close()
    return True


async def _until_listening(process: ServerProcess, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not await _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BootError(process.last_lines())
        await asyncio.sleep(POLL_SECONDS)

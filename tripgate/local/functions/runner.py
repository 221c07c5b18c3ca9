"""Runs functions on Deno: one process each, started at its first call, and anew after a crash or a change of the code.

Takes the project's functions and the environment that the platform would give them; gives the address of a running
function. Packages are fetched beforehand, with this machine's own settings; the function itself then runs with nothing
of this machine's environment and may fetch no code.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tripgate.local import binaries, ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tripgate.local.process import ServerProcess, Supervisor

START_SECONDS = 30.0
POLL_SECONDS = 0.02
SOURCES = ("*.ts", "*.js", "*.json", "*.lock")

log = logging.getLogger(__name__)


class BootError(Exception):
    """A function ended while it started, or did not come to listen; the message is the end of its log."""


@dataclass(frozen=True)
class _Running:
    process: ServerProcess
    port: int
    version: int


class Runner:
    """The processes of one project's functions.

    Args:
        directory: `supabase/functions`; a change of any source below it starts every function anew at its next call.
        environment: What functions find in their environment.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], supervisor: Supervisor) -> None:
        self._directory = directory
        self._environment = environment
        self._supervisor = supervisor
        self._running: dict[str, _Running] = {}
        self._starting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def address(self, name: str, entrypoint: Path) -> str:
        """Where the function listens, once it does. Raises BootError."""
        async with self._starting[name]:
            version = self._version()
            running = self._running.get(name)
            if running is None or running.version != version or not await _listens(running.port):
                if running is not None:
                    del self._running[name]
                    await asyncio.to_thread(self._supervisor.forget, running.process)
                running = self._running[name] = await self._start(name, entrypoint, version)
            return f"http://{ports.HOST}:{running.port}"

    async def stop(self) -> None:
        """End every function."""
        await asyncio.to_thread(self._supervisor.stop)

    async def _start(self, name: str, entrypoint: Path, version: int) -> _Running:
        home = binaries.user_cache() / "deno"
        await self._fetch_packages(entrypoint, home)
        port = ports.free_port()
        process = self._supervisor.start(
            f"function_{name}",
            [
                *(str(binaries.deno()), "run", "--no-prompt", "--cached-only"),
                # What the platform allows.
                *("--allow-net", "--allow-env", "--allow-sys", f"--allow-read={self._directory}"),
                str(entrypoint),
            ],
            env={
                **self._environment,
                "DENO_DIR": str(home),
                "DENO_NO_UPDATE_CHECK": "1",
                "DENO_SERVE_ADDRESS": f"tcp:{ports.HOST}:{port}",
                "NO_COLOR": "1",
            },
        )
        try:
            await _until_listening(process, port)
        except BaseException:
            await asyncio.to_thread(self._supervisor.forget, process)
            raise
        log.info("function %s listens on port %d", name, port)
        return _Running(process, port, version)

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

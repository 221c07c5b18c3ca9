"""`/storage/v1` at the front door: starts the Storage process at the first request, and anew after it ended, and passes
requests on to it; says that Storage is down where it does not start."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sys
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from tripgate.local import ports, proxy
from tripgate.local.auth.context import AUTHORIZATION
from tripgate.local.data_dir import write_private
from tripgate.local.storage.config import StorageConfig
from tripgate.local.storage.links import BrokenError, RequestError
from tripgate.local.storage.passing import Passing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tripgate.local.front_door_config import FrontDoorConfig
    from tripgate.local.process import ServerProcess, Supervisor

PREFIX = "/storage/v1"
NAME = "storage"
START_SECONDS = 60.0
POLL_SECONDS = 0.02
DOWN = {"statusCode": "503", "error": "Service Unavailable", "message": "Storage is not running"}

log = logging.getLogger(__name__)


class Starter:
    """The Storage process: there once somebody asked for it."""

    def __init__(self, config: FrontDoorConfig, supervisor: Supervisor) -> None:
        self._config = config
        self._supervisor = supervisor
        self._process: ServerProcess | None = None
        self._port = 0
        self.secret = secrets.token_urlsafe(32)
        self._lock = asyncio.Lock()

    async def port(self, session: aiohttp.ClientSession) -> int | None:
        """The port where Storage listens, once it does; None where it does not start."""
        if self._process is None or self._process.poll() is not None:
            async with self._lock:
                if self._process is None or self._process.poll() is not None:
                    await self._start(session)
        return None if self._process is None else self._port

    async def stop(self) -> None:
        """End the process."""
        await asyncio.to_thread(self._supervisor.stop)

    async def _start(self, session: aiohttp.ClientSession) -> None:
        if self._process is not None:
            log.error("Storage ended and is started anew; see %s", self._process.log)
            await asyncio.to_thread(self._supervisor.forget, self._process)
            self._process = None
        self._port = ports.free_port(self._port or None)
        config = StorageConfig(
            port=self._port,
            secret=self.secret,
            database_url=self._config.storage_database_url,
            signer=self._config.signer,
            directory=self._config.storage_directory,
            settings=self._config.storage,
        )
        file: Path = self._config.storage_config_file
        write_private(file, config.model_dump_json(indent=2))
        process = self._supervisor.start(NAME, [sys.executable, "-m", "tripgate.local.storage", "--config", str(file)])
        if await self._answers(session, process):
            self._process = process
        else:
            log.error("Storage does not start:\n%s", process.last_lines())
            await asyncio.to_thread(self._supervisor.forget, process)

    async def _answers(self, session: aiohttp.ClientSession, process: ServerProcess) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        while process.poll() is None and loop.time() < deadline:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://{ports.HOST}:{self._port}/health") as answer:
                    return answer.ok
            await asyncio.sleep(POLL_SECONDS)
        return False


STARTER = web.AppKey("storage_starter", Starter)


def add_to(app: web.Application, config: FrontDoorConfig, supervisor: Supervisor) -> None:
    """Serve Storage's paths."""
    starter = app[STARTER] = Starter(config, supervisor)
    passing = Passing(config.storage_directory)
    sessions: list[aiohttp.ClientSession] = []

    async def running(_: web.Application) -> AsyncIterator[None]:
        sessions.append(proxy.new_session())
        yield
        passing.close()
        await starter.stop()
        await sessions.pop().close()

    async def pass_on(request: web.Request) -> web.StreamResponse:
        if not request.raw_path.startswith(PREFIX):
            return proxy.no_such_path(PREFIX)
        port = await starter.port(sessions[0])
        if port is None:
            return web.json_response(DOWN, status=503)
        try:
            return await passing.forward(
                request, port=port, secret=starter.secret, prefix=PREFIX, authorization=request.get(AUTHORIZATION)
            )
        except RequestError:
            return proxy.no_such_path(PREFIX)
        except BrokenError as error:
            log.warning("%s %s: %s", request.method, PREFIX, error)
            return web.json_response(DOWN, status=503)

    app.cleanup_ctx.append(running)
    app.router.add_route("*", PREFIX + proxy.BELOW, pass_on)

"""`tripgate serve` as a process of its own, and a proxy that counts what it joins."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

import aiohttp
from aiohttp import web

from tripgate.local.postgrest import POOL
from tripgate.local.stack import StackInfo


class Served:
    """A running `tripgate serve`."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def stop(self) -> None:
        """Send SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    async def exit_code(self, seconds: float) -> int:
        """The exit code, once it has ended."""
        return await asyncio.wait_for(self._process.wait(), seconds)


def errors_to(log: Path | None) -> BinaryIO:
    """Where a process writes its standard error: this file, or nowhere."""
    return Path(os.devnull if log is None else log).open("wb")


@asynccontextmanager
async def served(
    info: StackInfo, *, program: Sequence[str] = ("-m", "tripgate"), log: Path | None = None, **settings: str
) -> AsyncIterator[Served]:
    """The gateway over this stack; `settings` are environment variables without TRIPGATE_.

    Args:
        program: What Python runs.
        log: Where its standard error goes.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "TRIPGATE_"))}
    given = {"REST_URL": info.rest_url, "PORT": "0", "RATE_LIMITS": "false", "UPSTREAM_POOL": str(POOL), **settings}
    with errors_to(log) as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *program, "serve"),
            env={
                **inherited,
                "SUPABASE_URL": info.api_url,
                "SUPABASE_PUBLISHABLE_KEY": info.publishable_key,
                "PYTHONUNBUFFERED": "1",
                **{f"TRIPGATE_{name}": value for name, value in given.items()},
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        assert line.startswith("Tripgate serving: "), line
        yield Served(process, line.split()[-1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class RealtimeProxy:
    """A proxy in front of Realtime that keeps who has come, and the topics which are joined."""

    def __init__(self, info: StackInfo) -> None:
        self._target = f"{info.api_url}/realtime/v1"
        self.topics: list[str] = []
        self.clients: list[web.WebSocketResponse] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_get("/websocket", self._pass_on)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        async with self._session.ws_connect(self._target + request.path_qs, compress=0) as upstream:
            client = web.WebSocketResponse(compress=False)
            await client.prepare(request)
            self.clients.append(client)

            async def answers() -> None:
                with suppress(ConnectionResetError):  # whoever is killed takes no more
                    async for message in upstream:
                        await client.send_str(message.data)
                await client.close()

            answering = asyncio.create_task(answers())
            with suppress(ConnectionResetError):
                async for message in client:
                    said: dict[str, Any] = json.loads(message.data)
                    if said["event"] == "phx_join":
                        self.topics.append(said["topic"])
                    await upstream.send_str(message.data)
            answering.cancel()
            return client

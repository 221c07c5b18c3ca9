"""Several processes that send messages at once, each with a token of its own, by which the phone knows them apart."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import psutil

from tripgate.local.functions.runner import Runner
from tripgate.local.functions.settings import FunctionLimits
from tripgate.local.process import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tripgate.local.stack import StackInfo

NAME = "send-whatsapp-message"


@dataclass
class Worker:
    token: str
    base: str
    http: aiohttp.ClientSession
    key: str

    async def ring(self) -> dict[str, Any] | None:
        """Have it do what is due; what became of that, or None where it died over it."""
        with suppress(aiohttp.ClientError):
            async with self.http.post(
                f"{self.base}/{NAME}", json={"wait": True}, headers={"apikey": self.key}
            ) as answer:
                assert answer.status == 200, await answer.text()
                return dict(await answer.json())
        return None

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal, such as that of kill -9."""
        for each in psutil.Process(os.getpid()).children(recursive=True):
            with suppress(psutil.Error):
                if "--preload" in each.cmdline() and each.environ().get("WHATSAPP_ACCESS_TOKEN") == self.token:
                    each.send_signal(number)


@asynccontextmanager
async def workers(
    tokens: list[str],
    info: StackInfo,
    functions: Path,
    settings: Mapping[str, str],
    http: aiohttp.ClientSession,
    logs: Path,
) -> AsyncIterator[list[Worker]]:
    """One that runs for each token."""
    lock = os.open(logs, os.O_RDONLY)
    async with AsyncExitStack() as stack:
        stack.callback(os.close, lock)

        async def start(token: str) -> Worker:
            environment = {
                **settings,
                "WHATSAPP_ACCESS_TOKEN": token,
                "WHATSAPP_API_VERSION": "v26.0",
                "SUPABASE_URL": info.api_url,
                "SUPABASE_SECRET_KEYS": json.dumps({"default": info.secret_key}),
                "SUPABASE_PUBLISHABLE_KEYS": json.dumps({"default": info.publishable_key}),
            }
            runner = Runner(functions, environment, FunctionLimits(cpu_seconds=600), Supervisor(logs / token, lock))
            stack.push_async_callback(runner.stop)
            base = await runner.address(NAME, functions / NAME / "index.ts")
            return Worker(token, base, http, info.secret_key)

        yield list(await asyncio.gather(*(start(token) for token in tokens)))

"""The house of the faked services with the courier in it, on a port of its own, and one who hears its webhooks."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from tests.local.providers.courier import COURIER
from tripgate.local.ports import listen
from tripgate.local.providers import routes
from tripgate.local.providers.house import House

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tripgate.local.providers.provider import Provider

SECRET_KEY = "sb_secret_of_this_project"


@dataclass
class Heard:
    """What the receiver of webhooks was told, and what it answers to the next ones; 200 behind those."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.requests]


@dataclass
class Served:
    """A house that answers at `url`."""

    url: str
    house: House
    http: aiohttp.ClientSession

    async def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """What control answers, with the right key."""
        async with self.http.request(
            method, f"{self.url}/providers/control/{path}", json=body, headers={"apikey": SECRET_KEY}
        ) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return await answer.json() if text else None

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """What the courier answers."""
        async with self.http.request(method, f"{self.url}/providers/courier{path}", **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def letter(self, heard: Heard, to: str = "Ada") -> int:
        """The number of a new letter."""
        status, letter = await self.ask("POST", "/letters", json={"to": to, "hook": heard.url})
        assert status == 201
        return int(letter["id"])

    async def ledger(self, query: str = "") -> list[dict[str, Any]]:
        return list((await self.control("GET", f"ledger{query}"))["entries"])


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    sock = listen(0)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def house_of(providers: Sequence[Provider]) -> AsyncIterator[Served]:
    """A house with these, on a port of its own."""
    sock = listen(0)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    house = House(url, providers)
    app = web.Application(middlewares=[routes.only_by_its_names(())], client_max_size=1024**2)
    routes.add_to(app, house, SECRET_KEY)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Served(url, house, http)
    finally:
        await runner.cleanup()


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Served]:
    async with house_of([COURIER]) as served:
        yield served


@pytest.fixture
async def served(shared: Served) -> Served:
    """The house, as at the start."""
    await shared.house.reset()
    return shared


@pytest.fixture
async def heard() -> AsyncIterator[Heard]:
    heard = Heard()
    app = web.Application()
    app.router.add_post("/hook", heard.hear)
    async with serving(app) as url:
        heard.url = f"{url}/hook"
        yield heard

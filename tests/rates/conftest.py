"""People behind a gateway that counts, each test with an address of its own."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest

from tests.redis_server import Server, redis_server
from tests.support import Person, serving
from tripgate.local.stack import StackInfo

_numbers = itertools.count(1)
VIEWER = "{ viewer { id } }"


@pytest.fixture
def frail() -> Iterator[Server]:
    """A server of this test's own, to be broken."""
    with redis_server() as server:
        yield server


@dataclass
class Answer:
    """An answer as HTTP has it."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.body.get("errors", ())]


@dataclass
class Client:
    """Somebody at an address, behind the test's proxy, which is this machine."""

    http: aiohttp.ClientSession
    url: str
    person: Person | None = None
    address: str = field(default_factory=lambda: f"198.51.{next(_numbers)}.7")

    async def post(self, query: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        """Send a query; `more` are further parameters."""
        sent = {"X-Forwarded-For": self.address, **(headers or {})}
        if self.person is not None:
            sent["Authorization"] = f"Bearer {self.person.token}"
        async with self.http.post(self.url, json={"query": query, **more}, headers=sent) as response:
            text = await response.text()
            body = await response.json() if "json" in response.content_type else {"text": text}
            return Answer(response.status, dict(response.headers), body)

    async def statuses(self, times: int, query: str = VIEWER) -> list[int]:
        """The statuses of a query sent so many times, one after the other."""
        return [(await self.post(query)).status for _ in range(times)]

    def at(self, url: str) -> "Client":
        """The same client at another gateway."""
        return replace(self, url=url)


Gateway = Callable[..., Any]


@pytest.fixture(scope="session")
def gateway_of(seeded: StackInfo, http: aiohttp.ClientSession) -> Gateway:
    """Starts a gateway that counts, by its settings; gives a function that makes clients of it."""

    @asynccontextmanager
    async def start(**settings: Any) -> AsyncIterator[Callable[[Person | None], Client]]:
        async with serving(seeded, rate_limits=True, trusted_proxies="127.0.0.1", **settings) as url:
            yield lambda person=None: Client(http, url, person)

    return start

"""A gateway that caches answers, over the seeded stack, and the wire that counts what it asks."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.sql_wire import watched
from tests.support import Person, Wire, serving
from tripgate.local.stack import StackInfo

ADMISSIONS = ("GET /trips?select=id&", 'GET /trips select row_to_json(r) from (select t1."id" from "public"."trips"')
"""How the reads begin that tell which trips to listen to."""


@pytest.fixture(scope="session")
async def caching_wire(seeded: StackInfo) -> AsyncIterator[tuple[Wire, dict[str, str]]]:
    """What the caching gateway asks, and its settings for that."""
    async with watched(seeded) as found:
        yield found


@pytest.fixture(scope="session")
async def caching_url(seeded: StackInfo, caching_wire: tuple[Wire, dict[str, str]]) -> AsyncIterator[str]:
    """The address of a gateway that caches answers."""
    async with serving(seeded, cache=True, get_queries=True, **caching_wire[1]) as url:
        yield url


@dataclass
class Asked:
    """One question, asked through the caching gateway."""

    data: Any
    upstream: list[str]

    @property
    def cached(self) -> bool:
        """Whether the answer came without asking anybody."""
        return not self.upstream


@dataclass
class CachingGateway:
    """Asks the caching gateway, and the database itself."""

    http: aiohttp.ClientSession
    url: str
    wire: Wire
    info: StackInfo

    async def newcomer(self) -> Person:
        """Somebody who has just signed up."""
        return await Person(self.http, self.url).sign_up()

    async def ask(self, person: Person, query: str, **variables: Any) -> Asked:
        """The answer, and what was asked meanwhile for that field's table."""
        self.wire.clear()
        data = await person.ask(query, **variables)
        # Which trips to listen to is asked beside the answer, not for it.
        return Asked(data, [line for line in self.wire.requests if not line.startswith(ADMISSIONS)])

    async def until_cached(self, person: Person, query: str, **variables: Any) -> Any:
        """Ask until the answer is one that is cached: its topics have been joined, and nothing stirs."""

        async def cached() -> Asked | None:
            asked = await self.ask(person, query, **variables)
            return asked if asked.cached else None

        return (await until(cached)).data

    def sql(self, statement: str, *values: object) -> None:
        """Do something behind every gateway's back."""
        with psycopg.connect(self.info.admin_db_url, autocommit=True) as connection:
            connection.execute(statement, values)


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> Any:
    """What a look finds, once it finds something."""
    end = time.monotonic() + seconds
    while (found := await look()) is None:
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.05)
    return found


@pytest.fixture
def caching(
    http: aiohttp.ClientSession, caching_url: str, caching_wire: tuple[Wire, dict[str, str]], seeded: StackInfo
) -> CachingGateway:
    """Asks the caching gateway."""
    return CachingGateway(http, caching_url, caching_wire[0], seeded)

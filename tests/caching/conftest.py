"""A gateway that keeps answers, over the seeded stack, and the wire on which its questions to PostgREST are counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.support import Person, Wire, serving
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="session")
async def keeping_wire(seeded: StackInfo) -> AsyncIterator[Wire]:
    """What the keeping gateway says to PostgREST."""
    async with Wire(seeded.rest_url) as wire:
        yield wire


@pytest.fixture(scope="session")
async def keeping(seeded: StackInfo, keeping_wire: Wire) -> AsyncIterator[str]:
    """The address of a gateway that keeps answers."""
    async with serving(seeded, rest_url=keeping_wire.url, cache=True, get_queries=True) as url:
        yield url


@dataclass
class Asked:
    """One question, asked through the keeping gateway."""

    data: Any
    upstream: list[str]

    @property
    def kept(self) -> bool:
        """Whether the answer came without asking PostgREST."""
        return not self.upstream


@dataclass
class Keeper:
    """Asks the keeping gateway, and the database itself."""

    http: aiohttp.ClientSession
    url: str
    wire: Wire
    info: StackInfo

    async def newcomer(self) -> Person:
        """Somebody who has just signed up."""
        return await Person(self.http, self.url).sign_up()

    async def ask(self, person: Person, query: str, **variables: Any) -> Asked:
        """The answer, and what PostgREST was asked meanwhile for that field's table."""
        self.wire.clear()
        data = await person.ask(query, **variables)
        # Which trips to listen to is asked beside the answer, not for it.
        return Asked(data, [line for line in self.wire.requests if not line.startswith("GET /trips?select=id&")])

    async def until_kept(self, person: Person, query: str, **variables: Any) -> Any:
        """Ask until the answer is one that is kept: its topics have been joined, and nothing stirs."""

        async def kept() -> Asked | None:
            asked = await self.ask(person, query, **variables)
            return asked if asked.kept else None

        return (await until(kept)).data

    def sql(self, statement: str, *values: object) -> None:
        """Do something behind every gateway's back."""
        with psycopg.connect(self.info.admin_db_url, autocommit=True) as connection:
            connection.execute(statement, values)


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 8.0) -> Any:
    """What a look finds, once it finds something."""
    end = time.monotonic() + seconds
    while (found := await look()) is None:
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.05)
    return found


@pytest.fixture
def keeper(http: aiohttp.ClientSession, keeping: str, keeping_wire: Wire, seeded: StackInfo) -> Keeper:
    """Asks the keeping gateway."""
    return Keeper(http, keeping, keeping_wire, seeded)

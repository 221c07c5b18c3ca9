"""Gateways side by side learn of each other's writes through Redis, and cache nothing while they cannot."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.caching.conftest import CachingGateway, until
from tests.redis_server import Server, redis_server
from tests.sql_wire import watched
from tests.support import Person, Wire, serving
from tripgate.gateway import settings
from tripgate.local.stack import StackInfo

TAGS = "{ tags { nodes { name } } }"
TAG = "mutation ($name: String!) { createTag(input: { name: $name }) { id } }"


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    """A server of these tests' own."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
async def wires(seeded: StackInfo) -> AsyncIterator[list[tuple[Wire, dict[str, str]]]]:
    """What each gateway asks, and its settings for that."""
    async with watched(seeded) as one, watched(seeded) as other:
        yield [one, other]


@pytest.fixture(scope="module")
async def pair(
    http: aiohttp.ClientSession, seeded: StackInfo, wires: list[tuple[Wire, dict[str, str]]], redis: Server
) -> AsyncIterator[list[CachingGateway]]:
    """Two gateways over one Redis."""
    async with (
        serving(seeded, cache=True, redis_url=redis.url, **wires[0][1]) as one,
        serving(seeded, cache=True, redis_url=redis.url, **wires[1][1]) as other,
    ):
        yield [CachingGateway(http, url, wire, seeded) for url, (wire, _) in zip((one, other), wires, strict=True)]


def at(person: Person, caching: CachingGateway) -> Person:
    """The same person at this gateway."""
    return dataclasses.replace(person, url=caching.url)


async def test_a_write_at_one_ends_what_the_other_caches(pair: list[CachingGateway]) -> None:
    here, there = pair
    person = await here.newcomer()
    companion = await here.newcomer()
    for name in ("first", "second"):
        await there.until_cached(at(person, there), TAGS)
        await here.until_cached(at(companion, here), TAGS)
        await at(person, here).ask(TAG, name=name)

        async def seen(name: str = name) -> bool | None:
            return (name in str((await there.ask(at(person, there), TAGS)).data)) or None

        assert await until(seen, seconds=1.0)
        assert (await here.ask(at(companion, here), TAGS)).cached, "nobody else's ends"


async def test_while_the_others_cannot_be_heard_nothing_is_cached(pair: list[CachingGateway], redis: Server) -> None:
    here, there = pair
    person = await here.newcomer()
    await there.until_cached(at(person, there), TAGS)
    redis.kill()

    async def not_cached() -> bool | None:
        return (not (await there.ask(at(person, there), TAGS)).cached) or None

    assert await until(not_cached, seconds=2.0)
    await at(person, here).ask(TAG, name="unheard")
    for _ in range(3):
        asked = await there.ask(at(person, there), TAGS)
        assert not asked.cached
        assert asked.data == {"tags": {"nodes": [{"name": "unheard"}]}}
    redis.start()
    await asyncio.sleep(0)
    assert await there.until_cached(at(person, there), TAGS) == asked.data


def test_workers_that_would_not_hear_of_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_URL", "https://project.supabase.co")
    monkeypatch.setenv("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_x")
    monkeypatch.setenv("TRIPGATE_WORKERS", "2")
    monkeypatch.setenv("TRIPGATE_CACHE", "true")
    with pytest.raises(settings.SettingsError, match="TRIPGATE_REDIS_URL"):
        settings.load()
    monkeypatch.setenv("TRIPGATE_REDIS_URL", "redis://127.0.0.1:1")
    assert settings.load().cache

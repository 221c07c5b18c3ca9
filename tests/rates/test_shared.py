"""What gateways share over a real server: counted together, and done without while it is away."""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator

import pytest

from tests.redis_server import Server
from tripgate.upstream.shared.quotas import Quota
from tripgate.upstream.shared.redis_store import RedisStore, StoreUnavailableError
from tripgate.upstream.shared.shared_concurrency import SharedConcurrencyCounter
from tripgate.upstream.shared.shared_known_addresses import SharedKnownAddresses
from tripgate.upstream.shared.shared_quotas import SharedQuotas
from tripgate.upstream.shared.shared_texts import SharedTexts

_prefixes = (f"test{number}:" for number in itertools.count())


@pytest.fixture
async def stores(redis: Server) -> AsyncIterator[list[RedisStore]]:
    """Three gateways' connections to an empty server."""
    prefix = next(_prefixes)
    found = [RedisStore(redis.url, prefix=prefix, timeout=2) for _ in range(3)]
    yield found
    for store in found:
        await store.close()


async def until_back(store: RedisStore) -> None:
    async with asyncio.timeout(60):
        while store.unavailable:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)


async def test_a_small_quota_is_counted_exactly_whichever_gateway_is_asked(stores: list[RedisStore]) -> None:
    quota = Quota("sign-in-account", 5, seconds=3600)
    one, two, three = map(SharedQuotas, stores)
    assert (await one.take(quota, "ada")).remaining == 4
    assert (await two.take(quota, "ada")).remaining == 3
    assert (await three.take(quota, "ada", 2)).remaining == 1
    assert not (await three.take(quota, "ada", 2)).allowed
    last = await one.take(quota, "ada")
    assert (last.allowed, last.remaining) == (True, 0)
    refused = await two.take(quota, "ada")
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert 1 <= refused.seconds <= 3600 + 720
    assert (await two.take(quota, "ben")).allowed


async def test_what_is_left_is_looked_at_and_not_taken(stores: list[RedisStore]) -> None:
    quota = Quota("sign-in-anywhere", 50, seconds=3600)
    one, two, _ = map(SharedQuotas, stores)
    assert await one.remaining(quota, "ada") == 50
    await two.take(quota, "ada", 3)
    assert [await one.remaining(quota, "ada") for _ in range(3)] == [47, 47, 47]
    one.charge(quota, "ada", 60)
    async with asyncio.timeout(60):
        while await two.remaining(quota, "ada"):  # noqa: ASYNC110 - it is charged soon, and nothing tells
            await asyncio.sleep(0.01)


async def test_visitors_are_known_everywhere_for_thirty_days(stores: list[RedisStore], redis: Server) -> None:
    one, two, _ = map(SharedKnownAddresses, stores)
    await one.remember("ada", "198.51.100.7")
    assert [await each.is_known("ada", "198.51.100.7") for each in (one, two)] == [True, True]
    assert [await two.is_known(*other) for other in (("ada", "198.51.100.8"), ("ben", "198.51.100.7"))] == [
        False,
        False,
    ]
    seconds = int(redis.command("TTL", f"{stores[0].prefix}visitor:ada:198.51.100.7"))
    assert 30 * 86_400 - 60 <= seconds <= 30 * 86_400


async def test_without_the_server_each_gateway_knows_its_own_visitors(frail: Server) -> None:
    store = RedisStore(frail.url, prefix="known:", timeout=0.2)
    one, two = SharedKnownAddresses(store), SharedKnownAddresses(store)
    await one.remember("ada", "here")
    frail.kill()
    await one.remember("ada", "there")
    assert [await one.is_known("ada", address) for address in ("here", "there", "elsewhere")] == [True, True, False]
    assert not await two.is_known("ada", "here")
    await store.close()


async def test_a_large_quota_is_taken_in_leases_and_never_exceeded(stores: list[RedisStore]) -> None:
    quota = Quota("person", 500, seconds=3600)
    gateways = [SharedQuotas(store) for store in stores]
    before = await commands(stores[0])
    allowed = 0
    for number in range(900):
        taken = await gateways[number % 3].take(quota, "ada")
        allowed += taken.allowed
        if not taken.allowed:
            break
    # What the other two hold of their last lots of ten may be missing.
    assert 500 - 2 * 9 <= allowed <= 500
    asked = await commands(stores[0]) - before
    assert asked <= 60
    rest = [await gateway.take(quota, "ada") for gateway in gateways for _ in range(30)]
    assert allowed + sum(taken.allowed for taken in rest) == 500


async def commands(store: RedisStore) -> int:
    """How many scripts the server has run."""
    stats = await store.redis.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"]) if "cmdstat_evalsha" in stats else 0


async def test_many_at_once_get_no_more_than_there_is(stores: list[RedisStore]) -> None:
    quota = Quota("address", 300, seconds=3600)
    gateways = [SharedQuotas(store) for store in stores]
    taken = await asyncio.gather(*(gateways[number % 3].take(quota, "10.0.0.1") for number in range(600)))
    assert sum(each.allowed for each in taken) <= 300


async def test_the_window_slides_in_the_server_too(stores: list[RedisStore]) -> None:
    quota = Quota("person", 10, seconds=1)
    quotas = SharedQuotas(stores[0])
    began = time.monotonic()
    allowed = 0
    while time.monotonic() - began < 2.5:
        allowed += (await quotas.take(quota, "ada")).allowed
        await asyncio.sleep(0.01)
    assert 20 <= allowed <= 36


async def test_counts_do_not_stay_in_the_server(stores: list[RedisStore]) -> None:
    await SharedQuotas(stores[0]).take(Quota("person", 10, seconds=60), "ada")
    (key,) = await stores[0].redis.keys(f"{stores[0].prefix}*")
    assert key.decode() == f"{stores[0].prefix}quota:person:ada"
    assert 0 < await stores[0].redis.pttl(key) <= 120_000


async def test_without_the_server_each_counts_for_itself_and_then_together_again(
    frail: Server, caplog: pytest.LogCaptureFixture
) -> None:
    quota = Quota("sign-in-account", 3, seconds=3600)
    stores = [RedisStore(frail.url, prefix="t:", timeout=0.2) for _ in range(2)]
    one, two = map(SharedQuotas, stores)
    assert (await one.take(quota, "ada")).remaining == 2
    frail.kill()
    with caplog.at_level(logging.WARNING, "tripgate.shared"):
        for quotas in (one, two):
            assert [(await quotas.take(quota, "ada")).allowed for _ in range(4)] == [True, True, True, False]
        frail.start()
        await asyncio.gather(*map(until_back, stores))
        assert (await one.take(quota, "ada")).remaining == 2
        assert (await two.take(quota, "ada")).remaining == 1
    said = [record.getMessage() for record in caplog.records]
    assert sum("does not answer" in line for line in said) == 2  # each gateway says so once
    assert sum("answers again" in line for line in said) == 2
    for store in stores:
        await store.close()


async def test_a_server_that_answers_nobody_holds_nobody_up(frail: Server) -> None:
    store = RedisStore(frail.url, prefix="t:", timeout=0.2)
    quotas, quota = SharedQuotas(store), Quota("sign-in-account", 1000, seconds=3600)
    await quotas.take(quota, "ada")
    frail.freeze(seconds=1.5)
    taken = await asyncio.gather(*(quotas.take(quota, f"person {number}") for number in range(200)))
    assert all(each.allowed for each in taken)
    # The server is still frozen, and whoever comes now waits for nothing at all.
    assert store.unavailable
    with pytest.raises(StopIteration) as at_once:
        quotas.take(quota, "ben").send(None)
    assert at_once.value.value.allowed
    await until_back(store)
    assert (await quotas.take(quota, "cleo")).remaining == 999
    await store.close()


async def test_a_server_that_was_never_there() -> None:
    store = RedisStore("redis://127.0.0.1:1/0", prefix="t:")
    assert (await SharedQuotas(store).take(Quota("person", 3), "ada")).remaining == 2
    with pytest.raises(StoreUnavailableError):
        await store.ask(store.redis.ping)
    await store.close()


async def test_what_runs_is_counted_over_all_gateways(stores: list[RedisStore]) -> None:
    one, two, three = map(SharedConcurrencyCounter, stores)
    assert await one.acquire("ada", 3)
    assert await two.acquire("ada", 3)
    assert await three.acquire("ada", 3)
    assert not await one.acquire("ada", 3)
    assert await one.acquire("ben", 3)
    await two.release("ada")
    await two.settled()
    assert await three.acquire("ada", 3)
    assert not await two.acquire("ada", 3)
    for running in (one, two, three):
        await running.close()


async def test_what_a_crashed_gateway_ran_does_not_count(stores: list[RedisStore]) -> None:
    crashed, running = map(SharedConcurrencyCounter, stores[:2])
    assert await crashed.acquire("ada", 1)
    assert not await running.acquire("ada", 1)
    # As after a minute without a sign of life.
    await stores[0].redis.delete(*await stores[0].redis.keys(f"{stores[0].prefix}alive:*"))
    assert await running.acquire("ada", 1)
    await crashed.close()
    await running.close()


async def test_whoever_is_cancelled_while_asking_leaves_nothing_behind(stores: list[RedisStore]) -> None:
    one, two = map(SharedConcurrencyCounter, stores[:2])
    asking = [asyncio.create_task(one.acquire("ada", 5)) for _ in range(5)]
    await asyncio.sleep(0)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await one.settled()
    assert [await two.acquire("ada", 5) for _ in range(6)] == [True] * 5 + [False]
    await one.close()
    await two.close()


async def test_a_server_started_anew_learns_what_runs(frail: Server) -> None:
    stores = [RedisStore(frail.url, prefix="t:", timeout=0.2) for _ in range(2)]
    one, two = map(SharedConcurrencyCounter, stores)
    assert [await one.acquire("ada", 3) for _ in range(2)] == [True, True]
    assert await two.acquire("ben", 3)
    frail.kill()
    # Nobody knows of the other now, but each of itself.
    assert [await one.acquire("ada", 3) for _ in range(2)] == [True, False]
    assert await two.acquire("ada", 3)
    await two.release("ada")
    frail.start()
    await asyncio.gather(*map(until_back, stores))
    await asyncio.gather(one.settled(), two.settled())
    assert not await two.acquire("ada", 3)
    await one.release("ada")
    await one.settled()
    assert await two.acquire("ada", 3)
    for running, store in zip((one, two), stores, strict=True):
        await running.close()
        await store.close()


async def test_what_ended_while_the_server_was_away_does_not_count_afterwards(frail: Server) -> None:
    stores = [RedisStore(frail.url, prefix="t:", timeout=0.2) for _ in range(2)]
    one, two = map(SharedConcurrencyCounter, stores)
    assert await one.acquire("ada", 1)
    frail.freeze(seconds=0.5)
    await one.release("ada")
    await one.settled()
    await until_back(stores[0])
    await one.settled()
    assert await two.acquire("ada", 1)
    for running, store in zip((one, two), stores, strict=True):
        await running.close()
        await store.close()


async def test_a_text_that_one_keeps_the_others_find(stores: list[RedisStore]) -> None:
    one, two = (SharedTexts(store, "document") for store in stores[:2])
    assert await two.get("abc") is None
    await one.put("abc", "{ viewer { id } } # ü")
    assert await two.get("abc") == "{ viewer { id } } # ü"
    assert 0 < await stores[0].redis.ttl(f"{stores[0].prefix}document:abc") <= 24 * 60 * 60


async def test_without_the_server_no_text_is_found() -> None:
    store = RedisStore("redis://127.0.0.1:1/0", prefix="t:")
    texts = SharedTexts(store, "document")
    await texts.put("abc", "{ viewer { id } }")
    assert await texts.get("abc") is None
    await store.close()

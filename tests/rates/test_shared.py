"""What gateways share over a real server: counted together, and done without while it is away."""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator

import pytest

from tests.redis_server import Server
from tripgate.upstream.shared.link import AwayError, Link
from tripgate.upstream.shared.quotas import Quota
from tripgate.upstream.shared.shared_quotas import SharedQuotas
from tripgate.upstream.shared.shared_running import SharedRunning
from tripgate.upstream.shared.shared_texts import SharedTexts
from tripgate.upstream.shared.shared_visitors import SharedVisitors

_prefixes = (f"test{number}:" for number in itertools.count())


@pytest.fixture
async def links(redis: Server) -> AsyncIterator[list[Link]]:
    """Three gateways' links to an empty server."""
    prefix = next(_prefixes)
    found = [Link(redis.url, prefix=prefix, patience=2) for _ in range(3)]
    yield found
    for link in found:
        await link.close()


async def until_back(link: Link) -> None:
    async with asyncio.timeout(10):
        while link.away:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)


async def test_a_small_quota_is_counted_exactly_whichever_gateway_is_asked(links: list[Link]) -> None:
    quota = Quota("sign-in-account", 5, seconds=3600)
    one, two, three = map(SharedQuotas, links)
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


async def test_what_is_left_is_looked_at_and_not_taken(links: list[Link]) -> None:
    quota = Quota("sign-in-anywhere", 50, seconds=3600)
    one, two, _ = map(SharedQuotas, links)
    assert await one.remaining(quota, "ada") == 50
    await two.take(quota, "ada", 3)
    assert [await one.remaining(quota, "ada") for _ in range(3)] == [47, 47, 47]
    one.charge(quota, "ada", 60)
    async with asyncio.timeout(5):
        while await two.remaining(quota, "ada"):  # noqa: ASYNC110 - it is charged soon, and nothing tells
            await asyncio.sleep(0.01)


async def test_visitors_are_known_everywhere_for_thirty_days(links: list[Link], redis: Server) -> None:
    one, two, _ = map(SharedVisitors, links)
    await one.welcome("ada", "198.51.100.7")
    assert [await each.know("ada", "198.51.100.7") for each in (one, two)] == [True, True]
    assert [await two.know(*other) for other in (("ada", "198.51.100.8"), ("ben", "198.51.100.7"))] == [False, False]
    seconds = int(redis.command("TTL", f"{links[0].prefix}visitor:ada:198.51.100.7"))
    assert 30 * 86_400 - 60 <= seconds <= 30 * 86_400


async def test_without_the_server_each_gateway_knows_its_own_visitors(frail: Server) -> None:
    link = Link(frail.url, prefix="visitors:", patience=0.2)
    one, two = SharedVisitors(link), SharedVisitors(link)
    await one.welcome("ada", "here")
    frail.kill()
    await one.welcome("ada", "there")
    assert [await one.know("ada", address) for address in ("here", "there", "elsewhere")] == [True, True, False]
    assert not await two.know("ada", "here")
    await link.close()


async def test_a_large_quota_is_taken_in_lots_and_never_exceeded(links: list[Link]) -> None:
    quota = Quota("person", 500, seconds=3600)
    gateways = [SharedQuotas(link) for link in links]
    before = await commands(links[0])
    allowed = 0
    for number in range(900):
        taken = await gateways[number % 3].take(quota, "ada")
        allowed += taken.allowed
        if not taken.allowed:
            break
    # What the other two hold of their last lots of ten may be missing.
    assert 500 - 2 * 9 <= allowed <= 500
    asked = await commands(links[0]) - before
    assert asked <= 60
    rest = [await gateway.take(quota, "ada") for gateway in gateways for _ in range(30)]
    assert allowed + sum(taken.allowed for taken in rest) == 500


async def commands(link: Link) -> int:
    """How many scripts the server has run."""
    stats = await link.redis.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"]) if "cmdstat_evalsha" in stats else 0


async def test_many_at_once_get_no_more_than_there_is(links: list[Link]) -> None:
    quota = Quota("address", 300, seconds=3600)
    gateways = [SharedQuotas(link) for link in links]
    taken = await asyncio.gather(*(gateways[number % 3].take(quota, "10.0.0.1") for number in range(600)))
    assert sum(each.allowed for each in taken) <= 300


async def test_the_window_slides_in_the_server_too(links: list[Link]) -> None:
    quota = Quota("person", 10, seconds=1)
    quotas = SharedQuotas(links[0])
    began = time.monotonic()
    allowed = 0
    while time.monotonic() - began < 2.5:
        allowed += (await quotas.take(quota, "ada")).allowed
        await asyncio.sleep(0.01)
    assert 20 <= allowed <= 36


async def test_counts_do_not_stay_in_the_server(links: list[Link]) -> None:
    await SharedQuotas(links[0]).take(Quota("person", 10, seconds=60), "ada")
    (key,) = await links[0].redis.keys(f"{links[0].prefix}*")
    assert key.decode() == f"{links[0].prefix}quota:person:ada"
    assert 0 < await links[0].redis.pttl(key) <= 120_000


async def test_without_the_server_each_counts_for_itself_and_then_together_again(
    frail: Server, caplog: pytest.LogCaptureFixture
) -> None:
    quota = Quota("sign-in-account", 3, seconds=3600)
    links = [Link(frail.url, prefix="t:", patience=0.2) for _ in range(2)]
    one, two = map(SharedQuotas, links)
    assert (await one.take(quota, "ada")).remaining == 2
    frail.kill()
    with caplog.at_level(logging.WARNING, "tripgate.shared"):
        for quotas in (one, two):
            assert [(await quotas.take(quota, "ada")).allowed for _ in range(4)] == [True, True, True, False]
        frail.start()
        await asyncio.gather(*map(until_back, links))
        assert (await one.take(quota, "ada")).remaining == 2
        assert (await two.take(quota, "ada")).remaining == 1
    said = [record.getMessage() for record in caplog.records]
    assert sum("does not answer" in line for line in said) == 2  # each gateway says so once
    assert sum("answers again" in line for line in said) == 2
    for link in links:
        await link.close()


async def test_a_server_that_answers_nobody_holds_nobody_up(frail: Server) -> None:
    link = Link(frail.url, prefix="t:", patience=0.2)
    quotas, quota = SharedQuotas(link), Quota("sign-in-account", 1000, seconds=3600)
    await quotas.take(quota, "ada")
    frail.freeze(seconds=1.5)
    taken = await asyncio.gather(*(quotas.take(quota, f"person {number}") for number in range(200)))
    assert all(each.allowed for each in taken)
    # The server is still frozen, and whoever comes now waits for nothing at all.
    assert link.away
    with pytest.raises(StopIteration) as at_once:
        quotas.take(quota, "ben").send(None)
    assert at_once.value.value.allowed
    await until_back(link)
    assert (await quotas.take(quota, "cleo")).remaining == 999
    await link.close()


async def test_a_server_that_was_never_there() -> None:
    link = Link("redis://127.0.0.1:1/0", prefix="t:")
    assert (await SharedQuotas(link).take(Quota("person", 3), "ada")).remaining == 2
    with pytest.raises(AwayError):
        await link.ask(link.redis.ping)
    await link.close()


async def test_what_runs_is_counted_over_all_gateways(links: list[Link]) -> None:
    one, two, three = map(SharedRunning, links)
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


async def test_what_a_crashed_gateway_ran_does_not_count(links: list[Link]) -> None:
    crashed, running = map(SharedRunning, links[:2])
    assert await crashed.acquire("ada", 1)
    assert not await running.acquire("ada", 1)
    # As after a minute without a sign of life.
    await links[0].redis.delete(*await links[0].redis.keys(f"{links[0].prefix}alive:*"))
    assert await running.acquire("ada", 1)
    await crashed.close()
    await running.close()


async def test_whoever_is_cancelled_while_asking_leaves_nothing_behind(links: list[Link]) -> None:
    one, two = map(SharedRunning, links[:2])
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
    links = [Link(frail.url, prefix="t:", patience=0.2) for _ in range(2)]
    one, two = map(SharedRunning, links)
    assert [await one.acquire("ada", 3) for _ in range(2)] == [True, True]
    assert await two.acquire("ben", 3)
    frail.kill()
    # Nobody knows of the other now, but each of itself.
    assert [await one.acquire("ada", 3) for _ in range(2)] == [True, False]
    assert await two.acquire("ada", 3)
    await two.release("ada")
    frail.start()
    await asyncio.gather(*map(until_back, links))
    await asyncio.gather(one.settled(), two.settled())
    assert not await two.acquire("ada", 3)
    await one.release("ada")
    await one.settled()
    assert await two.acquire("ada", 3)
    for running, link in zip((one, two), links, strict=True):
        await running.close()
        await link.close()


async def test_what_ended_while_the_server_was_away_does_not_count_afterwards(frail: Server) -> None:
    links = [Link(frail.url, prefix="t:", patience=0.2) for _ in range(2)]
    one, two = map(SharedRunning, links)
    assert await one.acquire("ada", 1)
    frail.freeze(seconds=0.5)
    await one.release("ada")
    await one.settled()
    await until_back(links[0])
    await one.settled()
    assert await two.acquire("ada", 1)
    for running, link in zip((one, two), links, strict=True):
        await running.close()
        await link.close()


async def test_a_text_that_one_keeps_the_others_find(links: list[Link]) -> None:
    one, two = (SharedTexts(link, "document") for link in links[:2])
    assert await two.get("abc") is None
    await one.put("abc", "{ viewer { id } } # ü")
    assert await two.get("abc") == "{ viewer { id } } # ü"
    assert 0 < await links[0].redis.ttl(f"{links[0].prefix}document:abc") <= 24 * 60 * 60


async def test_without_the_server_no_text_is_found() -> None:
    link = Link("redis://127.0.0.1:1/0", prefix="t:")
    texts = SharedTexts(link, "document")
    await texts.put("abc", "{ viewer { id } }")
    assert await texts.get("abc") is None
    await link.close()

"""Each way to fail of Postgres, where the gateway reads it itself: what clients are told, how often it is asked, and
what of the gateway knows of it. Writes go on over PostgREST."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest

from tests.faults.conftest import Database
from tests.faults.database_proxy import (
    DatabaseProxy,
    Fault,
    black_hole,
    cut,
    faulty_database,
    garbage,
    half_a_packet,
    half_closed,
    half_into_a_black_hole,
    late,
    passes,
    reset_after,
    reset_before,
    says,
    stuck,
    trickle,
)
from tests.faults.test_faults import ATTEMPT, AWAY, OPERATION, OVER, READ, SOON, WRITE, failure_of
from tests.support import Person, reading, serving
from tripgate.local.direct_login import NAME as LOGIN
from tripgate.local.stack import StackInfo

# The connections are many enough for each attempt to have one of its own.
LIMITS = {"upstream_timeout": ATTEMPT, "request_timeout": OPERATION, "breaker_failures": 1000}


@pytest.fixture(scope="module")
async def through(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> AsyncIterator[tuple[DatabaseProxy, Person]]:
    """The proxy, and somebody whose gateway reads through it."""
    async with faulty_database(info, **LIMITS) as (proxy, url):
        person = Person(http, url, somebody.token)
        assert (await failure_of(person, READ))[0] == "ok"
        yield proxy, person


#   fault, then for a read that meets it once: what it is told and how often Postgres is asked;
#   for one that meets it each time, where that is something else.
FAULTS: dict[str, tuple[Fault, tuple[str, int], tuple[str, int]]] = {
    "late": (late(0.2), ("ok", 1), ("ok", 1)),
    "too late": (late(5), (OVER, 1), (OVER, 1)),
    "reset before": (reset_before, ("ok", 2), (AWAY, 3)),
    "reset after": (reset_after, ("ok", 2), (AWAY, 3)),
    "half a packet": (half_a_packet, ("ok", 2), (AWAY, 3)),
    "half closed": (half_closed, ("ok", 2), (AWAY, 3)),
    "black hole": (black_hole, (OVER, 1), (OVER, 1)),
    "half into a black hole": (half_into_a_black_hole, (OVER, 1), (OVER, 1)),
    "trickle": (trickle, (OVER, 1), (OVER, 1)),
    "first byte": (cut(lambda answer: answer[:1]), ("ok", 2), (AWAY, 3)),
    "midway": (cut(lambda answer: answer[: len(answer) // 2]), ("ok", 2), (AWAY, 3)),
    "truncated": (cut(lambda answer: answer[:-1]), ("ok", 2), (AWAY, 3)),
    "without its end": (cut(lambda answer: answer[:-6]), ("ok", 2), (AWAY, 3)),
    "stuck at the first byte": (stuck(lambda answer: answer[:1]), (OVER, 1), (OVER, 1)),
    "stuck midway": (stuck(lambda answer: answer[: len(answer) // 2]), (OVER, 1), (OVER, 1)),
    "stuck before its end": (stuck(lambda answer: answer[:-6]), (OVER, 1), (OVER, 1)),
    "garbage": (garbage, ("ok", 2), (AWAY, 3)),
    "stopping": (says("57P01", fatal=True), ("ok", 2), (AWAY, 3)),
    "crashing": (says("57P02", fatal=True), ("ok", 2), (AWAY, 3)),
    "idle for too long": (says("57P05", fatal=True), ("ok", 2), (AWAY, 3)),
    "idle in a transaction": (says("25P03", fatal=True), ("ok", 2), (AWAY, 3)),
    "killed otherwise": (says("XX000", fatal=True), ("ok", 2), (AWAY, 3)),
    "pooler without server": (says("08P01", fatal=True), ("ok", 2), (AWAY, 3)),
    "other's statement": (says("26000", fatal=False), ("ok", 2), (AWAY, 3)),
    "statement timeout": (says("57014", fatal=False), (OVER, 1), (OVER, 1)),
    "transaction timeout": (says("25P04", fatal=True), (OVER, 1), (OVER, 1)),
    "out of memory": (says("53200", fatal=False), (AWAY, 1), (AWAY, 1)),
    "out of disk": (says("53100", fatal=False), (AWAY, 1), (AWAY, 1)),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_read_that_meets_it_once(through: tuple[DatabaseProxy, Person], name: str) -> None:
    proxy, person = through
    fault, expected, _ = FAULTS[name]
    await proxy.does(fault)
    code, took, _ = await failure_of(person, READ)
    assert (code, proxy.attempts) == expected
    assert took < SOON
    assert (await failure_of(person, READ))[0] == "ok"


@pytest.mark.parametrize("name", [name for name, (_, once, always) in FAULTS.items() if once != always])
async def test_a_read_that_meets_it_each_time(through: tuple[DatabaseProxy, Person], name: str) -> None:
    proxy, person = through
    fault, _, expected = FAULTS[name]
    await proxy.does(*[fault] * 10)
    code, took, _ = await failure_of(person, READ)
    assert (code, proxy.attempts) == expected
    assert took < SOON
    await proxy.does()
    assert (await failure_of(person, READ))[0] == "ok"


#   fault, then what a read is told for which a connection must be opened, and how many were tried.
CONNECTING: dict[str, tuple[Fault, str, int]] = {
    "reset": (reset_before, AWAY, 3),
    "half closed": (half_closed, AWAY, 3),
    "black hole": (black_hole, OVER, 1),
    "garbage": (garbage, AWAY, 3),
    "starting": (says("57P03", fatal=True), AWAY, 3),
    "too many clients": (says("53300", fatal=True), AWAY, 3),
    "no such database": (says("3D000", fatal=True), AWAY, 3),
    "no such login": (says("28000", fatal=True), AWAY, 3),
}


@pytest.mark.parametrize("name", CONNECTING)
async def test_a_read_for_which_no_connection_is_to_be_had(through: tuple[DatabaseProxy, Person], name: str) -> None:
    proxy, person = through
    fault, expected, tried = CONNECTING[name]
    await proxy.does(connecting=(fault,) * 20)
    code, took, _ = await failure_of(person, READ)
    assert (code, proxy.attempts) == (expected, 0)
    assert proxy.connected >= tried
    assert took < SOON
    await proxy.does()
    assert (await failure_of(person, READ))[0] == "ok"


@pytest.mark.parametrize("name", ["reset before", "black hole", "midway", "stuck midway", "garbage", "stopping"])
async def test_a_connection_that_fails_while_it_is_looked_at(through: tuple[DatabaseProxy, Person], name: str) -> None:
    proxy, person = through
    fault, once, _ = FAULTS[name]
    await proxy.does(opening=fault)
    code, took, _ = await failure_of(person, READ)
    assert (code, proxy.attempts) == (OVER if once[0] == OVER else AWAY, 0)
    assert took < SOON
    await proxy.does()
    assert (await failure_of(person, READ))[0] == "ok"


async def test_a_write_goes_on_and_what_it_answers_is_read_over_postgrest(
    through: tuple[DatabaseProxy, Person], database: Database
) -> None:
    proxy, person = through
    await proxy.does(*[black_hole] * 10)
    assert (await failure_of(person, WRITE, title="Past Postgres"))[0] == "ok"
    assert (proxy.attempts, database.trips("Past Postgres")) == (0, 1)


async def checks(http: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    """What `/readyz` says of Postgres."""
    async with http.get(url.replace("graphql", "readyz")) as response:
        return response.status, (await response.json())["checks"]["database"]


async def metrics(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """What `/metrics` says of Postgres, by what stands before the number."""
    async with http.get(url.replace("graphql", "metrics")) as response:
        lines = (await response.text()).splitlines()
    found = (line.rpartition(" ") for line in lines if line[0] != "#" and "database" in line)
    return {name: float(number) for name, _, number in found}


OPEN = 'tripgate_breaker_open{upstream="database"}'
CONNECTIONS = 'tripgate_database_connections{{state="{}"}}'
CHANGED = 'tripgate_database_connections_changed_total{{change="{}"}}'


async def test_one_that_is_away_is_asked_now_and_then(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty_database(info, breaker_failures=4, breaker_seconds=0.6) as (proxy, url):
        person = Person(http, url, somebody.token)
        await person.ask(READ)
        assert await checks(http, url) == (200, "ok")
        await proxy.does(connecting=(reset_before,) * 100)
        for _ in range(2):
            assert await person.code(READ) == AWAY
        tried = proxy.connected
        errors = [await person.refused(READ) for _ in range(20)]
        assert {(error["code"], error["retryAfter"]) for error in errors} == {(AWAY, 1)}
        assert proxy.connected == tried
        assert (await metrics(http, url))[OPEN] == 1
        await asyncio.sleep(0.6)
        await asyncio.gather(*(person.code(READ) for _ in range(20)))
        assert proxy.attempts == 0
        await asyncio.sleep(0.6)
        await proxy.does()
        assert [await person.ask(READ) for _ in range(5)]
        assert (await metrics(http, url))[OPEN] == 0


async def test_what_is_held_back_is_not_ready(http: aiohttp.ClientSession, info: StackInfo, somebody: Person) -> None:
    async with faulty_database(info, breaker_failures=1, breaker_seconds=5, upstream_retries=0) as (proxy, url):
        await proxy.does(says("57P01", fatal=True))
        assert await Person(http, url, somebody.token).code(READ) == AWAY
        assert await checks(http, url) == (503, "held back")


async def test_one_whose_connections_are_all_in_use_is_ready(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty_database(info, database_pool=2, upstream_share=1) as (proxy, url):
        person = Person(http, url, somebody.token)
        await person.ask(READ)
        await proxy.does(late(5), late(5))
        asking = [asyncio.create_task(person.ask(READ)) for _ in range(3)]
        while proxy.attempts < 2:  # noqa: ASYNC110 - a test may look
            await asyncio.sleep(0.02)
        assert await checks(http, url) == (200, "ok")
        assert not any(each.done() for each in asking), "it does not wait for one of them"
        found = await metrics(http, url)
        assert (found[CONNECTIONS.format("used")], found[CONNECTIONS.format("idle")]) == (2, 0)
        assert found['tripgate_upstream_waiting{upstream="database"}'] == 1
        await asyncio.gather(*asking)
        found = await metrics(http, url)
        assert (found[CONNECTIONS.format("used")], found[CONNECTIONS.format("idle")]) == (0, 2)


async def test_connections_are_counted(http: aiohttp.ClientSession, info: StackInfo, somebody: Person) -> None:
    async with faulty_database(info) as (proxy, url):
        person = Person(http, url, somebody.token)
        await proxy.does(reset_before, reset_before)
        await person.ask(READ)
        found = await metrics(http, url)
        assert [found[CHANGED.format(word)] for word in ("opened", "refused", "broken")] == [3, 0, 2]
        await proxy.does(connecting=(reset_before,))
        await person.ask(READ)
        found = await metrics(http, url)
        assert [found[CHANGED.format(word)] for word in ("opened", "refused", "broken")] == [4, 1, 3]


async def test_where_no_more_are_to_be_had_those_that_are_there_serve_all(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty_database(info, database_pool=5, upstream_share=1) as (proxy, url):
        person = Person(http, url, somebody.token)
        await person.ask(READ)
        proxy.connecting[:] = [says("53300", fatal=True)] * 1000
        proxy.script[:] = [late(0.05)] * 20
        codes = await asyncio.gather(*(failure_of(person, READ) for _ in range(20)))
        assert {code for code, *_ in codes} == {"ok"}
        assert len(proxy.connecting) > 900, "and nobody tries again and again"


async def test_clients_that_go_leave_nothing_to_others(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty_database(info, database_pool=2, upstream_share=1) as (proxy, url):
        here = Person(http, url, somebody.token)
        await here.trip(title="Mine alone")
        other = await here.sign_up()
        await proxy.does(*[late(0.1)] * 6, *[late(1)] * 2)
        asking = [asyncio.create_task(here.post(READ)) for _ in range(8)]
        await asyncio.sleep(0.15)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await proxy.does(*[passes] * 3)
        assert [await other.ask(READ) for _ in range(6)] == [{"trips": {"nodes": []}}] * 6


async def test_the_server_ends_what_is_idle(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person, database: Database
) -> None:
    database.rows(f"alter role {LOGIN} set idle_session_timeout = '100ms'")
    database.rows(f"alter role {LOGIN} set idle_in_transaction_session_timeout = '50ms'")
    try:
        async with serving(info, **reading(info, "postgres")) as url:
            person = Person(http, url, somebody.token)
            for pause in (0, 0.09, 0.1, 0.11, 0.3, 0.1):
                await asyncio.sleep(pause)
                assert (await failure_of(person, READ))[0] == "ok"
    finally:
        with suppress(Exception):
            database.rows(f"alter role {LOGIN} reset idle_session_timeout")
            database.rows(f"alter role {LOGIN} reset idle_in_transaction_session_timeout")

"""Whoever asks for what is slow has a share of the way to PostgREST, and the others have the rest."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.faults.proxy import FaultyProxy, faulty, held, says
from tests.faults.test_overload import READ, metric
from tests.live.clients import live
from tests.rates.conftest import Client
from tests.support import Person
from tripgate.gateway.settings import Settings, SettingsError, load
from tripgate.local.stack import StackInfo

SIGN_IN = 'mutation { signIn(input: { email: "nobody@example.com", password: "wrong horse" }) { user { id } } }'
RUNNING = 'tripgate_upstream_running{upstream="rest"}'
# For what is held until a test lets it go: however slow the machine is, nothing is too late meanwhile.
PATIENT = {"upstream_timeout": 60, "request_timeout": 60}
WAITING = 'tripgate_upstream_waiting{upstream="rest"}'


async def until(reached: Callable[[], bool]) -> None:
    """Return once it is so."""
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - a test may look
            await asyncio.sleep(0.01)


async def shows(http: aiohttp.ClientSession, url: str, name: str, value: float) -> None:
    """Return once the metric has this value."""
    async with asyncio.timeout(60):
        while await metric(http, url, name) != value:  # noqa: ASYNC110 - a test may look
            await asyncio.sleep(0.01)


@asynccontextmanager
async def all_held(
    proxy: FaultyProxy, person: Person, count: int, *, arriving: int
) -> AsyncIterator[list[asyncio.Task[str]]]:
    """While so many of this person's reads are held, of which so many arrive at PostgREST."""
    go = asyncio.Event()
    await proxy.does(*[held(go)] * arriving)

    async def ask() -> str:
        _, body = await person.post(READ)
        return str(body["errors"][0]["extensions"]["code"]) if "errors" in body else "ok"

    asking = [asyncio.create_task(ask()) for _ in range(count)]
    try:
        await until(lambda: len(proxy.attempts) == arriving)
        yield asking
    finally:
        go.set()
        await asyncio.gather(*asking)


async def test_one_person_has_a_share_and_others_the_rest(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty(info, upstream_pool=10, **PATIENT) as (proxy, url):
        slow, quick = Person(http, url, somebody.token), await Person(http, url).sign_up()
        async with all_held(proxy, slow, 30, arriving=3) as asking:
            await shows(http, url, WAITING, 27)
            assert [await quick.ask(READ) for _ in range(10)] == [{"trips": {"nodes": []}}] * 10
            assert await metric(http, url, RUNNING) == 3
            assert not any(each.done() for each in asking)
        assert [each.result() for each in asking] == ["ok"] * 30


async def test_without_a_person_an_address_has_a_share(http: aiohttp.ClientSession, info: StackInfo) -> None:
    """Whether requests are counted or not; what is asked anonymously is refused by Postgres, not by the gateway."""
    for rate_limits in (True, False):
        settings = {**PATIENT, "upstream_pool": 10, "rate_limits": rate_limits, "trusted_proxies": "127.0.0.1"}
        async with faulty(info, **settings) as (proxy, url):
            here, there = Client(http, url), Client(http, url)
            go = asyncio.Event()
            await proxy.does(*[held(go)] * 3)
            asking = [asyncio.create_task(here.post(READ)) for _ in range(8)]
            await until(lambda proxy=proxy: len(proxy.attempts) == 3)  # type: ignore[misc]
            await shows(http, url, WAITING, 5)
            assert (await there.post(READ)).codes == ["UNAUTHENTICATED"]
            async with live(Person(http, url)) as connection:
                assert await connection.event(await connection.subscribe("{ __typename }")) == {"__typename": "Query"}
            go.set()
            assert {tuple((await each).codes) for each in asking} == {("UNAUTHENTICATED",)}


@pytest.mark.parametrize(("status", "code"), [(504, "PGRST003"), (500, "57014"), (500, "53200"), (500, "53400")])
async def test_what_one_statement_took_closes_the_way_for_nobody(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person, status: int, code: str
) -> None:
    async with faulty(info, breaker_failures=2) as (proxy, url):
        slow, quick = Person(http, url, somebody.token), await Person(http, url).sign_up()
        await proxy.does(*[says(status, code)] * 12)
        expected = "UPSTREAM_UNAVAILABLE" if code.startswith("53") else "TIMEOUT"
        assert [await slow.code(READ) for _ in range(12)] == [expected] * 12
        assert await metric(http, url, 'tripgate_breaker_open{upstream="rest"}') == 0
        assert await quick.ask(READ) == {"trips": {"nodes": []}}


async def test_what_is_too_late_for_one_person_alone_opens_no_breaker(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty(info, breaker_failures=3, upstream_timeout=2, breaker_seconds=60) as (proxy, url):
        slow = Person(http, url, somebody.token)
        others = [await Person(http, url).sign_up() for _ in range(2)]
        never = asyncio.Event()
        await proxy.does(*[held(never)] * 4)
        assert await asyncio.gather(*(slow.code(READ) for _ in range(4))) == ["TIMEOUT"] * 4
        assert await others[0].ask(READ) == {"trips": {"nodes": []}}

        await proxy.does(*[held(never)] * 3)
        assert await asyncio.gather(*(person.code(READ) for person in (slow, *others))) == ["TIMEOUT"] * 3
        assert await slow.code(READ) == "UPSTREAM_UNAVAILABLE", "late for three people, it is out of order"


async def test_what_nobody_waits_for_any_more_keeps_its_place_until_it_is_answered(
    http: aiohttp.ClientSession, info: StackInfo
) -> None:
    """Else whoever asks and hangs up would have any number of statements running."""
    async with faulty(info, upstream_pool=10, **PATIENT) as (proxy, url):
        person = await Person(http, url).sign_up()
        go = asyncio.Event()
        await proxy.does(*[held(go)] * 3)
        async with live(person) as connection:
            for number in range(1, 4):
                id_ = await connection.subscribe(READ)
                await until(lambda number=number: len(proxy.attempts) == number)  # type: ignore[misc]
                await connection.send(type="complete", id=id_)
        await shows(http, url, "tripgate_running", 0)
        assert await metric(http, url, RUNNING) == 3
        waiting = asyncio.create_task(person.ask(READ))
        await shows(http, url, WAITING, 1)
        assert len(proxy.attempts) == 3
        go.set()
        assert await waiting == {"trips": {"nodes": []}}
        await shows(http, url, RUNNING, 0)


async def test_what_is_too_late_keeps_its_place_until_it_is_answered(
    http: aiohttp.ClientSession, info: StackInfo
) -> None:
    """PostgREST does not notice that nobody waits: it would be sent more and more than it can do."""
    async with faulty(info, upstream_pool=10, request_timeout=1.5) as (proxy, url):
        person = await Person(http, url).sign_up()
        go = asyncio.Event()
        await proxy.does(*[held(go)] * 3)
        codes = await asyncio.gather(*(person.code(READ) for _ in range(9)))
        assert sorted(codes) == ["OVERLOADED"] * 6 + ["TIMEOUT"] * 3
        assert len(proxy.attempts) == 3, "nothing more was sent in their place"
        assert await metric(http, url, RUNNING) == 3
        go.set()
        await shows(http, url, RUNNING, 0)
        assert await person.ask(READ) == {"trips": {"nodes": []}}


async def test_nor_longer_than_it_may_take(http: aiohttp.ClientSession, info: StackInfo, somebody: Person) -> None:
    async with faulty(info, upstream_timeout=0.3) as (proxy, url):
        await proxy.does(held(asyncio.Event()))
        async with live(Person(http, url, somebody.token)) as connection:
            await connection.subscribe(READ)
            await until(lambda: len(proxy.attempts) == 1)
        await shows(http, url, RUNNING, 0)


async def test_sign_ins_take_turns_by_address_too(http: aiohttp.ClientSession, info: StackInfo) -> None:
    """All are anonymous; Auth answers them, or refuses, as if nobody else were there."""
    async with faulty(info, upstream_connections=1, upstream_queue=4, trusted_proxies="127.0.0.1") as (_, url):
        many, one = Client(http, url), Client(http, url)
        asking = [asyncio.create_task(many.post(SIGN_IN)) for _ in range(12)]
        await asyncio.sleep(0)
        assert (await one.post(SIGN_IN)).codes == ["UNAUTHENTICATED"]
        codes = [code for each in asking for code in (await each).codes]
        assert set(codes) <= {"UNAUTHENTICATED", "OVERLOADED"}


def settings(**changes: object) -> Settings:
    given = {"SUPABASE_URL": "https://project.supabase.co", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x", **changes}
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("changes", "width", "share"),
    [
        ({}, 10, 3),
        ({"upstream_pool": 20, "workers": 3}, 6, 1),
        ({"upstream_pool": 200}, 100, 30),
        ({"upstream_pool": 200, "upstream_share": 1}, 100, 100),
        ({"upstream_pool": 1}, 1, 1),
    ],
)
def test_all_workers_together_ask_no_more_than_the_pool_holds(
    changes: dict[str, object], width: int, share: int
) -> None:
    found = settings(**changes)
    limits = found.rest_policy(found.workers)
    assert (limits.connections, limits.share) == (width, share)


def test_more_workers_than_the_pool_has_connections_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_URL", "https://project.supabase.co")
    monkeypatch.setenv("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_x")
    monkeypatch.setenv("TRIPGATE_WORKERS", "11")
    with pytest.raises(SettingsError, match="11 workers cannot share the 10 connections of PostgREST's pool"):
        load()

"""What somebody's requests take of Supabase's time counts against what they may cost, once it is known."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.faults.proxy import FaultyProxy, held, late, says
from tests.rates.conftest import Client
from tests.redis_server import Server
from tests.support import Person, serving
from tripgate.local.stack import StackInfo

READ = "{ trips(first: 1) { nodes { id } } }"  # costs 2


@asynccontextmanager
async def slow(seeded: StackInfo, **settings: object) -> AsyncIterator[tuple[FaultyProxy, str]]:
    """PostgREST behind a proxy, and the address of a gateway that counts cost."""
    given = {"rate_limits": True, "trusted_proxies": "127.0.0.1", **settings}
    async with (
        FaultyProxy(seeded.rest_url).running() as proxy,
        serving(seeded, rest_url=proxy.url, **given) as url,
    ):
        yield proxy, url


async def test_time_is_charged_to_the_person(
    seeded: StackInfo, http: aiohttp.ClientSession, newcomer: Person, ben: Person
) -> None:
    async with slow(seeded, cost_per_person=300, max_cost=300) as (proxy, url):
        person = Client(http, url, newcomer)
        assert await person.statuses(3, READ) == [200, 200, 200], "what is quick costs no time"
        await proxy.does(late(0.5))  # 400 ms more than is free
        assert await person.statuses(2, READ) == [200, 429]
        refused = await person.post(READ)
        assert refused.codes == ["RATE_LIMITED"]
        assert refused.headers["RateLimit-Policy"] == '"cost";q=300;w=60'
        assert await Client(http, url, newcomer).statuses(1, READ) == [429], "wherever they are"
        assert await Client(http, url, ben, person.address).statuses(1, READ) == [200]


async def test_and_without_a_person_to_the_address(seeded: StackInfo, http: aiohttp.ClientSession) -> None:
    async with slow(seeded, cost_per_person=300, max_cost=300) as (proxy, url):
        here, there = Client(http, url), Client(http, url)
        await proxy.does(late(0.5))
        assert [(await here.post(READ)).codes for _ in range(2)] == [["UNAUTHENTICATED"], ["RATE_LIMITED"]]
        assert (await there.post(READ)).codes == ["UNAUTHENTICATED"]


async def test_what_is_not_answered_in_time_costs_a_thousand_more(
    seeded: StackInfo, http: aiohttp.ClientSession, newcomer: Person, ben: Person
) -> None:
    async with slow(seeded, cost_per_person=1000, max_cost=1000, upstream_timeout=0.8) as (proxy, url):
        for person, fault in ((newcomer, says(500, "57014")), (ben, says(504, "PGRST003"))):
            client = Client(http, url, person)
            await proxy.does(fault)
            assert [(await client.post(READ)).codes for _ in range(2)] == [["TIMEOUT"], ["RATE_LIMITED"]]
        third = await Person(http, url).sign_up()
        await proxy.does(held(asyncio.Event()))
        client = Client(http, url, third)
        assert [(await client.post(READ)).codes for _ in range(2)] == [["TIMEOUT"], ["RATE_LIMITED"]]


async def test_who_has_nothing_left_is_refused_before_anything_is_worked_out(
    seeded: StackInfo, http: aiohttp.ClientSession, newcomer: Person
) -> None:
    """Else refusing costs the gateway as much as planning; what needs nobody costs nothing and goes on."""
    async with slow(seeded, cost_per_person=1000, max_cost=1000) as (proxy, url):
        person = Client(http, url, newcomer)
        await proxy.does(says(500, "57014"))
        assert [(await person.post(READ)).codes for _ in range(2)] == [["TIMEOUT"], ["RATE_LIMITED"]]
        wrong = await person.post("query ($n: Int!) { trips(first: $n) { nodes { id } } }", variables={"n": "x"})
        assert (wrong.status, wrong.codes) == (429, ["RATE_LIMITED"])
        assert wrong.headers["RateLimit-Policy"] == '"cost";q=1000;w=60'
        assert int(wrong.headers["Retry-After"]) >= 1
        assert (await person.post("{ __typename }")).status == 200


async def test_gateways_that_share_charge_together(
    seeded: StackInfo, http: aiohttp.ClientSession, newcomer: Person, redis: Server
) -> None:
    shared = {"cost_per_person": 1000, "max_cost": 1000, "redis_url": redis.url, "redis_prefix": "time:"}
    async with slow(seeded, **shared) as (proxy, url), slow(seeded, **shared) as (_, other):
        person = Client(http, url, newcomer)
        assert await person.at(other).statuses(1, READ) == [200]
        await proxy.does(says(500, "57014"))
        assert (await person.post(READ)).codes == ["TIMEOUT"]
        async with asyncio.timeout(60):
            while await person.at(other).statuses(1, READ) != [429]:  # noqa: ASYNC110 - what was taken before is spent
                await asyncio.sleep(0.01)
        assert await person.statuses(1, READ) == [429]

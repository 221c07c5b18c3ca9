"""An upstream that is away is not asked again and again, and more than there is room for is refused at once."""

import asyncio
from collections import Counter
from typing import Any

import aiohttp

from tests.faults.proxy import FaultyProxy, faulty, held, late, reset_before, says
from tests.live.clients import live
from tests.support import Person
from tripgate.local.stack import StackInfo

READ = "{ trips(first: 1) { nodes { id } } }"
NO_TRIP = 'mutation { deleteTrip(id: "00000000-0000-4000-8000-000000000000") { id } }'
SIGN_IN = 'mutation { signIn(input: { email: "nobody@example.com", password: "wrong horse" }) { user { id } } }'


async def ready(http: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    """What `/readyz` says of PostgREST."""
    async with http.get(url.replace("graphql", "readyz")) as response:
        return response.status, (await response.json())["checks"]["rest"]


async def metric(http: aiohttp.ClientSession, url: str, name: str) -> float:
    """A number of `/metrics`."""
    async with http.get(url.replace("graphql", "metrics")) as response:
        lines = (await response.text()).splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


async def test_an_upstream_that_is_away_is_asked_now_and_then(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty(info, breaker_failures=4, breaker_seconds=0.6) as (proxy, url):
        person = Person(http, url, somebody.token)
        assert await ready(http, url) == (200, "ok")
        await proxy.does(*[reset_before] * 100)
        for _ in range(2):
            assert await person.code(READ) == "UPSTREAM_UNAVAILABLE"
        assert len(proxy.attempts) == 4, "three for the first, and the first of the second"

        errors = [await person.refused(READ) for _ in range(20)]
        assert {(error["code"], error["retryAfter"]) for error in errors} == {("UPSTREAM_UNAVAILABLE", 1)}
        assert len(proxy.attempts) == 4
        assert await metric(http, url, 'tripgate_breaker_open{upstream="rest"}') == 1
        assert await person.code(SIGN_IN) == "UNAUTHENTICATED", "Auth has a breaker of its own"
        assert await person.ask("{ __typename }") == {"__typename": "Query"}

        await asyncio.sleep(0.6)
        await asyncio.gather(*(person.code(READ) for _ in range(20)))
        assert len(proxy.attempts) == 5, "one tries for all"
        await asyncio.sleep(0.6)
        proxy.script.clear()
        assert await person.code(NO_TRIP) == "NOT_FOUND"
        await asyncio.gather(*(person.ask(READ) for _ in range(20)))
        assert await metric(http, url, 'tripgate_breaker_open{upstream="rest"}') == 0


async def test_what_is_held_back_is_not_ready(http: aiohttp.ClientSession, info: StackInfo, somebody: Person) -> None:
    async with faulty(info, breaker_failures=1, breaker_seconds=5, upstream_retries=0) as (proxy, url):
        await proxy.does(says(503, "PGRST002"))
        assert await Person(http, url, somebody.token).code(READ) == "UPSTREAM_UNAVAILABLE"
        assert await ready(http, url) == (503, "held back")


async def test_refusals_do_not_open_the_breaker(http: aiohttp.ClientSession, info: StackInfo, somebody: Person) -> None:
    async with faulty(info, breaker_failures=2) as (proxy, url):
        person = Person(http, url, somebody.token)
        for fault in (says(400, "22P02"), says(403, "42501"), says(409, "23505"), says(429, None), says(500, "57014")):
            await proxy.does(*[fault] * 5)
            assert "UPSTREAM_UNAVAILABLE" not in [await person.code(READ) for _ in range(5)]
            assert len(proxy.attempts) == 5


async def answers(person: Person, count: int) -> Counter[str]:
    """What becomes of so many at once."""
    found = await asyncio.gather(*(person.post(READ) for _ in range(count)))
    return Counter(_outcome(status, body) for status, body in found)


def _outcome(status: int, body: dict[str, Any]) -> str:
    return f"{status} {body['errors'][0]['extensions']['code'] if 'errors' in body else 'ok'}"


async def test_what_neither_runs_nor_may_wait_is_refused_at_once(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty(info, upstream_connections=2, upstream_share=1, upstream_queue=3) as (proxy, url):
        person = Person(http, url, somebody.token)
        await proxy.does(*[late(0.2)] * 20)
        assert await answers(person, 12) == {"200 ok": 5, "200 OVERLOADED": 7}
        assert len(proxy.attempts) == 5
        error = await _overloaded(person, proxy)
        assert error == {
            "code": "OVERLOADED",
            "message": "Too much is going on at once here. Nothing of this was done; try again in a moment.",
            "retryAfter": 1,
        }


async def _overloaded(person: Person, proxy: FaultyProxy) -> dict[str, Any]:
    """The one error, when all places are taken by others."""
    await proxy.does(*[late(0.3)] * 5)
    others = [asyncio.create_task(person.post(READ)) for _ in range(5)]
    await asyncio.sleep(0.1)
    error = await person.refused(READ)
    await asyncio.gather(*others)
    return error


async def test_who_asks_for_much_keeps_nobody_from_asking(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty(info, upstream_connections=1, upstream_queue=6) as (proxy, url):
        greedy = Person(http, url, somebody.token)
        modest = await Person(http, url).sign_up()
        go = asyncio.Event()
        await proxy.does(held(go))
        order: list[str] = []

        async def ask(person: Person, name: str) -> None:
            status, body = await person.post(READ)
            order.append(name if _outcome(status, body) == "200 ok" else f"not {name}")

        async def until(count: int) -> None:
            async with asyncio.timeout(60):
                while len(order) < count:  # noqa: ASYNC110 - a test may look
                    await asyncio.sleep(0.01)

        asking = [asyncio.create_task(ask(greedy, "greedy")) for _ in range(20)]
        await until(13)
        asking += [asyncio.create_task(ask(modest, "modest")) for _ in range(2)]
        await until(15)
        go.set()
        await asyncio.gather(*asking)
        assert order == [
            *["not greedy"] * 15,
            *("greedy", "greedy", "modest", "greedy", "modest", "greedy", "greedy"),
        ]


async def test_more_operations_than_may_run_are_503_before_they_do_anything(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> None:
    async with faulty(info, max_running=3) as (proxy, url):
        person = Person(http, url, somebody.token)
        go = asyncio.Event()
        await proxy.does(*[held(go)] * 3)
        running = asyncio.create_task(answers(person, 3))
        while len(proxy.attempts) < 3:  # noqa: ASYNC110 - a test may look
            await asyncio.sleep(0.01)
        headers = {"Authorization": f"Bearer {person.token}"}
        async with http.post(url, json={"query": READ}, headers=headers) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "1")
            assert (await response.json())["errors"][0]["extensions"] == {"code": "OVERLOADED", "retryAfter": 1}
        headers["Accept"] = "text/event-stream"
        async with http.post(url, json={"query": READ}, headers=headers) as response:
            assert '"code":"OVERLOADED"' in await response.text()
        async with live(person) as connection:
            assert await connection.ending(await connection.subscribe(READ)) == "OVERLOADED"
        assert len(proxy.attempts) == 3
        go.set()
        assert await running == {"200 ok": 3}
        assert await answers(person, 3) == {"200 ok": 3}, "there is room again"

"""Each way to fail, for reads and writes: what the client is told, how often PostgREST is asked, how long it takes."""

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.faults.conftest import Database
from tests.faults.proxy import (
    Fault,
    FaultyProxy,
    black_hole,
    faulty,
    garbage,
    half_closed,
    late,
    no_json,
    passes,
    reset_after,
    reset_before,
    says,
    trickle,
    truncated,
)
from tests.support import Person, serving
from tripgate.local.stack import StackInfo

READ = "{ trips(first: 1) { nodes { id } } }"
WRITE = "mutation ($title: String!) { createTrip(input: { title: $title }) { title } }"
# A try has a second, the whole operation half a minute: whoever waits for that is far from SOON.
ATTEMPT = 1.0
OPERATION = 30.0
SOON = OPERATION / 2
"""Seconds more that a busy machine may take."""


@pytest.fixture(scope="session")
async def through(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person
) -> AsyncIterator[tuple[FaultyProxy, Person]]:
    """The proxy, and somebody whose gateway asks through it."""
    limits = {"upstream_timeout": ATTEMPT, "request_timeout": OPERATION, "breaker_failures": 1000}
    async with faulty(info, **limits) as (proxy, url):
        yield proxy, Person(http, url, somebody.token)


async def failure_of(person: Person, query: str, **variables: object) -> tuple[str, float, dict[str, object]]:
    """The code of the error or `ok`, the seconds it took, and all that is said of the error."""
    began = time.monotonic()
    status, body = await person.post(query, **variables)
    took = time.monotonic() - began
    assert status == 200, body
    assert "secret" not in str(body)
    if "errors" not in body:
        return "ok", took, {}
    (error,) = body["errors"]
    return error["extensions"]["code"], took, error["extensions"]


AWAY, OVER, BUSY = "UPSTREAM_UNAVAILABLE", "TIMEOUT", "RATE_LIMITED"
#   fault, then for a read that meets it once: what it is told and how often PostgREST is asked;
#   for one that meets it each time, where that is something else; for a write: what it is told, and the rows there are.
FAULTS: dict[str, tuple[Fault, tuple[str, int], tuple[str, int], tuple[str, int]]] = {
    "late": (late(0.2), ("ok", 1), ("ok", 1), ("ok", 1)),
    "too late": (late(5), (OVER, 1), (OVER, 1), (OVER, 0)),
    "reset before": (reset_before, ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "reset after": (reset_after, ("ok", 2), (AWAY, 3), (AWAY, 1)),
    "half closed": (half_closed, ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "black hole": (black_hole, (OVER, 1), (OVER, 1), (OVER, 0)),
    "trickle": (trickle, (OVER, 1), (OVER, 1), (OVER, 1)),
    "truncated": (truncated, ("ok", 2), (AWAY, 3), (AWAY, 1)),
    "garbage": (garbage, ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "no JSON": (no_json, (AWAY, 1), (AWAY, 1), (AWAY, 0)),
    "no schema cache": (says(503, "PGRST002"), ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "no database": (says(503, "PGRST000"), ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "lost database": (says(503, "08006"), ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "stopping database": (says(500, "57P01"), ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "back in a minute": (says(503, "PGRST002", Retry_After="60"), (AWAY, 1), (AWAY, 1), (AWAY, 0)),
    "bad gateway": (says(502, None), ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "no service": (says(503, None), ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "gateway timeout": (says(504, None), (OVER, 1), (OVER, 1), (OVER, 0)),
    "no connection left": (says(504, "PGRST003"), (OVER, 1), (OVER, 1), (OVER, 0)),
    "killed in its midst": (says(400, ""), ("ok", 2), (AWAY, 3), (AWAY, 0)),
    "too many clients": (says(503, "53300"), (AWAY, 1), (AWAY, 1), (AWAY, 0)),
    "statement timeout": (says(500, "57014"), (OVER, 1), (OVER, 1), (OVER, 0)),
    "too many requests": (says(429, None), (BUSY, 1), (BUSY, 1), (BUSY, 0)),
    "requests in a minute": (says(429, None, Retry_After="60"), (BUSY, 1), (BUSY, 1), (BUSY, 0)),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_read_that_meets_it_once(through: tuple[FaultyProxy, Person], name: str) -> None:
    proxy, person = through
    fault, expected, _, _ = FAULTS[name]
    await proxy.does(fault)
    code, took, _ = await failure_of(person, READ)
    assert (code, len(proxy.attempts)) == expected
    assert took < SOON


@pytest.mark.parametrize("name", [name for name, (_, once, always, _) in FAULTS.items() if once != always])
async def test_a_read_that_meets_it_each_time(through: tuple[FaultyProxy, Person], name: str) -> None:
    proxy, person = through
    fault, _, expected, _ = FAULTS[name]
    await proxy.does(*[fault] * 10)
    code, took, _ = await failure_of(person, READ)
    assert (code, len(proxy.attempts)) == expected
    assert took < SOON


@pytest.mark.parametrize("name", FAULTS)
async def test_a_write_is_sent_once(through: tuple[FaultyProxy, Person], database: Database, name: str) -> None:
    proxy, person = through
    fault, _, _, (expected, rows) = FAULTS[name]
    await proxy.does(fault)
    code, took, _ = await failure_of(person, WRITE, title=name)
    assert (code, proxy.attempts) == (expected, ["POST trips"])
    assert took < SOON
    assert database.trips(name) == rows


async def test_what_upstream_says_of_when_to_come_back_is_passed_on(through: tuple[FaultyProxy, Person]) -> None:
    proxy, person = through
    for fault, seconds in ((says(503, "PGRST002", Retry_After="60"), 60), (says(429, None, Retry_After="70"), 70)):
        await proxy.does(fault)
        _, took, error = await failure_of(person, READ)
        assert error["retryAfter"] == seconds
        assert took < SOON, "it cannot be waited for, so nobody waits"


async def test_and_waited_for_where_the_deadline_allows(through: tuple[FaultyProxy, Person]) -> None:
    proxy, person = through
    await proxy.does(says(503, "PGRST002", Retry_After="1"))
    code, took, _ = await failure_of(person, READ)
    assert (code, proxy.attempts) == ("ok", ["GET trips", "GET trips"])
    assert 1 <= took < SOON


async def test_a_read_that_names_its_ids_in_a_body_is_repeated_too(through: tuple[FaultyProxy, Person]) -> None:
    proxy, person = through
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(101)]
    await proxy.does(reset_before)
    code, *_ = await failure_of(
        person, "query ($ids: [UUID!]) { trips(filter: { id: { in: $ids } }) { nodes { id } } }", ids=ids
    )
    assert (code, proxy.attempts) == ("ok", ["POST rpc/trips_by_ids"] * 2)


async def test_a_write_that_cannot_have_left_is_sent_again(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person, database: Database
) -> None:
    async with serving(info, rest_url="http://127.0.0.1:1") as url:
        person = Person(http, url, somebody.token)
        assert (await failure_of(person, WRITE, title="Nobody home"))[0] == AWAY
        async with http.get(url.replace("graphql", "metrics")) as response:
            metrics = await response.text()
    assert 'tripgate_upstream_retries_total{upstream="rest"} 2.0' in metrics
    assert database.trips("Nobody home") == 0


async def test_all_attempts_of_all_fields_share_one_deadline(info: StackInfo, somebody: Person) -> None:
    async with faulty(info, upstream_timeout=2.5, request_timeout=7.5, breaker_failures=1000) as (proxy, url):
        await proxy.does(*[late(2)] * 20)
        fields = " ".join(f'{name}: createTrip(input: {{ title: "In turn" }}) {{ id }}' for name in "abcde")
        _, body = await Person(somebody.http, url, somebody.token).post(f"mutation {{ {fields} }}")
    assert [body["data"][name] is not None for name in "abcde"] == [True, True, True, False, False]
    assert [error["extensions"]["code"] for error in body["errors"]] == [OVER, "NOT_RUN"]
    # Each is told what is left, but for a quarter of a second: two and a half for an attempt, until there is less.
    assert proxy.deadlines[:3] == pytest.approx([2250, 2250, 2250], abs=5)
    assert proxy.deadlines[3] < 1300


async def test_another_request_has_a_deadline_of_its_own(through: tuple[FaultyProxy, Person]) -> None:
    proxy, person = through
    await proxy.does(*[passes] * 3)
    for _ in range(3):
        assert (await failure_of(person, READ))[0] == "ok"
    assert proxy.deadlines == [750, 750, 750]

"""Two gateways over one Supabase and one Redis are as one."""

import asyncio
import hashlib
import itertools
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from tests.live.clients import Live, live
from tests.live.served import served
from tests.rates.conftest import VIEWER, Client
from tests.rates.test_attempts import sign_in, stranger
from tests.rates.test_lockout import RIGHT
from tests.redis_server import Server
from tests.support import Person, serving
from tripgate.gateway.settings import Settings, SettingsError
from tripgate.local.stack import StackInfo

_numbers = itertools.count(1)
CHANGES = "subscription ($trip: UUID!) { tripChanges(tripId: $trip) { operation trip { title } } }"


@pytest.fixture
async def two(seeded: StackInfo, http: aiohttp.ClientSession, redis: Server, request: pytest.FixtureRequest) -> Any:
    """Starts two gateways that share; gives a client of each, at one address."""

    @asynccontextmanager
    async def start(person: Person | None = None, **settings: Any) -> AsyncIterator[tuple[Client, Client]]:
        shared = {
            "rate_limits": True,
            "trusted_proxies": "127.0.0.1",
            "redis_url": redis.url,
            "redis_prefix": f"{request.node.name}:",
            **settings,
        }
        async with serving(seeded, **shared) as one, serving(seeded, **shared) as other:
            client = Client(http, one, person)
            yield client, client.at(other)

    return start


async def test_a_persons_requests_are_counted_together(two: Any, newcomer: Person) -> None:
    async with two(newcomer, requests_per_person=5) as (one, other):
        statuses = [(await gateway.post(VIEWER)).status for gateway in (one, other) * 3]
        assert statuses == [200, 200, 200, 200, 200, 429]
        assert await one.statuses(1) == [429]


async def test_an_addresss_requests_are_counted_together(two: Any) -> None:
    async with two(requests_per_address=4) as (one, other):
        statuses = [(await gateway.post(VIEWER)).status for gateway in (one, other) * 3]
        assert statuses == [200, 200, 200, 200, 429, 429]


async def test_a_large_quota_is_not_exceeded_either(two: Any, newcomer: Person) -> None:
    async with two(newcomer, requests_per_person=100) as (one, other):
        began = time.monotonic()
        statuses = [(await gateway.post(VIEWER)).status for gateway in (one, other) * 52]
        # The window slides while they come, and gives back as much as a minute allows for that time.
        given_back = 100 / 60 * (time.monotonic() - began)
        assert 99 <= statuses.count(200) <= 100 + given_back


async def test_attempts_to_sign_in_are_counted_together(two: Any) -> None:
    async with two(sign_in_attempts_per_account=3) as (one, other):
        query = f"mutation {{ {sign_in(stranger())} }}"
        assert [(await gateway.post(query)).status for gateway in (one, other) * 2] == [200, 200, 200, 429]


async def test_attempts_from_everywhere_and_who_has_signed_in_are_known_to_both(two: Any, newcomer: Person) -> None:
    async with two(sign_in_attempts_per_account=2) as (one, other):
        right = RIGHT % newcomer.email
        wrong = f"mutation {{ {sign_in(str(newcomer.email))} }}"
        assert not (await one.post(right)).codes
        # Others try, now here, now there, until one try a minute is left of each of them.
        for number in range(4):
            gateway = (one, other)[number % 2]
            assert (await replace(gateway, address=f"203.0.{number}.7").post(wrong)).status == 200
        for number, gateway in enumerate((one, other), 110):
            guesser = replace(gateway, address=f"203.0.{number}.7")
            assert [(await guesser.post(wrong)).status for _ in range(2)] == [200, 429]
        # Who has signed in at the one is let through at the other.
        assert (await other.post(wrong)).codes == ["UNAUTHENTICATED"]


async def test_what_operations_cost_is_counted_together(two: Any, newcomer: Person) -> None:
    async with two(newcomer, cost_per_person=250, max_cost=200) as (one, other):
        query = "{ trips(first: 100) { nodes { id } } }"
        assert [(await gateway.post(query)).status for gateway in (one, other, one)] == [200, 200, 429]


async def test_a_document_that_one_keeps_the_other_knows(two: Any, newcomer: Person) -> None:
    digest = hashlib.sha256(VIEWER.encode()).hexdigest()
    named = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    async with two(newcomer) as (one, other):
        assert (await ask(other, named)) == ["PERSISTED_QUERY_NOT_FOUND"]
        assert (await ask(one, {"query": VIEWER, **named})) == []
        assert (await ask(other, named)) == []


async def test_a_document_under_a_wrong_digest_is_not_taken(two: Any, newcomer: Person, redis: Server) -> None:
    async with two(newcomer, redis_prefix="forged:") as (one, _):
        digest = hashlib.sha256(b"{ viewer { displayName } }").hexdigest()
        redis.command("SET", f"forged:document:{digest}", VIEWER)
        named = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
        assert (await ask(one, named)) == ["PERSISTED_QUERY_NOT_FOUND"]


async def ask(client: Client, parameters: dict[str, Any]) -> list[str]:
    """The codes of the errors of a request with just these parameters."""
    assert client.person is not None
    headers = {"Authorization": f"Bearer {client.person.token}"}
    async with client.http.post(client.url, json=parameters, headers=headers) as response:
        body = await response.json()
        return [error["extensions"]["code"] for error in body.get("errors", ())]


async def test_subscriptions_live_on_both_and_are_counted_together(two: Any, newcomer: Person) -> None:
    trip = await newcomer.trip(title="Before")
    async with two(newcomer, max_subscriptions_per_person=2) as (one, other):
        people = [Person(newcomer.http, client.url, newcomer.token) for client in (one, other)]
        async with live(people[0]) as here, live(people[1]) as there:
            first = await here.subscribe(CHANGES, trip=trip)
            second = await there.subscribe(CHANGES, trip=trip)
            await asyncio.gather(renamed(newcomer, trip, here, first), renamed(newcomer, trip, there, second))
            assert await here.ending(await here.subscribe(CHANGES, trip=trip)) == "RATE_LIMITED"
            # One that ends makes room on the other gateway.
            await there.send(type="complete", id=second)
            async with asyncio.timeout(60):
                third = await here.subscribe(CHANGES, trip=trip)
                while not await heard(newcomer, trip, here, third):
                    await asyncio.sleep(0.1)  # too many messages a second would end the connection
                    third = await here.subscribe(CHANGES, trip=trip)


async def renamed(person: Person, trip: str, connection: Live, subscription: str) -> None:
    """Rename the trip until the subscription has heard of it."""
    async with asyncio.timeout(60):
        while not await heard(person, trip, connection, subscription):
            pass


async def heard(person: Person, trip: str, connection: Live, subscription: str) -> bool:
    """Whether the subscription hears of a trip that is renamed now; it may not have begun yet, or have been refused."""
    title = f"Renamed {next(_numbers)}"
    await person.ask(
        "mutation ($trip: UUID!, $title: String!) { updateTrip(id: $trip, patch: { title: $title }) { id } }",
        trip=trip,
        title=title,
    )
    try:
        found = await connection.event(subscription, seconds=0.5)
    except (TimeoutError, AssertionError):
        return False
    assert found["tripChanges"]["operation"] == "UPDATE"
    return True


async def test_two_processes_and_a_redis_that_crashes(
    seeded: StackInfo, http: aiohttp.ClientSession, newcomer: Person, frail: Server
) -> None:
    settings = {
        "RATE_LIMITS": "true",
        "REDIS_URL": frail.url,
        "REDIS_PREFIX": "processes:",
        "REQUESTS_PER_PERSON": "4",
    }
    async with AsyncExitStack() as running:
        starting = (running.enter_async_context(served(seeded, **settings)) for _ in range(2))
        one, other = (Client(http, each.url, newcomer) for each in await asyncio.gather(*starting))
        assert [(await each.post(VIEWER)).status for each in (one, other) * 3] == [200, 200, 200, 200, 429, 429]
        frail.kill()
        # Each for itself, and nobody waits.
        assert await one.statuses(5) == [200, 200, 200, 200, 429]
        assert await other.statuses(5) == [200, 200, 200, 200, 429]


async def test_a_wrong_address_stops_the_start(seeded: StackInfo) -> None:
    with pytest.raises(ValueError, match="it must begin with redis://, rediss:// or unix://"):
        Settings.model_validate(
            {"SUPABASE_URL": seeded.api_url, "SUPABASE_PUBLISHABLE_KEY": "k", "redis_url": "http://127.0.0.1"}
        )
    with pytest.raises(SettingsError, match="TRIPGATE_REDIS_URL: "):
        async with serving(seeded, redis_url="redis://127.0.0.1:none/0"):
            pass


def test_only_who_shares_needs_the_client() -> None:
    program = """
import asyncio, sys
sys.modules["redis"] = sys.modules["redis.asyncio"] = None
from tripgate.gateway.app import application
from tripgate.gateway.admission.shared import sharing
from tripgate.gateway.settings import Settings, SettingsError

def settings(**more):
    given = {"SUPABASE_URL": "http://127.0.0.1:1", "SUPABASE_PUBLISHABLE_KEY": "k", **more}
    return Settings.model_validate(given)

async def main():
    async with sharing(settings()):
        print("alone")
    async with sharing(settings(redis_url="redis://127.0.0.1/0")):
        print("shared")

application(settings())
try:
    asyncio.run(main())
except SettingsError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "alone",
        "TRIPGATE_REDIS_URL needs the extra `redis`: pip install '.[redis]' in its folder.",
    ]

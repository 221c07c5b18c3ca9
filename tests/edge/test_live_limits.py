"""What a WebSocket and a stream of events may take, each with its close code or error code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from gql.errors import ApiError
from tests.live.clients import connected, live
from tests.support import Person, serving
from tripgate.gateway.edge.concurrency import LocalCounter, SubscriptionLimit
from tripgate.local.stack import StackInfo
from tripgate.upstream.caller import ANONYMOUS, Caller

FOLLOW = "subscription ($trip: UUID!) { tripChanges(tripId: $trip) { operation } }"


@pytest.fixture(scope="module")
async def narrow(seeded: StackInfo) -> AsyncIterator[str]:
    """The address of a gateway with small limits."""
    async with serving(
        seeded,
        websocket_init_timeout=0.3,
        websocket_messages_per_second=10,
        max_operations_per_connection=4,
        max_subscriptions_per_person=3,
        max_body_bytes=2048,
    ) as url:
        yield url


@pytest.fixture
async def person(narrow: str, newcomer: Person) -> Person:
    """Somebody who has just signed up, on that gateway."""
    return Person(newcomer.http, narrow, newcomer.token, id=newcomer.id)


async def test_connection_init_must_come_in_time(person: Person) -> None:
    began = asyncio.get_running_loop().time()
    async with connected(person) as connection:
        await connection.send(type="pong")
        assert await connection.close_code() == 4408
    assert 0.3 <= asyncio.get_running_loop().time() - began < 5


async def test_messages_come_at_a_rate(person: Person) -> None:
    async with live(person) as connection:
        for _ in range(9):
            await connection.send(type="ping")
        for _ in range(9):
            assert await connection.message() == {"type": "pong"}
        await asyncio.sleep(0.3)
        await connection.send(type="ping")
        assert await connection.message() == {"type": "pong"}, "time brings new ones"
        for _ in range(40):
            await connection.send(type="pong")
        assert await connection.close_code() == 1008


async def test_a_message_has_a_largest_size(person: Person) -> None:
    async with live(person) as connection:
        await connection.send(type="ping", payload={"x": "x" * 1900})
        assert (await connection.message())["type"] == "pong"
        await connection.send(type="ping", payload={"x": "x" * 2048})
        assert await connection.close_code() == 1009


async def test_a_connection_runs_so_many_operations(person: Person) -> None:
    query = "query Slow($ids: [UUID!]!) { trips(filter: { id: { in: $ids } }) { totalCount } }"
    async with live(person) as connection:
        ids = [await connection.subscribe(query, ids=[]) for _ in range(5)]
        assert await connection.ending(ids[-1]) == "RATE_LIMITED"


async def test_a_person_follows_so_much_over_all_connections(
    person: Person, anonymous: Person, http: aiohttp.ClientSession
) -> None:
    trip = await person.trip()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(live(person))
        second = await stack.enter_async_context(live(person))
        ids = [await first.subscribe(FOLLOW, trip=trip) for _ in range(2)]

        stream = await post(person, trip)
        assert (stream.status, stream.content_type) == (200, "text/event-stream")

        one_more = await second.subscribe(FOLLOW, trip=trip)
        error = {
            "message": "At most 3 subscriptions of one person run at once. End one first.",
            "extensions": {"code": "RATE_LIMITED"},
        }
        assert await second.message() == {"id": one_more, "type": "error", "payload": [error]}
        refused = await post(person, trip)
        assert (refused.status, refused.content_type) == (429, "application/json")
        assert (await refused.json())["errors"][0]["extensions"]["code"] == "RATE_LIMITED"

        # Queries are not counted, and nobody else is.
        query = await second.subscribe("{ __typename }")
        assert await second.event(query) == {"__typename": "Query"}
        other = await Person(http, person.url).sign_up()
        stream_of_another = await post(other, await other.trip())
        assert stream_of_another.status == 200

        # Whatever ends makes room: an operation that is completed, a stream whose reader goes.
        await first.send(type="complete", id=ids[0])
        again = await post(person, trip)
        for _ in range(100):
            if again.status == 200:
                break
            await asyncio.sleep(0.02)
            again = await post(person, trip)
        assert again.status == 200
        again.close()
        stream.close()
        stream_of_another.close()


async def post(person: Person, trip: str) -> aiohttp.ClientResponse:
    """The open response to a subscription by server-sent events."""
    return await person.http.post(
        person.url,
        json={"query": FOLLOW, "variables": {"trip": trip}},
        headers={"Accept": "text/event-stream", "Authorization": f"Bearer {person.token}"},
    )


async def test_what_ends_is_counted_no_more() -> None:
    counter = LocalCounter()
    limit = SubscriptionLimit(counter, most=2)
    ada, ben = Caller("ada", "x"), Caller("ben", "y")

    async def follow(caller: Caller) -> Any:
        async with limit.one_more(caller):
            await asyncio.Event().wait()

    running = [asyncio.create_task(follow(caller)) for caller in (ada, ada, ben, ANONYMOUS, ANONYMOUS, ANONYMOUS)]
    await asyncio.sleep(0)
    with pytest.raises(ApiError, match="At most 2 subscriptions"):
        await follow(ada)
    assert len(counter) == 2
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert len(counter) == 0

"""Event streams of many operations, request by request; `test_stock_clients` judges them by the vendor's client."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.live.conftest import Party
from tests.live.served import served
from tests.live.test_faults import narrow
from tests.support import Person, serving
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.settings import Settings
from tripgate.local.keys import Signer
from tripgate.local.stack import StackInfo

HEADER = "X-GraphQL-Event-Stream-Token"
TRIP = "subscription ($trip: UUID!) { trip(id: $trip) { title } }"
NOWHERE = (
    "NOT_FOUND",
    "There is no such event stream of yours: reserve one by PUT, and open it within 10 seconds.",
)


class Stream:
    """One stream of somebody's."""

    def __init__(self, person: Person, token: str = "") -> None:
        self.person = person
        self.token = token
        self.response: aiohttp.ClientResponse | None = None

    @property
    def headers(self) -> dict[str, str]:
        known = {"Authorization": f"Bearer {self.person.token}"} if self.person.token else {}
        return {**known, HEADER: self.token}

    async def said(self, method: str, path: str = "", **more: Any) -> tuple[int, Any]:
        """Status of a request about the stream, and what it answers."""
        more.setdefault("headers", self.headers)
        async with self.person.http.request(method, self.person.url + path, **more) as response:
            text = await response.text()
            answer = json.loads(text) if text.startswith("{") else text
        if isinstance(answer, dict):
            (error,) = answer["errors"]
            answer = error["extensions"]["code"], error["message"]
        return response.status, answer

    async def reserve(self) -> None:
        status, token = await self.said("PUT")
        assert status == 201, token
        self.token = token

    async def open(self) -> None:
        headers = {**self.headers, "Accept": "text/event-stream"}
        self.response = await self.person.http.get(self.person.url, headers=headers)
        assert self.response.status == 200
        assert self.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert await self._line() == b":\n"

    async def run(self, id_: Any, query: str, **variables: Any) -> tuple[int, Any]:
        body = {"query": query, "variables": variables, "extensions": {"operationId": id_}}
        return await self.said("POST", json=body)

    async def event(self, seconds: float = 60.0) -> tuple[str, Any]:
        """The name of the next event, and its data."""
        while not (line := await self._line(seconds)).startswith(b"event: "):
            assert line, "the stream is over"
        name, data = line[7:-1].decode(), await self._line(seconds)
        assert data.startswith(b"data: ")
        return name, json.loads(data[6:])

    async def rest(self) -> bytes:
        """What comes until the stream ends."""
        assert self.response is not None
        return await asyncio.wait_for(self.response.content.read(), 60)

    async def _line(self, seconds: float = 60.0) -> bytes:
        assert self.response is not None
        return await asyncio.wait_for(self.response.content.readline(), seconds)


@asynccontextmanager
async def opened(person: Person) -> AsyncIterator[Stream]:
    """An open stream."""
    stream = Stream(person)
    await stream.reserve()
    await stream.open()
    try:
        yield stream
    finally:
        assert stream.response is not None
        stream.response.close()


def at(person: Person, url: str) -> Person:
    """The same person, at another gateway."""
    return Person(person.http, url, person.token, person.refresh_token, person.id, person.email)


async def test_operations_say_which_of_them_an_event_is_about(party: Party) -> None:
    async with opened(party.owner) as stream:
        assert await stream.run("one", TRIP, trip=party.trip) == (202, "")
        assert await stream.event() == ("next", {"id": "one", "payload": {"data": {"trip": {"title": "Shared"}}}})
        assert await stream.run("two", "{ viewer { id } }") == (202, "")
        assert await stream.event() == ("next", {"id": "two", "payload": {"data": {"viewer": {"id": party.owner.id}}}})
        assert await stream.event() == ("complete", {"id": "two"})
        assert await stream.run("one", TRIP, trip=party.trip) == (
            409,
            ("CONFLICT", "An operation of this name runs on the event stream."),
        )
        assert await stream.said("DELETE", "?operationId=one") == (200, "")
        assert await stream.said("DELETE", "?operationId=one") == (200, "")
        # Left without a word, and its name is free at once.
        assert await stream.run("one", "{ __typename }") == (202, "")
        assert await stream.event() == ("next", {"id": "one", "payload": {"data": {"__typename": "Query"}}})


async def test_what_is_wrong_with_an_operation_is_told_on_the_stream(party: Party) -> None:
    async with opened(Person(party.owner.http, party.owner.url)) as stream:
        for id_, query, code in (
            ("a", "{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("b", "{ trips { totalCount } }", "UNAUTHENTICATED"),
            ("c", TRIP, "BAD_USER_INPUT"),
        ):
            assert await stream.run(id_, query) == (202, "")
            name, told = await stream.event()
            assert (name, told["id"]) == ("next", id_)
            assert [error["extensions"]["code"] for error in told["payload"]["errors"]] == [code]
            assert await stream.event() == ("complete", {"id": id_})


async def test_what_is_no_operation_is_refused(party: Party) -> None:
    async with opened(party.owner) as stream:
        unnamed = (
            400,
            ("BAD_REQUEST", "Name the operation: `extensions.operationId` is a string of at most 256 characters."),
        )
        for id_ in (None, "", 7, "x" * 257):
            assert await stream.run(id_, "{ __typename }") == unnamed
        assert await stream.said("POST", json={"query": "{ __typename }"}) == unnamed
        assert (await stream.said("POST", data=b"{")) == (
            415,
            ("BAD_REQUEST", "Send the request as application/json, in UTF-8."),
        )
        assert await stream.said("DELETE") == (
            400,
            ("BAD_REQUEST", "Name the operation that is to end: `?operationId=…`."),
        )
        event_stream = {**stream.headers, "Accept": "text/event-stream"}
        assert await stream.said("GET", headers=event_stream) == (
            409,
            ("CONFLICT", "This event stream is open already."),
        )
        assert await stream.said("GET", headers={**stream.headers, "Accept": "application/json"}) == (
            406,
            ("BAD_REQUEST", "Open an event stream with `Accept: text/event-stream`."),
        )


async def test_a_stream_is_its_persons_and_others_are_told_what_they_are_told_of_none(party: Party) -> None:
    async with opened(party.owner) as stream:
        for other in (
            Stream(party.stranger, stream.token),
            Stream(Person(party.owner.http, party.owner.url), stream.token),
            Stream(party.owner, "unknown"),
        ):
            assert await other.run("one", "{ __typename }") == (404, NOWHERE)
            assert await other.said("DELETE", "?operationId=one") == (404, NOWHERE)
    reserved = Stream(party.owner)
    await reserved.reserve()
    theirs = Stream(party.stranger, reserved.token)
    accept = {"Accept": "text/event-stream"}
    assert await theirs.said("GET", headers={**theirs.headers, **accept}) == (404, NOWHERE)
    assert await reserved.run("one", "{ __typename }") == (
        409,
        ("CONFLICT", "This event stream is not open. Open it by GET first."),
    )
    # A page's EventSource can send no header: the token in the address is enough to open.
    address = f"{party.owner.url}?token={reserved.token}"
    async with party.owner.http.get(address, headers=accept) as response:
        assert response.status == 200
    status, (code, _) = await Stream(Person(party.owner.http, party.owner.url, "nonsense")).said("PUT")
    assert (status, code) == (401, "UNAUTHENTICATED")


async def test_a_reserved_stream_counts_until_it_is_opened_or_late(
    party: Party, info: StackInfo, http: aiohttp.ClientSession
) -> None:
    async with serving(info, event_stream_open_timeout=0.5, max_live_connections_per_address=2) as url:
        owner = at(party.owner, url)
        streams = [Stream(owner), Stream(owner), Stream(owner)]
        for stream in streams[:2]:
            await stream.reserve()
        too_many = "At most 2 live connections are open from one address. Close one first."
        assert await streams[2].said("PUT") == (429, ("RATE_LIMITED", too_many))
        await asyncio.sleep(0.7)
        assert (await streams[0].said("GET", headers={**streams[0].headers, "Accept": "text/event-stream"}))[0] == 404
        await streams[2].reserve()
        await streams[2].open()
        await asyncio.sleep(0.7)
        assert await streams[2].run("one", "{ __typename }") == (202, "")


async def test_where_several_processes_serve_none_is_reserved(party: Party, info: StackInfo) -> None:
    """The next request about it may come to another of them."""
    async with serving(info, workers=2) as url:
        status, (code, message) = await Stream(at(party.owner, url)).said("PUT")
        assert (status, code) == (501, "BAD_REQUEST")
        assert message == (
            "This server has several processes, and a stream for many operations is one's. Stream each by itself."
        )


async def test_one_person_has_few_streams_wait(party: Party) -> None:
    for _ in range(16):
        await Stream(party.stranger).reserve()
    status, (code, message) = await Stream(party.stranger).said("PUT")
    assert (status, code) == (429, "RATE_LIMITED")
    assert message == "16 event streams of one person wait to be opened. Open one first."
    await Stream(party.owner).reserve()


async def test_so_few_wait_of_one_address_where_nobody_is_signed_in(
    party: Party, info: StackInfo, http: aiohttp.ClientSession
) -> None:
    async with serving(info, trusted_proxies="127.0.0.1/32") as url:
        nobody = Person(http, url)
        streams = [Stream(nobody) for _ in range(16)]
        for stream in streams:
            await stream.reserve()
        too_many = "16 event streams of one address where nobody is signed in wait to be opened. Open one first."
        assert await Stream(nobody).said("PUT") == (429, ("RATE_LIMITED", too_many))
        await Stream(at(party.owner, url)).reserve()
        status, _ = await Stream(nobody).said("PUT", headers={"X-Forwarded-For": "192.0.2.1"})
        assert status == 201
        await streams[0].open()
        await Stream(nobody).reserve()
        assert (await Stream(nobody).said("PUT"))[0] == 429


async def test_whoever_closes_the_stream_follows_nothing_any_more(party: Party, info: StackInfo) -> None:
    async with serving(info, max_subscriptions_per_person=1, max_operations_per_connection=2) as url:
        owner = at(party.owner, url)
        async with opened(owner) as stream:
            await stream.run("one", TRIP, trip=party.trip)
            assert (await stream.event())[0] == "next"
            assert (await stream.run("two", TRIP, trip=party.trip))[0] == 202
            name, told = await stream.event()
            assert (name, told["payload"]["errors"][0]["extensions"]["code"]) == ("next", "RATE_LIMITED")
            assert await stream.event() == ("complete", {"id": "two"})
        async with asyncio.timeout(60):
            while True:
                await asyncio.sleep(0.2)  # a stream that is closed is noticed within a second
                async with opened(owner) as stream:
                    await stream.run("one", TRIP, trip=party.trip)
                    if "data" in (await stream.event())[1]["payload"]:
                        break


async def test_nothing_is_left_of_a_stream_whose_reader_stands_still(party: Party) -> None:
    """Whatever waits for room on it ends with it, an end that is to be told included."""
    party.sql(
        "insert into public.trip_items (trip_id, title, notes) select %s, 'Item ' || n, repeat('🌊', 5000)"
        " from generate_series(1, 19) n",
        party.trip,
    )
    large = "query ($trip: UUID!) { trip(id: $trip) { items { nodes { notes } } } }"
    async with narrow(party.owner, party.owner.url) as (reading, _), opened(reading) as stream:
        asking = Stream(party.owner, stream.token)
        for number in range(40):
            assert (await asking.run(str(number), large, trip=party.trip))[0] == 202
        await asyncio.sleep(0.5)
        assert running() > 0
    async with asyncio.timeout(60):
        while running():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


def running() -> int:
    """How many operations of such streams the gateways of this process run."""
    return sum(task.get_coro().__qualname__ == "SingleStreams._run" for task in asyncio.all_tasks())  # type: ignore[union-attr]


async def test_so_many_operations_run_on_one(party: Party, info: StackInfo) -> None:
    async with serving(info, max_operations_per_connection=2) as url, opened(at(party.owner, url)) as stream:
        for id_ in ("one", "two"):
            assert (await stream.run(id_, TRIP, trip=party.trip))[0] == 202
        full = ("RATE_LIMITED", "At most 2 operations run at once on an event stream.")
        assert await stream.run("three", TRIP, trip=party.trip) == (429, full)
        assert (await stream.said("DELETE", "?operationId=one"))[0] == 200
        assert (await stream.run("three", TRIP, trip=party.trip))[0] == 202


async def test_a_post_under_a_newer_token_has_everything_go_on_under_it(party: Party, signer: Signer) -> None:
    claims = {
        "sub": party.owner.id,
        "role": "authenticated",
        "aud": "authenticated",
        "iss": f"{party.info.api_url}/auth/v1",
    }
    ends = int(time.time()) + 4
    brief = Person(party.owner.http, party.owner.url, signer.sign({**claims, "exp": ends}))
    async with opened(brief) as kept, opened(brief) as left:
        for stream in (kept, left):
            await stream.run("one", TRIP, trip=party.trip)
            assert (await stream.event())[0] == "next"
        kept.person = party.owner
        await kept.run("two", "{ __typename }")
        assert [(await kept.event())[0] for _ in range(2)] == ["next", "complete"]
        await asyncio.sleep(max(0.0, ends + 0.3 - time.time()))
        name, told = await left.event()
        assert (name, told["payload"]["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        party.sql("update public.trips set title = 'Later' where id = %s", party.trip)
        assert (await kept.event())[1]["payload"] == {"data": {"trip": {"title": "Later"}}}


async def test_streams_and_requests_are_counted(party: Party, info: StackInfo) -> None:
    seen: list[Observability] = []

    def see(settings: Settings) -> Observability:
        seen.append(Observability(settings))
        return seen[0]

    async with serving(info, see, rate_limits=True, requests_per_address=8) as url:
        async with opened(at(party.owner, url)) as stream:
            for number in range(6):
                assert await stream.run(str(number), "{ __typename }") == (202, "")
                assert [(await stream.event())[0] for _ in range(2)] == ["next", "complete"]
                assert seen[0].streams == 1
            status, (code, _) = await stream.run("one more", "{ __typename }")
            assert (status, code) == (429, "RATE_LIMITED")
        async with asyncio.timeout(60):
            while seen[0].streams:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)


async def test_a_stop_ends_it_without_a_complete(party: Party, info: StackInfo) -> None:
    async with served(info) as gateway, opened(at(party.owner, gateway.url)) as stream:
        await stream.run("one", TRIP, trip=party.trip)
        assert (await stream.event())[0] == "next"
        gateway.stop()
        assert b"complete" not in await stream.rest()
        assert await gateway.exit_code(8) == 0


@pytest.mark.parametrize(("signed_in", "ended"), [(False, True), (True, False)])
async def test_one_that_runs_nothing_for_nobody_is_ended(
    party: Party, info: StackInfo, signed_in: bool, ended: bool
) -> None:
    person = party.owner if signed_in else Person(party.owner.http, party.owner.url)
    async with serving(info, websocket_idle_timeout=0.3) as url, opened(at(person, url)) as stream:
        if ended:
            assert await stream.rest() == b"\n"
        else:
            await asyncio.sleep(1)
            assert await stream.run("one", "{ __typename }") == (202, "")

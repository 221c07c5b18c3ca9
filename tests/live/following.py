"""Following a live query over each of the transports, and what the tests of live queries share."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.live.clients import TIMEOUT, Live, live
from tests.live.conftest import Party
from tests.live.test_single_stream import opened
from tests.support import Person

TRIP = "subscription ($trip: UUID!) { trip(id: $trip) { title items { nodes { title voteSummary { score mine } } } } }"
TITLE = "subscription ($trip: UUID!) { trip(id: $trip) { title } }"
TRIPS = "subscription { trips { nodes { title } totalCount } }"
TRANSPORTS = ("websocket", "sse", "single-stream", "multipart")
MULTIPART = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
_EMPTY = "{}"


def at(person: Person, url: str) -> Person:
    """The same person, at another gateway."""
    return Person(person.http, url, person.token, person.refresh_token, person.id, person.email)


async def until_heard(connection: Live, id_: str, party: Party, read: Any) -> None:
    """Have changes made until one is heard, so that the topics are joined; then hear the query out."""
    for attempt in range(50):
        party.sql("update public.trips set title = %s where id = %s", f"Ready {attempt}", party.trip)
        try:
            while read(await connection.event(id_, 0.5)) != f"Ready {attempt}":
                pass
        except TimeoutError:
            continue
        break
    else:
        raise AssertionError("the query never heard of a change")
    await hear_out(connection, id_)


async def hear_out(connection: Live, id_: str, seconds: float = 0.5) -> Any:
    """What the last event says, once nothing more comes; `None` where none does."""
    last = None
    while True:
        try:
            last = await connection.event(id_, seconds)
        except TimeoutError:
            return last


async def events(connection: Live, id_: str, seconds: float) -> list[Any]:
    """What comes within this time."""
    found = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            found.append(await connection.event(id_, left))
        except TimeoutError:
            break
    return found


class Following:
    """One live query over some transport."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[dict[str, Any] | str] = asyncio.Queue()

    async def payload(self, seconds: float = TIMEOUT) -> dict[str, Any]:
        """The next answer, as it was sent."""
        found = await asyncio.wait_for(self.heard.get(), seconds)
        assert isinstance(found, dict), found
        return found

    async def ending(self, seconds: float = TIMEOUT) -> str:
        """`complete`, `cut` where the connection ended without a word, or the code of the error that it ends with."""
        found = await asyncio.wait_for(self.heard.get(), seconds)
        if isinstance(found, dict):
            (error,) = found["errors"]
            assert await self.ending() == "complete"
            return str(error["extensions"]["code"])
        return found

    async def title(self, wanted: str, seconds: float = TIMEOUT) -> dict[str, Any]:
        """The first answer in which the trip is called so, as it was sent."""
        async with asyncio.timeout(seconds):
            while (found := await self.payload(seconds))["data"] != {"trip": {"title": wanted}}:
                pass
        return found


@asynccontextmanager
async def followed(person: Person, transport: str, query: str, **variables: Any) -> AsyncIterator[Following]:
    """A live query of somebody's, over this transport."""
    follow = {"websocket": _by_websocket, "sse": _by_sse, "single-stream": _by_single_stream, "multipart": _in_parts}
    following = Following()
    reading = asyncio.create_task(follow[transport](person, following.heard, query, variables))
    try:
        yield following
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


Heard = asyncio.Queue[dict[str, Any] | str]


async def _by_websocket(person: Person, heard: Heard, query: str, variables: dict[str, Any]) -> None:
    async with live(person) as connection:
        await connection.subscribe(query, **variables)
        async for message in connection.socket:
            said = json.loads(message.data)
            match said["type"]:
                case "next":
                    heard.put_nowait(said["payload"])
                case "error":
                    heard.put_nowait({"errors": said["payload"]})
                    heard.put_nowait("complete")
                case "complete":
                    heard.put_nowait("complete")
        heard.put_nowait("cut" if connection.socket.close_code == 1001 else f"closed {connection.socket.close_code}")


def _posted(person: Person, accept: str, query: str, variables: dict[str, Any]) -> Any:
    headers = {"Accept": accept, "Authorization": f"Bearer {person.token}"}
    body = {"query": query, "variables": variables}
    return person.http.post(person.url, json=body, headers=headers, timeout=aiohttp.ClientTimeout(total=None))


async def _by_sse(person: Person, heard: Heard, query: str, variables: dict[str, Any]) -> None:
    async with _posted(person, "text/event-stream", query, variables) as response:
        assert response.content_type == "text/event-stream", await response.text()
        async for line in response.content:
            if line.startswith(b"data: {"):
                heard.put_nowait(json.loads(line[6:]))
            elif line == b"event: complete\n":
                heard.put_nowait("complete")
                return
    heard.put_nowait("cut")


async def _by_single_stream(person: Person, heard: Heard, query: str, variables: dict[str, Any]) -> None:
    async with opened(person) as stream:
        assert (await stream.run("one", query, **variables))[0] == 202
        assert stream.response is not None
        async for line in stream.response.content:
            if line.startswith(b"data: "):
                told = json.loads(line[6:])
                heard.put_nowait(told.get("payload", "complete"))
    heard.put_nowait("cut")


async def _in_parts(person: Person, heard: Heard, query: str, variables: dict[str, Any]) -> None:
    async with _posted(person, MULTIPART, query, variables) as response:
        assert response.content_type == "multipart/mixed", await response.text()
        async for line in response.content:
            if line.startswith(b"{") and line.strip() != _EMPTY.encode():
                part = json.loads(line)
                heard.put_nowait(part if part["payload"] is None else part["payload"])
            elif line.startswith(b"--graphql--"):
                heard.put_nowait("complete")
                return
    heard.put_nowait("cut")

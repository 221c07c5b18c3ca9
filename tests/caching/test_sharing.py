"""Identical reads of one person that are under way share one upstream request, none from before their last write."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.sql_wire import SqlWire
from tests.support import Person, backend, reading, serving
from tripgate.local.stack import StackInfo

TAGS = "{ tags { nodes { name } } }"
TAG = "mutation ($name: String!) { createTag(input: { name: $name }) { id } }"


@dataclass
class Gate:
    """A proxy in front of PostgREST, and of Postgres, that lets answers to reads pass when it is told to.

    Attributes:
        settings: Those of a gateway that reads through it.
    """

    rest_url: str
    reads: list[str] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    settings: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Gate"]:
        """While it stands there."""
        self.open.set()
        async with aiohttp.ClientSession() as session:

            async def pass_on(request: web.Request) -> web.Response:
                headers = {key: value for key, value in request.headers.items() if key not in {"Host"}}
                url = f"{self.rest_url}{request.raw_path}"
                async with session.request(request.method, url, headers=headers, data=await request.read()) as response:
                    body, status = await response.read(), response.status
                if request.method == "GET" or request.path.endswith("/rpc/search_places"):
                    self.reads.append(request.raw_path)
                    await self.open.wait()  # with what it has seen before it opens
                return web.Response(body=body, status=status, content_type="application/json")

            app = web.Application()
            app.router.add_route("*", "/{path:.*}", pass_on)
            runner = web.AppRunner(app, shutdown_timeout=1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.settings["rest_url"] = "http://{}:{}".format(*runner.addresses[0])
            yield self
            self.open.set()
            await runner.cleanup()

    async def held(self, count: int) -> None:
        """Wait until so many reads wait here, and a moment for those that should not come."""
        async with asyncio.timeout(60):
            while len(self.reads) < count:  # noqa: ASYNC110 - what comes is counted, not announced
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(self.reads) == count

    def shut(self) -> None:
        """Hold reads back from now on."""
        self.reads.clear()
        self.open.clear()


@pytest.fixture(scope="session")
async def gate(seeded: StackInfo) -> AsyncIterator[Gate]:
    """Holds reads back."""
    async with Gate(seeded.rest_url).serving() as gate:
        if backend() != "postgres":
            yield gate
            return
        async with SqlWire(reading(seeded, "postgres")["database_url"], gate.reads, gate.open).serving() as sql:
            gate.settings["database_url"] = sql.url
            yield gate


@pytest.fixture(scope="session")
async def sharing(seeded: StackInfo, gate: Gate) -> AsyncIterator[str]:
    """The address of a gateway that shares reads."""
    async with serving(seeded, share_reads=True, **gate.settings) as url:
        yield url


@pytest.fixture
async def person(http: aiohttp.ClientSession, sharing: str) -> Person:
    """Somebody who has just signed up."""
    return await Person(http, sharing).sign_up()


def asking(person: Person, query: str = TAGS, **variables: Any) -> "asyncio.Task[Any]":
    """The question, on its way."""
    return asyncio.create_task(person.ask(query, **variables))


async def test_identical_reads_under_way_are_one(person: Person, gate: Gate) -> None:
    gate.shut()
    asked = [asking(person) for _ in range(5)]
    await gate.held(1)
    gate.open.set()
    assert await asyncio.gather(*asked) == [{"tags": {"nodes": []}}] * 5
    await person.ask(TAGS)
    assert len(gate.reads) == 2, "one that is over is not shared"


async def test_other_reads_and_other_people_are_not(person: Person, sharing: str, gate: Gate) -> None:
    other = await Person(person.http, sharing).sign_up()
    same_person = await Person(person.http, sharing).sign_in(person.email or "", "correct horse")
    gate.shut()
    asked = [asking(person), asking(other), asking(same_person), asking(person, "{ tags { nodes { colour } } }")]
    await gate.held(4)
    gate.open.set()
    await asyncio.gather(*asked)


async def test_reads_by_a_function_are_shared_if_they_look_for_the_same(person: Person, gate: Gate) -> None:
    search = "query ($text: String!) { searchPlaces(text: $text) { nodes { name } } }"
    for name in ("eq.pier", "eq.quay"):
        await person.ask("mutation ($name: String!) { createPlace(input: { name: $name }) { id } }", name=name)
    gate.shut()
    asked = [asking(person, search, text=text) for text in ("eq.pier", "eq.quay", "eq.pier")]
    await gate.held(2)
    gate.open.set()
    found = [answer["searchPlaces"]["nodes"] for answer in await asyncio.gather(*asked)]
    assert found == [[{"name": "eq.pier"}], [{"name": "eq.quay"}], [{"name": "eq.pier"}]]


async def test_no_read_is_shared_that_began_before_the_persons_last_write(person: Person, gate: Gate) -> None:
    gate.shut()
    before = asking(person)
    await gate.held(1)
    await person.ask(TAG, name="new")
    after = [asking(person), asking(person)]
    await gate.held(2)
    gate.open.set()
    assert await before == {"tags": {"nodes": []}}
    assert await asyncio.gather(*after) == [{"tags": {"nodes": [{"name": "new"}]}}] * 2


async def test_a_write_reads_back_for_itself(person: Person, gate: Gate) -> None:
    made = await person.ask('mutation { createPlace(input: { name: "Pier" }) { id } }')
    id_ = made["createPlace"]["id"]
    query = "query ($id: UUID!) { place(id: $id) { name owner { displayName } } }"
    gate.shut()
    before = asking(person, query, id=id_)
    await gate.held(1)
    patch = 'mutation ($id: UUID!) { updatePlace(id: $id, patch: { name: "Quay" }) { name owner { displayName } } }'
    writing = asking(person, patch, id=id_)
    await gate.held(2)
    gate.open.set()
    assert (await before)["place"]["name"] == "Pier"
    assert (await writing)["updatePlace"]["name"] == "Quay"


async def test_whoever_goes_leaves_the_others_their_answer(person: Person, gate: Gate) -> None:
    socket = await person.http.ws_connect(person.url.replace("http", "ws", 1), protocols=("graphql-transport-ws",))
    async with socket:
        await socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {person.token}"}})
        assert (await socket.receive_json())["type"] == "connection_ack"
        gate.shut()
        await socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": TAGS}})
        await gate.held(1)
        asked = [asking(person) for _ in range(3)]
        await gate.held(1)
        await socket.send_json({"type": "complete", "id": "1"})
        await gate.held(2)  # one of the others has asked anew, for all of them
        gate.open.set()
        assert await asyncio.gather(*asked) == [{"tags": {"nodes": []}}] * 3


async def test_a_failure_is_everybodys(person: Person, gate: Gate) -> None:
    query = "query ($words: String!) { tags(filter: { name: { like: $words } }) { nodes { name } } }"
    gate.shut()
    bad = [asyncio.create_task(person.code(query, words="x\\")) for _ in range(2)]
    gate.open.set()
    assert len(set(await asyncio.gather(*bad))) == 1

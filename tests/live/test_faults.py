"""Readers that do not read, and tokens that end, while somebody follows a trip."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import jwt
import pytest

from tests.live.clients import Live, live
from tests.live.conftest import Party
from tests.live.test_changes import ITEMS, rename, until_following
from tests.live.test_protocol import sse
from tests.support import Person, serving
from tripgate.local.keys import Signer
from tripgate.local.stack import StackInfo

NOTES = "subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { operation tripItem { title notes } } }"
PRESENCE = "subscription ($trip: UUID!) { tripPresence(tripId: $trip) { people { id } } }"
WAVES = [f"Wave {number}" for number in range(1, 601)]
# Each change with notes of 20,000 bytes, and each in a transaction of its own.
FLOOD = """do $$ begin
  for n in 1..{count} loop
    update public.trip_items set title = 'Wave ' || n, notes = repeat('🌊', 5000) where trip_id = '{trip}';
    commit;
  end loop;
end $$"""


def shown(answer: Any) -> str:
    """The title in an event's data, or its operation where it has none."""
    change = answer["tripItemChanges"]
    return str(change["tripItem"]["title"] if change["tripItem"] else change["operation"])


async def titles(connection: Live, id_: str, last: str) -> list[str]:
    """The titles up to this one; others' knocking is passed over."""
    found: list[str] = []
    while last not in found:
        title = shown(await connection.event(id_))
        if not title.startswith("Ready"):
            found.append(title)
    return found


async def flood(party: Party) -> None:
    """Many changes at once; together more than sockets and queues hold."""
    await asyncio.to_thread(party.sql, FLOOD.format(count=len(WAVES), trip=party.trip))


class Wires:
    """The TCP sockets of one client, with little room for what it has not read."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def make(self, address: Any) -> socket.socket:
        """A socket; aiohttp calls this to connect."""
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._sockets.append(made)
        return made

    async def torn(self) -> None:
        """Return once the server has ended the connection, which the kernel knows although nobody reads."""
        async with asyncio.timeout(60):
            while self._established():  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.02)

    def _established(self) -> bool:
        wire = self._sockets[-1]
        return wire.fileno() >= 0 and wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\1"


@asynccontextmanager
async def narrow(person: Person, url: str) -> AsyncIterator[tuple[Person, Wires]]:
    """The person as a client that takes from the network only what is asked of it."""
    wires = Wires()
    connector = aiohttp.TCPConnector(socket_factory=wires.make)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=4096) as http:
        yield Person(http, url, person.token), wires


async def test_a_reader_that_stands_still_holds_nobody_up_and_receives_a_resync(party: Party) -> None:
    async with narrow(party.editor, party.editor.url) as (editor, _), live(editor) as slow, live(party.owner) as quick:
        hers = await slow.subscribe(NOTES, trip=party.trip)
        his = await quick.subscribe(ITEMS, trip=party.trip)
        await until_following(slow, hers, party)
        await until_following(quick, his, party)
        heard, _ = await asyncio.gather(titles(quick, his, WAVES[-1]), flood(party))
        assert heard == WAVES
        began = time.monotonic()
        await rename(party, "Calm")
        assert await titles(quick, his, "Calm") == ["Calm"]
        assert time.monotonic() - began < 1

        heard = await titles(slow, hers, "Calm")
        resync = heard.index("RESYNC")
        assert heard[:resync] == WAVES[:resync]
        rest = heard[resync + 1 :]
        assert rest == [*WAVES, "Calm"][-len(rest) :]
        assert len(rest) <= 256


async def test_one_that_completes_on_a_full_connection_takes_no_other_with_it(party: Party) -> None:
    async with narrow(party.editor, party.editor.url) as (editor, _), live(editor) as connection:
        kept = await connection.subscribe(NOTES, trip=party.trip)
        left = await connection.subscribe(NOTES, trip=party.trip)
        await until_following(connection, kept, party)
        await flood(party)
        await connection.send(type="complete", id=left)
        await asyncio.sleep(0.2)
        await rename(party, "Calm")
        assert (await titles(connection, kept, "Calm"))[0] == WAVES[0]


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_a_client_that_takes_nothing_is_hung_up_on(
    party: Party, info: StackInfo, http: aiohttp.ClientSession, transport: str
) -> None:
    async with (
        # Long enough for the one who does read, on a machine that is busy.
        serving(info, keep_alive=8) as url,
        live(Person(http, url, party.owner.token)) as watching,
        narrow(party.editor, url) as (editor, wires),
        AsyncExitStack() as deaf,
    ):
        if transport == "sse":
            await deaf.enter_async_context(await sse(editor, NOTES, trip=party.trip))
        else:
            connection = await deaf.enter_async_context(live(editor))
            await connection.subscribe(NOTES, trip=party.trip)
        items = await watching.subscribe(ITEMS, trip=party.trip)
        await until_following(watching, items, party)
        heard, *_ = await asyncio.gather(titles(watching, items, WAVES[-1]), flood(party), wires.torn())
        assert heard == WAVES


async def test_who_closes_a_stream_has_left_the_trip(party: Party) -> None:
    async with live(party.owner) as watching:
        presence = await watching.subscribe(PRESENCE, trip=party.trip)
        assert (await watching.event(presence))["tripPresence"]["people"] == [{"id": party.owner.id}]
        stream = await sse(party.editor, PRESENCE, trip=party.trip)
        assert len((await watching.event(presence))["tripPresence"]["people"]) == 2
        stream.close()
        assert (await watching.event(presence))["tripPresence"]["people"] == [{"id": party.owner.id}]


async def test_nothing_is_sent_once_the_token_has_ended(party: Party, signer: Signer) -> None:
    ends = int(time.time()) + 4
    claims = jwt.decode(str(party.editor.token), options={"verify_signature": False})
    editor = Person(party.editor.http, party.editor.url, signer.sign({**claims, "exp": ends}))
    async with live(editor) as brief, live(party.owner) as lasting:
        hers = await brief.subscribe(ITEMS, trip=party.trip)
        await until_following(brief, hers, party)
        his = await lasting.subscribe(ITEMS, trip=party.trip)
        await until_following(lasting, his, party)
        stream = await sse(editor, ITEMS, trip=party.trip)

        written = []
        while time.time() < ends + 0.5:
            written.append(str(time.time()))
            await rename(party, written[-1])
            await asyncio.sleep(0.02)

        # Her token carried the join for both; now that it has ended, his does, and he has missed nothing.
        assert await titles(lasting, his, written[-1]) == written

        told = []
        while (message := await brief._next(hers, 1))["type"] == "next":
            told.append(shown(message["payload"]["data"]))
        assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        *answers, ended = [
            json.loads(line.removeprefix("data: "))
            for line in (await stream.content.read()).decode().split("\n")
            if line.startswith("data: {")
        ]
        assert ended["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        for all_heard in (told, [shown(answer["data"]) for answer in answers]):
            heard = [title for title in all_heard if not title.startswith("Ready")]
            first = written.index(heard[0])
            assert heard == written[first : first + len(heard)]
            assert float(heard[-1]) < ends

        for query in (ITEMS, "query ($trip: UUID!) { trip(id: $trip) { title } }"):
            assert await brief.ending(await brief.subscribe(query, trip=party.trip)) == "UNAUTHENTICATED"

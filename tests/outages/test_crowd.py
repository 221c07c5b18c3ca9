"""Five hundred WebSockets that all lose their connection at the same moment, and all come back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from tests.live.clients import Live, live
from tests.live.conftest import Party
from tests.live.served import RealtimeProxy, served
from tests.live.test_changes import ITEMS, RENAME
from tests.support import Person, Wire
from tripgate.local.stack import Stack, StackInfo

CROWD = 500
TRIPS = 5


class Crowd:
    """Two people, with fifty WebSockets each on each of five trips."""

    def __init__(self, party: Party, trips: dict[str, str]) -> None:
        self._owner = party.owner
        self._people = [party.owner, party.editor]
        self._trips = trips
        self.topics = {f"realtime:trip:{trip}": 1 for trip in trips}
        self.sockets: list[tuple[Live, str]] = []

    @classmethod
    async def of(cls, party: Party) -> "Crowd":
        """The two of the party, with four trips more; each trip has one item."""
        trips = {party.trip: party.item}
        for number in range(1, TRIPS):
            trip = await party.owner.trip(title=f"Trip {number}")
            make = 'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "Boat" }) { id } }'
            trips[trip] = (await party.owner.ask(make, trip=trip))["createTripItem"]["id"]
            invite = "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')"
            party.sql(invite, trip, party.editor.id)
        return cls(party, trips)

    @asynccontextmanager
    async def following(self, url: str) -> AsyncIterator["Crowd"]:
        """All connect at once, are acknowledged and subscribe."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
            AsyncExitStack() as open_sockets,
        ):
            people = [Person(http, url, person.token) for person in self._people]

            async def follow(person: Person, trip: str) -> tuple[Live, str]:
                connection = await open_sockets.enter_async_context(live(person))
                return connection, await connection.subscribe(ITEMS, trip=trip)

            places = [(person, trip) for person in people for trip in self._trips]
            self.sockets = list(await asyncio.gather(*(follow(*places[n % len(places)]) for n in range(CROWD))))
            yield self

    async def rename(self, title: str) -> None:
        """Change an item of each trip."""
        await asyncio.gather(*(self._owner.ask(RENAME, id=item, title=title) for item in self._trips.values()))

    async def hears(self, word: str, *, missed: str | None = None) -> None:
        """Change things until all have heard of a change. From its first on, each hears every change once, in order.

        Args:
            missed: What changed while nobody could hear it: that comes first, unless a RESYNC takes its place.
        """
        rounds: list[str] = []

        async def knock() -> None:
            while True:
                rounds.append(f"{word} {len(rounds)}")
                await self.rename(rounds[-1])
                await asyncio.sleep(0.25)

        knocking = asyncio.create_task(knock())
        first = await asyncio.gather(*(self._titles(place, None) for place in self.sockets))
        knocking.cancel()
        await asyncio.gather(knocking, return_exceptions=True)
        await self.rename(f"{word} at last")
        rest = await asyncio.gather(*(self._titles(place, f"{word} at last") for place in self.sockets))
        expected = [*rounds, f"{word} at last"] if missed is None else [missed, *rounds, f"{word} at last"]
        for begun, went_on in zip(first, rest, strict=True):
            assert missed is None or begun[0] in {missed, "RESYNC"}
            heard = [title for title in [*begun, *went_on] if title != "RESYNC"]
            assert heard == expected[expected.index(heard[0]) :]

    @staticmethod
    async def _titles(place: tuple[Live, str], last: str | None) -> list[str]:
        connection, id_ = place
        titles: list[str] = []
        while not titles or (last is not None and titles[-1] != last):
            change = (await connection.event(id_))["tripItemChanges"]
            titles.append(change["tripItem"]["title"] if change["tripItem"] else change["operation"])
        return titles


async def test_five_hundred_come_back_at_once(party: Party, info: StackInfo, breakable_stack: Stack) -> None:
    crowd = await Crowd.of(party)
    async with Wire(info.rest_url) as reads, RealtimeProxy(info) as joins, AsyncExitStack() as running:
        settings = {"REALTIME_URL": joins.url, "MAX_LIVE_CONNECTIONS_PER_ADDRESS": str(CROWD)}
        first, second = await asyncio.gather(
            running.enter_async_context(served(info, **settings)),
            running.enter_async_context(served(info, **settings, REST_URL=reads.url)),
        )
        async with crowd.following(first.url):
            await crowd.hears("First")

            await asyncio.to_thread(breakable_stack.kill, "realtime")
            await crowd.rename("Missed")
            joins.topics.clear()
            await asyncio.to_thread(breakable_stack.restart, "realtime")
            await crowd.hears("Second", missed="Missed")
            assert Counter(joins.topics) == crowd.topics, "the crowd shares its joins"

            first.stop()
            assert set(await asyncio.gather(*(one.close_code() for one, _ in crowd.sockets))) == {1001}
            assert await first.exit_code(5) == 0
        joins.topics.clear()
        async with crowd.following(second.url):
            await crowd.hears("Third")
            assert Counter(joins.topics) == crowd.topics
            assert len(reads.requests) <= CROWD, "each is admitted once, by at most one read"

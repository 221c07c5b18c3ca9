"""Subscriptions, while PostgREST is away for a moment, or for good."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.faults.conftest import Database
from tests.faults.proxy import FaultyProxy, black_hole, faulty, reset_before
from tests.live.clients import Live, live
from tests.support import Person
from tripgate.local.stack import StackInfo

TOLD = "subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { tripItem { title } } }"
READ_ANEW = "subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { tripItem { title cost } } }"


@dataclass
class Following:
    """Somebody who follows a trip of theirs, at a gateway whose PostgREST can be made to fail."""

    proxy: FaultyProxy
    connection: Live
    database: Database
    trip: str
    guest: str

    def rename(self, title: str) -> None:
        """Change the trip's item."""
        self.database.rows("update public.trip_items set title = %s where trip_id = %s", title, self.trip)

    def doubt(self) -> None:
        """Let something happen after which each follower's right to follow is asked for anew."""
        self.database.rows("insert into public.collaborators (trip_id, user_id) values (%s, %s)", self.trip, self.guest)
        self.database.rows("delete from public.collaborators where trip_id = %s", self.trip)

    async def follow(self, query: str) -> str:
        """Follow, once the first change has been heard of; other tests may have killed what tells of them."""
        async with asyncio.timeout(30):
            while True:
                id_ = await self.connection.subscribe(query, trip=self.trip)
                for _ in range(20):
                    await asyncio.to_thread(self.rename, "Ready")
                    try:
                        message = await self.connection._next(id_, 0.5)
                    except TimeoutError:
                        continue
                    if message["type"] == "next":
                        return id_
                    break

    async def hears(self, id_: str, title: str) -> None:
        """Return once this is heard of."""
        while (await self.connection.event(id_))["tripItemChanges"]["tripItem"]["title"] != title:
            pass


@asynccontextmanager
async def following(
    somebody: Person, info: StackInfo, database: Database, **settings: object
) -> AsyncIterator[Following]:
    plain = Person(somebody.http, somebody.url)
    person, guest = [await plain.sign_up() for _ in range(2)]
    trip = await person.trip()
    database.rows("insert into public.trip_items (trip_id, title) values (%s, 'Boat')", trip)
    async with (
        faulty(info, breaker_seconds=0.3, **settings) as (proxy, url),
        live(Person(person.http, url, person.token)) as connection,
    ):
        yield Following(proxy, connection, database, trip, str(guest.id))


async def test_they_outlive_a_moment(somebody: Person, info: StackInfo, database: Database) -> None:
    async with following(somebody, info, database) as here:
        told, read = await here.follow(TOLD), await here.follow(READ_ANEW)
        await here.proxy.does(*[reset_before] * 1000)
        await asyncio.to_thread(here.doubt)
        await asyncio.to_thread(here.rename, "Meanwhile")
        await asyncio.sleep(1)
        assert here.proxy.attempts, "both had to ask"
        here.proxy.script.clear()
        await here.hears(told, "Meanwhile")
        await here.hears(read, "Meanwhile")


async def test_they_end_when_it_is_for_good(somebody: Person, info: StackInfo, database: Database) -> None:
    async with following(somebody, info, database, live_retry_seconds=1) as here:
        told, read = await here.follow(TOLD), await here.follow(READ_ANEW)
        await here.proxy.does(*[reset_before] * 1000)
        began = time.monotonic()
        await asyncio.to_thread(here.doubt)
        assert await ending(here.connection, told) == "UPSTREAM_UNAVAILABLE"
        assert await ending(here.connection, read) == "UPSTREAM_UNAVAILABLE"
        assert 0.8 < time.monotonic() - began < 20


async def ending(connection: Live, id_: str) -> str:
    """How it ends, whatever is heard before."""
    while True:
        message = await connection._next(id_, 60)
        if message["type"] == "error":
            return str(message["payload"][0]["extensions"]["code"])


async def test_nobody_waits_for_ever_to_be_let_in(somebody: Person, info: StackInfo, database: Database) -> None:
    limits = {"upstream_timeout": 0.5, "request_timeout": 0.8, "breaker_failures": 1000}
    async with following(somebody, info, database, **limits) as here:
        await here.proxy.does(*[black_hole] * 1000)
        began = time.monotonic()
        waiting = [await here.connection.subscribe(TOLD, trip=here.trip) for _ in range(40)]
        ends = Counter([await ending(here.connection, id_) for id_ in waiting])
        assert time.monotonic() - began < 20
        # Five of one person are asked for at a time, a quarter of the pool, and the others have waited too long then:
        # all but those, five at most, that get a turn just before.
        assert ends.keys() == {"TIMEOUT", "OVERLOADED"}
        assert 5 <= ends["TIMEOUT"] <= 10

"""Rows that are read anew for a change: never as they were before it, though it may be heard of before it can be read.

Postgres does not lag at will, so a wire in front of PostgREST gives reads the answers of an earlier moment.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import psycopg
import pytest
from aiohttp import web

from gql.catalog import catalog
from resolvers.declared.changed_row import WAITS, too_early
from tests.live.clients import Live, live
from tests.live.conftest import Party
from tests.live.test_changes import rename, until_following
from tests.support import Person, Wire, serving
from tripgate.local.stack import StackInfo
from tripgate.upstream.realtime.frames import Change, Operation

ITEMS = """subscription ($trip: UUID!) {
  tripItemChanges(tripId: $trip) { operation tripItem { title cost trip { title } } }
}"""
ADD = 'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "Tea" }) { id } }'
TRIES = 1 + len(WAITS)


@dataclass
class LateWire(Wire):
    """Answers the next `late` reads of items as they were answered before, and of an item not read before with none."""

    late: int = 0
    reads: int = 0
    earlier: dict[str, Any] = field(default_factory=dict)

    async def _pass_on(self, request: web.Request) -> web.Response:
        if not request.path.startswith("/trip_items"):
            return await super()._pass_on(request)
        self.reads += 1
        if self.late > 0:
            self.late -= 1
            return web.json_response(body=self.earlier.get(request.raw_path, b"[]"))
        answer = await super()._pass_on(request)
        self.earlier[request.raw_path] = answer.body
        return answer


@dataclass
class Follower:
    """The editor, who follows the items of the trip over a wire that may be late."""

    wire: LateWire
    connection: Live
    items: str

    async def hears(self) -> Any:
        event = (await self.connection.event(self.items))["tripItemChanges"]
        item = event["tripItem"]
        return event["operation"], item and item["title"]


@pytest.fixture
async def follower(info: StackInfo, party: Party, http: aiohttp.ClientSession) -> AsyncIterator[Follower]:
    async with (
        LateWire(info.rest_url) as wire,
        serving(info, rest_url=wire.url) as url,
        live(Person(http, url, party.editor.token)) as connection,
    ):
        assert isinstance(wire, LateWire)
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        wire.reads = 0
        yield Follower(wire, connection, items)


async def test_a_row_that_is_older_than_its_change_is_read_again(party: Party, follower: Follower) -> None:
    await rename(party, "In time")
    assert await follower.hears() == ("UPDATE", "In time")
    assert follower.wire.reads == 1
    follower.wire.late = 2
    await rename(party, "Late")
    assert await follower.hears() == ("UPDATE", "Late")
    assert follower.wire.reads == 1 + 3


async def test_a_new_row_that_is_not_there_yet_is_read_again(party: Party, follower: Follower) -> None:
    follower.wire.late = 2
    await party.owner.ask(ADD, trip=party.trip)
    assert await follower.hears() == ("INSERT", "Tea")
    assert follower.wire.reads == 3


async def test_a_row_that_stays_away_is_given_up_after_a_moment(party: Party, follower: Follower) -> None:
    follower.wire.late = TRIES
    await party.owner.ask(ADD, trip=party.trip)
    assert await follower.hears() == ("INSERT", None)
    assert follower.wire.reads == TRIES


@pytest.mark.parametrize(("zone", "late"), [("Asia/Tokyo", 0), ("America/New_York", 1)])
async def test_the_writers_time_zone_does_not_matter(party: Party, follower: Follower, zone: str, late: int) -> None:
    # The record's instants are in that zone, PostgREST's are not: as text, those of Tokyo look newer and those of New
    # York older than they are.
    follower.wire.late = late
    with psycopg.connect(party.info.admin_db_url, autocommit=True, options=f"-c TimeZone={zone}") as connection:
        connection.execute("update public.trip_items set title = %s where id = %s", [zone, party.item])
    assert await follower.hears() == ("UPDATE", zone)
    assert follower.wire.reads == 1 + late


async def test_an_object_computed_by_the_database_is_read_anew(party: Party) -> None:
    query = """subscription ($trip: UUID!) {
      tripItemChanges(tripId: $trip) { tripItem { title voteSummary { score } } }
    }"""
    async with live(party.editor) as connection:
        items = await connection.subscribe(query, trip=party.trip)
        await until_following(connection, items, party)
        await rename(party, "Counted")
        event = await connection.event(items)
        assert event["tripItemChanges"] == {"tripItem": {"title": "Counted", "voteSummary": {"score": 0}}}


@pytest.mark.parametrize(
    ("row", "early"),
    [
        ({"updated_at": "2027-06-01T12:00:00.1+00:00"}, False),
        ({"updated_at": "2027-06-01T12:00:00.099999+00:00"}, True),
        ({"updated_at": "2027-06-01T12:00:00.100001+00:00"}, False),
        # Without a stamp the values decide, where both sides write them alike.
        ({"title": "Tea", "cost": "4.50", "starts_at": "2027-06-01T14:00:00+02:00", "a1": []}, False),
        ({"title": "Boat", "cost": "4.50"}, True),
    ],
)
def test_what_counts_as_older(row: dict[str, Any], early: bool) -> None:
    record = {
        "title": "Tea",
        "cost": 4.5,
        "starts_at": "2027-06-01T12:00:00+00:00",
        "updated_at": "2027-06-01T12:00:00.100000+00:00",
    }
    change = Change("trip_items", Operation.UPDATE, "1", record, "")
    assert too_early(catalog["TripItem"], row, change) is early


async def test_numbers_in_json_keep_their_digits(party: Party, follower: Follower) -> None:
    followed = await follower.connection.subscribe(
        "subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { tripItem { details } } }", trip=party.trip
    )
    await until_following(follower.connection, followed, party)
    add = """mutation ($trip: UUID!) {
      createTripItem(input: { tripId: $trip, title: "x", details: { n: 18446744073709551617 } }) { id } }"""
    await party.owner.ask(add, trip=party.trip)
    event = await follower.connection.event(followed)
    assert event["tripItemChanges"] == {"tripItem": {"details": {"n": 18446744073709551617}}}

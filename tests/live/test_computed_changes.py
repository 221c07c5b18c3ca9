"""Changes whose selection asks for what no column holds: what the database computes is read anew, what the program
makes of columns comes from the record where that holds them."""

from tests.live.clients import live
from tests.live.conftest import Party
from tests.live.test_changes import rename, until_following
from tests.sql_wire import watched
from tests.support import Person, serving
from tripgate.local.stack import StackInfo

SELECTION = "subscription ($trip: UUID!) { tripChanges(tripId: $trip) { operation trip { title %s } } }"
CHANGE = "mutation ($id: UUID!, $patch: TripPatch!) { updateTrip(id: $id, patch: $patch) { id } }"
DATES = {"startDate": "2001-03-01", "endDate": "2001-03-04"}


async def heard(info: StackInfo, party: Party, fields: str) -> tuple[dict[str, object], int]:
    """The trip that an event tells, and how many rows were read for it."""
    async with (
        watched(info) as (wire, settings),
        serving(info, **settings) as url,
        live(Person(party.editor.http, url, party.editor.token)) as connection,
    ):
        # Items are changed until they are heard of; by then the trip is followed too.
        trips = await connection.subscribe(SELECTION % fields, trip=party.trip)
        items = await connection.subscribe(
            "subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { id } }", trip=party.trip
        )
        await until_following(connection, items, party)
        wire.clear()
        await party.owner.ask(CHANGE, id=party.trip, patch=DATES)
        trip = (await connection.event(trips))["tripChanges"]["trip"]
        return trip, sum(request.startswith("GET /trips") for request in wire.requests)


async def test_what_the_program_makes_of_columns_comes_from_the_record(info: StackInfo, party: Party) -> None:
    trip, reads = await heard(info, party, "isOver endDate")
    assert (trip["isOver"], trip["endDate"], reads) == (True, "2001-03-04", 0)


async def test_what_the_database_computes_is_read_anew(info: StackInfo, party: Party) -> None:
    await rename(party, "For the costs")
    trip, reads = await heard(info, party, "durationDays costTotal isOver")
    assert (trip["durationDays"], trip["costTotal"], trip["isOver"]) == (4, "0.00", True)
    assert reads == 1

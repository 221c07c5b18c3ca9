"""Every documented query is fast at volume, and by its index, under row level security.

What is measured is what the API sends: each GraphQL operation goes through a real gateway, and PostgREST then explains
the very request that it was sent, as the same caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest

from tests.database.volume import fill, give
from tests.support import Person, Wire, serving
from tripgate.local.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import aiohttp

    from tripgate.local.stack import StackInfo

ROOT = Path(__file__).parents[2]
LIMIT_MS = 100
PLAN = 'application/vnd.pgrst.plan+json; for="application/json"; options=analyze|buffers'

# Where all of an owner's rows are read and then sorted, any index that begins with the owner does; Postgres takes the
# smaller one.
OWNERS_TRIPS = {"idx_trips_user_id_created_at", "idx_trips_user_id_status"}
OWNERS_PLACES = {"idx_places_user_id_created_at", "idx_places_user_id_category"}
ITINERARY = {"idx_trip_items_trip_id_day_number_order_index"}

# name, operation, and for each table that it reads the indexes one of which must be used
QUERIES: list[tuple[str, str, list[set[str]]]] = [
    ("my profile", "{ viewer { displayName } }", [{"profiles_pkey"}]),
    ("my preferences", "{ myPreferences { locale } }", [{"user_preferences_user_id_key"}]),
    (
        "recent trips",
        "{ trips(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { id title status createdAt } } }",
        [OWNERS_TRIPS],
    ),
    (
        "the next recent trips",
        "query ($after: String) { trips(first: 20, after: $after, orderBy: [{ createdAt: DESC }]) { nodes { id } } }",
        [OWNERS_TRIPS],
    ),
    (
        "a person's recent trips",
        "query ($me: UUID!) { trips(first: 20, filter: { ownerId: { eq: $me } }, orderBy: [{ createdAt: DESC }])"
        " { nodes { id title } } }",
        [OWNERS_TRIPS],
    ),
    ("trips by status", "{ trips(filter: { status: { eq: BOOKED } }) { nodes { id title } } }", [OWNERS_TRIPS]),
    (
        "a person's trips by status",
        "query ($me: UUID!) { trips(filter: { ownerId: { eq: $me }, status: { eq: BOOKED } }) { nodes { id title } } }",
        [OWNERS_TRIPS],
    ),
    ("a trip", "query ($trip: UUID!) { trip(id: $trip) { title } }", [{"trips_pkey"}]),
    (
        "a trip's itinerary",
        "query ($trip: UUID!) { tripItems(filter: { tripId: { eq: $trip } },"
        " orderBy: [{ dayNumber: ASC }, { orderIndex: ASC }]) { nodes { id title dayNumber orderIndex } } }",
        [ITINERARY],
    ),
    (
        "a trip with its itinerary and places",
        "query ($trip: UUID!) { trip(id: $trip) { title items(first: 50,"
        " orderBy: [{ dayNumber: ASC }, { orderIndex: ASC }]) { nodes { id title place { name } } } } }",
        [{"trips_pkey"}, ITINERARY, {"places_pkey"}],
    ),
    (
        "trips with their items",
        "{ trips(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { title items { nodes { title } } } } }",
        [OWNERS_TRIPS, ITINERARY],
    ),
    ("items of my trips", "{ tripItems(first: 20) { nodes { title } } }", [ITINERARY]),
    (
        "items at a place",
        "query ($place: UUID!) { tripItems(filter: { placeId: { eq: $place } }) { nodes { title } } }",
        [{"idx_trip_items_place_id"}],
    ),
    (
        "a trip with its people",
        "query ($trip: UUID!) { trip(id: $trip) { title collaborators { nodes { role user { displayName } } } } }",
        [{"trips_pkey"}, {"collaborators_trip_id_user_id_key"}, {"profiles_pkey"}],
    ),
    (
        "an itinerary with its votes",
        "query ($trip: UUID!) { tripItems(filter: { tripId: { eq: $trip } })"
        " { nodes { title votes { nodes { value } } } } }",
        [ITINERARY, {"votes_trip_item_id_user_id_key"}],
    ),
    ("those I travel with", "{ profiles(first: 20) { nodes { displayName } } }", [{"profiles_pkey"}]),
    (
        "recent places",
        "{ places(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { id name } } }",
        [OWNERS_PLACES],
    ),
    (
        "places by category",
        "{ places(filter: { category: { eq: MUSEUM } }) { nodes { id name } } }",
        [{"idx_places_user_id_category"}],
    ),
    # Its indexes are used within the function, which no explanation looks into.
    ("places by words", '{ searchPlaces(text: "plac") { nodes { id name } } }', []),
    (
        "trips with their length and costs",
        "{ trips(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { title durationDays costTotal } } }",
        [OWNERS_TRIPS],
    ),
]


@dataclass(frozen=True)
class Explained:
    """A plan that was run: how long it took, which indexes it used and which tables it read from end to end."""

    milliseconds: float
    indexes: set[str]
    scanned: set[str]


@dataclass(frozen=True)
class Traveller:
    """Somebody with twenty times the usual number of trips, and the wire behind their gateway."""

    person: Person
    wire: Wire
    variables: dict[str, str]

    async def explain(self, operation: str) -> Explained:
        """Sends an operation, which must take one request, and lets PostgREST explain that request."""
        self.wire.clear()
        used = {name: value for name, value in self.variables.items() if f"${name}:" in operation}
        await self.person.ask(operation, **used)
        (request,) = self.wire.requests
        method, _, target = request.partition(" ")
        assert method == "GET"
        path, _, parameters = target.partition("?")
        url = f"{self.wire.rest_url}{path}?{quote(parameters, safe='=&(),.:*!')}"
        headers = {"Authorization": f"Bearer {self.person.token}", "Accept": PLAN}
        async with self.person.http.get(url, headers=headers) as response:
            assert response.status == 200, await response.text()
            (answer,) = await response.json(content_type=None)
        nodes = list(_nodes(answer["Plan"]))
        return Explained(
            answer["Planning Time"] + answer["Execution Time"],
            {node["Index Name"] for node in nodes if "Index Name" in node},
            {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"},
        )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


@pytest.fixture(scope="session")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """An embedded Supabase with many people, whose PostgREST explains."""
    data = tmp_path_factory.mktemp("volume") / "data"
    with Stack(StackOptions(project_dir=ROOT, data_dir=data, api_port=0, seed=False)) as stack:
        assert stack.info is not None
        fill(stack.info.admin_db_url)
        with psycopg.connect(stack.info.admin_db_url, autocommit=True) as connection:
            connection.execute("alter role authenticator set pgrst.db_plan_enabled = 'true'")
            connection.execute("notify pgrst, 'reload config'")
        yield stack.info


@pytest.fixture(scope="session")
async def traveller(volume: StackInfo, http: aiohttp.ClientSession) -> AsyncIterator[Traveller]:
    async with Wire(volume.rest_url) as wire, serving(volume, rest_url=wire.url) as url:
        person = await Person(http, url).sign_up()
        assert person.id is not None
        trip, place = give(volume.admin_db_url, person.id, people=20)
        page = await person.ask("{ trips(first: 20, orderBy: [{ createdAt: DESC }]) { pageInfo { endCursor } } }")
        after = page["trips"]["pageInfo"]["endCursor"]
        yield Traveller(person, wire, {"me": person.id, "trip": trip, "place": place, "after": after})


@pytest.mark.parametrize(("operation", "indexes"), [row[1:] for row in QUERIES], ids=[row[0] for row in QUERIES])
async def test_is_fast_and_by_index(traveller: Traveller, operation: str, indexes: list[set[str]]) -> None:
    found = await traveller.explain(operation)
    for _ in range(2):
        # What else the machine does at that moment is not the query's doing.
        if found.milliseconds >= LIMIT_MS:
            found = await traveller.explain(operation)
    assert found.milliseconds < LIMIT_MS
    assert found.scanned == set()
    assert [alternatives for alternatives in indexes if not alternatives & found.indexes] == [], found.indexes


def test_the_volume_is_one(volume: StackInfo) -> None:
    with psycopg.connect(volume.admin_db_url) as connection:
        row = connection.execute(
            "select (select count(*) from public.profiles), (select count(*) from public.trips),"
            " (select count(*) from public.trip_items)"
        ).fetchone()
    assert row is not None
    people, trips, items = row
    assert people >= 2_000
    assert trips >= 20_000
    assert items >= 200_000


async def test_reading_a_table_from_end_to_end_is_noticed(volume: StackInfo, traveller: Traveller) -> None:
    with psycopg.connect(volume.admin_db_url, autocommit=True) as connection:
        connection.execute("drop index public.idx_trip_items_place_id")
        try:
            found = await traveller.explain(next(row[1] for row in QUERIES if row[0] == "items at a place"))
        finally:
            connection.execute("create index idx_trip_items_place_id on public.trip_items (place_id)")
    assert "idx_trip_items_place_id" not in found.indexes

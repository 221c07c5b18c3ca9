"""What is asked: each workload is one GraphQL document, sent with rotating variables under certain conditions.

Every contender answers the same workloads; PostgREST itself gets the request that Tripgate sends it for them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.data import BUSY, REGULAR, TIRELESS, Caller
from tests.database.documented import DOCUMENTED

DELAY_MS = 5.0
# Groups of workloads, each with a table of its own.
REQUESTS, DOCUMENTED_QUERIES = "requests", "documented"
# Who takes part: whoever has conditions, aggregates and cursors; and where the gateway's own work is looked at, those
# with nothing to do and with everything by hand.
ABLE = ("postgrest", "tripgate", "tripgate_direct", "postgraphile", "pg_graphql")
ALL = (*ABLE, "hop", "handwritten")
EVERYBODY = (*ALL, "handwritten_cached")


@dataclass(frozen=True)
class Workload:
    """One question and the variables it is sent with.

    Attributes:
        title: What is asked, in words.
        documents: The question in Tripgate's names, and as far as it can be asked, with aliases that make the answers
            look alike, in PostGraphile's and in pg_graphql's.
        objects: How many objects with an `id` an answer holds; anything else is a wrong answer.
        caller: Who asks, by the name in `bench.data.CALLERS`.
        constants: Variables that every request has.
        after: The caller's newest trips before the one that `$after` is the cursor of.
        connections: How many clients ask at once.
        delay_ms: How much longer everything takes to reach Supabase: PostgREST, or Postgres where it is asked directly.
        settings: What Tripgate is told beyond what it is always told.
        contenders: Who takes part, as far as they can be asked it.
        rotation: What a variable `id` rotates through, an attribute of the caller.
        rounds: In how many rounds it takes part at most.
    """

    name: str
    title: str
    documents: Mapping[str, str]
    objects: int | None = None
    caller: str = REGULAR
    constants: Mapping[str, Any] = field(default_factory=dict)
    rotation: str = ""
    after: int = 5
    connections: int = 8
    delay_ms: float = 0.0
    settings: Mapping[str, str] = field(default_factory=dict)
    contenders: Sequence[str] = ABLE
    group: str = REQUESTS
    rounds: int = 100

    @property
    def document(self) -> str:
        """In Tripgate's names."""
        return self.documents["tripgate"]

    def variants(self, caller: Caller) -> Sequence[dict[str, Any]]:
        """The variables that follow each other, one set a request, but for `after`."""
        given = {"me": caller.user_id, "trip": caller.trip_ids[0], "place": caller.place_id, **self.constants}
        names = re.findall(r"\$(\w+):", self.document)
        found = {name: given[name] for name in names if name in given}
        return [{**found, "id": each} for each in getattr(caller, self.rotation)] if self.rotation else [found]


# Where a page begins: the cursor of a trip in each one's own words.
CURSORS = {
    "tripgate": """query ($skipped: Int!) {
  trips(first: 1, offset: $skipped, orderBy: [{ createdAt: DESC }]) { edges { cursor } } }""",
    "postgraphile": """query ($skipped: Int!) {
  trips: allTrips(first: 1, offset: $skipped, orderBy: [CREATED_AT_DESC]) { edges { cursor } } }""",
    "pg_graphql": """query ($skipped: Int!) {
  trips: tripsCollection(first: 1, offset: $skipped, orderBy: [{ createdAt: DescNullsLast }]) { edges { cursor } } }""",
}

_TRIP = "id title status startDate endDate budget currency"
_ITEM = "id title kind dayNumber cost"
TRIPS_WITH_ITEMS = f"""\
query TripsWithItems($trips: Int!, $items: Int!) {{
  trips(first: $trips) {{ nodes {{ {_TRIP} items(first: $items) {{ nodes {{ {_ITEM} }} }} }} }}
}}
"""
_TRIPS_WITH_ITEMS = {
    "tripgate": TRIPS_WITH_ITEMS,
    "postgraphile": f"""query TripsWithItems($trips: Int!, $items: Int!) {{
  trips: allTrips(first: $trips, orderBy: [CREATED_AT_DESC]) {{ nodes {{ {_TRIP.replace("id", "id: rowId", 1)}
    items: tripItemsByTripId(first: $items, orderBy: [DAY_NUMBER_ASC, ORDER_INDEX_ASC]) {{
      nodes {{ {_ITEM.replace("id", "id: rowId", 1)} }} }} }} }} }}""",
    "pg_graphql": f"""query TripsWithItems($trips: Int!, $items: Int!) {{
  trips: tripsCollection(first: $trips, orderBy: [{{ createdAt: DescNullsLast }}]) {{ edges {{ node {{ {_TRIP}
    items: tripItemsCollection(
      first: $items, orderBy: [{{ dayNumber: AscNullsLast }}, {{ orderIndex: AscNullsLast }}]
    ) {{ edges {{ node {{ {_ITEM} }} }} }} }} }} }} }}""",
}
_POINT = {
    "tripgate": f"query TripById($id: UUID!) {{ trip(id: $id) {{ {_TRIP} }} }}",
    "postgraphile": f"""query TripById($id: UUID!) {{
  trip: tripByRowId(rowId: $id) {{ {_TRIP.replace("id", "id: rowId", 1)} }} }}""",
    "pg_graphql": f"""query TripById($id: UUID!) {{
  trip: tripsCollection(filter: {{ id: {{ eq: $id }} }}, first: 1) {{ edges {{ node {{ {_TRIP} }} }} }} }}""",
}
_PROFILE = {
    "tripgate": "query ProfileById($id: UUID!) { profile(id: $id) { id displayName avatarPath } }",
    "postgraphile": """query ProfileById($id: UUID!) {
  profile: profileByRowId(rowId: $id) { id: rowId displayName avatarPath } }""",
    "pg_graphql": """query ProfileById($id: UUID!) {
  profile: profilesCollection(filter: { id: { eq: $id } }, first: 1) {
    edges { node { id displayName avatarPath } } } }""",
}
# Pages of a thousand trips, and what such a page costs.
LARGE_PAGES = {"TRIPGATE_MAX_PAGE_SIZE": "1000", "TRIPGATE_MAX_COST": "1000000"}
# pg_graphql has no conditions on related rows.
_RELATED = {
    "tripgate": f"""query Related($trips: Int!, $kind: TripItemKind!, $cost: Decimal!, $city: String!) {{
  trips(first: $trips, filter: {{
    status: {{ in: [PLANNING, BOOKED] }}
    items: {{ some: {{ kind: {{ eq: $kind }}, cost: {{ gt: $cost }}, place: {{ city: {{ eq: $city }} }} }} }}
  }}) {{ nodes {{ {_TRIP} }} }} }}""",
    "postgraphile": f"""query Related($trips: Int!, $cost: BigFloat!, $city: String!) {{
  trips: allTrips(first: $trips, orderBy: [CREATED_AT_DESC], filter: {{
    status: {{ in: ["planning", "booked"] }}
    tripItemsByTripId: {{ some: {{
      kind: {{ equalTo: "food" }}, cost: {{ greaterThan: $cost }}
      placeByPlaceId: {{ city: {{ equalTo: $city }} }} }} }}
  }}) {{ nodes {{ {_TRIP.replace("id", "id: rowId", 1)} }} }} }}""",
}
_TOTALS = {
    "tripgate": "query Totals { trips { aggregate { count sum { budget } } } }",
    "postgraphile": "query Totals { trips: allTrips { aggregate: totalCount, sum: aggregates { sum { budget } } } }",
    "pg_graphql": "query Totals { trips: tripsCollection { aggregate { count sum { budget } } } }",
}
_GROUPS = {
    "tripgate": "query Groups { groups: tripsGrouped(by: [STATUS]) { key { status } sum { budget } } }",
    "postgraphile": """query Groups {
  groups: allTrips { groups: groupedAggregates(groupBy: [STATUS]) { key: keys sum { budget } } } }""",
}
_FAR_DOWN = {
    "tripgate": f"""query FarDown($trips: Int!, $after: String!) {{
  trips(first: $trips, after: $after, orderBy: [{{ createdAt: DESC }}]) {{ nodes {{ {_TRIP} }} }} }}""",
    "postgraphile": f"""query FarDown($trips: Int!, $after: Cursor!) {{
  trips: allTrips(first: $trips, after: $after, orderBy: [CREATED_AT_DESC]) {{
    nodes {{ {_TRIP.replace("id", "id: rowId", 1)} }} }} }}""",
    "pg_graphql": f"""query FarDown($trips: Int!, $after: Cursor!) {{
  trips: tripsCollection(first: $trips, after: $after, orderBy: [{{ createdAt: DescNullsLast }}]) {{
    edges {{ node {{ {_TRIP} }} }} }} }}""",
}

# Pages of a thousand trips, and what such a page costs.
LARGE_PAGES = {"TRIPGATE_MAX_PAGE_SIZE": "1000", "TRIPGATE_MAX_COST": "1000000"}


def _profile(name: str, title: str, **more: Any) -> Workload:
    return Workload(name, title, _PROFILE, objects=1, rotation="people_ids", **more)


def _trips(name: str, title: str, trips: int = 10, **more: Any) -> Workload:
    """Some trips with 10 items each."""
    return Workload(name, title, _TRIPS_WITH_ITEMS, objects=trips * 11, constants={"trips": trips, "items": 10}, **more)


def _of_thousand(name: str, title: str, documents: Mapping[str, str], **more: Any) -> Workload:
    """Asked by somebody with a thousand trips."""
    return Workload(name, title, documents, caller=TIRELESS, **more)


_AWAY = f"10 trips with 10 items each, {DELAY_MS:g} ms away from Supabase, "
_MEAL = {"trips": 10, "kind": "FOOD", "cost": "30", "city": "Zürich"}
PROFILE_BY_ID = _profile("profile_by_id", "one profile by id", contenders=EVERYBODY)
POINT = Workload("point", "one trip by id, another id each time", _POINT, objects=1, caller=BUSY, rotation="trip_ids")
TEN_TRIPS = _trips("trips_with_items", "10 trips with 10 items each", contenders=EVERYBODY)
PAGE_OF_MANY = _trips("page_of_many", "10 trips with 10 items each, of 100 trips", caller=BUSY)
PAGE_OF_THOUSAND = _trips("page_of_thousand", "10 trips with 10 items each, of 1,000 trips", caller=TIRELESS)
THOUSAND_TRIPS = _trips(
    "thousand_trips",
    "1,000 trips with 10 items each, 1 connection",
    trips=1000,
    caller=TIRELESS,
    connections=1,
    settings=LARGE_PAGES,
    contenders=ALL,
)
RELATED = _of_thousand(
    "related",
    "10 of 1,000 trips with an expensive meal in a city, by their items and places",
    _RELATED,
    objects=10,
    constants=_MEAL,
)
TOTALS = _of_thousand("totals", "count and sum of 1,000 trips", _TOTALS)
GROUPS = _of_thousand("groups", "sums of 1,000 trips by status", _GROUPS)
FAR_DOWN = _of_thousand(
    "far_down", "page 200 of 1,000 trips, by cursor", _FAR_DOWN, objects=5, constants={"trips": 5}, after=995
)
LATENCY_OF_ONE = _profile("latency_of_one", "one profile by id, 1 connection", connections=1)
LATENCY = _trips("latency", "10 trips with 10 items each, 1 connection", connections=1)
DELAY = _trips("delay", f"{_AWAY}1 connection", connections=1, delay_ms=DELAY_MS, contenders=ALL)
DELAY_OF_MANY = _trips("delay_of_many", f"{_AWAY}8 connections", delay_ms=DELAY_MS)
# Those whose indexes `tests/database` checks by EXPLAIN; here is what a client waits for.
QUERIES = tuple(
    Workload(
        f"documented_{number}",
        each.name,
        {"tripgate": each.document},
        connections=1,
        contenders=("tripgate",),
        group=DOCUMENTED_QUERIES,
        rounds=1,
    )
    for number, each in enumerate(DOCUMENTED)
)
COMPARISONS: Sequence[Workload] = (
    *(PROFILE_BY_ID, POINT, TEN_TRIPS, PAGE_OF_MANY, PAGE_OF_THOUSAND, THOUSAND_TRIPS),
    *(RELATED, TOTALS, GROUPS, FAR_DOWN, LATENCY_OF_ONE, LATENCY, DELAY, DELAY_OF_MANY),
)
WORKLOADS: Sequence[Workload] = (*COMPARISONS, *QUERIES)

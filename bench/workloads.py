"""What is asked: each workload is one GraphQL document, sent with rotating variables under certain conditions.

Every contender answers the same workloads; PostgREST itself gets the request that Tripgate sends it for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bench.data import BUSY, REGULAR, TIRELESS, Caller

Variables = dict[str, Any]

DELAY_MS = 5.0


class Rotation(Enum):
    """What a variable `id` rotates through."""

    TRIPS = "the caller's trips"
    PEOPLE = "everybody whom the caller may see"


@dataclass(frozen=True)
class Workload:
    """One document and the variables it is sent with.

    Attributes:
        title: What is asked, in words.
        document: Works on every GraphQL contender alike, but for PostGraphile.
        postgraphile: The same question in PostGraphile's names; aliases make its answer look alike.
        objects: How many objects with an `id` an answer holds; anything else is a wrong answer.
        caller: Who asks, by the name in `bench.data.CALLERS`.
        constants: Variables that every request has.
        connections: How many clients ask at once; `None` for as many as the run has otherwise.
        delay_ms: How much longer everything takes to reach Supabase: PostgREST, or Postgres where it is asked directly.
        settings: What Tripgate is told beyond what it is always told.
    """

    name: str
    title: str
    document: str
    postgraphile: str
    objects: int
    caller: str = REGULAR
    constants: tuple[tuple[str, Any], ...] = ()
    rotation: Rotation | None = None
    connections: int | None = None
    delay_ms: float = 0.0
    settings: tuple[tuple[str, str], ...] = ()

    def variants(self, caller: Caller) -> Sequence[Variables]:
        """The variables that follow each other, one set a request."""
        constants = dict(self.constants)
        match self.rotation:
            case None:
                return [constants]
            case Rotation.TRIPS:
                return [{**constants, "id": trip_id} for trip_id in caller.trip_ids]
            case Rotation.PEOPLE:
                return [{**constants, "id": user_id} for user_id in caller.people_ids]


TRIPS_WITH_ITEMS = """\
query TripsWithItems($trips: Int!, $items: Int!) {
  trips(first: $trips) {
    nodes {
      id
      title
      status
      startDate
      endDate
      budget
      currency
      items(first: $items) {
        nodes { id title kind dayNumber cost }
      }
    }
  }
}
"""

_TRIPS_WITH_ITEMS_POSTGRAPHILE = """\
query TripsWithItems($trips: Int!, $items: Int!) {
  trips: allTrips(first: $trips, orderBy: [CREATED_AT_DESC]) {
    nodes {
      id: rowId
      title
      status
      startDate
      endDate
      budget
      currency
      items: tripItemsByTripId(first: $items, orderBy: [DAY_NUMBER_ASC, ORDER_INDEX_ASC]) {
        nodes { id: rowId title kind dayNumber cost }
      }
    }
  }
}
"""

_POINT = """\
query TripById($id: UUID!) {
  trip(id: $id) { id title status startDate endDate budget currency }
}
"""

_POINT_POSTGRAPHILE = """\
query TripById($id: UUID!) {
  trip: tripByRowId(rowId: $id) { id: rowId title status startDate endDate budget currency }
}
"""

_PROFILE = """\
query ProfileById($id: UUID!) {
  profile(id: $id) { id displayName avatarPath }
}
"""

_PROFILE_POSTGRAPHILE = """\
query ProfileById($id: UUID!) {
  profile: profileByRowId(rowId: $id) { id: rowId displayName avatarPath }
}
"""

# Pages of a thousand trips, and what such a page costs.
LARGE_PAGES = (("TRIPGATE_MAX_PAGE_SIZE", "1000"), ("TRIPGATE_MAX_COST", "1000000"))


def _profile(name: str, title: str, *, connections: int | None = None) -> Workload:
    return Workload(
        name,
        title,
        _PROFILE,
        _PROFILE_POSTGRAPHILE,
        objects=1,
        rotation=Rotation.PEOPLE,
        connections=connections,
    )


def trips_with_items(
    name: str,
    title: str,
    *,
    trips: int = 10,
    caller: str = REGULAR,
    connections: int | None = None,
    delay_ms: float = 0.0,
    settings: tuple[tuple[str, str], ...] = (),
) -> Workload:
    """Some trips with 10 items each."""
    return Workload(
        name,
        title,
        TRIPS_WITH_ITEMS,
        _TRIPS_WITH_ITEMS_POSTGRAPHILE,
        objects=trips * 11,
        caller=caller,
        constants=(("trips", trips), ("items", 10)),
        connections=connections,
        delay_ms=delay_ms,
        settings=settings,
    )


PROFILE_BY_ID = _profile("profile_by_id", "one profile by id")
TEN_TRIPS = trips_with_items("trips_with_items", "10 trips with 10 items each")
THOUSAND_TRIPS = trips_with_items(
    "thousand_trips",
    "1,000 trips with 10 items each, 1 connection",
    trips=1000,
    caller=TIRELESS,
    connections=1,
    settings=LARGE_PAGES,
)
LATENCY = trips_with_items("latency", "10 trips with 10 items each, 1 connection", connections=1)
LATENCY_OF_ONE = _profile("latency_of_one", "one profile by id, 1 connection", connections=1)
DELAY = trips_with_items(
    "delay",
    f"10 trips with 10 items each, {DELAY_MS:g} ms away from Supabase, 1 connection",
    connections=1,
    delay_ms=DELAY_MS,
)
DELAY_OF_MANY = trips_with_items(
    "delay_of_many",
    f"10 trips with 10 items each, {DELAY_MS:g} ms away from Supabase, 8 connections",
    connections=8,
    delay_ms=DELAY_MS,
)

WORKLOADS: Sequence[Workload] = (
    PROFILE_BY_ID,
    TEN_TRIPS,
    trips_with_items("page_of_many", "the same, for a caller who has 100 trips", caller=BUSY),
    Workload(
        "point",
        "one trip by id, another id each time",
        _POINT,
        _POINT_POSTGRAPHILE,
        objects=1,
        caller=BUSY,
        rotation=Rotation.TRIPS,
    ),
    THOUSAND_TRIPS,
    LATENCY_OF_ONE,
    LATENCY,
    DELAY,
    DELAY_OF_MANY,
)

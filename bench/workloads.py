"""What is asked: each workload is one GraphQL document, sent with rotating variables.

Every contender answers the same workloads; PostgREST itself gets the request that Tripgate sends it for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.data import BUSY, REGULAR, Caller

Variables = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """One document and the variables it is sent with.

    Attributes:
        title: What is asked, in words.
        document: Works on every GraphQL contender alike.
        objects: How many objects with an `id` an answer holds; anything else is a wrong answer.
        caller: Who asks, by the name in `bench.data.CALLERS`.
        constants: Variables that every request has.
        per_trip: Whether requests also rotate through the caller's trips in a variable `id`.
    """

    name: str
    title: str
    document: str
    objects: int
    caller: str = REGULAR
    constants: tuple[tuple[str, Any], ...] = ()
    per_trip: bool = False

    def variants(self, caller: Caller) -> Sequence[Variables]:
        """The variables that follow each other, one set a request."""
        constants = dict(self.constants)
        if self.per_trip:
            return [{**constants, "id": trip_id} for trip_id in caller.trip_ids]
        return [constants]


_TRIPS_WITH_ITEMS = """\
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

_POINT = """\
query TripById($id: UUID!) {
  trip(id: $id) { id title status startDate endDate budget currency }
}
"""

_PROFILE = """\
query Viewer {
  viewer { id displayName avatarPath }
}
"""

WORKLOADS: Sequence[Workload] = (
    Workload(
        "trips_with_items",
        "10 trips with 10 items each",
        _TRIPS_WITH_ITEMS,
        objects=110,
        constants=(("trips", 10), ("items", 10)),
    ),
    Workload(
        "page_of_many",
        "the same, for a caller who has 100 trips",
        _TRIPS_WITH_ITEMS,
        objects=110,
        caller=BUSY,
        constants=(("trips", 10), ("items", 10)),
    ),
    Workload("point", "one trip by id, another id each time", _POINT, objects=1, caller=BUSY, per_trip=True),
    Workload("profile", "the caller's own profile", _PROFILE, objects=1),
)

"""Pages stay exact while rows come and go: checked against a model, in random orders, forwards and backwards."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import Person, examples
from tripgate.local.stack import StackInfo

PAGE = """
query ($trip: UUID!, $order: [TripItemOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  trip(id: $trip) {
    items(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
      nodes { id }
      pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
    }
  }
}
"""
# GraphQL's name of a key, and what it is in SQL. Every place on the trip is seen, but not the name of a stranger.
_PLACE = "from public.places where places.id = place_id"
_OWNER = "from public.profiles where profiles.id = places.user_id and profiles.id <> {stranger}"
KEYS = {
    "dayNumber": "day_number",
    "cost": "cost",
    "notes": "notes",
    "startsAt": "starts_at",
    "place.city": f"(select city {_PLACE})",
    "place.latitude": f"(select latitude {_PLACE})",
    "place.owner.displayName": f"(select (select display_name {_OWNER}) {_PLACE})",
}
# Values of an item's columns with many ties and nulls; a place by its number.
VALUES = (
    [1, 2],
    [None, 1, 2],
    [None, "a", "b"],
    [None, "2027-01-01T00:00:00.000001Z", "2027-01-01T00:00:00.000002Z"],
    [None, 0, 1, 2, 3],
)
DIRECTIONS = {
    "ASC": "asc",
    "DESC": "desc",
    "ASC_NULLS_FIRST": "asc nulls first",
    "DESC_NULLS_LAST": "desc nulls last",
}

items = st.tuples(*map(st.sampled_from, VALUES))
orders = st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=3, unique=True).flatmap(
    lambda keys: st.tuples(*(st.tuples(st.just(key), st.sampled_from(sorted(DIRECTIONS))) for key in keys))
)
# Between two pages: rows that are added, and numbers of rows that are deleted.
changes = st.lists(st.tuples(st.lists(items, max_size=3), st.lists(st.integers(0, 30), max_size=3)), max_size=12)


class Itinerary:
    """A trip whose items the test adds and deletes behind the API's back.

    `ever` remembers deleted rows too, so that there is an order of all rows that were ever there.
    """

    def __init__(self, connection: psycopg.Connection, trip: str, owner: str, stranger: str) -> None:
        self.connection = connection
        self.trip = trip
        self.stranger = stranger
        self.places = [
            connection.execute(
                "insert into public.places (user_id, name, city, latitude, longitude) values (%s, 'x', %s, %s, %s)"
                " returning id",
                [user, city, latitude, latitude],
            ).fetchone()
            for user, city, latitude in (
                (owner, "Bern", 46.9),
                (owner, None, None),
                (owner, "Bern", 47),
                (stranger, "Aarau", 0),
            )
        ]
        connection.execute("create temporary table ever as select * from public.trip_items with no data")

    def clear(self) -> None:
        self.connection.execute("delete from public.trip_items where trip_id = %s", [self.trip])
        self.connection.execute("truncate ever")

    def add(self, rows: list[tuple[Any, ...]]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "with added as ("
                "insert into public.trip_items (trip_id, title, day_number, cost, notes, starts_at, place_id) "
                "values (%s, 'x', %s, %s, %s, %s, %s) returning *) insert into ever select * from added",
                [(self.trip, *row, None if place is None else self.places[place][0]) for *row, place in rows],
            )

    def delete(self, places: list[int]) -> None:
        now = sorted(self.now())
        for place in places:
            if place < len(now):
                self.connection.execute("delete from public.trip_items where id = %s", [now[place]])

    def now(self) -> set[str]:
        """The ids of the rows that are there."""
        found = self.connection.execute("select id::text from public.trip_items where trip_id = %s", [self.trip])
        return {id_ for (id_,) in found}

    def order(self, keys: tuple[tuple[str, str], ...]) -> list[str]:
        """The ids of all rows that were ever there, in this order."""
        order_by = ", ".join(f"{KEYS[key]} {DIRECTIONS[way]}" for key, way in keys).format(
            stranger=f"'{self.stranger}'"
        )
        return [id_ for (id_,) in self.connection.execute(f"select id::text from ever order by {order_by}, id")]


def nested(key: str, way: str) -> dict[str, Any]:
    """An entry of `orderBy`: `place.city` becomes `{place: {city: way}}`."""
    first, _, rest = key.partition(".")
    return {first: nested(rest, way) if rest else way}


@pytest.fixture(scope="module")
async def traveller(anonymous: Person) -> Person:
    return await anonymous.sign_up()


@pytest.fixture(scope="module")
async def itinerary(seeded: StackInfo, traveller: Person, anonymous: Person) -> AsyncIterator[Itinerary]:
    trip, stranger = await traveller.trip(), await anonymous.sign_up()
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        yield Itinerary(connection, trip, str(traveller.id), str(stranger.id))


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(items, max_size=15), keys=orders, changes=changes, size=st.integers(1, 4), backward=st.booleans())
async def test_each_page_begins_exactly_behind_the_one_before(
    traveller: Person,
    itinerary: Itinerary,
    rows: list[tuple[Any, ...]],
    keys: tuple[tuple[str, str], ...],
    changes: list[tuple[list[tuple[Any, ...]], list[int]]],
    size: int,
    backward: bool,
) -> None:
    itinerary.clear()
    itinerary.add(rows)
    last_visited: str | None = None
    cursor: str | None = None
    for added, deleted in [*changes, *[([], [])] * 30]:
        bounds = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        data = await traveller.ask(PAGE, trip=itinerary.trip, order=[nested(key, way) for key, way in keys], **bounds)
        page = data["trip"]["items"]

        order, there = itinerary.order(keys), itinerary.now()
        if backward:
            order.reverse()
        ahead = [id_ for id_ in order[order.index(last_visited) + 1 if last_visited else 0 :] if id_ in there]
        expected = ahead[:size]
        found = [node["id"] for node in page["nodes"]]
        assert found == (expected[::-1] if backward else expected)
        assert page["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"] == (len(ahead) > size)

        if not found:
            break
        last_visited = expected[-1]
        cursor = page["pageInfo"]["startCursor" if backward else "endCursor"]
        itinerary.add(added)
        itinerary.delete(deleted)

"""What says no position comes last: items on their day, places in their collection."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from tests.database.callers import AGAINST_POLICY, Actor, World, sign_up
from tests.database.test_moving import caller, itinerary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.database.conftest import Database

ADD = "insert into public.trip_items (trip_id, day_number, title) values (%s, %s, %s)"
KEEP = "insert into public.collection_places (collection_id, place_id) values (%s, %s)"


@pytest.fixture
def trip(world: World) -> uuid.UUID:
    """The owner's, without items."""
    world.db.execute("delete from public.trip_items where trip_id = %s", (world.owner.trips,))
    return world.owner.trips


def test_items_come_last_on_their_day(world: World, trip: uuid.UUID) -> None:
    for day, title in ((1, "a"), (1, "b"), (2, "c"), (1, "d")):
        assert world.attempt("editor", ADD, trip, day, title) == 1
    assert itinerary(world.db, trip) == {1: ["a", "b", "d"], 2: ["c"]}


def test_those_of_one_statement_in_its_order_and_behind_what_is_there(world: World, trip: uuid.UUID) -> None:
    world.attempt("owner", ADD, trip, 1, "a")
    more = """insert into public.trip_items (trip_id, day_number, title)
        select %s, 1 + n %% 2, 'n' || n from generate_series(1, 6) n"""
    assert world.attempt("owner", more, trip) == 6
    assert itinerary(world.db, trip) == {1: ["a", "n2", "n4", "n6"], 2: ["n1", "n3", "n5"]}


def test_behind_a_gap_and_whatever_was_said(world: World, trip: uuid.UUID) -> None:
    said = "insert into public.trip_items (trip_id, title, order_index) values (%s, %s, %s)"
    for title, place in (("a", 5), ("b", None), ("c", 0), ("d", 2147483647), ("e", None)):
        assert world.attempt("owner", said, trip, title, place) == 1
    rows = world.db.execute("select title, order_index from public.trip_items where trip_id = %s", (trip,)).fetchall()
    assert dict(rows) == {"a": 5, "b": 6, "c": 0, "d": 2147483647, "e": 2147483647}


@pytest.mark.parametrize("actor", ["viewer", "stranger"])
def test_who_may_not_add_is_refused_as_ever(world: World, trip: uuid.UUID, actor: Actor) -> None:
    assert world.attempt(actor, ADD, trip, 1, "a") == AGAINST_POLICY
    assert world.attempt(actor, KEEP, world.owner.collections, world.owner.places) == AGAINST_POLICY


def test_places_come_last_in_their_collection(world: World) -> None:
    places = [uuid.uuid4() for _ in range(3)]
    with world.acting_as("owner") as db:
        for each in places:
            db.execute("insert into public.places (id, name) values (%s, 'Somewhere')", (each,))
            db.execute(KEEP, (world.owner.collections, each))
    rows = world.db.execute(
        "select place_id from public.collection_places where collection_id = %s order by order_index",
        (world.owner.collections,),
    )
    assert [place for (place,) in rows] == [world.owner.places, *places]


UPSERT: LiteralString = (
    KEEP
    + """ on conflict (collection_id, place_id) do update set notes = excluded.notes
    returning order_index"""
)


def test_a_place_that_is_there_stays_where_it_is(world: World) -> None:
    with world.acting_as("owner") as db:
        assert db.execute(UPSERT, (world.owner.collections, world.owner.places)).fetchall() == [(0,)]


class TestAtOnce:
    """Several who add in transactions of their own."""

    @pytest.fixture
    def busy(self, stack: Database) -> Iterator[tuple[uuid.UUID, uuid.UUID]]:
        """Somebody and their trip, which are really there; removed at the end."""
        owner, trip = uuid.uuid4(), uuid.uuid4()
        with psycopg.connect(stack.admin_db_url, autocommit=True) as db:
            sign_up(db, owner)
            db.execute("insert into public.trips (id, user_id, title) values (%s, %s, 'Busy')", (trip, owner))
            yield owner, trip
            db.execute("delete from auth.users where id = %s", (owner,))

    def test_no_two_come_to_one_place(self, stack: Database, busy: Any) -> None:
        owner, trip = busy
        failures: list[BaseException] = []

        def add(number: int) -> None:
            try:
                with caller(stack, owner) as db:
                    for step in range(10):
                        db.execute(ADD, (trip, 1 + step % 2, f"{number}/{step}"))
                        db.commit()
            except BaseException as error:
                failures.append(error)

        adding = [threading.Thread(target=add, args=(number,)) for number in range(4)]
        for each in adding:
            each.start()
        for each in adding:
            each.join(30)
        assert failures == []
        with psycopg.connect(stack.admin_db_url) as db:
            days = itinerary(db, trip)
        assert {day: len(titles) for day, titles in days.items()} == {1: 20, 2: 20}

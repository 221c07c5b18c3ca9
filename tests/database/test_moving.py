"""Moving items of an itinerary: whatever is moved where, each day counts from 0 without gap or double."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.callers import NOT_GRANTED, Actor, World, sign_up
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.database.conftest import Database

MOVE = "select (public.move_trip_item(%s, %s, %s)).*"
Days = dict[int, list[str]]


def itinerary(db: psycopg.Connection, trip: uuid.UUID) -> Days:
    """The titles of each day in order. Fails where a day does not count from 0 without gap or double."""
    days: dict[int, dict[int, str]] = {}
    rows = db.execute("select day_number, order_index, title from public.trip_items where trip_id = %s", (trip,))
    for day, place, title in rows:
        assert place not in days.setdefault(day, {}), (day, place)
        days[day][place] = title
    for places in days.values():
        assert sorted(places) == list(range(len(places)))
    return {day: [title for _, title in sorted(places.items())] for day, places in sorted(days.items())}


def plan(db: psycopg.Connection, trip: uuid.UUID, days: Days) -> dict[str, uuid.UUID]:
    """Replace the trip's items by these; their ids by title."""
    db.execute("delete from public.trip_items where trip_id = %s", (trip,))
    ids = {}
    for day, titles in days.items():
        for place, title in enumerate(titles):
            ids[title] = uuid.uuid4()
            db.execute(
                "insert into public.trip_items (id, trip_id, day_number, order_index, title)"
                " values (%s, %s, %s, %s, %s)",
                (ids[title], trip, day, place, title),
            )
    return ids


THREE_DAYS: Days = {1: ["a", "b", "c", "d"], 2: ["e", "f"], 3: ["g"]}


@pytest.mark.parametrize(
    ("title", "day", "place", "after"),
    [
        ("a", 1, 2, {1: ["b", "c", "a", "d"], 2: ["e", "f"], 3: ["g"]}),
        ("d", 1, 0, {1: ["d", "a", "b", "c"], 2: ["e", "f"], 3: ["g"]}),
        ("b", 1, 1, THREE_DAYS),
        ("b", 1, 99, {1: ["a", "c", "d", "b"], 2: ["e", "f"], 3: ["g"]}),
        ("b", 2, 1, {1: ["a", "c", "d"], 2: ["e", "b", "f"], 3: ["g"]}),
        ("b", 2, 99, {1: ["a", "c", "d"], 2: ["e", "f", "b"], 3: ["g"]}),
        ("g", 7, 3, {1: ["a", "b", "c", "d"], 2: ["e", "f"], 7: ["g"]}),
    ],
)
def test_the_others_close_up(world: World, title: str, day: int, place: int, after: Days) -> None:
    ids = plan(world.db, world.owner.trips, THREE_DAYS)
    with world.acting_as("editor") as db:
        row = db.execute(
            "select title, day_number, order_index from public.move_trip_item(%s, %s, %s)", (ids[title], day, place)
        ).fetchone()
    assert row == (title, day, after[day].index(title))
    assert itinerary(world.db, world.owner.trips) == after


def test_only_what_moves_is_written(world: World) -> None:
    ids = plan(world.db, world.owner.trips, THREE_DAYS)
    before = updates(world)
    assert world.attempt("owner", MOVE, ids["c"], 1, 3) == 1
    changed = {title for title, at in updates(world).items() if at != before[title]}
    assert changed == {"c", "d"}


def test_gaps_and_doubles_from_before_are_gone_afterwards(world: World) -> None:
    ids = plan(world.db, world.owner.trips, THREE_DAYS)
    world.db.execute("update public.trip_items set order_index = 5 where id = any (%s)", ([ids["c"], ids["b"]],))
    assert world.attempt("owner", MOVE, ids["e"], 1, 0) == 1
    assert sorted(itinerary(world.db, world.owner.trips)[1]) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("actor", "outcome"),
    [("owner", 1), ("editor", 1), ("viewer", "FORBIDDEN"), ("stranger", "NOT_FOUND"), ("anonymous", NOT_GRANTED)],
)
def test_who_may(world: World, actor: Actor, outcome: int | str) -> None:
    assert world.attempt(actor, MOVE, world.owner.trip_items, 2, 0) == outcome


@pytest.mark.parametrize(
    ("day", "place", "outcome"),
    [
        (0, 0, "23514"),
        (1001, 0, "23514"),
        (1, -1, "BAD_USER_INPUT"),
        (None, 0, "BAD_USER_INPUT"),
        (1, None, "BAD_USER_INPUT"),
    ],
)
def test_a_place_that_cannot_be(world: World, day: int | None, place: int | None, outcome: str) -> None:
    assert world.attempt("owner", MOVE, world.owner.trip_items, day, place) == outcome


def test_an_item_that_does_not_exist_looks_like_a_strangers(world: World) -> None:
    assert world.attempt("owner", MOVE, uuid.uuid4(), 1, 0) == "NOT_FOUND"


moves = st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(1, 4), st.integers(0, 8)), min_size=1, max_size=8)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves)
def test_any_moves_are_those_of_lists(world: World, moves: list[tuple[str, int, int]]) -> None:
    ids = plan(world.db, world.owner.trips, THREE_DAYS)
    model = {day: list(titles) for day, titles in THREE_DAYS.items()}
    for title, day, place in moves:
        assert world.attempt("editor", MOVE, ids[title], day, place) == 1
        for titles in model.values():
            if title in titles:
                titles.remove(title)
        model.setdefault(day, []).insert(place, title)
    assert itinerary(world.db, world.owner.trips) == {day: titles for day, titles in sorted(model.items()) if titles}


class TestAtOnce:
    """Movers in transactions of their own, on a trip that is really there."""

    @pytest.fixture
    def trip(self, stack: Database) -> Iterator[tuple[uuid.UUID, uuid.UUID, dict[str, uuid.UUID]]]:
        """Owner, trip and items of it by title; removed at the end."""
        owner, trip = uuid.uuid4(), uuid.uuid4()
        with psycopg.connect(stack.admin_db_url, autocommit=True) as db:
            sign_up(db, owner)
            db.execute("insert into public.trips (id, user_id, title) values (%s, %s, 'Busy')", (trip, owner))
            yield owner, trip, plan(db, trip, {1: list("abcdefgh"), 2: list("ijklmnop")})
            db.execute("delete from auth.users where id = %s", (owner,))

    def test_the_second_waits_and_sees_what_the_first_has_done(self, stack: Database, trip: Any) -> None:
        owner, trip_id, ids = trip
        with caller(stack, owner) as first, caller(stack, owner) as second:
            first.execute(MOVE, (ids["a"], 2, 0))
            waiting = threading.Thread(target=lambda: (second.execute(MOVE, (ids["b"], 2, 0)), second.commit()))
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
            first.commit()
            waiting.join(5)
            assert not waiting.is_alive()
        with psycopg.connect(stack.admin_db_url) as db:
            assert itinerary(db, trip_id) == {1: list("cdefgh"), 2: list("baijklmnop")}

    def test_many_leave_no_gap_and_no_double(self, stack: Database, trip: Any) -> None:
        owner, trip_id, ids = trip
        failures: list[BaseException] = []

        def mover(number: int) -> None:
            try:
                with caller(stack, owner) as db:
                    for step, title in enumerate(sorted(ids)):
                        db.execute(MOVE, (ids[title], 1 + (step + number) % 3, (7 * step + number) % 9))
                        db.commit()
            except BaseException as error:
                failures.append(error)

        movers = [threading.Thread(target=mover, args=(number,)) for number in range(4)]
        for each in movers:
            each.start()
        for each in movers:
            each.join(30)
        assert failures == []
        with psycopg.connect(stack.admin_db_url) as db:
            days = itinerary(db, trip_id)
        assert sorted(title for titles in days.values() for title in titles) == sorted(ids)


@contextlib.contextmanager
def caller(stack: Database, person: uuid.UUID) -> Iterator[psycopg.Connection]:
    """A connection that acts as a signed-in person until it is closed."""
    with psycopg.connect(stack.admin_db_url) as db:
        claims = json.dumps({"sub": str(person), "role": "authenticated"})
        db.execute(
            "select set_config('role', 'authenticated', false), set_config('request.jwt.claims', %s, false)", (claims,)
        )
        db.commit()
        yield db


def updates(world: World) -> dict[str, object]:
    rows = world.db.execute("select title, updated_at from public.trip_items where trip_id = %s", (world.owner.trips,))
    return dict(rows.fetchall())

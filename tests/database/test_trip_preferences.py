"""What people on a trip wish for: theirs alone to say, seen by all on it, gone with them, and counted together."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.database.callers import AGAINST_POLICY, Actor, World

if TYPE_CHECKING:
    import uuid

WISH = "insert into public.trip_preferences (trip_id, pace) values (%s, 'busy')"


def wish(world: World, person: uuid.UUID, trip: uuid.UUID | None = None, **wishes: Any) -> None:
    """What somebody wishes for, in place of what they wished for before."""
    trip = trip or world.owner.trips
    world.db.execute("delete from public.trip_preferences where trip_id = %s and user_id = %s", (trip, person))
    given = {"trip_id": trip, "user_id": person, **wishes}
    columns = ", ".join(given)
    world.db.execute(
        f"insert into public.trip_preferences ({columns}) values ({', '.join(['%s'] * len(given))})",  # type: ignore[arg-type]
        list(given.values()),
    )


def summary(world: World, actor: Actor) -> Any:
    """What an actor reads of the owner's trip, asked as PostgREST does."""
    with world.acting_as(actor) as db:
        row = db.execute(
            "select public.preference_summary(trips) from public.trips where id = %s", (world.owner.trips,)
        ).fetchone()
    return None if row is None else row[0]


@pytest.mark.parametrize("actor", ["editor", "viewer"])
def test_everybody_on_the_trip_says_what_they_wish_for_viewers_too(world: World, actor: Actor) -> None:
    assert world.attempt(actor, WISH, world.owner.trips) == 1
    assert world.attempt(actor, WISH, world.owner.trips) == "23505"
    theirs = "update public.trip_preferences set pace = 'relaxed' where user_id = %s"
    assert world.attempt(actor, theirs, getattr(world, actor).profiles) == 1
    assert world.attempt(actor, theirs, world.owner.profiles) == 0


def test_nobody_says_it_for_another_or_on_a_trip_that_they_are_not_on(world: World) -> None:
    for_another = "insert into public.trip_preferences (trip_id, user_id) values (%s, %s)"
    assert world.attempt("owner", for_another, world.owner.trips, world.viewer.profiles) == AGAINST_POLICY
    assert world.attempt("stranger", WISH, world.owner.trips) == AGAINST_POLICY


def test_who_leaves_takes_along_what_they_wished_for(world: World) -> None:
    wish(world, world.viewer.profiles)
    leave = "delete from public.collaborators where trip_id = %s and user_id = auth.uid()"
    assert world.attempt("viewer", leave, world.owner.trips) == 1
    left = world.db.execute(
        "select from public.trip_preferences where user_id = %s and trip_id = %s",
        (world.viewer.profiles, world.owner.trips),
    )
    assert left.rowcount == 0
    assert world.attempt("viewer", WISH, world.owner.trips) == AGAINST_POLICY


def test_who_gives_the_trip_away_takes_them_along_and_who_gets_it_keeps_theirs(world: World) -> None:
    wish(world, world.owner.profiles)
    wish(world, world.stranger.profiles)
    world.db.execute("update public.trips set user_id = %s where id = %s", (world.stranger.profiles, world.owner.trips))
    left = world.db.execute("select user_id from public.trip_preferences where trip_id = %s", (world.owner.trips,))
    assert left.fetchall() == [(world.stranger.profiles,)]


def test_amounts_are_in_the_trips_currency_unless_said_otherwise(world: World) -> None:
    world.db.execute("update public.trips set currency = 'NOK' where id = %s", (world.owner.trips,))
    insert = "insert into public.trip_preferences (trip_id, budget_max) values (%s, 1) returning currency"
    with world.acting_as("viewer") as db:
        assert db.execute(insert, (world.owner.trips,)).fetchone() == ("NOK",)
    other = "insert into public.trip_preferences (trip_id, currency) values (%s, 'SEK') returning currency"
    with world.acting_as("editor") as db:
        assert db.execute(other, (world.owner.trips,)).fetchone() == ("SEK",)


class TestSummary:
    NOBODY: Any = {"people": 0, "paces": [], "interests": [], "dietary_needs": [], "budgets": []}  # noqa: RUF012

    @pytest.fixture(autouse=True)
    def silence(self, world: World) -> None:
        world.db.execute("delete from public.trip_preferences where trip_id = %s", (world.owner.trips,))

    def test_it_is_for_those_on_the_trip(self, world: World) -> None:
        assert {actor: summary(world, actor) for actor in ("owner", "editor", "viewer", "stranger")} == {  # type: ignore[arg-type]
            "owner": self.NOBODY,
            "editor": self.NOBODY,
            "viewer": self.NOBODY,
            "stranger": None,
        }

    def test_a_row_that_somebody_makes_up_tells_them_nothing(self, world: World) -> None:
        wish(world, world.owner.profiles, pace="busy")
        made_up = (
            "select public.preference_summary(trip) from jsonb_populate_record("
            "null::public.trips, jsonb_build_object('id', %s::text)) as trip"
        )
        with world.acting_as("stranger") as db:
            assert db.execute(made_up, (str(world.owner.trips),)).fetchone() == (None,)

    def test_paces_and_words_are_counted_once_a_person_the_most_wished_for_first(self, world: World) -> None:
        wish(
            world,
            world.owner.profiles,
            pace="relaxed",
            interests=["Whales", "whales ", "fjords"],
            dietary_needs=["Vegan"],
        )
        wish(
            world,
            world.editor.profiles,
            pace="relaxed",
            interests=["whales", "", " "],
            dietary_needs=["vegan", "no nuts"],
        )
        wish(world, world.viewer.profiles, pace="busy", interests=["art"])
        assert summary(world, "viewer") == {
            "people": 3,
            "paces": [{"pace": "relaxed", "people": 2}, {"pace": "busy", "people": 1}],
            "interests": [
                {"interest": "whales", "people": 2},
                {"interest": "art", "people": 1},
                {"interest": "fjords", "people": 1},
            ],
            "dietary_needs": [{"need": "vegan", "people": 2}, {"need": "no nuts", "people": 1}],
            "budgets": [],
        }

    @pytest.mark.parametrize(
        ("ranges", "shared"),
        [
            ([(100, 200)], {"min": "100.00", "max": "200.00"}),
            ([(100, 200), (150, 300)], {"min": "150.00", "max": "200.00"}),
            ([(100, 200), (200, 300)], {"min": "200.00", "max": "200.00"}),
            ([(100, 200), (200.01, 300)], None),
            ([(None, 200), (150, None)], {"min": "150.00", "max": "200.00"}),
            ([(None, 200), (None, 300)], {"min": None, "max": "200.00"}),
            ([(100, None), (300, None)], {"min": "300.00", "max": None}),
            ([("0.1", "9999999999.99")], {"min": "0.10", "max": "9999999999.99"}),
            ([(100, 200), (None, None)], {"min": "100.00", "max": "200.00"}),
        ],
    )
    def test_the_range_that_budgets_of_one_currency_share(self, world: World, ranges: Any, shared: Any) -> None:
        people = [world.owner.profiles, world.editor.profiles]
        for person, (lowest, highest) in zip(people, ranges, strict=False):
            wish(world, person, currency="CHF", budget_min=lowest, budget_max=highest)
        (budget,) = summary(world, "owner")["budgets"]
        said = sum(any(end is not None for end in each) for each in ranges)
        assert budget == {"currency": "CHF", "people": said, "shared": shared}

    def test_currencies_are_never_mixed(self, world: World) -> None:
        wish(world, world.owner.profiles, currency="JPY", budget_max=Decimal(90000))
        wish(world, world.editor.profiles, currency="EUR", budget_max=1000)
        wish(world, world.viewer.profiles, currency="EUR", budget_min=500)
        assert summary(world, "owner")["budgets"] == [
            {"currency": "EUR", "people": 2, "shared": {"min": "500.00", "max": "1000.00"}},
            {"currency": "JPY", "people": 1, "shared": {"min": None, "max": "90000.00"}},
        ]

    def test_who_is_on_the_trip_no_longer_does_not_count(self, world: World) -> None:
        """As of a trip that was given away past the API."""
        wish(world, world.stranger.profiles, pace="busy")
        assert summary(world, "owner") == self.NOBODY

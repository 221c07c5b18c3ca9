"""An itinerary that an agent proposes: applied by who may change the trip, as long as the trip is what it was."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from tests.database.ai import finish, payer, running, trip_of
from tests.database.callers import role
from tests.database.payments import person

Places = list[tuple[str, int, int]]

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture
def who(db: psycopg.Connection) -> uuid.UUID:
    return payer(db)


@pytest.fixture
def trip(db: psycopg.Connection, who: uuid.UUID) -> uuid.UUID:
    return trip_of(db, who)


@pytest.fixture
def items(db: psycopg.Connection, trip: uuid.UUID) -> dict[str, str]:
    """Three items of the first day, in this order."""
    rows = db.execute(
        "insert into public.trip_items (trip_id, title, day_number, order_index)"
        " values (%(trip)s, 'Museum', 1, 0), (%(trip)s, 'Lunch', 1, 1), (%(trip)s, 'Opera', 1, 2) returning title, id",
        {"trip": trip},
    ).fetchall()
    return {title: str(key) for title, key in rows}


def proposal(db: psycopg.Connection, who: uuid.UUID, trip: uuid.UUID, items: Sequence[dict[str, Any]]) -> uuid.UUID:
    run = running(db, who, agent_key="optimizer", trip=trip)
    finish(db, run, "succeeded", result={"itinerary": {"items": list(items)}})
    return run


def applied(db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> Places:
    with role(db, "authenticated", {"role": "authenticated", "sub": str(who)}):
        return db.execute("select title, day_number, order_index from public.apply_itinerary(%s)", (run,)).fetchall()


def refusal(db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> str:
    """The code and reason, or the SQLSTATE of what the table refuses."""
    with pytest.raises(psycopg.Error) as failure:
        applied(db, who, run)
    return f"{failure.value.sqlstate} {failure.value.diag.message_primary}"


def itinerary(db: psycopg.Connection, trip: uuid.UUID) -> Places:
    return db.execute(
        "select title, day_number, order_index from public.trip_items where trip_id = %s order by 2, 3", (trip,)
    ).fetchall()


def join(db: psycopg.Connection, trip: uuid.UUID, as_role: str) -> uuid.UUID:
    who = payer(db)
    db.execute("insert into public.collaborators (trip_id, user_id, role) values (%s, %s, %s)", (trip, who, as_role))
    return who


def test_moves_adds_and_leaves_the_rest_behind(
    db: psycopg.Connection, who: uuid.UUID, trip: uuid.UUID, items: dict[str, str]
) -> None:
    run = proposal(
        db,
        who,
        trip,
        [
            {"item_id": items["Opera"], "day_number": 2},
            {"title": "Supper", "kind": "food", "day_number": 2},
            {"item_id": items["Lunch"], "day_number": 1},
        ],
    )
    assert applied(db, who, run) == [("Lunch", 1, 0), ("Opera", 2, 0), ("Supper", 2, 1)]
    assert itinerary(db, trip) == [("Lunch", 1, 0), ("Museum", 1, 1), ("Opera", 2, 0), ("Supper", 2, 1)]
    # The trip is another now.
    assert "TRIP_CHANGED" in refusal(db, who, run)


CHANGES: list[LiteralString] = [
    "update public.trip_items set title = 'Late lunch', updated_at = now() + interval '1 s'"
    " where title = 'Lunch' and trip_id = %s",
    "delete from public.trip_items where title = 'Lunch' and trip_id = %s",
    "insert into public.trip_items (trip_id, title) values (%s, 'Walk')",
    "update public.trips set start_date = '2027-05-01' where id = %s",
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_trip_that_has_changed_is_a_conflict(
    db: psycopg.Connection, who: uuid.UUID, trip: uuid.UUID, items: dict[str, str], change: LiteralString
) -> None:
    run = proposal(db, who, trip, [{"item_id": items["Opera"], "day_number": 2}])
    # Within one transaction all happens at once: the moment is set by hand.
    db.execute("alter table public.trip_items disable trigger set_trip_items_updated_at")
    db.execute(change, (trip,))
    before = itinerary(db, trip)
    assert "TRIP_CHANGED" in refusal(db, who, run)
    assert itinerary(db, trip) == before


def test_a_new_title_of_the_trip_is_no_conflict(
    db: psycopg.Connection, who: uuid.UUID, trip: uuid.UUID, items: dict[str, str]
) -> None:
    run = proposal(db, who, trip, [{"item_id": items["Opera"], "day_number": 2}])
    db.execute("update public.trips set title = 'Farther north' where id = %s", (trip,))
    assert applied(db, who, run) == [("Opera", 2, 0)]


class TestWho:
    def test_an_editor_does_not_even_find_what_another_asked(
        self, db: psycopg.Connection, who: uuid.UUID, trip: uuid.UUID, items: dict[str, str]
    ) -> None:
        run = proposal(db, who, trip, [{"item_id": items["Opera"], "day_number": 2}])
        assert "NOT_FOUND" in refusal(db, join(db, trip, "editor"), run)
        assert "NOT_FOUND" in refusal(db, person(db), run)

    def test_an_editor_applies_what_they_asked(
        self, db: psycopg.Connection, trip: uuid.UUID, items: dict[str, str]
    ) -> None:
        asker = join(db, trip, "editor")
        assert applied(db, asker, proposal(db, asker, trip, [{"item_id": items["Opera"], "day_number": 2}])) == [
            ("Opera", 2, 0)
        ]

    def test_a_viewer_may_ask_but_not_apply(
        self, db: psycopg.Connection, trip: uuid.UUID, items: dict[str, str]
    ) -> None:
        asker = join(db, trip, "viewer")
        run = proposal(db, asker, trip, [{"item_id": items["Opera"], "day_number": 2}])
        assert "FORBIDDEN" in refusal(db, asker, run)

    def test_who_has_left_the_trip_does_not_find_it_any_more(
        self, db: psycopg.Connection, trip: uuid.UUID, items: dict[str, str]
    ) -> None:
        asker = join(db, trip, "editor")
        run = proposal(db, asker, trip, [{"item_id": items["Opera"], "day_number": 2}])
        db.execute("delete from public.collaborators where user_id = %s", (asker,))
        assert "NOT_FOUND" in refusal(db, asker, run)


class TestWhat:
    def test_items_of_other_trips_are_left_alone(
        self, db: psycopg.Connection, who: uuid.UUID, trip: uuid.UUID, items: dict[str, str]
    ) -> None:
        run = proposal(db, who, trip_of(db, who), [{"item_id": items["Opera"], "day_number": 2}])
        assert "BAD_USER_INPUT" in refusal(db, who, run)
        assert ("Opera", 1, 2) in itinerary(db, trip)

    def test_what_the_table_refuses_changes_nothing(
        self, db: psycopg.Connection, who: uuid.UUID, trip: uuid.UUID, items: dict[str, str]
    ) -> None:
        before = itinerary(db, trip)
        run = proposal(db, who, trip, [{"item_id": items["Opera"], "day_number": 2}, {"title": "", "day_number": 1}])
        assert refusal(db, who, run).startswith("23514")
        assert itinerary(db, trip) == before

    @pytest.mark.parametrize("result", [{"summary": "North."}, {"itinerary": {"items": {}}}, {"itinerary": []}])
    def test_what_is_no_proposal_is_not_applied(
        self, db: psycopg.Connection, who: uuid.UUID, trip: uuid.UUID, result: dict[str, Any]
    ) -> None:
        run = running(db, who, trip=trip)
        finish(db, run, "succeeded", result=result)
        assert "BAD_USER_INPUT" in refusal(db, who, run)

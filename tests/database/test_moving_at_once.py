"""Votes on an item that moves to another trip, cast or withdrawn in the very moment in which it moves."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, LiteralString, NamedTuple

import psycopg
import pytest

from tests.database.callers import sign_up
from tests.database.test_moving import caller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.database.conftest import Database

MOVE: LiteralString = "update public.trip_items set trip_id = %(other)s where id = %(item)s"
VOTE: LiteralString = "insert into public.votes (trip_item_id, value) values (%(item)s, 1)"
LEAVE: LiteralString = "delete from public.collaborators where user_id = %(member)s and trip_id = %(other)s"
JOIN: LiteralString = "insert into public.collaborators (trip_id, user_id) values (%(other)s, %(member)s)"
SAID: LiteralString = "select count(*) from public.votes where trip_item_id = %(item)s"


class Trips(NamedTuple):
    """Two trips of one owner; the item is on the first, and so is the member."""

    owner: uuid.UUID
    member: uuid.UUID
    trip: uuid.UUID
    other: uuid.UUID
    item: uuid.UUID


@pytest.fixture
def trips(stack: Database) -> Iterator[Trips]:
    """Really there; removed at the end."""
    keys = Trips(*(uuid.uuid4() for _ in range(5)))
    with psycopg.connect(stack.admin_db_url, autocommit=True) as db:
        sign_up(db, keys.owner)
        sign_up(db, keys.member)
        for statement in (
            "insert into public.trips (id, user_id, title)"
            " values (%(trip)s, %(owner)s, 'Here'), (%(other)s, %(owner)s, 'There')",
            "insert into public.trip_items (id, trip_id, title) values (%(item)s, %(trip)s, 'Ferry')",
            "insert into public.collaborators (trip_id, user_id) values (%(trip)s, %(member)s)",
        ):
            db.execute(statement, keys._asdict())
        yield keys
        db.execute("delete from auth.users where id in (%(owner)s, %(member)s)", keys._asdict())


def one_after_the_other(
    first: psycopg.Connection, does: LiteralString, then: psycopg.Connection, waits: LiteralString, trips: Trips
) -> str | None:
    """What becomes of the second, which is begun before the first is done, and waits for it."""
    told: list[str | None] = []

    def second() -> None:
        try:
            then.execute(waits, trips._asdict())
            then.commit()
        except psycopg.Error as failure:
            told.append(failure.sqlstate)

    first.execute(does, trips._asdict())
    waiting = threading.Thread(target=second)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    first.commit()
    waiting.join(5)
    assert not waiting.is_alive()
    return told[0] if told else None


def said(stack: Database, trips: Trips) -> int:
    with psycopg.connect(stack.admin_db_url) as db:
        (count,) = db.execute(SAID, trips._asdict()).fetchone() or (0,)
    return int(count)


def test_a_vote_that_comes_first_stays_behind_as_any_other(stack: Database, trips: Trips) -> None:
    with caller(stack, trips.member) as voting, caller(stack, trips.owner) as moving:
        assert one_after_the_other(voting, VOTE, moving, MOVE, trips) is None
    assert said(stack, trips) == 0


def test_a_vote_that_comes_while_the_item_moves_is_to_be_tried_again(stack: Database, trips: Trips) -> None:
    with caller(stack, trips.member) as voting, caller(stack, trips.owner) as moving:
        assert one_after_the_other(moving, MOVE, voting, VOTE, trips) == "40001"
    assert said(stack, trips) == 0


def test_who_leaves_the_other_trip_meanwhile_takes_the_vote_along(stack: Database, trips: Trips) -> None:
    with psycopg.connect(stack.admin_db_url, autocommit=True) as db:
        db.execute(JOIN, trips._asdict())
    with caller(stack, trips.member) as member, caller(stack, trips.owner) as moving:
        member.execute(VOTE, trips._asdict())
        member.commit()
        assert one_after_the_other(moving, MOVE, member, LEAVE, trips) is None
    assert said(stack, trips) == 0

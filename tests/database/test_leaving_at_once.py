"""Who leaves a trip takes along what is theirs on it, also what they say in the very moment in which they leave."""

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

REMOVE = "delete from public.collaborators where user_id = %(member)s"
WISH = "insert into public.trip_preferences (trip_id) values (%(trip)s)"
VOTE = "insert into public.votes (trip_item_id, value) values (%(item)s, 1)"
LEFT = """select count(*) from (
    select user_id from public.trip_preferences union all select user_id from public.votes
) as said where user_id = %(member)s"""


class Shared(NamedTuple):
    """A trip with an item, its owner, and who is on it."""

    owner: uuid.UUID
    member: uuid.UUID
    trip: uuid.UUID
    item: uuid.UUID


@pytest.fixture
def shared(stack: Database) -> Iterator[Shared]:
    """Really there; removed at the end."""
    keys = Shared(*(uuid.uuid4() for _ in range(4)))
    with psycopg.connect(stack.admin_db_url, autocommit=True) as db:
        sign_up(db, keys.owner)
        sign_up(db, keys.member)
        for statement in (
            "insert into public.trips (id, user_id, title) values (%(trip)s, %(owner)s, 'Busy')",
            "insert into public.trip_items (id, trip_id, title) values (%(item)s, %(trip)s, 'Ferry')",
            "insert into public.collaborators (trip_id, user_id) values (%(trip)s, %(member)s)",
        ):
            db.execute(statement, keys._asdict())
        yield keys
        db.execute("delete from auth.users where id in (%(owner)s, %(member)s)", keys._asdict())


@pytest.mark.parametrize("say", [WISH, VOTE])
def test_what_is_said_first_goes_with_whoever_is_removed_meanwhile(
    stack: Database, shared: Shared, say: LiteralString
) -> None:
    values = shared._asdict()
    with caller(stack, shared.member) as saying, caller(stack, shared.owner) as removing:
        saying.execute(say, values)
        waiting = threading.Thread(target=lambda: (removing.execute(REMOVE, values), removing.commit()))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        saying.commit()
        waiting.join(5)
        assert not waiting.is_alive()
    with psycopg.connect(stack.admin_db_url) as db:
        assert db.execute(LEFT, values).fetchone() == (0,)


@pytest.mark.parametrize("say", [WISH, VOTE])
def test_what_comes_while_somebody_is_removed_is_refused_as_of_a_stranger(
    stack: Database, shared: Shared, say: LiteralString
) -> None:
    values = shared._asdict()
    told: list[str] = []

    def speak(db: psycopg.Connection) -> None:
        try:
            db.execute(say, values)
            db.commit()
        except psycopg.Error as failure:
            told.append(str(failure))

    with caller(stack, shared.member) as saying, caller(stack, shared.owner) as removing:
        removing.execute(REMOVE, values)
        waiting = threading.Thread(target=speak, args=(saying,))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        removing.commit()
        waiting.join(5)
        assert not waiting.is_alive()
    assert len(told) == 1
    assert "row-level security" in told[0]
    with psycopg.connect(stack.admin_db_url) as db:
        assert db.execute(LEFT, values).fetchone() == (0,)

"""What agents keep in mind: a person's own, found exactly by its meaning, and forgotten with what it is about."""

from __future__ import annotations

import math
import random
import uuid
from typing import Any, LiteralString

import psycopg
import pytest

from tests.database.ai import called_by, payer, trip_of
from tests.database.callers import role
from tests.database.payments import RefusedError, call, person


@pytest.fixture
def who(db: psycopg.Connection) -> uuid.UUID:
    return payer(db)


def towards(*numbers: float) -> str:
    """An embedding that points there, in the first few of its 1,536 directions."""
    return str([*numbers, *([0.0] * (1536 - len(numbers)))])


NORTH = towards(1)


def remember(
    db: psycopg.Connection, who: uuid.UUID, content: str, embedding: str = NORTH, trip: uuid.UUID | None = None
) -> Any:
    asked = "select public.remember_ai_memory(%s, %s, 'note', %s, %s::extensions.vector)"
    return call(db, asked, who, trip, content, embedding)


def found(db: psycopg.Connection, who: uuid.UUID, embedding: str, first: int = 10) -> list[str]:
    with role(db, "authenticated", {"role": "authenticated", "sub": str(who)}):
        rows = db.execute(
            "select content from public.search_ai_memories(%s::extensions.vector, %s)", (embedding, first)
        ).fetchall()
    return [content for (content,) in rows]


def kept(db: psycopg.Connection, who: uuid.UUID) -> list[str]:
    rows = db.execute("select content from public.ai_memories where user_id = %s order by content", (who,)).fetchall()
    return [content for (content,) in rows]


class TestRemembering:
    def test_the_same_is_kept_once(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        assert remember(db, who, "Likes trains") == remember(db, who, "Likes trains", towards(0, 1))
        assert kept(db, who) == ["Likes trains"]

    def test_a_thousand_are_kept(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        db.execute(
            "insert into public.ai_memories (user_id, content, embedding, created_at)"
            " select %s, 'Old ' || n, %s::extensions.vector, now() - n * interval '1 day'"
            " from generate_series(1, 1000) as n",
            (who, NORTH),
        )
        remember(db, who, "New")
        assert len(kept(db, who)) == 1000
        assert "Old 1000" not in kept(db, who)

    def test_a_strange_trip_is_not_found(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        with pytest.raises(RefusedError) as failure:
            remember(db, who, "Likes trains", trip=trip_of(db, person(db)))
        assert (failure.value.code, failure.value.extensions["field"]) == ("NOT_FOUND", "trip")

    def test_anonymous_people_are_not_remembered(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        db.execute("update auth.users set is_anonymous = true, email = null where id = %s", (who,))
        with pytest.raises(RefusedError) as failure:
            remember(db, who, "Likes trains")
        assert failure.value.code == "FORBIDDEN"


class TestSearching:
    def test_is_exact_among_many_of_others(self, db: psycopg.Connection) -> None:
        """What an index of everybody's embeddings would miss: others' are all nearer than one's own."""
        numbers = random.Random(7)
        who, other = person(db), person(db)
        mine = {f"mine {n}": [numbers.gauss(0, 1) for _ in range(8)] for n in range(40)}
        for content, direction in mine.items():
            remember(db, who, content, towards(*direction))
        wanted = [1.0, *([0.1] * 7)]
        for n in range(100):
            remember(db, other, f"other {n}", towards(*(each + numbers.gauss(0, 0.01) for each in wanted)))

        def distance(content: str) -> float:
            direction = mine[content]
            dot = sum(a * b for a, b in zip(direction, wanted, strict=True))
            return 1 - dot / math.hypot(*direction) / math.hypot(*wanted)

        nearest = sorted(mine, key=distance)
        assert found(db, who, towards(*wanted)) == nearest[:10]
        assert found(db, who, towards(*wanted), 100) == nearest

    def test_what_is_to_be_forgotten_is_not_found(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        remember(db, who, "Likes trains")
        db.execute("update public.ai_memories set expires_at = now() where user_id = %s", (who,))
        assert found(db, who, NORTH) == []
        db.execute("select private.forget_expired_memories()")
        assert kept(db, who) == []


class TestForgetting:
    @pytest.mark.parametrize(
        "read",
        [
            "select count(*) from public.ai_memories",
            "select count(*) from public.ai_memories_by_ids(array(select id from public.ai_memories))",
            "select count(*) from public.ai_memories as kept, public.whole_ai_memories(kept)",
            "select count(*) from public.search_ai_memories(array_fill(1::real, array[1536])::extensions.vector, 10)",
        ],
    )
    def test_what_is_over_is_read_by_nobody(self, db: psycopg.Connection, who: uuid.UUID, read: LiteralString) -> None:
        for content, expiry in (("over", "-1 second"), ("not yet", "1 hour"), ("never", None)):
            memory = remember(db, who, content)
            db.execute(
                "update public.ai_memories set expires_at = now() + %s::interval where id = %s", (expiry, memory)
            )
        assert called_by(db, who, read) == 2

    def test_what_is_over_is_not_begun_with(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        asked = "select public.remember_ai_memory(%s, null, 'note', 'Over', %s::extensions.vector, now())"
        with pytest.raises(RefusedError) as failure:
            call(db, asked, who, NORTH)
        assert (failure.value.code, failure.value.extensions["field"]) == ("BAD_USER_INPUT", "expires_at")

    def test_what_is_over_and_kept_again_is_read_again(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        remember(db, who, "Likes trains")
        db.execute("update public.ai_memories set expires_at = now() where user_id = %s", (who,))
        remember(db, who, "Likes trains")
        assert called_by(db, who, "select content from public.ai_memories") == "Likes trains"

    def test_who_leaves_a_trip_is_not_reminded_of_it(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        trip, guest = trip_of(db, who), person(db)
        db.execute("insert into public.collaborators (trip_id, user_id) values (%s, %s)", (trip, guest))
        remember(db, guest, "Of the trip", trip=trip)
        remember(db, guest, "Of none")
        remember(db, who, "The owner's", trip=trip)
        db.execute("delete from public.collaborators where trip_id = %s and user_id = %s", (trip, guest))
        assert (kept(db, guest), kept(db, who)) == (["Of none"], ["The owner's"])

    def test_an_owner_who_gives_a_trip_away_is_not_either(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        trip = trip_of(db, who)
        remember(db, who, "Of the trip", trip=trip)
        db.execute("update public.trips set user_id = %s where id = %s", (person(db), trip))
        assert kept(db, who) == []

    def test_a_trip_takes_what_is_kept_of_it_along(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        trip = trip_of(db, who)
        remember(db, who, "Of the trip", trip=trip)
        db.execute("delete from public.trips where id = %s", (trip,))
        assert kept(db, who) == []


@pytest.mark.parametrize("caller", ["authenticated", "service_role"])
def test_the_system_prompt_is_for_nobody(db: psycopg.Connection, who: uuid.UUID, caller: str) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        role(db, caller, {"role": caller, "sub": str(who)}),
    ):
        db.execute("select system_prompt from public.ai_agents")
    assert called_by(db, who, "select count(*) from public.ai_agents where is_active") == 4

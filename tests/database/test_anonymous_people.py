"""People who are signed in without an address: they plan as everybody does, and nothing that costs is done for them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from tests.database.callers import World, role, told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

ASK = "select private.is_anonymous(%s)"


@pytest.fixture
def visitor(world: World) -> uuid.UUID:
    """Somebody who has just come in by an anonymous sign-in."""
    person = uuid.uuid4()
    with role(world.db, "supabase_auth_admin"):
        world.db.execute("insert into auth.users (id, is_anonymous) values (%s, true)", (person,))
    return person


def claims(person: uuid.UUID, *, anonymous: object) -> dict[str, Any]:
    return {"sub": str(person), "role": "authenticated", "is_anonymous": anonymous}


def as_caller(world: World, person: uuid.UUID, anonymous: object, query: LiteralString, *values: object) -> object:
    """The first value that the query gives, run as a function of the database is that this person calls."""
    given = json.dumps(claims(person, anonymous=anonymous))
    with world.db.transaction():
        world.db.execute("select set_config('request.jwt.claims', %s, true)", (given,))
        (value,) = world.db.execute(query, values).fetchone() or (None,)
        world.db.execute("select set_config('request.jwt.claims', '', true)")
    return value


@pytest.mark.parametrize(
    ("of_auth", "of_the_token", "anonymous"),
    [
        (True, True, True),
        (False, False, False),
        (False, None, False),
        # A token of before they had an address, or one that says something odd.
        (False, True, True),
        (False, "yes", True),
        # A token is not believed that they are somebody.
        (True, False, True),
        (True, None, True),
    ],
)
def test_who_is_anonymous(world: World, *, of_auth: bool, of_the_token: object, anonymous: bool) -> None:
    me = world.owner.profiles
    world.db.execute("update auth.users set is_anonymous = %s where id = %s", (of_auth, me))
    assert as_caller(world, me, of_the_token, "select private.is_anonymous()") is anonymous
    assert as_caller(world, me, of_the_token, ASK, me) is anonymous
    # Of another person only Auth knows.
    assert as_caller(world, world.stranger.profiles, False, ASK, me) is of_auth
    assert as_caller(world, world.stranger.profiles, True, ASK, me) is of_auth


def test_nobody_is_as_good_as_anonymous(world: World) -> None:
    assert world.db.execute("select private.is_anonymous()").fetchone() == (True,)
    assert world.db.execute(ASK, (uuid.uuid4(),)).fetchone() == (True,)
    assert world.db.execute(ASK, (None,)).fetchone() == (True,)


@pytest.mark.parametrize("name", ["anon", "authenticated", "service_role"])
def test_callers_ask_through_functions_alone(world: World, name: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), role(world.db, name):
        world.db.execute(ASK, (world.owner.profiles,))


@pytest.fixture
def caller(world: World, visitor: uuid.UUID) -> Iterator[psycopg.Connection]:
    """The connection as the visitor's."""
    with role(world.db, "authenticated", claims(visitor, anonymous=True)):
        yield world.db


def test_they_do_all_that_costs_nothing(caller: psycopg.Connection, visitor: uuid.UUID) -> None:
    made = caller.execute("insert into public.trips (title) values ('Mine') returning id, user_id").fetchone()
    assert made is not None
    assert made[1] == visitor
    caller.execute("insert into public.trip_items (trip_id, title) values (%s, 'Walk')", (made[0],))
    assert caller.execute("select title from public.trip_items").fetchall() == [("Walk",)]
    assert caller.execute("select user_id from public.user_preferences").fetchall() == [(visitor,)]


def test_they_see_nobody_elses(caller: psycopg.Connection, world: World) -> None:
    assert caller.execute("select count(*) from public.trips").fetchone() == (0,)
    assert caller.execute("select id from public.profiles where id = %s", (world.owner.profiles,)).fetchall() == []


def test_they_are_told_what_to_do(caller: psycopg.Connection) -> None:
    (trip,) = caller.execute("insert into public.trips (title) values ('Mine') returning id").fetchone() or (None,)
    with pytest.raises(psycopg.Error) as refused, caller.transaction():
        caller.execute("select public.announce_invitation(%s, 'guest@people.example')", (trip,))
    assert told_by(refused.value) == "FORBIDDEN"
    said = json.loads(refused.value.diag.message_primary or "")["message"]
    assert said == "Invitations are mailed, which takes an account with an e-mail address. Give yours one first."

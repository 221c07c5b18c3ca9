"""Deleting one's account takes a sign-in just made, whoever asks past the gateway: by claim `amr`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.database.callers import role, told_by

if TYPE_CHECKING:
    import uuid

    from tests.database.callers import World


def leave(world: World, user: uuid.UUID, amr: Any) -> str | None:
    """Why the account was not deleted, by its code; None where it was."""
    claims = {"sub": str(user), "role": "authenticated"} | ({} if amr is ... else {"amr": amr})
    try:
        with role(world.db, "authenticated", claims):
            world.db.execute("select public.delete_my_account()")
    except psycopg.Error as error:
        assert there(world, user)
        return told_by(error)
    assert not there(world, user)
    return None


def there(world: World, user: uuid.UUID) -> bool:
    found = world.db.execute("select exists (select from auth.users where id = %s)", (user,)).fetchone()
    return found == (True,)


def entry(method: str, seconds_ago: float) -> dict[str, Any]:
    return {"method": method, "timestamp": int(time.time() - seconds_ago)}


def password(world: World, user: uuid.UUID, hashed: str | None) -> None:
    world.db.execute("update auth.users set encrypted_password = %s where id = %s", (hashed, user))


@pytest.mark.parametrize(
    ("hashed", "method", "seconds_ago", "sqlstate"),
    [
        ("$2a$x", "password", 0, None),
        ("$2a$x", "password", 290, None),
        ("$2a$x", "password", 310, "FORBIDDEN"),
        ("$2a$x", "otp", 0, "FORBIDDEN"),
        ("$2a$x", "oauth", 0, "FORBIDDEN"),
        ("$2a$x", "token_refresh", 0, "FORBIDDEN"),
        ("", "otp", 290, None),
        (None, "otp", 290, None),
        (None, "otp", 310, "FORBIDDEN"),
        (None, "password", 0, "FORBIDDEN"),
        (None, "anonymous", 0, "FORBIDDEN"),
    ],
)
def test_by_the_sign_in(
    world: World, hashed: str | None, method: str, seconds_ago: float, sqlstate: str | None
) -> None:
    user = world.owner.profiles
    password(world, user, hashed)
    assert leave(world, user, [entry(method, seconds_ago)]) == sqlstate
    assert there(world, world.stranger.profiles)


def test_any_of_several_sign_ins_will_do(world: World) -> None:
    user = world.owner.profiles
    password(world, user, "$2a$x")
    assert leave(world, user, [entry("totp", 5), entry("password", 10), entry("otp", 20)]) is None


@pytest.mark.parametrize(
    "amr",
    [..., None, [], ["password"], "password", 7, {}, [None], [{}], [{"method": "password"}], [{"timestamp": 4e9}],
     {"method": "password", "timestamp": 4e9}, [{"method": "password", "timestamp": "4000000000"}]],
)  # fmt: skip
def test_a_token_that_does_not_say_when_is_not_enough(world: World, amr: Any) -> None:
    user = world.owner.profiles
    password(world, user, "$2a$x")
    assert leave(world, user, amr) == "FORBIDDEN"

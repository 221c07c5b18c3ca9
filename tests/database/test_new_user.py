"""Signing up makes a profile and preferences, whatever the client sends as its name."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.database.callers import sign_up

if TYPE_CHECKING:
    import psycopg


def display_name(db: psycopg.Connection, metadata: object) -> str:
    user = uuid.uuid4()
    sign_up(db, user, metadata)
    row = db.execute("select display_name from public.profiles where id = %s", (user,)).fetchone()
    assert row is not None
    return str(row[0])


def test_preferences_come_with_their_defaults(db: psycopg.Connection) -> None:
    user = uuid.uuid4()
    sign_up(db, user)
    row = db.execute(
        "select locale, timezone, home_currency, distance_unit, email_notifications, push_notifications"
        " from public.user_preferences where user_id = %s",
        (user,),
    ).fetchone()
    assert row == ("en", "UTC", "EUR", "km", True, False)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada \t\n Lovelace ", "Ada Lovelace"),
        ("🧭" * 80, "🧭" * 80),
        ("x" * 81, "x" * 80),
        ("x" * 79 + " yz", "x" * 79),
        ("x" * 1_000_000, "x" * 80),
        (42, "42"),
    ],
    ids=["as sent", "spaces", "80 emoji", "too long", "cut at a space", "a million", "a number"],
)
def test_name(db: psycopg.Connection, sent: object, kept: str) -> None:
    assert display_name(db, {"display_name": sent}) == kept


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"display_name": None}, {"display_name": ""}, {"display_name": " \n "}, [], "Ada", {"name": "Ada"}],
    ids=str,
)
def test_without_a_name_nothing_is_revealed(db: psycopg.Connection, metadata: object) -> None:
    assert display_name(db, metadata) == "Traveller"


def test_changing_the_account_leaves_the_profile_alone(db: psycopg.Connection) -> None:
    user = uuid.uuid4()
    sign_up(db, user, {"display_name": "Ada"})
    db.execute("""update auth.users set raw_user_meta_data = '{"display_name": "Eve"}' where id = %s""", (user,))
    row = db.execute("select display_name from public.profiles where id = %s", (user,)).fetchone()
    assert row == ("Ada",)

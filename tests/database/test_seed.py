"""The demo accounts: they can sign in, and their trips make sense."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt
import pytest
from psycopg import sql

from tests.database.callers import role

if TYPE_CHECKING:
    import psycopg

SEED = Path(__file__).parents[2] / "supabase" / "seed.sql"
PEOPLE = ["ada@tripgate.example", "ben@tripgate.example", "cleo@tripgate.example"]


@pytest.fixture
def seeded(db: psycopg.Connection) -> psycopg.Connection:
    """Nothing but the seed: what others have left in the database is gone for the length of a test."""
    db.execute("delete from auth.users")
    with role(db, "postgres"):
        db.execute(SEED.read_bytes())
    return db


def test_people_can_sign_in(seeded: psycopg.Connection) -> None:
    rows = seeded.execute(
        """
        select users.email, users.encrypted_password, identities.provider_id = users.id::text
        from auth.users join auth.identities on identities.user_id = users.id and identities.email = users.email
        where users.email = any (%s) and users.email_confirmed_at is not null
            and aud = 'authenticated' and role = 'authenticated' and raw_app_meta_data ->> 'provider' = 'email'
        order by users.email
        """,
        (PEOPLE,),
    ).fetchall()
    assert [email for email, _, _ in rows] == PEOPLE
    assert {identified for _, _, identified in rows} == {True}
    for password_hash in {hashed for _, hashed, _ in rows}:
        assert bcrypt.checkpw(b"tripgate-demo", password_hash.encode())


def test_everyone_has_trips_worth_looking_at(seeded: psycopg.Connection) -> None:
    rows = seeded.execute(
        """
        select display_name, count(*), count(distinct status), min(items)
        from public.profiles
        join auth.users on users.id = profiles.id
        join public.trips on trips.user_id = profiles.id
        join lateral (select count(*) as items from public.trip_items where trip_id = trips.id) as its on true
        where users.email = any (%s)
        group by profiles.id
        """,
        (PEOPLE,),
    ).fetchall()
    assert len(rows) == len(PEOPLE)
    for name, trips, statuses, fewest_items in rows:
        assert 2 <= trips <= 4, name
        assert statuses >= 2, name
        assert fewest_items >= 1, name


def test_items_fall_on_the_day_they_are_numbered_by(seeded: psycopg.Connection) -> None:
    # Times are shown in UTC: anywhere on earth it is then the same day, or one within 12 hours before or 14 after.
    astray = seeded.execute(
        """
        select trip_items.title from public.trip_items join public.trips on trips.id = trip_id
        where start_date + day_number - 1 not between (starts_at - interval '12 hours')::date
                and (starts_at + interval '14 hours')::date
            or start_date + day_number - 1 > end_date
        """
    )
    assert astray.fetchall() == []


def test_items_name_places_of_their_trips_owner(seeded: psycopg.Connection) -> None:
    strange = seeded.execute(
        "select trip_items.title from public.trip_items join public.trips on trips.id = trip_id"
        " join public.places on places.id = place_id where places.user_id <> trips.user_id"
    )
    assert strange.fetchall() == []


def test_positions_within_a_day_have_no_gap_and_no_double(seeded: psycopg.Connection) -> None:
    crooked = seeded.execute(
        "select trip_id, day_number from public.trip_items group by trip_id, day_number"
        " having min(order_index) <> 0 or max(order_index) + 1 <> count(*) or count(distinct order_index) <> count(*)"
    )
    assert crooked.fetchall() == []


def test_everyone_is_on_a_trip_with_somebody_else(seeded: psycopg.Connection) -> None:
    rows = seeded.execute(
        "select trips.user_id from public.collaborators join public.trips on trips.id = trip_id"
        " union select collaborators.user_id from public.collaborators"
    ).fetchall()
    assert len(rows) == len(PEOPLE)


def test_votes_are_those_of_people_on_the_trip_and_they_differ(seeded: psycopg.Connection) -> None:
    rows = seeded.execute(
        """
        select value, votes.user_id = trips.user_id or exists (
            select from public.collaborators
            where collaborators.trip_id = votes.trip_id and collaborators.user_id = votes.user_id
        )
        from public.votes join public.trips on trips.id = votes.trip_id
        """
    ).fetchall()
    assert {value for value, _ in rows} == {-1, 0, 1}
    assert all(takes_part for _, takes_part in rows)


def test_ben_can_accept_an_invitation(seeded: psycopg.Connection) -> None:
    (ben,) = seeded.execute("select id from auth.users where email = 'ben@tripgate.example'").fetchone() or (None,)
    with role(seeded, "authenticated", {"sub": str(ben), "role": "authenticated"}):
        row = seeded.execute("select role from public.accept_invitation('lofoten-for-ben')").fetchone()
    assert row == ("editor",)


def test_what_people_keep_is_what_they_can_see(seeded: psycopg.Connection) -> None:
    people = seeded.execute("select id from public.profiles").fetchall()
    kept = 0
    for (person,) in people:
        with role(seeded, "authenticated", {"sub": str(person), "role": "authenticated"}):
            for table in ("saved_places", "collection_places", "place_tags"):
                rows = seeded.execute(
                    sql.SQL(
                        "select places.id is not null from public.{} as kept"
                        " left join public.places on places.id = kept.place_id where kept.place_id is not null"
                    ).format(sql.Identifier(table))
                ).fetchall()
                assert all(visible for (visible,) in rows), (person, table)
                kept += len(rows)
    assert kept >= 8

"""Who follows what: people who share trips, loaded in bulk, each with an access token signed by the stack's own key."""

import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

from tripgate.local.keys import Signer, load_or_create

_TOKEN_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Size:
    """How many. Every person is on exactly one trip: the owner and the collaborators."""

    people: int = 1000
    trips: int = 50
    items_each: int = 10


@dataclass(frozen=True)
class Member:
    """One person, by the number of the trip."""

    token: str
    trip: int


@dataclass(frozen=True)
class Crowd:
    """Everybody, and the ids of the trips and of their items."""

    members: tuple[Member, ...]
    trips: tuple[str, ...]
    items: tuple[tuple[str, ...], ...]


def load(admin_db_url: str, data_dir: Path, api_url: str, size: Size) -> Crowd:
    """Fill the database and sign the tokens: a thousand sign-ups would spend their time on hashing passwords."""
    with psycopg.connect(admin_db_url, autocommit=True) as connection:
        sizes = {"people": size.people, "trips": size.trips, "items": size.items_each}
        with connection.transaction():
            for statement in (_PEOPLE, _TRIPS, _COLLABORATORS, _PLACES, _ITEMS):
                connection.execute(statement, sizes)
        connection.execute("vacuum analyze")
        people = connection.execute(_READ_PEOPLE, sizes).fetchall()
        items = connection.execute(_READ_ITEMS, sizes).fetchall()
    keys = load_or_create(data_dir / "keys.json")
    signer = Signer(algorithm="ES256", private_jwk=keys.private_jwk, jwt_secret=keys.jwt_secret)
    members = tuple(
        Member(_token(signer, api_url, user_id, email), number % size.trips) for number, user_id, email in people
    )
    return Crowd(members, tuple(row[0] for row in items), tuple(tuple(row[1]) for row in items))


def _token(signer: Signer, api_url: str, user_id: str, email: str) -> str:
    """What Auth would issue, and as long."""
    now = int(time.time())
    return signer.sign(
        {
            "iss": f"{api_url}/auth/v1",
            "sub": user_id,
            "aud": "authenticated",
            "exp": now + _TOKEN_SECONDS,
            "iat": now,
            "email": email,
            "phone": "",
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {"display_name": "Somebody who follows"},
            "role": "authenticated",
            "aal": "aal1",
            "amr": [{"method": "password", "timestamp": now}],
            "session_id": str(uuid4()),
            "is_anonymous": False,
        }
    )


# The trigger on auth.users gives each a profile and preferences.
_PEOPLE = """
insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, created_at, updated_at,
    raw_app_meta_data, raw_user_meta_data,
    confirmation_token, recovery_token, email_change, email_change_token_new
)
select
    '00000000-0000-0000-0000-000000000000', md5('follower ' || n)::uuid, 'authenticated', 'authenticated',
    'follower' || n || '@bench.example', '', now(), now(), now(),
    '{"provider": "email", "providers": ["email"]}', jsonb_build_object('display_name', 'Follower ' || n),
    '', '', '', ''
from generate_series(0, %(people)s::int - 1) n
"""

_TRIPS = """
insert into public.trips (id, user_id, title, destination, start_date, end_date, budget, currency)
select
    md5('shared trip ' || trip)::uuid, md5('follower ' || trip)::uuid, 'Shared trip ' || trip, 'Zürich, Switzerland',
    date '2027-06-01', date '2027-06-08', 900, 'CHF'
from generate_series(0, %(trips)s::int - 1) trip
"""

_COLLABORATORS = """
insert into public.collaborators (trip_id, user_id, role)
select md5('shared trip ' || n %% %(trips)s::int)::uuid, md5('follower ' || n)::uuid, 'editor'
from generate_series(%(trips)s::int, %(people)s::int - 1) n
"""

_PLACES = """
insert into public.places (id, user_id, name, category, city, country_code, latitude, longitude)
select
    md5('shared place ' || trip)::uuid, md5('follower ' || trip)::uuid, 'Café no. ' || trip, 'cafe', 'Zürich', 'CH',
    47, 8
from generate_series(0, %(trips)s::int - 1) trip
"""

_ITEMS = """
insert into public.trip_items (id, trip_id, place_id, title, notes, kind, day_number, order_index, starts_at, cost)
select
    md5('shared item ' || trip || ' ' || item)::uuid, md5('shared trip ' || trip)::uuid,
    md5('shared place ' || trip)::uuid, 'Item ' || item || ': lunch by the lake', 'Ask for a table outside.',
    'food', 1 + item / 3, item %% 3, timestamptz '2027-06-01 12:00Z', 10 + item * 3.5
from generate_series(0, %(trips)s::int - 1) trip, generate_series(0, %(items)s::int - 1) item
"""

_READ_PEOPLE = """
select n, users.id::text, users.email
from generate_series(0, %(people)s::int - 1) n join auth.users on users.id = md5('follower ' || n)::uuid
order by n
"""

_READ_ITEMS = """
select
    md5('shared trip ' || trip)::uuid::text,
    array(select id::text from public.trip_items where trip_id = md5('shared trip ' || trip)::uuid order by id)
from generate_series(0, %(trips)s::int - 1) trip
order by trip
"""

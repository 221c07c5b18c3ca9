"""The data that is asked for: people with all they own and share, loaded in bulk, and callers with their tokens.

Every trip has exactly as many items as the workloads ask for, so that no contender reads rows it then drops. Two others
take part in each trip and vote on its first day. Bulk loading passes by triggers and foreign keys, whose work on half a
million rows takes many times as long as all measurements; the rows are such as they would have let in.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

from tripgate.local.keys import Signer, load_or_create

PEOPLE_AT_ONCE = 1000
FIRST_YEAR = 10_000
SIZES = {"places": 10, "trips": 5, "items": 10, "collaborators": 2}

# The callers, by the number of their trips. The busy one has more than Tripgate keeps plans for (64 sets of variables),
# so that a rotation through them plans each time. The tireless one asks for a thousand trips in one page.
REGULAR = "regular"
BUSY = "busy"
TIRELESS = "tireless"
CALLERS = {REGULAR: 12, BUSY: 100, TIRELESS: 1000}


@dataclass(frozen=True)
class Caller:
    """A signed-in person whom all contenders serve.

    Attributes:
        trip_ids: The person's trips, the newest first.
        people_ids: Whose profiles the person may see: their own, and those of everybody on their trips.
        place_id: A place that is on some of their items.
    """

    user_id: str
    token: str
    trip_ids: tuple[str, ...]
    people_ids: tuple[str, ...]
    place_id: str


def describe(people: int) -> str:
    """How much is loaded, as a sentence. The callers' trips come on top."""
    trips = people * SIZES["trips"]
    collaborators = trips * SIZES["collaborators"]
    return (
        f"{people:,} people, {people * SIZES['places']:,} places, {trips:,} trips, "
        f"{trips * SIZES['items']:,} items, {collaborators:,} collaborators, {2 * collaborators:,} votes"
    )


class Tokens:
    """Signs what Auth would issue, and as long, with the stack's own key."""

    def __init__(self, data_dir: Path, api_url: str) -> None:
        keys = load_or_create(data_dir / "keys.json")
        self._signer = Signer(algorithm="ES256", private_jwk=keys.private_jwk, jwt_secret=keys.jwt_secret)
        self._issuer = f"{api_url}/auth/v1"

    def of(self, user_id: str) -> str:
        """A token for a person that outlives the benchmark."""
        now = int(time.time())
        who = {"sub": user_id, "role": "authenticated", "aud": "authenticated", "iss": self._issuer, "iat": now}
        session = {"exp": now + 24 * 3600, "aal": "aal1", "session_id": str(uuid4()), "is_anonymous": False}
        proof = {"amr": [{"method": "password", "timestamp": now}], "email": f"{user_id}@bench.example", "phone": ""}
        app = {"app_metadata": {"provider": "email", "providers": ["email"]}}
        return self._signer.sign({**who, **session, **proof, **app, "user_metadata": {"display_name": "Somebody"}})


def load(admin_db_url: str, tokens: Tokens, people: int, progress: Callable[[str], None]) -> dict[str, Caller]:
    """Fill the database; the callers by their names in `CALLERS`."""
    with psycopg.connect(admin_db_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for first in range(1, people + 1, PEOPLE_AT_ONCE):
            last = min(first + PEOPLE_AT_ONCE - 1, people)
            some = f"(select md5('person ' || n)::uuid, n from generate_series({first}, {last}) n)"
            _insert(connection, some, people, SIZES["trips"])
            progress(f"Loaded {last:,} of {people:,} people with their trips")
        for name, trips in CALLERS.items():
            _insert(connection, f"(values (md5('{name}')::uuid, 0))", people, trips)
        progress("Gathering statistics")
        connection.execute("vacuum (analyze)")
        return {name: _caller(connection, tokens, name) for name in CALLERS}


def share(admin_db_url: str, trips: int, people: int) -> tuple[Sequence[str], Sequence[str], Sequence[Sequence[str]]]:
    """Let the first people take part in the first trips of the first of them, in turn.

    Returns:
        The people, of whom number n is on trip n modulo the number of trips; the trips; the items of each.
    """
    sizes = {"trips": trips, "people": people}
    with psycopg.connect(admin_db_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(_SHARE, sizes)
        connection.execute("vacuum (analyze) public.collaborators")
        found = connection.execute(_SHARED, sizes).fetchall()
        numbers = connection.execute("select md5('person ' || n)::uuid::text from generate_series(1, %s) n", [people])
        return [row[0] for row in numbers.fetchall()], [row[0] for row in found], [row[1] for row in found]


def _insert(connection: psycopg.Connection, people: str, everybody: int, trips: int) -> None:
    """Add `people`, a SQL relation of user id and number, with so many trips each and all that belongs to them."""
    sizes = {**SIZES, "trips": trips, "people": everybody}
    with connection.transaction():
        for statement in _STATEMENTS:
            connection.execute(statement.replace("{people}", people).encode(), sizes)


def _caller(connection: psycopg.Connection, tokens: Tokens, name: str) -> Caller:
    def ids(query: str) -> tuple[str, ...]:
        return tuple(row[0] for row in connection.execute(query.encode(), [user_id]).fetchall())

    (user_id,) = connection.execute("select md5(%s)::uuid::text", [name]).fetchone() or ("",)
    return Caller(user_id, tokens.of(user_id), ids(_TRIP_IDS), (user_id, *ids(_FELLOW_IDS)), ids(_PLACE_IDS)[0])


_TRIP_IDS = "select id::text from public.trips where user_id = %s order by created_at desc, id"
_FELLOW_IDS = """
select distinct collaborators.user_id::text
from public.collaborators join public.trips on trips.id = trip_id where trips.user_id = %s order by 1
"""
_PLACE_IDS = """
select place_id::text
from public.trip_items join public.trips on trips.id = trip_id where user_id = %s and place_id is not null order by 1
"""

_ACCOUNTS = """
insert into auth.users (id, email) select user_id, user_id || '@bench.example' from {people} person (user_id, n)
"""

_PROFILES = (
    "insert into public.profiles (id, display_name) select user_id, 'Zoë ' || n from {people} person (user_id, n)"
)

_PREFERENCES = "insert into public.user_preferences (user_id) select user_id from {people} person (user_id, n)"

_PLACES = """
insert into public.places (id, user_id, name, category, city, country_code, latitude, longitude)
select
    md5('place ' || user_id || place)::uuid, user_id, 'Café no. ' || place,
    (array['museum', 'cafe', 'restaurant', 'nature', 'lodging'])[1 + place %% 5], 'Zürich', 'CH',
    47 + place * 0.01, 8 + place * 0.01
from {people} person (user_id, n), generate_series(1, %(places)s::int) place
"""

_TRIPS = """
insert into public.trips (
    id, user_id, title, description, destination, status, start_date, end_date, budget, currency, created_at
)
select
    md5('trip ' || user_id || trip)::uuid, user_id, 'Trip ' || trip || ' to Zürich and the lakes',
    'A week of trains, boats and mountain huts, planned day by day.', 'Zürich, Switzerland',
    (array['planning', 'booked', 'completed', 'cancelled'])[1 + (n + trip) %% 4],
    date '2027-01-01' + trip * 7 + n %% 90, date '2027-01-08' + trip * 7 + n %% 90,
    500 + trip * 12.25, 'CHF', timestamptz '2024-01-01 00:00Z' + make_interval(mins => n * 7 + trip * 1013)
from {people} person (user_id, n), generate_series(1, %(trips)s::int) trip
"""

_ITEMS = """
insert into public.trip_items (
    id, trip_id, place_id, title, notes, kind, day_number, order_index, starts_at, ends_at, cost
)
select
    md5('item ' || user_id || trip || ' ' || item)::uuid, md5('trip ' || user_id || trip)::uuid,
    case when item %% 2 = 0 then md5('place ' || user_id || 1 + item %% %(places)s)::uuid end,
    'Item ' || item || ': lunch by the lake', 'Ask for a table outside.',
    (array['activity', 'food', 'lodging', 'transport', 'note'])[1 + item %% 5], 1 + item / 3, item %% 3,
    timestamptz '2027-01-01 09:00Z' + make_interval(days => trip * 7 + item / 3, hours => item %% 3 * 3),
    timestamptz '2027-01-01 11:00Z' + make_interval(days => trip * 7 + item / 3, hours => item %% 3 * 3),
    10 + item * 3.5
from {people} person (user_id, n), generate_series(1, %(trips)s::int) trip, generate_series(1, %(items)s::int) item
"""

# Spread over everybody; with few people somebody may be meant twice, or be the owner, and is left out.
_COLLABORATORS = """
insert into public.collaborators (trip_id, user_id, role)
select
    md5('trip ' || user_id || trip)::uuid, md5('person ' || fellow)::uuid, (array['viewer', 'editor'])[1 + place %% 2]
from {people} person (user_id, n), generate_series(1, %(trips)s::int) trip,
    generate_series(1, %(collaborators)s::int) place,
    lateral (select 1 + (n * 3 + trip * 7 + place * 11) %% %(people)s::int) other (fellow)
where fellow <> n
on conflict do nothing
"""

_VOTES = """
insert into public.votes (trip_id, trip_item_id, user_id, value)
select trip_items.trip_id, trip_items.id, collaborators.user_id, trip_items.order_index - 1
from {people} person (user_id, n)
join public.trips on trips.user_id = person.user_id
join public.collaborators on collaborators.trip_id = trips.id
join public.trip_items on trip_items.trip_id = trips.id and day_number = 1
"""

_STATEMENTS = (_ACCOUNTS, _PROFILES, _PREFERENCES, _PLACES, _TRIPS, _ITEMS, _COLLABORATORS, _VOTES)

_SHARE = """
insert into public.collaborators (trip_id, user_id, role)
select
    md5('trip ' || md5('person ' || 1 + n %% %(trips)s::int)::uuid || '1')::uuid,
    md5('person ' || n + 1)::uuid, 'editor'
from generate_series(%(trips)s::int, %(people)s::int - 1) n
on conflict do nothing
"""

_SHARED = """
select
    trip.id::text,
    array(select trip_items.id::text from public.trip_items where trip_id = trip.id order by day_number, order_index)
from generate_series(1, %(trips)s::int) n,
    lateral (select md5('trip ' || md5('person ' || n)::uuid || '1')::uuid) trip (id)
order by n
"""

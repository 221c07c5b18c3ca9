"""The data that is asked for: people with all they own and share, loaded in bulk, and the callers with their tokens.

Every trip has exactly as many items as the workloads ask for, so that no contender reads rows it then drops. Two others
take part in each trip and vote on its first day. Bulk loading passes by triggers and foreign keys, whose work on half a
million rows takes many times as long as all measurements; the rows are such as they would have let in.
"""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

PEOPLE_AT_ONCE = 1000

# The callers, by the number of their trips. The busy one has more than Tripgate keeps plans for (64 sets of variables),
# so that a rotation through them plans each time. The tireless one asks for a thousand trips in one page.
REGULAR = "regular"
BUSY = "busy"
TIRELESS = "tireless"
CALLERS = {REGULAR: 12, BUSY: 100, TIRELESS: 1000}


@dataclass(frozen=True)
class Volume:
    """How many rows are loaded. The callers' trips come on top."""

    people: int = 300
    places_each: int = 10
    trips_each: int = 5
    items_each: int = 10
    collaborators_each: int = 2

    def describe(self) -> str:
        """The volume as a sentence."""
        trips = self.people * self.trips_each
        collaborators = trips * self.collaborators_each
        return (
            f"{self.people:,} people, {self.people * self.places_each:,} places, {trips:,} trips, "
            f"{trips * self.items_each:,} items, {collaborators:,} collaborators, {2 * collaborators:,} votes"
        )


# The seed's first year: 10,000 people, 100,000 places, 50,000 trips, 500,000 items.
FIRST_YEAR = Volume(people=10_000)


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


def load(
    admin_db_url: str, api_url: str, api_key: str, volume: Volume, progress: Callable[[str], None]
) -> dict[str, Caller]:
    """Fill the database and sign the callers up; each by the name in `CALLERS`."""
    signed_up = {name: _sign_up(api_url, api_key, name) for name in CALLERS}
    with psycopg.connect(admin_db_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for first in range(1, volume.people + 1, PEOPLE_AT_ONCE):
            last = min(first + PEOPLE_AT_ONCE - 1, volume.people)
            with connection.transaction():
                for statement in (_ACCOUNTS, _PROFILES, _PREFERENCES):
                    connection.execute(statement, {"first": first, "last": last})
                people = f"(select md5('person ' || n)::uuid, n from generate_series({first}, {last}) n)"
                _load_trips(connection, volume, people, volume.trips_each)
            progress(f"Loaded {last:,} of {volume.people:,} people with their trips")
        for name, (user_id, _) in signed_up.items():
            _load_trips(connection, volume, f"(values ('{user_id}'::uuid, 0))", CALLERS[name])
        progress("Gathering statistics")
        connection.execute("vacuum (analyze)")
        return {name: _caller(connection, user_id, token) for name, (user_id, token) in signed_up.items()}


def _caller(connection: psycopg.Connection, user_id: str, token: str) -> Caller:
    def ids(query: str) -> tuple[str, ...]:
        return tuple(row[0] for row in connection.execute(query.encode(), [user_id]).fetchall())

    return Caller(user_id, token, ids(_TRIP_IDS), (user_id, *ids(_FELLOW_IDS)), ids(_PLACE_IDS)[0])


def _sign_up(api_url: str, api_key: str, name: str) -> tuple[str, str]:
    """Create an account; its id and access token."""
    body = {"email": f"{name}@bench.example", "password": f"bench-{name}", "data": {"display_name": f"Zoë {name}"}}
    request = urllib.request.Request(
        f"{api_url}/auth/v1/signup",
        data=json.dumps(body).encode(),
        headers={"apikey": api_key, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        session = json.load(response)
    return session["user"]["id"], session["access_token"]


def _load_trips(connection: psycopg.Connection, volume: Volume, people: str, trips: int) -> None:
    """Give each of `people`, a SQL relation of user id and number, places and trips with all that belongs to them."""
    sizes = {
        "people": volume.people,
        "places": volume.places_each,
        "trips": trips,
        "items": volume.items_each,
        "collaborators": volume.collaborators_each,
    }
    for statement in (_PLACES, _TRIPS, _ITEMS, _COLLABORATORS, _VOTES):
        connection.execute(statement.replace("{people}", people).encode(), sizes)


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
insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, created_at, updated_at,
    raw_app_meta_data, raw_user_meta_data,
    confirmation_token, recovery_token, email_change, email_change_token_new
)
select
    '00000000-0000-0000-0000-000000000000', md5('person ' || n)::uuid, 'authenticated', 'authenticated',
    'person' || n || '@bench.example', '', now(), now(), now(),
    '{"provider": "email", "providers": ["email"]}', jsonb_build_object('display_name', 'Person ' || n),
    '', '', '', ''
from generate_series(%(first)s::int, %(last)s::int) n
"""

_PROFILES = """
insert into public.profiles (id, display_name)
select md5('person ' || n)::uuid, 'Person ' || n from generate_series(%(first)s::int, %(last)s::int) n
"""

_PREFERENCES = """
insert into public.user_preferences (user_id)
select md5('person ' || n)::uuid from generate_series(%(first)s::int, %(last)s::int) n
"""

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

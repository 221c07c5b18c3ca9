"""A database of the size that the seed expects of a first year's most active people: 1,200 with 12,000 trips.

`fill` loads it in a few seconds, past triggers and foreign keys, and gathers statistics.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

PEOPLE = 1_200
TRIPS_EACH = 10
PLACES_EACH = 10
ITEMS_EACH = 10
COLLABORATORS_EACH = 2
COLLECTIONS_EACH = 2
TAGS_EACH = 3
NOTIFICATIONS_EACH = 20
RUNS_EACH = 20
MEMORIES_EACH = 2

_SQL = f"""
set session_replication_role = replica;
select setseed(0.5);

insert into auth.users (id, email)
select md5('person ' || n)::uuid, 'person' || n || '@people.example' from generate_series(1, {PEOPLE}) as n;

insert into public.profiles (id, display_name) select id, split_part(email, '@', 1) from auth.users;

insert into public.user_preferences (user_id) select id from public.profiles;

insert into public.places (id, user_id, name, category, created_at)
select
    md5(profiles.id || ' place ' || n)::uuid, profiles.id, 'Place ' || n,
    (array['museum', 'cafe', 'bar', 'shop', 'other'])[1 + n % 5], now() - random() * interval '1 year'
from public.profiles, generate_series(1, {PLACES_EACH}) as n;

insert into public.trips (user_id, title, status, start_date, created_at)
select
    profiles.id, 'Trip ' || n, (array['planning', 'booked', 'completed', 'cancelled'])[1 + n % 4],
    date '2026-01-01' + n * 7, now() - random() * interval '1 year'
from public.profiles, generate_series(1, {TRIPS_EACH}) as n;

insert into public.trip_items (trip_id, place_id, title, kind, day_number, order_index, cost)
select
    trips.id, case when n % 2 = 0 then md5(trips.user_id || ' place ' || n)::uuid end, 'Item ' || n,
    (array['activity', 'food', 'transport'])[1 + n % 3], 1 + n / 4, n % 4, n
from public.trips, generate_series(1, {ITEMS_EACH}) as n;

insert into public.collaborators (trip_id, user_id, role)
select trips.id, others.id, (array['viewer', 'editor'])[n]
from (select id, user_id, row_number() over () as number from public.trips) as trips
cross join generate_series(1, {COLLABORATORS_EACH}) as n
join (select id, row_number() over () as number from public.profiles) as others
    on others.number = 1 + (trips.number * (2 * n + 1)) % {PEOPLE}
where others.id <> trips.user_id
on conflict do nothing;

insert into public.votes (trip_id, trip_item_id, user_id, value)
select trip_items.trip_id, trip_items.id, collaborators.user_id, trip_items.order_index % 3 - 1
from public.trip_items join public.collaborators on collaborators.trip_id = trip_items.trip_id
where trip_items.day_number = 1;

insert into public.saved_places (user_id, place_id, name, category, created_at)
select user_id, id, name, category, created_at from public.places;

insert into public.collections (user_id, name)
select profiles.id, 'Collection ' || n from public.profiles, generate_series(1, {COLLECTIONS_EACH}) as n;

insert into public.collection_places (user_id, collection_id, place_id, order_index)
select
    collections.user_id, collections.id, places.id,
    row_number() over (partition by collections.id order by places.id) - 1
from public.collections join public.places on places.user_id = collections.user_id and places.category = 'cafe';

insert into public.tags (user_id, name)
select profiles.id, 'tag ' || n from public.profiles, generate_series(1, {TAGS_EACH}) as n;

insert into public.invitations (trip_id, email, token_hash, invited_by)
select id, 'friend' || row_number() over () || '@people.example', encode(sha256(id::text::bytea), 'hex'), user_id
from public.trips where status = 'planning';

reset session_replication_role;
"""
# Here and below: apart, since a database of an older migration has none.
_NOTIFICATIONS = f"""
set session_replication_role = replica;

insert into public.notifications (user_id, system, kind, title, read_at, created_at)
select profiles.id, 'trips', 'greeting', 'Hello ' || n, case when n % 2 = 0 then now() end, now() - n * interval '1 day'
from public.profiles, generate_series(1, {NOTIFICATIONS_EACH}) as n;

reset session_replication_role;
"""
_AGENTS = f"""
set session_replication_role = replica;

insert into public.ai_agents (key, model, system_prompt, max_output_tokens)
values ('assistant', 'gpt-5-mini', 'Help.', 1000) on conflict do nothing;

insert into public.ai_runs (id, user_id, agent_id, status, input, created_at)
select
    md5(profiles.id || ' run ' || n)::uuid, profiles.id, ai_agents.id, 'succeeded', '{{"prompt": "Where to?"}}',
    now() - n * interval '1 day'
from public.profiles, generate_series(1, {RUNS_EACH}) as n, public.ai_agents where ai_agents.key = 'assistant';

update public.ai_runs set trip_id = trips.id
from (select distinct on (user_id) user_id, id from public.trips order by user_id, id) as trips
where trips.user_id = ai_runs.user_id;

insert into public.ai_messages (run_id, user_id, role, content, status, sequence, created_at)
select id, user_id, (array['user', 'assistant'])[1 + n], 'Words', 'complete', n, created_at
from public.ai_runs, generate_series(0, 1) as n;

insert into public.ai_usage (
    run_id, user_id, call_index, model, status, priced_at, prompt_price, cached_prompt_price, completion_price,
    created_at
)
select id, user_id, 0, 'gpt-5-mini', 'settled', date '2025-08-07', 0.25, 0.025, 2, created_at from public.ai_runs;

insert into public.ai_memories (user_id, content, embedding, created_at)
select profiles.id, 'Memory ' || n, array_fill(1, array[1536])::extensions.vector, now() - n * interval '1 day'
from public.profiles, generate_series(1, {MEMORIES_EACH}) as n;

reset session_replication_role;
"""


def fill(database_url: str) -> None:
    """Load people and all they own into a database without any."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_SQL.encode())
        if connection.execute("select to_regclass('public.notifications') is not null").fetchone() == (True,):
            connection.execute(_NOTIFICATIONS.encode())
        if connection.execute("select to_regclass('public.ai_runs') is not null").fetchone() == (True,):
            connection.execute(_AGENTS.encode())
        connection.execute("vacuum (analyze)")


def give(database_url: str, person: str, *, people: int) -> tuple[str, str]:
    """Make `person` the owner of all places and trips of that many others, and a viewer of the trips of as many more.

    Gives the id of one of their trips and of a place on it. They are told what those others were told, too.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        # What is asked of agents stays with who asked.
        for table in ("ai_runs", "ai_messages"):
            connection.execute(sql.SQL("alter table public.{} disable trigger user").format(sql.Identifier(table)))
        for table in ("places", "trips", "notifications", "ai_runs", "ai_messages", "ai_usage", "ai_memories"):
            connection.execute(
                sql.SQL(
                    "update public.{} set user_id = %s"
                    " where user_id in (select md5('person ' || n)::uuid from generate_series(1, %s) as n)"
                ).format(sql.Identifier(table)),
                (person, people),
            )
        for table in ("ai_runs", "ai_messages"):
            connection.execute(sql.SQL("alter table public.{} enable trigger user").format(sql.Identifier(table)))
        connection.execute(
            "insert into public.collaborators (trip_id, user_id)"
            " select id, %s from public.trips"
            " where user_id in (select md5('person ' || n)::uuid from generate_series(%s::int, %s::int) as n)",
            (person, people + 1, 2 * people),
        )
        connection.execute("analyze")
        row = connection.execute(
            "select trips.id, place_id from public.trip_items join public.trips on trips.id = trip_id"
            " where user_id = %s and place_id is not null limit 1",
            (person,),
        ).fetchone()
    assert row is not None
    return str(row[0]), str(row[1])

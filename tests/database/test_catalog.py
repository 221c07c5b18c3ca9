"""The description of a database misses nothing that a migration may bring: every change shows, and only itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

from tests.database.callers import role
from tripgate.local import catalog

if TYPE_CHECKING:
    import psycopg

    from tests.database.conftest import Database

CHANGES: list[tuple[LiteralString, str]] = [
    # statement, the one object that differs
    ("alter table public.trips disable row level security", "table public.trips"),
    ("alter table public.trips force row level security", "table public.trips"),
    ("alter table public.trips owner to supabase_admin", "table public.trips"),
    ("alter table public.trips set (fillfactor = 70)", "table public.trips"),
    ("alter table public.trips replica identity full", "table public.trips"),
    ("comment on table public.trips is 'Changed.'", "table public.trips"),
    ("grant truncate on public.trips to authenticated", "table public.trips"),
    ("revoke select on public.trips from authenticated", "table public.trips"),
    ("grant select on public.trips to authenticated with grant option", "table public.trips"),
    ("alter table public.trips add column mood text", "column public.trips.mood"),
    ("alter table public.votes alter column created_at type timestamptz(3)", "column public.votes.created_at"),
    ("alter table public.trips alter column title drop not null", "column public.trips.title"),
    ("alter table public.trips alter column status set default 'booked'", "column public.trips.status"),
    ('alter table public.votes alter column comment type text collate "POSIX"', "column public.votes.comment"),
    ("comment on column public.trips.title is null", "column public.trips.title"),
    ("grant update (user_id) on public.trips to authenticated", "column public.trips.user_id"),
    ("revoke update (title) on public.trips from authenticated", "column public.trips.title"),
    (
        "alter table public.trips add constraint trips_mood_check check (title <> '')",
        "constraint trips_mood_check on public.trips",
    ),
    (
        "alter table public.trips drop constraint trips_budget_check",
        "constraint trips_budget_check on public.trips",
    ),
    ("drop index public.idx_trips_status", "index public.idx_trips_status"),
    ("comment on index public.idx_trips_status is 'Changed.'", "index public.idx_trips_status"),
    (
        'alter policy "Owners can delete their trips" on public.trips using (true)',
        'policy "Owners can delete their trips" on public.trips',
    ),
    (
        'alter policy "Owners can delete their trips" on public.trips to public',
        'policy "Owners can delete their trips" on public.trips',
    ),
    (
        """comment on policy "Owners can delete their trips" on public.trips is 'Changed.'""",
        'policy "Owners can delete their trips" on public.trips',
    ),
    ("create policy anyone on storage.objects for select using (true)", "policy anyone on storage.objects"),
    ("create policy anyone on realtime.messages for select using (true)", "policy anyone on realtime.messages"),
    ("alter table public.trips disable trigger set_trips_updated_at", "trigger set_trips_updated_at on public.trips"),
    ("drop trigger on_auth_user_created on auth.users", "trigger on_auth_user_created on auth.users"),
    (
        "create or replace function private.set_updated_at() returns trigger language plpgsql set search_path = ''"
        " as 'begin return new; end'",
        "function private.set_updated_at()",
    ),
    ("alter function private.my_trip_ids() security invoker", "function private.my_trip_ids()"),
    ("alter function private.my_trip_ids() volatile", "function private.my_trip_ids()"),
    ("grant execute on function private.my_trip_ids() to anon", "function private.my_trip_ids()"),
    ("grant execute on function private.set_updated_at() to public", "function private.set_updated_at()"),
    ("comment on function private.my_trip_ids() is null", "function private.my_trip_ids()"),
    ("create domain public.percent as integer check (value <= 100)", "type public.percent"),
    ("create type public.mood as enum ('good', 'bad')", "type public.mood"),
    ("create sequence public.numbers", "sequence public.numbers"),
    ("grant usage on schema private to anon", "schema private"),
    ("comment on schema private is null", "schema private"),
    ("alter publication supabase_realtime drop table public.trips", "publication supabase_realtime"),
    (
        "alter publication supabase_realtime set table public.trips (id), public.trip_items",
        "publication supabase_realtime",
    ),
    (
        "alter default privileges for role postgres in schema private grant select on tables to anon",
        "default privileges of postgres on r in private",
    ),
    (
        "create statistics public.pairs on user_id, status from public.trips",
        "statistics public.pairs",
    ),
    ("create rule quiet as on delete to public.trips do instead nothing", "rule quiet on public.trips"),
    ("create cast (uuid as integer) with inout", "cast (pg_catalog.uuid AS integer)"),
]


@pytest.mark.parametrize(("statement", "changed"), CHANGES, ids=[statement for statement, _ in CHANGES])
def test_a_change_shows(
    db: psycopg.Connection, before: catalog.Catalog, statement: LiteralString, changed: str
) -> None:
    db.execute(statement)
    found = catalog.differences(before, catalog.read(db), names=("before", "after"))
    # A domain brings its check along.
    names = {line.split(": ")[0] for line in found if not line.startswith("constraint percent_check")}
    assert names == {changed}


def test_a_view_shows_with_its_columns_and_options(db: psycopg.Connection, before: catalog.Catalog) -> None:
    db.execute("create view public.titles with (security_invoker = true) as select title from public.trips")
    first = catalog.read(db)
    assert first.keys() - before.keys() == {"view public.titles", "column public.titles.title"}
    db.execute("create or replace view public.titles as select title from public.trips where status = 'booked'")
    db.execute("alter view public.titles reset (security_invoker)")
    found = catalog.differences(first, catalog.read(db), names=("before", "after"))
    assert [line.split(" is ")[0] for line in found] == [
        "view public.titles: definition",
        "view public.titles: options",
    ]


def test_reading_leaves_nothing_behind(db: psycopg.Connection, before: catalog.Catalog) -> None:
    assert catalog.differences(before, catalog.read(db), names=("before", "after")) == []
    with role(db, "postgres"):
        assert db.execute("select count(*) from pg_proc where pronamespace = pg_my_temp_schema()").fetchone() == (0,)


def test_granting_a_default_right_is_no_change(db: psycopg.Connection, before: catalog.Catalog) -> None:
    db.execute("grant all on public.trips to postgres")
    assert catalog.differences(before, catalog.read(db), names=("before", "after")) == []


def test_that_days_go_by_is_no_change(db: psycopg.Connection, before: catalog.Catalog) -> None:
    days = "select array_agg(relid::text order by 1) from pg_partition_tree('realtime.messages') where isleaf"
    known = db.execute(days).fetchone()
    with role(db, "supabase_realtime_admin"):
        db.execute("select realtime.maintain_messages_partitions(timezone('utc', now())::date + 30)")
    assert db.execute(days).fetchone() != known
    assert catalog.differences(before, catalog.read(db), names=("before", "after")) == []


@pytest.fixture(scope="module")
def before(stack: Database) -> catalog.Catalog:
    """What each test begins with: all that it changes is rolled back."""
    return catalog.describe(stack.admin_db_url)

"""What the tables look like, and the rules that every table in schema public keeps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from uuid import UUID

    import psycopg

    from tests.database.callers import World

# column: type, with "?" where null is allowed.
TABLES = {
    "profiles": {
        "id": "uuid",
        "display_name": "text",
        "avatar_path": "text?",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "user_preferences": {
        "id": "uuid",
        "user_id": "uuid",
        "locale": "text",
        "timezone": "text",
        "home_currency": "text",
        "distance_unit": "text",
        "email_notifications": "boolean",
        "push_notifications": "boolean",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "places": {
        "id": "uuid",
        "user_id": "uuid",
        "name": "text",
        "category": "text",
        "address": "text?",
        "city": "text?",
        "country_code": "text?",
        "latitude": "numeric(9,6)?",
        "longitude": "numeric(9,6)?",
        "website": "text?",
        "notes": "text?",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "trips": {
        "id": "uuid",
        "user_id": "uuid",
        "title": "text",
        "description": "text?",
        "destination": "text?",
        "status": "text",
        "start_date": "date?",
        "end_date": "date?",
        "budget": "numeric(12,2)?",
        "currency": "text",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
        "labels": "text[]",
    },
    "trip_items": {
        "id": "uuid",
        "trip_id": "uuid",
        "place_id": "uuid?",
        "title": "text",
        "notes": "text?",
        "kind": "text",
        "day_number": "integer",
        "order_index": "integer",
        "starts_at": "timestamp with time zone?",
        "ends_at": "timestamp with time zone?",
        "cost": "numeric(12,2)?",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
        "details": "jsonb",
    },
    "saved_places": {
        "id": "uuid",
        "user_id": "uuid",
        "place_id": "uuid?",
        "name": "text",
        "category": "text",
        "notes": "text?",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "collections": {
        "id": "uuid",
        "user_id": "uuid",
        "name": "text",
        "description": "text?",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "collection_places": {
        "id": "uuid",
        "user_id": "uuid",
        "collection_id": "uuid",
        "place_id": "uuid",
        "order_index": "integer",
        "notes": "text?",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "tags": {
        "id": "uuid",
        "user_id": "uuid",
        "name": "text",
        "colour": "text",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "place_tags": {
        "id": "uuid",
        "user_id": "uuid",
        "place_id": "uuid",
        "tag_id": "uuid",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "collaborators": {
        "id": "uuid",
        "trip_id": "uuid",
        "user_id": "uuid",
        "role": "text",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "invitations": {
        "id": "uuid",
        "trip_id": "uuid",
        "email": "text",
        "role": "text",
        "token_hash": "text",
        "status": "text",
        "invited_by": "uuid",
        "expires_at": "timestamp with time zone",
        "accepted_at": "timestamp with time zone?",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
    "votes": {
        "id": "uuid",
        "trip_id": "uuid",
        "trip_item_id": "uuid",
        "user_id": "uuid",
        "value": "smallint",
        "comment": "text?",
        "created_at": "timestamp with time zone",
        "updated_at": "timestamp with time zone",
    },
}

DEFAULTS = {
    "trips": {"user_id": "auth.uid()", "status": "'planning'::text", "currency": "'EUR'::text"},
    "trip_items": {"kind": "'activity'::text", "day_number": "1", "order_index": "0"},
    "places": {"user_id": "auth.uid()", "category": "'other'::text"},
    "saved_places": {"user_id": "auth.uid()", "category": "'other'::text"},
    "collections": {"user_id": "auth.uid()"},
    "collection_places": {"user_id": "auth.uid()", "order_index": "0"},
    "tags": {"user_id": "auth.uid()", "colour": "'#64748b'::text"},
    "place_tags": {"user_id": "auth.uid()"},
    "collaborators": {"user_id": None, "role": "'viewer'::text"},
    "invitations": {
        "invited_by": "auth.uid()",
        "role": "'viewer'::text",
        "status": "'pending'::text",
        "expires_at": "(now() + '7 days'::interval)",
    },
    "votes": {"user_id": "auth.uid()", "value": None},
    "user_preferences": {"user_id": "auth.uid()", "distance_unit": "'km'::text", "home_currency": "'EUR'::text"},
}

FOREIGN_KEYS = {
    "fk_profiles_id": "FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE",
    "fk_user_preferences_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_places_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_trips_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_trip_items_trip_id": "FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE CASCADE",
    "fk_trip_items_place_id": "FOREIGN KEY (place_id) REFERENCES public.places(id) ON DELETE SET NULL",
    "fk_saved_places_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_saved_places_place_id": "FOREIGN KEY (place_id) REFERENCES public.places(id) ON DELETE SET NULL",
    "fk_collections_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_collection_places_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_collection_places_collection_id": (
        "FOREIGN KEY (collection_id) REFERENCES public.collections(id) ON DELETE CASCADE"
    ),
    "fk_collection_places_place_id": "FOREIGN KEY (place_id) REFERENCES public.places(id) ON DELETE CASCADE",
    "fk_tags_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_place_tags_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_place_tags_place_id": "FOREIGN KEY (place_id) REFERENCES public.places(id) ON DELETE CASCADE",
    "fk_place_tags_tag_id": "FOREIGN KEY (tag_id) REFERENCES public.tags(id) ON DELETE CASCADE",
    "fk_collaborators_trip_id": "FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE CASCADE",
    "fk_collaborators_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_invitations_trip_id": "FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE CASCADE",
    "fk_invitations_invited_by": "FOREIGN KEY (invited_by) REFERENCES public.profiles(id) ON DELETE CASCADE",
    "fk_votes_trip_id": "FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE CASCADE",
    "fk_votes_trip_item_id": "FOREIGN KEY (trip_item_id) REFERENCES public.trip_items(id) ON DELETE CASCADE",
    "fk_votes_user_id": "FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE",
}

INDEXES = {
    "idx_trips_user_id_created_at": "trips USING btree (user_id, created_at DESC)",
    "idx_trips_user_id_status": "trips USING btree (user_id, status)",
    "idx_trips_status": "trips USING btree (status)",
    "idx_trip_items_trip_id_day_number_order_index": "trip_items USING btree (trip_id, day_number, order_index)",
    "idx_trip_items_place_id": "trip_items USING btree (place_id)",
    "idx_places_user_id_created_at": "places USING btree (user_id, created_at DESC)",
    "idx_places_user_id_category": "places USING btree (user_id, category)",
    "idx_saved_places_user_id_created_at": "saved_places USING btree (user_id, created_at DESC)",
    "idx_saved_places_user_id_category": "saved_places USING btree (user_id, category)",
    "idx_saved_places_category": "saved_places USING btree (category)",
    "idx_collections_user_id_created_at": "collections USING btree (user_id, created_at DESC)",
    "idx_collaborators_user_id_trip_id": "collaborators USING btree (user_id, trip_id)",
    "idx_invitations_trip_id_created_at": "invitations USING btree (trip_id, created_at DESC)",
    "idx_invitations_email_status": "invitations USING btree (email, status)",
    "idx_votes_trip_id_user_id": "votes USING btree (trip_id, user_id)",
    "votes_trip_item_id_user_id_key": "votes USING btree (trip_item_id, user_id)",
    "collaborators_trip_id_user_id_key": "collaborators USING btree (trip_id, user_id)",
    "tags_user_id_name_key": "tags USING btree (user_id, name)",
}


@pytest.mark.parametrize("table", TABLES)
def test_columns(db: psycopg.Connection, table: str) -> None:
    columns = db.execute(
        """
        select attname, format_type(atttypid, atttypmod) || case when attnotnull then '' else '?' end
        from pg_attribute
        where attrelid = ('public.' || %s)::regclass and attnum > 0 and not attisdropped
        """,
        (table,),
    )
    assert dict(columns.fetchall()) == TABLES[table]


@pytest.mark.parametrize("table", DEFAULTS)
def test_defaults(db: psycopg.Connection, table: str) -> None:
    rows = db.execute(
        "select column_name, column_default from information_schema.columns where table_name = %s", [table]
    )
    found: dict[str, str | None] = dict(rows.fetchall())
    assert DEFAULTS[table].items() <= found.items()


def test_foreign_keys(db: psycopg.Connection) -> None:
    found = db.execute("select conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'f'")
    assert FOREIGN_KEYS.items() <= dict(found.fetchall()).items()


def test_indexes(db: psycopg.Connection) -> None:
    rows = db.execute("select indexname, indexdef from pg_indexes where schemaname = 'public'")
    found = {name: definition.partition(" ON public.")[2] for name, definition in rows}
    assert INDEXES.items() <= found.items()


class TestEveryTable:
    """Holds for tables to come as well."""

    def test_has_the_three_columns(self, db: psycopg.Connection) -> None:
        without = db.execute(
            """
            select table_name from information_schema.tables
            where table_schema = 'public' and table_type = 'BASE TABLE' and (
                select count(*) from information_schema.columns
                where columns.table_schema = 'public' and columns.table_name = tables.table_name
                    and (column_name, data_type, is_nullable) in (
                        ('id', 'uuid', 'NO'),
                        ('created_at', 'timestamp with time zone', 'NO'),
                        ('updated_at', 'timestamp with time zone', 'NO')
                    )
            ) <> 3
            """
        )
        assert without.fetchall() == []

    def test_has_row_level_security(self, db: psycopg.Connection) -> None:
        without = db.execute(
            "select relname from pg_class"
            " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity"
        )
        assert without.fetchall() == []

    def test_has_an_updated_at_trigger(self, db: psycopg.Connection) -> None:
        without = db.execute(
            """
            select relname from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not exists (
                select from pg_trigger
                where tgrelid = pg_class.oid
                    and tgname = 'set_' || relname || '_updated_at'
                    and tgfoid = 'private.set_updated_at'::regproc
            )
            """
        )
        assert without.fetchall() == []

    def test_and_every_column_is_described_in_one_sentence(self, db: psycopg.Connection) -> None:
        """So is every view; its columns are those of its table."""
        described = db.execute(
            """
            select relname || coalesce('.' || attname, ''), coalesce(description, '')
            from pg_class
            left join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
            left join pg_description on objoid = pg_class.oid and classoid = 'pg_class'::regclass and objsubid = attnum
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
            union all
            select relname, coalesce(obj_description(oid, 'pg_class'), '')
            from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')
            """
        )
        sentence = re.compile(r"[A-Z0-9](?!.*\b(column|table|row|foreign key)\b)[^\n]*[^\s.]\.")
        assert {name: text for name, text in described if not sentence.fullmatch(text)} == {}

    def test_is_named_by_the_rules(self, db: psycopg.Connection) -> None:
        misnamed = db.execute(
            r"""
            select conname from pg_constraint
            join pg_class on pg_class.oid = conrelid
            join lateral (
                select string_agg(attname, '_' order by position) as columns
                from unnest(conkey) with ordinality as key (attnum, position)
                join pg_attribute on attrelid = conrelid and pg_attribute.attnum = key.attnum
            ) as on_columns on true
            where connamespace = 'public'::regnamespace and not case contype
                when 'f' then conname = format('fk_%s_%s', relname, columns)
                when 'u' then conname = format('%s_%s_key', relname, columns)
                when 'p' then conname = format('%s_pkey', relname)
                when 'c' then exists (
                    select from pg_attribute
                    where attrelid = conrelid and attnum = any (conkey)
                        and conname = format('%s_%s_check', relname, attname)
                )
                else true
            end
            union all
            select indexname from pg_indexes
            where schemaname = 'public' and indexname !~ ('^idx_' || tablename || '_')
                and not exists (select from pg_constraint where conname = indexname)
            """
        )
        assert misnamed.fetchall() == []

    def test_has_an_index_that_begins_with_each_foreign_key(self, db: psycopg.Connection) -> None:
        without = db.execute(
            """
            select conname from pg_constraint
            where contype = 'f' and connamespace = 'public'::regnamespace and not exists (
                select from pg_index
                where indrelid = conrelid and indpred is null
                    and (indkey::smallint[])[0:cardinality(conkey) - 1] = conkey
            )
            """
        )
        assert without.fetchall() == []


class TestUpdatedAt:
    def test_starts_equal_to_created_at(self, db: psycopg.Connection, trip: UUID) -> None:
        row = db.execute("select created_at = updated_at from public.trips where id = %s", (trip,)).fetchone()
        assert row == (True,)

    def test_moves_on_with_every_change_even_within_a_transaction(self, db: psycopg.Connection, trip: UUID) -> None:
        seen = []
        for title in ("First", "Second", "Second"):
            row = db.execute(
                "update public.trips set title = %s where id = %s returning updated_at, created_at", (title, trip)
            ).fetchone()
            assert row is not None
            seen.append(row)
        times = [updated for updated, _ in seen]
        assert times == sorted(set(times))
        assert len({created for _, created in seen}) == 1

    @pytest.fixture
    def trip(self, world: World) -> UUID:
        return world.owner.trips

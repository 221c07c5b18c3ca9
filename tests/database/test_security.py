"""Rules that keep policies safe and fast, for every table and function of the project, those to come included."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import psycopg

    from tests.database.callers import Actor, World

API_ROLES = ["anon", "authenticated", "service_role"]

HELPERS = {
    name: {"authenticated"}
    for name in (
        "my_trip_ids",
        "my_shared_trip_ids",
        "my_editable_trip_ids",
        "my_own_trip_ids",
        "my_companion_ids",
        "my_trip_places",
        "my_trip_place_ids",
        "my_email",
        "my_place_ids_by_words",
    )
}

# What a signed-in caller may set, and nothing else. Keys and owners never change once a row exists.
INSERTABLE = {
    "profiles": "",
    "user_preferences": "",
    "places": "id user_id name category address city country_code latitude longitude website notes",
    "trips": "id user_id title description destination status start_date end_date budget currency labels",
    "trip_items": "id trip_id place_id title notes kind day_number order_index starts_at ends_at cost details",
    "saved_places": "id user_id place_id name category notes",
    "collections": "id user_id name description",
    "collection_places": "id user_id collection_id place_id order_index notes",
    "tags": "id user_id name colour",
    "place_tags": "id user_id place_id tag_id",
    "collaborators": "",
    "invitations": "id trip_id email role token_hash",
    "votes": "id trip_item_id user_id value comment",
}
UPDATABLE = {
    "profiles": "display_name avatar_path",
    "user_preferences": "locale timezone home_currency distance_unit email_notifications push_notifications",
    "places": "name category address city country_code latitude longitude website notes",
    "trips": "title description destination status start_date end_date budget currency labels",
    "trip_items": "trip_id place_id title notes kind day_number order_index starts_at ends_at cost details",
    "saved_places": "name category notes",
    "collections": "name description",
    "collection_places": "order_index notes",
    "tags": "name colour",
    "place_tags": "",
    "collaborators": "role",
    "invitations": "status",
    "votes": "value comment",
}


class TestGrants:
    @pytest.mark.parametrize("table", INSERTABLE)
    def test_columns_that_a_signed_in_caller_may_set(self, db: psycopg.Connection, table: str) -> None:
        assert granted_columns(db, table, "INSERT") == set(INSERTABLE[table].split())
        assert granted_columns(db, table, "UPDATE") == set(UPDATABLE[table].split())

    def test_anonymous_callers_hold_nothing(self, db: psycopg.Connection) -> None:
        held = db.execute(
            "select table_name, privilege_type from information_schema.table_privileges"
            " where table_schema = 'public' and grantee in ('anon', 'PUBLIC')"
            " union all select table_name, privilege_type from information_schema.column_privileges"
            " where table_schema = 'public' and grantee in ('anon', 'PUBLIC')"
        )
        assert held.fetchall() == []

    @pytest.mark.parametrize("role", API_ROLES)
    def test_no_role_may_read_the_hash_of_an_invitations_token(self, db: psycopg.Connection, role: str) -> None:
        rows = db.execute(
            "select attname from pg_attribute where attrelid = 'public.invitations'::regclass and attnum > 0"
            " and not has_column_privilege(%s, attrelid, attnum, 'select')",
            (role,),
        )
        hidden = {name for (name,) in rows}
        assert hidden == {"token_hash"} or (role == "anon" and "token_hash" in hidden)

    def test_nobody_may_look_into_the_private_schema(self, db: psycopg.Connection) -> None:
        inside = db.execute(
            "select role from unnest(%s::text[]) as role where has_schema_privilege(role, 'private', 'usage')",
            (API_ROLES,),
        )
        assert inside.fetchall() == []


def granted_columns(db: psycopg.Connection, table: str, privilege: str) -> set[str]:
    rows = db.execute(
        "select column_name from information_schema.column_privileges"
        " where table_schema = 'public' and grantee = 'authenticated' and table_name = %s and privilege_type = %s",
        (table, privilege),
    )
    return {name for (name,) in rows}


class TestFunctions:
    def test_definers_have_no_search_path_to_be_led_astray_by(self, db: psycopg.Connection) -> None:
        open_ones = db.execute(
            """
            select oid::regprocedure::text from pg_proc
            where (pronamespace = 'private'::regnamespace or (pronamespace = 'public'::regnamespace and prosecdef))
                and not coalesce(proconfig, '{}') @> array['search_path=""']
            """
        )
        assert open_ones.fetchall() == []

    def test_private_functions_are_not_for_everyone(self, db: psycopg.Connection) -> None:
        rows = db.execute(
            """
            select proname, array(
                select role from unnest(%s::text[]) as role where has_function_privilege(role, pg_proc.oid, 'execute')
            )
            from pg_proc where pronamespace = 'private'::regnamespace
            """,
            (API_ROLES,),
        )
        allowed = {name: set(roles) for name, roles in rows}
        assert {name: roles for name, roles in allowed.items() if roles} == HELPERS

    def test_helpers_are_stable_definers(self, db: psycopg.Connection) -> None:
        rows = db.execute(
            "select proname, prosecdef and provolatile = 's' and proowner = 'postgres'::regrole"
            " from pg_proc where pronamespace = 'private'::regnamespace and proname = any (%s)",
            (list(HELPERS),),
        )
        assert dict(rows.fetchall()) == dict.fromkeys(HELPERS, True)

    @pytest.mark.parametrize(
        ("actor", "cost"), [("owner", "7.50"), ("editor", "7.50"), ("viewer", "7.50"), ("stranger", "0")]
    )
    def test_a_trip_that_a_caller_made_up_costs_them_nothing(self, world: World, actor: Actor, cost: str) -> None:
        """A definer's function of a row asks whether the row's trip is the caller's, and believes no other column."""
        world.db.execute("update public.trip_items set cost = 7.5 where id = %s", (world.owner.trip_items,))
        row = {"id": str(world.owner.trips), "user_id": str(getattr(world, actor).profiles)}
        with world.acting_as(actor) as db:
            found = db.execute(
                "select public.cost_total(made) from jsonb_populate_record(null::public.trips, %s) as made",
                (json.dumps(row),),
            )
            assert found.fetchone() == (Decimal(cost),)


class TestPolicies:
    def test_compute_the_caller_once_a_query(self, db: psycopg.Connection) -> None:
        call = r"(auth|private)\.\w+\(\)"
        once = re.compile(rf"\( ?SELECT (\w+\.\w+,?\s+)*(FROM )?{call}( \w+\([\w, ]+\)| AS \w+)?\)")
        slow = [name for _, name, text in policies(db) if re.search(r"\b(auth|private)\.\w+\(", once.sub("", text))]
        assert slow == []

    def test_update_policies_check_what_a_row_becomes(self, db: psycopg.Connection) -> None:
        rows = db.execute(
            "select policyname from pg_policies where schemaname = 'public' and cmd = 'UPDATE' and with_check is null"
        )
        assert rows.fetchall() == []


def policies(db: psycopg.Connection) -> list[tuple[str, str, str]]:
    return db.execute(
        "select tablename, policyname, concat_ws(' ', qual, with_check) from pg_policies where schemaname = 'public'"
    ).fetchall()

"""Rules that keep policies safe and fast, for every table and function of the project, those to come included."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from gql import pg_catalog
from gql.catalog import catalog
from gql.table import Table
from tripgate.commands.checks.root_fields import offers
from tripgate.gateway.schema import MUTATIONS, QUERIES

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
        "my_shown_place_ids",
        "my_ai_run_ids",
        "my_collection_ids",
        "my_shared_collection_ids",
        "my_editable_collection_ids",
        "my_own_collection_ids",
        "my_email",
        "my_topics",
        "my_place_ids_by_words",
        "my_own_saved_place_ids",
        "my_shown_saved_place_ids",
        "has_room_for_files",
        "saved_place_of_entry",
    )
}

# Columns that callers may set though no input offers them, each with its reason.
BESIDE_THE_INPUTS = {
    ("invitations", "insert"): {"trip_id", "email", "role", "token_hash"},  # the Edge Function writes as its caller
    ("invitations", "update"): {"status"},  # `revokeInvitation` alone does
    # The Edge Function writes as its caller; `revokeMembershipInvitation` and `declineMembershipInvitation` close.
    ("membership_invitations", "insert"): {"scope", "scope_id", "email", "role", "token_hash"},
    ("membership_invitations", "update"): {"status"},
    ("notifications", "update"): {"read_at"},  # `markNotificationsRead` alone does, and the database says when
    ("trip_items", "update"): {"trip_id"},  # items may move between trips, which other clients of the Data API do
}
# Tables whose rows come of a function that runs with its caller's rights: `cast_vote`.
MADE_BY_FUNCTIONS = {"votes"}
OFFERS = offers([*QUERIES, *MUTATIONS])
SCHEMAS = list(catalog.schemas())
MAPPED = [pytest.param(table, id=table.name) for table in catalog if not table.read_only]


class TestGrants:
    @pytest.mark.parametrize("table", MAPPED)
    def test_a_signed_in_caller_may_set_what_inputs_offer_and_keys_and_owners_of_new_rows(self, table: Table) -> None:
        known = pg_catalog.loaded().table(table.name)
        assert known is not None
        offered = {column.name for column in table.columns.values() if column.creatable}
        own = {table.primary_key, *(name for name, column in known.columns.items() if column.default == "auth.uid()")}
        granted = known.granted("authenticated", "insert")
        beside = BESIDE_THE_INPUTS.get((table.name, "insert"), set())
        assert granted - own == ((offered - own) if granted else set()) | beside
        # Where no root field makes rows, as of those that come with an account, nobody may.
        created = table.type_name in OFFERS and "insert" in OFFERS[table.type_name].writes
        assert bool(granted) is (created or bool(beside) or table.name in MADE_BY_FUNCTIONS)

    @pytest.mark.parametrize("table", MAPPED)
    def test_keys_owners_and_times_never_change(self, table: Table) -> None:
        known = pg_catalog.loaded().table(table.name)
        assert known is not None
        beside = BESIDE_THE_INPUTS.get((table.name, "update"), set())
        granted = known.granted("authenticated", "update")
        assert granted == {column.name for column in table.columns.values() if column.patchable} | beside
        own = {name for name, column in known.columns.items() if column.default in {"auth.uid()", "now()"}}
        assert granted.isdisjoint({*known.primary_key, *own})

    def test_anonymous_callers_hold_nothing(self, db: psycopg.Connection) -> None:
        held = db.execute(
            "select table_name, privilege_type from information_schema.table_privileges"
            " where table_schema = any (%(schemas)s) and grantee in ('anon', 'PUBLIC')"
            " union all select table_name, privilege_type from information_schema.column_privileges"
            " where table_schema = any (%(schemas)s) and grantee in ('anon', 'PUBLIC')",
            {"schemas": SCHEMAS},
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


class TestFunctions:
    def test_definers_have_no_search_path_to_be_led_astray_by(self, db: psycopg.Connection) -> None:
        open_ones = db.execute(
            """
            select oid::regprocedure::text from pg_proc
            where (
                    pronamespace = 'private'::regnamespace
                    or (prosecdef and pronamespace::regnamespace::text = any (%s))
                )
                and not coalesce(proconfig, '{}') @> array['search_path=""']
            """,
            (SCHEMAS,),
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

    def test_whoever_runs_as_their_caller_refuses_by_the_helper_that_callers_may_ask(
        self, db: psycopg.Connection
    ) -> None:
        """With the other they would be told that they may not look into `private`."""
        rows = db.execute(
            "select oid::regprocedure::text from pg_proc where not prosecdef and prosrc like %s", ("%private.refuse%",)
        )
        assert rows.fetchall() == []

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
            "select policyname from pg_policies where schemaname = any (%s) and cmd = 'UPDATE' and with_check is null",
            (SCHEMAS,),
        )
        assert rows.fetchall() == []


def policies(db: psycopg.Connection) -> list[tuple[str, str, str]]:
    return db.execute(
        "select tablename, policyname, concat_ws(' ', qual, with_check) from pg_policies where schemaname = any (%s)",
        (SCHEMAS,),
    ).fetchall()

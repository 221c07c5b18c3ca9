"""What a row may hold: for every check one value at its edge that is taken and those that are refused by name."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from gql import pg_catalog
from gql.descriptions import describe
from tests.database import access

if TYPE_CHECKING:
    from tests.database.callers import World

Values = dict[str, Any]

TAKEN: list[tuple[str, Values]] = [
    ("profiles", {"display_name": "x" * 80}),
    ("profiles", {"display_name": "李"}),
    ("user_preferences", {"locale": "zh-Hant-TW"}),
    ("user_preferences", {"timezone": "America/Argentina/Buenos_Aires"}),
    ("user_preferences", {"timezone": "Etc/GMT+3"}),
    ("user_preferences", {"home_currency": "JPY"}),
    ("user_preferences", {"distance_unit": "mi"}),
    ("places", {"name": "x" * 200}),
    ("places", {"category": "museum"}),
    ("places", {"address": "x" * 500}),
    ("places", {"city": "x" * 200}),
    ("places", {"country_code": "PT"}),
    ("places", {"latitude": "-90", "longitude": "180"}),
    ("places", {"latitude": "0.000001", "longitude": "-180"}),
    ("places", {"website": "https://example.org/a?b=c"}),
    ("places", {"notes": "x" * 5000}),
    ("trips", {"title": "x" * 200}),
    ("trips", {"title": " 🏔 "}),
    ("trips", {"description": "x" * 5000}),
    ("trips", {"destination": "x" * 200}),
    ("trips", {"status": "cancelled"}),
    ("trips", {"start_date": "2027-05-01", "end_date": "2027-05-01"}),
    ("trips", {"start_date": None, "end_date": "2027-05-01"}),
    ("trips", {"start_date": "2027-01-01", "end_date": "2029-09-26"}),
    ("trips", {"start_date": "9999-12-31", "end_date": None}),
    ("trips", {"budget": "0"}),
    ("trips", {"budget": "9999999999.99"}),
    ("trips", {"currency": "CHF"}),
    ("trips", {"labels": ["x" * 50] * 20}),
    ("trip_items", {"title": "x" * 200}),
    ("trip_items", {"notes": "x" * 5000}),
    ("trip_items", {"kind": "note"}),
    ("trip_items", {"day_number": 1}),
    ("trip_items", {"day_number": 1000}),
    ("trip_items", {"order_index": 0}),
    ("trip_items", {"starts_at": "2027-05-01 10:00Z", "ends_at": "2027-05-01 10:00Z"}),
    ("trip_items", {"starts_at": None, "ends_at": "2027-05-01 10:00Z"}),
    ("trip_items", {"cost": "0.01"}),
    ("trip_items", {"details": '{"seat": "12A"}'}),
    ("trip_items", {"details": '{"a":' * 63 + "[]" + "}" * 63}),
    ("trip_items", {"details": '{"a":' + "[" * 63 + '"[{"' + "]" * 63 + "}"}),
    ("trip_items", {"details": '{"a": [1.7976931348623157e308, -1.7976931348623157e308, 1e-400, "1e400"]}'}),
    ("saved_places", {"name": "x" * 200}),
    ("saved_places", {"place_id": None}),
    ("saved_places", {"category": "beach"}),
    ("saved_places", {"notes": "x" * 5000}),
    ("collections", {"name": "x" * 200}),
    ("collections", {"description": "x" * 5000}),
    ("collection_places", {"order_index": 0}),
    ("collection_places", {"notes": "x" * 5000}),
    ("tags", {"name": "x" * 50}),
    ("tags", {"colour": "#0aF9ff"}),
    ("collaborators", {"role": "editor"}),
    ("collection_members", {"role": "editor"}),
    ("invitations", {"email": "a@b.c"}),
    ("invitations", {"email": "o'neil+trip_{1}@xn--bcher-kva.example"}),
    ("invitations", {"email": "x" * 242 + "@example.org"}),
    ("invitations", {"role": "viewer"}),
    ("invitations", {"token_hash": "0" * 64}),
    ("invitations", {"status": "expired"}),
    ("invitations", {"status": "accepted", "accepted_at": "2027-05-01 10:00Z"}),
    ("votes", {"value": -1}),
    ("votes", {"value": 0}),
    ("votes", {"comment": "x" * 1000}),
    ("trip_preferences", {"budget_min": "0", "budget_max": "0"}),
    ("trip_preferences", {"budget_min": None, "budget_max": "9999999999.99", "currency": "JPY"}),
    ("trip_preferences", {"budget_min": "1", "budget_max": None}),
    ("trip_preferences", {"pace": None}),
    ("trip_preferences", {"pace": "balanced"}),
    ("trip_preferences", {"interests": ["x" * 50] * 20, "dietary_needs": ["x" * 50] * 20}),
    ("automation_rules", {"conditions": '{"title": {"contains": "x"}}', "is_enabled": False}),
    ("automation_rules", {"trigger": "days_before_trip", "days_before": 0, "local_time": "00:00"}),
    ("automation_rules", {"trigger": "days_before_trip", "days_before": 365, "local_time": "23:59:59"}),
    ("automation_rules", {"action": json.dumps({"kind": "send_whatsapp", "text": "x" * 1000})}),
    ("scheduled_jobs", {"run_at": None, "trip_id": None}),
    ("scheduled_jobs", {"status": "failed", "reason": "given_up", "attempts": 8, "dedupe_key": "x" * 300}),
    ("notification_preferences", {"topic": "marketing", "quiet_from": None, "quiet_until": None}),
    ("notification_preferences", {"channel": "bell", "quiet_from": None, "quiet_until": None}),
    ("notification_preferences", {"quiet_from": "00:00", "quiet_until": "23:59:59"}),
    ("notifications", {"system": "x" * 50, "kind": "x1_" * 16}),
    ("notifications", {"title": "x" * 200, "body": "x" * 2000, "dedupe_key": "x" * 200}),
    ("notifications", {"link": "/"}),
    ("notifications", {"link": "/trips/1?tab=people#ben"}),
    ("notifications", {"link": "https://tripgate.example"}),
    ("notifications", {"link": "https://tripgate.example:8443/a?b=c#d"}),
    ("notifications", {"link": "/" + "x" * 2047}),
    ("subscriptions", {"status": "past_due", "past_due_at": "2027-05-08 10:00Z"}),
    ("usage_limits", {"limit_amount": "0", "used_amount": "7.000001", "reserved_amount": "0.5"}),
    ("usage_limits", {"metric": "storage_bytes", "period_start": None, "period_end": None}),
    ("billing_events", {"user_id": None, "object_id": None, "status": "ignored", "attempts": 2}),
    ("invoices", {"amount_due": "-9.00", "currency": "BHD", "hosted_invoice_url": "https://invoice.stripe.com/i/1"}),
    ("invoices", {"user_id": None, "amount_due": "900", "currency": "JPY", "status": "uncollectible"}),
    ("ai_agents", {"system_prompt": "x" * 20000, "tools": ["read_trip", "remember"], "max_output_tokens": 100000}),
    ("ai_runs", {"status": "failed", "error_code": "AI_PROVIDER_ERROR", "lease_until": None}),
    ("ai_runs", {"status": "cancelled", "idempotency_key": "x" * 200}),
    ("ai_messages", {"content": "x" * 400000, "tool_calls": "[]"}),
    ("ai_memories", {"content": "x" * 2000, "expires_at": "2027-05-01 10:00Z"}),
    ("ai_usage", {"run_id": None, "call_index": None, "prompt_tokens": 7, "cached_tokens": 7}),
]

REFUSED: list[tuple[str, Values, str]] = [
    ("profiles", {"display_name": ""}, "profiles_display_name_check"),
    ("profiles", {"display_name": " \t\n"}, "profiles_display_name_check"),
    ("profiles", {"display_name": "x" * 81}, "profiles_display_name_check"),
    ("profiles", {"avatar_path": ""}, "profiles_avatar_path_check"),
    ("profiles", {"avatar_path": "me/b.png"}, "profiles_avatar_path_check"),
    ("user_preferences", {"locale": "en_GB"}, "user_preferences_locale_check"),
    ("user_preferences", {"timezone": "Europe/"}, "user_preferences_timezone_check"),
    ("user_preferences", {"home_currency": "eur"}, "user_preferences_home_currency_check"),
    ("user_preferences", {"distance_unit": "nmi"}, "user_preferences_distance_unit_check"),
    ("places", {"name": ""}, "places_name_check"),
    ("places", {"category": "Museum"}, "places_category_check"),
    ("places", {"address": "x" * 501}, "places_address_check"),
    ("places", {"city": "x" * 201}, "places_city_check"),
    ("places", {"country_code": "PRT"}, "places_country_code_check"),
    ("places", {"latitude": "90.000001", "longitude": "0"}, "places_latitude_check"),
    ("places", {"latitude": "NaN", "longitude": "0"}, "places_latitude_check"),
    ("places", {"latitude": "0", "longitude": "-180.000001"}, "places_longitude_check"),
    ("places", {"latitude": "0"}, "places_longitude_check"),
    ("places", {"longitude": "0"}, "places_longitude_check"),
    ("places", {"website": "javascript:alert(1)"}, "places_website_check"),
    ("places", {"website": "https://"}, "places_website_check"),
    ("places", {"notes": "x" * 5001}, "places_notes_check"),
    ("trips", {"title": ""}, "trips_title_check"),
    ("trips", {"title": "  "}, "trips_title_check"),
    ("trips", {"title": "x" * 201}, "trips_title_check"),
    ("trips", {"description": "x" * 5001}, "trips_description_check"),
    ("trips", {"destination": "x" * 201}, "trips_destination_check"),
    ("trips", {"status": "BOOKED"}, "trips_status_check"),
    ("trips", {"start_date": "infinity"}, "trips_start_date_check"),
    ("trips", {"start_date": "0044-03-15 BC"}, "trips_start_date_check"),
    ("trips", {"start_date": "2027-05-02", "end_date": "2027-05-01"}, "trips_end_date_check"),
    ("trips", {"end_date": "infinity"}, "trips_end_date_check"),
    ("trips", {"start_date": "2027-01-01", "end_date": "2029-09-27"}, "trips_end_date_check"),
    ("trips", {"start_date": "0001-01-01", "end_date": "9999-12-31"}, "trips_end_date_check"),
    ("trips", {"budget": "-0.01"}, "trips_budget_check"),
    ("trips", {"budget": "NaN"}, "trips_budget_check"),
    ("trips", {"currency": "EURO"}, "trips_currency_check"),
    ("trips", {"labels": ["x"] * 21}, "trips_labels_check"),
    ("trips", {"labels": ["x", None]}, "trips_labels_check"),
    ("trips", {"labels": ["x" * 1001]}, "trips_labels_check"),
    ("trip_items", {"title": "\n"}, "trip_items_title_check"),
    ("trip_items", {"notes": "x" * 5001}, "trip_items_notes_check"),
    ("trip_items", {"kind": "party"}, "trip_items_kind_check"),
    ("trip_items", {"day_number": 0}, "trip_items_day_number_check"),
    ("trip_items", {"day_number": 1001}, "trip_items_day_number_check"),
    ("trip_items", {"order_index": -1}, "trip_items_order_index_check"),
    ("trip_items", {"starts_at": "-infinity"}, "trip_items_starts_at_check"),
    ("trip_items", {"starts_at": "2027-05-01 10:00Z", "ends_at": "2027-05-01 09:59Z"}, "trip_items_ends_at_check"),
    ("trip_items", {"ends_at": "infinity"}, "trip_items_ends_at_check"),
    ("trip_items", {"cost": "-1"}, "trip_items_cost_check"),
    ("trip_items", {"cost": "NaN"}, "trip_items_cost_check"),
    ("trip_items", {"details": "[]"}, "trip_items_details_check"),
    ("trip_items", {"details": '{"a": "' + "x" * 8192 + '"}'}, "trip_items_details_check"),
    ("trip_items", {"details": '{"a":' * 64 + "[]" + "}" * 64}, "trip_items_details_check"),
    ("trip_items", {"details": '{"a":' + "[" * 64 + "]" * 64 + "}"}, "trip_items_details_check"),
    ("trip_items", {"details": '{"a":' + "[" * 3000 + "]" * 3000 + "}"}, "trip_items_details_check"),
    ("trip_items", {"details": '{"n": 1e400}'}, "trip_items_details_check"),
    ("trip_items", {"details": '{"a": [{"b": [0, -1e400]}]}'}, "trip_items_details_check"),
    ("trip_items", {"details": '{"n": 1.8e308}'}, "trip_items_details_check"),
    ("saved_places", {"name": " "}, "saved_places_name_check"),
    ("saved_places", {"name": "x" * 201}, "saved_places_name_check"),
    ("saved_places", {"category": "pub"}, "saved_places_category_check"),
    ("saved_places", {"notes": "x" * 5001}, "saved_places_notes_check"),
    ("collections", {"name": ""}, "collections_name_check"),
    ("collections", {"name": "x" * 201}, "collections_name_check"),
    ("collections", {"description": "x" * 5001}, "collections_description_check"),
    ("collection_places", {"order_index": -1}, "collection_places_order_index_check"),
    ("collection_places", {"notes": "x" * 5001}, "collection_places_notes_check"),
    ("collaborators", {"role": "owner"}, "collaborators_role_check"),
    ("collection_members", {"role": "owner"}, "collection_members_role_check"),
    ("invitations", {"email": "Ben@example.org"}, "invitations_email_check"),
    ("invitations", {"email": "ben.example.org"}, "invitations_email_check"),
    ("invitations", {"email": "ben@example"}, "invitations_email_check"),
    ("invitations", {"email": "a b@example.org"}, "invitations_email_check"),
    ("invitations", {"email": "x" * 243 + "@example.org"}, "invitations_email_check"),
    ("invitations", {"email": "a@b.c,d@e.f"}, "invitations_email_check"),
    ("invitations", {"email": "a@b.c;d@e.f"}, "invitations_email_check"),
    ("invitations", {"email": "ben<a@b.c>"}, "invitations_email_check"),
    ("invitations", {"email": '"ben"@example.org'}, "invitations_email_check"),
    ("invitations", {"email": "a@[b.c]"}, "invitations_email_check"),
    ("invitations", {"email": "a\\b@example.org"}, "invitations_email_check"),
    ("invitations", {"email": "a\x7f@example.org"}, "invitations_email_check"),
    ("invitations", {"role": "owner"}, "invitations_role_check"),
    ("invitations", {"token_hash": "0" * 63}, "invitations_token_hash_check"),
    ("invitations", {"token_hash": "Z" * 64}, "invitations_token_hash_check"),
    ("invitations", {"status": "lost"}, "invitations_status_check"),
    ("invitations", {"status": "accepted"}, "invitations_accepted_at_check"),
    ("invitations", {"accepted_at": "2027-05-01 10:00Z"}, "invitations_accepted_at_check"),
    ("votes", {"value": 2}, "votes_value_check"),
    ("votes", {"value": -2}, "votes_value_check"),
    ("votes", {"comment": "x" * 1001}, "votes_comment_check"),
    ("trip_preferences", {"interests": ["x", None]}, "trip_preferences_interests_check"),
    ("trip_preferences", {"interests": ["x" * 1001]}, "trip_preferences_interests_check"),
    ("trip_preferences", {"dietary_needs": ["x", None]}, "trip_preferences_dietary_needs_check"),
    ("trip_preferences", {"dietary_needs": ["x" * 1001]}, "trip_preferences_dietary_needs_check"),
    ("notifications", {"system": "x" * 51}, "notifications_system_check"),
    ("notifications", {"kind": "x" * 51}, "notifications_kind_check"),
    ("notifications", {"title": "x" * 201}, "notifications_title_check"),
    ("notifications", {"body": "x" * 2001}, "notifications_body_check"),
    ("notifications", {"link": "/" + "x" * 2048}, "notifications_link_check"),
    ("billing_events", {"object_id": "x" * 256}, "billing_events_object_id_check"),
    ("billing_events", {"payload": "[]"}, "billing_events_payload_check"),
    ("invoices", {"number": "x" * 256}, "invoices_number_check"),
    (
        "automation_rules",
        {"action": json.dumps({"kind": "notify", "text": "x" * 1001})},
        "automation_rules_action_check",
    ),
    (
        "automation_rules",
        {"conditions": json.dumps({"title": {"in": ["x" * 999] * 9}})},
        "automation_rules_conditions_check",
    ),
    ("scheduled_jobs", {"payload": json.dumps({"text": "x" * 8192})}, "scheduled_jobs_payload_check"),
    ("scheduled_jobs", {"dedupe_key": "x" * 301}, "scheduled_jobs_dedupe_key_check"),
    ("notification_preferences", {"quiet_until": None}, "notification_preferences_quiet_until_check"),
    ("notification_preferences", {"quiet_from": None}, "notification_preferences_quiet_until_check"),
    ("notifications", {"dedupe_key": "x" * 201}, "notifications_dedupe_key_check"),
    ("ai_agents", {"system_prompt": "x" * 20001}, "ai_agents_system_prompt_check"),
    ("ai_runs", {"input": json.dumps({"prompt": "x" * 65536})}, "ai_runs_input_check"),
    ("ai_runs", {"result": json.dumps({"summary": "x" * 262144})}, "ai_runs_result_check"),
    ("ai_runs", {"status": "failed", "lease_until": None}, "ai_runs_error_code_check"),
    ("ai_runs", {"idempotency_key": "x" * 201}, "ai_runs_idempotency_key_check"),
    ("ai_runs", {"lease_until": None}, "ai_runs_lease_until_check"),
    ("ai_messages", {"content": "x" * 400001}, "ai_messages_content_check"),
    ("ai_memories", {"content": "x" * 2001}, "ai_memories_content_check"),
    ("ai_usage", {"call_index": None}, "ai_usage_call_index_check"),
]


# What is asked of invitations to trips is asked of all others.
TAKEN += [(f"membership_{table}", values) for table, values in TAKEN if table == "invitations"]
REFUSED += [
    (f"membership_{table}", values, f"membership_{check}")
    for table, values, check in REFUSED
    if table == "invitations" and "role" not in values
]

REFUSED += [
    (said.name, values, check)
    for said in access.loaded().values()
    for check, several in said.refused.items()
    for values in several
]


def update(world: World, table: str, values: Values) -> int | str | None:
    """Returns the number of rows, or the name of the constraint that refused."""
    known = access.loaded()[table].table
    assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in values)
    statement = sql.SQL("update {} set {} where {} = %s").format(
        sql.Identifier(known.schema, known.name), assignments, sql.Identifier(*known.primary_key)
    )
    try:
        # Where functions alone write, as these do: as their owner.
        by_functions = access.loaded()[table].may["update", "service"] == access.NOT_GRANTED
        with contextlib.nullcontext(world.db) if by_functions else world.acting_as("service") as db:
            return db.execute(statement, (*values.values(), world.owner[table])).rowcount
    except psycopg.errors.CheckViolation as refusal:
        return refusal.diag.constraint_name


def shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:40]}…{len(text)}"


@pytest.mark.parametrize(("table", "values"), TAKEN, ids=shown)
def test_taken(world: World, table: str, values: Values) -> None:
    assert update(world, table, values) == 1


@pytest.mark.parametrize(("table", "values", "constraint"), REFUSED, ids=shown)
def test_refused(world: World, table: str, values: Values, constraint: str) -> None:
    assert update(world, table, values) == constraint


def test_every_check_of_every_table_is_tried() -> None:
    checks = {name for table in pg_catalog.loaded().stored for name in table.checks}
    assert checks == {constraint for _, _, constraint in REFUSED}


def test_the_gateway_knows_the_sentence_of_each() -> None:
    for table in pg_catalog.loaded().stored:
        for check in table.checks.values():
            assert describe(table.qualified, check.name) == check.comment is not None


def test_amounts_keep_two_decimals(world: World) -> None:
    assert update(world, "trips", {"budget": "1234.5"}) == 1
    row = world.db.execute("select budget::text from public.trips where id = %s", (world.owner.trips,)).fetchone()
    assert row == ("1234.50",)


def test_one_set_of_preferences_a_person(world: World) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation, match="user_preferences_user_id_key"):
        world.db.execute("insert into public.user_preferences (user_id) values (%s)", (world.owner.profiles,))

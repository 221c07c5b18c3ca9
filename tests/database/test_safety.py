"""No rule of `safety_rules` is broken, but by what is named here with a reason, and each rule can tell."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gql import pg_catalog
from gql.catalog import catalog
from tests.database.safety_rules import EXPOSED, RULES, Rule
from tripgate.commands.checks import features
from tripgate.commands.pg_catalog import file
from tripgate.gateway.schema import graphql_schema  # noqa: F401 - declares every type

if TYPE_CHECKING:
    import psycopg

CONFIG = Path(__file__).parents[2] / "supabase" / "config.toml"

# Functions of the exposed schema that callers without an account may run, each with its reason.
FOR_ANYBODY: dict[str, str] = {
    "public.task_metrics(text)": "The gateway's /metrics has nothing but a publishable key; it asks for a token.",
}

# Systems that are there without each other cannot share a policy: each adds its own, for these commands alone.
SHARED_BY_SYSTEMS = {
    "public.profiles r authenticated": "Each system shows the people in it.",
    "realtime.messages r authenticated": "Each system has topics of its own.",
    "realtime.messages a authenticated": "Each system says who is seen on its topics.",
}

# Computed relationships that are written by hand.
RELATED = ("public.images(public.trips)", "public.photos(public.saved_places)", "public.uploader(public.stored_files)")

EXCEPTIONS: dict[str, dict[str, str]] = {
    "anon_security_definer_function_executable": FOR_ANYBODY,
    "authenticated_security_definer_function_executable": {
        "public.delete_my_account()": "Only Auth's own role may delete accounts; it deletes the caller's.",
        "public.announce_invitation(uuid,text)": "Nobody may see or change the count; it asks who owns the trip.",
        "public.accept_invitation(text)": "Nobody may add themselves to a trip otherwise; it asks for a secret.",
        "public.announce_membership_invitation(text,uuid,text)": "As announce_invitation; it asks what may be offered.",
        "public.start_whatsapp_link(text)": "Functions alone write contacts and codes, of the caller's alone.",
        "public.verify_whatsapp(text)": "It takes a number from whoever had it, once the caller has read its code.",
        "public.verified_whatsapp(text)": "Nobody may read codes; it answers the caller's contact, and tries nothing.",
        "public.unlink_whatsapp()": "Functions alone write contacts; it deletes the caller's.",
        "public.send_whatsapp_message(uuid,uuid,text,jsonb,text,text)": "It asks whether somebody else wants messages.",
        "public.cancel_ai_run(uuid)": "Functions alone write runs; it ends one of the caller's.",
        "public.is_applicable(public.ai_runs)": "What a trip was like is nobody's to read; it asks whose the run is.",
        "public.schedule_reminder(uuid,text,uuid,timestamp with time zone,integer,time without time zone,text,text)": (
            "Functions alone write jobs; it asks for the caller's part in the trip, and makes one of the caller's."
        ),
        "public.move_scheduled_job(uuid,timestamp with time zone,integer,time without time zone)": (
            "Functions alone write jobs; it moves one of the caller's."
        ),
        "public.cancel_scheduled_job(uuid)": "Functions alone write jobs; it ends one of the caller's.",
        "public.trigger_automation(uuid,boolean)": "What tells people is nobody's to call; it asks whose the rule is.",
        "public.plans()": "Plans are the program's, and nobody's to read; it tells what is for sale.",
        "public.current_usage_limits()": "Plans are nobody's to read; it asks for the caller's own part alone.",
        "public.offer_upload(text,uuid,text,bigint)": "Plans are nobody's to read; it asks for the caller's own part.",
        "public.files_to_delete(text)": "It asks for what the caller takes part in, once.",
        "public.accept_membership(text,text)": "Nobody may make themselves take part otherwise; it asks for a secret.",
        "public.vote_summary(public.trip_items)": "It asks for the caller's part in the trip itself, once an item.",
        "public.preference_summary(public.trips)": "It asks for the caller's part in the trip itself, once a trip.",
        "public.cost_total(public.trips)": "It asks for the caller's part in the trip itself, once a trip.",
    },
    "function_search_path_mutable": {
        name: "With a setting, Postgres could not put the table, or the row, in its place."
        for table in catalog
        for name, kind in features.generated(table).items()
        if kind == "function" and "_against(" not in name
    }
    | dict.fromkeys(RELATED, "With a setting, Postgres could not put the view, or the table, in its place."),
}

IDS = [rule.name for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_rule_holds(db: psycopg.Connection, rule: Rule) -> None:
    found = broken(db, rule)
    if rule.name == "multiple_permissive_policies":
        found -= set(SHARED_BY_SYSTEMS)
    assert found == set(EXCEPTIONS.get(rule.name, ()))


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_rule_finds_what_breaks_it(db: psycopg.Connection, rule: Rule) -> None:
    before = broken(db, rule)
    db.execute(rule.breaks)
    assert broken(db, rule) - before == {rule.culprit}


def test_systems_may_add_policies_where_others_have_theirs_and_nowhere_else(db: psycopg.Connection) -> None:
    """Reading profiles and joining topics; never writing a profile, or anything on another table."""
    rule = next(each for each in RULES if each.name == "multiple_permissive_policies")
    db.execute("create policy theirs on public.profiles for select to authenticated using (id is null)")
    db.execute("create policy theirs on realtime.messages for select to authenticated using (topic is null)")
    db.execute("create policy seen on realtime.messages for insert to authenticated with check (topic is null)")
    assert broken(db, rule) == set(SHARED_BY_SYSTEMS)
    db.execute("create policy more on public.profiles for update to authenticated using (id is null)")
    db.execute("create policy more on public.trips for select to authenticated using (id is null)")
    assert broken(db, rule) - set(SHARED_BY_SYSTEMS) == {
        "public.profiles w authenticated",
        "public.trips r authenticated",
    }


def broken(db: psycopg.Connection, rule: Rule) -> set[str]:
    return {name for (name,) in db.execute(rule.finds)}


def test_what_may_be_led_astray_has_the_callers_rights_and_names_every_schema(db: psycopg.Connection) -> None:
    """The exceptions to function_search_path_mutable: whoever leads one astray gains nothing that they lack."""
    for name in EXCEPTIONS["function_search_path_mutable"]:
        found = db.execute(
            "select lanname, prosecdef, provolatile, prosrc from pg_proc join pg_language on pg_language.oid = prolang"
            " where pg_proc.oid = %s::regprocedure",
            (name,),
        ).fetchone()
        assert found is not None
        language, definer, volatility, source = found
        assert (language, definer, volatility) == ("sql", False, "s")
        if name in RELATED:
            assert set(re.findall(r"(?:from|join) (\w+)", source)) == {"public"}
            continue
        function = pg_catalog.loaded().functions[name]
        expected = "select ($1).*"
        if function.row_of not in pg_catalog.loaded().tables:
            table = pg_catalog.loaded().tables[function.returns.removeprefix("SETOF ")]
            expected = f"select * from {table.qualified} where {(*table.primary_key, 'id')[0]} = any (ids)"
        assert source.split() == expected.split()


def test_auth_allow_anonymous_sign_ins() -> None:
    """Policies let in whoever has an account, so an account takes more than asking for one."""
    assert signs_in_anybody("[auth]\nenable_anonymous_sign_ins = true") is True
    assert signs_in_anybody(CONFIG.read_text()) is False


def signs_in_anybody(config: str) -> bool:
    return bool(tomllib.loads(config).get("auth", {}).get("enable_anonymous_sign_ins", False))


def test_what_is_exposed_is_what_the_rules_look_at() -> None:
    assert set(file.exposed(CONFIG.parents[1])) <= set(re.findall(r"'(\w+)'", EXPOSED))

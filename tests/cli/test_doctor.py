"""`tripgate doctor` against servers that are well, with settings that are right and wrong."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from gql.catalog import catalog
from tests.cli.doctoring import BEN, doctor, mistakes, wait_for
from tripgate import systems
from tripgate.local.stack import StackInfo


def test_a_healthy_stack(seeded: StackInfo) -> None:
    stripe = {"STRIPE_SECRET_KEY": "sk_test_of_the_tests", "STRIPE_API_BASE": f"{seeded.api_url}/providers/stripe"}
    result = doctor(seeded, *BEN, "--database-url", seeded.db_url, **stripe)
    assert result.exit_code == 0, result.output
    for sentence in [
        "The publishable key is accepted.",
        "Tokens are signed with ES256",
        "The mail templates of supabase/config.toml carry a code and a link.",
        "Which templates the project has cannot be seen from outside.",
        "PostgREST 12.0.2 answers, the version that Tripgate is tried with.",
        "It understands every form of request in which its versions differ.",
        "It answers every form of request in which its versions differ.",
        f"All {len(list(catalog))} tables",
        "Without an account nothing is granted",
        "Aggregates are on",
        "A token verifies: ES256",
        "It sees its own rows and those that others share with it, and no stranger's.",
        *(f"Function {name} answers" for system in systems.found() for name in system.edge_functions),
        "Row level security is on",
        "Types and tables agree, and nothing is missing that the fields need.",
        "Realtime has its policies",
        "Statements time out: anon after 3s",
        "Postgres ends what the gateway has given up on.",
        "Jobs run and call Edge Functions: extensions and secrets are there.",
        "Storage answers, and shows files in other sizes.",
        "The buckets trip-images, place-photos and user-avatars are there, with their limits.",
        "Stripe sells tripgate_pro.",
        "The customer portal lets people change and end what they pay for.",
        "No errors",
    ]:
        assert sentence in result.output
    assert "\x1b[" not in result.output
    for secret in (
        stripe["STRIPE_SECRET_KEY"],
        seeded.publishable_key,
        "tripgate-demo",
        "eyJ",
        seeded.db_url,
        "Traceback",
    ):
        assert secret not in result.output


def test_how_wide_postgrests_pool_is(seeded: StackInfo) -> None:
    """It can open more at any time, and is seen from the database alone."""
    from_outside = doctor(seeded).output
    assert "How many connections PostgREST keeps cannot be seen from outside; the gateway asks for 10" in from_outside
    options = ("--database-url", seeded.db_url)
    assert (
        "TRIPGATE_UPSTREAM_POOL=20 must not be above its most."
        in doctor(seeded, *options, TRIPGATE_UPSTREAM_POOL="20").output
    )
    assert "cannot be seen from outside; the gateway" not in doctor(seeded, *options).output
    wide = " ".join(doctor(seeded, *options, TRIPGATE_UPSTREAM_POOL="5000").output.split())
    assert re.search(r"TRIPGATE_UPSTREAM_POOL is 5000, and Postgres takes \d+ connections in all\.", wide)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: wait_for(seeded, "rpc/nothing", "PGRST202"), range(200)))
    narrow = " ".join(doctor(seeded, *options, TRIPGATE_UPSTREAM_POOL="1").output.split())
    assert re.search(r"PostgREST has [2-9]\d* connections open, and the gateway asks for 1 at once\.", narrow)


def test_json(seeded: StackInfo) -> None:
    result = doctor(seeded, "--json")
    found = json.loads(result.stdout)
    assert found["healthy"] is True
    assert {"section", "level", "text", "advice"} == set(found["findings"][0])
    assert "Project" in result.stderr, "progress is visible"


def test_settings(seeded: StackInfo) -> None:
    result = doctor(seeded, SUPABASE_PUBLISHABLE_KEY=seeded.secret_key)
    assert result.exit_code == 2
    assert "this is a secret key, which bypasses row level security" in result.output
    assert seeded.secret_key not in result.output
    assert doctor(seeded, "--email", "ben@tripgate.example").exit_code == 2


@pytest.mark.parametrize(
    ("introspection", "level", "how"),
    [("false", "warning", "though introspection is off"), ("true", "note", "as introspection does")],
)
def test_who_sees_a_subgraphs_schema(seeded: StackInfo, introspection: str, level: str, how: str) -> None:
    said = doctor(seeded, TRIPGATE_FEDERATION="true", TRIPGATE_INTROSPECTION=introspection)
    told = f"TRIPGATE_FEDERATION is on: `_service` shows the schema to anybody who reaches /graphql, {how}."
    assert (said.exit_code, f"{level:<8}{told}" in said.output) == (0, True), said.output
    assert "TRIPGATE_FEDERATION" not in doctor(seeded, TRIPGATE_INTROSPECTION=introspection).output


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SUPABASE_URL": "http://127.0.0.1:1"}, "127.0.0.1:1 refuses connections. Is it running?"),
        ({"SUPABASE_URL": "http://project.invalid"}, "There is no host project.invalid. Correct SUPABASE_URL"),
        ({"SUPABASE_URL": "{rest_url}"}, "answers, but it is no Supabase"),
        (
            {"SUPABASE_PUBLISHABLE_KEY": "sb_publishable_other"},
            "The key is not one of this project's: Invalid API key.",
        ),
        ({"TRIPGATE_REST_URL": "{api_url}/auth/v1"}, "What answers at TRIPGATE_REST_URL is not PostgREST"),
        ({"TRIPGATE_REST_URL": "http://127.0.0.1:1"}, "Does TRIPGATE_REST_URL name the right port?"),
        ({"TRIPGATE_REALTIME_URL": "{rest_url}"}, "Realtime takes no WebSocket"),
    ],
)
def test_wrong_addresses_and_keys(seeded: StackInfo, environment: dict[str, str], sentence: str) -> None:
    addresses = {"rest_url": seeded.rest_url, "api_url": seeded.api_url}
    result = doctor(seeded, **{name: value.format(**addresses) for name, value in environment.items()})
    assert sentence in mistakes(result)


def test_no_tls(seeded: StackInfo) -> None:
    result = doctor(seeded, SUPABASE_URL=seeded.api_url.replace("http://", "https://"))
    assert "does not speak TLS" in mistakes(result)


def test_a_wrong_account_and_database_url(seeded: StackInfo) -> None:
    said = mistakes(
        doctor(seeded, "--email", "ben@tripgate.example", "--password", "guess", "--database-url", "p4ss x")
    )
    assert "Signing in as ben@tripgate.example fails: The e-mail address or the password is wrong." in said
    assert "The database URL is not a connection string." in said
    assert "p4ss" not in said
    assert "guess" not in said


def test_a_superfluous_legacy_secret(seeded: StackInfo) -> None:
    result = doctor(seeded, SUPABASE_JWT_SECRET="the-secret-that-signed-tokens-in-the-past")
    assert result.exit_code == 0
    assert "SUPABASE_JWT_SECRET lets HS256 tokens in as well" in result.output

"""`tripgate doctor` against servers that are well, and against the same with one thing broken: it names the trouble."""

import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import LiteralString

import aiohttp
import psutil
import psycopg
import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from gql.catalog import catalog
from tests.support import stack_options
from tripgate import systems
from tripgate.cli import main
from tripgate.commands.doctor import live, mails, scheduling
from tripgate.commands.doctor.account import SignedIn
from tripgate.commands.doctor.function_calls import calls, never_seen
from tripgate.commands.doctor.probe import Probe
from tripgate.commands.doctor.report import Level, ok
from tripgate.gateway.settings import Settings
from tripgate.local.direct_login import make_direct_login
from tripgate.local.stack import Stack, StackInfo
from tripgate.upstream.caller import Caller

ROOT = Path(__file__).parent.parent.parent
BEN = ("--email", "ben@tripgate.example", "--password", "tripgate-demo")


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """A seeded stack of these tests' own, signing with the legacy secret."""
    data = tmp_path_factory.mktemp("doctor") / "data"
    with Stack(stack_options(ROOT, data, jwt_algorithm="HS256")) as stack:
        assert stack.info is not None
        yield stack.info


def doctor(stack: StackInfo, *options: str, **environment: str) -> Result:
    own = {"SUPABASE_URL": stack.api_url, "SUPABASE_PUBLISHABLE_KEY": stack.publishable_key}
    if stack.jwt_secret is not None:
        own["SUPABASE_JWT_SECRET"] = stack.jwt_secret
    others = {name: None for name in os.environ if name.startswith(("SUPABASE_", "TRIPGATE_"))}
    return CliRunner().invoke(main, ["doctor", *options], env={**others, **own, **environment})


def mistakes(result: Result) -> str:
    """The lines that say what is wrong; the command must have failed for them."""
    assert result.exit_code == 1, result.output
    return "\n".join(line for line in result.output.splitlines() if line.lstrip().startswith("error"))


@contextmanager
def broken(stack: StackInfo, breaking: LiteralString, mending: LiteralString, until: tuple[str, str]) -> Iterator[None]:
    """The stack with something changed, once PostgREST answers the path with the code."""
    with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
        connection.execute(breaking)
        try:
            wait_for(stack, *until)
            yield
        finally:
            connection.execute(mending)


def wait_for(stack: StackInfo, path: str, code: str) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"{stack.rest_url}/{path}") as response:
                found = str(response.status)
        except urllib.error.HTTPError as error:
            with error:
                found = str(json.load(error)["code"])
        if found == code:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} answers {found}")


def test_a_healthy_stack(seeded: StackInfo) -> None:
    result = doctor(seeded, *BEN, "--database-url", seeded.db_url)
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
        *(f"Function {name} answers." for system in systems.found() for name in system.edge_functions),
        "Row level security is on",
        "Types and tables agree, and nothing is missing that the fields need.",
        "Realtime has its policies",
        "Statements time out: anon after 3s",
        "Postgres ends what the gateway has given up on.",
        "Jobs run and call Edge Functions: extensions and secrets are there.",
        "No errors",
    ]:
        assert sentence in result.output
    assert "\x1b[" not in result.output
    for secret in (seeded.publishable_key, "tripgate-demo", "eyJ", seeded.db_url, "Traceback"):
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


def test_the_login_that_reads_straight_from_postgres(breakable: StackInfo) -> None:
    url = make_direct_login(breakable.db_url)
    assert "The login of TRIPGATE_DATABASE_URL can do nothing but become a caller" in (
        doctor(breakable, TRIPGATE_DATABASE_URL=url).output
    )
    said = mistakes(doctor(breakable, TRIPGATE_DATABASE_URL=url.replace("tripgate_gateway:", "nobody:")))
    assert "There is no such login, or the password is not its own." in said
    said = mistakes(doctor(breakable, TRIPGATE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/postgres"))
    assert "The database of TRIPGATE_DATABASE_URL cannot be connected to (OperationalError)." in said
    with psycopg.connect(breakable.admin_db_url, autocommit=True) as connection:
        connection.execute("alter role tripgate_gateway bypassrls inherit")
        try:
            said = mistakes(doctor(breakable, TRIPGATE_DATABASE_URL=url))
        finally:
            connection.execute("alter role tripgate_gateway nobypassrls noinherit")
    assert 'Run: alter role "tripgate_gateway" nobypassrls;' in said
    assert "inherits what other roles may do" in said
    assert url.rpartition("@")[0].rpartition(":")[2] not in said


def test_the_legacy_secret(breakable: StackInfo) -> None:
    assert "A token verifies: HS256" in doctor(breakable, *BEN).output
    said = mistakes(doctor(breakable, *BEN, SUPABASE_JWT_SECRET="not-the-secret-of-this-project-but-as-long"))
    assert "The token's signature does not verify" in said
    others = breakable.__class__(**{**vars(breakable), "jwt_secret": None})
    said = mistakes(doctor(others, *BEN))
    assert "it signs with the legacy secret, which is not set here" in said
    assert "Tokens are signed with HS256, and SUPABASE_JWT_SECRET is not set." in said


def test_a_superfluous_legacy_secret(seeded: StackInfo) -> None:
    result = doctor(seeded, SUPABASE_JWT_SECRET="the-secret-that-signed-tokens-in-the-past")
    assert result.exit_code == 0
    assert "SUPABASE_JWT_SECRET lets HS256 tokens in as well" in result.output


def test_missing_columns_and_relations(breakable: StackInfo) -> None:
    with broken(
        breakable,
        """alter table public.trips rename column destination to was_destination;
           alter table public.trips rename column budget to was_budget;
           alter table public.trip_items drop constraint fk_trip_items_place_id""",
        """alter table public.trips rename column was_destination to destination;
           alter table public.trips rename column was_budget to budget;
           alter table public.trip_items add constraint fk_trip_items_place_id
               foreign key (place_id) references public.places (id) on delete set null""",
        until=("trip_items?select=place:places!place_id(id)", "PGRST200"),
    ):
        said = mistakes(doctor(breakable))
        assert "Type Trip needs what is not there: column trips.destination and column trips.budget." in said
        assert "Type TripItem needs what is not there: the foreign key trip_items.place_id to places." in said
        assert "Push the migrations" in said
    wait_for(breakable, "trip_items?select=place:places!place_id(id)", "42501")


def test_a_missing_table_and_function(breakable: StackInfo) -> None:
    with broken(
        breakable,
        "alter table public.tags rename to was_tags; alter function public.delete_my_account() rename to was_delete",
        "alter table public.was_tags rename to tags; alter function public.was_delete() rename to delete_my_account",
        until=("rpc/delete_my_account", "PGRST202"),
    ):
        said = mistakes(doctor(breakable, "--database-url", breakable.db_url))
        assert "There is no table tags, which type Tag needs." in said
        assert said.count("There is no function delete_my_account.") == 2
    wait_for(breakable, "rpc/delete_my_account", "42501")
    wait_for(breakable, "tags", "42501")


@contextmanager
def in_the_database(stack: StackInfo, change: str, mend: str) -> Iterator[str]:
    """What the doctor says of the database with something changed, on one line."""
    with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
        connection.execute(change.encode())
        try:
            yield " ".join(doctor(stack, "--database-url", stack.db_url).output.split())
        finally:
            connection.execute(mend.encode())


WELL = "Jobs run and call Edge Functions: extensions and secrets are there."


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "project_url",
            None,
            "error Vault has no secret project_url, without which the database calls no Edge Function.",
        ),
        (
            "cron_secret",
            None,
            "error Vault has no secret cron_secret, without which the database calls no Edge Function.",
        ),
        (
            "project_url",
            " \n",
            "error The secret project_url in Vault is empty. Run: select vault.update_secret(id, '…')",
        ),
        ("cron_secret", "", "error The secret cron_secret in Vault is empty. Run: select vault.update_secret(id, '…')"),
        ("project_url", "api.example", "error The secret project_url is no address of an API"),
        ("project_url", "https://api.example/rest/v1", "error The secret project_url is no address of an API"),
        ("project_url", "http://[", "error The secret project_url is no address of an API"),
        ("project_url", "http://kong:8000/", f"ok {WELL}"),
        ("cron_secret", "open sesame", "warning The secret cron_secret has 11 characters: whoever guesses it"),
        ("cron_secret", 40 * "x", f"ok {WELL}"),
    ],
)
def test_secrets_of_the_database(breakable: StackInfo, name: str, value: str | None, sentence: str) -> None:
    with psycopg.connect(breakable.admin_db_url) as connection:
        query = "select id, decrypted_secret from vault.decrypted_secrets where name = %s"
        ((secret, kept),) = connection.execute(query, (name,)).fetchall()
    change = f"delete from vault.secrets where name = '{name}'"
    back = f"{change}; select vault.create_secret('{kept}', '{name}')"
    if value is not None:
        change = f"select vault.update_secret('{secret}', E'{value}')"
    with in_the_database(breakable, change, back) as said:
        assert sentence in said
        assert kept not in said or name == "project_url"


@pytest.mark.parametrize(
    ("url", "api_url", "sentence"),
    [
        ("https://abc.supabase.co", "https://abc.supabase.co", None),
        ("https://ABC.supabase.co/", "https://abc.supabase.co", None),
        ("http://abc.supabase.co", "https://abc.supabase.co", "is not https"),
        ("https://other.supabase.co", "https://abc.supabase.co", "leads to other.supabase.co, and SUPABASE_URL to abc"),
    ],
)
def test_where_the_database_finds_a_hosted_project(
    breakable: StackInfo, url: str, api_url: str, sentence: str | None
) -> None:
    with psycopg.connect(breakable.admin_db_url) as connection:
        query = "select vault.update_secret(id, %s) from vault.secrets where name = 'project_url'"
        connection.execute(query, (url,))
        found = scheduling.findings(connection, api_url)
        connection.rollback()
    assert (sentence is None) == (found == [ok(WELL)])
    assert sentence is None or sentence in found[0].text


def test_extensions_jobs_and_answers_of_the_database(breakable: StackInfo) -> None:
    with psycopg.connect(breakable.admin_db_url) as connection:
        connection.execute("set local role postgres")
        connection.execute("select cron.schedule('clean', '0 3 * * *', 'select 1 / 0')")
        connection.execute("reset role")
        connection.execute(
            "insert into cron.job_run_details (jobid, username, status, return_message)"
            " select jobid, username, status, message from cron.job, (values ('succeeded', '1 row'),"
            " ('failed', E'ERROR:  division by zero\n'), ('running', null)) as run (status, message)"
            " where jobname = 'clean'"
        )
        connection.execute("insert into net._http_response (id, status_code) values (-1, 401), (-2, 200)")
        assert [finding.line for finding in scheduling.findings(connection, breakable.api_url)] == [
            "Job clean failed when it ran last: ERROR: division by zero See cron.job_run_details.",
            "1 of the database's requests of the last quarter of an hour were answered 401. Is the functions' "
            "CRON_SECRET the cron_secret of Vault, and verify_jwt false for functions of services?",
        ]
        for name, sentence in {
            "pg_net": "Extension pg_net is not there, so the database calls no Edge Function.",
            "pg_cron": "Extension pg_cron is not there, so no job runs.",
            "supabase_vault": "Extension supabase_vault is not there, so jobs find no secret.",
        }.items():
            connection.execute(f"drop extension {name} cascade".encode())
            found = scheduling.findings(connection, breakable.api_url)
            assert sentence in [finding.text for finding in found]
            assert any(f"Run: create extension {name} with schema" in finding.advice for finding in found)
        connection.rollback()
        # Without the right to look, and where nothing calls functions.
        connection.execute("set local role authenticated")
        assert [finding.text for finding in scheduling.findings(connection, breakable.api_url)] == [
            f"What {name} keeps was not looked at." for name in ("supabase_vault", "pg_cron", "pg_net")
        ]
        connection.rollback()
        connection.execute("drop function private.invoke_function cascade")
        assert scheduling.findings(connection, breakable.api_url) == []
        connection.rollback()


def test_a_row_that_does_not_embed_itself(breakable: StackInfo) -> None:
    with broken(
        breakable,
        """alter function public.whole_trips(public.trips) rename to was_whole;
           alter role authenticator set pgrst.jwt_cache_max_lifetime = '3600'""",
        """alter function public.was_whole(public.trips) rename to whole_trips;
           alter role authenticator reset pgrst.jwt_cache_max_lifetime""",
        until=("trips?select=w:whole_trips()", "PGRST200"),
    ):
        result = doctor(breakable, *BEN, "--database-url", breakable.db_url)
        assert mistakes(result).count("There is no function whole_trips.") == 2
        assert "Type Trip needs what is not there: function whole_trips." in mistakes(result)
        assert "jwt_cache_max_lifetime, which it knows up to version 13" in result.output
    wait_for(breakable, "trips?select=w:whole_trips()", "42501")


def test_row_level_security_switched_off(breakable: StackInfo) -> None:
    with broken(
        breakable,
        """alter table public.trips disable row level security; alter table public.profiles disable row level security;
           alter table public.trips disable trigger broadcast_trips_changes""",
        """alter table public.trips enable row level security; alter table public.profiles enable row level security;
           alter table public.trips enable trigger broadcast_trips_changes""",
        until=("trips", "42501"),
    ):
        said = mistakes(doctor(breakable, *BEN, "--database-url", breakable.db_url))
        assert "This account sees rows of strangers in trips" in said
        assert "Row level security is off on trips: whoever is granted it sees and changes every row." in said
        assert "alter table public.trips enable row level security" in said
        assert "Trigger broadcast_trips_changes is switched off." in said


def test_rights_for_everybody(breakable: StackInfo) -> None:
    with broken(
        breakable,
        """grant select on public.votes, public.places to anon; alter table public.places disable row level security;
           grant execute on function public.delete_my_account() to anon""",
        """revoke all on public.votes, public.places from anon; alter table public.places enable row level security;
           revoke execute on function public.delete_my_account() from anon""",
        until=("votes", "200"),
    ):
        said = mistakes(doctor(breakable, "--database-url", breakable.db_url))
        assert "Anybody without an account may read votes, though no row is shown." in said
        assert "Anybody without an account may read places, and sees rows of it." in said
        assert "Anybody without an account may call delete_my_account." in said
        assert "Role anon is granted rights on votes." in said
        assert "Role anon may call delete_my_account." in said


def test_a_table_that_is_not_granted(breakable: StackInfo) -> None:
    with broken(
        breakable,
        "revoke select on public.tags from authenticated; alter role anon reset statement_timeout;"
        " alter role authenticator reset pgrst.db_pre_request",
        "grant select on public.tags to authenticated; alter role anon set statement_timeout = '3s';"
        " alter role authenticator set pgrst.db_pre_request = 'requests.begin_request'",
        until=("tags", "42501"),
    ):
        result = doctor(breakable, *BEN, "--database-url", breakable.db_url)
        assert "Signed-in people may not read tags: permission denied for table tags." in mistakes(result)
        assert "No statement_timeout for anon" in result.output
        assert "PostgREST does not call requests.begin_request" in result.output


def test_a_stopped_postgrest(breakable: StackInfo) -> None:
    """Last of all: the stack does not come back from this."""
    port = int(breakable.rest_url.rpartition(":")[2])
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a child of another test's that has just ended
            if process.name() == "postgrest" and any(each.laddr.port == port for each in process.net_connections()):
                found.append(process)
    (postgrest,) = found
    postgrest.kill()
    postgrest.wait(10)
    assert "PostgREST does not answer behind the front door (HTTP status 502)" in mistakes(doctor(breakable))


@pytest.fixture
async def phoenix() -> AsyncIterator[tuple[str, set[str]]]:
    """A server that speaks just enough of Realtime; its address, and the topics that it lets people join."""
    open_topics: set[str] = set()

    async def websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            frame = message.json()
            allowed = frame["event"] == "heartbeat" or any(map(frame["topic"].startswith, open_topics))
            payload = {"status": "ok"} if allowed else {"status": "error", "response": {"reason": "Unauthorized: no"}}
            await socket.send_json({**frame, "event": "phx_reply", "payload": payload})
        return socket

    app = web.Application()
    app.router.add_get("/websocket", websocket)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    yield f"http://{host}:{port}", open_topics
    await runner.cleanup()


async def test_realtime_and_who_may_listen(
    http: aiohttp.ClientSession, seeded: StackInfo, phoenix: tuple[str, set[str]]
) -> None:
    address, open_topics = phoenix
    given = {"SUPABASE_URL": seeded.api_url, "SUPABASE_PUBLISHABLE_KEY": seeded.publishable_key}
    settings = Settings.model_validate({**given, "realtime_url": address})
    probe = Probe(http, seeded.publishable_key, deadline=5)
    somebody = SignedIn(Caller("u1", "token"), "token", "u1")

    assert [each.text for each in await live.realtime(probe, settings, None)] == ["Realtime answers."]
    (own_refused,) = await live.realtime(probe, settings, somebody)
    assert "does not let the account listen to its own topic: Unauthorized: no." in own_refused.text
    open_topics.add("realtime:user:u1")
    (good,) = await live.realtime(probe, settings, somebody)
    assert good.level is Level.OK
    open_topics.add("realtime:trip:")
    (too_open,) = await live.realtime(probe, settings, somebody)
    assert "listen to strangers' topics: trip." in too_open.text


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, {"code": "BAD_USER_INPUT", "message": "Say more.", "extensions": {}}, "answers."),
        (
            401,
            {"code": "UNAUTHENTICATED", "message": "No.", "extensions": {}},
            "answers, and lets in its own callers alone.",
        ),
        (401, {"code": 401, "message": "Invalid JWT"}, "refuses the account's token: Invalid JWT."),
        (404, {"code": "NOT_FOUND", "message": "Requested function was not found"}, "is not deployed."),
        (503, {"code": "BOOT_ERROR", "message": "Function failed to start (please check logs)"}, "does not start."),
        (546, {"code": "WORKER_LIMIT", "message": "No."}, "does not work: No."),
        (502, None, "does not work: HTTP status 502."),
    ],
)
async def test_functions_by_what_they_answer(http: aiohttp.ClientSession, status: int, body: object, told: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/functions/v1/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        given = {
            "SUPABASE_URL": f"http://127.0.0.1:{runner.addresses[0][1]}",
            "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
        }
        somebody = SignedIn(Caller("u1", "token"), "token", "u1")
        probe = Probe(http, "sb_publishable_x", deadline=5)
        first, *_ = await live.functions(probe, Settings.model_validate(given), somebody)
    finally:
        await runner.cleanup()
    names = [name for system in systems.found() for name in system.edge_functions]
    assert first.text.partition(". ")[0].rstrip(".") == f"Function {names[0]} {told}".rstrip(".")


def test_it_asks_for_all_that_the_program_calls() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "resolvers").rglob("*.py"))
    assert set(re.findall(r'(?:Call|postgrest\.call)\(\s*"([^"]+)"', sources)) <= set(calls())
    assert set(re.findall(r'invoke\(\s*"([^"]+)"', sources)) <= {
        name for system in systems.found() for name in system.edge_functions
    }
    assert set(never_seen()) == {table.name for table in catalog}


@pytest.mark.parametrize(
    ("config", "template", "sentence"),
    [
        (None, "", "nor is there a supabase/config.toml here to go by"),
        ("[auth", "", "nor is there a supabase/config.toml here to go by"),
        ("", "", "supabase/config.toml has no template for the mail recovery that can be read."),
        ("auth = 1", "", "supabase/config.toml has no template for the mail magic_link that can be read."),
        ("missing.html", "", "supabase/config.toml has no template for the mail recovery that can be read."),
        ("mail.html", "{{ .ConfirmationURL }}", "The template of the mail recovery carries no code."),
        ("mail.html", "{{.Token}}", "The template of the mail recovery carries no link."),
        ("mail.html", "Hello", "The template of the mail recovery carries no code and no link."),
        ("mail.html", "{{ .Token }} {{ .TokenHash }}", "carry a code and a link."),
    ],
)
async def test_mail_templates(tmp_path: Path, config: str | None, template: str, sentence: str) -> None:
    (tmp_path / "supabase").mkdir()
    (tmp_path / "mail.html").write_text(template)
    if config is not None:
        if config.endswith(".html"):
            config = "".join(f"[auth.email.template.{mail}]\ncontent_path = '{config}'\n" for mail in mails.MAILS)
        (tmp_path / "supabase" / "config.toml").write_text(config)
    found = await mails.templates(tmp_path)
    assert sentence in " ".join(finding.text for finding in found)
    assert all(finding.level is not Level.ERROR for finding in found)

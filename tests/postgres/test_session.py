"""What a request runs under is what PostgREST would give it, ends with it, and is seen to be so on each connection."""

import asyncio
import dataclasses
from typing import Any

import aiohttp
import orjson
import psycopg
import pytest

from gql.errors import ApiError
from tests.postgres.conftest import ADA, Own, backend_of, caller, claims_of
from tests.support import Person, serving
from tripgate.planner.plan import FunctionCall, Pick, Read
from tripgate.upstream.caller import ANONYMOUS, Caller
from tripgate.upstream.postgres import session as module
from tripgate.upstream.postgres.pool import Pool
from tripgate.upstream.postgres.render import Statement
from tripgate.upstream.postgres.session import ROLES, SessionError, open_sessions, role_session
from tripgate.upstream.postgres.wire import WireConnection

NAMES = (
    "role",
    "request.jwt.claims",
    "request.method",
    "request.path",
    "statement_timeout",
    "lock_timeout",
    "work_mem",
    "timezone",
    "datestyle",
    "intervalstyle",
    "transaction_read_only",
    "default_text_search_config",
)
SEEN = f"""
create or replace function public.settings_seen() returns jsonb language sql stable as $$
    select jsonb_object_agg(name, current_setting(name, true)) || jsonb_build_object('current_user', current_user)
    from unnest(array[{", ".join(f"'{name}'" for name in NAMES)}]) as name
$$"""
ROLE_SETTINGS = (
    "alter role authenticated set statement_timeout = '3s'",
    "alter role authenticated set work_mem = '5000'",
    "alter role anon set statement_timeout = '2s'",
    "alter role authenticator set lock_timeout = '7s'",
    "alter role authenticator set intervalstyle = 'iso_8601'",
)
LOSING = "select set_config('work_mem', '64kB', true)"
CALL = FunctionCall("settings_seen", ())


@pytest.fixture(scope="module")
def settings(own: Own) -> None:
    """A function that tells what it sees, and settings of roles."""
    own.run(SEEN, "grant execute on function public.settings_seen() to anon, authenticated", *ROLE_SETTINGS)
    own.run("notify pgrst, 'reload schema'", "notify pgrst, 'reload config'")


async def seen(own: Own, who: Caller) -> Any:
    """What the function sees of a request straight to Postgres."""
    backend, pool = backend_of(own.url)
    try:
        (value,) = (await backend.fetch(backend.prepare(CALL), who, None)).rows
    finally:
        pool.close()
    return value


async def seen_behind_postgrest(own: Own, http: aiohttp.ClientSession, token: str | None) -> Any:
    """The same of a request to PostgREST, once it has taken up the new settings."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for _ in range(100):
        async with http.post(f"{own.info.rest_url}/rpc/settings_seen", json={}, headers=headers) as response:
            found = await response.json()
        if response.status == 200 and found["statement_timeout"] in {"2s", "3s"}:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(found)


@pytest.mark.usefixtures("settings")
async def test_somebody_signed_in_runs_under_the_same_settings(own: Own, http: aiohttp.ClientSession) -> None:
    async with serving(own.info) as url:
        ada = await Person(http, url).sign_in("ada@tripgate.example", "tripgate-demo")
    assert ada.token is not None
    expected = await seen_behind_postgrest(own, http, ada.token)
    found = await seen(own, caller(ADA))
    assert found.pop("request.jwt.claims") == (await claims_of(ADA)).decode()
    assert orjson.loads(expected.pop("request.jwt.claims"))["sub"] == ADA
    assert found == expected
    assert (found["role"], found["statement_timeout"], found["lock_timeout"]) == ("authenticated", "3s", "7s")


@pytest.mark.usefixtures("settings")
async def test_so_does_nobody(own: Own, http: aiohttp.ClientSession) -> None:
    found, expected = await seen(own, ANONYMOUS), await seen_behind_postgrest(own, http, None)
    assert found == expected
    assert (found["role"], found["request.jwt.claims"], found["statement_timeout"]) == ("anon", '{"role":"anon"}', "2s")


async def test_the_callers_deadline_counts_where_it_is_shorter() -> None:
    settings = {"authenticated": {"statement_timeout": "8s"}, "authenticator": {"statement_timeout": "1min"}}
    begun = [
        role_session(role, settings, "public").begin(b"{}", milliseconds, b"GET", b"/trips").values[1]
        for role in ROLES
        for milliseconds in (500, 100_000)
    ]
    assert begun == [b"500", b"60000", b"500", b"8000"]
    assert role_session("anon", {}, "public").begin(b"{}", 123_456, b"GET", b"/trips").values[1] == b"123456"


async def test_whoever_may_write_behind_postgrest_may_not_here(own: Own) -> None:
    own.run(
        "create or replace function public.writes() returns text language sql volatile as "
        "$$ update public.profiles set display_name = 'changed' where id = auth.uid() returning 'written' $$",
        "grant execute on function public.writes() to authenticated",
    )
    backend, pool = backend_of(own.url)
    with pytest.raises(ApiError, match="This would change something"):
        await backend.fetch(backend.prepare(FunctionCall("writes", ())), caller(ADA), None)
    pool.close()


async def test_a_pre_request_function_of_the_projects_own_is_called_before_each_read(own: Own) -> None:
    own.run(
        "create or replace function public.refuses() returns void language plpgsql as $$ begin "
        "if current_setting('request.method') = 'GET' and current_setting('request.path') = '/trips' and "
        "current_user = 'authenticated' then raise sqlstate 'PT403' using message = 'not today'; end if; end $$",
        "grant execute on function public.refuses() to anon, authenticated",
        "alter role authenticator set pgrst.db_pre_request = 'public.refuses'",
    )
    try:
        backend, pool = backend_of(own.url)
        with pytest.raises(ApiError) as refused:
            await backend.fetch(backend.prepare(Read("trips", (Pick("id"),))), caller(ADA), None)
        assert refused.value.extensions["code"] == "FORBIDDEN"
        assert (await backend.fetch(backend.prepare(Read("places", (Pick("id"),))), caller(ADA), None)).rows
        pool.close()
    finally:
        own.run("alter role authenticator set pgrst.db_pre_request = 'requests.begin_request'")


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("not (a, b) is null", "a request did not become anon"),
        ("without role", "a request did not become anon"),
        ("session wide", "the setting request.jwt.claims outlived its request"),
        ("not cleaned", "the setting request.path outlived its request"),
    ],
)
async def test_a_connection_whose_settings_do_not_hold_is_not_used(
    own: Own, monkeypatch: pytest.MonkeyPatch, kept: str, said: str
) -> None:
    made = role_session

    def spoilt(role: str, found: Any, search_path: str) -> Any:
        session = made(role, found, search_path)
        text = session.preamble
        if kept == "not (a, b) is null":
            # As Postgres computes no more of a row than it takes to know that it is not null.
            first = text.removeprefix("select ").partition("set_config('search_path'".replace("'", "E'", 1))[0]
            text = text.replace(first, "$1, ")
        elif kept == "without role":
            text = text.replace(f"set_config(E'role', E'{role}', true)", "current_setting('role')")
        elif kept == "not cleaned":
            monkeypatch.setattr(module, "CLEAN", ())
        else:
            text = text.replace("$1, true)", "$1, false)")
            monkeypatch.setattr(module, "CLEAN", ())
        return dataclasses.replace(session, preamble=text)

    monkeypatch.setattr(module, "role_session", spoilt)
    connection = await WireConnection.open(own.url, named=True, timeout=5)
    with pytest.raises(SessionError, match=said):
        await open_sessions(connection, "public", 5)
    connection.close()


async def test_a_setting_that_is_lost_is_found_out(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is read again by the statement behind the preamble."""
    connection = await WireConnection.open(own.url, named=True, timeout=5)
    ask = connection.ask

    async def losing(statements: Any, seconds: float) -> Any:
        if len(statements) > 1:
            results = await ask((statements[0], Statement(LOSING), *statements[1:]), seconds)
            return [results[0], *results[2:]]
        return await ask(statements, seconds)

    own.run("alter role anon set work_mem = '6MB'")
    monkeypatch.setattr(connection, "ask", losing)
    try:
        with pytest.raises(SessionError, match="the setting work_mem took no effect"):
            await open_sessions(connection, "public", 5)
    finally:
        own.run("alter role anon reset work_mem")
        connection.close()


async def test_nothing_of_a_request_is_left_behind(own: Own) -> None:
    """Looked at over the same connection, by a statement without a preamble."""
    pool = Pool(own.url, size=1, named=True, search_path="public")
    session = await pool.take(5)
    looking = Statement("select current_user, current_setting('role'), current_setting('request.jwt.claims', true)")
    begun = session.roles["authenticated"].begin(await claims_of(ADA), 1000, b"GET", b"/trips")
    for statements in ((begun,), (begun, Statement("select 1 / 0")), (begun, Statement("select nonsense"))):
        try:
            await session.connection.ask(statements, 5)
        except Exception:
            assert len(statements) == 2
        (left,) = await session.connection.ask((looking,), 5)
        assert [left.get_value(0, column) for column in range(3)] == [b"tripgate_gateway", b"none", b""]
    pool.close()


def test_the_login_alone_sees_nothing(own: Own) -> None:
    """Whoever has its password and becomes nobody reads no row."""
    with psycopg.connect(own.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from public.trips")

"""What Postgres says of a failure is told as it is behind PostgREST, and what a function says costs no connection."""

import dataclasses
from collections.abc import AsyncIterator, Iterator

import aiohttp
import psycopg.errors
import pytest

from gql.errors import ApiError
from tests.postgres.conftest import ADA, Own, backend_of, called, caller
from tests.postgres.test_faults import code as how_it_ends
from tests.support import Person, serving
from tripgate.gateway.settings import Settings
from tripgate.gateway.upstreams import open_upstreams
from tripgate.planner.plan import FunctionCall, Pick, Read
from tripgate.upstream.backend import Backend, BackendError
from tripgate.upstream.caller import Caller
from tripgate.upstream.postgres.render import Query, Statement

ME = caller(ADA)
SQLSTATES = sorted(
    {
        found
        for each in vars(psycopg.errors).values()
        if isinstance(each, type) and isinstance(found := getattr(each, "sqlstate", None), str)
    }
)
OURS = ["PT401", "PT403", "PT404", "PT412", "PT429", "PT500", "XYZ01"]
RETRIED_BY_POSTGREST = "40001"
RAISES = """
create or replace function public.raises(code text, message text, detail text default 'a detail') returns text
language plpgsql stable as $$
begin raise exception using errcode = code, message = message, hint = 'a hint', detail = detail; end $$"""
RAISED_FOR_POSTGREST = (
    ('{"code":"23505","message":"m"}', '{"status":409,"headers":{}}'),
    ('{"code":"PT404","message":"m"}', '{"status":404,"headers":{"X-A":"b"}}'),
    ('{"code":"own","message":"m","hint":"h"}', '{"status":418,"status_text":"teapot","headers":{}}'),
    ('{"code":"23505","message":"m"}', "no JSON"),
    ('{"code":"23505","message":"m"}', '{"status":"409","headers":{}}'),
    ('{"code":"23505","message":"m"}', '{"status":409}'),
    ('{"code":"23505"}', '{"status":409,"headers":{}}'),
    ("[]", '{"status":409,"headers":{}}'),
    ("no JSON", '{"status":409,"headers":{}}'),
)
ABOUT_STATEMENTS = ("0A000", "26000")
WRITES = "update public.profiles set display_name = display_name where id = auth.uid() returning 'written'"


@pytest.fixture(scope="module", autouse=True)
def functions(own: Own) -> Iterator[None]:
    """One that raises what it is told, and one that writes though it says that it does not."""
    own.run(
        RAISES,
        f"create or replace function public.writes_name() returns text language sql volatile as $$ {WRITES} $$",
        "create or replace function public.seems_stable() returns text language sql stable as "
        "$$ select public.writes_name() $$",
        "create or replace function public.says_stable() returns text language plpgsql stable as $$ begin "
        "update public.profiles set display_name = display_name where id = auth.uid(); return 'written'; end $$",
        "create or replace view public.changing_rows as select public.seems_stable() as id",
        "grant execute on function public.raises, public.seems_stable, public.says_stable, public.writes_name "
        "to authenticated",
        "grant select on public.changing_rows to authenticated",
        "notify pgrst, 'reload schema'",
    )
    yield
    own.run(
        "drop view public.changing_rows",
        "drop function public.seems_stable, public.says_stable, public.writes_name, public.raises",
    )


@pytest.fixture(scope="module")
async def behind(own: Own, http: aiohttp.ClientSession) -> AsyncIterator[tuple[Backend, Caller]]:
    """PostgREST, once it knows the functions, and somebody who may ask it."""
    async with serving(own.info) as url:
        ada = await Person(http, url).sign_in("ada@tripgate.example", "tripgate-demo")
    assert ada.token is not None
    settings = {
        "SUPABASE_URL": own.info.api_url,
        "SUPABASE_PUBLISHABLE_KEY": own.info.publishable_key,
        "rest_url": own.info.rest_url,
        "upstream_retries": 0,
        "breaker_failures": 10_000,
    }
    async with open_upstreams(Settings.model_validate(settings)) as upstreams:
        who = Caller(ADA, ada.token)
        while await told(upstreams.backend, who, "PT404", "") != ("NOT_FOUND", None):
            pass
        yield upstreams.backend, who


async def told(backend: Backend, who: Caller, code: str, message: str, **more: str) -> tuple[str, object]:
    """The public code of a failure, and when to come back."""
    try:
        await called(backend, "raises", who, code=code, message=message, **more)  # type: ignore[arg-type]
    except ApiError as error:
        return error.extensions["code"], error.extensions.get("retryAfter")
    except BackendError:
        return "masked", None
    return "ok", None


async def test_every_code_is_told_alike_over_both_backends(own: Own, behind: tuple[Backend, Caller]) -> None:
    backend, pool = backend_of(own.url, size=1, retries=0, breaker_failures=10_000)
    different = {}
    for code in {*SQLSTATES, *OURS} - {RETRIED_BY_POSTGREST}:
        found = await told(backend, ME, code, "as it is"), await told(*behind, code, "as it is")
        if found[0] != found[1]:
            different[code] = found
    assert different == {}
    # Of 42P05 alone, since what a function has prepared in its session is in another's way.
    assert pool.changes() == {"opened": 2, "refused": 0, "broken": 1}
    pool.close()


async def test_what_is_raised_for_postgrest_is_told_alike(own: Own, behind: tuple[Backend, Caller]) -> None:
    backend, pool = backend_of(own.url, size=1, retries=0)
    for message, detail in RAISED_FOR_POSTGREST:
        found = await told(backend, ME, "PGRST", message, detail=detail)
        assert found == await told(*behind, "PGRST", message, detail=detail)
    assert pool.changes() == {"opened": 1, "refused": 0, "broken": 0}
    pool.close()


@pytest.mark.parametrize("code", ABOUT_STATEMENTS)
async def test_a_function_that_fails_as_a_statement_would_costs_no_connection(own: Own, code: str) -> None:
    backend, pool = backend_of(own.url, size=1, retries=2)
    for _ in range(3):
        await told(backend, ME, code, "cached plan must not change result type")
    assert await how_it_ends(backend) == "ok"
    assert pool.changes() == {"opened": 1, "refused": 0, "broken": 0}
    assert backend._policy.retried == 0
    pool.close()


@pytest.mark.parametrize(
    ("code", "after"), [("08006", 1), ("53300", 1), ("57P01", 1), ("57P02", 1), ("57P03", 1), ("57P05", None)]
)
async def test_a_database_that_is_there_says_when_to_come_back(own: Own, code: str, after: int | None) -> None:
    backend, pool = backend_of(own.url, retries=0)
    assert await told(backend, ME, code, "m") == ("UPSTREAM_UNAVAILABLE", after)
    pool.close()


async def test_statements_that_are_stale_everywhere_are_prepared_anew_where_they_are(own: Own) -> None:
    """On each connection at once, since others are as old."""

    def change(value: str) -> None:
        own.run(
            "drop view if exists public.changing_kind",
            f"create view public.changing_kind as select {value} as kind",
            "grant select on public.changing_kind to authenticated",
        )

    change("'a'::text")
    backend, pool = backend_of(own.url, size=6, retries=0)
    plain = backend.prepare(Read("changing_kind", (Pick("kind"),)))
    assert isinstance(plain, Query)
    query = dataclasses.replace(plain, statements=(Statement("select to_json(1), kind from public.changing_kind"),))
    sessions = [await pool.opened(5) for _ in range(6)]
    for turn in ("'a'::text", "1"):
        change(turn)
        for session in sessions:
            pool.give(session)
            assert (await backend.fetch(query, ME, None)).rows == [1]
            assert pool.try_take() is session
    for session in sessions:
        pool.give(session)
    pool.close()
    own.run("drop view public.changing_kind")


PLANS = {
    "a function that says that it does not": (
        FunctionCall("says_stable", ()),
        "The function says_stable changes something, and a query calls it. Have it change nothing and say `stable`, or "
        "call it in a mutation of your own.",
    ),
    "a function": (
        FunctionCall("seems_stable", ()),
        "The function seems_stable changes something, and a query calls it. Have it change nothing and say `stable`, "
        "or call it in a mutation of your own.",
    ),
    "a view": (
        Read("changing_rows", (Pick("id"),)),
        "A view, a policy or a computed column changes something when changing_rows is read. Have what it calls change "
        "nothing.",
    ),
}


@pytest.mark.parametrize("what", PLANS)
async def test_a_read_that_changes_something_is_told_to_who_wrote_it(
    own: Own, behind: tuple[Backend, Caller], caplog: pytest.LogCaptureFixture, what: str
) -> None:
    plan, said = PLANS[what]
    backend, pool = backend_of(own.url)
    for asked, who in ((backend, ME), behind):
        caplog.clear()
        with pytest.raises(ApiError) as refused:
            await asked.fetch(asked.prepare(plan), who, None)
        assert (refused.value.extensions["code"], str(refused.value)) == (
            "NOT_ENABLED",
            "This would change something, and is asked for as something that only reads. Tell whoever runs the API.",
        )
        (line,) = (each for each in caplog.records if each.message == "read changes something")
        assert line.fields == {"reason": said}  # type: ignore[attr-defined]
    pool.close()

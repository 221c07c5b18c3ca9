"""What somebody could try who runs SQL of their own as a caller, over a connection that others use after them.

No field of the API lets anybody; a function of the project's own that is careless with its arguments might.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import orjson
import pytest

from gql.errors import ApiError
from tests.postgres.conftest import ADA, BEN, Own, backend_of, called, caller
from tests.postgres.test_callers import answer
from tests.support import examples
from tripgate.planner.plan import Pick, Read
from tripgate.upstream.backend import BackendError
from tripgate.upstream.caller import ANONYMOUS
from tripgate.upstream.postgres.backend import PostgresBackend

REQUESTS = examples(1500)
NAMES = (
    "role",
    "search_path",
    "transaction_read_only",
    "datestyle",
    "timezone",
    "work_mem",
    "default_transaction_isolation",
    "app.tenant",
    "request.jwt.claims",
)
TRIES = """create or replace function public.tries(statement text) returns text language plpgsql as $$
    begin execute statement; return current_user; end $$"""
SEES = f"""create or replace function public.sees() returns jsonb language sql stable as $$
    select jsonb_object_agg(name, coalesce(current_setting(name, true), ''))
        || jsonb_build_object('user', current_user, 'id', auth.uid(), 'who', auth.jwt() ->> 'sub', 'is', auth.role())
        || jsonb_build_object(
            'timed', current_setting('statement_timeout') <> '0',
            'locks', (select count(*) from pg_locks where locktype = 'advisory'),
            'cursors', (select count(*) from pg_cursors where is_holdable),
            'channels', (select count(*) from pg_listening_channels()))
    from unnest(array[{", ".join(f"'{name}'" for name in NAMES)}]) as name $$"""
IN_BENS_NAME = orjson.dumps({"sub": BEN, "role": "authenticated"}).decode()

REFUSED = {
    "another role": ("set role service_role", "42501"),
    "the owner": ("set role postgres", "42501"),
    "the superuser": ("set role supabase_admin", "42501"),
    "PostgREST": ("set role authenticator", "42501"),
    "another session": ("set session authorization postgres", "42501"),
    "a transaction that writes": ("set local transaction_read_only = off", "25001"),
    "the same by a function": ("select set_config('transaction_read_only', 'off', true)", "25001"),
    "a row": (f"insert into public.trips (user_id, title) values ('{ADA}', 'Stolen')", "25006"),
    "a change": ("update public.trips set title = 'Stolen'", "25006"),
    "a table": ("create table public.stolen (id int)", "25006"),
    "a function": ("create function public.stolen() returns int language sql return 1", "25006"),
    "a table of the session": ("create temporary table stolen (id int)", "25006"),
    "the same of rows": ("create temporary table stolen as select * from public.trips", "25006"),
    "the owner, from a function with the owner's rights": ("select public.as_owner('set role postgres')", "42501"),
    "another session from there": ("select public.as_owner('set session authorization postgres')", "42501"),
    "an end": ("commit", "0A000"),
    "a file": ("copy public.trips to '/tmp/stolen'", "42501"),
    "a program": ("copy public.trips to program 'true'", "42501"),
    "the server's settings": ("alter system set log_statement = 'all'", "25001"),
    "passwords": ("select rolpassword from pg_catalog.pg_authid", "42501"),
    "a time without end": ("select pg_sleep(60)", "57014"),
}
LEFT_BEHIND = (
    f"select set_config('request.jwt.claims', '{IN_BENS_NAME}', false)",
    f"select set_config('request.jwt.claim.sub', '{BEN}', false)",
    "select set_config('request.jwt.claim.role', 'service_role', false)",
    "set session role anon",
    "set session role authenticated",
    "reset role",
    "set session statement_timeout = 0",
    "set session search_path = nowhere",
    "set session datestyle = 'German'",
    "set session timezone = 'Asia/Tokyo'",
    "set session transaction_read_only = on",
    "set session default_transaction_read_only = off",
    "set session default_transaction_isolation = 'read committed'",
    "reset all",
    "deallocate all",
    "prepare t1 as select 1",
    "listen everything",
    "select set_config('app.tenant', 'acme', false)",
    "select public.as_owner('select set_config(''app.tenant'', ''acme'', false)')",
    "set session work_mem = '64kB'",
    "select pg_advisory_lock(7)",
    "select pg_advisory_lock_shared(7, 8)",
    "declare left_behind cursor with hold for select 1",
)
KEPT_BY_WHAT_FAILS = "select pg_advisory_lock(7); select 1 / 0"


@pytest.fixture(scope="module")
def tries(own: Own) -> Iterator[None]:
    """The careless function, and one that tells what it runs under."""
    own.run(
        TRIES,
        TRIES.replace("public.tries", "public.as_owner").replace("plpgsql", "plpgsql security definer"),
        SEES,
        "create or replace function public.keeps_tenant() returns text language sql as "
        "$$ select set_config('app.tenant', 'acme', false) $$",
        "create or replace view public.tenants as select public.keeps_tenant() as tenant",
        "grant execute on function public.tries, public.as_owner, public.sees, public.keeps_tenant "
        "to anon, authenticated",
        "grant select on public.tenants to authenticated",
    )
    yield
    own.run("drop view public.tenants", "drop function public.tries, public.as_owner, public.sees, public.keeps_tenant")


@pytest.fixture
async def one(own: Own, tries: None) -> AsyncIterator[PostgresBackend]:
    """A backend of one connection, which all share."""
    backend, pool = backend_of(own.url, size=1, timeout=1.0)
    yield backend
    pool.close()


@pytest.mark.parametrize("what", REFUSED)
async def test_what_a_caller_may_not_is_refused_by_postgres(one: PostgresBackend, own: Own, what: str) -> None:
    statement, sqlstate = REFUSED[what]
    before = await answer(one, 1, caller(ADA))
    with pytest.raises((ApiError, BackendError)) as refused:
        await called(one, "tries", caller(ADA), statement=statement)
    cause = refused.value if isinstance(refused.value, BackendError) else refused.value.__cause__
    assert isinstance(cause, BackendError)
    assert cause.code == sqlstate
    assert await answer(one, 1, caller(ADA)) == before
    assert await called(one, "tries", caller(ADA), statement="select 1") == "authenticated"


@pytest.mark.parametrize("statement", LEFT_BEHIND)
async def test_nothing_that_one_caller_sets_for_good_is_the_next_ones(one: PostgresBackend, statement: str) -> None:
    people = (caller(ADA), caller(BEN), ANONYMOUS)
    expected = [(await answer(one, 1, who), await called(one, "sees", who)) for who in people]
    for who in people:
        await called(one, "tries", who, statement=statement)
        assert [(await answer(one, 1, each), await called(one, "sees", each)) for each in people] == expected


async def test_locks_of_a_call_that_fails_are_given_up_before_anybody_else_asks(one: PostgresBackend) -> None:
    for who in (caller(ADA), ANONYMOUS):
        before = await called(one, "sees", caller(BEN))
        with pytest.raises((ApiError, BackendError)):
            await called(one, "tries", who, statement=KEPT_BY_WHAT_FAILS)
        assert await called(one, "sees", caller(BEN)) == before


async def test_locks_of_a_call_that_nobody_waits_for_are_given_up(own: Own, one: PostgresBackend) -> None:
    before = await called(one, "sees", caller(BEN))
    going = asyncio.create_task(
        called(one, "tries", caller(ADA), statement="select pg_advisory_lock(7), pg_sleep(0.3); select 1 / 0")
    )
    await asyncio.sleep(0.15)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert await called(one, "sees", caller(BEN)) == before


async def test_what_a_policy_or_a_view_sets_for_good_is_undone_too(one: PostgresBackend) -> None:
    before = await called(one, "sees", caller(BEN))
    reading = one.prepare(Read("tenants", (Pick("tenant"),)))
    assert (await one.fetch(reading, caller(ADA), None)).rows == [{"tenant": "acme"}]
    assert await called(one, "sees", caller(BEN)) == before


@pytest.mark.parametrize("named", [True, False], ids=["prepared", "unnamed"])
async def test_nothing_of_anybody_is_left_whatever_they_set_and_whoever_goes(
    own: Own, tries: None, *, named: bool
) -> None:
    """Three callers over two connections try all of these at random, and a third go before they are answered."""
    backend, pool = backend_of(own.url, size=2, named=named, queue=10_000, timeout=20.0)
    people = (caller(ADA), caller(BEN), ANONYMOUS)
    expected = {who: await called(backend, "sees", who) for who in people}
    wrong: list[object] = []
    seen = 0

    async def client(seed: int) -> None:
        nonlocal seen
        chance = random.Random(seed)
        for _ in range(REQUESTS // 20):
            who = chance.choice(people)
            statement = chance.choice((*LEFT_BEHIND, KEPT_BY_WHAT_FAILS))
            if statement == "deallocate all" and chance.random() < 0.9:
                continue  # which costs a connection
            trying = asyncio.ensure_future(called(backend, "tries", who, statement=statement))
            if chance.random() < 0.35:
                await asyncio.sleep(chance.random() * 0.004)
                trying.cancel()
            with suppress(ApiError, BackendError, asyncio.CancelledError):
                await trying
            found = await called(backend, "sees", who)
            seen += 1
            # A lock may be another's, for as long as that one's request lasts.
            if {**found, "locks": 0} != {**expected[who], "locks": 0}:  # type: ignore[dict-item]
                wrong.append((statement, found))

    await asyncio.gather(*map(client, range(20)))
    assert wrong == []
    assert seen > REQUESTS // 2
    assert await called(backend, "sees", people[0]) == expected[people[0]]
    pool.close()


async def test_the_login_itself_reads_nothing_when_a_role_is_given_up(one: PostgresBackend) -> None:
    with pytest.raises((ApiError, BackendError), match="not allowed"):
        await called(one, "tries", caller(ADA), statement="reset role; select count(*) from public.trips")


async def test_what_a_function_remarks_reaches_nobody(
    one: PostgresBackend, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    statement = "do 'begin raise warning ''a secret remark''; end'"
    assert await called(one, "tries", caller(ADA), statement=statement) == "authenticated"
    written = capfd.readouterr()
    assert "secret" not in written.out + written.err + caplog.text

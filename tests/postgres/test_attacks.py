"""What somebody could try who runs SQL of their own as a caller, over a connection that others use after them.

No field of the API lets anybody; a function of the project's own that is careless with its arguments might.
"""

from collections.abc import AsyncIterator, Iterator

import orjson
import pytest

from gql.errors import ApiError
from tests.postgres.conftest import ADA, BEN, Own, backend_of, called, caller
from tests.postgres.test_callers import answer
from tripgate.upstream.backend import BackendError
from tripgate.upstream.caller import ANONYMOUS
from tripgate.upstream.postgres.backend import PostgresBackend

NAMES = (
    "role",
    "search_path",
    "statement_timeout",
    "transaction_read_only",
    "datestyle",
    "timezone",
    "request.jwt.claims",
)
TRIES = """create or replace function public.tries(statement text) returns text language plpgsql as $$
    begin execute statement; return current_user; end $$"""
SEES = f"""create or replace function public.sees() returns jsonb language sql stable as $$
    select jsonb_object_agg(name, current_setting(name, true))
        || jsonb_build_object('user', current_user, 'id', auth.uid(), 'who', auth.jwt() ->> 'sub', 'is', auth.role())
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
)


@pytest.fixture(scope="module")
def tries(own: Own) -> Iterator[None]:
    """The careless function, and one that tells what it runs under."""
    own.run(TRIES, SEES, "grant execute on function public.tries(text), public.sees() to anon, authenticated")
    yield
    own.run("drop function public.tries(text)", "drop function public.sees()")


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

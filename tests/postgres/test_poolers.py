"""Debian's PgBouncer between gateway and Postgres: 1.18, which keeps no prepared statements between transactions."""

import asyncio
from collections.abc import Iterator

import pytest

from gql.catalog import catalog
from gql.errors import ApiError
from tests.pgbouncer import pgbouncer
from tests.postgres.conftest import ADA, BEN, Own, backend_of, caller
from tests.postgres.test_callers import answer, each_is_answered_their_own
from tests.support import examples
from tripgate.planner.plan import FunctionCall, Pick, Read
from tripgate.upstream.postgres.render import Statement
from tripgate.upstream.postgres.wire import WireConnection

REQUESTS = examples(1000)
LEFT = Statement("select session_user, current_user, coalesce(current_setting('request.jwt.claims', true), '')")


@pytest.fixture(scope="module", params=["session", "transaction"])
def mode(request: pytest.FixtureRequest) -> str:
    """How the pooler lends its connections."""
    return str(request.param)


@pytest.fixture(scope="module")
def pooled(own: Own, mode: str) -> Iterator[str]:
    """The login's address at a pooler of three connections."""
    with pgbouncer(own.url, mode, size=3) as url:
        yield url


@pytest.fixture(scope="module")
def transactions(own: Own) -> Iterator[str]:
    """The same at one that lends them for a transaction."""
    with pgbouncer(own.url, "transaction", size=3) as url:
        yield url


async def test_nobody_is_answered_anothers_rows(pooled: str, mode: str) -> None:
    backend, pool = backend_of(pooled, size=3, named=mode == "session", queue=10_000)
    await each_is_answered_their_own(backend, REQUESTS)
    pool.close()


async def test_nothing_of_a_request_is_left_on_the_poolers_connections(pooled: str, mode: str) -> None:
    backend, pool = backend_of(pooled, size=2, named=mode == "session")
    for who in (caller(ADA), caller(BEN)) * 3:
        assert await answer(backend, 1, who)
    pool.close()
    looking = await WireConnection.open(pooled, named=False, timeout=5)
    for _ in range(6):
        (found,) = await looking.ask((LEFT,), 5)
        assert [found.get_value(0, column) for column in range(3)] == [b"tripgate_gateway"] * 2 + [b""]
    looking.close()
    await asyncio.sleep(0.05)


async def test_a_statement_whose_time_is_over_is_ended_by_postgres(own: Own, pooled: str, mode: str) -> None:
    own.run(
        "create or replace function public.naps(seconds text) returns text language sql stable as "
        "$$ select pg_sleep(seconds::float8)::text $$",
        "grant execute on function public.naps(text) to authenticated",
    )
    backend, pool = backend_of(pooled, named=mode == "session", timeout=0.6)
    with pytest.raises(ApiError) as refused:
        await backend.fetch(backend.prepare(FunctionCall("naps", (("seconds", "5"),))), caller(ADA), None)
    assert refused.value.extensions["code"] == "TIMEOUT"
    assert (pool.open, pool.idle) == (1, 1)
    assert await answer(backend, 1, caller(ADA))
    pool.close()


async def test_prepared_statements_of_two_gateways_are_never_taken_for_each_other(
    transactions: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Where an operator has them prepared all the same, it is an error that is answered, and no other query's rows."""
    reads = [Read(name, (Pick("id"),), limit=3) for name in ("trips", "places", "trip_items", "profiles")]
    tables = [catalog[name] for name in ("Trip", "Place", "TripItem", "Profile")]
    backend, pool = backend_of(transactions, named=False)
    expected = [
        (await backend.fetch(backend.prepare(read), caller(ADA), table)).rows
        for read, table in zip(reads, tables, strict=True)
    ]
    pool.close()
    gateways = [backend_of(transactions, size=2, named=True, retries=0) for _ in range(4)]

    async def ask(number: int) -> None:
        backend, _ = gateways[number]
        for turn in range(40):
            which = (turn + number) % 4 if turn < 8 else (turn * 7 + number) % 4
            try:
                found = await backend.fetch(backend.prepare(reads[which]), caller(ADA), tables[which])
            except ApiError as error:
                assert error.extensions["code"] == "UPSTREAM_UNAVAILABLE"  # noqa: PT017
            else:
                assert list(found.rows) == list(expected[which])

    await asyncio.gather(*map(ask, range(4)))
    for _, pool in gateways:
        pool.close()
    said = {each.fields["reason"] for each in caplog.records if hasattr(each, "fields")}  # type: ignore[attr-defined]
    assert any("TRIPGATE_DATABASE_PREPARED=false" in reason for reason in said)

"""What one operation asks at the same moment goes in one packet, sees one state of the database, and fails alone."""

import asyncio
import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from gql.catalog import catalog
from gql.errors import ApiError
from tests.postgres.conftest import ADA, BEN, Own, backend_of, caller
from tests.support import Person, serving
from tripgate.planner.plan import Aggregate, Compare, Function, FunctionCall, Operator, Pick, Read
from tripgate.upstream.caller import Caller
from tripgate.upstream.postgres.backend import GatheringBackend, PostgresBackend, RoutedBackend
from tripgate.upstream.postgres.pool import Pool
from tripgate.upstream.postgres.wire import WireConnection

TITLES = Read("trips", (Pick("title"),), limit=2)
COUNT = Read("trips", (), aggregates=(Aggregate("count", Function.COUNT),))
WRONG = Read("trips", (Pick("title"),), where=Compare("id", Operator.EQ, "no uuid"))
TRIP = catalog["Trip"]


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many statements go in each packet, those aside that begin and end it, or say how much time is left."""
    found: list[int] = []
    run = WireConnection.run

    async def counting(self: WireConnection, role: str, statements: Any, seconds: float) -> Any:
        if role:
            found.append(sum("least(" not in each.text for each in statements) - 2)
        return await run(self, role, statements, seconds)

    monkeypatch.setattr(WireConnection, "run", counting)
    return found


@pytest.fixture
def gathering(own: Own) -> Iterator[tuple[GatheringBackend, Pool]]:
    backend, pool = backend_of(own.url, size=1)
    made = RoutedBackend(backend, backend).gathering()
    assert isinstance(made, GatheringBackend)
    yield made, pool
    pool.close()


async def answers(backend: Any, *reads: Read | FunctionCall, who: Caller | None = None) -> list[Any]:
    """What each is answered when all are asked at once: rows, or a code."""
    asked = (backend.fetch(backend.prepare(read), who or caller(ADA), TRIP) for read in reads)
    found = await asyncio.gather(*asked, return_exceptions=True)
    return [
        each.extensions["code"]
        if isinstance(each, ApiError)
        else each
        if isinstance(each, Exception)
        else list(each.rows)
        for each in found
    ]


async def test_all_go_in_one_packet(gathering: tuple[GatheringBackend, Pool], packets: list[int]) -> None:
    backend, _ = gathering
    titles, (count,) = await answers(backend, TITLES, COUNT)
    assert (len(titles), count) == (2, {"count": 4})
    assert packets == [2]
    assert await answers(backend, TITLES) == [titles]
    assert packets == [2, 1]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_one_that_fails_leaves_the_others_their_answers(
    gathering: tuple[GatheringBackend, Pool], packets: list[int], place: int
) -> None:
    reads = [TITLES, COUNT]
    reads.insert(place, WRONG)
    found = await answers(gathering[0], *reads)
    assert found.pop(place) == "BAD_USER_INPUT"
    assert ([len(rows) for rows in found], len(packets)) == ([2, 1], 1 if place == 2 else 2)


async def test_where_all_fail_each_says_why(gathering: tuple[GatheringBackend, Pool]) -> None:
    nowhere = FunctionCall("does_not_exist", ())
    wrong, masked, again = await answers(gathering[0], WRONG, nowhere, WRONG)
    assert (wrong, again) == ("BAD_USER_INPUT", "BAD_USER_INPUT")
    assert "42883" in str(masked)


async def test_calls_of_functions_go_by_themselves(own: Own, gathering: tuple[GatheringBackend, Pool]) -> None:
    """Behind PostgREST they come by POST, and what is called before each request sees that."""
    own.run(
        "create or replace function public.method_seen() returns text language sql stable as "
        "$$ select current_setting('request.method') $$",
        "grant execute on function public.method_seen() to authenticated",
    )
    called, (count,), again = await answers(
        gathering[0], FunctionCall("method_seen", ()), COUNT, FunctionCall("method_seen", ())
    )
    assert (called, count, again) == (["POST"], {"count": 4}, ["POST"])


async def test_calls_do_so_where_nothing_is_called_before_each_request(own: Own) -> None:
    own.run("alter role authenticator reset pgrst.db_pre_request")
    try:
        backend, pool = backend_of(own.url)
        call = FunctionCall("method_seen", ())
        found = await answers(GatheringBackend(backend, backend), call, call, COUNT, call)
        assert found == [["POST"], ["POST"], [{"count": 4}], ["POST"]]
        pool.close()
    finally:
        own.run("alter role authenticator set pgrst.db_pre_request = 'requests.begin_request'")


async def test_they_see_one_state(own: Own, packets: list[int]) -> None:
    """However often somebody writes meanwhile."""
    backend, pool = backend_of(own.url)
    gathering = GatheringBackend(backend, backend)
    own.run("create table if not exists public.ticks (n bigint)", "grant select on public.ticks to authenticated")
    counting = Read("ticks", (), aggregates=(Aggregate("count", Function.COUNT),))
    ticking = asyncio.create_task(
        asyncio.to_thread(own.run, *(f"insert into public.ticks values ({n})" for n in range(300)))
    )
    seen = set()
    while not ticking.done():
        first, *others = await answers(gathering, *[counting] * 4)
        assert others == [first] * 3
        seen.add(first[0]["count"])
    await ticking
    assert len(seen) > 2
    assert set(packets) == {4}
    own.run("drop table public.ticks")
    pool.close()


async def test_all_have_no_longer_together_than_one(own: Own) -> None:
    """Each statement of a packet may take what those before it have left of the request's time."""
    own.run(
        "create or replace view public.time_left as select pg_sleep(0.1)::text as slept, "
        "(1000 * extract(epoch from current_setting('statement_timeout')::interval))::int as left",
        "grant select on public.time_left to authenticated",
    )
    backend, pool = backend_of(own.url, timeout=6.0)
    napping = Read("time_left", (Pick("left"), Pick("slept")))
    lefts = [rows[0]["left"] for rows in await answers(GatheringBackend(backend, backend), *[napping] * 4)]
    assert all(after <= before - 100 for before, after in itertools.pairwise(lefts)), lefts
    counted = await backend.fetch(backend.prepare(dataclasses.replace(napping, count=True)), caller(ADA), TRIP)
    assert (len(counted.rows), counted.total) == (1, 1)
    own.run("drop view public.time_left")
    pool.close()


async def test_who_goes_does_not_take_the_others_along(gathering: tuple[GatheringBackend, Pool]) -> None:
    backend, pool = gathering
    going = asyncio.create_task(backend.fetch(backend.prepare(TITLES), caller(ADA), TRIP))
    staying = asyncio.create_task(backend.fetch(backend.prepare(COUNT), caller(ADA), TRIP))
    await asyncio.sleep(0)
    going.cancel()
    assert list((await staying).rows) == [{"count": 4}]
    for each in (
        both := [asyncio.create_task(backend.fetch(backend.prepare(TITLES), caller(ADA), TRIP)) for _ in "12"]
    ):
        await asyncio.sleep(0)
        each.cancel()
    assert all(isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*both, return_exceptions=True))
    assert await answers(backend, COUNT) == [[{"count": 4}]]
    assert (pool.open, pool.idle) == (1, 1)


async def test_a_pre_request_function_of_the_projects_own_sees_each_request(own: Own, packets: list[int]) -> None:
    own.run(
        "create or replace function public.refuses_places() returns void language plpgsql as $$ begin "
        "if current_setting('request.path') = '/places' then raise sqlstate 'PT403'; end if; end $$",
        "grant execute on function public.refuses_places() to anon, authenticated",
        "alter role authenticator set pgrst.db_pre_request = 'public.refuses_places'",
    )
    try:
        backend, pool = backend_of(own.url)
        places = Read("places", (Pick("id"),), limit=1)
        titles, refused, (count,) = await answers(GatheringBackend(backend, backend), TITLES, places, COUNT)
        assert (len(titles), refused, count) == (2, "FORBIDDEN", {"count": 4})
        pool.close()
    finally:
        own.run("alter role authenticator set pgrst.db_pre_request = 'requests.begin_request'")


async def test_an_operation_is_one_packet(own: Own, http: Any, packets: list[int]) -> None:
    """Its root fields, a page and its totals, and rows of several types."""
    async with serving(own.info, database_url=own.url) as url:
        ada = await Person(http, url).sign_in("ada@tripgate.example", "tripgate-demo")
        packets.clear()
        await ada.ask(
            "{ a: trips(first: 1) { nodes { title } } b: places { totalCount } viewer { displayName } "
            "c: tripItems { nodes { title details } aggregate { sum { cost } } } }"
        )
        assert packets == [5]
        packets.clear()
        await ada.ask("{ tripItems { nodes { title details } aggregate { sum { cost } } } }")
        assert packets == [2]
        packets.clear()
        await ada.ask("{ trips { nodes { title } aggregate { sum { budget } } } }")
        assert packets == [1]
        packets.clear()
        await ada.ask("{ trips(first: 1) { nodes { title } } }")
        assert packets == [1]


async def test_several_callers_share_no_packet(own: Own) -> None:
    """One backend gathers for one operation, and so for one caller."""
    backend, pool = backend_of(own.url)
    assert isinstance(backend, PostgresBackend)
    mine, theirs = await asyncio.gather(
        answers(GatheringBackend(backend, backend), TITLES, COUNT),
        answers(GatheringBackend(backend, backend), TITLES, COUNT, who=caller(BEN)),
    )
    assert mine[0] != theirs[0]
    pool.close()

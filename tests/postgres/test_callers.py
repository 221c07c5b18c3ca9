"""Nobody is ever answered another's rows, whatever becomes of the requests before theirs on the same connection."""

import asyncio
import random
from contextlib import suppress

import pytest

from gql.catalog import catalog
from gql.errors import ApiError
from tests.postgres.conftest import ADA, BEN, Own, backend_of, caller
from tests.support import examples
from tripgate.planner.plan import ALWAYS, Compare, Operator, Pick, Read
from tripgate.upstream.caller import ANONYMOUS, Caller
from tripgate.upstream.postgres.backend import PostgresBackend
from tripgate.upstream.postgres.session import RoleSession

REQUESTS = examples(3000)
STRANGER = "00000000-0000-4000-8000-000000000009"
CALLERS = (caller(ADA), caller(BEN), caller(STRANGER), ANONYMOUS)


def trips(number: int) -> Read:
    """The trips that somebody sees; of as many forms as there are numbers, so that statements are prepared anew."""
    where = ALWAYS if number % 3 else Compare("title", Operator.NEQ, f"none of number {number}")
    return Read("trips", (Pick("id"), Pick("user_id")), where=where, limit=50 + number % 7, count=number % 5 == 0)


async def answer(backend: PostgresBackend, number: int, who: Caller) -> object:
    """What they are answered: rows as text, or a code."""
    try:
        found = await backend.fetch(backend.prepare(trips(number)), who, catalog["Trip"])
    except ApiError as error:
        return error.extensions["code"]
    return sorted(row["id"] for row in found.rows)


@pytest.mark.parametrize("named", [True, False], ids=["prepared", "unnamed"])
async def test_nobody_is_answered_anothers_rows(own: Own, *, named: bool) -> None:
    backend, pool = backend_of(own.url, size=2, named=named, queue=10_000)
    await each_is_answered_their_own(backend, REQUESTS)
    while pool.idle < pool.open:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)  # what nobody waits for any more is over
    assert pool.open <= 2
    pool.close()


async def each_is_answered_their_own(backend: PostgresBackend, requests: int) -> None:
    """Ask so often, as people chosen at random, two in five of whom go before they are answered."""
    expected = {who: await answer(backend, 1, who) for who in CALLERS}
    assert expected[ANONYMOUS] == "UNAUTHENTICATED"
    assert expected[CALLERS[2]] == []
    assert expected[CALLERS[0]]
    assert expected[CALLERS[1]]
    assert expected[CALLERS[0]] != expected[CALLERS[1]]
    wrong: list[object] = []
    counts = {"answered": 0, "cancelled": 0}

    async def client(seed: int) -> None:
        chance = random.Random(seed)
        for number in range(requests // 20):
            who = chance.choice(CALLERS)
            asked = asyncio.ensure_future(answer(backend, number, who))
            if chance.random() < 0.4:
                await asyncio.sleep(chance.random() * 0.004)
                asked.cancel()
            with suppress(asyncio.CancelledError):
                found = await asked
                counts["answered"] += 1
                if found != expected[who]:
                    wrong.append((who.user_id, found))
                continue
            counts["cancelled"] += 1

    await asyncio.gather(*map(client, range(20)))
    assert wrong == []
    assert counts["answered"] > requests // 2
    assert counts["cancelled"] > requests // 20


async def test_the_test_above_would_show_it(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    """With claims that are not the caller's, the same comparison fails."""
    backend, pool = backend_of(own.url)
    mine = await answer(backend, 1, CALLERS[0])
    begin = RoleSession.begin
    monkeypatch.setattr(
        RoleSession, "begin", lambda self, claims, *rest: begin(self, claims.replace(ADA.encode(), BEN.encode()), *rest)
    )
    monkeypatch.setattr(RoleSession, "check", lambda *_: None)
    assert await answer(backend, 1, CALLERS[0]) != mine
    pool.close()


async def test_an_answer_under_other_claims_is_thrown_away(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the preamble answers is compared with what was asked, each time."""
    backend, pool = backend_of(own.url)
    assert await answer(backend, 1, CALLERS[0])
    begin = RoleSession.begin
    monkeypatch.setattr(
        RoleSession, "begin", lambda self, claims, *rest: begin(self, claims.replace(ADA.encode(), BEN.encode()), *rest)
    )
    assert await answer(backend, 1, CALLERS[0]) == "UPSTREAM_UNAVAILABLE"
    assert pool.idle == 0
    pool.close()

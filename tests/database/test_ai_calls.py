"""What a call of a model costs is held before it is made and counted after it, once, and never less than it took."""

from __future__ import annotations

import asyncio
import collections
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest

from tests.database.ai import MODEL, begin, calls_of, end, end_lost, finish, lose, payer, run_of, running
from tests.database.payments import RefusedError, call, limits, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from tripgate.local.stack import StackInfo


@pytest.fixture
def who(db: psycopg.Connection) -> uuid.UUID:
    return payer(db)


@pytest.fixture
def run(db: psycopg.Connection, who: uuid.UUID) -> uuid.UUID:
    return running(db, who)


def refused(attempt: Callable[[], Any]) -> tuple[str, Any]:
    with pytest.raises(RefusedError) as failure:
        attempt()
    told = failure.value.extensions
    return failure.value.code, told.get("reason", told.get("field", told.get("metric")))


class TestBefore:
    def test_the_most_that_it_can_cost_is_held(self, db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> None:
        # 1,000 x 0.25 + 500 x 2 millionths.
        assert begin(db, run, prompt=1000, output=500)["status"] == "open"
        assert limits(db, who)["ai_cost"] == ("5", "0", "0.00125")
        assert calls_of(db, run) == [("open", 0, 0, True, Decimal(0))]

    def test_the_same_index_is_the_same_call(self, db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> None:
        assert begin(db, run) == begin(db, run)
        assert limits(db, who)["ai_cost"][2] == "0.00225"
        assert refused(lambda: begin(db, run, prompt=2000)) == ("CONFLICT", "KEY_REUSED")
        end(db, run, {"prompt_tokens": 10, "completion_tokens": 10})
        assert refused(lambda: begin(db, run)) == ("CONFLICT", "KEY_REUSED")

    def test_what_is_not_left_is_refused_and_not_written_down(self, db: psycopg.Connection) -> None:
        free = person(db)
        run = running(db, free)
        # 250,000 tokens are the half dollar that is included.
        assert refused(lambda: begin(db, run, prompt=1, output=250_000)) == ("USAGE_LIMIT_EXCEEDED", "AI_COST")
        assert calls_of(db, run) == []
        begin(db, run, prompt=4, output=249_999)
        assert refused(lambda: begin(db, run, index=1, prompt=1, output=1)) == ("USAGE_LIMIT_EXCEEDED", "AI_COST")

    def test_a_model_without_a_price_is_not_called(self, db: psycopg.Connection, run: uuid.UUID) -> None:
        ask = "select public.begin_ai_call(%s, 0, %s, 1, 1)"
        assert refused(lambda: call(db, ask, run, "llama")) == ("NOT_ENABLED", "NO_PRICE")
        # Nor is one whose price holds from some later day on.
        db.execute(
            "insert into private.ai_prices values ('llama', (now() at time zone 'UTC')::date + 1, 1, 1, 1)",
        )
        assert refused(lambda: call(db, ask, run, "llama")) == ("NOT_ENABLED", "NO_PRICE")

    def test_the_price_of_the_day_is_kept(self, db: psycopg.Connection, run: uuid.UUID) -> None:
        begin(db, run)
        db.execute("insert into private.ai_prices values (%s, (now() at time zone 'UTC')::date, 1, 1, 4)", (MODEL,))
        begin(db, run, index=1)
        for index in (0, 1):
            end(db, run, {"prompt_tokens": 1000, "completion_tokens": 1000}, index)
        assert [cost for *_, cost in calls_of(db, run)] == [Decimal("0.00225"), Decimal("0.005")]

    @pytest.mark.parametrize(("prompt", "output"), [(0, 1), (-1, 1), (None, 1), (1, -1), (1, None), (10**9, 1)])
    def test_wrong_numbers_are_refused(self, db: psycopg.Connection, run: uuid.UUID, prompt: Any, output: Any) -> None:
        assert refused(lambda: begin(db, run, prompt=prompt, output=output))[0] == "BAD_USER_INPUT"


class TestAfter:
    def test_what_it_took_is_counted_by_kind(self, db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> None:
        begin(db, run)
        usage = {"prompt_tokens": 900, "cached_tokens": 400, "completion_tokens": 101, "reasoning_tokens": 60}
        # 500 x 0.25 + 400 x 0.025 + 101 x 2 millionths.
        assert end(db, run, usage)["cost"] == "0.000337"
        assert calls_of(db, run) == [("settled", 900, 101, False, Decimal("0.000337"))]
        assert limits(db, who)["ai_cost"] == ("5", "0.000337", "0")

    def test_again_changes_nothing(self, db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> None:
        begin(db, run)
        first = end(db, run, {"prompt_tokens": 10, "completion_tokens": 10})
        assert first == end(db, run, {"prompt_tokens": 99, "completion_tokens": 99}) == end(db, run, None)
        assert limits(db, who)["ai_cost"] == ("5", "0.000023", "0")

    def test_more_than_was_held_counts_in_full(self, db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> None:
        begin(db, run, prompt=1, output=1)
        end(db, run, {"prompt_tokens": 4000, "completion_tokens": 1000})
        assert limits(db, who)["ai_cost"] == ("5", "0.003", "0")

    def test_what_took_nothing_holds_nothing_and_can_be_tried_again(
        self, db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID
    ) -> None:
        begin(db, run)
        assert end(db, run, None)["status"] == "released"
        assert limits(db, who)["ai_cost"] == ("5", "0", "0")
        begin(db, run, prompt=2000, output=2000)
        end(db, run, {"prompt_tokens": 2000, "completion_tokens": 0})
        assert calls_of(db, run) == [("settled", 2000, 0, False, Decimal("0.0005"))]

    def test_an_estimate_is_never_below_what_came_in(
        self, db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID
    ) -> None:
        begin(db, run)
        assert call(db, "select public.note_ai_call(%s, 0, 301)", run) is True
        # Bytes are never fewer than there were.
        call(db, "select public.note_ai_call(%s, 0, 7)", run)
        end(db, run, {"is_estimated": True})
        assert calls_of(db, run) == [("settled", 1000, 101, True, Decimal("0.000452"))]
        assert limits(db, who)["ai_cost"] == ("5", "0.000452", "0")

    def test_the_least_is_a_millionth(self, db: psycopg.Connection, run: uuid.UUID) -> None:
        begin(db, run)
        end(db, run, {"prompt_tokens": 1, "completion_tokens": 0})
        assert calls_of(db, run) == [("settled", 1, 0, False, Decimal("0.000001"))]

    @pytest.mark.parametrize("tokens", ["7", 1.5, -1, True, 10**12])
    def test_wrong_tokens_are_named(self, db: psycopg.Connection, run: uuid.UUID, tokens: object) -> None:
        begin(db, run)
        assert refused(lambda: end(db, run, {"prompt_tokens": tokens})) == ("BAD_USER_INPUT", "prompt_tokens")

    def test_finishing_a_run_settles_what_is_open(self, db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> None:
        begin(db, run)
        finish(db, run, "failed", error_code="AI_PROVIDER_ERROR")
        assert calls_of(db, run) == [("settled", 1000, 0, True, Decimal("0.00025"))]
        assert limits(db, who)["ai_cost"][2] == "0"


class TestOutsideOfARun:
    def test_a_search_is_held_counted_and_known_by_its_id(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        begun = call(db, "select public.begin_ai_call(null, null, 'text-embedding-3-small', 100, person => %s)", who)
        assert limits(db, who)["ai_cost"][2] == "0.000002"
        ended = call(
            db, "select public.end_ai_call(null, null, '{\"prompt_tokens\": 40}', %s)", uuid.UUID(begun["call"])
        )
        assert (ended["status"], ended["cost"]) == ("settled", "0.000001")
        assert limits(db, who)["ai_cost"] == ("5", "0.000001", "0")

    def test_one_that_was_lost_is_counted(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        call(db, "select public.begin_ai_call(null, null, 'text-embedding-3-small', 100, person => %s)", who)
        db.execute("update private.ai_calls set lease_until = now() - interval '1 second'")
        end_lost(db)
        assert limits(db, who)["ai_cost"] == ("5", "0.000002", "0")

    def test_it_is_of_a_person_or_of_a_run(self, db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> None:
        asked = "select public.begin_ai_call(%s, %s, 'text-embedding-3-small', 100, person => %s)"
        for given in ((None, None, None), (run, None, None), (run, 0, who), (None, 0, who)):
            assert refused(lambda given=given: call(db, asked, *given)) == ("BAD_USER_INPUT", "run")
        assert refused(lambda: call(db, asked, None, None, uuid.uuid4()))[0] == "UNAUTHENTICATED"


class Service:
    """Many calls of functions at once, through the Data API."""

    def __init__(self, info: StackInfo) -> None:
        self._url = f"{info.api_url}/rest/v1/rpc"
        self._headers = {"apikey": info.secret_key, "Authorization": f"Bearer {info.secret_key}"}

    async def _answers(self, name: str, bodies: list[dict[str, Any]]) -> list[Any]:
        async with aiohttp.ClientSession(headers=self._headers) as session:

            async def answer(body: dict[str, Any]) -> Any:
                async with session.post(f"{self._url}/{name}", json=body) as response:
                    return await response.json()

            return await asyncio.gather(*map(answer, bodies))

    def at_once(self, name: str, bodies: list[dict[str, Any]]) -> list[Any]:
        """What each is answered: a value, or an error with its `code`."""
        return asyncio.run(self._answers(name, bodies))


def outcomes(answers: list[Any]) -> dict[str, int]:
    return dict(collections.Counter(answer.get("code", "begun") for answer in answers))


def test_two_hundred_calls_at_once_are_begun_as_far_as_it_reaches(seeded: StackInfo) -> None:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        who = person(db)
        runs = [running(db, who, lease=600) for _ in range(4)]
        # Of half a dollar each takes a twentieth.
        bodies = [
            {"run": str(run), "call_index": index, "model": MODEL, "prompt_tokens": 4, "max_output_tokens": 12499}
            for index in range(50)
            for run in runs
        ]
        service = Service(seeded)
        assert outcomes(service.at_once("begin_ai_call", bodies)) == {"begun": 20, "USAGE_LIMIT_EXCEEDED": 180}
        assert limits(db, who)["ai_cost"] == ("0.5", "0", "0.49998")
        for run in runs:
            lose(db, run)
        end_lost(db)
        assert {run_of(db, run) for run in runs} == {("failed", "TIMEOUT", True)}
        assert limits(db, who)["ai_cost"] == ("0.5", "0.00002", "0")
        db.execute("delete from auth.users where id = %s", (who,))


def test_one_key_ten_times_at_once_is_one_run(seeded: StackInfo) -> None:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        who = person(db)
        body = {
            "person": str(who), "agent_key": "assistant", "input": {"prompt": "Where to?"}, "idempotency_key": "a",
        }  # fmt: skip
        answers = Service(seeded).at_once("start_ai_run", [body] * 10)
        assert len({answer["run"]["id"] for answer in answers}) == 1
        assert sorted(answer["created"] for answer in answers) == [False] * 9 + [True]
        run = answers[0]["run"]["id"]
        claims = Service(seeded).at_once("claim_ai_run", [{"run": run}] * 10)
        assert sorted(claims) == [False] * 9 + [True]
        db.execute("delete from auth.users where id = %s", (who,))


def test_a_lost_run_is_ended_by_one_of_many(seeded: StackInfo) -> None:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        who = person(db)
        run = running(db, who, lease=600)
        begin(db, run)
        lose(db, run)

        async def finishing() -> list[Any]:
            return await asyncio.gather(*(asyncio.to_thread(once) for _ in range(6)))

        def once() -> int:
            with psycopg.connect(seeded.admin_db_url, autocommit=True) as own:
                return end_lost(own)

        asyncio.run(finishing())
        # Whoever found its person held has left it to another.
        end_lost(db)
        assert run_of(db, run) == ("failed", "TIMEOUT", True)
        assert limits(db, who)["ai_cost"] == ("0.5", "0.00025", "0")
        db.execute("delete from auth.users where id = %s", (who,))

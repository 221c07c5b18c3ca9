"""What agents are asked: who may, once for each key, and how a run ends once, whatever becomes of whoever is at it."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.database.ai import (
    begin,
    called_by,
    calls_of,
    end,
    end_lost,
    finish,
    lose,
    payer,
    run_of,
    running,
    start,
    trip_of,
)
from tests.database.payments import RefusedError, call, limits, person

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg


@pytest.fixture
def who(db: psycopg.Connection) -> uuid.UUID:
    return payer(db)


def refused(run: Callable[[], Any]) -> tuple[str, Any]:
    with pytest.raises(RefusedError) as failure:
        run()
    told = failure.value.extensions
    return failure.value.code, told.get("reason", told.get("field"))


def cancel(db: psycopg.Connection, who: uuid.UUID, run: uuid.UUID) -> Any:
    return called_by(db, who, "select status from public.cancel_ai_run(%s)", run)


def said_in(db: psycopg.Connection, run: uuid.UUID, text: str) -> uuid.UUID:
    message = call(db, "select public.begin_ai_message(%s, 'assistant', 1)", run)
    call(db, "select public.end_ai_message(%s, %s, 'complete')", message, text)
    return uuid.UUID(str(message))


class TestAsking:
    def test_is_written_down_with_what_was_asked(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        trip = trip_of(db, who)
        asked = start(db, who, "Where to?", trip=trip)
        run = asked["run"]
        assert (run["status"], run["trip_id"], asked["created"], asked["history"]) == ("queued", str(trip), True, [])
        assert asked["agent"]["key"] == "assistant"
        assert asked["agent"]["system_prompt"]
        said = db.execute(
            "select role, content, status, sequence, user_id from public.ai_messages where run_id = %s", (run["id"],)
        ).fetchall()
        assert said == [("user", "Where to?", "complete", 0, who)]

    def test_one_key_is_one_run(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        first, again = start(db, who, key="a"), start(db, who, key="a")
        assert (first["created"], again["created"]) == (True, False)
        assert first["run"]["id"] == again["run"]["id"]
        # Another's key is another key.
        assert start(db, payer(db), key="a")["created"] is True

    def test_a_key_is_of_one_question(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        start(db, who, key="a")
        for other in ({"prompt": "And then?"}, {"agent_key": "summarizer"}, {"trip": trip_of(db, who)}):
            assert refused(lambda other=other: start(db, who, key="a", **other)) == ("CONFLICT", "KEY_REUSED")

    def test_a_conversation_and_a_trip_are_part_of_the_question(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        one, other = (start(db, who)["run"]["conversation_id"] for _ in range(2))
        assert start(db, who, key="in one", conversation=one)["created"] is True
        assert start(db, who, key="in one", conversation=one)["created"] is False
        for conversation in (None, other):
            again = refused(lambda conversation=conversation: start(db, who, key="in one", conversation=conversation))
            assert again == ("CONFLICT", "KEY_REUSED")
        begun = start(db, who, key="of its own")["run"]["conversation_id"]
        assert start(db, who, key="of its own")["run"]["conversation_id"] == begun
        for conversation in (begun, one):
            again = refused(
                lambda conversation=conversation: start(db, who, key="of its own", conversation=conversation)
            )
            assert again == ("CONFLICT", "KEY_REUSED")

        trip = trip_of(db, who)
        run = start(db, who, key="of a trip", trip=trip, conversation=one)["run"]["id"]
        db.execute("delete from public.trips where id = %s", (trip,))
        assert refused(lambda: start(db, who, key="of a trip", conversation=one)) == ("CONFLICT", "KEY_REUSED")
        assert db.execute("select input from public.ai_runs where id = %s", (run,)).fetchone() == (
            {"prompt": "Where to?", "trip_id": str(trip), "conversation_id": one},
        )

    def test_a_conversation_is_told_to_the_agent(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        first = running(db, who, prompt="Where to?")
        said_in(db, first, "To the north.")
        finish(db, first, "succeeded")
        (conversation,) = (
            db.execute("select conversation_id from public.ai_runs where id = %s", (first,)).fetchone() or ()
        )
        assert start(db, who, "And then?", conversation=conversation)["history"] == [
            {"role": "user", "content": "Where to?"},
            {"role": "assistant", "content": "To the north."},
        ]
        assert refused(lambda: start(db, payer(db), conversation=conversation)) == ("NOT_FOUND", "conversation")

    @pytest.mark.parametrize("prompt", ["", " \n\t", "x" * 8001])
    def test_prompts_are_text_and_not_too_long(self, db: psycopg.Connection, who: uuid.UUID, prompt: str) -> None:
        assert refused(lambda: start(db, who, prompt)) == ("BAD_USER_INPUT", "prompt")

    @pytest.mark.parametrize("given", [{}, {"prompt": None}, {"prompt": 7}, {"prompt": ["Where to?"]}, ["Where to?"]])
    def test_what_is_no_prompt_is_named(self, db: psycopg.Connection, who: uuid.UUID, given: Any) -> None:
        assert refused(lambda: start(db, who, input=given)) == ("BAD_USER_INPUT", "prompt")

    def test_unknown_and_inactive_agents_and_strange_trips_are_not_found(
        self, db: psycopg.Connection, who: uuid.UUID
    ) -> None:
        assert refused(lambda: start(db, who, agent_key="oracle")) == ("NOT_FOUND", "agent_key")
        db.execute("update public.ai_agents set is_active = false where key = 'optimizer'")
        assert refused(lambda: start(db, who, agent_key="optimizer")) == ("NOT_FOUND", "agent_key")
        assert refused(lambda: start(db, who, trip=trip_of(db, payer(db)))) == ("NOT_FOUND", "trip")
        assert refused(lambda: start(db, who, trip=uuid.uuid4())) == ("NOT_FOUND", "trip")

    def test_nobody_and_anonymous_people_cannot_ask(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        db.execute("update auth.users set is_anonymous = true, email = null where id = %s", (who,))
        assert refused(lambda: start(db, who))[0] == "FORBIDDEN"
        assert refused(lambda: start(db, uuid.uuid4()))[0] == "UNAUTHENTICATED"
        search = "select public.begin_ai_call(null, null, 'text-embedding-3-small', 100, person => %s)"
        assert refused(lambda: call(db, search, who))[0] == "FORBIDDEN"
        assert refused(lambda: call(db, search, uuid.uuid4()))[0] == "UNAUTHENTICATED"

    def test_without_what_counts_nothing_is_enabled(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        run = running(db, who)
        db.execute("drop function public.settle_usage(text, numeric)")
        assert refused(lambda: start(db, who))[0] == "NOT_ENABLED"
        assert refused(lambda: begin(db, run))[0] == "NOT_ENABLED"


class TestWhoeverIsAtIt:
    def test_is_one(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        run = start(db, who)["run"]["id"]
        assert [call(db, "select public.claim_ai_run(%s)", run) for _ in range(3)] == [True, False, False]

    def test_writes_as_long_as_it_goes_on(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        run = running(db, who)
        message = call(db, "select public.begin_ai_message(%s, 'assistant', 1)", run)
        assert call(db, "select public.begin_ai_message(%s, 'assistant', 1)", run) == message
        assert call(db, "select public.checkpoint_ai_message(%s, 'To the', 6)", message) is True
        assert cancel(db, who, run) == "cancelled"
        # What has come in has come in.
        assert call(db, "select public.checkpoint_ai_message(%s, 'To the north', 12)", message) is False
        assert db.execute("select content from public.ai_messages where id = %s", (message,)).fetchone() == (
            "To the north",
        )
        assert refused(lambda: call(db, "select public.begin_ai_message(%s, 'assistant', 2)", run)) == (
            "CONFLICT",
            "RUN_ENDED",
        )

    def test_whose_lease_is_over_is_told_to_stop(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        run = running(db, who)
        message = call(db, "select public.begin_ai_message(%s, 'assistant', 1)", run)
        lose(db, run)
        assert call(db, "select public.checkpoint_ai_message(%s, 'To', 2)", message) is False
        assert refused(lambda: begin(db, run)) == ("CONFLICT", "RUN_ENDED")


class TestEnding:
    def test_happens_once(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        run = running(db, who)
        assert finish(db, run, "succeeded", result={"summary": "North."}) is True
        assert finish(db, run, "failed", error_code="TIMEOUT") is False
        assert run_of(db, run) == ("succeeded", None, True)

    def test_a_lost_run_fails_once_and_is_counted_upwards(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        run = running(db, who)
        begin(db, run, prompt=1000, output=1000)
        message = call(db, "select public.begin_ai_message(%s, 'assistant', 1)", run)
        call(db, "select public.checkpoint_ai_message(%s, 'Northward', 10)", message)
        assert end_lost(db) == 0
        lose(db, run)
        assert [end_lost(db), end_lost(db)] == [1, 0]
        assert run_of(db, run) == ("failed", "TIMEOUT", True)
        # 10 bytes are at most 4 tokens: 1,000 x 0.25 + 4 x 2 millionths.
        assert calls_of(db, run) == [("settled", 1000, 4, True, Decimal("0.000258"))]
        assert limits(db, who)["ai_cost"] == ("5", "0.000258", "0")
        assert db.execute("select content, status from public.ai_messages where id = %s", (message,)).fetchone() == (
            "Northward",
            "aborted",
        )
        # Too late.
        assert end(db, run, {"prompt_tokens": 1, "completion_tokens": 1})["cost"] == "0.000258"
        assert finish(db, run, "succeeded") is False
        assert limits(db, who)["ai_cost"] == ("5", "0.000258", "0")

    def test_a_run_that_nobody_began_fails_too(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        run = uuid.UUID(start(db, who)["run"]["id"])
        lose(db, run)
        assert end_lost(db) == 1
        assert run_of(db, run) == ("failed", "TIMEOUT", True)

    def test_a_cancelled_run_whose_function_died_is_counted(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        run = running(db, who)
        begin(db, run)
        cancel(db, who, run)
        assert run_of(db, run) == ("cancelled", None, False)
        lose(db, run)
        assert end_lost(db) == 1
        assert run_of(db, run) == ("cancelled", None, True)
        assert calls_of(db, run) == [("settled", 1000, 0, True, Decimal("0.00025"))]
        assert limits(db, who)["ai_cost"][2] == "0"

    def test_cancelling_is_the_askers(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        run = running(db, who)
        assert refused(lambda: cancel(db, person(db), run)) == ("NOT_FOUND", "id")
        assert [cancel(db, who, run), cancel(db, who, run)] == ["cancelled", "cancelled"]
        finished = running(db, who)
        finish(db, finished, "succeeded")
        assert refused(lambda: cancel(db, who, finished)) == ("CONFLICT", "RUN_ENDED")

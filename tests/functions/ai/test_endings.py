"""However a run is cut off, it ends once, nothing stays reserved, and what has flowed is counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.functions.ai.conftest import FUNCTION, eventually

if TYPE_CHECKING:
    from tests.functions.ai.conftest import Ai
    from tests.support import Person

LONG = "abcd" * 2000


def assert_counted(rows: list[dict[str, Any]], calls: list[dict[str, Any]]) -> None:
    """Each call that was made is counted, as an estimate that is not below what the provider says."""
    assert [row["call_index"] for row in rows] == [call["index"] for call in calls]
    for row, call in zip(rows, calls, strict=True):
        assert row["is_estimated"]
        assert row["cost"] > 0
        assert row["prompt_tokens"] >= call["promptTokens"]


async def test_killed_before_the_first_word(ai: Ai) -> None:
    person = await ai.account()
    await ai.hold()
    run = await ai.run(person)
    await until_called(ai, run)
    await ai.kill()
    await ai.hold(hold=False)
    assert (ai.row(run)["status"], ai.held_and_used(person)[0] > 0) == ("running", True)
    row = await ai.lost(run)
    assert (row["status"], row["error_code"], ai.ends(run)) == ("failed", "TIMEOUT", ["failed"])
    assert_counted(ai.usage(run), await ai.calls(run))
    ai.assert_settled(person)
    await ai.lost(run)
    assert ai.ends(run) == ["failed"]


async def test_killed_amid_the_stream(ai: Ai) -> None:
    person = await ai.account()
    await ai.scripted({"text": LONG, "chunksPerSecond": 50})
    run = await ai.run(person)
    await ai.said(run, 200)
    await ai.kill()
    row = await ai.lost(run)
    assert (row["status"], ai.ends(run)) == ("failed", ["failed"])
    message = ai.messages(run)[-1]
    assert message["status"] == "aborted"
    (usage,), calls = ai.usage(run), await ai.calls(run)
    assert_counted([usage], calls)
    # A third of the bytes that were written down.
    assert usage["completion_tokens"] >= len(message["content"]) // 3
    ai.assert_settled(person)
    await ai.lost(run)
    assert ai.ends(run) == ["failed"]


async def test_killed_behind_the_stream(ai: Ai) -> None:
    """All has flowed, and whoever is to say so is killed while the database is at it."""
    person = await ai.account()
    await ai.scripted({"text": "abcd" * 20, "firstChunkSeconds": 1})
    run = await ai.run(person)
    await until_called(ai, run)
    with psycopg.connect(ai.info.admin_db_url) as holding:
        holding.execute("select from public.profiles where id = %s for update", (person.id,))
        await until_called(ai, run, "complete")
        await eventually(lambda: waiting(ai))
        await ai.kill()
    row = await ai.lost(run)
    assert (row["status"], ai.ends(run)) == ("failed", ["failed"])
    (usage,), (call,) = ai.usage(run), await ai.calls(run)
    assert usage["cost"] > 0
    assert usage["completion_tokens"] >= call["completionTokens"]
    ai.assert_settled(person)


async def test_cancelled_amid_the_stream(ai: Ai) -> None:
    person = await ai.account()
    await ai.scripted({"text": LONG, "chunksPerSecond": 50})
    run = await ai.run(person)
    await ai.said(run, 40)
    assert await ai.cancel(person, run) == "CANCELLED"
    row = await ai.ended(run)
    assert (row["status"], ai.ends(run)) == ("cancelled", ["cancelled"])
    (call,) = await ai.calls(run)
    assert call["outcome"] == "left"
    (usage,) = ai.usage(run)
    assert_counted([usage], [call])
    assert usage["completion_tokens"] >= call["completionTokens"]
    assert ai.messages(run)[-1]["status"] == "aborted"
    # Again it changes nothing.
    assert await ai.cancel(person, run) == "CANCELLED"
    assert ai.ends(run) == ["cancelled"]
    ai.assert_settled(person)


async def test_cancelled_before_the_first_word(ai: Ai) -> None:
    """The provider has the request, and nobody says what it made of it: its prompt counts."""
    person = await ai.account()
    await ai.hold()
    run = await ai.run(person)
    await until_called(ai, run)
    await ai.cancel(person, run)
    row = await ai.ended(run)
    assert (row["status"], ai.ends(run)) == ("cancelled", ["cancelled"])
    assert_counted(ai.usage(run), await ai.calls(run))
    ai.assert_settled(person)


async def test_cancelled_while_the_provider_stands_still(ai: Ai) -> None:
    person = await ai.account()
    await ai.scripted({"text": LONG, "fault": "stall", "faultAfter": 20})
    run = await ai.run(person)
    await ai.said(run, 80)
    await ai.cancel(person, run)
    row = await ai.ended(run)
    assert (row["status"], ai.ends(run)) == ("cancelled", ["cancelled"])
    assert_counted(ai.usage(run), await ai.calls(run))
    ai.assert_settled(person)


async def test_cancelled_and_then_killed(ai: Ai) -> None:
    """Nobody is left to write down what flowed: the lease's end does."""
    person = await ai.account()
    await ai.scripted({"text": LONG, "chunksPerSecond": 50})
    run = await ai.run(person)
    await ai.said(run, 40)
    await ai.kill()
    await ai.cancel(person, run)
    row = await ai.lost(run)
    assert (row["status"], ai.ends(run)) == ("cancelled", ["cancelled"])
    assert_counted(ai.usage(run), await ai.calls(run))
    ai.assert_settled(person)


@pytest.mark.parametrize("fault", ["reset", "close", "error", "garbage"])
async def test_a_stream_that_breaks_is_counted_and_not_asked_for_again(ai: Ai, fault: str) -> None:
    person = await ai.account()
    await ai.scripted({"text": LONG, "chunksPerSecond": 200, "fault": fault, "faultAfter": 30}, {"text": "Never"})
    run = await ai.run(person)
    row = await ai.ended(run)
    assert (row["status"], row["error_code"], ai.ends(run)) == ("failed", "AI_PROVIDER_ERROR", ["failed"])
    (call,), (usage,) = await ai.calls(run), ai.usage(run)
    assert (call["outcome"], call["completionTokens"]) == ("broken", 30)
    assert_counted([usage], [call])
    assert usage["completion_tokens"] >= 30
    message = ai.messages(run)[-1]
    assert (message["status"], message["content"]) == ("aborted", LONG[:120])
    ai.assert_settled(person)


async def test_others_go_on_after_a_kill(ai: Ai) -> None:
    person = await ai.account()
    await ai.scripted({"text": LONG, "chunksPerSecond": 50}, {"text": "Here again."})
    lost = await ai.run(person)
    await ai.said(lost, 40)
    await ai.kill()
    run = await begun_again(ai, person)
    assert (await ai.ended(run))["status"] == "succeeded"
    await ai.lost(lost)
    ai.assert_settled(person)


async def begun_again(ai: Ai, person: Person) -> str:
    """A run of a new process, which takes a moment to be there."""
    for _ in range(600):
        status, answer = await ai.call(person, FUNCTION, {"agent_key": "assistant", "prompt": "And now?"})
        if status != 502:
            assert status == 202, answer
            return str(answer["run"]["id"])
        await asyncio.sleep(0.1)
    raise AssertionError("there is no new process")


async def until_called(ai: Ai, run: str, outcome: str | None = None) -> None:
    """Until the provider has been asked, or its answer came to such an end."""
    for _ in range(1200):
        if any(outcome in {None, call["outcome"]} for call in await ai.calls(run)):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the provider was not asked")


def waiting(ai: Ai) -> bool:
    """Whether what ends a call or its message waits for a lock."""
    return bool(ai.rows("select from pg_stat_activity where wait_event_type = 'Lock' and query like %s", "%end_ai_%"))

"""What runs cost: as many reach the provider as are paid for, and what is counted is what the provider counts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.functions.ai.conftest import FUNCTION
from tripgate.local.providers.ai.models import MODELS

if TYPE_CHECKING:
    from tests.functions.ai.conftest import Ai

ANSWER = "Grüße aus Köln 🌞. " * 10


def counted(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What we say that calls took."""
    return sorted(
        (str(row["run_id"]), row["call_index"], row["model"], row["prompt_tokens"], row["cached_tokens"],
         row["completion_tokens"], row["reasoning_tokens"])
        for row in rows
    )  # fmt: skip


def told(calls: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What the provider says that they took."""
    return sorted(
        (call["run"], call["index"], call["model"], call["promptTokens"], call["cachedTokens"],
         call["completionTokens"], call["reasoningTokens"])
        for call in calls
    )  # fmt: skip


async def test_fifty_at_once_where_ten_are_paid_for(ai: Ai) -> None:
    person = await ai.account()
    asked = {"agent_key": "assistant", "prompt": "What is there to see?"}
    # How much one reserves, seen of somebody else.
    await ai.hold()
    await ai.scripted({"text": ANSWER})
    probe = await ai.account()
    run = await ai.run(probe, asked["prompt"])
    one, _ = ai.held_and_used(probe)
    await ai.hold(hold=False)
    await ai.ended(run)
    ai.limit(one * 10 + one / 2)

    await ai.control("DELETE", "ai/calls")
    await ai.hold()
    await ai.scripted({"text": ANSWER, "reasoningTokens": 64, "cachedTokens": 20, "times": 10})
    answers = await asyncio.gather(*(ai.call(person, FUNCTION, asked) for _ in range(50)))
    assert sorted(status for status, _ in answers) == [202] * 10 + [402] * 40
    assert {answer["code"] for status, answer in answers if status == 402} == {"USAGE_LIMIT_EXCEEDED"}
    assert ai.held_and_used(person) == (one * 10, 0)
    await ai.hold(hold=False)
    runs = [answer["run"]["id"] for status, answer in answers if status == 202]
    for run in runs:
        assert (await ai.ended(run))["status"] == "succeeded"

    calls = await ai.calls()
    assert [call["outcome"] for call in calls] == ["complete"] * 10
    usage = ai.rows("select * from public.ai_usage where user_id = %s and status <> 'released'", person.id)
    assert counted(usage) == told(calls)
    assert not any(row["is_estimated"] for row in usage)
    ai.assert_settled(person)
    # Whoever was refused has a run that says why, and that took nothing.
    refused = ai.rows("select error_code from public.ai_runs where user_id = %s and status = 'failed'", person.id)
    assert [row["error_code"] for row in refused] == ["USAGE_LIMIT_EXCEEDED"] * 40


async def test_every_round_and_every_memory_is_counted(ai: Ai) -> None:
    person = await ai.account()
    await ai.scripted(
        {"toolCalls": [{"name": "remember", "arguments": {"kind": "preference", "content": "Eats no meat."}}]},
        {"text": ANSWER, "splitCharacters": True},
    )
    run = await ai.run(person, "Remember that I eat no meat.")
    assert (await ai.ended(run))["status"] == "succeeded"
    calls = await ai.calls(run)
    assert [(call["endpoint"], call["outcome"]) for call in calls] == [
        ("chat", "complete"),
        ("embeddings", "complete"),
        ("chat", "complete"),
    ]
    assert counted(ai.usage(run)) == told(calls)
    assert [
        row["content"] for row in ai.rows("select content from public.ai_memories where user_id = %s", person.id)
    ] == ["Eats no meat."]
    assert ai.messages(run)[-1]["content"] == ANSWER
    ai.assert_settled(person)


async def test_what_was_never_answered_costs_nothing(ai: Ai) -> None:
    person = await ai.account()
    refusals = [
        ({"status": 400, "code": "context_length_exceeded"}, "CONTEXT_LENGTH_EXCEEDED"),
        ({"status": 401}, "AI_PROVIDER_ERROR"),
        ({"status": 429, "retryAfter": 3000}, "AI_RATE_LIMITED"),
    ]
    for script, code in refusals:
        await ai.scripted(script)
        run = await ai.run(person)
        row = await ai.ended(run)
        assert (row["status"], row["error_code"]) == ("failed", code)
        assert [each["cost"] for each in ai.usage(run)] == [0]
        assert [call["outcome"] for call in await ai.calls(run)] == ["refused"]
    ai.assert_settled(person)


async def test_what_is_asked_again_is_counted_once(ai: Ai) -> None:
    person = await ai.account()
    await ai.scripted({"status": 429, "retryAfter": 0.05}, {"status": 500}, {"text": ANSWER})
    run = await ai.run(person)
    assert (await ai.ended(run))["status"] == "succeeded"
    calls = await ai.calls(run)
    assert [call["status"] for call in calls] == [429, 500, 200]
    assert counted(ai.usage(run)) == told(calls[-1:])
    ai.assert_settled(person)


async def test_a_stream_that_says_nothing_of_usage_is_estimated_upwards(ai: Ai) -> None:
    person = await ai.account()
    await ai.scripted({"text": ANSWER, "usage": False})
    run = await ai.run(person)
    assert (await ai.ended(run))["status"] == "succeeded"
    (call,), (row,) = await ai.calls(run), ai.usage(run)
    assert row["is_estimated"]
    assert row["prompt_tokens"] >= call["promptTokens"]
    assert row["completion_tokens"] >= call["completionTokens"]
    assert row["cost"] > 0
    ai.assert_settled(person)


async def test_every_model_that_an_agent_has_is_known_and_has_a_price(ai: Ai) -> None:
    models = {row["model"] for row in ai.rows("select model from public.ai_agents")}
    assert models
    assert models <= {name for name, model in MODELS.items() if not model.embeds}
    priced = {row["model"] for row in ai.rows("select model from private.ai_prices")}
    assert models < priced <= MODELS.keys()


async def test_a_run_of_four_thousand_tokens_stays_within_the_platforms_time_of_the_processor(ai: Ai) -> None:
    """2 s are the platform's limit for all that a request does; docs/ai.md says how much it takes."""
    person = await ai.account()
    await ai.scripted({"text": "ok"}, {"text": "Wort " * 3200, "chunksPerSecond": 500})
    await ai.ended(await ai.run(person))  # what is loaded once
    (process,) = ai.processes()
    before = process.cpu_times()
    run = await ai.run(person)
    assert (await ai.ended(run, 120))["status"] in {"succeeded", "failed"}
    after = process.cpu_times()
    (call,) = await ai.calls(run)
    assert call["completionTokens"] == 4000
    assert after.user + after.system - before.user - before.system < 2

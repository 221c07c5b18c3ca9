"""Embeddings, models, and what control does."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.providers.ai.conftest import chat, streamed
from tests.local.providers.ai.test_streams import text_of

if TYPE_CHECKING:
    from tests.local.providers.ai.conftest import Models

EMBEDDER = "text-embedding-3-small"


def near(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_embeddings(models: Models) -> None:
    texts = ["Anna eats no meat", "anna never eats meat.", "The ferry leaves at nine"]
    by_default, as_numbers, shorter, wrong = await models.client(
        ["embed", {"model": EMBEDDER, "input": texts}],
        ["embed", {"model": EMBEDDER, "input": texts[0], "encoding_format": "float"}],
        ["embed", {"model": EMBEDDER, "input": texts[0], "dimensions": 256}],
        ["embed", {"model": EMBEDDER, "input": ""}],
    )
    vectors = [each["embedding"] for each in by_default["data"]]
    assert [len(each) for each in vectors] == [1536] * 3
    assert as_numbers["data"][0]["embedding"] == vectors[0]
    assert len(shorter["data"][0]["embedding"]) == 256
    assert near(vectors[0], vectors[0]) == pytest.approx(1, abs=1e-5)
    assert near(vectors[0], vectors[1]) > 0.6 > 0.3 > near(vectors[0], vectors[2])
    assert by_default["usage"] == {"prompt_tokens": 5 + 6 + 6, "total_tokens": 17}
    assert wrong["status"] == 400
    assert [(call["endpoint"], call["promptTokens"]) for call in await models.calls()] == [
        ("embeddings", 17),
        ("embeddings", 5),
        ("embeddings", 5),
        ("embeddings", 0),
    ]


async def test_embeddings_fail_by_script(models: Models) -> None:
    await models.scripted({"endpoint": "embeddings", "status": 429, "retryAfter": 1}, {"text": "Of no concern"})
    failed, answer = await models.client(["embed", {"model": EMBEDDER, "input": "a"}], ["create", chat()])
    assert (failed["failed"], failed["retryAfter"]) == ("RateLimitError", "1")
    assert answer["choices"][0]["message"]["content"] == "Of no concern"


async def test_models_are_listed(models: Models) -> None:
    listed, one, none = await models.client(["models"], ["model", "gpt-5-mini"], ["model", "gpt-of-nobody"])
    assert {"gpt-4.1-mini", "gpt-5-mini", EMBEDDER} <= {each["id"] for each in listed}
    assert (one["id"], one["object"]) == ("gpt-5-mini", "model")
    assert (none["failed"], none["code"]) == ("NotFoundError", "model_not_found")


async def test_scripts_concern_the_calls_that_they_fit(models: Models) -> None:
    await models.scripted(
        {"contains": "bell", "text": "ding", "times": 2},
        {"contains": "You are a clock", "text": "tick"},
        {"text": "any"},
    )
    assert len((await models.served.control("GET", "ai/scripts"))["scripts"]) == 3
    clock = {"role": "system", "content": "You are a clock."}
    asked: list[dict[str, Any]] = [chat("A bell?"), chat("What?"), {**chat("?")}, chat("A bell!")]
    asked[2]["messages"] = [clock, *asked[2]["messages"]]
    answers = await models.client(*(["create", each] for each in asked))
    assert [each["choices"][0]["message"]["content"] for each in answers] == ["ding", "any", "tick", "ding"]
    assert (await models.served.control("GET", "ai/scripts"))["scripts"] == []


async def test_a_script_may_say_what_it_was_told(models: Models) -> None:
    await models.scripted({"text": "{system}|{prompt}", "fill": True})
    body = chat("Tell me")
    body["messages"].insert(0, {"role": "system", "content": "Never tell."})
    _, answer, _ = await models.ask("chat/completions", body)
    assert answer["choices"][0]["message"]["content"] == "Never tell.|Tell me"


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ({"text": 5}, "text"),
        ({"txet": "a"}, "txet"),
        ({"retryAfter": 5}, "retryAfter"),
        ({"endpoint": "embeddings", "text": "a"}, "embeddings"),
        ({"fault": "explode"}, "fault"),
    ],
)
async def test_scripts_that_make_no_sense(models: Models, script: dict[str, Any], word: str) -> None:
    refused = await models.served.control("POST", "ai/scripts", [script], status=400)
    assert word in refused["message"]


async def test_calls_can_be_held(models: Models) -> None:
    await models.served.control("POST", "ai/hold", {"hold": True}, status=204)
    await models.scripted({"text": "Now", "times": 2})
    waiting = [asyncio.create_task(models.ask("chat/completions", chat())) for _ in range(2)]
    for _ in range(6000):
        if len(await models.calls()) == 2:
            break
        await asyncio.sleep(0.01)
    assert not any(each.done() for each in waiting)
    await models.served.control("POST", "ai/hold", {"hold": False}, status=204)
    assert [status for status, _, _ in await asyncio.gather(*waiting)] == [200, 200]


async def test_reset_forgets_scripts_and_calls(models: Models) -> None:
    await models.scripted({"status": 500})
    await models.ask("chat/completions", chat())
    await models.scripted({"status": 500})
    await models.served.control("POST", "ai/hold", {"hold": True}, status=204)
    await models.served.control("POST", "reset", status=204)
    assert (await models.ask("chat/completions", chat()))[0] == 200
    assert [call["status"] for call in await models.calls()] == [200]


ROWS = {
    "journey": {"id": "5f0c1d3e-0000-4000-8000-000000000001", "title": "Norway"},
    "entries": [
        {"id": f"5f0c1d3e-0000-4000-8000-00000000001{n}", "title": title, "day_number": day, "order_index": n}
        for n, (title, day) in enumerate((("Ferry", 1), ("Museum", 1), ("Walk", 2)))
    ],
}
READ = {"type": "function", "function": {"name": "read_all", "parameters": {
    "type": "object", "properties": {"journey_id": {"type": "string"}}, "required": ["journey_id"]}}}  # fmt: skip
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["summary", "entries"],
    "properties": {
        "summary": {"type": "string", "maxLength": 200},
        "entries": {"type": "array", "maxItems": 50, "items": {"$ref": "#/$defs/entry"}},
    },
    "$defs": {
        "entry": {
            "type": "object",
            "additionalProperties": False,
            "required": ["entryId", "dayNumber", "orderIndex", "note"],
            "properties": {
                "entryId": {"type": "string"},
                "dayNumber": {"type": "integer", "minimum": 1},
                "orderIndex": {"type": "integer"},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
        }
    },
}


async def test_where_no_test_speaks_it_reads_by_tools_and_answers_from_that(models: Models) -> None:
    prompt = f"What is planned for {ROWS['journey']['id']}?"  # type: ignore[call-overload]
    asked = streamed(prompt, tools=[READ])
    (first,) = await models.client(["helper", asked])
    message = first["completion"]["choices"][0]["message"]
    (call,) = message["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"journey_id": "5f0c1d3e-0000-4000-8000-000000000001"}
    answered = [
        *asked["messages"],
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": call["id"], "type": "function", "function": call["function"]}]},
        {"role": "tool", "tool_call_id": call["id"], "content": f"What was found: {json.dumps(ROWS)}"},
    ]  # fmt: skip
    proposal = {"type": "json_schema", "json_schema": {"name": "plan", "strict": True, "schema": SCHEMA}}
    second, third = await models.client(
        ["chunks", {**asked, "messages": answered}],
        ["create", chat(tools=[READ], response_format=proposal) | {"messages": answered}],
    )
    text = text_of(second["chunks"])
    assert "**Norway**" in text
    assert all(title in text for title in ("Ferry", "Museum", "Walk"))
    found = json.loads(third["choices"][0]["message"]["content"])
    assert found == {
        "summary": "Norway, Ferry, Museum, Walk: as it stands.",
        "entries": [
            {"entryId": row["id"], "dayNumber": row["day_number"], "orderIndex": row["order_index"], "note": None}
            for row in ROWS["entries"]
        ],
    }

"""How the fake fails, by the errors that OpenAI's own client makes of it, and what each failure has cost."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.providers.ai.conftest import MODEL, chat, streamed
from tests.local.providers.ai.test_streams import TOOLS, text_of

if TYPE_CHECKING:
    from tests.local.providers.ai.conftest import Models

TEXT = "abcd" * 10


@pytest.mark.parametrize(
    ("script", "failed", "code"),
    [
        ({"status": 400, "code": "context_length_exceeded"}, "BadRequestError", "context_length_exceeded"),
        ({"status": 401}, "AuthenticationError", "invalid_api_key"),
        ({"status": 403}, "PermissionDeniedError", None),
        ({"status": 429, "retryAfter": 7}, "RateLimitError", "rate_limit_exceeded"),
        ({"status": 429, "code": "insufficient_quota"}, "RateLimitError", "insufficient_quota"),
        ({"status": 500}, "InternalServerError", None),
        ({"status": 503}, "InternalServerError", None),
    ],
)
async def test_refusals(models: Models, script: dict[str, Any], failed: str, code: str | None) -> None:
    await models.scripted({**script, "times": 2})
    results = await models.client(["create", chat()], ["chunks", streamed()])
    for result in results:
        assert (result["failed"], result["status"], result["code"]) == (failed, script["status"], code)
        assert result["requestID"].startswith("req_")
        assert result["retryAfter"] == ("7" if "retryAfter" in script else None)
    calls = await models.calls()
    assert [(call["outcome"], call["status"], call["promptTokens"], call["completionTokens"]) for call in calls] == [
        ("refused", script["status"], 0, 0)
    ] * 2
    assert (await models.tally())["totals"]["reached"] == 0


async def test_its_client_tries_again_when_it_is_told_to(models: Models) -> None:
    await models.scripted({"status": 429, "retryAfter": 0.01}, {"status": 500}, {"text": "At last"})
    (answer,) = await models.client(["create", chat(), {"maxRetries": 2}])
    assert answer["choices"][0]["message"]["content"] == "At last"
    assert [call["status"] for call in await models.calls()] == [429, 500, 200]


@pytest.mark.parametrize(
    ("fault", "failed"),
    [
        ("error", "APIError"),
        ("garbage", "SyntaxError"),
        ("reset", "TypeError"),
        ("close", "TypeError"),
    ],
)
async def test_a_stream_that_breaks(models: Models, fault: str, failed: str) -> None:
    await models.scripted({"text": TEXT, "fault": fault, "faultAfter": 3, "chunksPerSecond": 200})
    ((stream),) = await models.client(["chunks", streamed()])
    assert (stream["failed"], text_of(stream["chunks"])) == (failed, TEXT[:12]), stream
    (call,) = await models.calls()
    assert (call["outcome"], call["completionTokens"], call["toldUsage"]) == ("broken", 3, False)


async def test_a_stream_that_stalls_is_ended_by_who_waits(models: Models) -> None:
    await models.scripted({"text": TEXT, "fault": "stall", "faultAfter": 2})
    ((stream),) = await models.client(["chunks", streamed(), {"abortAfter": 3}])
    assert text_of(stream["chunks"]) == TEXT[:8]
    (call,) = await models.calls()
    assert (call["outcome"], call["completionTokens"]) == ("left", 2)


async def test_what_was_sent_until_the_client_went_away_is_counted(models: Models) -> None:
    await models.scripted({"text": TEXT * 100, "chunksPerSecond": 100})
    ((stream),) = await models.client(["chunks", streamed(), {"abortAfter": 6}])
    (call,) = await models.calls()
    assert call["outcome"] == "left"
    assert len(text_of(stream["chunks"])) // 4 <= call["completionTokens"] < 1000


async def test_a_stream_may_end_without_usage(models: Models) -> None:
    await models.scripted({"text": TEXT, "usage": False})
    ((stream),) = await models.client(["chunks", streamed()])
    assert (text_of(stream["chunks"]), stream["chunks"][-1]["choices"][0]["finish_reason"]) == (TEXT, "stop")
    (call,) = await models.calls()
    assert (call["outcome"], call["completionTokens"], call["toldUsage"]) == ("complete", 10, False)


async def test_keys(models: Models) -> None:
    wrong, none = await models.client(
        ["create", chat(), {"apiKey": "sk-invalid"}], ["create", chat(), {"apiKey": "a key of another service"}]
    )
    assert (wrong["failed"], wrong["code"]) == ("AuthenticationError", "invalid_api_key")
    assert none["failed"] == "AuthenticationError"
    assert await models.calls() == []


async def test_what_makes_no_sense_is_refused_as_it_is_there(models: Models) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    asked = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    open_schema = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {"type": "object"}}}
    results = await models.client(
        ["create", {**chat(), "model": "gpt-of-nobody"}],
        ["create", {"model": MODEL, "messages": []}],
        ["create", chat(stream_options={"include_usage": True})],
        ["create", {**chat(), "model": "gpt-5-mini", "max_tokens": 5}],
        ["create", chat(max_completion_tokens=0)],
        ["create", chat(max_completion_tokens=2_000_000)],
        ["create", {"model": MODEL, "messages": asked, "tools": TOOLS}],
        ["create", {"model": MODEL, "messages": [{"role": "tool", "tool_call_id": "call_1", "content": "x"}]}],
        ["create", chat(tools=[])],
        ["create", chat(response_format=open_schema)],
        ["create", chat(no_such_thing=1)],
        ["create", {**chat(), "model": "text-embedding-3-small"}],
    )
    assert [(each["status"], each["code"]) for each in results] == [
        (404, "model_not_found"),
        (400, None),
        (400, None),
        (400, "unsupported_parameter"),
        (400, "invalid_value"),
        (400, "context_length_exceeded"),
        (400, None),
        (400, None),
        (400, None),
        (400, "invalid_schema"),
        (400, None),
        (404, None),
    ]
    assert {call["outcome"] for call in await models.calls()} == {"refused"}


async def test_a_prompt_that_no_model_has_room_for_is_read_and_refused_as_such_up_to_a_bound(models: Models) -> None:
    for size, told in (
        (8 * 1024**2, (400, "context_length_exceeded")),
        (33 * 1024**2, (413, None)),
    ):
        asked = {"model": MODEL, "messages": [{"role": "user", "content": "x" * size}]}
        headers = {"Authorization": "Bearer sk-of-the-tests", "Content-Type": "application/json"}
        body = io.BytesIO(json.dumps(asked).encode())
        url = f"{models.base}/v1/chat/completions"
        async with models.served.http.post(url, data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == told


async def test_a_path_that_is_not_there(models: Models) -> None:
    status, body, _ = await models.ask("responses", {})
    assert (status, body["error"]["type"]) == (404, "invalid_request_error")

"""Completions on the wire, as OpenAI's own client reads them: whole and streamed, tools, and what limits an answer."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from tests.local.providers.ai.conftest import MODEL, chat, streamed

if TYPE_CHECKING:
    from tests.local.providers.ai.conftest import Models

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("look", "keep")
]
TEXT = "Grüße aus Köln: 東京は晴れ 🌞, und dann weiter."


def text_of(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def usage(prompt: int, completion: int, reasoning: int = 0, cached: int = 0) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


async def test_a_stream_is_chunks_and_then_usage(models: Models) -> None:
    await models.scripted({"text": "One two three", "cachedTokens": 3})
    ((stream),) = await models.client(["chunks", streamed("Count")])
    chunks = stream["chunks"]
    assert {(chunk["object"], chunk["model"]) for chunk in chunks} == {("chat.completion.chunk", MODEL)}
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-1]] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "One "}, {"content": "two "}, {"content": "thre"}, {"content": "e"},
        {},
    ]  # fmt: skip
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * 5 + ["stop"]
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 6
    # The prompt: four for its frame, two for its text.
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], usage(6, 4, cached=3))


async def test_without_being_asked_for_no_usage_comes(models: Models) -> None:
    await models.scripted({"text": "One two"})
    ((stream),) = await models.client(["chunks", chat()])
    assert all("usage" not in chunk and chunk["choices"] for chunk in stream["chunks"])
    (call,) = await models.calls()
    assert (call["outcome"], call["completionTokens"], call["toldUsage"]) == ("complete", 2, False)


async def test_a_whole_answer(models: Models) -> None:
    await models.scripted({"text": TEXT, "reasoningTokens": 7})
    (answer,) = await models.client(["create", chat("Tell")])
    (choice,) = answer["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (TEXT, "stop")
    (call,) = await models.calls()
    assert answer["usage"] == usage(5, call["completionTokens"], 7)
    assert call["completionTokens"] > 7


async def test_characters_that_are_cut_in_two_arrive_whole(models: Models) -> None:
    await models.scripted(*({"text": TEXT, "splitCharacters": True, "tokensPerChunk": size} for size in (1, 3)))
    one, other = await models.client(["chunks", streamed()], ["helper", streamed()])
    assert text_of(one["chunks"]) == TEXT
    assert "".join(other["deltas"]) == other["completion"]["choices"][0]["message"]["content"] == TEXT


async def test_what_is_cut_arrives_in_parts_that_are_no_text_by_themselves(models: Models) -> None:
    await models.scripted({"text": "ü" * 40, "splitCharacters": True})
    headers = {"Authorization": "Bearer sk-of-the-tests"}
    async with models.served.http.post(
        f"{models.base}/v1/chat/completions", json=chat(stream=True), headers=headers
    ) as answer:
        parts = [part async for part, _ in answer.content.iter_chunks()]
    assert sum(not is_text(part) for part in parts) >= 20
    assert is_text(b"".join(parts))


def is_text(part: bytes) -> bool:
    try:
        part.decode()
    except UnicodeDecodeError:
        return False
    return True


async def test_tools_are_called_in_pieces_by_their_index(models: Models) -> None:
    called = [{"name": "look", "arguments": {"at": "Köln"}}, {"name": "keep", "arguments": {"what": "all of it"}}]
    await models.scripted({"text": "Wait.", "toolCalls": called}, {"toolCalls": called, "interleave": True})
    helped, in_turn = await models.client(
        ["helper", streamed(tools=TOOLS)], ["chunks", streamed(tools=TOOLS, tool_choice="auto")]
    )
    choice = helped["completion"]["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Wait.", "tool_calls")
    assert [each["function"]["name"] for each in choice["message"]["tool_calls"]] == ["look", "keep"] == helped["done"]
    assert [each["function"]["arguments"] for each in choice["message"]["tool_calls"]] == [
        '{"at":"Köln"}',
        '{"what":"all of it"}',
    ]
    pieces = [
        piece
        for chunk in in_turn["chunks"]
        for choice in chunk["choices"]
        for piece in choice["delta"].get("tool_calls", [])
    ]
    assert [piece["index"] for piece in pieces[:6]] == [0, 1, 0, 1, 0, 1]
    assert [piece["id"][:5] for piece in pieces[:2]] == ["call_", "call_"]
    assert [
        "".join(piece["function"]["arguments"] for piece in pieces if piece["index"] == index) for index in (0, 1)
    ] == ['{"at":"Köln"}', '{"what":"all of it"}']


async def test_arguments_may_be_no_json(models: Models) -> None:
    await models.scripted({"toolCalls": [{"name": "look", "arguments": '{"at": '}]})
    ((stream),) = await models.client(["chunks", streamed(tools=TOOLS)])
    last = [chunk for chunk in stream["chunks"] if chunk["choices"]][-1]
    assert last["choices"][0]["finish_reason"] == "tool_calls"


async def test_an_answer_is_never_longer_than_was_allowed(models: Models) -> None:
    text = "abcd" * 100
    scripts = [
        {"text": text},
        {"text": text, "reasoningTokens": 25},
        {"text": text, "reasoningTokens": 99},
        {"text": "abcd", "toolCalls": [{"name": "look", "arguments": {"at": text}}]},
    ]
    await models.scripted(*scripts)
    limited = streamed(max_completion_tokens=30, tools=TOOLS)
    streams = await models.client(*(["chunks", limited] for _ in scripts))
    assert [text_of(each["chunks"]) for each in streams] == [text[:120], text[:20], "", "abcd"]
    finishes = [each["chunks"][-2]["choices"][0]["finish_reason"] for each in streams]
    assert finishes == ["length"] * 4
    told = [each["chunks"][-1]["usage"] for each in streams]
    assert [each["completion_tokens"] for each in told] == [30] * 4
    assert [each["completion_tokens_details"]["reasoning_tokens"] for each in told] == [0, 25, 30, 0]


async def test_chunks_come_at_the_rate_that_is_asked_for(models: Models) -> None:
    """The rate is a floor of time: 20 chunks behind the first, 100 a second, take a fifth of one at least."""
    await models.scripted({"text": "abcd" * 21, "chunksPerSecond": 100})
    await models.client(["chunks", streamed()])
    (entry,) = await models.served.ledger("?provider=ai")
    assert entry["milliseconds"] >= 200


async def test_the_tally_is_kept_by_run(models: Models) -> None:
    run, other = ("11111111-2222-4333-8444-55555555555" + end for end in "56")
    await models.scripted({"text": "abcd" * 5, "times": 3})
    for name in (f"{run}:0", f"ai:{run}:1", other):
        status, _, _ = await models.ask("chat/completions", chat(), **{"X-Client-Request-Id": name})
        assert status == 200
    found = await models.tally(f"?run={run}")
    assert [(call["run"], call["index"], call["completionTokens"]) for call in found["calls"]] == [
        (run, 0, 5),
        (run, 1, 5),
    ]
    assert found["totals"] == {
        "calls": 2,
        "reached": 2,
        "promptTokens": 12,
        "cachedTokens": 0,
        "completionTokens": 10,
        "reasoningTokens": 0,
    }
    assert (await models.tally())["totals"]["calls"] == 3


async def test_tokens_of_a_text_are_at_most_a_third_of_its_bytes(models: Models) -> None:
    texts = [TEXT * 20, "a" * 1001, "ü" * 500, "東" * 500, "🌞a" * 300]
    await models.scripted(*({"text": text} for text in texts))
    for _ in texts:
        await models.ask("chat/completions", chat())
    counts = [call["completionTokens"] for call in await models.calls()]
    assert all(count <= -(-len(text.encode()) // 3) for count, text in zip(counts, texts, strict=True))
    assert all(total > 0 for total in accumulate(counts))

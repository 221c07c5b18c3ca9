"""A completion as server-sent events: chunks of a few tokens, at a rate, broken where a script breaks it."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tripgate.local.providers import connections
from tripgate.local.providers.ai import tokens
from tripgate.local.providers.ai.wire import REQUEST_ID, new_id, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tripgate.local.providers.ai.answer import Answer, Called
    from tripgate.local.providers.ai.scripts import Script
    from tripgate.local.providers.ai.tally import Call

# So that the parts of a character arrive apart.
_APART_SECONDS = 0.002
# OpenAI pads its chunks, so that their lengths do not tell what is in them.
_PADDING = "rT7wQz0bLx3MvK9d"
_END = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class _Piece:
    """What one chunk adds, and the tokens that it cost."""

    delta: dict[str, Any]
    tokens: int
    characters: int = 0


class _OverError(Exception):
    """The connection was ended by the script."""


async def streamed(
    request: web.Request, script: Script, answer: Answer, call: Call, frame: dict[str, Any], *, include_usage: bool
) -> web.StreamResponse:
    """Send the answer; what of it was sent is counted in `call` as it goes."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-cache",
            "x-request-id": request[REQUEST_ID],
        }
    )
    if include_usage:
        frame = {**frame, "usage": None}
    call.outcome = "left"  # unless it comes to another end
    await asyncio.sleep(script.first_chunk_seconds)
    await response.prepare(request)
    call.completion_tokens = call.reasoning_tokens = answer.reasoning
    try:
        await _send_pieces(request, response, script, answer, call, frame)
    except _OverError:
        call.outcome = "broken"
        return response
    finish = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": answer.finish}
    await response.write(_event({**frame, "choices": [finish], "obfuscation": _PADDING[:9]}))
    if include_usage and script.usage:
        await response.write(_event({**frame, "choices": [], "usage": call.usage(), "obfuscation": ""}))
        call.told_usage = True
    await response.write(_END)
    await response.write_eof()
    call.outcome = "complete"
    return response


async def _send_pieces(
    request: web.Request,
    response: web.StreamResponse,
    script: Script,
    answer: Answer,
    call: Call,
    frame: dict[str, Any],
) -> None:
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0
    call.streamed_at = time.time()
    for piece in _pieces(script, answer):
        if script.fault is not None and piece.tokens and sent == script.fault_after:
            await _break(request, response, script)
        if script.chunks_per_second and piece.tokens:
            await asyncio.sleep(max(0.0, began + sent / script.chunks_per_second - loop.time()))
        choice = {"index": 0, "delta": piece.delta, "logprobs": None, "finish_reason": None}
        padding = _PADDING[: 16 - len(str(piece.delta)) % 16]
        await _write(response, _event({**frame, "choices": [choice], "obfuscation": padding}), script)
        call.completion_tokens += piece.tokens
        call.sent_characters += piece.characters
        sent += piece.tokens > 0
    if script.fault is not None:
        await _break(request, response, script)


def _pieces(script: Script, answer: Answer) -> Iterator[_Piece]:
    """The chunks: the role, the text, each tool's name and then its arguments."""
    size = script.tokens_per_chunk
    opening = {"role": "assistant", "content": None if answer.called and not answer.pieces else "", "refusal": None}
    yield _Piece(opening, 0)
    for part in _several(answer.pieces, size):
        yield _Piece({"content": part}, tokens.count(part), len(part))
    lists = [list(_of_tool(at, tool, size)) for at, tool in enumerate(answer.called)]
    if script.interleave:
        yield from (piece for turn in zip_longest(*lists) for piece in turn if piece is not None)
    else:
        yield from (piece for each in lists for piece in each)


def _of_tool(index: int, tool: Called, size: int) -> Iterator[_Piece]:
    function = {"name": tool.name, "arguments": ""}
    first = {"index": index, "id": new_id("call_"), "type": "function", "function": function}
    yield _Piece({"tool_calls": [first]}, tokens.count(tool.name))
    for part in _several(tool.pieces, size):
        yield _Piece({"tool_calls": [{"index": index, "function": {"arguments": part}}]}, tokens.count(part))


def _several(pieces: list[str], size: int) -> Iterator[str]:
    return ("".join(pieces[at : at + size]) for at in range(0, len(pieces), size))


async def _write(response: web.StreamResponse, event: bytes, script: Script) -> None:
    """Send an event, in two parts where a character of several bytes is to be cut."""
    cut = next((at for at, byte in enumerate(event) if byte >= 0xC0), None) if script.split_characters else None
    if cut is None:
        await response.write(event)
        return
    await response.write(event[: cut + 1])
    await asyncio.sleep(_APART_SECONDS)
    await response.write(event[cut + 1 :])


async def _break(request: web.Request, response: web.StreamResponse, script: Script) -> None:
    match script.fault:
        case "error":
            await response.write(_event(refusal(500).body))
        case "garbage":
            await response.write(b'data: {"id": "half an\n\n')
        case "stall":
            await asyncio.sleep(script.stall_seconds)
        case "reset":
            # What was written before arrives before the reset does.
            await asyncio.sleep(_APART_SECONDS)
            connections.reset(request)
        case _:
            if request.transport is not None:
                request.transport.close()
    raise _OverError


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"

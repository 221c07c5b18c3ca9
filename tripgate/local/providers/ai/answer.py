"""What the model has to say to one request, cut to what the request allows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tripgate.local.providers.ai import tokens

if TYPE_CHECKING:
    from tripgate.local.providers.ai.request import ChatRequest
    from tripgate.local.providers.ai.scripts import Script


@dataclass(frozen=True)
class Called:
    """A tool that is called, its arguments in tokens."""

    name: str
    pieces: list[str]


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        reasoning: How many tokens are thought first.
        pieces: Of the text, in tokens.
        called: Tools, in order.
        finish: `stop`, `length`, `tool_calls` or `content_filter`.
    """

    reasoning: int
    pieces: list[str]
    called: list[Called]
    finish: str


def answer_of(script: Script, request: ChatRequest) -> Answer:
    """The script's answer, of `max_completion_tokens` at most: reasoning counts, a tool's name too."""
    left = request.limit if request.limit is not None else request.model.context - request.prompt_tokens
    text = _filled(script.text, request) if script.fill else script.text
    all_pieces = tokens.pieces(text)
    reasoning = min(script.reasoning_tokens, left)
    left -= reasoning
    pieces = all_pieces[:left]
    left -= len(pieces)
    cut = reasoning < script.reasoning_tokens or len(pieces) < len(all_pieces)
    called = []
    for call in script.tool_calls:
        given = call.arguments
        given = given if isinstance(given, str) else json.dumps(given, separators=(",", ":"), ensure_ascii=False)
        name, argument_pieces = (
            tokens.count(call.name),
            tokens.pieces(_filled(given, request) if script.fill else given),
        )
        if cut or name > left:
            cut = True
            break
        left -= name
        called.append(Called(call.name, argument_pieces[:left]))
        cut = len(argument_pieces) > left
        left -= len(called[-1].pieces)
    finish = "length" if cut else "tool_calls" if called else "stop"
    return Answer(reasoning, pieces, called, script.finish_reason or finish)


def _filled(text: str, request: ChatRequest) -> str:
    for name, value in (("system", request.system), ("prompt", request.newest_prompt), ("tool", request.newest_tool)):
        text = text.replace(f"{{{name}}}", value)
    return text

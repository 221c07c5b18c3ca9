"""Tokens, as far as a fake needs them: never more than a quarter of the bytes, rounded up.

Real tokens are longer or shorter than that. What counts is that a caller's upper estimate of a third of the bytes is
one here too, and that the same text always counts the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BYTES = 4
# What the frame of a message takes beside its text.
_FRAME = 4


def pieces(text: str) -> list[str]:
    """The text in tokens: whole characters, together at least four bytes, but for the last."""
    if text.isascii():
        return [text[at : at + BYTES] for at in range(0, len(text), BYTES)]
    found: list[str] = []
    held, size = "", 0
    for character in text:
        held, size = held + character, size + len(character.encode())
        if size >= BYTES:
            found.append(held)
            held, size = "", 0
    return [*found, held] if held else found


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(pieces(text))


def text_of(content: object) -> str:
    """The text of a message's content: a string, or parts of type `text`."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def of_prompt(messages: Sequence[Mapping[str, Any]], tools: Iterable[Mapping[str, Any]]) -> int:
    """How many tokens a request has before anything is answered."""
    total = 0
    for message in messages:
        total += _FRAME + count(text_of(message.get("content")))
        for call in message.get("tool_calls") or ():
            function = call.get("function", {})
            total += _FRAME + count(str(function.get("name", ""))) + count(str(function.get("arguments", "")))
    return total + sum(count(json.dumps(tool, separators=(",", ":"), ensure_ascii=False)) for tool in tools)

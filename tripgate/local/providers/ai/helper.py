"""What the model says where no test speaks: it reads what its tools show, and answers from that alone.

It knows nothing of the product: tools, their parameters and the schema of the answer come with the request. Read first
(`read_…`; `search_…` and `remember` where they are asked for), then a text, or JSON that fits the schema.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tripgate.local.providers.ai import filling, tokens
from tripgate.local.providers.ai.scripts import Script, ToolCall

if TYPE_CHECKING:
    from tripgate.local.providers.ai.request import ChatRequest

CHUNKS_PER_SECOND = 100.0
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_REMEMBER = re.compile(r"\bremember (?:that )?(.{3,400})", re.IGNORECASE | re.DOTALL)
_SEARCH = re.compile(r"\b(?:search|find|suggest|recommend|where)\b", re.IGNORECASE)
_NAMES = ("title", "name", "label", "content", "text", "description")
_MOST_LISTED = 8


def script_of(request: ChatRequest) -> Script:
    """The answer to a request that no script concerns."""
    called = _asked_of_tools(request)
    if called:
        return Script(tool_calls=called, reasoning_tokens=_thought(request), chunks_per_second=CHUNKS_PER_SECOND)
    found = _found(request)
    if request.schema is not None:
        fitting = filling.value(request.schema, filling.Known.of(found, request.newest_prompt))
        text = json.dumps(fitting, ensure_ascii=False)
    else:
        text = _told(request, found)
    return Script(text=text, reasoning_tokens=_thought(request), chunks_per_second=CHUNKS_PER_SECOND)


def _thought(request: ChatRequest) -> int:
    return 32 if request.model.thinks else 0


def _asked_of_tools(request: ChatRequest) -> list[ToolCall]:
    """The tools to call now, which are those of the first round; none in a later one."""
    at = max((n for n, each in enumerate(request.messages) if each["role"] == "user"), default=0)
    if any(each["role"] == "tool" for each in request.messages[at:]):
        return []
    prompt = request.newest_prompt
    called = []
    for tool in request.tools:
        function = tool["function"]
        name = str(function["name"])
        remembered = _REMEMBER.search(prompt)
        if (
            name.startswith("read_")
            or (name.startswith("search_") and _SEARCH.search(prompt))
            or (name == "remember" and remembered)
        ):
            subject = remembered[1].strip() if remembered and name == "remember" else prompt[:200]
            arguments = _arguments(function.get("parameters") or {}, subject, f"{request.system}\n{prompt}")
            if arguments is not None:
                called.append(ToolCall(name=name, arguments=arguments))
    return called


def _arguments(parameters: dict[str, Any], subject: str, all_text: str) -> dict[str, Any] | None:
    """What a tool requires; None where it requires what nobody told."""
    ids = _UUID.findall(all_text)
    properties = parameters.get("properties", {})
    found: dict[str, Any] = {}
    for name in parameters.get("required", []):
        schema = properties.get(name, {})
        if schema.get("format") == "uuid" or name == "id" or name.lower().endswith(("_id", "id")):
            if not ids:
                return None
            found[name] = ids[0]
        elif "enum" not in schema and schema.get("type") == "string":
            found[name] = subject
        else:
            found[name] = filling.value(schema, filling.Known.of([], subject))
    return found


def _found(request: ChatRequest) -> list[Any]:
    """What the tools gave, as JSON where it is any, the oldest first."""
    found = []
    for message in request.messages:
        if message["role"] != "tool":
            continue
        text = tokens.text_of(message.get("content"))
        for start in (at for at in (text.find("{"), text.find("[")) if at >= 0):
            try:
                found.append(json.JSONDecoder().raw_decode(text, start)[0])
                break
            except ValueError:
                continue
    return found


def _told(request: ChatRequest, found: list[Any]) -> str:
    """A text for people."""
    rows = [row for each in found for row in filling.rows_of(each)]
    named = [(name, row) for row in rows if (name := _name(row))]
    if not named:
        asked = " ".join(request.newest_prompt.split())[:200]
        return f"I am the model of this machine, and no real one. You asked: “{asked}”. I found nothing to go by."
    (first, _), others = named[0], named[1:]
    lines = [f"Here is what I found about **{first}**."]
    lines.extend(f"- {name}{_detail(row)}" for name, row in others[:_MOST_LISTED])
    if len(others) > _MOST_LISTED:
        lines.append(f"- and {len(others) - _MOST_LISTED} more")
    lines.append("I am the model of this machine, and no real one; a real one would have more to say.")
    return "\n".join(lines)


def _name(row: dict[str, Any]) -> str:
    return next((" ".join(row[name].split())[:120] for name in _NAMES if isinstance(row.get(name), str)), "")


def _detail(row: dict[str, Any]) -> str:
    told = [f"{key.replace('_', ' ')} {value}" for key, value in row.items() if isinstance(value, int | float)]
    return f" ({', '.join(told[:3])})" if told else ""

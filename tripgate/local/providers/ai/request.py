"""What a request for a completion may hold, checked as strictly as OpenAI does where a client could go wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tripgate.local.providers.ai import tokens
from tripgate.local.providers.ai.models import Model, model_of
from tripgate.local.providers.ai.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROLES = frozenset(("system", "developer", "user", "assistant", "tool"))
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KNOWN = frozenset(
    (
        *("model", "messages", "stream", "stream_options", "max_completion_tokens", "max_tokens", "tools", "user"),
        *("tool_choice", "parallel_tool_calls", "response_format", "temperature", "top_p", "n", "stop", "seed"),
        *("metadata", "store", "reasoning_effort", "verbosity", "service_tier", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_retention", "frequency_penalty", "presence_penalty"),
    )
)


@dataclass(frozen=True)
class ChatRequest:
    """A request that makes sense.

    Attributes:
        limit: The most tokens of an answer, reasoning among them; None where it names none.
        schema: That the answer has to fit, where it is to be JSON.
    """

    model: Model
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    stream: bool
    include_usage: bool
    limit: int | None
    schema: dict[str, Any] | None
    must_call: bool
    prompt_tokens: int

    @property
    def newest_prompt(self) -> str:
        """The newest message of a person."""
        return self._newest("user")

    @property
    def system(self) -> str:
        """All system prompts."""
        return "\n".join(
            tokens.text_of(each.get("content")) for each in self.messages if each["role"] in {"system", "developer"}
        )

    @property
    def newest_tool(self) -> str:
        """The newest result of a tool."""
        return self._newest("tool")

    def _newest(self, role: str) -> str:
        of_role = [each for each in self.messages if each["role"] == role]
        return tokens.text_of(of_role[-1].get("content")) if of_role else ""


def chat_request(body: Mapping[str, Any]) -> ChatRequest:
    """The request. Raises WireError."""
    model = model_of(body.get("model"), embeds=False)
    for name in body:
        if name not in _KNOWN:
            raise WireError(f"Unrecognized request argument supplied: {name[:100]}")
    messages, tools = _messages(body.get("messages")), _tools(body.get("tools"))
    stream = body.get("stream") is True
    options = body.get("stream_options")
    if options is not None and not stream:
        raise WireError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if body.get("n") not in {None, 1}:
        raise WireError("This fake answers with one choice.", param="n")
    limit, prompt = _limit(body, model), tokens.of_prompt(messages, tools)
    if prompt + (limit or 0) > model.context:
        raise WireError(
            f"This model's maximum context length is {model.context} tokens. However, you requested "
            f"{prompt + (limit or 0)} tokens ({prompt} in the messages, {limit or 0} in the completion). Please reduce "
            "the length of the messages or completion.",
            code="context_length_exceeded",
            param="messages",
        )
    return ChatRequest(
        model=model,
        messages=messages,
        tools=tools,
        stream=stream,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
        limit=limit,
        schema=_schema(body.get("response_format")),
        must_call=body.get("tool_choice") == "required" or isinstance(body.get("tool_choice"), dict),
        prompt_tokens=prompt,
    )


def _limit(body: Mapping[str, Any], model: Model) -> int | None:
    if body.get("max_tokens") is not None and model.thinks:
        raise WireError(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
            code="unsupported_parameter",
            param="max_tokens",
        )
    name = "max_tokens" if body.get("max_tokens") is not None else "max_completion_tokens"
    limit = body.get(name)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise WireError(f"Invalid '{name}': integer of at least 1 expected.", code="invalid_value", param=name)
    return limit


def _messages(given: object) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not given:
        raise WireError("Invalid 'messages': array of at least one message expected.", param="messages")
    owed: set[str] = set()
    for at, message in enumerate(given):
        where = f"messages[{at}]"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise WireError(f"Invalid value for '{where}.role'.", code="invalid_value", param=f"{where}.role")
        if message["role"] == "tool":
            if message.get("tool_call_id") not in owed:
                raise WireError(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceding message with "
                    "'tool_calls'.",
                    param=f"{where}.role",
                )
            owed.discard(message["tool_call_id"])
        elif owed:
            raise _unanswered(owed)
        calls = message.get("tool_calls") or []
        if not isinstance(message.get("content"), str | list) and not calls:
            raise WireError(
                f"Invalid value for '{where}.content': expected a string, got null.", param=f"{where}.content"
            )
        for call in calls:
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
                raise WireError(f"Invalid value for '{where}.tool_calls'.", param=f"{where}.tool_calls")
            owed.add(str(call.get("id")))
    if owed:
        raise _unanswered(owed)
    return given


def _unanswered(owed: set[str]) -> WireError:
    return WireError(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(sorted(owed))}",
        param="messages",
    )


def _tools(given: object) -> list[dict[str, Any]]:
    if given is None:
        return []
    if not isinstance(given, list) or not given:
        raise WireError("Invalid 'tools': empty array. Expected an array with minimum length 1.", param="tools")
    for at, tool in enumerate(given):
        function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
        if not isinstance(function, dict) or not _NAME.fullmatch(str(function.get("name"))):
            raise WireError(f"Invalid 'tools[{at}].function.name'.", param=f"tools[{at}].function.name")
        if function.get("strict") is True:
            _check_strict(function.get("parameters"), f"tools[{at}].function.parameters")
    return given


def _schema(given: object) -> dict[str, Any] | None:
    if given is None or (isinstance(given, dict) and given.get("type") == "text"):
        return None
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(given, dict) or kind not in {"json_object", "json_schema"}:
        raise WireError("Invalid value for 'response_format.type'.", param="response_format.type")
    if kind == "json_object":
        return {"type": "object"}
    named = given.get("json_schema")
    if not isinstance(named, dict) or not _NAME.fullmatch(str(named.get("name"))):
        raise WireError("Missing required parameter: 'response_format.json_schema.name'.", param="response_format")
    schema = named.get("schema", {})
    if named.get("strict") is True:
        _check_strict(schema, "response_format.json_schema.schema")
    return dict(schema)


def _check_strict(schema: object, where: str) -> None:
    """A strict schema closes its objects, and requires all that they may hold."""
    if not isinstance(schema, dict):
        return
    if "object" in (schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]):
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            raise _not_strict(where, "'additionalProperties' is required to be supplied and to be false")
        if sorted(schema.get("required", [])) != sorted(properties):
            raise _not_strict(where, "'required' is required to be supplied and to be an array including every key")
        for each in properties.values():
            _check_strict(each, where)
    _check_strict(schema.get("items"), where)
    for each in (*schema.get("anyOf", []), *schema.get("$defs", {}).values()):
        _check_strict(each, where)


def _not_strict(where: str, why: str) -> WireError:
    return WireError(f"Invalid schema for '{where}': In context=(), {why}.", code="invalid_schema", param=where)

"""What tests have the model do: scripts, each of which concerns the next calls that fit it."""

# Evaluated annotations: pydantic reads them at run time.
import itertools
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

MAX_SCRIPTS = 1000

Endpoint = Literal["chat", "embeddings"]
Fault = Literal["error", "garbage", "stall", "reset", "close"]


class _Scripted(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ToolCall(_Scripted):
    """A function that the model calls.

    Attributes:
        arguments: An object, or a text as it is: the model's own JSON is not always any.
    """

    name: str = Field(min_length=1, max_length=64)
    arguments: dict[str, Any] | str = {}


class Script(_Scripted):
    """One script.

    Attributes:
        endpoint: Which calls it concerns.
        contains: Only those in whose newest message of a person, or system prompt, this stands.
        times: How many.
        text: What is said, before the tools that are called. `{system}`, `{prompt}` and `{tool}` in it stand for the
            system prompt, the newest message of a person, and the newest result of a tool, where `fill` is true.
        tool_calls: In one answer.
        reasoning_tokens: Thought, and paid for, before the first word.
        cached_tokens: Of the prompt, at most as many as it has.
        finish_reason: In place of the true one.
        interleave: Send the pieces of several tool calls in turn.
        first_chunk_seconds: How long nothing comes.
        chunks_per_second: 0 is as fast as it goes.
        tokens_per_chunk: How much comes at once.
        split_characters: Cut what is sent inside characters of several bytes.
        usage: Whether the chunk of usage comes, where it was asked for.
        fault: What breaks the stream behind `fault_after` chunks of text or tools: `error` and `garbage` are events of
            it, `stall` sends nothing more for `stall_seconds`, `reset` and `close` end the connection.
        status: Refuse, with `code`, and `retry_after` in that header.
    """

    endpoint: Endpoint = "chat"
    contains: str | None = Field(None, min_length=1, max_length=10_000)
    times: int = Field(1, ge=1, le=1_000_000)
    text: str = Field("", max_length=1_000_000)
    fill: bool = False
    tool_calls: list[ToolCall] = Field([], max_length=100)
    reasoning_tokens: int = Field(0, ge=0, le=1_000_000)
    cached_tokens: int = Field(0, ge=0, le=1_000_000)
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"] | None = None
    interleave: bool = False
    first_chunk_seconds: float = Field(0.0, ge=0, le=300)
    chunks_per_second: float = Field(0.0, ge=0, le=100_000)
    tokens_per_chunk: int = Field(1, ge=1, le=10_000)
    split_characters: bool = False
    usage: bool = True
    fault: Fault | None = None
    fault_after: int = Field(0, ge=0, le=1_000_000)
    stall_seconds: float = Field(300.0, gt=0, le=600)
    status: int | None = Field(None, ge=400, le=599)
    code: str | None = Field(None, pattern=r"^[a-z_]+$")
    retry_after: float | None = Field(None, ge=0, le=3600)

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if self.endpoint == "embeddings" and (self.text or self.tool_calls or self.fault):
            raise ValueError("embeddings: only status, code, retryAfter and firstChunkSeconds concern them")
        if self.status is None and (self.code is not None or self.retry_after is not None):
            raise ValueError("code and retryAfter go with a status")
        return self


class Scripts:
    """The scripts, oldest first; a call is concerned by the first that fits."""

    def __init__(self) -> None:
        self._left: dict[int, tuple[Script, int]] = {}
        self._numbers = itertools.count(1)

    def add(self, scripts: list[Script]) -> list[int]:
        """Add them behind what is there; their numbers. Raises ValueError where that is too many."""
        if len(self._left) + len(scripts) > MAX_SCRIPTS:
            raise ValueError(f"There are at most {MAX_SCRIPTS} scripts: remove some first")
        numbers = [next(self._numbers) for _ in scripts]
        self._left.update({number: (each, each.times) for number, each in zip(numbers, scripts, strict=True)})
        return numbers

    def take(self, endpoint: Endpoint, texts: list[str]) -> Script | None:
        """The script for a call in which these texts stand; it has one call less to go."""
        for number, (script, times) in self._left.items():
            fits = script.contains is None or any(script.contains in text for text in texts)
            if script.endpoint != endpoint or not fits:
                continue
            if times == 1:
                del self._left[number]
            else:
                self._left[number] = (script, times - 1)
            return script
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """What is still to come."""
        return [
            {"number": number, **script.model_dump(by_alias=True), "times": times}
            for number, (script, times) in self._left.items()
        ]

    def empty(self) -> None:
        """Forget them."""
        self._left.clear()

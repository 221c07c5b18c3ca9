"""What each call took: the provider's own books, with which a caller's are compared."""

from __future__ import annotations

import itertools
import re
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

MAX_CALLS = 100_000
# Who asks may name a request by this header, as OpenAI documents: here `<run>:<index>`, the run a UUID.
REQUEST_HEADER = "X-Client-Request-Id"
_RUN = re.compile(r"(?:ai:)?([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?::(\d{1,6}))?")

# open: not over; complete: with all that was asked for; refused: before anything was thought; broken: by a script amid
# the stream; left: the client went away.
Outcome = Literal["open", "complete", "refused", "broken", "left"]


@dataclass
class Call:
    """One request for a completion or embeddings.

    Attributes:
        run: Whose request it said to be, and `index` which.
        prompt_tokens: With the cached ones; 0 where it was refused.
        completion_tokens: What was thought and sent until it ended, reasoning among it.
        told_usage: Whether the client was told these numbers.
        sent_characters: Of text, not of tools.
        streamed_at: When its stream began, in seconds since 1970 by this machine's clock; `None` before.
    """

    number: int
    endpoint: str
    model: str
    run: str | None
    index: int | None
    status: int = 200
    outcome: Outcome = "open"
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    told_usage: bool = False
    sent_characters: int = 0
    streamed_at: float | None = None

    def usage(self) -> dict[str, Any]:
        """As the wire has it."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def as_json(self) -> dict[str, Any]:
        """As tests read it."""
        return {
            "number": self.number,
            "endpoint": self.endpoint,
            "model": self.model,
            "run": self.run,
            "index": self.index,
            "status": self.status,
            "outcome": self.outcome,
            "promptTokens": self.prompt_tokens,
            "cachedTokens": self.cached_tokens,
            "completionTokens": self.completion_tokens,
            "reasoningTokens": self.reasoning_tokens,
            "toldUsage": self.told_usage,
            "sentCharacters": self.sent_characters,
            "streamedAt": self.streamed_at,
        }


class Tally:
    """The calls, oldest first; the newest are kept."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self._numbers = itertools.count(1)

    def begin(self, endpoint: str, model: str, request_id: str | None) -> Call:
        """A call that has come."""
        named = _RUN.fullmatch(request_id or "")
        run, index = (named[1], named[2]) if named else (None, None)
        call = Call(next(self._numbers), endpoint, model, run, None if index is None else int(index))
        self._calls.append(call)
        return call

    def calls(self, run: str | None = None) -> list[Call]:
        """All, or those of one run."""
        return [call for call in self._calls if run is None or call.run == run]

    def as_json(self, run: str | None = None) -> dict[str, Any]:
        """The calls, and what they took together."""
        calls = self.calls(run)
        return {
            "calls": [call.as_json() for call in calls],
            "totals": {
                "calls": len(calls),
                "reached": sum(call.outcome != "refused" for call in calls),
                "promptTokens": sum(call.prompt_tokens for call in calls),
                "cachedTokens": sum(call.cached_tokens for call in calls),
                "completionTokens": sum(call.completion_tokens for call in calls),
                "reasoningTokens": sum(call.reasoning_tokens for call in calls),
            },
        }

    def empty(self) -> None:
        """Forget them. Numbers go on."""
        self._calls.clear()

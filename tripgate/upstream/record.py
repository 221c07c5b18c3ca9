"""What is known of a GraphQL request on its way: whoever it passes writes down what they know, in plain attributes.

Times are by `time.perf_counter`, 0 where the request has not come so far. Who reads the record, and when, is nothing to
those who write it.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from tripgate.upstream.caller import ANONYMOUS, Caller

if TYPE_CHECKING:
    from tripgate.upstream.calls import UpstreamCall


class RequestTrace(Protocol):
    """The spans of a request."""

    def sends(self, call: "UpstreamCall") -> Mapping[str, str]:
        """A request leaves for Supabase; the headers that carry the trace."""

    def ended(self, call: "UpstreamCall") -> None:
        """A request to Supabase has been answered, or has failed."""

    def finish(
        self,
        ended: float,
        stages: Mapping[str, tuple[float, float]],
        status: int | str,
        codes: list[str],
        attributes: Mapping[str, str],
    ) -> None:
        """The request itself is over."""


class RequestRecord:
    """One request, from its arrival until it is answered.

    Attributes:
        request_id: Goes along with all that is sent for it.
        transport: `http`, `sse` or `websocket`.
        arrived: When it came.
        parsing: When its document was about to be parsed, or found among those seen lately.
        parsed: When its operation was known.
        answered: When all its fields had run.
        request: Its parameters, once they are read.
        operation: What it asks for, once that is parsed.
        caller: Who asks, once that is known.
        calls: Its requests to Supabase that are over, unless `on_call` takes them.
        on_call: Called with this and each request to Supabase that is over, where they are not kept.
        codes: Of the errors in its answers.
        events: How many answers a subscription had.
        traced: The client's headers of its own trace, where nothing is added to it here.
        trace: Its spans, where there are any.
        finished: Whether it is over.
    """

    __slots__ = (
        "answered",
        "arrived",
        "caller",
        "calls",
        "codes",
        "events",
        "finished",
        "on_call",
        "operation",
        "parsed",
        "parsing",
        "request",
        "request_id",
        "trace",
        "traced",
        "transport",
    )

    def __init__(self, request_id: str, transport: str, arrived: float) -> None:
        self.request_id = request_id
        self.transport = transport
        self.arrived = arrived
        self.parsing = self.parsed = self.answered = 0.0
        self.request: Any = None
        self.operation: Any = None
        self.caller: Caller = ANONYMOUS
        self.calls: list[UpstreamCall] = []
        self.on_call: Callable[[RequestRecord, UpstreamCall], None] | None = None
        self.codes: list[str] = []
        self.events = 0
        self.traced: Mapping[str, str] = NOT_TRACED
        self.trace: RequestTrace | None = None
        self.finished = False


NOT_TRACED: Mapping[str, str] = {}
recording: ContextVar[RequestRecord | None] = ContextVar("recording", default=None)
"""The record of the request that runs here, if one does."""

"""Who watches a GraphQL request on its way, and what goes along with its requests to Supabase.

The gateway sets a `Watch` for each; whoever the request passes tells it, in one line. By default nobody watches and
nothing goes along.
"""

import asyncio
import time
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any


class Watch:
    """Told of one GraphQL request. This one keeps nothing."""

    __slots__ = ()

    request_id = ""

    def parsing(self, request: object) -> None:
        """Its document is about to be parsed and validated, or found among those seen lately."""

    def parsed(self, operation: object) -> None:
        """It asks for this operation."""

    def answered(self) -> None:
        """All its fields have run."""

    def noted(self, answer: Mapping[str, Any]) -> None:
        """One of its answers is about to be sent."""

    def sends(self, exchange: "Exchange") -> None:
        """A request is about to leave; the watch may put headers into the exchange."""

    def ended(self, exchange: "Exchange") -> None:
        """It has been answered, or never will be."""


class Exchange:
    """One request to Supabase, while it is under way; `status` stays `None` where no answer came.

    Attributes:
        upstream: `rest`, `auth`, `functions` or `keys`.
        target: Path below that upstream, with the query, which holds values of the client's.
        plan: What a `rest` request was rendered from, where it was planned.
        began: By `time.perf_counter`, as `ended`.
        request_id: Goes along, if there is one.
        traced: Goes along too: the headers of a trace.
        late: Whether it failed for its time, where the client's exception is not Python's own.
        span: For whoever watches.
    """

    __slots__ = (
        "_watch",
        "began",
        "ended",
        "late",
        "method",
        "outcome",
        "plan",
        "request_id",
        "span",
        "status",
        "target",
        "traced",
        "upstream",
    )

    def __init__(self, watch: Watch, upstream: str, method: str, target: str, plan: object) -> None:
        self._watch = watch
        self.upstream = upstream
        self.method = method
        self.target = target
        self.plan = plan
        self.status: int | None = None
        self.outcome = ""
        self.late = False
        self.request_id = ""
        self.traced: Mapping[str, str] = _NONE
        self.span: Any = None
        self.ended = 0.0
        self.began = time.perf_counter()

    @property
    def headers(self) -> dict[str, str]:
        """What goes along."""
        return {"X-Request-Id": self.request_id, **self.traced} if self.request_id else {}

    @property
    def lines(self) -> bytes:
        """The same as lines of HTTP."""
        if not self.request_id:
            return b""
        if self.traced is _NONE:
            return f"X-Request-Id: {self.request_id}\r\n".encode("ascii")
        return "".join(f"{name}: {value}\r\n" for name, value in self.headers.items()).encode("ascii")

    def __enter__(self) -> "Exchange":
        self._watch.sends(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended = time.perf_counter()
        status = self.status
        if status is not None:
            self.outcome = "ok" if status < 400 else "refused" if status < 500 else "failed"
        elif self.late or (kind is not None and issubclass(kind, TimeoutError)):
            self.outcome = "timeout"
        elif kind is not None and issubclass(kind, asyncio.CancelledError):
            self.outcome = "cancelled"
        else:
            self.outcome = "unreachable"
        self._watch.ended(self)
        self._watch = UNWATCHED  # which may keep this exchange: no cycle is left for the garbage collector


_NONE: Mapping[str, str] = {}
UNWATCHED = Watch()
watching: ContextVar[Watch] = ContextVar("watching", default=UNWATCHED)
"""Who watches what runs here."""


def sending(upstream: str, method: str, target: str, plan: object = None) -> Exchange:
    """A request that is about to leave: `with sending(…) as exchange`, the client's own exceptions passing through."""
    return Exchange(watching.get(), upstream, method, target, plan)

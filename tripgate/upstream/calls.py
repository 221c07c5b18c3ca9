"""One request to Supabase: when it began and ended, how it went, and what goes along with it."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tripgate.upstream.record import NOT_TRACED, RequestRecord, recording


class UpstreamCall:
    """A request to Supabase, while it is under way: `with UpstreamCall(…) as call`, exceptions passing through.

    It belongs to the record of the request that runs here, and gets its id and its trace along.

    Attributes:
        upstream: `rest`, `auth`, `functions` or `keys`.
        target: Path below that upstream, with the query, which holds values of the client's. Of a table in another
            Postgres schema than `public`, that schema stands before it, as in `household/couples`.
        plan: What a `rest` request was rendered from, where it was planned.
        status: `None` where no answer came.
        outcome: Once it is over: `ok`, `refused`, `failed`, `timeout`, `cancelled` or `unreachable`.
        began: By `time.perf_counter`, as `ended`.
        request_id: Goes along, if there is one.
        traced: Goes along too: the headers of a trace.
        late: Whether it failed for its time, where the client's exception is not Python's own.
        span: For whoever traces.
    """

    __slots__ = (
        "_record",
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

    def __init__(self, upstream: str, method: str, target: str, plan: object = None) -> None:
        self._record: RequestRecord | None = None
        self.upstream = upstream
        self.method = method
        self.target = target
        self.plan = plan
        self.status: int | None = None
        self.outcome = ""
        self.late = False
        self.request_id = ""
        self.traced: Mapping[str, str] = NOT_TRACED
        self.span: Any = None
        self.began = self.ended = 0.0

    @property
    def headers(self) -> dict[str, str]:
        """What goes along."""
        return {"X-Request-Id": self.request_id, **self.traced} if self.request_id else {}

    @property
    def lines(self) -> bytes:
        """The same as lines of HTTP."""
        if not self.request_id:
            return b""
        if self.traced is NOT_TRACED:
            return f"X-Request-Id: {self.request_id}\r\n".encode("ascii")
        return "".join(f"{name}: {value}\r\n" for name, value in self.headers.items()).encode("ascii")

    def __enter__(self) -> "UpstreamCall":
        self.began = time.perf_counter()
        record = self._record = recording.get()
        if record is not None:
            self.request_id = record.request_id
            self.traced = record.traced if record.trace is None else record.trace.sends(self)
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
        record = self._record
        if record is not None:
            self._record = None  # which may keep this call: no cycle is left for the garbage collector
            if record.on_call is None:
                record.calls.append(self)
            else:
                record.on_call(record, self)

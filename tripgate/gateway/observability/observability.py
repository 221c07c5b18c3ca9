"""What operators see of each request: a line of the log, metrics, a trace, and the plan of what was slow."""

import functools
import hashlib
import itertools
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache
from graphql import OperationType

from tripgate.gateway.observability.logs import Lines
from tripgate.gateway.observability.metrics import Metrics
from tripgate.gateway.observability.redact import plan_without_values
from tripgate.gateway.settings import Settings
from tripgate.upstream.calls import UpstreamCall
from tripgate.upstream.record import RequestRecord, RequestTrace, recording

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from tripgate.gateway.observability.tracing import Trace

_log = logging.getLogger("tripgate.observability")
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_TRACE_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACE_STATE = re.compile(r"[\x20-\x7e]{1,512}")
_LONGEST_NAME = 100
_PLANS_PER_SECOND = 5


class Observability:
    """Logs, metrics and traces: it begins each request's record, and reads it when the request is over.

    Args:
        lines: Where requests are logged; nowhere without.
        tracer: What makes spans; without one none are made, and a client's `traceparent` is only passed on.

    Attributes:
        streams: How many streams of server-sent events are open.
        events: How many changes were sent to subscribers.
    """

    def __init__(self, settings: Settings, lines: Lines | None = None, tracer: "Tracer | None" = None) -> None:
        self.metrics = Metrics(settings.metrics_operations)
        self.streams = 0
        self.events = 0
        self._lines = lines
        self._logs_requests = lines is not None and lines.level <= logging.INFO
        self._slow = settings.slow_ms / 1000 or float("inf")
        self._ids = (f"{prefix}-{number:x}" for prefix in [secrets.token_hex(5)] for number in itertools.count(1))
        key = settings.log_person_key
        self._person_key = None if key is None else hashlib.sha256(key.get_secret_value().encode()).digest()
        self._people: LRUCache[str, str] = LRUCache(maxsize=4096)
        self._plans_in: tuple[int, int] = (0, 0)
        self._trusts_names = settings.trusted_documents_only
        self._tracing = None if tracer is None else _tracing(tracer)
        self.metrics.counter("tripgate_events", "Changes sent to subscribers.", lambda: self.events)
        if lines is not None:
            self.metrics.counter(
                "tripgate_log_lines_lost",
                "Log lines for which there was no room, since nobody read.",
                lambda: lines.lost,
            )

    def begin(self, transport: str, headers: Mapping[str, str], request_id: str | None = None) -> RequestRecord:
        """The record of a request that has arrived; what runs here from now on writes it, until it is finished.

        Args:
            transport: `http`, `websocket`, or `sse-operation` for one of many on a stream.
            request_id: Its id where it has one already; otherwise the client's, or a new one.
        """
        record = RequestRecord(request_id or self.request_id(headers), transport, time.perf_counter())
        if self._tracing is not None:
            record.trace = self._tracing(transport, headers, record.arrived)
        else:
            parent = headers.get("traceparent")
            if parent is not None and _TRACE_PARENT.fullmatch(parent):
                record.traced = {"traceparent": parent}
                state = headers.get("tracestate")
                if state is not None and _TRACE_STATE.fullmatch(state):
                    record.traced["tracestate"] = state
        recording.set(record)
        return record

    def request_id(self, headers: Mapping[str, str]) -> str:
        """The client's `X-Request-Id` if it is short and of plain characters; otherwise a new id."""
        given = headers.get("X-Request-Id")
        if given is not None and _SANE_ID.fullmatch(given):
            return given
        return next(self._ids)

    def stream(self, record: RequestRecord, *, live: bool) -> None:
        """Record that the request is answered by a stream: of any number of answers, or of one in the form of events.

        Args:
            live: Whether it is a subscription, of which calls are counted as they end, and not kept.
        """
        if record.transport == "http":
            record.transport = "sse"
            self.streams += 1
        if live:
            record.on_call = self._called

    def note(self, record: RequestRecord, answer: Mapping[str, Any]) -> None:
        """One of its answers: the codes of its errors are kept, and a subscription's answers counted."""
        if errors := answer.get("errors"):
            record.codes.extend(error["extensions"]["code"] for error in errors)
        if record.operation is not None and record.operation.kind is OperationType.SUBSCRIPTION:
            record.events += 1
            self.events += 1

    def finish(self, record: RequestRecord, status: int | str) -> None:
        """Log, count and trace a request that is over; only the first time.

        Args:
            status: Of HTTP, or what a WebSocket has instead.
        """
        if record.finished:
            return
        record.finished = True
        try:
            self._finish(record, status, time.perf_counter())
        except Exception:  # whoever has an answer gets it
            _log.exception("a request could not be logged")
        # What goes on for it in other tasks is counted as it ends.
        record.on_call = self._called
        recording.set(None)

    def _finish(self, record: RequestRecord, status: int | str, ended: float) -> None:
        self.streams -= record.transport == "sse"
        operation = record.operation
        finite = operation is not None and operation.kind is not OperationType.SUBSCRIPTION
        logged = self._lines is not None and self._logs_requests
        slow = finite and ended - record.arrived > self._slow
        stages = _stages(record, ended) if finite or record.trace is not None else {}
        self.metrics.count_request(
            record,
            str(status),
            stages if finite else {},
            ended,
            trusted=self._trusts_names or (not record.codes and record.caller.token is not None),
        )
        if logged:
            self._log(logging.INFO, "tripgate.requests", "request", self._fields(record, status, ended))
        if slow and self._lines is not None:
            fields = self._fields(record, status, ended)
            fields["stages"] = {name: _ms(until - began) for name, (began, until) in stages.items()}
            fields["requests"] = self._requests(record)
            self._log(logging.WARNING, "tripgate.slow", "slow operation", fields)
        if record.trace is not None:
            _finish_trace(record, record.trace, status, stages, ended)

    def _log(self, level: int, logger: str, message: str, fields: dict[str, Any]) -> None:
        assert self._lines is not None  # noqa: S101 - whoever logs has asked
        self._lines.event(level, logger, message, fields)

    def _called(self, record: RequestRecord, call: UpstreamCall) -> None:
        """A request to Supabase is over that nobody counts later."""
        self.metrics.count_call(call)
        if record.trace is not None:
            record.trace.ended(call)

    def _fields(self, record: RequestRecord, status: int | str, ended: float) -> dict[str, Any]:
        fields: dict[str, Any] = {"requestId": record.request_id, "transport": record.transport}
        operation = record.operation
        if operation is not None:
            fields["kind"] = operation.kind.value
            if operation.name is not None:
                fields["operation"] = operation.name[:_LONGEST_NAME]
            fields["document"] = operation.digest
        fields["status"] = status
        fields["ms"] = _ms(ended - record.arrived)
        fields["upstream"] = len(record.calls)
        if record.events:
            fields["events"] = record.events
        if record.codes:
            fields["errors"] = record.codes
        if self._person_key is not None and record.caller.user_id is not None:
            fields["person"] = self._person(record.caller.user_id, self._person_key)
        return fields

    def _person(self, user_id: str, key: bytes) -> str:
        found = self._people.get(user_id)
        if found is None:
            found = hashlib.blake2s(user_id.encode(), key=key, digest_size=8).hexdigest()
            self._people[user_id] = found
        return found

    def _requests(self, record: RequestRecord) -> list[dict[str, Any]]:
        # When everything is slow, describing it must not make it slower.
        second = int(record.arrived)
        counted = self._plans_in[1] if self._plans_in[0] == second else 0
        self._plans_in = (second, counted + 1)
        return [
            {
                "upstream": each.upstream,
                "method": each.method,
                "path": each.target.partition("?")[0],
                "status": each.status,
                "ms": _ms(each.ended - each.began),
                **({"plan": plan_without_values(each.plan)} if each.plan and counted < _PLANS_PER_SECOND else {}),
            }
            for each in record.calls
        ]


def _finish_trace(
    record: RequestRecord,
    trace: RequestTrace,
    status: int | str,
    stages: Mapping[str, tuple[float, float]],
    ended: float,
) -> None:
    for call in record.calls:
        trace.ended(call)
    attributes = {"tripgate.request.id": record.request_id}
    operation = record.operation
    if operation is not None:
        attributes["graphql.operation.type"] = operation.kind.value
        attributes["graphql.document.hash"] = operation.digest
        if operation.name is not None:
            attributes["graphql.operation.name"] = operation.name[:_LONGEST_NAME]
    trace.finish(ended, stages, status, record.codes, attributes)


def _stages(record: RequestRecord, ended: float) -> dict[str, tuple[float, float]]:
    """When each part of a request began and ended. What several calls took together counts once."""
    arrived, parsing, parsed, answered = record.arrived, record.parsing, record.parsed, record.answered
    until = answered or ended
    found: dict[str, tuple[float, float]] = {}
    if parsing:
        found["receive"] = (arrived, parsing)
    if parsed:
        found["parse"] = (parsing, parsed)
        # What came before, as the fetch of a key, is a part of receiving.
        calls = [call for call in record.calls if call.began >= parsed]
        if calls:
            first, last, covered = _covered(calls)
            found["plan"] = (parsed, first)
            found["upstream"] = (first, first + covered)
            found["shape"] = (last, max(last, until))
        else:
            found["plan"] = (parsed, until)
    if answered:
        found["encode"] = (answered, ended)
    return found


def _covered(calls: list[UpstreamCall]) -> tuple[float, float, float]:
    """When the first of some calls began, when the last ended, and the seconds during which any was under way."""
    if len(calls) == 1:
        (call,) = calls
        return call.began, call.ended, call.ended - call.began
    calls = sorted(calls, key=lambda call: call.began)
    first = last = calls[0].began
    covered = 0.0
    for call in calls:
        covered += max(0.0, call.ended - max(call.began, last))
        last = max(last, call.ended)
    return first, last, covered


def _tracing(tracer: "Tracer") -> "Callable[[str, Mapping[str, str], float], Trace]":
    from tripgate.gateway.observability.tracing import Trace  # noqa: PLC0415 - loaded by who traces

    return functools.partial(Trace, tracer)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)

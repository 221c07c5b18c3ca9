"""What operators see of each request: a line of the log, numbers, a trace, and the plan of what was slow."""

import functools
import hashlib
import itertools
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cachetools import LRUCache
from graphql import OperationType

from tripgate.gateway.operation import Operation
from tripgate.gateway.settings import Settings
from tripgate.gateway.telemetry.logs import Lines
from tripgate.gateway.telemetry.metrics import Metrics, Timing
from tripgate.gateway.telemetry.redact import plan_without_values, strings_in
from tripgate.upstream.caller import ANONYMOUS, Caller
from tripgate.upstream.watch import UNWATCHED, Exchange, Watch, watching

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from tripgate.gateway.telemetry.tracing import Trace

_log = logging.getLogger("tripgate.sight")
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_TRACE_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACE_STATE = re.compile(r"[\x20-\x7e]{1,512}")
_LONGEST_NAME = 100
_STRING = re.compile(r'"""(.*?)"""|"((?:[^"\\\n]|\\.)*)"', re.DOTALL)
_PLANS_PER_SECOND = 5
_NONE: dict[str, str] = {}


class _Wanted(Protocol):
    query: str
    variables: dict[str, Any]


class Stages(NamedTuple):
    """The parts of a request, in order. What several requests to Supabase took together counts once."""

    receive: Timing
    parse: Timing
    plan: Timing
    upstream: Timing
    shape: Timing
    encode: Timing


class Sight:
    """What every request's watch shares.

    Args:
        lines: Where requests are logged; nowhere without.
        tracer: What makes spans; without one none are made, and a client's `traceparent` is only passed on.
    """

    def __init__(self, settings: Settings, lines: Lines | None = None, tracer: "Tracer | None" = None) -> None:
        self.metrics = Metrics(settings.metrics_operations)
        self.streams = 0
        self._lines = lines
        self._logs_requests = lines is not None and lines.level <= logging.INFO
        self._slow = settings.slow_ms / 1000 or float("inf")
        self._ids = (f"{prefix}-{number:x}" for prefix in [secrets.token_hex(5)] for number in itertools.count(1))
        key = settings.log_person_key
        self._person_key = None if key is None else hashlib.sha256(key.get_secret_value().encode()).digest()
        self._people: LRUCache[str, str] = LRUCache(maxsize=4096)
        self._plans_in: tuple[int, int] = (0, 0)
        self._trusts_names = settings.trusted_documents_only
        self._stages = Stages(*(self.metrics.stages.of(name) for name in Stages._fields))
        self._tracing = None if tracer is None else _tracing(tracer)
        if lines is not None:
            self.metrics.counter(
                "tripgate_log_lines_lost",
                "Log lines for which there was no room, since nobody read.",
                lambda: lines.lost,
            )

    def arrive(self, transport: str, headers: Mapping[str, str], request_id: str | None = None) -> "Seen":
        """A request has arrived: watch it, until it is `done`.

        Args:
            transport: `http`, `sse` or `websocket`.
            request_id: Its id where it has one already; otherwise the client's, or a new one.
        """
        seen = Seen(self, transport, request_id or self.request_id(headers))
        if self._tracing is not None:
            seen.trace = self._tracing(transport, headers, seen.arrived)
        else:
            parent = headers.get("traceparent")
            if parent is not None and _TRACE_PARENT.fullmatch(parent):
                seen.traced = {"traceparent": parent}
                state = headers.get("tracestate")
                if state is not None and _TRACE_STATE.fullmatch(state):
                    seen.traced["tracestate"] = state
        watching.set(seen)
        return seen

    def request_id(self, headers: Mapping[str, str]) -> str:
        """The client's `X-Request-Id` if it is short and of plain characters; otherwise a new id."""
        given = headers.get("X-Request-Id")
        if given is not None and _SANE_ID.fullmatch(given):
            return given
        return next(self._ids)

    def done(self, seen: "Seen", status: int | str, ended: float) -> None:
        """Log and count a request that is over."""
        self.streams -= seen.transport == "sse"
        metrics, operation = self.metrics, seen.operation
        metrics.responses.add(seen.transport, str(status))
        for code in seen.codes:
            metrics.errors.add(code)
        finite = operation is not None and operation.kind is not OperationType.SUBSCRIPTION
        if operation is not None and finite:
            self._timing(operation, healthy=not seen.codes and not seen.caller.anonymous).observe(ended - seen.arrived)
            seen.observe_stages(self._stages, ended)
        if self._logs_requests or seen.trace is not None:
            fields = self._fields(seen, status, ended)
            if self._lines is not None:
                self._lines.event(logging.INFO, "tripgate.requests", "request", fields)
        if finite and ended - seen.arrived > self._slow and self._lines is not None:
            fields = self._fields(seen, status, ended)
            fields["stages"] = {name: _ms(until - began) for name, (began, until) in seen.stages(ended).items()}
            fields["requests"] = self._requests(seen)
            self._lines.event(logging.WARNING, "tripgate.slow", "slow operation", fields)
        if seen.trace is not None:
            attributes = {"tripgate.request.id": seen.request_id}
            if operation is not None:
                attributes["graphql.operation.type"] = operation.kind.value
                attributes["graphql.document.hash"] = operation.digest
                if operation.name is not None:
                    attributes["graphql.operation.name"] = operation.name[:_LONGEST_NAME]
            seen.trace.finish(ended, seen.stages(ended), status, seen.codes, attributes)

    def sent(self, exchange: Exchange) -> None:
        """Count a request to Supabase."""
        self.metrics.upstream.of(exchange.upstream).observe(exchange.ended - exchange.began)
        self.metrics.upstream_outcomes.add(exchange.upstream, exchange.outcome)

    def _timing(self, operation: Operation, *, healthy: bool) -> Timing:
        return self.metrics.operation(operation.kind.value, operation.name, trusted=self._trusts_names or healthy)

    def _fields(self, seen: "Seen", status: int | str, ended: float) -> dict[str, Any]:
        fields: dict[str, Any] = {"requestId": seen.request_id, "transport": seen.transport}
        operation = seen.operation
        if operation is not None:
            fields["kind"] = operation.kind.value
            if operation.name is not None:
                fields["operation"] = operation.name[:_LONGEST_NAME]
            fields["document"] = operation.digest
        fields["status"] = status
        fields["ms"] = _ms(ended - seen.arrived)
        fields["upstream"] = len(seen.exchanges)
        if seen.events:
            fields["events"] = seen.events
        if seen.codes:
            fields["errors"] = seen.codes
        if self._person_key is not None and seen.caller.user_id is not None:
            fields["person"] = self._person(seen.caller.user_id, self._person_key)
        return fields

    def _person(self, user_id: str, key: bytes) -> str:
        found = self._people.get(user_id)
        if found is None:
            found = hashlib.blake2s(user_id.encode(), key=key, digest_size=8).hexdigest()
            self._people[user_id] = found
        return found

    def _requests(self, seen: "Seen") -> list[dict[str, Any]]:
        # When everything is slow, describing it must not make it slower.
        second = int(seen.arrived)
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
            for each in seen.exchanges
        ]


class Seen(Watch):
    """One request, while it is watched.

    Attributes:
        arrived: By `time.perf_counter`.
        wanted: The request itself, so that a log line can leave out what it said.
        caller: Who asks, once that is known.
        traced: The client's headers of its own trace, where nothing is added to it here.
        codes: Of the errors in its answers.
        events: How many answers a subscription had.
    """

    __slots__ = (
        "_answered",
        "_covered",
        "_done",
        "_first",
        "_last",
        "_parsed",
        "_parsing",
        "_sight",
        "_since",
        "_under_way",
        "arrived",
        "caller",
        "codes",
        "events",
        "exchanges",
        "operation",
        "request_id",
        "trace",
        "traced",
        "transport",
        "wanted",
    )

    def __init__(self, sight: Sight, transport: str, request_id: str) -> None:
        self.arrived = time.perf_counter()
        self.request_id = request_id
        self.transport = transport
        self.traced: dict[str, str] = _NONE
        self.wanted: _Wanted | None = None
        self.operation: Operation | None = None
        self.caller: Caller = ANONYMOUS
        self.exchanges: list[Exchange] = []
        self.codes: list[str] = []
        self.events = 0
        self.trace: Trace | None = None
        self._sight = sight
        self._parsing = self._parsed = self._answered = 0.0
        self._first = self._last = self._since = self._covered = 0.0
        self._under_way = 0
        self._done = False

    def parsing(self, request: Any) -> None:
        """Its document is about to be parsed."""
        self.wanted = request
        self._parsing = time.perf_counter()

    def parsed(self, operation: Any) -> None:
        """It asks for this operation."""
        self.operation = operation
        self._parsed = time.perf_counter()

    def answered(self) -> None:
        """All its fields have run."""
        self._answered = time.perf_counter()

    def sends(self, exchange: Exchange) -> None:
        """A request leaves for Supabase."""
        if self._parsed:  # what came before, as the fetch of a key, is a part of receiving
            if not self._under_way:
                self._since = exchange.began
                if not self._first:
                    self._first = exchange.began
            self._under_way += 1
        if self.trace is not None:
            exchange.traced = self.trace.sends(exchange)
        elif self.traced is not _NONE:
            exchange.traced = self.traced
        exchange.request_id = self.request_id

    def ended(self, exchange: Exchange) -> None:
        """It has been answered."""
        if self._parsed:
            self._under_way -= 1
            self._last = exchange.ended
            if not self._under_way:
                self._covered += exchange.ended - self._since
        if self.operation is None or self.operation.kind is not OperationType.SUBSCRIPTION:
            self.exchanges.append(exchange)
        self._sight.sent(exchange)
        if self.trace is not None:
            self.trace.ended(exchange)

    def noted(self, answer: Mapping[str, Any]) -> None:
        """One of its answers: the codes of its errors are kept."""
        errors = answer.get("errors")
        if errors:
            self.codes.extend(error["extensions"]["code"] for error in errors)
        if self.operation is not None and self.operation.kind is OperationType.SUBSCRIPTION:
            self.events += 1
            self._sight.metrics.events.add()

    def done(self, status: int | str) -> None:
        """It is over, with an HTTP status, or what a WebSocket has instead. Only the first call counts."""
        if not self._done:
            self._done = True
            try:
                self._sight.done(self, status, time.perf_counter())
            except Exception:  # whoever has an answer gets it
                _log.exception("a request could not be logged")
            watching.set(UNWATCHED)

    def streams(self) -> None:
        """It is answered by a stream of events."""
        self.transport = "sse"
        self._sight.streams += 1

    def observe_stages(self, stages: Stages, ended: float) -> None:
        """Count how long each part of it took, where it came so far."""
        parsing, parsed, answered, first = self._parsing, self._parsed, self._answered, self._first
        if parsing:
            stages.receive.observe(parsing - self.arrived)
        if not parsed:
            return
        until = answered or ended
        stages.parse.observe(parsed - parsing)
        stages.plan.observe((first or until) - parsed)
        if first:
            stages.upstream.observe(self._covered)
            stages.shape.observe(max(0.0, until - self._last))
        if answered:
            stages.encode.observe(ended - answered)

    def stages(self, ended: float) -> dict[str, tuple[float, float]]:
        """When each part of it began and ended."""
        until = self._answered or ended
        found: dict[str, tuple[float, float]] = {}
        if self._parsing:
            found["receive"] = (self.arrived, self._parsing)
        if self._parsed:
            found["parse"] = (self._parsing, self._parsed)
            found["plan"] = (self._parsed, self._first or until)
        if self._first:
            found["upstream"] = (self._first, self._first + self._covered)
            found["shape"] = (self._last, max(self._last, until))
        if self._answered:
            found["encode"] = (self._answered, ended)
        return found

    def said(self) -> list[str]:
        """What the request said, as strings, longest first: what no line of the log may repeat."""
        wanted = self.wanted
        if wanted is None:
            return []
        source = self.operation.document.loc if self.operation is not None else None
        text = wanted.query if source is None else source.source.body
        literals = [first or second for first, second in _STRING.findall(text)]
        return strings_in([wanted.variables, literals, self.caller.token, self.caller.email])


def _tracing(tracer: "Tracer") -> "Callable[[str, Mapping[str, str], float], Trace]":
    from tripgate.gateway.telemetry.tracing import Trace  # noqa: PLC0415 - loaded by who traces

    return functools.partial(Trace, tracer)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)

"""OpenTelemetry traces, from the client through to PostgREST. Imported only where somebody wants them.

Most spans are made when the request is over, of the times that its metrics take anyway. Names and attributes follow the
semantic conventions for HTTP and GraphQL, but for what would tell values: no document, no query string, no address of
the client.
"""

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tripgate.gateway.settings import Settings, SettingsError
from tripgate.upstream.calls import UpstreamCall

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_ROUTE = "/graphql"
_propagator = TraceContextTextMapPropagator()

_DATABASE = "database"


class Trace:
    """The spans of one request."""

    __slots__ = ("_offset", "_operation", "_server", "_tracer", "below")

    def __init__(self, tracer: Tracer, transport: str, headers: Mapping[str, str], arrived: float) -> None:
        self._tracer = tracer
        # From `time.perf_counter` to nanoseconds since 1970.
        self._offset = time.time_ns() - int(time.perf_counter() * 1e9)
        began = self._at(arrived)
        method = "POST" if transport == "http" else "GET"
        self._server = tracer.start_span(
            f"{method} {_ROUTE}",
            context=_propagator.extract(
                {name: headers[name] for name in sorted(_propagator.fields) if name in headers}
            ),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "http.route": _ROUTE, "url.path": _ROUTE, "url.scheme": "http"},
            start_time=began,
        )
        self._operation = tracer.start_span(
            "GraphQL", context=set_span_in_context(self._server, Context()), start_time=began
        )
        self.below = set_span_in_context(self._operation, Context())

    def sends(self, call: UpstreamCall) -> dict[str, str]:
        """A request leaves for Supabase; the headers that carry the trace."""
        if call.upstream == _DATABASE:
            target = call.target
            said = {"db.system.name": "postgresql", "db.collection.name": target}
        else:
            target = _path(call)
            said = {"http.request.method": call.method, "url.template": target}
        call.span = self._tracer.start_span(
            f"{call.method} {target}",
            context=self.below,
            kind=SpanKind.CLIENT,
            attributes={**said, "peer.service": call.upstream},
            start_time=self._at(call.began),
        )
        headers: dict[str, str] = {}
        _propagator.inject(headers, set_span_in_context(call.span, Context()))
        return headers

    def ended(self, call: UpstreamCall) -> None:
        """End the span of a request to Supabase, with its status or its failure."""
        span: Span = call.span
        status = None if call.upstream == _DATABASE else call.status
        if status is not None:
            span.set_attribute("http.response.status_code", status)
        if call.outcome != "ok":
            span.set_attribute("error.type", str(status or call.outcome))
            span.set_status(Status(StatusCode.ERROR))
        span.end(self._at(call.ended))

    def finish(
        self,
        ended: float,
        stages: Mapping[str, tuple[float, float]],
        status: int | str,
        codes: list[str],
        attributes: Mapping[str, str],
    ) -> None:
        """The request is over.

        Args:
            ended: By `time.perf_counter`.
            stages: When each began and ended.
            codes: Of its errors.
            attributes: More of the operation; `graphql.operation.type` and `.name` become its span's name.
        """
        operation, server = self._operation, self._server
        if operation.is_recording():
            for stage, (began, until) in stages.items():
                if stage != "upstream":  # which its requests show
                    self._tracer.start_span(stage, context=self.below, start_time=self._at(began)).end(self._at(until))
            kind, name = attributes.get("graphql.operation.type"), attributes.get("graphql.operation.name")
            operation.update_name(" ".join(part for part in (kind, name) if part) or "GraphQL")
            operation.set_attributes(dict(attributes))
            if isinstance(status, int):
                server.set_attribute("http.response.status_code", status)
            if codes:
                operation.set_attribute("error.type", codes[0])
                operation.set_status(Status(StatusCode.ERROR))
            if isinstance(status, int) and status >= 500:
                server.set_attribute("error.type", str(status))
                server.set_status(Status(StatusCode.ERROR))
        operation.end(self._at(ended))
        server.end(self._at(ended))

    def _at(self, seconds: float) -> int:
        return int(seconds * 1e9) + self._offset


def _path(call: UpstreamCall) -> str:
    """Where it goes, without a value: what stands before the query names a table or a function."""
    prefix = {"rest": "/rest/v1/", "auth": "/auth/v1/", "functions": "/functions/v1/"}.get(call.upstream, "/")
    return prefix + call.target.partition("?")[0]


def provider(settings: Settings) -> "TracerProvider":
    """What makes spans and sends them by OTLP.

    Raises:
        SettingsError: The extra `otel` is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "TRIPGATE_OTLP_ENDPOINT needs the extra `otel`: pip install '.[otel]' in its folder."
        ) from None
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({} if named else {"service.name": "tripgate"})
    address = settings.otlp_endpoint
    exporter = OTLPSpanExporter() if address is None else OTLPSpanExporter(f"{str(address).rstrip('/')}/v1/traces")
    made = TracerProvider(resource=resource)
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made

"""A trace leads from the client through the gateway to PostgREST, whether or not the gateway adds to it."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from tests.observability.observed import TRIPS, HeaderWire, ObservedGateway, observed
from tests.support import Person
from tripgate.gateway.observability import start
from tripgate.gateway.settings import Settings, SettingsError
from tripgate.local.stack import StackInfo

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def by_name(spans: Sequence[ReadableSpan]) -> dict[str, ReadableSpan]:
    """Spans by name."""
    return {span.name: span for span in spans}


@pytest.mark.postgrest
async def test_without_a_tracer_the_clients_trace_is_passed_on(watched: ObservedGateway, headers: HeaderWire) -> None:
    headers.headers.clear()
    await watched.post({"query": TRIPS}, {"traceparent": PARENT, "tracestate": "vendor=1"})
    (sent,) = headers.headers
    assert (sent["traceparent"], sent["tracestate"]) == (PARENT, "vendor=1")


@pytest.mark.postgrest
@pytest.mark.parametrize(
    "odd", ["", "00", PARENT.upper(), f"ff{PARENT[2:]}", f"00-{'0' * 32}-b7ad6b7169203331-01", "a b"]
)
async def test_what_is_no_trace_is_not_passed_on(watched: ObservedGateway, headers: HeaderWire, odd: str) -> None:
    headers.headers.clear()
    await watched.post({"query": TRIPS}, {"traceparent": odd, "tracestate": "vendor=1"})
    (sent,) = headers.headers
    assert not {"traceparent", "tracestate"} & set(sent)


@pytest.mark.postgrest
async def test_the_spans_of_a_query(seeded: StackInfo, ada: Person, headers: HeaderWire, tmp_path: Path) -> None:
    async with observed(seeded, ada, tmp_path, traced=True, rest_url=headers.url) as found:
        await found.post({"query": TRIPS})
        found.spans.clear()
        headers.headers.clear()
        response = await found.post({"query": TRIPS}, {"traceparent": PARENT})
        spans = by_name(found.spans.get_finished_spans())
    assert set(spans) == {
        *("POST /graphql", "query Trips", "GET /rest/v1/trips"),
        *("receive", "parse", "plan", "shape", "encode"),
    }
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {TRACE}
    server, operation, client = (spans[name] for name in ("POST /graphql", "query Trips", "GET /rest/v1/trips"))
    assert server.parent is not None
    assert f"{server.parent.span_id:016x}" == "b7ad6b7169203331"
    assert server.kind is SpanKind.SERVER
    assert dict(server.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "url.path": "/graphql",
        "url.scheme": "http",
        "http.response.status_code": 200,
    }
    attributes = dict(operation.attributes or {})
    assert attributes.pop("graphql.document.hash")
    assert attributes == {
        "graphql.operation.type": "query",
        "graphql.operation.name": "Trips",
        "tripgate.request.id": response.headers["X-Request-Id"],
    }
    assert client.kind is SpanKind.CLIENT
    assert dict(client.attributes or {}) == {
        "http.request.method": "GET",
        "url.template": "/rest/v1/trips",
        "peer.service": "rest",
        "http.response.status_code": 200,
    }
    for name, span in spans.items():
        parent = {"POST /graphql": None, "query Trips": server}.get(name, operation)
        if parent is not None:
            assert span.parent is not None
            assert span.parent.span_id == parent.context.span_id, name
            assert parent.start_time <= span.start_time <= span.end_time <= parent.end_time, name
    (sent,) = headers.headers
    assert sent["traceparent"] == f"00-{TRACE}-{client.context.span_id:016x}-01"


@pytest.mark.postgrest
async def test_a_failure_is_marked(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    async with observed(seeded, ada, tmp_path, traced=True, rest_url="http://127.0.0.1:1") as found:
        await found.post({"query": TRIPS})
        spans = found.spans.get_finished_spans()
    failed = [span for span in spans if span.status.status_code is StatusCode.ERROR]
    assert {(span.name, (span.attributes or {})["error.type"]) for span in failed} == {
        ("GET /rest/v1/trips", "unreachable"),
        ("query Trips", "UPSTREAM_UNAVAILABLE"),
    }


@pytest.mark.postgrest
async def test_a_trace_that_is_not_sampled_goes_on_unsampled(
    seeded: StackInfo, ada: Person, headers: HeaderWire, tmp_path: Path
) -> None:
    async with observed(seeded, ada, tmp_path, traced=True, rest_url=headers.url) as found:
        headers.headers.clear()
        await found.post({"query": TRIPS}, {"traceparent": PARENT[:-1] + "0"})
        assert found.spans.get_finished_spans() == ()
    assert headers.headers[-1]["traceparent"].startswith(f"00-{TRACE}-")
    assert headers.headers[-1]["traceparent"].endswith("-00")


def test_nothing_is_traced_unless_somebody_is_named_to_send_to(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"SUPABASE_URL": "http://localhost", "SUPABASE_PUBLISHABLE_KEY": "key"}
    assert start.provider_of(Settings.model_validate(given)) is None
    named = Settings.model_validate({**given, "otlp_endpoint": "http://127.0.0.1:4318"})
    made = start.provider_of(named)
    assert made is not None
    made.shutdown()
    assert made.resource.attributes["service.name"] == "tripgate"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "trips")
    made = start.provider_of(Settings.model_validate(given))
    assert made is not None
    made.shutdown()
    assert made.resource.attributes["service.name"] == "trips"
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert start.provider_of(named) is None


def test_traces_need_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    given = {"SUPABASE_URL": "http://localhost", "SUPABASE_PUBLISHABLE_KEY": "key", "otlp_endpoint": "http://x:4318"}
    with pytest.raises(SettingsError, match=r"needs the extra `otel`"):
        start.provider_of(Settings.model_validate(given))

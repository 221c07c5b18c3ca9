"""What is seen of reads straight from Postgres: spans and the log of slow operations, with no value in either."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from tests.observability.observed import PLAN_OF_ROME, ObservedGateway, observed
from tests.postgres.conftest import Own
from tests.support import Person, serving

QUERY = 'query Slow { trips(first: 1, filter: { title: { eq: "Rome" } }) { nodes { title } } }'
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@pytest.fixture(scope="module")
async def ada(own: Own, http: aiohttp.ClientSession) -> Person:
    """Ada, signed in at this stack."""
    async with serving(own.info) as url:
        return await Person(http, url).sign_in("ada@tripgate.example", "tripgate-demo")


@pytest.fixture
async def gateway(own: Own, ada: Person, tmp_path: Path) -> AsyncIterator[ObservedGateway]:
    """One that reads Postgres, and tells of everything."""
    async with observed(own.info, ada, tmp_path, traced=True, database_url=own.url, slow_ms=1) as found:
        await found.post({"query": QUERY})  # which fetches keys, and prepares
        await found.lines("tripgate.slow", 1)
        yield found


async def test_the_span_of_a_read(gateway: ObservedGateway) -> None:
    gateway.spans.clear()
    await gateway.post({"query": QUERY}, PARENT)
    spans = {span.name: span for span in gateway.spans.get_finished_spans()}
    assert set(spans) == {
        *("POST /graphql", "query Slow", "SQL trips"),
        *("receive", "parse", "plan", "shape", "encode"),
    }
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {TRACE}
    client, operation = spans["SQL trips"], spans["query Slow"]
    assert client.kind is SpanKind.CLIENT
    assert dict(client.attributes or {}) == {
        "db.system.name": "postgresql",
        "db.collection.name": "trips",
        "peer.service": "database",
    }
    assert client.parent is not None
    assert client.parent.span_id == operation.context.span_id


async def test_a_failure_is_marked(own: Own, ada: Person, tmp_path: Path) -> None:
    away = "postgresql://nobody@127.0.0.1:1/postgres"
    async with observed(own.info, ada, tmp_path, traced=True, database_url=away) as found:
        await found.post({"query": QUERY})
        spans = found.spans.get_finished_spans()
    failed = [span for span in spans if span.status.status_code is StatusCode.ERROR]
    assert {(span.name, (span.attributes or {})["error.type"]) for span in failed} == {
        ("SQL trips", "unreachable"),
        ("query Slow", "UPSTREAM_UNAVAILABLE"),
    }


async def test_a_slow_operation_is_logged_with_its_plan(gateway: ObservedGateway) -> None:
    since = gateway.so_far
    await gateway.post({"query": QUERY})
    (line,) = await gateway.lines("tripgate.slow", since=since)
    assert (line["level"], line["message"], line["operation"]) == ("warning", "slow operation", "Slow")
    assert list(line["stages"]) == ["receive", "parse", "plan", "upstream", "shape", "encode"]
    (request,) = line["requests"]
    assert request.pop("ms") > 0
    assert request == {
        "upstream": "database",
        "method": "SQL",
        "path": "trips",
        "status": 200,
        "plan": PLAN_OF_ROME,
    }

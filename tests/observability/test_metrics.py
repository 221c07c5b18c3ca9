"""What Prometheus reads: every number is what was done, and no client can make it long."""

import re
import socket
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from tests.live.clients import live
from tests.observability.observed import TRIPS, ObservedGateway, observed, samples
from tests.support import Person, backend, reading, serving
from tripgate.local.stack import StackInfo

DOCS = Path(__file__).parent.parent.parent / "docs" / "operations.md"
CHANGES = "subscription Follow($trip: UUID!) { tripItemChanges(tripId: $trip) { operation } }"
TRIP = "ada00000-0000-4000-8002-000000000001"
STAGES = ("receive", "parse", "plan", "upstream", "shape", "encode")


class Since:
    """What has been counted since the last look."""

    def __init__(self, watched: ObservedGateway) -> None:
        self._watched = watched
        self._before: Mapping[object, float] = {}

    async def look(self) -> "Since":
        """Count from here."""
        self._before = await self._watched.metrics()
        return self

    async def changes(self, *names: str) -> dict[tuple[str, ...], float]:
        """Each sample of these names that has changed, by name and labels' values."""
        now = await self._watched.metrics()
        return {
            (name.removeprefix("tripgate_"), *(value for _, value in labels)): number
            - self._before.get((name, labels), 0)
            for (name, labels), number in now.items()
            if name in names and number != self._before.get((name, labels), 0)
        }


# Straight from Postgres a read with two root fields is one packet; a write still goes to PostgREST, and why it found
# nothing is read.
ASKED = {"database": 4, "rest": 1} if backend() == "postgres" else {"rest": 6}


async def test_what_is_done_is_counted(watched: ObservedGateway) -> None:
    since = await Since(watched).look()
    await watched.post({"query": TRIPS})
    await watched.post({"query": TRIPS})
    await watched.post({"query": "{ viewer { id } me: viewer { id } }"})
    await watched.post({"query": 'mutation { deleteTrip(id: "00000000-0000-4000-8000-000000000000") { id } }'})
    await watched.post({"query": "{ nothing }"})
    await watched.post("{")
    counted = await since.changes(
        "tripgate_operation_seconds_count",
        "tripgate_responses_total",
        "tripgate_errors_total",
        "tripgate_upstream_seconds_count",
        "tripgate_upstream_requests_total",
        *(f"tripgate_stage_seconds_count_{stage}" for stage in STAGES),
    )
    assert counted == {
        ("operation_seconds_count", "query", "Trips"): 2,
        ("operation_seconds_count", "query", "(anonymous)"): 1,
        ("operation_seconds_count", "mutation", "(anonymous)"): 1,
        ("responses_total", "200", "http"): 5,
        ("responses_total", "400", "http"): 1,
        ("errors_total", "NOT_FOUND"): 1,
        ("errors_total", "GRAPHQL_VALIDATION_FAILED"): 1,
        ("errors_total", "BAD_REQUEST"): 1,
        **{("upstream_seconds_count", name): number for name, number in ASKED.items()},
        **{("upstream_requests_total", "ok", name): number for name, number in ASKED.items()},
    }


async def test_stages_are_the_whole(watched: ObservedGateway) -> None:
    since = await Since(watched).look()
    for _ in range(5):
        await watched.post({"query": TRIPS})
    counts = await since.changes("tripgate_stage_seconds_count")
    assert counts == {("stage_seconds_count", stage): 5 for stage in STAGES}
    parts = sum((await since.changes("tripgate_stage_seconds_sum")).values())
    (whole,) = (await since.changes("tripgate_operation_seconds_sum")).values()
    assert 0.9 * whole < parts <= whole * 1.0001


async def test_buckets_hold_what_took_no_longer(watched: ObservedGateway) -> None:
    await watched.post({"query": TRIPS})
    found = await watched.metrics()
    buckets = {
        float(dict(labels)["le"]): number
        for (name, labels), number in found.items()
        if name == "tripgate_operation_seconds_bucket" and dict(labels)["operation"] == "Trips"
    }
    numbers = [buckets[bound] for bound in sorted(buckets)]
    labels = (("kind", "query"), ("operation", "Trips"))
    assert numbers == sorted(numbers)
    assert numbers[-1] == found["tripgate_operation_seconds_count", labels]
    assert buckets[10.0] == numbers[-1]


async def test_what_lives_is_measured(watched: ObservedGateway) -> None:
    async with live(watched.person) as connection:
        id_ = await connection.subscribe(CHANGES, trip=TRIP)
        await connection.silence(id_, 0.5)
        during = await watched.metrics()
    assert during["tripgate_subscribers", ()] == 1
    assert during["tripgate_connections", (("transport", "websocket"),)] == 1
    assert during["tripgate_connections", (("transport", "sse"),)] == 0
    assert during["tripgate_realtime_topics", ()] == 1
    assert during["tripgate_realtime_sockets", ()] == 1
    assert during["tripgate_waiting_changes", ()] == 0
    assert during["tripgate_resyncs_total", (("reason", "slow"),)] == 0


async def test_live_queries_are_measured_and_what_they_read(watched: ObservedGateway) -> None:
    reading = ("tripgate_upstream_seconds_count", (("upstream", "database" if backend() == "postgres" else "rest"),))
    before = await watched.metrics()
    async with live(watched.person) as connection:
        first, second = [
            await connection.subscribe("subscription ($trip: UUID!) { trip(id: $trip) { title } }", trip=TRIP)
            for _ in range(2)
        ]
        await connection.event(first)
        await connection.event(second)
        during = await watched.metrics()
    assert during["tripgate_live_queries", ()] == 1, "both are one"
    reads = during["tripgate_live_query_reads_total", ()] - before["tripgate_live_query_reads_total", ()]
    assert reads >= 1
    assert during[reading] - before[reading] >= reads


async def test_names_are_the_clients_words_and_so_they_are_counted(
    seeded: StackInfo, ada: Person, tmp_path: Path
) -> None:
    async with observed(seeded, ada, tmp_path, metrics_operations=2) as found:
        await found.post({"query": "query Broken { trip(id: 1) { id } }"})
        await Person(ada.http, found.person.url).post("query Stranger { __typename }")
        for name in ("First", "Second", "Third", "Fourth", "First"):
            await found.post({"query": f"query {name} {{ __typename }}"})
        counted = {
            dict(labels)["operation"]: number
            for (name, labels), number in (await found.metrics()).items()
            if name == "tripgate_operation_seconds_count"
        }
    assert counted == {"First": 2, "Second": 1, "(other)": 3}


async def test_either_format_as_it_is_asked_for(watched: ObservedGateway) -> None:
    url = watched.person.url.replace("graphql", "metrics")
    http = watched.person.http
    async with http.get(url) as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        plain = {family.name for family in text_string_to_metric_families(await response.text())}
    async with http.get(url, headers={"Accept": "application/openmetrics-text; version=1.0.0,*/*;q=0.1"}) as response:
        assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
        assert {family.name for family in open_metrics(await response.text())} == plain


async def test_an_address_of_their_own(seeded: StackInfo, http: aiohttp.ClientSession) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    async with serving(seeded, metrics_address=address) as url:
        async with http.get(url.replace("graphql", "metrics")) as response:
            assert response.status == 404
        async with http.get(f"http://{address}/metrics") as response:
            assert response.status == 200
            assert ("tripgate_subscribers", ()) in samples(await response.text())
        async with http.post(f"http://{address}/graphql", json={"query": "{ __typename }"}) as response:
            assert response.status == 404


async def test_none_where_they_are_switched_off(seeded: StackInfo, http: aiohttp.ClientSession) -> None:
    async with (
        serving(seeded, metrics=False) as url,
        http.get(url.replace("graphql", "metrics")) as response,
    ):
        assert response.status == 404


async def test_every_metric_is_documented_and_no_other(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    everything = {"rate_limits": True, "cache": True, "share_reads": True, "metrics_token": "none" * 8}
    async with (
        observed(seeded, ada, tmp_path, **everything, **reading(seeded, "postgres")) as found,
        ada.http.get(found.person.url.replace("graphql", "metrics")) as response,
    ):
        families = list(text_string_to_metric_families(await response.text()))
    served = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    documented = re.findall(r"^\| `((?:tripgate|process)_\w+)` \|", DOCS.read_text(), flags=re.MULTILINE)
    assert sorted(documented) == sorted(served)

"""Every request is one line: what was asked, how it went and how long it took, and nothing of what was said."""

import asyncio
import hashlib
import json
import logging
import os
import re
import threading
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.gateway.test_faults import instead_of_postgrest
from tests.live.clients import live
from tests.observability.observed import TRIPS, HeaderWire, ObservedGateway, observed
from tests.support import Person, backend
from tripgate.gateway.observability import logs
from tripgate.gateway.observability.logs import Lines
from tripgate.local.stack import StackInfo

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
REQUESTS = "tripgate.requests"
CHANGES = "subscription Follow($trip: UUID!) { tripItemChanges(tripId: $trip) { operation } }"
TRIP = "ada00000-0000-4000-8002-000000000001"


async def test_the_line_of_a_query(watched: ObservedGateway) -> None:
    since = watched.so_far
    response = await watched.post({"query": TRIPS})
    (line,) = await watched.lines(REQUESTS, since=since)
    assert ISO.fullmatch(line.pop("time"))
    assert 0 < line.pop("ms") < 5000
    assert line == {
        "level": "info",
        "logger": "tripgate.requests",
        "message": "request",
        "requestId": response.headers["X-Request-Id"],
        "transport": "http",
        "kind": "query",
        "operation": "Trips",
        "document": hashlib.sha256(TRIPS.encode()).hexdigest(),
        "status": 200,
        "upstream": 1,
    }


async def test_the_line_of_what_is_refused(watched: ObservedGateway) -> None:
    since = watched.so_far
    await watched.post("{not json")
    await watched.post({"query": "{ nothing }", "operationName": "a secret"})
    await watched.post({"query": TRIPS}, {"Authorization": "Bearer a.b.c"})
    await watched.post({"query": 'mutation { deleteTrip(id: "00000000-0000-4000-8000-000000000000") { id } }'})
    lines = await watched.lines(REQUESTS, 4, since=since)
    kept = [
        {name: line.get(name) for name in ("kind", "operation", "status", "upstream", "errors") if name in line}
        for line in lines
    ]
    assert kept == [
        {"status": 400, "upstream": 0, "errors": ["BAD_REQUEST"]},
        {"status": 200, "upstream": 0, "errors": ["GRAPHQL_VALIDATION_FAILED"]},
        {"kind": "query", "operation": "Trips", "status": 401, "upstream": 0, "errors": ["UNAUTHENTICATED"]},
        {"kind": "mutation", "status": 200, "upstream": 2, "errors": ["NOT_FOUND"]},  # it asks why
    ]


@pytest.mark.postgrest
async def test_a_request_id_goes_all_the_way(watched: ObservedGateway, headers: HeaderWire) -> None:
    since = watched.so_far
    headers.headers.clear()
    response = await watched.post({"query": TRIPS}, {"X-Request-Id": "checkout-42"})
    assert response.headers["X-Request-Id"] == "checkout-42"
    assert [each["x-request-id"] for each in headers.headers] == ["checkout-42"]
    (line,) = await watched.lines(REQUESTS, since=since)
    assert line["requestId"] == "checkout-42"


@pytest.mark.postgrest
@pytest.mark.parametrize("given", ["", "a b", "a" * 65, "ada@tripgate.example", "a;b", "ü", "<script>"])
async def test_an_odd_request_id_is_replaced(watched: ObservedGateway, headers: HeaderWire, given: str) -> None:
    headers.headers.clear()
    response = await watched.post({"query": TRIPS}, {"X-Request-Id": given})
    made = response.headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{10}-[0-9a-f]+", made)
    assert [each["x-request-id"] for each in headers.headers] == [made]


async def test_each_operation_of_a_websocket_has_a_line(watched: ObservedGateway) -> None:
    since = watched.so_far
    async with live(watched.person) as connection:
        query = await connection.subscribe(TRIPS)
        await connection.event(query)
        assert await connection.ending(query) == "complete"
        assert await connection.ending(await connection.subscribe("{ nothing }")) == "GRAPHQL_VALIDATION_FAILED"
        followed = await connection.subscribe(CHANGES, trip=TRIP)
        await asyncio.sleep(0.3)
        await connection.send(type="complete", id=followed)
        lines = await watched.lines(REQUESTS, 3, since=since)
    connection_id = lines[0]["requestId"].partition(".")[0]
    assert [line["requestId"] for line in lines] == [f"{connection_id}.{number}" for number in (1, 2, 3)]
    assert {line["transport"] for line in lines} == {"websocket"}
    assert [(line.get("kind"), line["status"], line.get("errors")) for line in lines] == [
        ("query", "complete", None),
        (None, "error", ["GRAPHQL_VALIDATION_FAILED"]),
        ("subscription", "cancelled", None),
    ]


async def test_a_stream_of_events_has_a_line(watched: ObservedGateway) -> None:
    since = watched.so_far
    response = await watched.post({"query": TRIPS}, {"Accept": "text/event-stream", "X-Request-Id": "streamed"})
    assert response.headers["X-Request-Id"] == "streamed"
    (line,) = await watched.lines(REQUESTS, since=since)
    assert (line["requestId"], line["transport"], line["status"]) == ("streamed", "sse", 200)


async def test_a_masked_error_is_found_by_either_id_and_tells_no_row(
    seeded: StackInfo, ada: Person, tmp_path: Path
) -> None:
    async def odd(_: web.Request) -> web.StreamResponse:
        body = {
            "code": "XX000",
            "message": "could not store Lisbon by night for ada@tripgate.example",
            "details": "Failing row contains (a neighbour's diary).",
            "hint": "ask a neighbour",
        }
        return web.json_response(body, status=500)

    async with (
        instead_of_postgrest(odd) as rest_url,
        observed(seeded, ada, tmp_path, rest_url=rest_url) as found,
    ):
        create = "mutation ($title: String!) { createTrip(input: { title: $title }) { id } }"
        headers = {"X-Request-Id": "odd", "Content-Type": "application/json", "Authorization": f"Bearer {ada.token}"}
        body = {"query": create, "variables": {"title": "Lisbon by night"}}
        async with ada.http.post(found.person.url, json=body, headers=headers) as response:
            (error,) = (await response.json())["errors"]
        (line,) = await found.lines("tripgate.errors")
    assert line["requestId"] == "odd"
    assert line["errorId"] == error["extensions"]["errorId"]
    assert line["error"]["type"] == "tripgate.upstream.backend.BackendError"
    assert line["error"]["message"] == "XX000: could not store [hidden] for [hidden]"
    assert any("tripgate/upstream/postgrest/client.py:" in frame for frame in line["error"]["trace"])
    assert "diary" not in json.dumps(line)
    assert "neighbour" not in json.dumps(line)


async def test_a_person_is_a_keyed_hash_or_nothing(
    seeded: StackInfo, ada: Person, watched: ObservedGateway, tmp_path: Path
) -> None:
    async with observed(seeded, ada, tmp_path, log_person_key="a key that nobody knows") as found:
        await found.post({"query": TRIPS})
        await found.post({"query": TRIPS})
        await found.post({"query": "{ __typename }"}, {"Authorization": "Bearer"})
        first, second, nobody = await found.lines(REQUESTS, 3)
    assert re.fullmatch("[0-9a-f]{16}", first["person"])
    assert first["person"] == second["person"]
    assert "person" not in nobody
    assert str(ada.id) not in found.log.read_text()
    since = watched.so_far
    await watched.post({"query": TRIPS})
    assert "person" not in (await watched.lines(REQUESTS, since=since))[0]


async def test_text_for_people_who_develop(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    async with observed(seeded, ada, tmp_path, as_json=False) as found:
        await found.post({"query": TRIPS}, {"X-Request-Id": "abc"})
        await asyncio.sleep(0.2)
        text = found.log.read_text()
    digest = hashlib.sha256(TRIPS.encode()).hexdigest()
    asked = 2 if backend() == "postgrest" else 1
    pattern = (
        r"\S+Z INFO    tripgate\.requests: request requestId=abc transport=http kind=query operation=Trips "
        rf"document={digest} status=200 ms=[\d.]+ upstream={asked}\n"
    )
    assert re.fullmatch(pattern, text)


async def test_a_level_above_leaves_requests_out(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    async with observed(seeded, ada, tmp_path, log_level="warning") as found:
        await found.post({"query": TRIPS})
        assert found.so_far == 0


def test_nobody_waits_for_a_reader_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_MOST_WAITING", 1_000)
    there, here = os.pipe()
    os.set_blocking(here, True)
    lines = Lines(here, as_json=True, level=logging.INFO)
    for number in range(6_000):  # a thousand are being written, when the pipe is full, and a thousand wait
        lines.event(logging.INFO, "tests", "line", {"number": number, "padding": "x" * 100})
    assert lines.lost > 0
    taken = bytearray()

    def read() -> None:
        while data := os.read(there, 1 << 20):
            taken.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    lines.close()
    os.close(here)
    reader.join()
    os.close(there)
    found = [json.loads(line) for line in taken.decode().splitlines()]
    numbers = [line["number"] for line in found if "number" in line]
    assert numbers == sorted(numbers)
    told = sum(line["lines"] for line in found if line["message"] == "lines lost")
    assert len(numbers) + told == 6_000


async def test_no_header_tells_a_version(watched: ObservedGateway) -> None:
    response = await watched.post({"query": TRIPS})
    assert response.headers["Server"] == "tripgate"
    host, port = watched.person.url.removeprefix("http://").removesuffix("/graphql").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"this is no HTTP\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert b"Server: tripgate\r\n" in answer
    assert b"aiohttp" not in answer
    async with aiohttp.request("GET", watched.person.url.replace("graphql", "nothing")) as missing:
        assert (missing.status, missing.headers["Server"]) == (404, "tripgate")

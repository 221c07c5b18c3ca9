"""What goes to Supabase: chosen headers to a configured address, whatever a client sends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from tests.support import Person, serving
from tripgate.local.stack import StackInfo

TRIPS = {"query": "{ trips { nodes { id } } }"}
ALLOWED = {
    "host", "apikey", "authorization", "user-agent", "accept", "prefer", "content-type", "content-length",
    "x-deadline-ms", "x-request-id", "traceparent", "tracestate",
}  # fmt: skip


@dataclass
class Elsewhere:
    """A server in PostgREST's place that keeps what it is asked."""

    url: str = ""
    seen: list[web.Request] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        return web.json_response([], status=self.status, headers=self.headers)


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Elsewhere]:
    found = Elsewhere()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def rest() -> AsyncIterator[Elsewhere]:
    async with elsewhere() as found:
        yield found


async def test_only_chosen_headers_go_up(
    seeded: StackInfo, ada: Person, http: aiohttp.ClientSession, rest: Elsewhere
) -> None:
    sent = {
        "Authorization": f"Bearer {ada.token}",
        "apikey": "sb_secret_of_somebody",
        "Accept-Profile": "private",
        "Content-Profile": "auth",
        "Prefer": "tx=rollback, resolution=merge-duplicates",
        "Range": "0-0",
        "Range-Unit": "items",
        "X-Exactly": "1",
        "X-Deadline-Ms": "99999999",
        "X-Forwarded-Host": "evil.example",
        "X-HTTP-Method-Override": "DELETE",
        "X-Client-Info": "x",
        "Cookie": "sb-access-token=x",
        "Origin": "http://localhost:3000",
        "x-role": "service_role",
    }
    async with (
        serving(seeded, rest_url=rest.url, development=True) as url,
        http.post(url, json=TRIPS, headers=sent) as response,
    ):
        assert response.status == 200
    (request,) = rest.seen
    assert {name.lower() for name in request.headers} <= ALLOWED
    assert request.headers["apikey"] == seeded.publishable_key
    assert request.headers["Authorization"] == sent["Authorization"]
    assert int(request.headers["X-Deadline-Ms"]) < 60_000
    assert "Prefer" not in request.headers


async def test_the_callers_address_chooses_no_server(
    seeded: StackInfo, ada: Person, http: aiohttp.ClientSession, rest: Elsewhere
) -> None:
    async with elsewhere() as evil, serving(seeded, rest_url=rest.url) as url:
        host = evil.url.removeprefix("http://")
        for headers in (
            {"Host": host},
            {"X-Forwarded-Host": host, "X-Forwarded-Proto": "http"},
            {"Forwarded": f"host={host}"},
            {"X-Original-URL": evil.url, "X-Rewrite-URL": evil.url},
        ):
            async with http.post(
                url, json=TRIPS, headers={"Authorization": f"Bearer {ada.token}", **headers}
            ) as response:
                assert response.status == 200
        assert evil.seen == []
        assert {request.headers["Host"] for request in rest.seen} == {rest.url.removeprefix("http://")}
        assert {request.path for request in rest.seen} == {"/trips"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_lead_nowhere(
    seeded: StackInfo, ada: Person, http: aiohttp.ClientSession, rest: Elsewhere, status: int
) -> None:
    async with elsewhere() as evil, serving(seeded, rest_url=rest.url) as url:
        rest.status, rest.headers = status, {"Location": f"{evil.url}/trips"}
        _, body = await Person(http, url, ada.token).post(TRIPS["query"])
        assert body["data"] == {"trips": None}
        assert evil.url not in str(body)
        assert evil.seen == [], "neither the token nor the key is taken there"


async def test_no_text_of_a_client_becomes_a_header(
    seeded: StackInfo, ada: Person, http: aiohttp.ClientSession, rest: Elsewhere
) -> None:
    awkward = "x\r\nX-Role: admin\r\n\r\nGET /auth HTTP/1.1"
    filters = {"title": {"eq": awkward}, "id": {"in": ["00000000-0000-4000-8000-000000000000"]}}
    query = "query ($filter: TripFilter!) { trips(filter: $filter) { nodes { id } } }"
    async with serving(seeded, rest_url=rest.url) as url:
        person = Person(http, url, ada.token)
        assert await person.ask(query, filter=filters) == {"trips": {"nodes": []}}
    (request,) = rest.seen
    assert "X-Role" not in request.headers
    assert "%0D%0A" in request.raw_path

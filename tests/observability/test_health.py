"""Whether requests may be sent here: `/readyz` says no when what it needs is away, and asking costs nobody much."""

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.gateway.test_faults import instead_of_postgrest
from tests.observability.observed import observed
from tests.support import Person, Wire, backend, serving
from tripgate.gateway.observability.health import Health, realtime_connected
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo
from tripgate.upstream.realtime.client import RealtimeClient

OVER_POSTGREST = {"rest": "ok", "auth": "ok", "realtime": "ok"}
FINE = OVER_POSTGREST | ({"database": "ok"} if backend() == "postgres" else {})


async def ready(http: aiohttp.ClientSession, url: str) -> tuple[int, object]:
    """What `/readyz` answers."""
    async with http.get(url.replace("graphql", "readyz")) as response:
        return response.status, await response.json()


async def test_all_is_well(http: aiohttp.ClientSession, gateway: str) -> None:
    assert await ready(http, gateway) == (200, {"status": "ok", "checks": FINE})
    async with http.head(gateway.replace("graphql", "healthz")) as response:
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")


async def test_a_schema_that_is_not_loaded_is_not_ready(seeded: StackInfo, http: aiohttp.ClientSession) -> None:
    async def loading(_: web.Request) -> web.StreamResponse:
        return web.json_response({"code": "PGRST002", "message": "Could not query the database"}, status=503)

    async with instead_of_postgrest(loading) as rest_url, serving(seeded, rest_url=rest_url) as url:
        checks = {**OVER_POSTGREST, "rest": "unavailable"}
        assert await ready(http, url) == (503, {"status": "unavailable", "checks": checks})


async def test_what_hangs_is_unreachable_within_seconds(seeded: StackInfo, http: aiohttp.ClientSession) -> None:
    asked = 0

    async def never(_: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        await asyncio.sleep(60)
        raise AssertionError("the gateway hung up long before")

    async with instead_of_postgrest(never) as rest_url, serving(seeded, rest_url=rest_url) as url:
        began = time.monotonic()
        answers = await asyncio.gather(*(ready(http, url) for _ in range(20)))
        assert time.monotonic() - began < 20
    assert answers == [(503, {"status": "unavailable", "checks": {**OVER_POSTGREST, "rest": "unreachable"}})] * 20
    assert asked == 1


async def test_asking_often_asks_nobody_else_more_often(
    seeded: StackInfo, http: aiohttp.ClientSession, wire: Wire
) -> None:
    async with serving(seeded, rest_url=wire.url) as url:
        wire.clear()
        for _ in range(10):
            await asyncio.gather(*(ready(http, url) for _ in range(10)))
    assert wire.requests == ["HEAD /"]


@pytest.mark.parametrize(("needs", "status"), [("rest,auth", 503), ("rest", 200), ("", 200)])
async def test_what_is_needed_can_be_chosen(
    seeded: StackInfo, http: aiohttp.ClientSession, needs: str, status: int
) -> None:
    async with serving(seeded, SUPABASE_URL="http://127.0.0.1:1", ready_needs=needs) as url:
        found, body = await ready(http, url)
        assert (found, body["checks"]["auth"]) == (status, "unreachable")  # type: ignore[index]


async def test_a_change_is_logged_once(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    async with observed(seeded, ada, tmp_path, rest_url="http://127.0.0.1:1") as found:
        await ready(ada.http, found.person.url)
        await ready(ada.http, found.person.url)
        (line,) = await found.lines("tripgate.health")
    assert (line["level"], line["message"], line["checks"]) == (
        "warning",
        "not ready",
        {**OVER_POSTGREST, "rest": "unreachable"},
    )


async def test_whoever_stops_gets_no_more_requests() -> None:
    health = Health(frozenset())
    health.draining = True
    response = await health.ready(web.Request.__new__(web.Request))
    assert (response.status, response.body) == (503, b'{"status":"stopping"}')


def test_unknown_needs_are_refused() -> None:
    given = {"SUPABASE_URL": "http://localhost", "SUPABASE_PUBLISHABLE_KEY": "key", "ready_needs": "rest,mail"}
    with pytest.raises(ValueError, match="name some of rest, auth, realtime, database, with commas between them"):
        Settings.model_validate(given)


async def test_realtime_has_a_while_to_come_back(http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    class Listening:
        """Does nothing."""

        def on_change(self, change: object) -> None: ...
        def on_refused(self, reason: str) -> None: ...
        def on_disconnected(self) -> None: ...
        def on_presence(self, event: str, payload: object) -> None: ...

    client = RealtimeClient(http, "http://127.0.0.1:1", "key")
    check = realtime_connected(client)
    assert await check() == "ok"
    client.join("trip:1", "token", Listening())
    assert await check() == "ok"
    monkeypatch.setattr("tripgate.gateway.observability.health._MAY_BE_AWAY_SECONDS", 0.0)
    assert await check() == "unreachable"
    await client.close()

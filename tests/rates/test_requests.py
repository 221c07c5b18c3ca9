"""Requests are counted by person and by address; who asks too often is told when to come again."""

import asyncio
import re

import aiohttp
import pytest

from tests.live.clients import Live
from tests.rates.conftest import VIEWER, Client, Gateway
from tests.support import Person, serving
from tripgate.local.stack import StackInfo


async def test_a_person_may_ask_so_often(gateway_of: Gateway, newcomer: Person) -> None:
    async with gateway_of(requests_per_person=3) as client:
        person = client(newcomer)
        answers = [await person.post(VIEWER) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["RateLimit-Policy"] for answer in answers] == ['"person";q=3;w=60'] * 4
        left = [re.fullmatch(r'"person";r=(\d);t=(\d+)', answer.headers["RateLimit"]) for answer in answers]
        assert [int(match[1]) for match in left if match] == [2, 1, 0, 0]
        assert "Retry-After" not in answers[2].headers
        refused = answers[3]
        seconds = int(refused.headers["Retry-After"])
        assert 2 <= seconds <= 80
        assert refused.headers["RateLimit"] == f'"person";r=0;t={seconds}'
        assert refused.body == {
            "errors": [
                {
                    "message": "Too many requests of this account: at most 3 a minute. "
                    f"Try again in {seconds} seconds.",
                    "extensions": {"code": "RATE_LIMITED", "retryAfter": seconds},
                }
            ]
        }


async def test_a_person_is_counted_wherever_they_are(gateway_of: Gateway, newcomer: Person, anonymous: Person) -> None:
    other = await anonymous.sign_up()
    async with gateway_of(requests_per_person=3) as client:
        assert await client(newcomer).statuses(2) == [200, 200]
        assert await client(newcomer).statuses(2) == [200, 429]
        assert await client(other).statuses(3) == [200, 200, 200]


async def test_an_address_may_ask_so_often_whoever_asks_there(gateway_of: Gateway, newcomer: Person) -> None:
    async with gateway_of(requests_per_address=4) as client:
        nobody = client()
        person = Client(nobody.http, nobody.url, newcomer, nobody.address)
        assert await nobody.statuses(2) == [200, 200]
        assert await person.statuses(2) == [200, 200]
        for refused in (await person.post(VIEWER), await nobody.post(VIEWER)):
            assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])
            assert refused.headers["RateLimit-Policy"] == '"address";q=4;w=60'
        assert await client().statuses(1) == [200]


async def test_nobody_signed_in_is_counted_by_address_alone(gateway_of: Gateway) -> None:
    async with gateway_of(requests_per_person=1, requests_per_address=3) as client:
        nobody = client()
        answers = [await nobody.post(VIEWER) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["RateLimit"].startswith('"address";r=2;')


async def test_what_is_no_query_counts_too(gateway_of: Gateway) -> None:
    async with gateway_of(requests_per_address=3) as client:
        nobody = client()
        assert (await nobody.post("{ nonsense")).codes == ["GRAPHQL_PARSE_FAILED"]
        assert (await nobody.post(VIEWER, {"Authorization": "Bearer nonsense"})).status == 401
        assert (await nobody.post(VIEWER, {"Content-Type": "text/plain"})).status == 415
        assert (await nobody.post(VIEWER)).status == 429


async def test_no_client_chooses_its_address(gateway_of: Gateway) -> None:
    async with gateway_of(requests_per_address=2) as client:
        nobody = client()
        found = []
        for number in range(4):
            forwarded = f"192.0.2.{number}, {nobody.address}"
            found.append((await nobody.post(VIEWER, {"X-Forwarded-For": forwarded})).status)
        assert found == [200, 200, 429, 429]


async def test_health_and_metrics_are_never_refused(gateway_of: Gateway) -> None:
    async with gateway_of(requests_per_address=1) as client:
        nobody = client()
        assert await nobody.statuses(2) == [200, 429]
        for path in ("/healthz", "/readyz", "/metrics"):
            for _ in range(3):
                address = nobody.url.replace("/graphql", path)
                async with nobody.http.get(address, headers={"X-Forwarded-For": nobody.address}) as response:
                    assert response.status == 200, path


async def test_event_streams_count_as_requests(gateway_of: Gateway, newcomer: Person) -> None:
    async with gateway_of(requests_per_person=2) as client:
        person = client(newcomer)
        accept = {"Accept": "text/event-stream"}
        first = await person.post(VIEWER, accept)
        assert (first.status, first.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert (await person.post(VIEWER)).status == 200
        refused = await person.post(VIEWER, accept)
        assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])


async def test_operations_on_a_websocket_count_as_requests(gateway_of: Gateway, newcomer: Person) -> None:
    async with gateway_of(requests_per_person=3) as client:
        person = client(newcomer)
        assert await person.statuses(1) == [200]
        async with connected(person) as live:
            await live.send(type="connection_init", payload={"Authorization": f"Bearer {newcomer.token}"})
            assert (await live.message())["type"] == "connection_ack"
            for _ in range(2):
                id_ = await live.subscribe(VIEWER)
                assert (await live.event(id_))["viewer"]["id"] == newcomer.id
                assert await live.ending(id_) == "complete"
            assert await live.ending(await live.subscribe(VIEWER)) == "RATE_LIMITED"
            await live.send(type="ping")
            assert (await live.message())["type"] == "pong"  # the connection goes on
        assert await person.statuses(1) == [429]


async def test_connections_count_for_their_address(gateway_of: Gateway) -> None:
    async with gateway_of(requests_per_address=2) as client:
        nobody = client()
        for _ in range(2):
            async with connected(nobody):
                pass
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected(nobody):
                pass
        assert refused.value.status == 429
        assert refused.value.headers is not None
        assert int(refused.value.headers["Retry-After"]) >= 1


class connected:  # noqa: N801 - reads as a function
    """A WebSocket connection of this client."""

    def __init__(self, client: Client) -> None:
        self._opening = client.http.ws_connect(
            client.url.replace("http", "ws", 1),
            protocols=("graphql-transport-ws",),
            headers={"X-Forwarded-For": client.address},
        )

    async def __aenter__(self) -> Live:
        return Live(await self._opening.__aenter__())

    async def __aexit__(self, *error: object) -> None:
        await self._opening.__aexit__(*error)  # type: ignore[arg-type]


async def test_what_operations_cost_is_counted_by_person(gateway_of: Gateway, newcomer: Person, ben: Person) -> None:
    query = "{ trips(first: 100) { nodes { id } } }"  # 1 + 100
    async with gateway_of(cost_per_person=250, max_cost=200) as client:
        person = client(newcomer)
        assert await person.statuses(2, query) == [200, 200]
        refused = await person.post(query)
        assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])
        assert refused.body["errors"][0]["message"].startswith(
            "What you asked lately with the time it took, and this for 101, cost too much: at most 250 a minute. Try"
        )
        assert refused.headers["RateLimit-Policy"] == '"cost";q=250;w=60'
        assert await person.statuses(1) == [200]  # something small still fits
        assert await client(ben).statuses(1, query) == [200]


async def test_many_at_once_are_counted_exactly(gateway_of: Gateway, newcomer: Person) -> None:
    async with gateway_of(requests_per_person=20) as client:
        person = client(newcomer)
        statuses = await asyncio.gather(*(person.statuses(1) for _ in range(40)))
        assert sorted(status for (status,) in statuses) == [200] * 20 + [429] * 20


async def test_development_counts_nothing_unless_set_to(
    seeded: StackInfo, http: aiohttp.ClientSession, newcomer: Person
) -> None:
    for told, found in ((None, [200, 200]), (True, [200, 429])):
        async with serving(seeded, development=True, rate_limits=told, requests_per_person=1) as url:
            assert await Client(http, url, newcomer).statuses(2) == found


async def test_what_is_off_tells_nothing(seeded: StackInfo, http: aiohttp.ClientSession, newcomer: Person) -> None:
    async with serving(seeded, rate_limits=False, requests_per_person=1) as url:
        answer = await Client(http, url, newcomer).post(VIEWER)
        assert not {name for name in answer.headers if name.startswith("RateLimit")}

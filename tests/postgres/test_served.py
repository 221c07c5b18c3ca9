"""A gateway that reads straight from Postgres: its health, metrics, explanations, and what it leaves to PostgREST."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support import Person, Wire, reading, serving
from tripgate.local.stack import StackInfo

CREATE = """mutation { createTrip(input: { title: "Written over PostgREST" }) {
    title status owner { displayName } items { totalCount } } }"""


@pytest.fixture(scope="module")
async def person(http: aiohttp.ClientSession, seeded: StackInfo, wire: Wire) -> AsyncIterator[Person]:
    """Somebody new at such a gateway."""
    settings = reading(seeded, "postgres")
    async with serving(seeded, rest_url=wire.url, development=True, metrics=True, **settings) as url:
        yield await Person(http, url).sign_up()


async def test_reads_ask_postgrest_nothing(person: Person, wire: Wire) -> None:
    await person.trip(title="One")
    wire.clear()
    assert await person.ask(
        '{ trips { nodes { title } totalCount } viewer { displayName } searchPlaces(text: "x") { totalCount } }'
    )
    assert wire.requests == []


async def test_a_write_is_read_back_at_once(person: Person, wire: Wire) -> None:
    wire.clear()
    created = (await person.ask(CREATE))["createTrip"]
    assert (created["title"], created["items"]) == ("Written over PostgREST", {"totalCount": 0})
    assert created["owner"]["displayName"].startswith("New ")
    assert [line.partition("?")[0] for line in wire.requests] == ["POST /trips"]


async def test_an_explanation_shows_the_sql(person: Person) -> None:
    await person.trip(title="One")
    body = {"query": "{ trips(first: 1) { nodes { title } } }", "extensions": {"explain": True}}
    headers = {"Authorization": f"Bearer {person.token}"}
    async with person.http.post(person.url, json=body, headers=headers) as response:
        answer = await response.json()
    (sent,) = answer["extensions"]["explain"]["fields"]["trips"]["requests"]
    assert sent["sql"] == (
        """select '{"nodes":[' || p.x0 || ']}', p.n from (select coalesce(string_agg(x0, ','), '') as x0, """
        """count(*) as n from (select '{"title":' || coalesce(to_json(t1."title")::text, 'null') || '}' as x0 """
        """from "public"."trips" as t1 order by t1."created_at" desc, t1."id" asc limit 1) as r) as p"""
    )
    assert (sent["rows"], sent["status"], sent["plan"]["Read"]["table"]) == (1, None, "trips")


async def test_it_is_ready_while_postgres_answers(person: Person) -> None:
    async with person.http.get(person.url.replace("graphql", "readyz")) as response:
        assert response.status == 200
        assert (await response.json())["checks"]["database"] == "ok"


async def test_postgres_is_measured_as_an_upstream(person: Person) -> None:
    await person.ask("{ trips { totalCount } }")
    async with person.http.get(person.url.replace("graphql", "metrics")) as response:
        text = await response.text()
    assert 'upstream="database"' in text


async def test_a_database_that_is_away_is_told(seeded: StackInfo, http: aiohttp.ClientSession, ada: Person) -> None:
    async with serving(seeded, database_url="postgresql://nobody@127.0.0.1:1/postgres") as url:
        async with http.get(url.replace("graphql", "readyz")) as response:
            assert response.status == 503
            assert (await response.json())["checks"]["database"] == "unreachable"
        assert await Person(http, url, ada.token).code("{ trips { totalCount } }") == "UPSTREAM_UNAVAILABLE"

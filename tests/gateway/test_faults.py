"""When Supabase fails, callers get a code within the deadline, and the gateway stays up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import psycopg
import pytest
from aiohttp import web

from tests.support import Person, listening, serving
from tripgate.local.stack import StackInfo

pytestmark = pytest.mark.postgrest

TRIPS = "{ trips { nodes { id } } }"


@asynccontextmanager
async def instead_of_postgrest(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A server that answers everything in this way; its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with listening(app, shutdown_timeout=0.1) as url:
        yield url


async def test_postgrest_is_not_there(seeded: StackInfo, ada: Person, http: aiohttp.ClientSession) -> None:
    async with serving(seeded, rest_url="http://127.0.0.1:1") as url:
        person = Person(http, url, ada.token)
        assert await person.code(TRIPS) == "UPSTREAM_UNAVAILABLE"
        assert await person.code('mutation { createTrip(input: { title: "x" }) { id } }') == "UPSTREAM_UNAVAILABLE"
        assert await person.ask("{ __typename }") == {"__typename": "Query"}
        async with http.get(url.replace("graphql", "healthz")) as response:
            assert response.status == 200
        async with http.get(url.replace("graphql", "readyz")) as response:
            assert response.status == 503


async def test_postgrest_says_nothing(seeded: StackInfo, ada: Person, http: aiohttp.ClientSession) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError("the gateway hung up long before")

    async with (
        instead_of_postgrest(never) as rest_url,
        serving(seeded, rest_url=rest_url, upstream_timeout=0.3) as url,
    ):
        began = time.monotonic()
        assert await Person(http, url, ada.token).code(TRIPS) == "TIMEOUT"
        assert time.monotonic() - began < 20


async def test_auth_is_not_there(seeded: StackInfo, ada: Person, http: aiohttp.ClientSession) -> None:
    async with serving(seeded, SUPABASE_URL="http://127.0.0.1:1") as url:
        status, body = await Person(http, url, ada.token).post(TRIPS)
        assert (status, body["errors"][0]["extensions"]["code"]) == (503, "UPSTREAM_UNAVAILABLE")
        sign_in = 'mutation { signIn(input: { email: "ada@tripgate.example", password: "x" }) { user { id } } }'
        assert await Person(http, url).code(sign_in) == "UPSTREAM_UNAVAILABLE"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, '{"code":"PGRST301","message":"JWT expired"}', "UNAUTHENTICATED"),
        (401, '{"code":"PGRST303","message":"JWT expired"}', "UNAUTHENTICATED"),
        (403, '{"code":"42501","message":"permission denied for table trips"}', "FORBIDDEN"),
        (500, '{"code":"57014","message":"canceling statement due to statement timeout"}', "TIMEOUT"),
        (504, '{"code":"PGRST003","message":"Timed out acquiring connection from connection pool."}', "TIMEOUT"),
        (
            503,
            '{"code":"PGRST002","message":"Could not query the database for the schema cache."}',
            "UPSTREAM_UNAVAILABLE",
        ),
        (503, '{"code":"53300","message":"sorry, too many clients already"}', "UPSTREAM_UNAVAILABLE"),
        (503, '{"code":"08006","message":"connection failure: secret-host"}', "UPSTREAM_UNAVAILABLE"),
        (502, "<html>Bad gateway</html>", "UPSTREAM_UNAVAILABLE"),
        (
            409,
            '{"code":"23505","message":"violates unique constraint \\"t_key\\"","details":"Key (secret)"}',
            "CONFLICT",
        ),
        (500, '{"code":"XX000","message":"secret internals"}', "INTERNAL_SERVER_ERROR"),
        (404, '{"code":"42P01","message":"relation secret does not exist"}', "INTERNAL_SERVER_ERROR"),
        (400, "not json: secret", "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_failures_by_code_and_nothing_from_inside(
    seeded: StackInfo, ada: Person, http: aiohttp.ClientSession, status: int, body: str, code: str
) -> None:
    async def fail(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=status, content_type="application/json")

    async with instead_of_postgrest(fail) as rest_url, serving(seeded, rest_url=rest_url) as url:
        error = await Person(http, url, ada.token).refused(TRIPS)
    assert error["code"] == code
    assert "secret" not in str(error)


async def test_what_one_may_see_but_not_change_is_forbidden(seeded: StackInfo, newcomer: Person, ben: Person) -> None:
    trip_id = await newcomer.trip(title="Shown to everyone")
    policy = '"Shown by this test"'
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        connection.execute(f"create policy {policy} on public.trips for select using (title = 'Shown to everyone')")
        try:
            update = 'mutation ($id: UUID!) { updateTrip(id: $id, patch: { budget: "1" }) { id } }'
            assert await ben.refused(update, id=trip_id) == {
                "code": "FORBIDDEN",
                "message": "You may see this trip but not change it.",
            }
            assert await ben.code("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=trip_id) == "FORBIDDEN"
        finally:
            connection.execute(f"drop policy {policy} on public.trips")

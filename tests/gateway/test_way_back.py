"""A token that has ended, or is none, keeps nobody from what needs nobody: the ways back in."""

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from resolvers.anonymous import allows_anonymous
from tests.live.clients import connected
from tests.support import Person, serving
from tripgate.gateway.schema import graphql_schema
from tripgate.local.stack import StackInfo

SECRET = "a secret that only this test's gateway knows"
REFRESH = """mutation ($token: String!) {
  refreshSession(refreshToken: $token) { session { accessToken refreshToken } user { id } } }"""
SIGN_IN = """mutation ($email: String!) {
  signIn(input: { email: $email, password: "correct horse" }) { session { accessToken } } }"""
VIEWER = "{ viewer { id } }"
EXPIRED = "The access token has expired. Refresh the session."


def token(seeded: StackInfo, person: Person, *, ends_in: float) -> str:
    """A token of this person's that lasts so many seconds more."""
    now = time.time()
    claims = {
        "iss": f"{seeded.api_url}/auth/v1",
        "sub": person.id,
        "aud": "authenticated",
        "role": "authenticated",
        "exp": now + ends_in,
    }
    return jwt.encode(claims, SECRET, "HS256")


@pytest.fixture(scope="module")
async def address(seeded: StackInfo) -> AsyncIterator[str]:
    """A gateway whose tokens the test can make."""
    async with serving(seeded, SUPABASE_JWT_SECRET=SECRET, get_queries=True, introspection=True) as url:
        yield url


@pytest.fixture
def late(address: str, seeded: StackInfo, newcomer: Person) -> Person:
    """Somebody whose token has ended and whose client still sends it."""
    expired = token(seeded, newcomer, ends_in=-60)
    return Person(newcomer.http, address, expired, newcomer.refresh_token, newcomer.id, newcomer.email)


def test_exactly_these_need_nobody() -> None:
    schema = graphql_schema()
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    found = {name for root in roots if root for name, field in root.fields.items() if allows_anonymous(field)}
    assert found == {
        "refreshSession",
        "requestPasswordReset",
        "resetPassword",
        "sendMagicLink",
        "signIn",
        "signUp",
        "verifyOtp",
    }


async def test_an_ended_session_is_refreshed_under_its_old_token(late: Person) -> None:
    assert await late.refused(VIEWER) == {"code": "UNAUTHENTICATED", "message": EXPIRED}
    renewed = (await late.ask(REFRESH, token=late.refresh_token))["refreshSession"]
    assert renewed["user"]["id"] == late.id
    again = Person(late.http, late.url, renewed["session"]["accessToken"])
    assert await again.ask(VIEWER) == {"viewer": {"id": late.id}}


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer a.b.c", "Bearer", "Bearer ", "Basic YTpi", "token", ""])
async def test_whatever_is_wrong_with_the_header(late: Person, header: str) -> None:
    async def status(query: str, **variables: Any) -> tuple[int, Any]:
        parameters = {"query": query, "variables": variables}
        async with late.http.post(late.url, json=parameters, headers={"Authorization": header}) as response:
            return response.status, await response.json()

    for query, variables in [
        ("{ __typename }", {}),
        ("{ __schema { queryType { name } } }", {}),
        (SIGN_IN, {"email": late.email}),
        ("mutation ($email: String!) { requestPasswordReset(email: $email) }", {"email": late.email}),
        ("mutation ($email: String!) { ...F } fragment F on Mutation { ... { sendMagicLink(email: $email) } }",
         {"email": late.email}),
        (REFRESH, {"token": late.refresh_token}),
    ]:  # fmt: skip
        answered, body = await status(query, **variables)
        assert (answered, "errors" in body) == (200, False), (query, body)
    refused, body = await status(VIEWER)
    assert (refused, body["errors"][0]["extensions"]["code"], "data" in body) == (401, "UNAUTHENTICATED", False)


@pytest.mark.parametrize(
    "query",
    [
        VIEWER,
        "{ __typename trips { totalCount } }",
        "mutation { signOut }",
        "mutation { requestPasswordReset(email: \"a@b.example\") signOut }",
        "mutation { ...F } fragment F on Mutation { ... { changePassword(newPassword: \"x\", currentPassword: \"x\") "
        "{ user { id } } } }",
        "query ($no: Boolean = false) { __typename ... @include(if: $no) { viewer { id } } }",
    ],
)  # fmt: skip
async def test_one_field_that_needs_somebody_is_enough(late: Person, query: str) -> None:
    status, body = await late.post(query)
    assert (status, body["errors"][0]["extensions"]["code"], "data" in body) == (401, "UNAUTHENTICATED", False)


async def test_by_get(late: Person) -> None:
    headers = {"Authorization": f"Bearer {late.token}"}
    async with late.http.get(late.url, params={"query": "{ __typename }"}, headers=headers) as response:
        assert await response.json() == {"data": {"__typename": "Query"}}
    async with late.http.get(late.url, params={"query": VIEWER}, headers=headers) as response:
        assert response.status == 401


async def test_over_a_stream(late: Person) -> None:
    headers = {"Authorization": f"Bearer {late.token}", "Accept": "text/event-stream"}
    parameters = {"query": SIGN_IN, "variables": {"email": late.email}}
    async with late.http.post(late.url, json=parameters, headers=headers) as response:
        assert response.status == 200
        assert b'"accessToken":' in await response.read()
    follow = 'subscription { tripChanges(tripId: "00000000-0000-4000-8000-000000000000") { operation } }'
    async with late.http.post(late.url, json={"query": follow}, headers=headers) as response:
        assert response.status == 401


async def test_over_a_websocket_that_begins_with_it(late: Person) -> None:
    async with connected(late) as connection:
        await connection.send(type="connection_init", payload={"Authorization": f"Bearer {late.token}"})
        assert await connection.message() == {"type": "connection_ack"}
        assert await connection.ending(await connection.subscribe(VIEWER)) == "UNAUTHENTICATED"
        found = await connection.event(await connection.subscribe(REFRESH, token=late.refresh_token))
        fresh = found["refreshSession"]["session"]["accessToken"]
        # The connection need not be made anew: a ping tells it the next token.
        await connection.send(type="ping", payload={"Authorization": f"Bearer {fresh}"})
        assert await connection.event(await connection.subscribe(VIEWER)) == {"viewer": {"id": late.id}}


async def test_over_a_websocket_that_outlives_its_token(late: Person, seeded: StackInfo) -> None:
    async with connected(late) as connection:
        # Accepted still, for clocks differ, and ended all the same.
        ending = token(seeded, late, ends_in=-1)
        await connection.send(type="connection_init", payload={"Authorization": f"Bearer {ending}"})
        assert await connection.message() == {"type": "connection_ack"}
        assert await connection.ending(await connection.subscribe(VIEWER)) == "UNAUTHENTICATED"
        found = await connection.event(await connection.subscribe(REFRESH, token=late.refresh_token))
        fresh = found["refreshSession"]["session"]["accessToken"]
        await connection.send(type="ping", payload={"Authorization": f"Bearer {fresh}"})
        assert await connection.event(await connection.subscribe(VIEWER)) == {"viewer": {"id": late.id}}

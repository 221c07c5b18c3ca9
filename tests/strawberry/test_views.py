"""Strawberry's own views and test client serve the schema, given a context for each request."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.aiohttp.test import GraphQLTestClient
from strawberry.aiohttp.views import GraphQLView
from strawberry.asgi import GraphQL

from resolvers.context import Context
from tests.strawberry.script import titles
from tests.strawberry.view import application
from tests.support import Person
from tripgate.gateway.contexts import ContextOf
from tripgate.gateway.schema import schema
from tripgate.gateway.settings import Settings

DOCUMENT = """
query ($first: Int!) {
  viewer { displayName }
  trips(first: $first, orderBy: [{ title: ASC }]) { nodes { name: title items(first: 1) { nodes { kind cost } } } }
}"""
SIGN_OUT = "mutation { ...Out } fragment Out on Mutation { signOut }"
FAILING = "{ viewer { displayName } trips(first: -1) { totalCount } }"


class AsgiView(GraphQL[Context, None]):
    """Strawberry's view for ASGI, with a context of ours."""

    def __init__(self, context_of: ContextOf) -> None:
        super().__init__(schema())
        self._context_of = context_of

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        return await self._context_of(request.headers.get("Authorization"))


class AiohttpView(GraphQLView[Context, None]):
    """Strawberry's view for aiohttp, likewise."""

    def __init__(self, context_of: ContextOf) -> None:
        super().__init__(schema())
        self._context_of = context_of

    async def get_context(self, request: web.Request, response: web.StreamResponse | web.WebSocketResponse) -> Context:
        return await self._context_of(request.headers.get("Authorization"))


@pytest.fixture
async def asgi(context_of: ContextOf) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(AsgiView(context_of))
    async with httpx.AsyncClient(transport=transport, base_url="http://view.example") as client:
        yield client


@pytest.mark.parametrize("document", [DOCUMENT, FAILING])
async def test_the_asgi_view_answers_as_the_gateway_does(asgi: httpx.AsyncClient, ada: Person, document: str) -> None:
    variables = {"first": 2}
    _, expected = await ada.post(document, **variables)
    answer = await asgi.post(
        "/", json={"query": document, "variables": variables}, headers={"Authorization": f"Bearer {ada.token}"}
    )
    assert answer.json() == expected
    assert expected["data"]["viewer"] == {"displayName": "Ada Lindqvist"}


async def test_who_may_see_what_is_the_tokens_affair(asgi: httpx.AsyncClient, ada: Person, ben: Person) -> None:
    async def titles(person: Person) -> Any:
        answer = await asgi.post(
            "/",
            json={"query": "{ trips { nodes { title } } }"},
            headers={"Authorization": f"Bearer {person.token}"},
        )
        return answer.json()["data"]["trips"]["nodes"]

    hers, his = await titles(ada), await titles(ben)
    assert hers == (await ada.ask("{ trips { nodes { title } } }"))["trips"]["nodes"]
    assert his == (await ben.ask("{ trips { nodes { title } } }"))["trips"]["nodes"]
    assert hers != his


async def test_strawberrys_test_client(ada: Person, context_of: ContextOf) -> None:
    app = web.Application()
    app.router.add_route("*", "/graphql", AiohttpView(context_of))
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {ada.token}"}) as http:
        client = GraphQLTestClient(http, url="/graphql")
        answer = await client.query(DOCUMENT, {"first": 2})
    assert answer.data == await ada.ask(DOCUMENT, first=2)


async def test_an_application_of_ones_own(settings: Settings, ada: Person) -> None:
    app = application(settings)
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {ada.token}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://view.example", headers=headers) as client,
    ):
        answer = await client.post("/graphql/", json={"query": DOCUMENT, "variables": {"first": 2}})
        assert answer.json() == {"data": await ada.ask(DOCUMENT, first=2)}
        dear = "{ trips(first: 100) { nodes { items(first: 100) { nodes { id } } } } }"
        answer = await client.post("/graphql/", json={"query": dear})
        assert answer.json()["errors"][0]["extensions"]["code"] == "COST_LIMIT_EXCEEDED"


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Basic YTpi", "Bearer"])
async def test_a_token_that_is_not_accepted_is_refused_as_in_the_gateway(
    settings: Settings, context_of: ContextOf, anonymous: Person, authorization: str
) -> None:
    """Though fields would be null for anonymous callers; whoever signs in anew is let in."""
    app = application(settings)
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": authorization}
    sign_in = 'mutation { signIn(input: { email: "ada@tripgate.example", password: "tripgate-demo" }) { user { id } } }'
    documents = ["{ viewer { id } }", "{ trips { totalCount } __typename }", "{ __typename }", sign_in]
    documents += ["query ($n: Int!) { trips(first: $n) { totalCount } }", SIGN_OUT]
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://view.example", headers=headers) as client,
    ):
        for document in documents:
            answer = await client.post("/graphql/", json={"query": document})
            async with anonymous.http.post(anonymous.url, json={"query": document}, headers=headers) as expected:
                assert {"data": None, **answer.json()} == {"data": None, **(await expected.json())}, document
    done = await schema().execute("{ viewer { id } }", context_value=await context_of(authorization))
    assert [error.formatted["extensions"]["code"] for error in done.errors or ()] == ["UNAUTHENTICATED"]
    assert done.data is None


async def test_a_script(settings: Settings, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_URL", str(settings.supabase_url))
    monkeypatch.setenv("SUPABASE_PUBLISHABLE_KEY", settings.supabase_publishable_key.get_secret_value())
    assert ada.token is not None
    expected = await ada.ask("{ trips(first: 3) { nodes { title } } }")
    assert await titles(ada.token) == [trip["title"] for trip in expected["trips"]["nodes"]]

"""Queries by GET, and what the other methods answer."""

import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.support import Person

RESPONSE = "application/graphql-response+json"
TYPENAME = {"data": {"__typename": "Query"}}
JSON = {"Content-Type": "application/json"}


async def get(http: aiohttp.ClientSession, url: str, method: str = "GET", **parameters: str) -> tuple[int, Any]:
    """Status and answer, the latter's only error shortened to its message."""
    async with http.request(method, url, params=parameters) as response:
        answer = await response.json()
        return response.status, answer["errors"][0]["message"] if "errors" in answer else answer


async def test_queries_by_get(http: aiohttp.ClientSession, getting: str) -> None:
    assert await get(http, getting, query="{ __typename }") == (200, TYPENAME)
    query = "query A($a: Boolean!) { a: __typename @include(if: $a) } query B { b: __typename }"
    assert await get(http, getting, query=query, operationName="A", variables='{"a":true}') == (
        200,
        {"data": {"a": "Query"}},
    )
    assert await get(http, getting, query=query, operationName="B", variables="null", extensions="{}") == (
        200,
        {"data": {"b": "Query"}},
    )
    assert await get(http, getting, query="query null { __typename }", operationName="null") == (200, TYPENAME)
    assert await get(http, getting, query="{ __typename }", operationName="", variables="") == (200, TYPENAME)


async def test_a_person_is_known_by_get_too(ada: Person, getting: str) -> None:
    headers = {"Authorization": f"Bearer {ada.token}"}
    async with ada.http.get(getting, params={"query": "{ viewer { displayName } }"}, headers=headers) as response:
        assert await response.json() == {"data": {"viewer": {"displayName": "Ada Lindqvist"}}}
        assert response.headers["Vary"] == "Accept, Authorization, Origin"
        assert response.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "`query` must be a string."),
        ({"query": "{ __typename }", "variables": "{"}, "`variables` is not JSON"),
        ({"query": "{ __typename }", "variables": "[]"}, "`variables` must be an object."),
        ({"query": "{ __typename }", "extensions": "1"}, "`extensions` must be an object."),
        ([("query", "{ a }"), ("query", "{ b }")], "`query` stands in the address more than once."),
    ],
)
async def test_addresses_that_are_no_request(
    http: aiohttp.ClientSession, getting: str, parameters: Any, message: str
) -> None:
    async with http.get(f"{getting}?{urlencode(parameters)}") as response:
        error = (await response.json())["errors"][0]
        assert (response.status, error["extensions"]["code"]) == (400, "BAD_REQUEST")
        assert error["message"].startswith(message)


@pytest.mark.parametrize(
    ("query", "name", "message"),
    [
        ("mutation { signOut }", "", "A mutation needs POST."),
        ("query A { __typename } mutation B { signOut }", "B", "A mutation needs POST."),
        ('subscription { tripChanges(tripId: "x") { id } }', "", None),
        (
            'subscription { tripChanges(tripId: "00000000-0000-4000-8000-000000000000") { id } }',
            "",
            "A subscription needs POST.",
        ),
    ],
)
async def test_nothing_but_queries_by_get(
    http: aiohttp.ClientSession, getting: str, query: str, name: str, message: str | None
) -> None:
    for accept in ("application/json", RESPONSE, "text/event-stream"):
        headers = {"Accept": accept}
        params = {"query": query, "operationName": name}
        async with http.get(getting, params=params, headers=headers) as response:
            text = await response.text()
            answer = json.loads(text.partition("data: ")[2].partition("\n")[0] or text)
            assert "data" not in answer
            if message is None:
                assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
            else:
                assert (response.status, response.headers["Allow"]) == (405, "POST")
                assert answer["errors"][0]["message"] == message


async def test_get_is_off_unless_it_is_set(anonymous: Person) -> None:
    for method in ("GET", "HEAD", "PATCH"):
        params = {"query": "{ __typename }"}
        async with anonymous.http.request(method, anonymous.url, params=params, headers={"Accept": RESPONSE}) as answer:
            assert (answer.status, answer.content_type) == (405, RESPONSE)
            assert answer.headers["Allow"] == "POST, PUT, DELETE"
            if method != "HEAD":
                assert (await answer.json(content_type=None))["errors"] == [
                    {"message": "Ask by POST.", "extensions": {"code": "BAD_REQUEST"}}
                ]


async def test_head_is_get_without_the_body(http: aiohttp.ClientSession, getting: str) -> None:
    async with http.head(getting, params={"query": "{ __typename }"}) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        assert await response.read() == b""
    async with http.head(getting, headers={"Accept": "text/event-stream"}) as response:
        assert response.status == 406
    async with http.patch(getting) as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD, POST, PUT, DELETE")


async def test_options_says_what_there_is(http: aiohttp.ClientSession, getting: str, anonymous: Person) -> None:
    for url, methods in (
        (getting, "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
        (anonymous.url, "POST, PUT, DELETE, OPTIONS"),
    ):
        async with http.options(url) as response:
            assert (response.status, response.headers["Allow"]) == (204, methods)

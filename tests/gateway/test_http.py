"""GraphQL over HTTP: media types, statuses, and bodies that are no requests."""

import json
from typing import Any

import aiohttp
import pytest

from tests.observability.test_health import FINE
from tests.support import Person

RESPONSE_TYPE = "application/graphql-response+json"


async def post(person: Person, body: Any, **headers: str) -> tuple[int, str, Any]:
    """Status, media type and body of the answer to a raw body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **headers}
    async with person.http.post(person.url, data=data, headers=sent) as response:
        return response.status, response.content_type, await response.json(content_type=None)


async def test_the_media_type_follows_accept(anonymous: Person) -> None:
    request = {"query": "{ __typename }"}
    assert await post(anonymous, request) == (200, "application/json", {"data": {"__typename": "Query"}})
    answer = await post(anonymous, request, Accept=f"{RESPONSE_TYPE}, application/json;q=0.9")
    assert answer == (200, RESPONSE_TYPE, {"data": {"__typename": "Query"}})


async def test_a_document_that_cannot_run_is_400_only_in_the_new_media_type(anonymous: Person) -> None:
    for query in ("{", "{ nothing }"):
        assert (await post(anonymous, {"query": query}))[0] == 200
        assert (await post(anonymous, {"query": query}, Accept=RESPONSE_TYPE))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[]",
        b'[{"query":"{__typename}"}]',
        {},
        {"query": None},
        {"query": 1},
        {"query": "{ __typename }", "variables": []},
        {"query": "{ __typename }", "variables": "{}"},
        {"query": "{ __typename }", "operationName": 1},
        b'{"query":"{ __typename }","variables":{"a":"\\ud800"}}',
    ],
)
async def test_bodies_that_are_no_request(anonymous: Person, body: Any) -> None:
    status, _, answer = await post(anonymous, body)
    assert status == 400
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_browser_form_cannot_send_a_request(anonymous: Person) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert (await post(anonymous, {"query": "{ __typename }"}, **{"Content-Type": media_type}))[0] == 415


async def test_a_body_over_the_limit(anonymous: Person) -> None:
    status, _, answer = await post(anonymous, {"query": "{ __typename }", "variables": {"a": "x" * 300_000}})
    error = {
        "message": "The body is too large; at most 262144 bytes are taken.",
        "extensions": {"code": "PAYLOAD_TOO_LARGE"},
    }
    assert (status, answer) == (413, {"errors": [error]})


async def test_operation_names_choose(anonymous: Person) -> None:
    query = "query A { a: __typename } query B { b: __typename }"
    assert (await post(anonymous, {"query": query, "operationName": "B"}))[2] == {"data": {"b": "Query"}}
    _, _, answer = await post(anonymous, {"query": query, "operationName": "C"})
    assert answer["errors"][0]["message"] == "The document holds no operation named 'C'."


async def test_health(anonymous: Person, http: aiohttp.ClientSession) -> None:
    fine = {"status": "ok"}
    all_fine = {"status": "ok", "checks": FINE}
    for path, body in (("healthz", fine), ("readyz", all_fine)):
        async with http.get(anonymous.url.replace("graphql", path)) as response:
            assert (response.status, await response.json()) == (200, body)

"""Documents that are named instead of sent: trusted ones of a manifest, and automatically persisted ones."""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.live.clients import live
from tests.support import Person, serving
from tripgate.gateway.app import application
from tripgate.gateway.settings import Settings, SettingsError
from tripgate.local.stack import StackInfo

RESPONSE = "application/graphql-response+json"
HELLO = "query Hello { __typename }"
NAME = "query Name($id: UUID!) { trip(id: $id) { title } }"
TWO = "query A { a: __typename } query B { b: __typename }"
OUT = "mutation Out { signOut }"
FOLLOW = "subscription Follow($trip: UUID!) { tripChanges(tripId: $trip) { operation } }"
MANIFEST = {"0a1b": HELLO, "named": NAME, "two": TWO, "out": OUT, "follow": FOLLOW}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def persisted(hash_: str, version: int = 1) -> dict[str, Any]:
    """The extension of automatic persisted queries."""
    return {"persistedQuery": {"version": version, "sha256Hash": hash_}}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest as graphql-codegen writes it."""
    path = tmp_path_factory.mktemp("manifest") / "persisted-documents.json"
    path.write_text(json.dumps(MANIFEST))
    return path


@pytest.fixture(scope="module")
async def trusting(seeded: StackInfo, manifest: Path) -> AsyncIterator[str]:
    """The address of a gateway that admits the manifest's documents alone."""
    async with serving(seeded, trusted_documents=manifest, trusted_documents_only=True, get_queries=True) as url:
        yield url


async def ask(http: aiohttp.ClientSession, url: str, body: dict[str, Any], **headers: str) -> Any:
    """The data of an answer, or the code of its only error."""
    async with http.post(url, json=body, headers=headers) as response:
        answer = await response.json(content_type=None)
        return answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"]


async def test_a_document_is_named_by_its_key_or_by_the_digest_of_its_text(
    trusting: str, http: aiohttp.ClientSession
) -> None:
    for document_id in ("0a1b", f"sha256:{digest(HELLO)}"):
        assert await ask(http, trusting, {"documentId": document_id}) == {"__typename": "Query"}
        params = {"documentId": document_id}
        async with http.get(trusting, params=params) as response:
            assert await response.json() == {"data": {"__typename": "Query"}}
    assert await ask(http, trusting, {"documentId": "two", "operationName": "B"}) == {"b": "Query"}
    assert await ask(http, trusting, {"documentId": "two"}) == "OPERATION_RESOLUTION_FAILURE"
    assert await ask(http, trusting, {"documentId": "named", "variables": {"id": 1}}) == "BAD_USER_INPUT"
    # The other ways of the build's own clients: the digest or the key as of a persisted query, or the document itself.
    assert await ask(http, trusting, {"extensions": persisted(digest(HELLO))}) == {"__typename": "Query"}
    assert await ask(http, trusting, {"extensions": persisted("0a1b")}) == {"__typename": "Query"}
    assert await ask(http, trusting, {"query": HELLO}) == {"__typename": "Query"}


async def test_nothing_else_is_admitted(trusting: str, http: aiohttp.ClientSession) -> None:
    other = "{ __typename }"
    assert await ask(http, trusting, {"query": other}) == "DOCUMENT_NOT_TRUSTED"
    assert await ask(http, trusting, {"query": HELLO + " "}) == "DOCUMENT_NOT_TRUSTED"
    assert await ask(http, trusting, {"query": ""}) == "DOCUMENT_NOT_TRUSTED"
    assert await ask(http, trusting, {"documentId": "unknown"}) == "DOCUMENT_NOT_FOUND"
    assert await ask(http, trusting, {"documentId": f"sha256:{digest(other)}"}) == "DOCUMENT_NOT_FOUND"
    # Nobody can persist one either.
    assert await ask(http, trusting, {"query": other, "extensions": persisted(digest(other))}) == "DOCUMENT_NOT_TRUSTED"
    assert await ask(http, trusting, {"extensions": persisted(digest(other))}) == "PERSISTED_QUERY_NOT_FOUND"
    async with http.get(trusting, params={"query": other}) as response:
        assert (await response.json())["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
    async with http.get(trusting, params={"documentId": "out"}) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
    for accept, status in (("application/json", 200), (RESPONSE, 400)):
        async with http.post(trusting, json={"query": other}, headers={"Accept": accept}) as response:
            assert response.status == status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"documentId": 1}, "`documentId` must be a string."),
        ({"documentId": ""}, "`documentId` must be a string."),
        ({"documentId": "0a1b", "query": HELLO}, "Send `documentId` or `query`, not both."),
        ({"extensions": {"persistedQuery": []}}, "`extensions.persistedQuery` must be an object of version 1."),
        ({"extensions": persisted("x", 2)}, "`extensions.persistedQuery` must be an object of version 1."),
        ({"extensions": {"persistedQuery": {"version": 1}}}, "`sha256Hash` must be a string."),
        ({"query": HELLO, "extensions": persisted(digest(NAME))}, "`sha256Hash` is not the digest of `query`."),
    ],
)
async def test_names_that_are_none(trusting: str, http: aiohttp.ClientSession, body: Any, message: str) -> None:
    async with http.post(trusting, json=body) as response:
        assert (response.status, (await response.json())["errors"]) == (
            400,
            [{"message": message, "extensions": {"code": "BAD_REQUEST"}}],
        )


async def test_over_a_websocket_and_as_a_stream(trusting: str, newcomer: Person) -> None:
    person = Person(newcomer.http, trusting, newcomer.token)
    trip = await newcomer.trip()
    async with live(person) as connection:

        async def subscribe(id_: str, **payload: Any) -> str:
            await connection.send(type="subscribe", id=id_, payload=payload)
            return id_

        assert await connection.event(await subscribe("1", documentId="0a1b")) == {"__typename": "Query"}
        assert await connection.ending(await subscribe("2", documentId="unknown")) == "DOCUMENT_NOT_FOUND"
        assert await connection.ending(await subscribe("3", query="{ __typename }")) == "DOCUMENT_NOT_TRUSTED"
        known = await subscribe("4", extensions=persisted(digest(HELLO)))
        assert await connection.event(known) == {"__typename": "Query"}
        followed = await subscribe("5", documentId="follow", variables={"trip": trip})
        await connection.silence(followed, 0.2)
    stream = {"Accept": "text/event-stream", "Authorization": f"Bearer {newcomer.token}"}
    for body, told in (
        ({"documentId": "0a1b"}, b'"data":{"__typename":"Query"}'),
        ({"documentId": "follow", "variables": {"trip": trip}}, b""),
        ({"query": FOLLOW + " ", "variables": {"trip": trip}}, b'"code":"DOCUMENT_NOT_TRUSTED"'),
    ):
        response = await person.http.post(trusting, json=body, headers=stream)
        assert response.status == 200
        assert not told or told in await response.read()
        response.close()


async def test_a_persisted_query_is_sent_once(getting: str, http: aiohttp.ClientSession) -> None:
    query = "query Once { __typename }"
    name = {"extensions": persisted(digest(query))}
    async with http.post(getting, json=name) as response:
        assert (response.status, await response.json()) == (
            200,
            {
                "errors": [
                    {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}},
                ]
            },
        )
    async with http.post(getting, json=name, headers={"Accept": RESPONSE}) as response:
        assert response.status == 400
    assert await ask(http, getting, {**name, "query": query}) == {"__typename": "Query"}
    assert await ask(http, getting, name) == {"__typename": "Query"}
    async with http.get(getting, params={"extensions": json.dumps(name["extensions"])}) as response:
        assert await response.json() == {"data": {"__typename": "Query"}}
    async with live(Person(http, getting)) as connection:
        await connection.send(type="subscribe", id="1", payload=name)
        assert await connection.event("1") == {"__typename": "Query"}


async def test_only_valid_documents_are_stored_and_only_by_get_what_get_may_do(
    getting: str, http: aiohttp.ClientSession
) -> None:
    wrong = "query Wrong { nothing }"
    name = {"extensions": persisted(digest(wrong))}
    assert await ask(http, getting, {**name, "query": wrong}) == "GRAPHQL_VALIDATION_FAILED"
    assert await ask(http, getting, name) == "PERSISTED_QUERY_NOT_FOUND"
    params = {"query": OUT, "extensions": json.dumps(persisted(digest(OUT)))}
    for _ in range(2):
        async with http.get(getting, params=params) as response:
            assert response.status == 405
        del params["query"]
        params["query"] = ""


async def test_nothing_is_stored_under_the_digest_of_something_else(
    seeded: StackInfo, http: aiohttp.ClientSession, manifest: Path
) -> None:
    async with serving(seeded, trusted_documents=manifest) as url:
        victim = "query Victim { __typename }"
        name = {"extensions": persisted(digest(victim))}
        assert await ask(http, url, {**name, "documentId": "two", "operationName": "A"}) == {"a": "Query"}
        assert await ask(http, url, name) == "PERSISTED_QUERY_NOT_FOUND"
        async with http.post(url, json={**name, "query": TWO, "operationName": "A"}) as response:
            assert response.status == 400
        assert await ask(http, url, name) == "PERSISTED_QUERY_NOT_FOUND"


async def test_the_store_is_bounded_and_can_be_switched_off(seeded: StackInfo, http: aiohttp.ClientSession) -> None:
    queries = [f"query Q{number} {{ __typename }}" for number in range(4)]
    async with serving(seeded, persisted_queries_size=2 * len(queries[0])) as url:
        for query in queries[:3]:
            await ask(http, url, {"query": query, "extensions": persisted(digest(query))})
        found = [await ask(http, url, {"extensions": persisted(digest(query))}) for query in queries]
        assert found == ["PERSISTED_QUERY_NOT_FOUND", *2 * [{"__typename": "Query"}], "PERSISTED_QUERY_NOT_FOUND"]
        long = f"query Long {{ __typename }} #{'x' * 100}"
        assert await ask(http, url, {"query": long, "extensions": persisted(digest(long))}) == {"__typename": "Query"}
        assert await ask(http, url, {"extensions": persisted(digest(long))}) == "PERSISTED_QUERY_NOT_FOUND"
    async with serving(seeded, persisted_queries_size=0) as url:
        body = {"query": HELLO, "extensions": persisted(digest(HELLO))}
        assert await ask(http, url, body) == {"__typename": "Query"}
        assert await ask(http, url, {"extensions": persisted(digest(HELLO))}) == "PERSISTED_QUERY_NOT_SUPPORTED"


GIVEN = {"SUPABASE_URL": "https://project.supabase.co", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": "{ nothing }"}', "document 'a': Cannot query field 'nothing' on type 'Query'."),
        ('{"a": "{"}', "document 'a': Syntax Error: Expected Name, found <EOF>."),
        ('{"a": "fragment F on Trip { id }"}', "document 'a': Fragment 'F' is never used."),
        ('{"a": "{ __schema { description } }"}', "document 'a': Introspection is switched off here."),
        ('{"a": 1}', "is no manifest; it must be JSON of the form"),
        ('["{ __typename }"]', "is no manifest; it must be JSON of the form"),
        ('{"format": "apollo-persisted-query-manifest"}', "is no manifest; it must be JSON of the form"),
        ("{", "cannot be read"),
    ],
)
async def test_a_manifest_that_does_not_fit_stops_the_start(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    app = application(Settings.model_validate({**GIVEN, "trusted_documents": path}))
    app.freeze()
    with pytest.raises(SettingsError, match=f"TRIPGATE_TRUSTED_DOCUMENTS: .*{re.escape(said)}"):
        await app.startup()
    await app.cleanup()


async def test_the_manifest_of_apollo_is_read_too(
    tmp_path: Path, seeded: StackInfo, http: aiohttp.ClientSession
) -> None:
    path = tmp_path / "manifest.json"
    operations = [{"id": "x1", "name": "Hello", "type": "query", "body": HELLO}]
    path.write_text(json.dumps({"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}))
    async with serving(seeded, trusted_documents=path) as url:
        assert await ask(http, url, {"documentId": "x1"}) == {"__typename": "Query"}
        assert await ask(http, url, {"query": "{ __typename }"}) == {"__typename": "Query"}, "the mode is not on"


def test_the_mode_needs_a_manifest() -> None:
    with pytest.raises(ValueError, match="name one in TRIPGATE_TRUSTED_DOCUMENTS"):
        Settings.model_validate({**GIVEN, "trusted_documents_only": True})

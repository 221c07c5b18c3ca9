"""The front door: API keys, PostgREST behind it, long URLs, cross-origin rules."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from supabase import create_client

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp
    import supabase_auth

    from tripgate.local.stack import StackInfo


async def who(http: aiohttp.ClientSession, info: StackInfo, **headers: str) -> tuple[int, Any]:
    """The database role that a request with these headers acts as."""
    async with http.get(f"{info.api_url}/rest/v1/rpc/who", headers=headers) as answer:
        return answer.status, await answer.json()


async def test_each_key_becomes_its_role(http: aiohttp.ClientSession, running: StackInfo) -> None:
    for key, role in ((running.publishable_key, "anon"), (running.secret_key, "service_role")):
        assert await who(http, running, apikey=key) == (200, role)
        # The stock clients send their key as Authorization too.
        assert await who(http, running, apikey=key, Authorization=f"Bearer {key}") == (200, role)


async def test_a_persons_token_passes_unchanged(
    http: aiohttp.ClientSession, running: StackInfo, session: supabase_auth.Session
) -> None:
    token = f"Bearer {session.access_token}"
    assert await who(http, running, apikey=running.publishable_key, Authorization=token) == (200, "authenticated")
    # PostgREST's own address takes the token alone.
    async with http.get(f"{running.rest_url}/rpc/who", headers={"Authorization": token}) as answer:
        assert await answer.json() == "authenticated"


async def test_a_forged_token_is_left_to_postgrest_to_refuse(http: aiohttp.ClientSession, running: StackInfo) -> None:
    status, body = await who(http, running, apikey=running.publishable_key, Authorization="Bearer a.b.c")
    assert status == 401
    assert body["code"] == "PGRST301"


@pytest.mark.parametrize("path", ["/rest/v1/announcements", "/auth/v1/settings", "/nothing"])
async def test_without_a_key_of_this_project_nothing_is_served(
    http: aiohttp.ClientSession, running: StackInfo, path: str
) -> None:
    async with http.get(running.api_url + path) as answer:
        assert answer.status == 401
        assert (await answer.json())["message"] == "No API key found in request"
    async with http.get(running.api_url + path, headers={"apikey": "sb_publishable_other"}) as answer:
        assert answer.status == 401
        assert (await answer.json())["message"] == "Invalid API key"


async def test_a_key_in_the_query_counts(http: aiohttp.ClientSession, running: StackInfo) -> None:
    async with http.get(f"{running.api_url}/auth/v1/settings?apikey={running.publishable_key}") as answer:
        assert answer.status == 200


async def test_parts_that_are_not_here_say_so(http: aiohttp.ClientSession, running: StackInfo) -> None:
    headers = {"apikey": running.publishable_key}
    async with http.get(f"{running.api_url}/nothing", headers=headers) as answer:
        assert answer.status == 404


async def test_a_line_break_in_a_path_is_a_character_like_others(
    http: aiohttp.ClientSession, running: StackInfo
) -> None:
    headers = {"apikey": running.publishable_key}
    for path, ours in (("rest/v1/trips%0A", '"code"'), ("functions/v1/no/%0A", "Requested function was not found")):
        async with http.get(f"{running.api_url}/{path}", headers=headers) as answer:
            assert (answer.status, ours in await answer.text()) == (404, True), path
    async with http.get(f"{running.api_url}/functions/v1/no/%0A") as answer:
        assert answer.status == 404
    async with http.get(f"{running.api_url}/rest/v1/trips%0A") as answer:
        assert answer.status == 401


async def test_health_needs_no_key(http: aiohttp.ClientSession, running: StackInfo) -> None:
    async with http.get(f"{running.api_url}/health") as answer:
        assert await answer.json() == {"status": "ok"}


# supabase-py itself still passes them on.
@pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")
async def test_the_stock_client_writes_and_reads_behind_row_level_security(
    running: StackInfo, credentials: Callable[[], Any]
) -> None:
    ada, bob = (create_client(running.api_url, running.publishable_key) for _ in range(2))
    for client in (ada, bob):
        client.auth.sign_up(credentials())
    body = 'commas, "quotes", (brackets) and 100 % of ünïcödé\n'
    written = ada.table("notes").insert({"body": body}).execute().data
    assert ada.table("notes").select("body").eq("body", body).execute().data == [{"body": body}]
    assert bob.table("notes").select("*").execute().data == []

    service = create_client(running.api_url, running.secret_key)
    assert service.table("notes").select("*").eq("id", written[0]["id"]).execute().data == written
    for client in (ada, bob, service):
        client.auth.close()
        client.postgrest.aclose()


async def test_the_path_goes_through_byte_for_byte(http: aiohttp.ClientSession, running: StackInfo) -> None:
    # Decoded and encoded again, %2C would become a comma and split the list.
    url = f'{running.api_url}/rest/v1/announcements?body=in.("a%2Cb",%22Welcome%22)&select=id%2Cbody'
    async with http.get(URL(url, encoded=True), headers={"apikey": running.publishable_key}) as answer:
        assert await answer.json() == [{"id": 1, "body": "Welcome"}]


async def test_urls_may_have_sixty_kilobytes(http: aiohttp.ClientSession, running: StackInfo) -> None:
    headers = {"apikey": running.publishable_key}
    # PostgREST itself reads some 50,000 bytes of request head.
    numbers = ",".join(str(100_000 + number) for number in range(7_000))
    url = f"{running.api_url}/rest/v1/announcements?select=id&id=in.(1,{numbers})"
    assert len(url) > 49_000
    async with http.get(URL(url, encoded=True), headers=headers) as answer:
        assert await answer.json() == [{"id": 1}]
    async with http.get(f"{running.api_url}/auth/v1/settings?padding={'x' * 60_000}", headers=headers) as answer:
        assert answer.status == 200


async def test_large_bodies_stream_both_ways(
    http: aiohttp.ClientSession, running: StackInfo, session: supabase_auth.Session
) -> None:
    headers = {
        "apikey": running.publishable_key,
        "Authorization": f"Bearer {session.access_token}",
        "Prefer": "return=representation",
    }
    body = "x" * 5_000_000
    sent = io.BytesIO(json.dumps({"body": body}).encode())
    headers["Content-Type"] = "application/json"
    async with http.post(f"{running.api_url}/rest/v1/notes", headers=headers, data=sent) as answer:
        assert answer.status == 201
        assert (await answer.json())[0]["body"] == body


async def test_methods_and_headers_of_postgrest_come_through(http: aiohttp.ClientSession, running: StackInfo) -> None:
    headers = {"apikey": running.publishable_key, "Prefer": "count=exact"}
    async with http.head(f"{running.api_url}/rest/v1/announcements", headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Range"] == "0-0/1"


async def test_pages_of_any_origin_may_call(http: aiohttp.ClientSession, running: StackInfo) -> None:
    origin = {"Origin": "https://app.example"}
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "apikey,authorization"}
    for path in ("/rest/v1/notes", "/auth/v1/token"):
        async with http.options(running.api_url + path, headers={**origin, **asked}) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
            assert answer.headers["Access-Control-Allow-Headers"] == "apikey,authorization"
    for headers in (origin, {**origin, "apikey": running.publishable_key}):
        async with http.get(f"{running.api_url}/rest/v1/announcements", headers=headers) as answer:
            assert answer.headers.getall("Access-Control-Allow-Origin") == ["*"]

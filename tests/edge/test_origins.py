"""Pages of elsewhere: what they can send, what they may read, and which WebSockets they may open."""

from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.support import Person, serving
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo

APP, OTHER = "https://app.example", "https://evil.example"
SIGN_OUT = '{"query":"mutation { signOut }"}'


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "text/plain;application/json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "text/plain", "Accept": "text/event-stream"},
        {"Content-Type": ""},
    ],
    ids=str,
)
async def test_nothing_is_done_that_a_page_can_send_without_asking(
    getting: str, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    # These are the only requests that a browser makes for any page; a session in them would have to be in a cookie.
    async with http.post(getting, data=SIGN_OUT.encode(), headers={**headers, "Origin": OTHER}) as response:
        assert response.status == 415
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_no_more_by_the_address(getting: str, http: aiohttp.ClientSession) -> None:
    for accept in ("*/*", "text/event-stream"):
        params = {"query": "mutation { signOut }"}
        async with http.get(getting, params=params, headers={"Origin": OTHER, "Accept": accept}) as response:
            assert response.status == 405
        async with http.post(getting, params=params, headers={"Origin": OTHER, "Accept": accept}) as response:
            assert response.status == 415


async def preflight(http: aiohttp.ClientSession, url: str, origin: str, headers: str = "") -> dict[str, str]:
    """What a browser is told that asks before it sends for a page."""
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    async with http.options(url, headers=asked) as response:
        assert response.status == 204
        told = {name: value for name, value in response.headers.items() if name.startswith("Access-Control")}
        return {**told, "Vary": response.headers.get("Vary", "")}


async def test_a_page_on_the_list_may_ask(getting: str, http: aiohttp.ClientSession) -> None:
    assert await preflight(http, getting, APP, "authorization,content-type,x-request-id") == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE",
        "Access-Control-Allow-Headers": "authorization,content-type,x-request-id",
        "Access-Control-Expose-Headers": "ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
        "Access-Control-Max-Age": "7200",
        "Vary": "Access-Control-Request-Headers, Origin",
    }


@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "null",
        "https://app.example.evil.example",
        "https://app.example:444",
        "http://app.example",
        "http://localhost:3000",
    ],
)
async def test_a_page_that_is_not_may_not(getting: str, http: aiohttp.ClientSession, origin: str) -> None:
    assert await preflight(http, getting, origin, "content-type") == {"Vary": "Origin"}
    async with http.post(getting, json={"query": "{ __typename }"}, headers={"Origin": origin}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {"query": "{ __typename }"}}, 200),
        ({"json": {"query": "{ __typename }"}, "headers": {"Accept": "text/event-stream"}}, 200),
        ({"json": {"query": "{ viewer { id } }"}, "headers": {"Authorization": "Bearer x"}}, 401),
        ({"json": {"query": "x" * 300_000}}, 413),
        ({"data": b"x"}, 415),
    ],
    ids=["answer", "stream", "401", "413", "415"],
)
async def test_a_page_on_the_list_reads_answers_and_refusals(
    getting: str, http: aiohttp.ClientSession, sent: dict[str, Any], status: int
) -> None:
    headers = {**sent.pop("headers", {}), "Origin": APP}
    async with http.post(getting, **sent, headers=headers) as response:
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (status, APP)
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
        assert "Origin" in response.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in response.headers
        await response.read()


async def test_headers_of_a_preflight_come_back_only_as_names(getting: str, http: aiohttp.ClientSession) -> None:
    for wanted in ('x"y', "x: y", "x" * 2000, "ä"):
        assert "Access-Control-Allow-Headers" not in await preflight(http, getting, APP, wanted)


async def test_answers_that_no_page_may_read_say_nothing_of_pages(anonymous: Person) -> None:
    async with anonymous.http.post(
        anonymous.url, json={"query": "{ __typename }"}, headers={"Origin": APP}
    ) as response:
        assert not [name for name in response.headers if name.startswith("Access-Control")]
        assert "Vary" not in response.headers


async def test_any_page_may_ask_where_the_list_says_so(seeded: StackInfo, http: aiohttp.ClientSession) -> None:
    async with serving(seeded, cors_origins="*") as url:
        told = await preflight(http, url, OTHER, "content-type")
        assert (told["Access-Control-Allow-Origin"], told["Vary"]) == ("*", "Access-Control-Request-Headers")
        assert await connects(http, url, OTHER)


async def test_in_development_every_page_of_this_machine_may_ask(
    seeded: StackInfo, http: aiohttp.ClientSession
) -> None:
    async with serving(seeded, development=True) as url:
        for origin in (
            "http://localhost:3000",
            "http://127.0.0.1:5173",
            "http://[::1]",
            "https://trips.localhost:8443",
        ):
            assert (await preflight(http, url, origin))["Access-Control-Allow-Origin"] == origin
            assert await connects(http, url, origin)
        for origin in ("http://localhost.evil.example", "http://evil.example?localhost", "file://localhost", "null"):
            assert "Access-Control-Allow-Origin" not in await preflight(http, url, origin)
            assert not await connects(http, url, origin)


async def connects(http: aiohttp.ClientSession, url: str, origin: str | None) -> bool:
    """Whether a WebSocket opens for a page of this origin, or for a program."""
    headers = {} if origin is None else {"Origin": origin}
    try:
        async with http.ws_connect(url, protocols=("graphql-transport-ws",), headers=headers) as socket:
            await socket.send_json({"type": "connection_init"})
            found: dict[str, Any] = await socket.receive_json()
            return found == {"type": "connection_ack"}
    except aiohttp.WSServerHandshakeError as error:
        return error.status != 403


async def test_websockets_of_elsewhere_do_not_open(getting: str, http: aiohttp.ClientSession) -> None:
    here = URL(getting)
    for origin in (None, APP, "https://WWW.app.example:8443", f"http://{here.authority}", f"https://{here.authority}"):
        assert await connects(http, getting, origin), origin
    for origin in (OTHER, "null", "", "http://localhost:3000", f"http://{here.host}:1", f"http://x@{here.authority}"):
        assert not await connects(http, getting, origin), origin
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Origin": OTHER}
    async with http.get(getting, headers={**upgrade, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}) as response:
        assert await response.json() == {
            "errors": [{"message": "This origin's pages may not connect.", "extensions": {"code": "FORBIDDEN"}}]
        }


@pytest.mark.parametrize(
    "origins", ["app.example", "https://app.example/", "https://*.example/x", "ftp://x", "https://"]
)
def test_what_is_no_origin_stops_the_start(origins: str) -> None:
    given = {"SUPABASE_URL": "https://project.supabase.co", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x"}
    with pytest.raises(ValueError, match=r"is no origin; write https://app\.example, without a path"):
        Settings.model_validate({**given, "cors_origins": origins})

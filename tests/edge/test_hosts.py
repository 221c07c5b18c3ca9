"""By which names a gateway is asked: in development by this machine's alone, whoever's name leads here."""

import aiohttp
import pytest

from tests.support import serving
from tripgate.gateway.settings import Settings
from tripgate.hosts import named
from tripgate.local.stack import StackInfo

HELLO = {"query": "{ __typename }"}
SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.mark.parametrize(
    ("host", "known"),
    [
        (None, True),
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("localhost.:8000", True),
        ("trips.localhost:1", True),
        ("127.0.0.1", True),
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("[::1]", True),
        ("192.168.1.5:8000", True),
        ("Gateway:8000", True),
        ("evil.example", False),
        ("evil.example:8000", False),
        ("localhost.evil.example", False),
        ("evillocalhost", False),
        ("127.0.0.1.evil.example:8000", False),
        ("127.0.0.1@evil.example", False),
        ("[evil.example]:8000", False),
        ("gateway.evil.example", False),
        ("1", False),
        ("", False),
    ],
)
def test_an_address_is_nobodys_name(host: str | None, *, known: bool) -> None:
    assert named(host, {"gateway"}) is known


async def test_in_development_no_other_name_is_answered(seeded: StackInfo, http: aiohttp.ClientSession) -> None:
    async with serving(seeded, development=True, get_queries=True) as url:
        base, evil = url.removesuffix("/graphql"), {"Host": "evil.example:8000"}
        for method, path, headers in (
            ("POST", "/graphql", {}),
            ("GET", "/graphql?query={__typename}", {}),
            ("GET", "/graphql", SOCKET),
            ("PUT", "/graphql", {}),
            ("OPTIONS", "/graphql", {}),
            ("GET", "/", {}),
            ("GET", "/schema.graphql", {}),
            ("GET", "/nothing", {}),
        ):
            body = HELLO if method == "POST" else None
            async with http.request(method, base + path, json=body, headers={**headers, **evil}) as response:
                assert response.status == 421, path
                assert await response.json() == {
                    "errors": [
                        {
                            "message": "In development this gateway is asked by localhost or an IP address. This is "
                            "another name: add it to TRIPGATE_DEVELOPMENT_HOSTS.",
                            "extensions": {"code": "BAD_REQUEST"},
                        }
                    ]
                }
                assert "Access-Control-Allow-Origin" not in response.headers
        for path in ("/healthz", "/readyz"):
            async with http.get(base + path, headers=evil) as response:
                assert response.status == 200
        for host in ("localhost:8000", "trips.localhost", "[::1]:8000", "192.168.1.5"):
            async with http.post(url, json=HELLO, headers={"Host": host}) as response:
                assert response.status == 200, host


async def test_more_names_are_answered_where_the_settings_say_so(
    seeded: StackInfo, http: aiohttp.ClientSession
) -> None:
    async with serving(seeded, development=True, host="Machine", development_hosts="Gateway, trips.internal") as url:
        for host, status in (("gateway:8000", 200), ("trips.internal", 200), ("machine", 200), ("other", 421)):
            async with http.post(url, json=HELLO, headers={"Host": host}) as response:
                assert response.status == status, host


async def test_in_production_any_name_is_answered(getting: str, http: aiohttp.ClientSession) -> None:
    async with http.post(getting, json=HELLO, headers={"Host": "api.example"}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"development": True, "development_hosts": "http://gateway"}, "write names alone"),
        ({"development": True, "development_hosts": "gateway:8000"}, "write names alone"),
        ({"development": True, "development_hosts": "*"}, "write names alone"),
        ({"development_hosts": "gateway"}, "in production any name is answered"),
    ],
)
def test_what_is_no_name_stops_the_start(changes: dict[str, object], message: str) -> None:
    given = {"SUPABASE_URL": "https://project.supabase.co", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x", **changes}
    with pytest.raises(ValueError, match=message):
        Settings.model_validate(given)

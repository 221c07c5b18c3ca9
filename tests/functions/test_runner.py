"""`/functions/v1` of the embedded Supabase: the platform's answers, environment and token check, on real Deno."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
from yarl import URL

from tests.support import stack_options
from tripgate.local.errors import LocalStackError
from tripgate.local.functions import settings
from tripgate.local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

PROJECT = Path(__file__).with_name("project")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, so that a test can change it."""
    return shutil.copytree(PROJECT, tmp_path_factory.mktemp("functions") / "project")


@pytest.fixture(scope="module")
def info(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    data = tmp_path_factory.mktemp("functions_data") / "data"
    with Stack(stack_options(project, data)) as stack:
        assert stack.info is not None
        yield stack.info


class Caller:
    """Calls functions; no key and no token unless they are given."""

    def __init__(self, http: aiohttp.ClientSession, info: StackInfo) -> None:
        self._http = http
        self._info = info

    async def __call__(self, path: str, method: str = "POST", **options: Any) -> tuple[int, Any, Any]:
        """Status, body (JSON or text) and headers."""
        url = URL(f"{self._info.api_url}/functions/v1/{path}", encoded=True)
        async with self._http.request(method, url, **options) as response:
            text = await response.text()
            try:
                return response.status, json.loads(text), response.headers
            except ValueError:
                return response.status, text, response.headers


@pytest.fixture
def call(http: aiohttp.ClientSession, info: StackInfo) -> Caller:
    return Caller(http, info)


async def test_a_function_is_called_with_what_was_sent(call: Caller) -> None:
    status, told, headers = await call(
        "plain/some/path?a=%2Fb&a=c", "PUT", data=b"bytes", headers={"X-Mine": "kept", "Content-Type": "text/plain"}
    )
    assert status == 203
    assert headers["X-Own"] == "yes"
    assert (told["method"], told["body"]) == ("PUT", "bytes")
    assert told["url"].endswith("/plain/some/path?a=%2Fb&a=c")
    assert told["headers"]["x-mine"] == "kept"
    assert told["shared"].startswith("code that functions share")


async def test_it_finds_the_platforms_environment_and_nothing_else(call: Caller, info: StackInfo) -> None:
    _, told, _ = await call("plain")
    found = told["environment"]
    assert found["SUPABASE_URL"] == info.api_url
    assert found["MAIL_URL"] == f"{info.api_url}/inbox"
    assert found["SITE_URL"] == "https://site.example"
    assert json.loads(found["SUPABASE_PUBLISHABLE_KEYS"]) == {"default": info.publishable_key}
    assert json.loads(found["SUPABASE_SECRET_KEYS"]) == {"default": info.secret_key}
    assert {"SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_DB_URL", "SUPABASE_JWKS"} <= set(found)
    own = {"MAIL_URL", "SITE_URL", "CRON_SECRET", "STRIPE_API_BASE", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"}
    own |= {"AI_BASE_URL", "AI_API_KEY", "WHATSAPP_API_BASE"}
    beside = {name for name in found if not name.startswith("SUPABASE_")} - own
    # Deno adds a PATH of its own.
    assert {name for name in beside if not name.startswith("DENO_")} <= {"NO_COLOR", "LC_CTYPE", "PATH"}
    assert "deno" in found.get("PATH", "deno")
    with psycopg.connect(found["SUPABASE_DB_URL"]) as db:
        assert db.execute("select current_user").fetchone() == ("postgres",)


async def test_it_finds_the_services_outside_that_are_faked(
    call: Caller, http: aiohttp.ClientSession, info: StackInfo
) -> None:
    _, told, _ = await call("plain")
    base = told["environment"]["STRIPE_API_BASE"]
    assert base == f"{info.api_url}/providers/stripe"
    # With its keys, and none of this project's.
    async with http.get(f"{base}/v1/customers", headers={"Authorization": "Bearer sk_test_of_nobody"}) as response:
        assert (response.status, (await response.json())["data"]) == (200, [])


async def test_its_keys_open_the_api(call: Caller, http: aiohttp.ClientSession, info: StackInfo) -> None:
    _, told, _ = await call("plain")
    for name, status in (("SUPABASE_ANON_KEY", 401), ("SUPABASE_SERVICE_ROLE_KEY", 403)):
        key = told["environment"][name]
        url = f"{info.api_url}/rest/v1/nothing"
        async with http.get(url, headers={"apikey": key, "Authorization": f"Bearer {key}"}) as response:
            assert (response.status, (await response.json())["code"]) == (status, "42501")


async def test_a_process_serves_many_calls(call: Caller) -> None:
    answers = await asyncio.gather(*(call("plain") for _ in range(20)))
    assert len({told["pid"] for _, told, _ in answers}) == 1


async def test_the_platforms_own_failures_are_marked(call: Caller) -> None:
    _, _, headers = await call("nope")
    assert headers["sb-error-code"] == "NOT_FOUND"
    _, _, headers = await call("plain")
    assert "sb-error-code" not in headers


@pytest.mark.parametrize(
    "name", ["nope", "off", "_shared", "plain.ts", "..", "%2e%2e", "%2e%2e%2fschemas", "", "a%00b"]
)
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
async def test_a_name_without_a_function(call: Caller, name: str, method: str) -> None:
    status, told, _ = await call(name, method)
    assert status == 404
    assert "message" in told


class TestTokens:
    async def test_none(self, call: Caller) -> None:
        status, told, _ = await call("guarded")
        assert (status, told) == (401, {"code": 401, "message": "Missing authorization header"})

    @pytest.mark.parametrize("token", ["Bearer x", "Bearer a.b.c", "Bearer ", "bearer eyJhbGciOiJub25lIn0.e30."])
    async def test_one_that_is_not_this_projects(self, call: Caller, token: str) -> None:
        status, told, _ = await call("guarded", headers={"Authorization": token})
        assert (status, told) == (401, {"code": 401, "message": "Invalid JWT"})

    async def test_another_scheme(self, call: Caller) -> None:
        status, told, _ = await call("guarded", headers={"Authorization": "Basic eDp5"})
        assert (status, told["message"]) == (401, "Auth header is not 'Bearer {token}'")

    async def test_a_key_stands_for_its_roles_token(self, call: Caller, info: StackInfo) -> None:
        for headers in (
            {"apikey": info.publishable_key},
            {"apikey": info.publishable_key, "Authorization": f"Bearer {info.publishable_key}"},
        ):
            status, told, _ = await call("guarded", headers=headers)
            assert status == 200
            assert told.startswith("Bearer ey")

    async def test_an_unknown_key_stands_for_nothing(self, call: Caller) -> None:
        status, _, _ = await call("guarded", headers={"apikey": "sb_publishable_no"})
        assert status == 401
        status, _, _ = await call("plain", headers={"apikey": "sb_publishable_no"})
        assert status == 203

    async def test_a_persons_token_passes_unchanged(
        self, call: Caller, http: aiohttp.ClientSession, info: StackInfo
    ) -> None:
        account = {"email": "somebody@example.com", "password": "correct horse"}
        signup = f"{info.api_url}/auth/v1/signup"
        async with http.post(signup, json=account, headers={"apikey": info.publishable_key}) as response:
            token = (await response.json())["access_token"]
        status, told, _ = await call("guarded", headers={"Authorization": f"Bearer {token}"})
        assert (status, told) == (200, f"Bearer {token}")


ORIGIN = {"Origin": "https://app.example"}


class TestAcrossOrigins:
    async def test_a_preflight_reaches_the_function_without_a_token(self, call: Caller) -> None:
        asked = {**ORIGIN, "Access-Control-Request-Method": "POST"}
        status, told, headers = await call("plain", "OPTIONS", headers=asked)
        assert (status, told["method"]) == (203, "OPTIONS")
        assert headers.getall("Access-Control-Allow-Origin") == ["https://app.example"]
        assert (await call("guarded", "OPTIONS", headers=asked))[0] == 200

    async def test_what_the_function_does_not_allow_is_not_allowed(self, call: Caller, info: StackInfo) -> None:
        status, _, headers = await call("guarded", headers={**ORIGIN, "apikey": info.publishable_key})
        assert status == 200
        assert "Access-Control-Allow-Origin" not in headers

    async def test_a_page_can_read_why_it_was_refused(self, call: Caller) -> None:
        _, _, headers = await call("guarded", headers=ORIGIN)
        assert headers["Access-Control-Allow-Origin"] == "*"


class TestFailures:
    async def test_a_function_that_does_not_start(self, call: Caller) -> None:
        status, told, _ = await call("faulty")
        assert status == 503
        assert told == {"code": "BOOT_ERROR", "message": "Function failed to start (please check logs)"}

    async def test_one_that_is_mended_starts_at_the_next_call(self, call: Caller, project: Path) -> None:
        source = project / "supabase" / "functions" / "faulty" / "index.ts"
        before = source.read_text()
        source.write_text('Deno.serve(() => new Response("mended"));')
        assert (await call("faulty"))[:2] == (200, "mended")
        source.write_text(before)
        assert (await call("faulty"))[0] == 503

    async def test_one_that_crashes_starts_again(self, call: Caller) -> None:
        first = (await call("crashing"))[1]["pid"]
        await call("crashing/now")
        with contextlib.suppress(psutil.NoSuchProcess):  # gone already
            await asyncio.to_thread(psutil.Process(first).wait, 60)
        status, told, _ = await call("crashing")
        assert status == 200
        assert told["pid"] != first

    async def test_no_process_outlives_the_stack(
        self, project: Path, tmp_path: Path, http: aiohttp.ClientSession
    ) -> None:
        with Stack(stack_options(project, tmp_path / "data")) as stack:
            assert stack.info is not None
            pid = (await Caller(http, stack.info)("plain"))[1]["pid"]
            assert psutil.pid_exists(pid)
        assert not psutil.pid_exists(pid)


class TestSettings:
    def test_without_a_file_every_function_wants_a_token(self, tmp_path: Path) -> None:
        found = settings.of_project(tmp_path)
        assert found.of("anything").verify_jwt
        assert found.entrypoint("anything") is None

    def test_an_entrypoint_of_its_own(self, tmp_path: Path) -> None:
        module = tmp_path / "supabase" / "functions" / "shouting" / "main.ts"
        module.parent.mkdir(parents=True)
        module.touch()
        config = tmp_path / "supabase" / "config.toml"
        config.write_text('[functions.shouting]\nentrypoint = "./functions/shouting/main.ts"\n')
        assert settings.of_project(tmp_path).entrypoint("shouting") == module

    def test_a_value_of_the_wrong_kind_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "supabase").mkdir()
        (tmp_path / "supabase" / "config.toml").write_text('[functions.plain]\nverify_jwt = "perhaps"\n')
        with pytest.raises(LocalStackError, match=r"config\.toml, \[functions\.plain\.verify_jwt\]"):
            settings.of_project(tmp_path)

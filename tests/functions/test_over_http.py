"""Functions for services and for webhooks over HTTP, on real Deno behind the front door."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.functions.waiting import until
from tests.support import stack_options
from tripgate.local.functions.settings import FunctionLimits
from tripgate.local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import aiohttp

ROOT = Path(__file__).parents[2]
OURS = Path(__file__).with_name("endpoints")
NAMES = sorted(path.name for path in OURS.iterdir() if path.is_dir())
CRON_SECRET = "cron-secret-of-tests-0123456789"
HOOK_SECRET = "whsec-of-tests-0123456789"
SQL = """
create table public.events (id text primary key, event jsonb not null);
create function public.receive_event(id text, event jsonb) returns boolean language plpgsql as $$
begin
    insert into public.events values (id, event) on conflict do nothing;
    return found;
end
$$;
create function public.seen_headers() returns jsonb language sql stable as $$
    select jsonb_build_object('role', current_user, 'id', current_setting('request.headers')::jsonb ->> 'x-request-id')
$$;
grant all on public.events to service_role;
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A small project with the code that our functions share, and short limits."""
    root = tmp_path_factory.mktemp("endpoints")
    functions = root / "project" / "supabase" / "functions"
    shutil.copytree(ROOT / "supabase" / "functions", functions, ignore=shutil.ignore_patterns("*.test.ts", ".env*"))
    for name in NAMES:
        shutil.copytree(OURS / name, functions / name)
    (functions.parent / "schemas").mkdir()
    (functions.parent / "schemas" / "001_events.sql").write_text(SQL)
    sections = "\n".join(f"[functions.{name}]\nverify_jwt = false" for name in NAMES)
    (functions.parent / "config.toml").write_text(sections)
    env_file = root / "settings.env"
    env_file.write_text(f"CRON_SECRET={CRON_SECRET}\nHOOK_SECRET={HOOK_SECRET}\n")
    limits = FunctionLimits(wall_seconds=4, cpu_seconds=0.1, drain_seconds=2)
    options = stack_options(root / "project", root / "data", env_file=env_file, seed=False, function_limits=limits)
    with Stack(options) as stack:
        yield stack


@pytest.fixture(scope="module")
def info(stack: Stack) -> StackInfo:
    assert stack.info is not None
    return stack.info


class Caller:
    """Calls a function as a program does."""

    def __init__(self, http: aiohttp.ClientSession, info: StackInfo) -> None:
        self._http = http
        self._info = info

    async def __call__(
        self, name: str, body: object = None, headers: dict[str, str] | None = None, data: Any = None
    ) -> tuple[int, Any, Any]:
        """Status, body and headers of the answer; with the secret key unless other headers are given."""
        headers = {"apikey": self._info.secret_key} if headers is None else headers
        url = f"{self._info.api_url}/functions/v1/{name}"
        sent = json.dumps(body if body is not None else {}).encode() if data is None else data
        async with self._http.post(url, data=sent, headers=headers) as response:
            return response.status, await response.json(), response.headers


@pytest.fixture
def call(http: aiohttp.ClientSession, info: StackInfo) -> Caller:
    return Caller(http, info)


def logged(stack: Stack, name: str, request_id: str) -> list[dict[str, Any]]:
    """The lines of a function's log that are about one request."""
    lines = (stack.logs / f"function_{name}.log").read_text().splitlines()
    return [line for line in map(json.loads, filter(lambda line: line[:1] == "{", lines)) if _id(line) == request_id]


def _id(line: dict[str, Any]) -> str:
    return str(line.get("request_id"))


async def until_logged(stack: Stack, name: str, request_id: str, message: str, seconds: float = 60) -> dict[str, Any]:
    """The first such line, which may still be written."""

    def lines() -> list[dict[str, Any]]:
        return [line for line in logged(stack, name, request_id) if message in line["message"]]

    await until(lambda: lines() != [], seconds)
    return lines()[0]


def events(info: StackInfo) -> set[str]:
    with psycopg.connect(info.admin_db_url) as db:
        return {id_ for (id_,) in db.execute("select id from public.events")}


class TestServices:
    async def test_the_secret_key_and_crons_secret_open_it(self, call: Caller, info: StackInfo) -> None:
        for headers in (
            {"apikey": info.secret_key},
            {"Authorization": f"Bearer {info.secret_key}", "apikey": info.secret_key},
            {"x-cron-secret": CRON_SECRET},
            {"x-cron-secret": CRON_SECRET, "apikey": info.publishable_key},
        ):
            status, told, _ = await call("job", headers=headers)
            assert (status, told["role"]) == (200, "service_role"), headers

    async def test_nothing_else_does(self, call: Caller, info: StackInfo, http: aiohttp.ClientSession) -> None:
        account = {"email": "somebody@example.com", "password": "correct horse"}
        signup = f"{info.api_url}/auth/v1/signup"
        async with http.post(signup, json=account, headers={"apikey": info.publishable_key}) as response:
            token = (await response.json())["access_token"]
        shown: list[dict[str, str]] = [
            {},
            {"apikey": info.publishable_key},
            {"apikey": info.publishable_key, "Authorization": f"Bearer {token}"},
            {"apikey": info.secret_key[:-1]},
            {"apikey": CRON_SECRET},
            {"Authorization": f"Bearer {CRON_SECRET}"},
            {"x-cron-secret": ""},
            {"x-cron-secret": CRON_SECRET[:-1]},
            {"x-cron-secret": info.secret_key},
            {"x-cron-secret": "undefined"},
        ]
        for headers in shown:
            status, told, _ = await call("job", headers=headers)
            assert (status, told["code"]) == (401, "UNAUTHENTICATED"), headers

    async def test_the_secret_of_the_file_is_that_of_the_databases_jobs(self, info: StackInfo) -> None:
        with psycopg.connect(info.admin_db_url) as db:
            row = db.execute("select decrypted_secret from vault.decrypted_secrets where name = 'cron_secret'")
            assert row.fetchone() == (CRON_SECRET,)


def signed(body: bytes, secret: str = HOOK_SECRET) -> dict[str, str]:
    return {"X-Signature": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


async def pieces(*chunks: bytes, then: float = 0) -> AsyncIterator[bytes]:
    """A body without a length, and a while in which nothing comes."""
    for chunk in chunks:
        yield chunk
    await asyncio.sleep(then)


class TestWebhooks:
    async def test_what_comes_again_is_done_once_even_at_the_same_moment(self, call: Caller, info: StackInfo) -> None:
        body = b'{"id": "evt_1", "amount": 5}'
        answers = [await call("hook", data=body, headers=signed(body)) for _ in range(2)]
        assert [(status, told) for status, told, _ in answers] == [(200, {"first": True}), (200, {"first": False})]
        other = b'{"id": "evt_2"}'
        at_once = await asyncio.gather(*(call("hook", data=other, headers=signed(other)) for _ in range(8)))
        assert sorted(told["first"] for _, told, _ in at_once) == [False] * 7 + [True]

    async def test_what_is_forged_is_refused(self, call: Caller, info: StackInfo) -> None:
        body = b'{"id": "evt_forged"}'
        for headers in (
            {},
            {"X-Signature": "sha256="},
            signed(body, "another"),
            signed(body, ""),
            signed(b'{"id": "evt_other"}'),
            {"apikey": info.secret_key},
            {"x-cron-secret": CRON_SECRET},
        ):
            status, told, _ = await call("hook", data=body, headers=headers)
            assert (status, told["code"]) == (401, "UNAUTHENTICATED"), headers
        assert "evt_forged" not in events(info)

    async def test_the_signature_is_of_the_bytes_as_they_came(self, call: Caller) -> None:
        body = b' {"id" :\t"evt_bytes", "of": "\xc3\xa9\\u00e9"}\r\n'
        assert (await call("hook", data=pieces(body[:5], body[5:]), headers=signed(body)))[0] == 200
        assert (await call("hook", data=json.dumps(json.loads(body)).encode(), headers=signed(body)))[0] == 401

    async def test_what_is_too_long_is_refused_without_a_length_too(self, call: Caller, info: StackInfo) -> None:
        long = b'{"id": "evt_long", "of": "' + b"x" * 1000 + b'"}'
        for data in (long, pieces(long[:600], long[600:])):
            status, told, _ = await call("hook", data=data, headers=signed(long))
            assert (status, told["code"]) == (413, "PAYLOAD_TOO_LARGE")
        # What still comes is not waited for.
        status, _, _ = await asyncio.wait_for(call("hook", data=pieces(long, then=60), headers=signed(long)), 50)
        assert status == 413
        assert "evt_long" not in events(info)

    async def test_who_sends_byte_by_byte_is_not_waited_for(self, call: Caller) -> None:
        async def dripping() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.1)

        status, told, _ = await asyncio.wait_for(call("hook", data=dripping(), headers=signed(b"")), 50)
        assert (status, told["code"]) == (408, "REQUEST_TIMEOUT"), told
        status, told, _ = await asyncio.wait_for(call("hook", data=pieces(b"{", then=60), headers=signed(b"{")), 50)
        assert (status, told["code"]) == (408, "REQUEST_TIMEOUT"), told


class TestLogs:
    async def test_the_requests_id_reaches_the_database_the_log_and_the_answer(
        self, call: Caller, info: StackInfo, stack: Stack
    ) -> None:
        headers = {"apikey": info.secret_key, "X-Request-Id": "told-by-the-gateway"}
        _, told, answer = await call("job", {"say": "x"}, headers)
        assert told["id"] == answer["X-Request-Id"] == "told-by-the-gateway"
        (line,) = logged(stack, "job", "told-by-the-gateway")
        assert (line["function"], line["level"], line["message"], line["say"]) == ("job", "info", "said", "x")

    async def test_refusals_and_failures_are_told_with_their_code_and_no_secret(
        self, call: Caller, info: StackInfo, stack: Stack
    ) -> None:
        for fail, status, code in (("refuse", 409, "PLAN_FULL"), ("break", 500, "INTERNAL_SERVER_ERROR")):
            headers = {"apikey": info.secret_key, "X-Request-Id": f"to-{fail}"}
            found, told, _ = await call("job", {"fail": fail}, headers)
            assert (found, told["code"]) == (status, code)
            (line,) = logged(stack, "job", f"to-{fail}")
            assert line["code"] == code
        (line,) = logged(stack, "job", "to-break")
        assert line["error"]["message"] == "broken by [secret]"
        await call("job", {"say": f"{info.secret_key} {CRON_SECRET}"})
        for log in stack.logs.glob("function_*.log"):
            for secret in (CRON_SECRET, HOOK_SECRET, info.secret_key):
                assert secret not in log.read_text()


class TestBehindTheAnswer:
    async def test_work_goes_on_after_it(self, call: Caller, info: StackInfo) -> None:
        assert (await call("work", {"name": "behind", "behind": 0.5}))[0] == 200
        assert "behind" not in events(info)
        await until(lambda: "behind" in events(info))

    async def test_a_failure_is_logged_with_the_requests_id_and_ends_nothing(
        self, call: Caller, info: StackInfo, stack: Stack
    ) -> None:
        headers = {"apikey": info.secret_key, "X-Request-Id": "fails-behind"}
        _, first, _ = await call("work", {"behind": 0, "fail": True}, headers)
        line = await until_logged(stack, "work", "fails-behind", "behind the answer")
        assert (line["level"], line["error"]["message"]) == ("error", "failed behind the answer")
        assert (await call("work"))[1]["pid"] == first["pid"]

    async def test_what_takes_too_long_is_ended_and_told_and_others_are_not(
        self, call: Caller, info: StackInfo, stack: Stack
    ) -> None:
        headers = {"apikey": info.secret_key, "X-Request-Id": "too-long"}
        _, first, _ = await call("work", {"name": "too long", "behind": 30}, headers)
        # From half of its time on others are served by a new process.
        async with asyncio.timeout(60):
            while (second := (await call("work"))[1]["pid"]) == first["pid"]:
                pass
        line = await until_logged(stack, "work", "too-long", "was ended after 4 s")
        assert (line["level"], line["function"]) == ("error", "work")
        assert "too long" not in events(info)
        assert (await call("work"))[1]["pid"] == second
        assert '"told of the end","reason":"wall_clock"' in (stack.logs / "function_work.log").read_text()

    async def test_whoever_waits_for_an_answer_is_told(self, call: Caller, stack: Stack) -> None:
        status, told, headers = await call("work", {"before": 30})
        assert (status, told["code"], headers["sb-error-code"]) == (546, "WORKER_LIMIT", "WORKER_LIMIT")
        # A request without an id, as those of cron are, is told of by one all the same.
        log = (stack.logs / "function_work.log").read_text()
        ended = [json.loads(line) for line in log.splitlines() if "was ended after" in line]
        assert ended
        assert all(line["request_id"] for line in ended)

    async def test_what_never_comes_to_an_end_is_killed(self, call: Caller, info: StackInfo, stack: Stack) -> None:
        headers = {"apikey": info.secret_key, "X-Request-Id": "for-ever"}
        status, told, _ = await call("work", {"cpu": 1e9}, headers)
        assert (status, told["code"]) == (546, "WORKER_LIMIT")
        (line,) = logged(stack, "work", "for-ever")
        assert (line["level"], line["function"], "was killed" in line["message"]) == ("error", "work", True)
        assert (await call("work"))[0] == 200

    async def test_what_takes_too_much_of_the_processor_is_warned_of(
        self, call: Caller, info: StackInfo, stack: Stack
    ) -> None:
        headers = {"apikey": info.secret_key, "X-Request-Id": "too-much"}
        assert (await call("work", {"cpu": 0.15}, headers))[0] == 200
        line = await until_logged(stack, "work", "too-much", "more than 0.1 s of CPU")
        assert (line["level"], line["function"], line["cpu_seconds"] > 0.1) == ("warn", "work", True)


async def test_a_stop_lets_work_end_and_tells_what_it_cut_off(
    stack: Stack, call: Caller, info: StackInfo, http: aiohttp.ClientSession
) -> None:
    """The last test here: it starts the stack anew, over the same data."""
    assert (await call("work", {"name": "in time", "behind": 0.5}))[0] == 200
    headers = {"apikey": info.secret_key, "X-Request-Id": "cut-off"}
    assert (await call("work", {"name": "cut off", "behind": 30}, headers))[0] == 200
    logs = stack.logs
    await asyncio.to_thread(stack.stop)
    text = (logs / "function_work.log").read_text()
    assert '"told of the end","reason":"termination"' in text
    (cut,) = [json.loads(line) for line in text.splitlines() if '"cut-off"' in line]
    assert (cut["level"], cut["message"]) == ("warn", "was cut off: this process was to stop")
    await asyncio.to_thread(stack.start)
    assert stack.info is not None
    assert {"in time", "cut off"} & events(stack.info) == {"in time"}

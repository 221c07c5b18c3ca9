"""Requests that SQL asks for: sent once their transaction has committed, and found with what came back."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from aiohttp import web

from tripgate.local.ports import free_port
from tripgate.local.scheduler.requests import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.local.scheduler.conftest import Jobs


class Service:
    """A server that notes what it is asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, str(request.rel_url), dict(request.headers), await request.read()))
        match request.path:
            case "/slow":
                await asyncio.sleep(30)
            case "/moved":
                raise web.HTTPTemporaryRedirect("/told")
            case "/broken":
                raise web.HTTPServiceUnavailable(text="later")
            case "/nothing":
                return web.Response(status=204)
            case "/bytes":
                return web.Response(body=b"a\0b\xff", content_type="application/octet-stream")
            case "/odd" | "/halves":
                # Of a service that writes Latin-1 into its headers, as with a file's name; and one of half characters.
                headers, body = (
                    (b"X-Told: caf\xe9\r\nContent-Type: text/plain; name=\xe9", b"yes")
                    if request.path == "/odd"
                    else (b"Content-Type: text/plain; charset=utf-7", b"+2AA-yes")
                )
                assert request.transport is not None
                length = str(len(body)).encode()
                request.transport.write(  # type: ignore[attr-defined]
                    b"HTTP/1.1 200 OK\r\n" + headers + b"\r\nContent-Length: " + length + b"\r\n\r\n" + body
                )
                request.transport.close()
            case "/long":
                # No length is told before.
                answer = web.StreamResponse()
                await answer.prepare(request)
                with contextlib.suppress(ConnectionError):
                    for _ in range(MAX_BYTES // 2**20 + 1):
                        await answer.write(b"x" * 2**20)
                return answer
            case "/full":
                return web.Response(text="x" * MAX_BYTES)
            case "/cut":
                assert request.transport is not None
                request.transport.close()
        return web.json_response({"ok": True}, headers={"X-Told": "yes"})


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    port = free_port()
    served = Service(f"http://127.0.0.1:{port}")
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield served
    await runner.cleanup()


@asynccontextmanager
async def answered(jobs: Jobs, query: str, *arguments: object) -> AsyncIterator[dict[str, Any]]:
    """The response to one request, by the columns of its row."""
    async with jobs.scheduler():
        [(request,)] = jobs.rows(f"select {query}", *arguments)
        await jobs.until(lambda: jobs.rows("select 1 from net._http_response where id = %s", request) != [])
        with psycopg.connect(jobs.url, row_factory=psycopg.rows.dict_row) as db:
            row = db.execute("select * from net._http_response where id = %s", (request,)).fetchone()
            assert row is not None
        assert jobs.rows("select from net.http_request_queue") == []
        yield row


async def test_a_post_arrives_and_its_response_is_kept(jobs: Jobs, service: Service) -> None:
    query = 'net.http_post(%s, \'{"a": "é"}\', \'{"q": "1 2"}\', \'{"X-Key": "k", "n": 3}\')'
    async with answered(jobs, query, f"{service.url}/run") as row:
        [(method, url, headers, body)] = service.asked
        assert (method, url, body) == ("POST", "/run?q=1%202", '{"a": "é"}'.encode())
        assert {name: headers.get(name) for name in ("Content-Type", "X-Key", "n")} == {
            "Content-Type": "application/json",
            "X-Key": "k",
            "n": "3",
        }
        assert headers["User-Agent"].startswith("pg_net/")
        assert (row["status_code"], row["content"], row["content_type"]) == (
            200,
            '{"ok": true}',
            "application/json; charset=utf-8",
        )
        assert row["headers"]["X-Told"] == "yes"
        assert (row["timed_out"], row["error_msg"]) == (False, None)
        assert abs((row["created"] - datetime.now(UTC)).total_seconds()) < 60
        collected = "select status, message, (response).status_code, (response).body from net.http_collect_response(%s)"
        assert jobs.rows(collected, row["id"]) == [("SUCCESS", "ok", 200, '{"ok": true}')]


@pytest.mark.parametrize(
    ("query", "asked", "expected"),
    [
        ("net.http_get('{}/told')", "GET", {"status_code": 200}),
        ("net.http_delete('{}/told')", "DELETE", {"status_code": 200}),
        ("net.http_delete('{}/told', body => '[1]')", "DELETE", {"status_code": 200}),
        ("net.http_get('{}/moved')", "GET", {"status_code": 200, "content": '{{"ok": true}}'}),
        ("net.http_get('{}/broken')", "GET", {"status_code": 503, "content": "later", "error_msg": None}),
        ("net.http_get('{}/nothing')", "GET", {"status_code": 204, "content": None}),
        ("net.http_get('{}/bytes')", "GET", {"status_code": 200, "content": "ab\ufffd"}),
        ("net.http_get('{}/cut')", "GET", {"status_code": None, "timed_out": False, "content": None}),
    ],
)
async def test_other_answers(jobs: Jobs, service: Service, query: str, asked: str, expected: dict[str, object]) -> None:
    async with answered(jobs, query.format(service.url)) as row:
        assert service.asked[0][0] == asked
        assert {name: row[name] for name in expected} == {
            name: value.format() if isinstance(value, str) else value for name, value in expected.items()
        }
        assert (row["status_code"] is None) == bool(row["error_msg"])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("net.http_get('http://127.0.0.1:1/')", "Couldn't connect to server"),
        ("net.http_get('http://nobody.invalid/')", "Couldn't resolve host name"),
        ("net.http_get('http://127.0.0.1:99999/')", "Port out of range"),
        ("""net.http_get('{}/told', headers => '{{"a": "b\\r\\nc: d"}}')""", "header"),
        ("net.http_get('http://127.0.0.1:1/', headers => '[]')", "Couldn't connect to server"),
    ],
)
async def test_what_cannot_be_sent_says_why(jobs: Jobs, service: Service, query: str, message: str) -> None:
    async with answered(jobs, query.format(service.url)) as row:
        assert (row["status_code"], row["timed_out"]) == (None, False)
        assert message in row["error_msg"]


async def test_an_answer_of_odd_characters_is_kept_without_them_and_asked_for_once(
    jobs: Jobs, service: Service
) -> None:
    async with answered(jobs, f"net.http_get('{service.url}/odd')") as row:
        assert (row["status_code"], row["content"], row["content_type"]) == (200, "yes", "text/plain; name=?")
        assert row["headers"]["X-Told"] == "caf?"
    async with answered(jobs, f"net.http_get('{service.url}/halves')") as row:
        assert (row["status_code"], row["content"]) == (200, "?yes")
    assert [path for _, path, _, _ in service.asked] == ["/odd", "/halves"]


async def test_a_response_without_end_is_given_up(jobs: Jobs, service: Service) -> None:
    async with answered(jobs, f"net.http_get('{service.url}/full')") as row:
        assert (row["status_code"], len(row["content"])) == (200, MAX_BYTES)
    async with answered(jobs, f"net.http_get('{service.url}/long')") as row:
        told = "The response is longer than 16777216 bytes"
        assert (row["status_code"], row["content"], row["error_msg"]) == (None, None, told)


async def test_a_request_ends_after_its_time_and_holds_up_no_other(jobs: Jobs, service: Service) -> None:
    async with jobs.scheduler():
        slow = jobs.rows("select net.http_get(%s, timeout_milliseconds => 1000)", f"{service.url}/slow")[0][0]
        quick = jobs.rows("select net.http_get(%s)", f"{service.url}/told")[0][0]
        await jobs.until(lambda: jobs.rows("select id from net._http_response") == [(quick,)])
        await jobs.until(lambda: len(jobs.rows("select id from net._http_response")) == 2)
        [(status, timed_out, message)] = jobs.rows(
            "select status_code, timed_out, error_msg from net._http_response where id = %s", slow
        )
        assert (status, timed_out) == (None, True)
        assert message.startswith("Timeout of 1000 ms reached. Total time: 1")


async def test_nothing_is_sent_before_the_commit_and_nothing_at_all_after_a_rollback(
    jobs: Jobs, service: Service
) -> None:
    async with jobs.scheduler():
        with jobs.db.transaction(force_rollback=True):
            jobs.rows("select net.http_post(%s)", f"{service.url}/rolled-back")
            jobs.rows("select net.wake()")
        with jobs.db.transaction():
            jobs.rows("select net.http_post(%s)", f"{service.url}/committed")
            await asyncio.sleep(0.3)
            assert service.asked == []
        await jobs.until(lambda: jobs.rows("select from net._http_response") != [])
        assert [url for _, url, _, _ in service.asked] == ["/committed"]


async def test_what_waited_while_nothing_ran_is_sent(jobs: Jobs, service: Service) -> None:
    for number in range(250):
        jobs.rows("select net.http_get(%s)", f"{service.url}/{number}")
    async with jobs.scheduler():
        await jobs.until(lambda: jobs.rows("select count(*) from net._http_response") == [(250,)])
    assert sorted(int(url[1:]) for _, url, _, _ in service.asked) == list(range(250))


async def test_a_request_whose_scheduler_died_is_sent_again(jobs: Jobs, service: Service) -> None:
    async with jobs.scheduler():
        jobs.rows("select net.http_get(%s)", f"{service.url}/slow")
        await jobs.until(lambda: len(service.asked) == 1)
    async with jobs.scheduler():
        await jobs.until(lambda: len(service.asked) == 2)


async def test_responses_are_kept_for_six_hours(jobs: Jobs, service: Service) -> None:
    with psycopg.connect(jobs.url, autocommit=True) as db:
        db.execute(
            "insert into net._http_response (id, created)"
            " values (-1, now() - interval '6 hours 1 minute'), (-2, now() - interval '5 hours')"
        )
    async with answered(jobs, "net.http_get(%s)", f"{service.url}/told") as row:
        assert {each for (each,) in jobs.rows("select id from net._http_response")} == {-2, row["id"]}

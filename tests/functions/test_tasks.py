"""Tasks by Edge Functions: what is due is done behind the answer of a call, and given back when the function stops."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from click.testing import CliRunner

from tests.functions.waiting import until
from tests.support import stack_options
from tripgate.cli import main
from tripgate.local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Our schemas and functions, and one that does chores."""
    root = tmp_path_factory.mktemp("chores")
    supabase = root / "project" / "supabase"
    shutil.copytree(ROOT / "supabase", supabase, ignore=shutil.ignore_patterns("migrations", "*.test.ts", ".temp"))
    shutil.copytree(Path(__file__).with_name("chores"), supabase / "functions" / "chores")
    with (supabase / "config.toml").open("a") as config:
        config.write("\n[functions.chores]\nverify_jwt = false\n")
    with Stack(stack_options(root / "project", root / "data", seed=False)) as stack:
        yield stack


@pytest.fixture
def db(stack: Stack) -> Iterator[psycopg.Connection]:
    assert stack.info is not None
    with psycopg.connect(stack.info.admin_db_url, autocommit=True) as connection:
        connection.execute("delete from private.tasks")
        yield connection


def enqueue(db: psycopg.Connection, *payloads: dict[str, Any]) -> None:
    for payload in payloads:
        db.execute("select private.enqueue('chore', 'test', %s)", (json.dumps(payload),))


def states(db: psycopg.Connection) -> dict[str, int]:
    return dict(db.execute("select status, count(*) from private.tasks group by 1").fetchall())


async def ring(http: aiohttp.ClientSession, info: StackInfo, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
    url = f"{info.api_url}/functions/v1/chores"
    async with http.post(url, json=body, headers=headers or {"apikey": info.secret_key}) as response:
        return response.status, await response.json()


async def test_what_is_due_is_done_and_what_fails_is_told(
    stack: Stack, db: psycopg.Connection, http: aiohttp.ClientSession
) -> None:
    assert stack.info is not None
    enqueue(db, *({"seconds": 0} for _ in range(20)), {"fail": "away"}, {"fail": "no such customer", "final": True})
    db.execute("select private.enqueue('chore', 'later', '{}', now() + interval '1 hour')")
    db.execute("select private.enqueue('else', 'not ours', '{}')")
    status, outcome = await ring(http, stack.info, {"wait": True})
    assert (status, outcome) == (200, {"claimed": 22, "done": 20, "again": 1, "failed": 1, "lost": 0})
    assert states(db) == {"done": 20, "waiting": 3, "failed": 1}
    told = db.execute("select status, last_error from private.tasks where last_error is not null order by 1").fetchall()
    assert told == [("failed", "Error: no such customer"), ("waiting", "Error: away")]


async def test_it_is_woken_by_crons_secret_and_works_behind_its_answer(
    stack: Stack, db: psycopg.Connection, http: aiohttp.ClientSession
) -> None:
    assert stack.info is not None
    row = db.execute("select decrypted_secret from vault.decrypted_secrets where name = 'cron_secret'").fetchone()
    assert row is not None
    enqueue(db, {"seconds": 0.1})
    assert await ring(http, stack.info, {}, **{"x-cron-secret": row[0]}) == (202, {"accepted": True})
    await until(lambda: states(db) == {"done": 1})


@pytest.fixture
def known(db: psycopg.Connection) -> None:
    """The database knows who does chores."""
    db.execute("insert into private.task_kinds (kind, function) values ('chore', 'chores') on conflict do nothing")


@pytest.mark.usefixtures("known")
async def test_an_operator_has_done_what_is_due(stack: Stack, db: psycopg.Connection) -> None:
    assert stack.info is not None
    enqueue(db, *({"seconds": 0} for _ in range(20)))
    env = {"TRIPGATE_JOBS_DATABASE_URL": stack.info.db_url}
    result = await asyncio.to_thread(CliRunner().invoke, main, ["jobs", "run", "--kind", "chore"], env=env)
    assert (result.exit_code, result.stdout) == (0, "Called chores.\n20 done, 0 failed, 0 left.\n")
    assert states(db) == {"done": 20}


@pytest.mark.usefixtures("known")
async def test_a_call_that_is_lost_loses_no_work(stack: Stack, db: psycopg.Connection) -> None:
    assert stack.info is not None
    enqueue(db, {"seconds": 0})
    with db.transaction():
        db.execute("select * from private.ring_tasks()")
        db.execute("delete from net.http_request_queue")
    assert states(db) == {"waiting": 1}
    db.execute("select * from private.ring_tasks()")
    await until(lambda: states(db) == {"done": 1})


async def test_the_database_wakes_it(stack: Stack, db: psycopg.Connection) -> None:
    """As a job of pg_cron does, by pg_net, with the secret that Vault has."""
    enqueue(db, {"seconds": 0})
    row = db.execute("select private.invoke_function('chores')").fetchone()
    assert row is not None
    await until(lambda: states(db) == {"done": 1})
    await until(lambda: db.execute("select from net._http_response where id = %s", row).fetchone() is not None)
    answer = db.execute("select status_code, content from net._http_response where id = %s", row).fetchone()
    assert answer == (202, '{"accepted":true}')


@pytest.mark.usefixtures("known")
async def test_a_job_of_the_database_wakes_whoever_does_what_is_due(stack: Stack, db: psycopg.Connection) -> None:
    """The one that is part of the program, each second in place of each minute."""
    assert stack.info is not None
    change = "select cron.alter_job(jobid, %s, active => %s) from cron.job where jobname = 'tripgate-ring-tasks'"
    with psycopg.connect(stack.info.db_url, autocommit=True) as owner:
        owner.execute(change, ("1 second", True))
        try:
            enqueue(db, {"seconds": 0})
            await until(lambda: states(db) == {"done": 1})
        finally:
            owner.execute(change, ("* * * * *", False))


async def test_what_is_not_done_when_it_stops_is_given_back_at_once(
    stack: Stack, db: psycopg.Connection, http: aiohttp.ClientSession
) -> None:
    """The last test here: it starts the stack anew, over the same data."""
    assert stack.info is not None
    enqueue(db, {"seconds": 60}, {"seconds": 60})
    assert (await ring(http, stack.info, {}))[0] == 202
    await until(lambda: states(db) == {"running": 2})
    await asyncio.to_thread(stack.stop)
    await asyncio.to_thread(stack.start)
    assert stack.info is not None
    with psycopg.connect(stack.info.admin_db_url) as again:
        assert states(again) == {"waiting": 2}
        told = again.execute("select distinct last_error, attempts from private.tasks").fetchall()
    assert told == [("Error: The function was stopped.", 1)]

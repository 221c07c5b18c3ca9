"""The stack starts a scheduler once there is something to do, keeps it, and leaves none behind."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import psutil
import psycopg

from tests.support import stack_options
from tripgate.local.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def schedulers(stack: Stack) -> list[psutil.Process]:
    """The schedulers of this stack, without the guards before them."""
    found = []
    for process in psutil.Process(stack.pid("front_door")).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "tripgate.local.scheduler" in process.cmdline():
                found.append(process)
    return found


def until(ready: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_scheduler_comes_with_the_first_job_and_is_started_anew(project: Path, data_dir: Path) -> None:
    with Stack(stack_options(project, data_dir)) as stack:
        assert stack.info is not None

        def rows(query: str) -> list[tuple[object, ...]]:
            assert stack.info is not None
            with psycopg.connect(stack.info.db_url) as db:
                return db.execute(query.encode()).fetchall()

        with psycopg.connect(stack.info.db_url) as db:
            db.execute("create extension pg_cron with schema pg_catalog")
            db.execute("create extension pg_net with schema extensions")
        assert schedulers(stack) == []

        # A request alone is something to do; it finds the stack by the secret that Vault has.
        rows(
            "select net.http_get(decrypted_secret || '/health') from vault.decrypted_secrets where name = 'project_url'"
        )
        until(lambda: rows("select status_code from net._http_response") == [(200,)])
        (first,) = schedulers(stack)

        rows("select cron.schedule('tick', '1 second', 'select 1')")
        until(lambda: len(rows("select from cron.job_run_details where status = 'succeeded'")) >= 2)
        assert schedulers(stack) == [first]

        first.kill()
        until(lambda: schedulers(stack) not in ([], [first]))
        count = "select count(*) from cron.job_run_details where status = 'succeeded'"
        for disturb in (lambda: None, lambda: stack.restart("postgres")):
            disturb()
            before = rows(count)
            until(lambda before=before: rows(count) > before)
        assert stack.ended() is None
        (last,) = schedulers(stack)
        assert "the scheduler ended with code 137" in (stack.logs / "front_door.log").read_text()
    assert not last.is_running()


def test_a_job_of_the_last_start_runs_on_until_the_front_door_is_gone(project: Path, data_dir: Path) -> None:
    with Stack(stack_options(project, data_dir, scheduler=False)) as stack:
        assert stack.info is not None
        with psycopg.connect(stack.info.db_url) as db:
            db.execute("create extension pg_cron with schema pg_catalog")
            db.execute("select cron.schedule('tick', '1 second', 'select 1')")
        assert schedulers(stack) == []
    with Stack(stack_options(project, data_dir)) as stack:
        assert stack.info is not None
        with psycopg.connect(stack.info.db_url, autocommit=True) as db:
            until(lambda: db.execute("select from cron.job_run_details where status = 'succeeded'").fetchall())
        (one,) = schedulers(stack)
        stack.kill("front_door")
        until(lambda: not one.is_running() or one.status() == psutil.STATUS_ZOMBIE)

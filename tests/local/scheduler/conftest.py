"""Databases of their own for schedulers: a lock, jobs and requests belong to one database."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tripgate.local.scheduler.runner import Scheduler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tripgate.local.stack import StackInfo

_NUMBERS = itertools.count(1)


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2027, 3, 1, 12, 0, 20, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Jobs:
    """A database with jobs and requests, and what its owner does there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.db = psycopg.connect(url, autocommit=True)
        self.db.execute("set role postgres")
        self.clock = Clock()

    def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """What the owner finds."""
        return self.db.execute(query.encode(), arguments).fetchall()

    def schedule(self, name: str, schedule: str, command: str) -> int:
        """A job's id."""
        [(job,)] = self.rows("select cron.schedule(%s, %s, %s)", name, schedule, command)
        return int(job)

    def runs(self, job: int) -> list[tuple[Any, ...]]:
        """Status, message, start and end of each run."""
        return self.rows(
            "select status, return_message, start_time, end_time from cron.job_run_details where jobid = %s"
            " order by runid",
            job,
        )

    def statuses(self, job: int) -> list[tuple[Any, ...]]:
        """Status and message of each run."""
        return [row[:2] for row in self.runs(job)]

    def move(self, by: timedelta) -> None:
        """Move the clock, and have whoever sleeps look at it."""
        self.clock.now += by
        self.db.execute("notify tripgate_scheduler")

    @contextlib.asynccontextmanager
    async def scheduler(self) -> AsyncIterator[None]:
        """A scheduler that runs in this process, by the clock that is moved."""
        looked = asyncio.Event()
        task = asyncio.create_task(Scheduler(self.url, self.clock, looked.set).run())
        try:
            await asyncio.wait_for(looked.wait(), 60)
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def holders(self) -> int:
        """How many schedulers serve this database: those that hold its lock."""
        [(count,)] = self.rows(
            "select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database"
            " where locktype = 'advisory' and granted and datname = current_database()"
        )
        return int(count)

    async def until(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(seconds):
            while not ready():  # noqa: ASYNC110 - what happens in another process sets no event
                await asyncio.sleep(0.02)


@pytest.fixture
def jobs(running: StackInfo) -> Iterator[Jobs]:
    """A new database of the shared stack, in which nothing is scheduled."""
    name = f"jobs_{next(_NUMBERS)}"
    with psycopg.connect(running.admin_db_url, autocommit=True) as db:
        db.execute(f"create database {name} owner postgres".encode())
        url = running.admin_db_url.replace("/postgres?", f"/{name}?")
        with psycopg.connect(url, autocommit=True) as made:
            made.execute("create schema extensions authorization postgres; set role postgres")
            made.execute("create extension pg_cron with schema pg_catalog")
            made.execute("create extension pg_net with schema extensions")
        found = Jobs(url)
        yield found
        found.db.close()
        db.execute(f"drop database {name} with (force)".encode())

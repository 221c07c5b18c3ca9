"""The scheduler: one for each database, however many are started.

Waits for the database's lock, then runs jobs and sends requests until its connection ends, and begins anew. It sleeps
until the next job may be due, or the database says that jobs changed or requests wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from tripgate.local.scheduler import schedules
from tripgate.local.scheduler.agenda import Agenda
from tripgate.local.scheduler.ears import heard, listen
from tripgate.local.scheduler.jobs import Job, Runs, active_jobs, mark_interrupted, now
from tripgate.local.scheduler.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tripgate.local.scheduler.jobs import Connection

AT_ONCE = 32
RETRY_SECONDS = 1.0
# Any number that nobody else locks.
_LOCK = 7_247_106_511

log = logging.getLogger(__name__)


class Scheduler:
    """`clock` tells the time by which jobs are due; `looked` is called each time that it was looked for those."""

    def __init__(
        self, database_url: str, clock: Callable[[], datetime] = now, looked: Callable[[], None] = lambda: None
    ) -> None:
        self._database_url = database_url
        self._clock = clock
        self._looked = looked

    async def run(self) -> None:
        """Schedule until the task is cancelled, whatever becomes of the database meanwhile."""
        while True:
            try:
                async with await self._connect() as ears, await self._connect() as books:
                    await _lock(ears)
                    await _Session(self._database_url, self._clock, ears, books).run(self._looked)
            except* psycopg.OperationalError as lost:
                log.warning("the database is gone, and looked for again: %s", lost.exceptions[0])
            await asyncio.sleep(RETRY_SECONDS)

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection.connect(
            self._database_url, autocommit=True, application_name="tripgate scheduler"
        )


async def _lock(connection: Connection) -> None:
    """Wait until no other session has the lock, which this one keeps from then on.

    By asking again: a statement that waits would keep the database from clearing up.
    """
    said = False
    while await (await connection.execute("select pg_try_advisory_lock(%s)", (_LOCK,))).fetchone() != (True,):
        if not said:
            log.info("another scheduler serves this database; this one waits until it ends")
            said = True
        await asyncio.sleep(RETRY_SECONDS)


class _Session:
    """What one connection lasts for. `ears` hears, and holds the lock; `books` reads and writes."""

    def __init__(self, database_url: str, clock: Callable[[], datetime], ears: Connection, books: Connection) -> None:
        self._clock = clock
        self._ears = ears
        self._books = books
        self._runs = Runs(database_url, books, clock)
        self._agenda = Agenda(clock())
        self._jobs: dict[int, Job] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._news = {"cron", "net"}
        self._wake = asyncio.Event()

    async def run(self, looked: Callable[[], None]) -> None:
        await listen(self._ears)
        await mark_interrupted(self._books)
        async with asyncio.TaskGroup() as group:
            requests = Requests(self._books, group, partial(self._hear, "net"))
            try:
                group.create_task(self._listen())
                while True:
                    await self._look(group, requests)
                    looked()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._agenda.seconds_left(self._clock())):
                            await self._wake.wait()
                    self._wake.clear()
            finally:
                await requests.close()

    async def _listen(self) -> None:
        async for news in heard(self._ears):
            self._hear(news)

    def _hear(self, news: str) -> None:
        self._news.add(news)
        self._wake.set()

    async def _look(self, group: asyncio.TaskGroup, requests: Requests) -> None:
        news, self._news = self._news, set()
        if "cron" in news:
            await self._learn()
        if "net" in news:
            await requests.send_waiting()
        moment = self._clock()
        self._agenda.look(moment)
        for job in self._agenda.waiting():
            if job not in self._running and len(self._running) < AT_ONCE:
                self._agenda.take(job, moment)
                task = self._running[job] = group.create_task(self._runs.run(self._jobs[job]))
                task.add_done_callback(partial(self._done, job))

    def _done(self, job: int, _: asyncio.Task[None]) -> None:
        del self._running[job]
        self._wake.set()

    async def _learn(self) -> None:
        """Read the jobs anew; what runs of those that are gone is cancelled."""
        self._jobs = {job.id: job for job in await active_jobs(self._books)}
        self._agenda.keep({job.id: schedules.parse(job.schedule) for job in self._jobs.values()}, self._clock())
        for job, task in self._running.items():
            if job not in self._jobs:
                task.cancel()

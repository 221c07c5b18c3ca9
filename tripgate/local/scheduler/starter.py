"""Starts the scheduler's process once there is something to do, and anew when it ends, as Postgres does elsewhere.

Until then one connection hears when a job is scheduled or a request waits, so that a project which schedules nothing
pays for no process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING

import psycopg

from tripgate.local.scheduler.ears import heard, listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from tripgate.local.process import Supervisor

NAME = "scheduler"
RESTART_SECONDS = 1.0
_WAITING = {
    "cron.job": "select exists (select from cron.job where active)",
    "net.http_request_queue": "select exists (select from net.http_request_queue)",
}

log = logging.getLogger(__name__)


def add_to(app: web.Application, database_url: str, supervisor: Supervisor) -> None:
    """Keep a scheduler with the application; `database_url` is the superuser's, over the socket, without a password."""

    async def running(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_keep(database_url, supervisor))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(supervisor.stop)

    app.cleanup_ctx.append(running)


async def _keep(database_url: str, supervisor: Supervisor) -> None:
    while True:
        try:
            await _something_to_do(database_url)
        except psycopg.OperationalError as error:
            log.info("the scheduler waits for the database: %s", error)
        else:
            argv = [sys.executable, "-m", "tripgate.local.scheduler", "--database-url", database_url]
            process = supervisor.start(NAME, argv)
            while process.poll() is None:  # noqa: ASYNC110 - a process sets no event
                await asyncio.sleep(RESTART_SECONDS)
            log.error("the scheduler ended with code %d and is started anew; see %s", process.wait(), process.log)
            await asyncio.to_thread(supervisor.forget, process)
        await asyncio.sleep(RESTART_SECONDS)


async def _something_to_do(database_url: str) -> None:
    """Return once a job is active or a request waits."""
    async with await psycopg.AsyncConnection.connect(
        database_url, autocommit=True, application_name="tripgate scheduler's starter"
    ) as connection:
        await listen(connection)
        async with contextlib.aclosing(heard(connection)) as news:
            while not await _is_something(connection):
                await anext(news)


async def _is_something(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> bool:
    for table, query in _WAITING.items():
        cursor = await connection.execute("select to_regclass(%s) is not null", (table,))
        if await cursor.fetchone() == (True,):
            cursor = await connection.execute(query.encode())
            if await cursor.fetchone() == (True,):
                return True
    return False

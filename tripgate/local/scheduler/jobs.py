"""Runs a job as the role that scheduled it, and writes down how that went: `cron.job_run_details`.

Statuses and messages are pg_cron's, which connects as a client does: `1 row`, `UPDATE 3`, `ERROR:  division by zero`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
from psycopg.pq import ExecStatus

if TYPE_CHECKING:
    from collections.abc import Callable

Connection = psycopg.AsyncConnection[tuple[object, ...]]

CONNECT_SECONDS = 10
# A server that looks now and then whether its client is there ends what a scheduler that was killed has left running.
_OPTIONS = "-c client_connection_check_interval=1s"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A row of `cron.job`."""

    id: int
    schedule: str
    command: str
    username: str


async def active_jobs(connection: Connection) -> list[Job]:
    """The jobs of this database that run; none where the project does not use pg_cron."""
    if not await _there(connection):
        return []
    cursor = await connection.execute(
        "select jobid, schedule, command, username from cron.job where active and database = current_database()"
        " order by jobid"
    )
    return [Job(*row) for row in await cursor.fetchall()]  # type: ignore[arg-type]


async def mark_interrupted(connection: Connection) -> None:
    """Say that the runs failed that another scheduler began and did not live to end."""
    if await _there(connection):
        await connection.execute(
            "update cron.job_run_details set status = 'failed', return_message = 'server restarted'"
            " where status in ('starting', 'running')"
        )


async def _there(connection: Connection) -> bool:
    cursor = await connection.execute("select to_regclass('cron.job') is not null")
    return await cursor.fetchone() == (True,)


class Runs:
    """Runs jobs. `books` is a connection of the superuser's, which others may use meanwhile."""

    def __init__(self, database_url: str, books: Connection, clock: Callable[[], datetime]) -> None:
        self._database_url = database_url
        self._books = books
        self._clock = clock

    async def run(self, job: Job) -> None:
        """Run it to its end. Where the task is cancelled the job is too. Raises what `books` does, and nothing else."""
        cursor = await self._books.execute(
            "insert into cron.job_run_details (jobid, database, username, command, status)"
            " values (%s, current_database(), %s, %s, 'starting') returning runid",
            (job.id, job.username, job.command),
        )
        (run,) = await cursor.fetchone() or (None,)
        try:
            status, message = "succeeded", await self._result(job, run)
        except psycopg.Error as error:
            status, message = "failed", _told(error)
            log.warning("job %d failed: %s", job.id, message.partition("\n")[0])
        except asyncio.CancelledError:
            await asyncio.shield(self._ended(run, "failed", "job canceled"))
            raise
        # Shielded as well: a job that unschedules itself is cancelled just when it is over.
        await asyncio.shield(self._ended(run, status, message))

    async def _result(self, job: Job, run: object) -> str:
        async with await psycopg.AsyncConnection.connect(
            self._database_url,
            user=job.username,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="pg_cron",
            options=_OPTIONS,
        ) as connection:
            await self._books.execute(
                "update cron.job_run_details set status = 'running', job_pid = %s, start_time = %s where runid = %s",
                (connection.info.backend_pid, self._clock(), run),
            )
            cursor = await connection.execute(job.command.encode(), prepare=False)
            # The last of several commands is the one that is told of.
            while cursor.nextset():
                pass
            if cursor.pgresult is not None and cursor.pgresult.status == ExecStatus.TUPLES_OK:
                return "1 row" if cursor.rowcount == 1 else f"{cursor.rowcount} rows"
            return cursor.statusmessage or ""

    async def _ended(self, run: object, status: str, message: str) -> None:
        await self._books.execute(
            "update cron.job_run_details set status = %s, return_message = %s, end_time = %s where runid = %s",
            (status, message, self._clock(), run),
        )


def _told(error: psycopg.Error) -> str:
    """What Postgres said, as it came; what kept it from being asked otherwise."""
    result = error.pgresult
    if result is not None and result.error_message:
        return result.error_message.decode(errors="replace")
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return "connection failed"
    return str(error)


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)

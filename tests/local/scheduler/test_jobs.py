"""Jobs on a real Postgres: who runs them, what is written down, what becomes of those that fail, hang or are ended."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

if TYPE_CHECKING:
    from tests.local.scheduler.conftest import Jobs

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def table(jobs: Jobs) -> None:
    """What jobs write to."""
    jobs.db.execute("create table public.ticks (number bigserial, who text not null default current_user)")


async def test_a_job_runs_as_whoever_scheduled_it_and_is_written_down(jobs: Jobs) -> None:
    job = jobs.schedule("tick", "* * * * *", "insert into public.ticks default values")
    async with jobs.scheduler():
        jobs.move(MINUTE)
        await jobs.until(lambda: len(jobs.statuses(job)) == 1 and jobs.statuses(job)[0][0] == "succeeded")
        moment = jobs.clock.now
        assert jobs.runs(job) == [("succeeded", "INSERT 0 1", moment, moment)]
        assert jobs.rows("select who from public.ticks") == [("postgres",)]
        assert jobs.rows(
            "select database = current_database(), username, command, job_pid > 0 from cron.job_run_details"
        ) == [(True, "postgres", "insert into public.ticks default values", True)]


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("select 1", "succeeded", "1 row"),
        ("select generate_series(1, 3)", "succeeded", "3 rows"),
        ("select 1; delete from public.ticks", "succeeded", "DELETE 0"),
        ("do $$ begin perform 1; end $$", "succeeded", "DO"),
        ("vacuum public.ticks", "succeeded", "VACUUM"),
        ("select '100%'", "succeeded", "1 row"),
        ("select 1 / 0", "failed", "ERROR:  division by zero\n"),
        ("insert into public.ticks default values; select 1 / 0", "failed", "ERROR:  division by zero\n"),
        ("selec", "failed", 'ERROR:  syntax error at or near "selec"\nLINE 1: selec\n        ^\n'),
        (
            "create table auth.mine ()",
            "failed",
            'ERROR:  schema "auth" does not exist\nLINE 1: create table auth.mine ()\n                     ^\n',
        ),
        ("select pg_read_file('vault.key')", "failed", "ERROR:  permission denied for function pg_read_file\n"),
    ],
)
async def test_a_run_says_how_it_went(jobs: Jobs, command: str, status: str, message: str) -> None:
    job = jobs.schedule("once", "@reboot", command)
    async with jobs.scheduler():
        await jobs.until(lambda: [each[0] for each in jobs.statuses(job)] == [status])
    assert jobs.statuses(job) == [(status, message)]
    assert jobs.rows("select count(*) from public.ticks") == [(0,)]


async def test_a_role_that_cannot_log_in_runs_nothing(jobs: Jobs) -> None:
    jobs.db.execute("grant usage on schema cron to service_role; set role service_role")
    job = jobs.schedule("nobody", "@reboot", "select 1")
    jobs.db.execute("set role postgres")
    async with jobs.scheduler():
        await jobs.until(lambda: jobs.rows("select 1 from cron.job_run_details") != [] or superuser(jobs, job) != [])
        await jobs.until(lambda: superuser(jobs, job) == [("failed", "connection failed")])


def superuser(jobs: Jobs, job: int) -> list[tuple[object, ...]]:
    with psycopg.connect(jobs.url) as db:
        query = "select status, return_message from cron.job_run_details where jobid = %s"
        return db.execute(query, (job,)).fetchall()


async def test_an_hour_without_ticks_is_not_made_up(jobs: Jobs) -> None:
    each = jobs.schedule("each", "* * * * *", "insert into public.ticks default values")
    async with jobs.scheduler():
        jobs.move(MINUTE)
        await jobs.until(lambda: [row[0] for row in jobs.statuses(each)] == ["succeeded"])
        jobs.move(60 * MINUTE)
        await jobs.until(lambda: len(jobs.statuses(each)) == 2)
        jobs.move(MINUTE)
        await jobs.until(lambda: [row[0] for row in jobs.statuses(each)] == 3 * ["succeeded"])
    # Nor is what fell due while nothing ran.
    jobs.clock.now += 60 * MINUTE
    async with jobs.scheduler():
        jobs.move(timedelta(seconds=1))
        await asyncio.sleep(0.3)
        jobs.move(MINUTE)
        await jobs.until(lambda: [row[0] for row in jobs.statuses(each)] == 4 * ["succeeded"])
        assert jobs.rows("select count(*) from public.ticks") == [(4,)]


async def test_a_job_that_hangs_is_not_started_again_and_holds_up_no_other(jobs: Jobs) -> None:
    hanging = jobs.schedule("hangs", "* * * * *", "select pg_sleep(600)")
    other = jobs.schedule("other", "* * * * *", "select 1")
    async with jobs.scheduler():
        for _ in range(3):
            done = len(jobs.statuses(other))
            jobs.move(MINUTE)
            await jobs.until(lambda done=done: [row[0] for row in jobs.statuses(other)] == (done + 1) * ["succeeded"])
        assert jobs.statuses(hanging) == [("running", None)]
        # Until it is unscheduled, which ends it.
        jobs.rows("select cron.unschedule('hangs')")
        await jobs.until(lambda: jobs.statuses(hanging) == [("failed", "job canceled")])
        await jobs.until(lambda: jobs.rows(SLEEPING) == [])


async def test_a_roles_timeout_ends_a_job_that_hangs(jobs: Jobs) -> None:
    job = jobs.schedule("hangs", "@reboot", "set statement_timeout = 50; select pg_sleep(600)")
    async with jobs.scheduler():
        await jobs.until(
            lambda: jobs.statuses(job) == [("failed", "ERROR:  canceling statement due to statement timeout\n")]
        )


async def test_what_changes_is_heard_at_once(jobs: Jobs) -> None:
    async with jobs.scheduler():
        job = jobs.schedule("tick", "0 0 1 1 *", "select 1")
        jobs.rows("select cron.alter_job(%s, '* * * * *', 'select 2')", job)
        while not jobs.statuses(job):
            jobs.move(MINUTE)
            await asyncio.sleep(0.1)
        await jobs.until(lambda: jobs.statuses(job)[-1] == ("succeeded", "1 row"))
        jobs.rows("select cron.alter_job(%s, active => false)", job)
        await asyncio.sleep(0.3)
        done = len(jobs.statuses(job))
        with jobs.db.transaction(force_rollback=True):
            jobs.rows("select cron.alter_job(%s, active => true)", job)
        jobs.move(MINUTE)
        await asyncio.sleep(0.3)
        assert len(jobs.statuses(job)) == done


async def test_jobs_that_unschedule_themselves_run_once_and_are_over(jobs: Jobs) -> None:
    command = "insert into public.ticks default values; select cron.unschedule('once%d')"
    once = [jobs.schedule(f"once{each}", "* * * * *", command % each) for each in range(20)]
    async with jobs.scheduler():
        jobs.move(MINUTE)
        await jobs.until(lambda: jobs.rows("select from cron.job") == [])
        other = jobs.schedule("other", "* * * * *", "select 1")
        # It is heard of a moment later, and counts from then.
        while not jobs.statuses(other):
            jobs.move(MINUTE)
            await asyncio.sleep(0.1)
        # Cancelled, if at all, once they have committed.
        over = [("succeeded", "1 row"), ("failed", "job canceled")]
        assert [len(jobs.statuses(each)) for each in once] == [1] * 20
        await jobs.until(lambda: all(jobs.statuses(each)[0] in over for each in once), 5)
    assert jobs.rows("select count(*) from public.ticks") == [(20,)]


async def test_a_second_scheduler_waits_until_the_first_ends(jobs: Jobs) -> None:
    job = jobs.schedule("tick", "* * * * *", "insert into public.ticks default values")
    async with jobs.scheduler():
        second = await process(jobs)
        await jobs.until(lambda: len(connected(jobs)) == 4)
        jobs.move(MINUTE)
        await jobs.until(lambda: [row[0] for row in jobs.statuses(job)] == ["succeeded"])
        assert jobs.holders() == 1
    await jobs.until(lambda: jobs.holders() == 1)
    second.kill()
    await second.wait()
    assert jobs.rows("select count(*) from public.ticks") == [(1,)]


async def test_a_scheduler_that_was_killed_leaves_nothing_that_runs_and_no_run_undecided(jobs: Jobs) -> None:
    killed = jobs.schedule("hangs", "@reboot", "select pg_sleep(600)")
    first = await process(jobs)
    await jobs.until(lambda: jobs.statuses(killed) == [("running", None)])
    first.kill()
    await first.wait()
    await jobs.until(lambda: jobs.rows(SLEEPING) == [])
    jobs.rows("select cron.unschedule('hangs')")
    other = jobs.schedule("other", "* * * * *", "select 1")
    async with jobs.scheduler():
        await jobs.until(lambda: jobs.statuses(killed) == [("failed", "server restarted")])
        jobs.move(MINUTE)
        await jobs.until(lambda: jobs.statuses(other) == [("succeeded", "1 row")])


async def test_a_connection_that_is_lost_is_made_anew(jobs: Jobs) -> None:
    job = jobs.schedule("tick", "* * * * *", "select 1")
    async with jobs.scheduler():
        before = connected(jobs)
        with psycopg.connect(jobs.url, autocommit=True) as db:
            db.execute("select pg_terminate_backend(pid) from unnest(%s::int[]) as pid", (before,))
        await jobs.until(lambda: len(connected(jobs)) == 2 and not set(connected(jobs)) & set(before))
        while not jobs.statuses(job):
            jobs.move(MINUTE)
            await asyncio.sleep(0.1)
        await jobs.until(lambda: jobs.statuses(job)[-1] == ("succeeded", "1 row"))


async def test_a_scheduler_with_nothing_due_sleeps(jobs: Jobs) -> None:
    jobs.schedule("yearly", "0 0 1 1 *", "select 1")
    scheduler = await process(jobs)
    await jobs.until(lambda: jobs.holders() == 1)
    switches = psutil.Process(scheduler.pid).num_ctx_switches

    async def woken(seconds: float) -> int:
        before = switches().voluntary
        await asyncio.sleep(seconds)
        return switches().voluntary - before

    # But for what it still does to begin, and once a minute.
    assert 0 in [await woken(1) for _ in range(5)]
    scheduler.send_signal(signal.SIGTERM)
    await scheduler.wait()


SLEEPING = "select pid from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(600)'"


def connected(jobs: Jobs) -> list[int]:
    ours = "datname = current_database() and application_name = 'tripgate scheduler'"
    return [pid for (pid,) in jobs.rows(f"select pid from pg_stat_activity where {ours}")]


async def process(jobs: Jobs) -> asyncio.subprocess.Process:
    """A scheduler as the stack starts it."""
    argv = [sys.executable, "-m", "tripgate.local.scheduler", "--database-url", jobs.url]
    return await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.DEVNULL)

"""Jobs and rules in transactions that are committed: a ring ends, and nothing is done twice, whatever dies."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.database.callers import sign_up
from tripgate.local import database
from tripgate.local.scratch import Scratch, scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
JOBS = 40


@pytest.fixture(scope="module")
def server() -> Iterator[Scratch]:
    """A cluster of these tests' own: one of them kills it."""
    with scratch() as server:
        yield server


@pytest.fixture
def url(server: Scratch) -> str:
    return server.as_admin(server.database(database.project_files(ROOT)))


def connected(url: str) -> psycopg.Connection:
    """A connection, once there is a server."""
    while True:
        try:
            return psycopg.connect(url, autocommit=True, connect_timeout=60)
        except psycopg.OperationalError:
            continue


def somebody_on_a_trip(db: psycopg.Connection) -> tuple[uuid.UUID, Any, Any]:
    """A person, their trip, and an item of it."""
    person = uuid.uuid4()
    sign_up(db, person, {"display_name": "Rita Ring"})
    (trip,) = (
        db.execute(
            "insert into public.trips (user_id, title) values (%s, 'Lofoten') returning id", (person,)
        ).fetchone()
        or ()
    )
    (item,) = (
        db.execute(
            "insert into public.trip_items (trip_id, title) values (%s, 'Boat') returning id", (trip,)
        ).fetchone()
        or ()
    )
    return person, trip, item


def claimed(db: psycopg.Connection, kind: str, most: int = 10) -> list[tuple[Any, int]]:
    return db.execute("select id, token from public.claim_tasks(array[%s], %s)", (kind, most)).fetchall()


def test_a_ring_of_rules_stops(url: str) -> None:
    """Of what rules do nothing changes a trip; here something answers the bell by a change, as another system might."""
    with connected(url) as db:
        person, trip, item = somebody_on_a_trip(db)
        for _ in range(2):
            db.execute(
                "insert into public.automation_rules (user_id, trip_id, trigger, action)"
                """ values (%s, %s, 'item_updated', '{"kind": "notify"}')""",
                (person, trip),
            )
        db.execute(
            """
            create function private.answer_the_bell() returns trigger language plpgsql as $$
            begin
                update public.trip_items set title = 'Told ' || gen_random_uuid() where id = tg_argv[0]::uuid;
                return null;
            end $$
            """
        )
        db.execute(
            "create trigger answer_the_bell after insert on public.notifications"
            f" for each row execute function private.answer_the_bell('{item}')".encode()
        )
        db.execute("update public.trip_items set title = 'Train' where id = %s", (item,))
        rounds = []
        while tasks := claimed(db, "run_automation", 100):
            rounds.append(len(tasks))
            for task, token in tasks:
                told = db.execute("select public.run_automation_task(%s, %s) ->> 'done'", (task, token)).fetchone()
                assert told == ("true",)
        # Each rule once an event: of the first come two tasks, each of which makes an event of two; the third is last.
        assert rounds == [2, 4, 8]
        assert db.execute("select count(*) from public.notifications where user_id = %s", (person,)).fetchone() == (14,)


def test_the_database_is_killed_as_jobs_are_done_after_an_hour_without_a_tick(url: str) -> None:
    """What was told is told once, as notifications that are taken away show: their keys would hide it otherwise."""
    with connected(url) as db:
        person, trip, _ = somebody_on_a_trip(db)
        db.execute(
            "insert into public.scheduled_jobs (user_id, trip_id, kind, run_at, payload)"
            " select %s, %s, 'reminder', now() - n * interval '1 minute',"
            " jsonb_build_object('text', 'number ' || n, 'channel', 'bell') from generate_series(60, %s) as n",
            (person, trip, 59 + JOBS),
        )
        tasks = claimed(db, "run_scheduled_job", JOBS)
        assert len(tasks) == JOBS
        for task, token in tasks[:10]:
            db.execute("select public.run_scheduled_job(%s, %s)", (task, token))
        assert db.execute("delete from public.notifications").rowcount == 10
    worker = connected(url)
    worker.autocommit = False
    process = worker.info.backend_pid
    bystander = connected(url)
    # Done, and never said to be.
    worker.execute("select public.run_scheduled_job(%s, %s)", tasks[10])
    os.kill(process, signal.SIGKILL)
    with pytest.raises(psycopg.OperationalError):
        worker.commit()
    # Whoever else was connected is sent away before anybody is let in again.
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            bystander.execute("select")
    worker.close()
    bystander.close()
    with connected(url) as db:
        assert db.execute("select count(*) from public.scheduled_jobs where status = 'done'").fetchone() == (10,)
        db.execute("update private.tasks set lease_until = lease_until - interval '1 hour' where status = 'running'")
        while tasks := claimed(db, "run_scheduled_job"):
            for task, token in tasks:
                db.execute("select public.run_scheduled_job(%s, %s)", (task, token))
        assert db.execute("select status, count(*) from public.scheduled_jobs group by 1").fetchall() == [
            ("done", JOBS)
        ]
        assert db.execute("select status, count(*) from private.tasks group by 1").fetchall() == [("done", JOBS)]
        told = db.execute("select title from public.notifications where kind = 'reminder'").fetchall()
        assert len(told) == len(set(told)) == JOBS - 10

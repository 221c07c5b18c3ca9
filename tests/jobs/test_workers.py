"""A thousand tasks and four workers, two of which are killed midway: each task is done, and none a second time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tripgate.local.stack import StackInfo

ROOT = Path(__file__).parents[2]
TASKS = 1000
SECONDS = 240


@pytest.fixture
def db(stack: StackInfo) -> Iterator[psycopg.Connection]:
    """Whose tasks are gone afterwards: others use the stack too."""
    with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
        yield connection
        connection.execute("delete from private.tasks where kind = 'count'")


def steps(log: Path) -> list[tuple[str, str]]:
    """What a worker has written so far; the last line may be half a line."""
    return [(step, task) for step, _, task in (line.partition(" ") for line in log.read_text().splitlines()) if task]


def states(db: psycopg.Connection) -> dict[str, int]:
    return dict(db.execute("select status, count(*) from private.tasks where kind = 'count' group by 1").fetchall())


def test_a_thousand_tasks_four_workers_two_of_them_killed(
    stack: StackInfo, db: psycopg.Connection, tmp_path: Path
) -> None:
    db.execute("select private.enqueue('count', 'number:' || n, '{}') from generate_series(1, %s) as n", (TASKS,))
    logs = [tmp_path / f"worker{number}.log" for number in range(4)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.worker", f"{stack.api_url}/rest/v1", stack.secret_key, str(log)],
            cwd=ROOT,
        )
        for log in logs
    ]
    try:
        until = time.monotonic() + SECONDS
        victims = {}
        for number in (0, 1):
            while not (
                logs[number].exists() and len(steps(logs[number])) > 100 and steps(logs[number])[-1][0] == "began"
            ):
                assert time.monotonic() < until, states(db)
            workers[number].kill()
            workers[number].wait()
            victims[number] = steps(logs[number])
        while states(db) != {"done": TASKS}:
            assert time.monotonic() < until, states(db)
            assert [worker.poll() for worker in workers] == [-signal.SIGKILL] * 2 + [None] * 2
            time.sleep(0.2)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()

    said = [step for log in logs for step in steps(log)]
    finished = Counter(task for step, task in said if step == "done")
    assert set(finished.values()) == {1}
    # Somebody finished it, and died before writing that down.
    assert TASKS - len(finished) <= len(victims)
    # What was begun again had been in the hands of one who was killed, or so slow that the lease ran out.
    again = {str(task) for (task,) in db.execute("select id from private.tasks where kind = 'count' and attempts > 1")}
    slow = {task for step, task in said if step == "lost"}
    assert again - slow
    assert len(again - slow) <= 5 * len(victims)

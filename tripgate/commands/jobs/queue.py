"""What is asked of a database about its tasks, as role `postgres`.

psycopg comes with an extra; whoever calls has imported it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg

STATES = ("waiting", "running", "failed", "done")

_MATCHING: LiteralString = "(%(kinds)s::text[] is null or kind = any (%(kinds)s)) and status = any (%(states)s)"
# Those that need somebody first. Only what is written here is put together, values are parameters.
_JOBS: LiteralString = f"""
select id, kind, subject, status, attempts, run_at, lease_until, created_at, finished_at, last_error
from private.tasks where {_MATCHING}
order by array_position(array['failed', 'running', 'waiting', 'done'], status), coalesce(finished_at, run_at), id
limit %(most)s"""  # noqa: S608 - nothing of others
_COUNTS: LiteralString = f"select kind, status, count(*) from private.tasks where {_MATCHING} group by 1, 2"  # noqa: S608
_DUE: LiteralString = """
select tasks.kind, function, count(*) from private.tasks left join private.task_kinds using (kind)
where (%(kinds)s::text[] is null or tasks.kind = any (%(kinds)s))
    and (status = 'waiting' and run_at <= clock_timestamp() or status = 'running' and lease_until <= clock_timestamp())
group by 1, 2 order by 1"""
# What has failed and waits to be tried again is not due.
_LEFT: LiteralString = """
select count(*) from private.tasks
where kind = any (%(kinds)s) and created_at <= %(moment)s
    and (status = 'running' or status = 'waiting' and run_at <= clock_timestamp())"""
_ENDED: LiteralString = """
select count(*) filter (where status = 'done'), count(*) filter (where status = 'failed') from private.tasks
where kind = any (%(kinds)s) and finished_at > %(moment)s"""
_ANSWERS: LiteralString = """
select id, status_code, coalesce(error_msg, case when timed_out then 'no answer in time' end)
from net._http_response where id = any (%(requests)s)"""


@dataclass(frozen=True)
class Job:
    """One task; its payload is nobody's business."""

    id: UUID
    kind: str
    subject: str | None
    status: str
    attempts: int
    run_at: datetime
    lease_until: datetime | None
    created_at: datetime
    finished_at: datetime | None
    last_error: str | None


@dataclass(frozen=True)
class Due:
    """How many tasks of a kind are due, and the Edge Function that does them, where one is named."""

    kind: str
    function: str | None
    count: int


def jobs(connection: psycopg.Connection, kinds: Sequence[str], states: Sequence[str], most: int) -> list[Job]:
    """Some of those of these kinds, of all where none is named."""
    given = {"kinds": list(kinds) or None, "states": list(states), "most": most}
    return [Job(*row) for row in connection.execute(_JOBS, given)]


def counts(connection: psycopg.Connection, kinds: Sequence[str], states: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many there are, by kind and state."""
    found: dict[str, dict[str, int]] = {}
    for kind, state, count in connection.execute(_COUNTS, {"kinds": list(kinds) or None, "states": list(states)}):
        found.setdefault(kind, {})[state] = count
    return dict(sorted(found.items()))


def retry(connection: psycopg.Connection, ids: Sequence[UUID] | None, kinds: Sequence[str] | None) -> list[UUID]:
    """Try these again from the beginning, or all that failed of these kinds; those that are."""
    found = connection.execute("select id from private.retry_tasks(%s::uuid[], %s::text[])", (ids, kinds))
    return [row[0] for row in found]


def states_of(connection: psycopg.Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The states of those that there are."""
    return dict(connection.execute("select id, status from private.tasks where id = any (%s)", (list(ids),)).fetchall())


def due(connection: psycopg.Connection, kinds: Sequence[str]) -> list[Due]:
    """What is to be done now."""
    return [Due(*row) for row in connection.execute(_DUE, {"kinds": list(kinds) or None})]


def ring(connection: psycopg.Connection, kinds: Sequence[str]) -> dict[int, str]:
    """Have the functions called that do what is due of these kinds: the requests, and the function of each."""
    found = connection.execute("select request, function from private.ring_tasks(%s::text[])", (list(kinds),))
    return dict(found.fetchall())


def now(connection: psycopg.Connection) -> datetime:
    """The database's time."""
    (moment,) = connection.execute("select clock_timestamp()").fetchone() or (None,)
    assert moment is not None  # noqa: S101 - a row is always there
    return moment  # type: ignore[no-any-return]


def left(connection: psycopg.Connection, kinds: Sequence[str], moment: datetime) -> int:
    """How many that were there at this moment run or are due still."""
    (count,) = connection.execute(_LEFT, {"kinds": list(kinds), "moment": moment}).fetchone() or (0,)
    return int(count)


def ended(connection: psycopg.Connection, kinds: Sequence[str], moment: datetime) -> tuple[int, int]:
    """How many were done since this moment, and how many have failed for good."""
    done, failed = connection.execute(_ENDED, {"kinds": list(kinds), "moment": moment}).fetchone() or (0, 0)
    return int(done), int(failed)


def refusals(connection: psycopg.Connection, requests: Sequence[int]) -> list[tuple[int, Any]]:
    """The requests that were answered with an error so far: the status, or why there was none."""
    found = connection.execute(_ANSWERS, {"requests": list(requests)})
    return [
        (request, why or status) for request, status, why in found if why is not None or status is None or status >= 400
    ]

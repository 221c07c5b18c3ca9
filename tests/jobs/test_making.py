"""Two who make the same task at the same moment make one."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tripgate.local.stack import StackInfo

MAKE = "select private.enqueue('twice', null, '{}', dedupe_key => 'twice:1')"


@pytest.fixture
def watcher(stack: StackInfo) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
        yield connection
        connection.execute("delete from private.tasks where kind = 'twice'")


@pytest.mark.parametrize("first_commits", [True, False])
def test_the_second_waits_for_what_becomes_of_the_first(
    stack: StackInfo, watcher: psycopg.Connection, first_commits: bool
) -> None:
    made: list[object] = []

    def second() -> None:
        with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
            made.extend(connection.execute(MAKE).fetchone() or ())

    with psycopg.connect(stack.admin_db_url) as first:
        (of_first,) = first.execute(MAKE).fetchone() or (None,)
        other = threading.Thread(target=second)
        other.start()
        waiting = "select count(*) from pg_stat_activity where query = %s and wait_event_type = 'Lock'"
        until = time.monotonic() + 30
        while watcher.execute(waiting, (MAKE,)).fetchone() != (1,):
            assert time.monotonic() < until
            time.sleep(0.02)
        if first_commits:
            first.commit()
        else:
            first.rollback()
        other.join()
    there = [row[0] for row in watcher.execute("select id from private.tasks where kind = 'twice'")]
    assert there == made
    assert (made == [of_first]) is first_commits

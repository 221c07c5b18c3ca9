"""The temporary cluster of whoever compares again and again."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tripgate.local import scratch
from tripgate.local.errors import LocalStackError


@pytest.fixture(scope="module")
def session() -> Iterator[scratch.SessionScratch]:
    with closing(scratch.SessionScratch()) as session:
        yield session


def databases(server: scratch.Scratch) -> int:
    with psycopg.connect(server.as_admin(server.readable())) as connection:
        row = connection.execute("select count(*) from pg_database where datname ~ '^scratch'").fetchone()
    assert row is not None
    return int(row[0])


def test_what_a_task_was_given_goes_when_the_next_begins(session: scratch.SessionScratch) -> None:
    with session.lent() as server:
        known = databases(server)
        for _ in range(3):
            with server.task():
                # A session that a tool has left open keeps none alive.
                left = psycopg.connect(server.database())
                server.database()
                assert databases(server) == known + 2
            left.close()


def test_of_what_is_copied_those_asked_for_last_are_kept(
    session: scratch.SessionScratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "_TEMPLATES", 2)
    files = [tmp_path / f"{number}.sql" for number in range(4)]
    for file in files:
        file.write_text(f"create table public.table_{file.stem}();")
    with session.lent() as server:
        for file in files:
            server.describe([file])
        with server.task():
            assert databases(server) <= 3
            assert "table public.table_0" in server.describe(files[:1])


def test_one_that_has_failed_is_told_and_the_next_task_has_another(session: scratch.SessionScratch) -> None:
    failed = pytest.raises(LocalStackError, match="The temporary database failed")
    with failed, session.lent() as server, psycopg.connect(server.as_admin(server.readable())) as connection:
        connection.execute("select pg_terminate_backend(pg_backend_pid())")
    with session.lent() as another:
        assert another is not server
        assert another.describe()

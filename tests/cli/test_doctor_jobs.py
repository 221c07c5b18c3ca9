"""The doctor says whether somebody does each kind of jobs, and whether the database tells its numbers."""

import hashlib
from collections.abc import Iterator

import psycopg
import pytest

from tests.cli.doctoring import doctor
from tripgate.local.stack import StackInfo

TOKEN = "doctors-0123456789-0123456789-0123456789"


@pytest.fixture
def db(stack: StackInfo) -> Iterator[psycopg.Connection]:
    """A database that knows no token before and after."""
    with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
        yield connection
        connection.execute("delete from vault.secrets where name = 'metrics_token_digest'")


def test_the_right_token(stack: StackInfo, db: psycopg.Connection) -> None:
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    db.execute("select vault.create_secret(%s, 'metrics_token_digest')", (digest,))
    said = doctor(stack, TRIPGATE_METRICS_TOKEN=TOKEN).output
    assert "ok      The database tells its numbers of jobs." in said
    assert TOKEN not in said


@pytest.mark.usefixtures("db")
def test_another_token(stack: StackInfo) -> None:
    result = doctor(stack, TRIPGATE_METRICS_TOKEN=TOKEN)
    assert result.exit_code == 1
    assert "error   The database takes another TRIPGATE_METRICS_TOKEN, or none. Keep the SHA-256" in result.output
    assert TOKEN not in result.output


def test_without_one_nobody_asks(stack: StackInfo) -> None:
    assert "jobs" not in doctor(stack).output


def test_a_kind_that_nobody_does_is_told_while_there_are_jobs_of_it(stack: StackInfo, db: psycopg.Connection) -> None:
    def said() -> list[str]:
        output = doctor(stack, TRIPGATE_DOCTOR_DATABASE_URL=stack.admin_db_url).output
        return [line for line in output.splitlines() if "Nobody does" in line]

    todo = "Deploy the Edge Function that does it and name it in private.task_kinds: docs/jobs.md."
    assert said() == []
    for number in (1, 2):
        db.execute("select private.enqueue('remove_doctored', %s, '{}')", (f"user:{number}",))
    db.execute("select private.enqueue('tidy_doctored', 'user:1', '{}')")
    try:
        assert said() == [
            f"  warning Nobody does remove_doctored: 2 jobs of it wait, untried. {todo}",
            f"  warning Nobody does tidy_doctored: 1 job of it waits, untried. {todo}",
        ]
        db.execute(
            "insert into private.task_kinds values ('remove_doctored', 'doctored'), ('tidy_doctored', 'doctored')"
        )
        assert said() == []
    finally:
        db.execute("delete from private.tasks where kind like '%_doctored'")
        db.execute("delete from private.task_kinds where kind like '%_doctored'")

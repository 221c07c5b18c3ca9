"""The doctor says whether the database tells its numbers of jobs, where a token is set."""

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

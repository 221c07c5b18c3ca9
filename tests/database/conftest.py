"""One transaction a test, always rolled back, on a database with the platform and every schema file applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import psycopg
import pytest

from tests.database.callers import World

if TYPE_CHECKING:
    from collections.abc import Iterator


class Database(Protocol):
    """What these tests need of the running stack."""

    @property
    def admin_db_url(self) -> str: ...


@pytest.fixture
def db(stack: Database) -> Iterator[psycopg.Connection]:
    """A superuser's connection, on which nothing is found by luck: every name needs its schema."""
    with psycopg.connect(stack.admin_db_url) as connection:
        connection.execute("set local search_path = ''")
        yield connection
        connection.rollback()


@pytest.fixture
def world(db: psycopg.Connection) -> World:
    return World(db)

"""One transaction a test, always rolled back, on a database with the platform and every schema file applied.

The people whose rows many tests are about are made once for those of a file that follow each other: their transaction
stays open, and each test gets a savepoint of it. Each file is a group by itself, which any worker may run.
"""

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


class _People:
    """The people of the tests that run one after the other, in a transaction that is never committed."""

    def __init__(self) -> None:
        self._world: World | None = None

    def world(self, url: str) -> World:
        """Theirs, made now if there are none."""
        if self._world is None:
            connection = psycopg.connect(url, prepare_threshold=None)
            connection.execute("set local search_path = ''")
            self._world = World(connection)
        return self._world

    def leave(self) -> None:
        """Nothing waits for them any more."""
        if self._world is not None:
            self._world.db.close()
            self._world = None


_PEOPLE = _People()


@pytest.fixture(autouse=True)
def _nobody_waits(request: pytest.FixtureRequest) -> None:
    if "world" not in request.fixturenames:
        _PEOPLE.leave()


@pytest.fixture(scope="module", autouse=True)
def _nobody_stays() -> Iterator[None]:
    yield
    _PEOPLE.leave()


@pytest.fixture
def db(request: pytest.FixtureRequest, stack: Database) -> Iterator[psycopg.Connection]:
    """A superuser's connection, on which nothing is found by luck: every name needs its schema."""
    if "world" in request.fixturenames:
        connection = _PEOPLE.world(stack.admin_db_url).db
        with connection.transaction(force_rollback=True):
            yield connection
    else:
        with psycopg.connect(stack.admin_db_url) as connection:
            connection.execute("set local search_path = ''")
            yield connection
            connection.rollback()


@pytest.fixture
def world(db: psycopg.Connection, stack: Database) -> World:
    """Two people with one row in every table each, and two who are on the trip of the first."""
    people = _PEOPLE.world(stack.admin_db_url)
    # A module may have a database of its own.
    return people if people.db is db else World(db)

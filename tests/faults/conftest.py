"""Somebody at a stack whose servers stay as they are: what stands between them and the gateway fails."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.support import Person, serving
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="session")
def info(seeded: StackInfo) -> StackInfo:
    """The stack's addresses and keys."""
    return seeded


@pytest.fixture(scope="session")
async def somebody(http: aiohttp.ClientSession, info: StackInfo) -> AsyncGenerator[Person, None]:
    """Somebody with an account, at a gateway with nothing special about it."""
    async with serving(info) as url:
        yield await Person(http, url).sign_up()


@dataclass
class Database:
    """The database behind the API's back."""

    url: str

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def waiting(self, table: str = "") -> int:
        """How many statements wait for a lock; only those that name the table in quotes, as PostgREST's reads do."""
        count = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like %s"
        return int(self.rows(count, f'%"{table}"%' if table else "%")[0][0])

    def trips(self, title: str) -> int:
        """How many trips are called so."""
        return int(self.rows("select count(*) from public.trips where title = %s", title)[0][0])


@pytest.fixture(scope="session")
def database(info: StackInfo) -> Database:
    """The stack's database."""
    return Database(info.admin_db_url)


@asynccontextmanager
async def locked(database: Database, table: str) -> AsyncIterator[None]:
    """While this lasts, whoever reads or writes the table waits, unless the server ends before."""
    connection = await psycopg.AsyncConnection.connect(database.url)
    try:
        await connection.execute(f"lock table {table} in access exclusive mode")
        yield
    finally:
        with suppress(psycopg.OperationalError):
            await connection.rollback()
        await connection.close()

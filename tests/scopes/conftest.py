"""A gateway over the tables of `project`, in a program of its own, which caches answers."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.live.clients import Live
from tests.sql_wire import watched
from tests.support import Person, Wire, project_stack
from tripgate.local.postgrest import POOL
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """An embedded Supabase with the tables of `project`."""
    with project_stack("tests.scopes", tmp_path_factory.mktemp("scopes")) as found:
        yield found


@pytest.fixture(scope="package")
async def upstream(shared: StackInfo) -> AsyncIterator[tuple[Wire, dict[str, str]]]:
    """What the gateway asks, and its settings for that."""
    async with watched(shared) as found:
        yield found


@pytest.fixture(scope="package")
def wire(upstream: tuple[Wire, dict[str, str]]) -> Wire:
    """What the gateway asks."""
    return upstream[0]


@pytest.fixture(scope="package")
def gateway(shared: StackInfo, upstream: tuple[Wire, dict[str, str]]) -> Iterator[str]:
    """The address of the gateway."""
    settings = {
        "SUPABASE_URL": shared.api_url,
        "SUPABASE_PUBLISHABLE_KEY": shared.publishable_key,
        "upstream_pool": POOL,
        "rate_limits": False,
        "cache": True,
        "development": True,
        **upstream[1],
    }
    command = [sys.executable, "-m", "tests.kinds.served", "tests.scopes.declared"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
        yield process.stdout.readline().strip()
        process.stdin.close()


@dataclass
class Neighbours:
    """Two people, a club that is the one's, and a room in which the other is a guest."""

    one: Person
    other: Person
    club: str
    room: str
    database: psycopg.Connection
    wire: Wire

    def sql(self, statement: str, *values: Any) -> None:
        """Do something past the gateway."""
        self.database.execute(statement, values)

    def joins_club(self, person: Person) -> None:
        self.sql("insert into public.club_members (club_number, user_id) values (%s, %s)", self.club, person.id)

    def joins_room(self, person: Person) -> None:
        self.sql("insert into public.room_guests (room_code, user_id) values (%s, %s)", self.room, person.id)

    async def until_following(self, connection: Live, *subscriptions: str) -> None:
        """Subscriptions say nothing when they begin, so provoke them until they answer, and hear them out."""
        for id_ in subscriptions:
            for _ in range(40):
                self.sql("update public.clubs set title = title where number = %s", self.club)
                self.sql("update public.club_events set title = title where club_number = %s", self.club)
                self.sql("update meetings.club_events set title = title where club_number = %s", self.club)
                self.sql("update public.rooms set title = title where code = %s", self.room)
                self.sql("update public.room_notes set words = words where room_code = %s", self.room)
                self.sql("update public.reminders set words = words")
                self.sql("update household.couples set name = name")
                with suppress(TimeoutError):
                    await connection.event(id_, 0.2)
                    break
        for id_ in subscriptions:
            with suppress(TimeoutError):
                while True:
                    await connection.event(id_, 0.3)

    def leaves_club(self, person: Person) -> None:
        self.sql("delete from public.club_members where club_number = %s and user_id = %s", self.club, person.id)


@pytest.fixture(scope="package")
def numbers() -> Iterator[int]:
    """Keys that no float holds."""
    return iter(range(9_007_199_254_740_993, 9_007_199_254_750_993, 2))


@pytest.fixture
async def neighbours(
    http: aiohttp.ClientSession, shared: StackInfo, gateway: str, wire: Wire, numbers: Iterator[int]
) -> AsyncIterator[Neighbours]:
    """Of each test's own."""
    one, other = await Person(http, gateway).sign_up(), await Person(http, gateway).sign_up()
    number = next(numbers)
    room = f'no. {number}: "left", (the) é & 100 %'
    with psycopg.connect(shared.admin_db_url, autocommit=True) as database:
        made = Neighbours(one, other, str(number), room, database, wire)
        made.sql("insert into public.clubs (number, user_id, title) values (%s, %s, 'Chess')", number, one.id)
        made.sql("insert into public.rooms (code, title) values (%s, 'Attic')", room)
        made.sql("insert into public.club_events (club_number, title) values (%s, 'Opening')", number)
        made.sql("insert into meetings.club_events (club_number, title) values (%s, 'Opening')", number)
        made.sql("insert into public.room_notes (code, room_code, words) values (%s, %s, 'Welcome')", room, room)
        made.sql("insert into public.reminders (user_id, words) values (%s, 'Wake up')", one.id)
        made.joins_room(other)
        yield made

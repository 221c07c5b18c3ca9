"""The primary dies and a standby takes over: reads straight from Postgres go on there, and nowhere else."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.support import Person, reading, serving
from tripgate.gateway.settings import SettingsError
from tripgate.local.ports import free_port
from tripgate.local.postgres import SUPERUSER, Postgres
from tripgate.local.process import ServerProcess, Supervisor
from tripgate.local.stack import Stack, StackInfo
from tripgate.local.system_user import make_private

READ = "{ trips { nodes { title } } }"
SECONDS = 15


@dataclass
class Clusters:
    """Copies of the stack's database, which is left alone."""

    origin: Postgres
    folder: Path
    supervisor: Supervisor
    servers: dict[int, tuple[Postgres, ServerProcess]] = field(default_factory=dict)

    def copy(self, of: Postgres, port: int, *, standby: bool) -> Postgres:
        """A server with the same data at this port, which goes on by itself or follows the other."""
        data = self.folder / f"data-{port}"
        shutil.rmtree(data, ignore_errors=True)
        made = replace(self.origin, data=data, sockets=self.folder / f"sockets-{port}", port=port)
        make_private(made.data, made.user)
        make_private(made.sockets, made.user)
        argv = [
            str(of.programs / "pg_basebackup"),
            *("--pgdata", str(data), "--host", str(of.sockets), "--port", str(of.port), "--username", SUPERUSER),
            *("--checkpoint=fast", "--wal-method=stream", "--no-sync"),
            *(["--write-recovery-conf"] if standby else []),
        ]
        user = made.user
        as_user = {} if user is None else {"user": user.uid, "group": user.gid, "extra_groups": []}
        subprocess.run(argv, cwd="/", check=True, capture_output=True, **as_user)  # type: ignore[call-overload]
        self.servers[port] = made, made.start(self.supervisor)
        return made

    def kill(self, server: Postgres) -> None:
        """End all of its processes, without a word to its clients."""
        pid = int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGQUIT)
        _, process = self.servers.pop(server.port)
        self.supervisor.forget(process)


def run(server: Postgres, statement: str) -> list[tuple[object, ...]]:
    """What a statement answers the superuser."""
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def clusters(breakable_stack: Stack) -> Iterator[Clusters]:
    """None as yet, and where to make them."""
    origin = breakable_stack._postgres
    assert origin is not None
    with tempfile.TemporaryDirectory(prefix="tripgate-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR)
        supervisor = Supervisor(folder / "logs", lock)
        try:
            yield Clusters(origin, folder, supervisor)
        finally:
            supervisor.stop()
            os.close(lock)


@pytest.fixture
def url(info: StackInfo) -> str:
    """The gateway's login, at the stack's database."""
    return reading(info, "postgres")["database_url"]


@pytest.fixture
async def traveller(somebody: Person) -> Person:
    """Somebody with one trip."""
    person = await somebody.sign_up()
    await person.trip(title="Before")
    return person


def at(url: str, *ports: int, **settings: str) -> str:
    """The login's address, at these ports."""
    found = urlsplit(url)
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    query = "&".join(f"{name}={value}" for name, value in settings.items())
    return f"postgresql://{found.username}:{found.password}@{hosts}/postgres" + (f"?{query}" if query else "")


async def title(person: Person) -> str:
    """The title of their trip, or the code of what they are told."""
    _, body = await person.post(READ)
    if "errors" in body:
        return str(body["errors"][0]["extensions"]["code"])
    (trip,) = body["data"]["trips"]["nodes"]
    return str(trip["title"])


async def until(person: Person, expected: str) -> None:
    """Ask until that is answered."""
    ends = time.monotonic() + SECONDS
    while (found := await title(person)) != expected:
        assert time.monotonic() < ends, found
        await asyncio.sleep(0.1)


async def test_reads_go_on_at_the_one_that_takes_over(
    clusters: Clusters, info: StackInfo, url: str, traveller: Person
) -> None:
    ports = free_port(), free_port()
    old = clusters.copy(clusters.origin, ports[0], standby=False)
    new = clusters.copy(old, ports[1], standby=True)
    rename = "update public.trips set title = '{}' where title <> ''"
    async with serving(
        info, database_url=at(url, *ports), breaker_seconds=0.3, breaker_failures=3, metrics=True
    ) as address:
        person = Person(traveller.http, address, traveller.token)
        assert await title(person) == "Before"
        run(old, rename.format("Acknowledged"))
        assert await title(person) == "Acknowledged"
        (position,) = run(old, "select pg_current_wal_lsn()")[0]
        while not run(new, f"select pg_last_wal_replay_lsn() >= '{position}'")[0][0]:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)

        clusters.kill(old)
        assert await title(person) == "UPSTREAM_UNAVAILABLE"  # the standby is there, and is not asked
        run(new, "select pg_promote()")
        await until(person, "Acknowledged")

        # It comes back as a standby, and falls behind.
        old = clusters.copy(new, ports[0], standby=True)
        run(old, "select pg_wal_replay_pause()")
        run(new, rename.format("After"))
        run(new, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tripgate_gateway'")
        await until(person, "After")
        assert [await title(person) for _ in range(10)] == ["After"] * 10
        assert run(old, "select distinct title from public.trips") == [("Acknowledged",)]

    # By itself it is not taken, and whoever asks for a primary alone waits for one.
    with pytest.raises(SettingsError, match="The database is a standby"):
        async with serving(info, database_url=at(url, ports[0])):
            pass
    waiting = at(url, ports[0], target_session_attrs="primary")
    async with serving(info, database_url=waiting, breaker_seconds=0.3) as address:
        person = Person(traveller.http, address, traveller.token)
        assert await title(person) == "UPSTREAM_UNAVAILABLE"
        run(old, "select pg_wal_replay_resume()")
        run(old, "select pg_promote()")
        await until(person, "After")


async def test_a_host_that_swallows_all_keeps_nobody_from_the_next(
    info: StackInfo, url: str, traveller: Person
) -> None:
    met = 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal met
        met += 1
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        addresses = at(url, port, urlsplit(url).port or 5432)
        async with serving(info, database_url=addresses, database_pool=5) as address:
            person = Person(traveller.http, address, traveller.token)
            assert await asyncio.gather(*(title(person) for _ in range(20))) == ["Before"] * 20
        assert met == 1  # at the start; the one that was had is tried first from then on
    finally:
        server.close()

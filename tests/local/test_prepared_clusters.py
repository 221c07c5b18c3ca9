"""Clusters that are kept, and the copies with which data directories begin."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.local.conftest import open_directory
from tripgate.local import binaries, database, prepared_clusters
from tripgate.local.errors import LocalStackError
from tripgate.local.ports import free_port
from tripgate.local.postgres import Postgres
from tripgate.local.process import Supervisor
from tripgate.local.system_user import make_private, server_user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = "create table public.notes (id int primary key); insert into public.notes values (1);"
SECRET = "select vault.create_secret('of the project', 'it');"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the server's user gets to."""
    with open_directory() as folder:
        yield folder


@pytest.fixture(scope="module")
def bare() -> Iterator[Path]:
    """A folder of kept clusters in which the one is that holds the platform's SQL alone."""
    with open_directory() as folder:
        prepared_clusters.make(cluster(folder, "first"), home=folder / "kept")
        yield folder / "kept"


@pytest.fixture
def begun(home: Path, bare: Path) -> Path:
    """A folder like `home`, whose kept clusters are a copy of those."""
    subprocess.run(["cp", "-a", str(bare), str(home / "kept")], check=True)
    return home


def cluster(home: Path, name: str) -> Postgres:
    user = server_user()
    return Postgres(
        binaries.postgres_bin(user), home / name, home / f"{name}.run", free_port(), user, secrets.token_hex(32)
    )


def sql(home: Path, text: str) -> Path:
    file = home / "schema.sql"
    file.write_text(text)
    return file


@contextlib.contextmanager
def running(postgres: Postgres) -> Iterator[psycopg.Connection]:
    lock = os.open(postgres.sockets.with_suffix(".lock"), os.O_CREAT | os.O_RDWR)
    supervisor = Supervisor(postgres.sockets.with_suffix(".logs"), lock)
    try:
        postgres.start(supervisor)
        with psycopg.connect(postgres.admin_url(), autocommit=True) as connection:
            yield connection
    finally:
        supervisor.stop()
        os.close(lock)


def kept(home: Path) -> list[str]:
    """The kept clusters, the last used last."""
    clusters = [path for path in (home / "kept").iterdir() if path.is_dir()]
    return [path.name for path in sorted(clusters, key=lambda path: path.stat().st_mtime)]


def test_what_is_asked_for_twice_is_copied_the_third_time_and_each_copy_is_its_own(home: Path) -> None:
    file = sql(home, TABLE)
    made = [prepared_clusters.make(cluster(home, f"made{n}"), [file], home=home / "kept") for n in range(2)]
    assert made == [(True, False), (True, True)]
    assert len(kept(home)) == 2
    one, other = cluster(home, "made1"), cluster(home, "other")
    assert prepared_clusters.make(other, [file], home=home / "kept") == (True, True)
    with running(one) as connection, running(other) as another:
        database.make_own(one, {"authenticator": "first"})
        database.make_own(other, {"authenticator": "second"})
        connection.execute("insert into public.notes values (2)")
        assert another.execute("select id from public.notes").fetchall() == [(1,)]
        psycopg.connect(other.tcp_url("authenticator", "second")).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(other.tcp_url("authenticator", "first"))
        # What one has encrypted the other one's key does not read.
        connection.execute(SECRET)
        assert connection.execute("select decrypted_secret from vault.decrypted_secrets").fetchone() == (
            "of the project",
        )
    assert not any((home / "kept").rglob("vault.key"))


def test_a_project_whose_sql_makes_secrets_is_applied_to_each_anew(begun: Path) -> None:
    file = sql(begun, SECRET)
    for n in range(3):
        assert prepared_clusters.make(cluster(begun, f"made{n}"), [file], home=begun / "kept") == (True, False)
    assert len(kept(begun)) == 1


def test_other_sql_is_another_cluster_and_those_used_longest_ago_go(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_clusters, "KEPT", 2)
    seen = []
    for n in range(2):
        file = sql(begun, f"{TABLE} -- {n}")
        for again in range(2):
            prepared_clusters.make(cluster(begun, f"made{n}{again}"), [file], home=begun / "kept")
            seen.append(set(kept(begun)))
            time.sleep(0.01)
    bare, first, _, second = seen
    assert [len(each) for each in seen] == [1, 2, 2, 2]
    assert first > bare
    assert second > bare
    assert second != first


def test_many_processes_at_once_make_one(home: Path) -> None:
    script = """if True:
        import secrets, sys
        from pathlib import Path
        from tripgate.local import binaries, prepared_clusters
        from tripgate.local.postgres import Postgres
        from tripgate.local.system_user import server_user
        home, name, user = Path(sys.argv[1]), sys.argv[2], server_user()
        run = home / f"{name}.run"
        made = Postgres(binaries.postgres_bin(user), home / name, run, 0, user, secrets.token_hex(32))
        print(prepared_clusters.make(made, home=home / "kept"))
    """
    with ThreadPoolExecutor() as pool:

        def run(name: str) -> str:
            argv = [sys.executable, "-c", script, str(home), name]
            return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

        assert set(pool.map(run, ("one", "two", "three"))) == {"(True, True)\n"}
    assert len(kept(home)) == 1
    for name in ("one", "two", "three"):
        assert (home / name / "PG_VERSION").exists()


def test_what_was_left_unfinished_is_made_anew(begun: Path) -> None:
    (bare,) = kept(begun)
    (begun / "kept" / bare).rename(begun / "kept" / f"{bare}.new")
    assert prepared_clusters.make(cluster(begun, "first"), home=begun / "kept") == (True, True)
    assert kept(begun) == [bare]


def test_a_mistake_in_the_sql_is_told_as_without_them_and_nothing_is_kept_of_it(begun: Path) -> None:
    file = sql(begun, "create table public.notes (id int);\ncreate tabel x;")
    assert prepared_clusters.make(cluster(begun, "first"), [file], home=begun / "kept") == (True, False)
    for _ in range(2):
        with pytest.raises(LocalStackError, match=r'schema\.sql, line 2: syntax error at or near "tabel"'):
            prepared_clusters.make(cluster(begun, "second"), [file], home=begun / "kept")
    assert len(kept(begun)) == 1


def test_where_none_can_be_kept_the_cluster_is_made(home: Path) -> None:
    (home / "file").write_text("")
    made = cluster(home, "made")
    assert prepared_clusters.make(made, home=home / "file") == (False, False)
    make_private(made.sockets, made.user)
    with running(made) as connection:
        assert connection.execute("select 1").fetchone() == (1,)

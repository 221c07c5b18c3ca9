"""A temporary cluster for databases that are looked at and thrown away.

Takes SQL files; gives connection strings of databases that hold the platform and those files, applied as the role that
owns them on the platform; raises LocalStackError that names file and line of a mistake. Leaving removes everything.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from tripgate.local import binaries, catalog, database, keys, prepared_clusters
from tripgate.local.data_dir import DataDir, remove_tree
from tripgate.local.errors import LocalStackError
from tripgate.local.ports import on_free_port
from tripgate.local.postgres import DATABASE, Postgres, socket_directory
from tripgate.local.process import Supervisor
from tripgate.local.system_state import cluster_directory
from tripgate.local.system_user import server_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tripgate.local.catalog import Catalog

# Where the cluster lies: in the system's folder of temporary files, unless another one is named, which all may enter.
FOLDER: Path | None = None

# Databases of 10 MB that are kept for copies, beside what is being made.
_TEMPLATES = 16

# What a hosted project does not begin with; the project's own SQL makes it.
_AS_HOSTED = "drop schema if exists private cascade"

# Older projects grant everything on whatever is made in schema public; newer ones grant nothing.
_OPEN_GRANTS = """\
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on routines to anon, authenticated, service_role;
"""


class Scratch:
    """Makes databases in one running cluster; `scratch` starts it."""

    def __init__(self, postgres: Postgres, password: str) -> None:
        self._postgres = postgres
        self._password = password
        self._made = 0
        # By what they hold, the databases that nobody is connected to, so that others can be copies of them.
        self._templates: dict[tuple[bool, tuple[bytes, ...]], str] = {}
        self._described: dict[str, Catalog] = {}
        # Copies that tasks were given: of this one, and of those before.
        self._given: list[str] | None = None
        self._spent: list[str] = []
        with psycopg.connect(postgres.admin_url(), autocommit=True) as connection:
            connection.execute(_AS_HOSTED)

    def database(self, files: Iterable[Path] = (), *, open_grants: bool = False) -> str:
        """The connection string of a new database with `files` applied; what an earlier one begins with is copied.

        `open_grants` makes it like an older project, where the API's roles get every right on a new table.
        """
        name = self._copy(self._template(list(files), open_grants=open_grants))
        if self._given is not None:
            self._given.append(name)
        return self._url(name)

    def readable(self, files: Iterable[Path] = ()) -> str:
        """The connection string of a database for reading alone, which is left before anything else is asked for."""
        return self._url(self._template(list(files), open_grants=False))

    @contextlib.contextmanager
    def task(self) -> Iterator[None]:
        """What `database` gives here is needed in here alone.

        It is dropped when another task begins: after the last one the whole cluster goes at once.
        """
        self._drop()
        self._given = []
        try:
            yield
        finally:
            self._spent, self._given = self._given, None

    def _drop(self) -> None:
        """Drop what tasks have left, and what has not been asked for in a while."""
        old = list(self._templates.items())[:-_TEMPLATES]
        for key, name in old:
            del self._templates[key]
            self._described.pop(name, None)
        with psycopg.connect(self._in(self._postgres.admin_url(), "template1"), autocommit=True) as connection:
            for name in (*self._spent, *(name for _, name in old)):
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        self._spent = []

    def as_admin(self, url: str) -> str:
        """The connection string of a database of this cluster for its superuser."""
        return self._in(self._postgres.admin_url(), url.partition("?")[0].rpartition("/")[2])

    def describe(self, files: Iterable[Path] = (), *, open_grants: bool = False) -> Catalog:
        """What such a database consists of, found once however often it is asked for."""
        name = self._template(list(files), open_grants=open_grants)
        if name not in self._described:
            self._described[name] = catalog.describe(self._url(name))
        return self._described[name]

    def _template(self, files: list[Path], *, open_grants: bool) -> str:
        """The name of a database that holds these files: a copy of the one that holds most of them, and the rest."""
        texts = tuple(file.read_bytes() for file in files)
        for count in range(len(files), -1, -1):
            known = self._templates.pop((open_grants, texts[:count]), None)
            if known is not None:
                # Those that were asked for last stand last.
                self._templates[open_grants, texts[:count]] = known
            if known is not None or count == 0:
                break
        if known is not None and count == len(files):
            return known
        name = self._copy(known or DATABASE)
        if known is None and open_grants:
            with psycopg.connect(self._in(self._postgres.admin_url(), name), autocommit=True) as connection:
                connection.execute(_OPEN_GRANTS)
        database.apply(self._url(name), files[count:])
        self._templates[open_grants, texts] = name
        return name

    def _copy(self, template: str) -> str:
        """The name of a new database that holds what the template does."""
        self._made += 1
        name = f"scratch_{self._made}"
        with psycopg.connect(self._in(self._postgres.admin_url(), "template1"), autocommit=True) as connection:
            # As files, which takes a third of what copying through the log does where nothing waits for a disk.
            make = "create database {} template {} owner {} strategy file_copy"
            names = (sql.Identifier(each) for each in (name, template, database.OWNER))
            connection.execute(sql.SQL(make).format(*names))
            # Settings of a database are not copied with it.
            connection.execute(sql.SQL("alter database {} set timezone = 'UTC'").format(sql.Identifier(name)))
        return name

    def _url(self, name: str) -> str:
        return self._in(self._postgres.tcp_url(database.OWNER, self._password), name)

    @staticmethod
    def _in(url: str, name: str) -> str:
        address, _, options = url.partition("?")
        return f"{address.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")


@contextlib.contextmanager
def scratch() -> Iterator[Scratch]:
    """Start a temporary cluster; leaving stops and removes it. Raises LocalStackError."""
    home = Path(tempfile.mkdtemp(prefix="tripgate-scratch-", dir=FOLDER))
    # The server may run as another user, who must get through to its files.
    home.chmod(0o755)
    try:
        data_dir = DataDir(home / "data")
        user = server_user()
        cluster = cluster_directory(data_dir, user)
        sockets = socket_directory(data_dir, user, None)
        secrets = keys.load_or_create(data_dir.keys)
        supervisor = Supervisor(data_dir.logs, data_dir.lock)
        try:
            programs = binaries.postgres_bin(user)
            new = Postgres(programs, cluster, sockets, 0, user, secrets.vault_key)
            has_platform, _ = prepared_clusters.make(new)
            postgres = on_free_port(lambda port: _started(replace(new, port=port), supervisor), None)
            if not has_platform:
                database.apply_platform(postgres)
            database.make_own(postgres, secrets.passwords)
            yield Scratch(postgres, secrets.passwords[database.OWNER])
        except psycopg.OperationalError as error:
            raise LocalStackError(f"The temporary database failed: {error}") from error
        finally:
            supervisor.stop()
            data_dir.release()
            remove_tree(cluster)
            remove_tree(sockets)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _started(postgres: Postgres, supervisor: Supervisor) -> Postgres:
    postgres.start(supervisor)
    return postgres


class SessionScratch:
    """A temporary cluster for tasks that come now and then: started for the first one, and anew where it has failed."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._server: Scratch | None = None

    @contextlib.contextmanager
    def lent(self) -> Iterator[Scratch]:
        """The cluster, for one task. Raises LocalStackError."""
        if self._server is None:
            self._server = self._stack.enter_context(scratch())
        try:
            yield self._server
        except psycopg.OperationalError as error:
            self.close()
            raise LocalStackError(f"The temporary database failed: {error}") from error

    def close(self) -> None:
        """Stop and remove it, if it was started."""
        self._server = None
        self._stack.close()

"""A real PgBouncer for the tests: the program, found or fetched once into the user's cache, and a server of it.

In this order: what `TRIPGATE_PGBOUNCER` names; `pgbouncer` on PATH; Debian's package, fetched by apt-get and unpacked
without root.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.programs import Program, fetch, kept_or_fetched, unpacked
from tripgate.local.process import Supervisor, wait_until
from tripgate.local.system_user import server_user

_SETTINGS = """\
[databases]
postgres = host={host} port={port} dbname={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 100
server_round_robin = 1
{user}"""


class NoPgbouncerError(Exception):
    """There is no PgBouncer here and none could be fetched; the message says what to do."""


@contextmanager
def pgbouncer(url: str, mode: str, *, size: int) -> Iterator[str]:
    """The address by which the same login comes to the same database through a pooler, while it runs.

    Args:
        mode: `session` or `transaction`.
        size: Connections to Postgres at most. With every transaction the next of them is taken.
    """
    into = conninfo_to_dict(url)
    with tempfile.TemporaryDirectory(prefix="tripgate-") as name:
        folder, user = Path(name), server_user()
        port = _free_port()
        # It loads its libraries first, which that user may not be able to reach.
        runs_as = f"user = {user.name}\n" if user is not None else ""
        where = {"host": into["host"], "port": into["port"], "database": into["dbname"], "own_port": port}
        (folder / "pgbouncer.ini").write_text(
            _SETTINGS.format(**where, folder=folder, mode=mode, size=size, user=runs_as)
        )
        (folder / "users.txt").write_text(f'"{into["user"]}" "{into["password"]}"\n')
        if user is not None:
            for path in (folder, *folder.iterdir()):
                os.chown(path, user.uid, user.gid)
        found = program()
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR)
        supervisor = Supervisor(folder / "logs", lock)
        address = url.replace(f":{into['port']}/", f":{port}/")
        try:
            argv = [str(found.path), str(folder / "pgbouncer.ini")]
            process = supervisor.start("pgbouncer", argv, env=found.environment())
            wait_until(lambda: _answers(address), process, seconds=10, what="PgBouncer")
            yield address
        finally:
            supervisor.stop()
            os.close(lock)


def program() -> Program:
    """The program.

    Raises:
        NoPgbouncerError: There is none and none could be fetched.
    """
    named = os.environ.get("TRIPGATE_PGBOUNCER") or shutil.which("pgbouncer")
    if named:
        return Program(Path(named))
    ways = ((_in_debian, lambda root: fetch("pgbouncer", root), "pgbouncer-debian"),)
    found_or_why = kept_or_fetched("pgbouncer", ways)
    if isinstance(found_or_why, Program):
        return found_or_why
    raise NoPgbouncerError(
        f"Install pgbouncer, or name one in TRIPGATE_PGBOUNCER; none could be fetched:\n{found_or_why}"
    )


def _in_debian(root: Path) -> Program:
    return unpacked(root, "usr/sbin/pgbouncer")


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

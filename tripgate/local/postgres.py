"""One Postgres cluster: made by initdb, tuned for development, started and watched.

Takes the paths that the stack chose; gives connection strings; refuses to start where another server uses the cluster.
Databases sort text by code point (`C.UTF-8`), alike on every system; a hosted project usually sorts by `en_US.UTF-8`.
"""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

from tripgate.local import extensions
from tripgate.local.data_dir import is_alive, remove_tree
from tripgate.local.errors import LocalStackError
from tripgate.local.process import wait_until
from tripgate.local.system_user import SystemUser, make_private

if TYPE_CHECKING:
    from tripgate.local.data_dir import DataDir
    from tripgate.local.process import ServerProcess, Supervisor

SUPERUSER = "supabase_admin"
DATABASE = "postgres"
START_SECONDS = 60.0
# What a server that was killed leaves for a moment: its processes, which hold its memory until they notice.
LEFT = "pre-existing shared memory block"
LEFT_SECONDS = 10.0
# A socket's whole path may have 103 bytes on macOS, 107 on Linux; `/.s.PGSQL.54321` is a part of it.
SOCKET_DIRECTORY_LIMIT = 86
# Above what any system gives to a process.
NO_PROCESS = 99_999_999
# Fast shutdown ends the sessions; immediate shutdown leaves the rest to crash recovery.
STOP: tuple[tuple[str, float], ...] = (("SIGINT", 6.0), ("SIGQUIT", 3.0))

INITDB = (
    f"--username={SUPERUSER}",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
)

# fsync is off: a killed process loses nothing, since the kernel has the writes; a power cut may cost the data.
SETTINGS = """\
# Written by Tripgate at each start.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 80
shared_buffers = 128MB
fsync = off
full_page_writes = off
wal_level = logical
max_wal_senders = 10
max_replication_slots = 20
max_wal_size = 512MB
min_wal_size = 80MB
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, mdy'
default_text_search_config = 'pg_catalog.english'
lc_messages = 'C'
log_min_messages = warning
log_line_prefix = '%m [%p] %q%u '
logging_collector = off
jit = off
extension_control_path = '{extensions}:$system'
"""

# Beside the database's files, where SQL does not lead and no dump goes: what Vault's secrets are encrypted with.
VAULT_KEY = "vault.key"

# The socket lies in a directory that only the server's user may enter, so whoever reaches it may be trusted.
ACCESS = """\
# Written by Tripgate at each start.
local all all trust
local replication all trust
host all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Postgres:
    """A cluster at `data`, with its Unix socket in `sockets` and a TCP port on 127.0.0.1."""

    programs: Path
    data: Path
    sockets: Path
    port: int
    user: SystemUser | None
    vault_key: str = field(repr=False)

    def admin_url(self) -> str:
        """Connection string of the superuser, over the socket."""
        return self.socket_url(SUPERUSER)

    def socket_url(self, role: str) -> str:
        """Connection string of any role, over the socket."""
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(self.sockets), safe='')}&port={self.port}"

    def tcp_url(self, role: str, password: str) -> str:
        """Connection string of a role with a password, over TCP."""
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def initialise(self) -> None:
        """Make an empty cluster, in place of an unfinished one."""
        remove_tree(self.data)
        make_private(self.data, self.user)
        try:
            self.run("initdb", f"--pgdata={self.data}", *INITDB)
        except OSError as error:
            raise LocalStackError(f"The database could not be made in {self.data}:\n{error}") from error

    def run(self, program: str, *arguments: str) -> None:
        """Run one of Postgres' programs as the server's user. Raises OSError with what it says."""
        result = subprocess.run(  # noqa: S603 (own command line)
            [str(self.programs / program), *arguments],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            user=self.user.uid if self.user else None,
            group=self.user.gid if self.user else None,
            extra_groups=[] if self.user else None,
        )
        if result.returncode != 0:
            raise OSError(result.stdout.strip())

    def start(self, supervisor: Supervisor) -> ServerProcess:
        """Start the server and wait until it answers. Raises LocalStackError, naming the log."""
        self._clear_stale_locks()
        make_private(self.sockets, self.user)
        sockets, folder = (str(path).replace("'", "''") for path in (self.sockets, self.data / extensions.FOLDER))
        settings = SETTINGS.format(port=self.port, sockets=sockets, extensions=folder)
        files = {"postgresql.conf": settings, "pg_hba.conf": ACCESS, VAULT_KEY: self.vault_key}
        for name, text in {**files, **extensions.of(self.programs)}.items():
            path = self.data / name
            for parent in reversed(path.relative_to(self.data).parents[:-1]):
                make_private(self.data / parent, self.user)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
            if self.user:
                os.chown(path, self.user.uid, self.user.gid)
        until = time.monotonic() + LEFT_SECONDS
        while True:
            process = supervisor.start(
                "postgres", [str(self.programs / "postgres"), "-D", str(self.data)], user=self.user, stop=STOP
            )
            try:
                wait_until(self._answers, process, seconds=START_SECONDS, what="Postgres")
            except LocalStackError:
                supervisor.forget(process)
                if LEFT not in process.last_lines() or time.monotonic() > until:
                    raise
                time.sleep(0.2)
                continue
            return process

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.admin_url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _clear_stale_locks(self) -> None:
        """Make Postgres believe that its last server is gone where it cannot tell.

        Its lock files hold a process number, which after a crash may belong to some other program or to a process that
        nobody has buried yet. We hold the lock of the data directory, so a server that still runs is one whose guard
        was killed: it gets a moment to end.
        """
        pid_file = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError):
            first, rest = pid_file.read_text().split("\n", 1)
            pid = int(first)
            deadline = time.monotonic() + 5
            while is_alive(pid) and str(self.data) in _command_line(pid):
                if time.monotonic() > deadline:
                    raise LocalStackError(
                        f"Another Postgres (process {pid}) uses {self.data}: end it, then start again."
                    )
                time.sleep(0.05)
            if is_alive(pid):
                # The rest of the file leads Postgres to the shared memory of sessions that may still be ending.
                pid_file.write_text(f"{NO_PROCESS}\n{rest}")
        for lock in self.sockets.glob(".s.PGSQL.*"):
            lock.unlink()


def _command_line(pid: int) -> str:
    """The command line of a process, empty for a zombie."""
    if sys.platform == "linux":
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        return ""
    argv = ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout  # noqa: S603 (own command line)


def socket_directory(data_dir: DataDir, user: SystemUser | None, last: str | None) -> Path:
    """Where the socket lies: in the data directory, or, if its path is too long for one, in a private temporary one.

    `last` is the answer of the last start, taken again while it is still ours: a crash leaves it behind.
    """
    reachable = user is None or user.can_enter(data_dir.root)
    if reachable and len(os.fsencode(data_dir.run)) <= SOCKET_DIRECTORY_LIMIT:
        return data_dir.run
    owner = user.uid if user else os.geteuid()
    if last is not None:
        with contextlib.suppress(FileNotFoundError):
            entry = os.lstat(last)
            if stat.S_ISDIR(entry.st_mode) and entry.st_uid == owner and stat.S_IMODE(entry.st_mode) == 0o700:
                return Path(last)
    return Path(tempfile.mkdtemp(prefix="tripgate-", dir="/tmp"))

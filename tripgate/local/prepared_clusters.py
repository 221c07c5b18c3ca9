"""Clusters that are ready to be copied, since to copy one takes a tenth of what making it does.

Kept for all data directories of this user: one with the platform's SQL, and one for each project whose SQL was asked
for twice. Nothing in them is secret or anybody's own: passwords, keys and seeds come to the copies. A cluster that
cannot be kept is made where it is wanted. Raises LocalStackError that names file and line of a mistake in SQL.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import platform
import secrets
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tripgate.local import binaries, database, extensions
from tripgate.local.data_dir import remove_tree
from tripgate.local.ports import on_free_port
from tripgate.local.postgres import INITDB, SETTINGS, VAULT_KEY, Postgres
from tripgate.local.process import Supervisor
from tripgate.local.system_state import SYSTEM_STATE, make_directory
from tripgate.local.system_user import make_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tripgate.local.system_user import SystemUser

# Each takes some 45 MB.
KEPT = 4
# Whoever asks once in so long gains nothing by a kept cluster.
ASKED_AGAIN_SECONDS = 7 * 86_400
_NOTE = ".asked"
_UNFIT = "Its SQL makes secrets.\n"


def folder(user: SystemUser | None) -> Path:
    """Where they are kept: in this user's cache; as root, where `user` gets to what it owns."""
    return binaries.user_cache() / "clusters" if user is None else SYSTEM_STATE / "prepared"


def make(postgres: Postgres, files: Sequence[Path] = (), *, home: Path | None = None) -> tuple[bool, bool]:
    """Make a cluster in place of an unfinished one.

    Args:
        postgres: Which one. It is not started.
        files: The project's SQL that it may hold.
        home: The folder of kept clusters, unless it is the user's.

    Returns:
        Whether it holds the platform's SQL by now, and whether it holds the files.
    """
    kept = _Kept(home or folder(postgres.user), postgres)
    try:
        return kept.copy(files)
    except OSError:
        # A full disk, or a folder that may not be written: no start depends on what only saves time.
        postgres.initialise()
        return False, False


class _UnfitError(Exception):
    """What was made must not be copied to others."""


class _Kept:
    """The kept clusters of a folder, for one that is wanted."""

    def __init__(self, home: Path, wanted: Postgres) -> None:
        self._home = home
        self._wanted = wanted

    def copy(self, files: Sequence[Path]) -> tuple[bool, bool]:
        """Make what is wanted as a copy of the kept one that holds most."""
        if self._wanted.user is None:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            make_directory(self._home)
        bare, whole = self._home / self._key(()), self._home / self._key(files)
        if not bare.exists():
            self._keep(bare, ())
        if files and not whole.exists() and self._asked_before(whole):
            self._keep(whole, files, bare)
        with self._lock(fcntl.LOCK_SH):
            found = next((kept for kept in (whole, bare) if kept.exists()), None)
            if found is None:
                self._wanted.initialise()
                return False, False
            os.utime(found)
            _copy(found, self._wanted)
        return True, found == whole

    def _key(self, files: Sequence[Path]) -> str:
        """The name of what holds these files: another one where anything differs that goes into it."""
        digest = hashlib.sha256()
        version = importlib.metadata.version(binaries.POSTGRES_PACKAGE)
        shipped = extensions.of(self._wanted.programs)
        for text in (platform.machine(), version, SETTINGS, *INITDB, *shipped, *shipped.values()):
            digest.update(f"{len(text)} {text}".encode())
        for file in (*database.platform_files(), *files):
            sql = file.read_bytes()
            digest.update(f"{file.name} {len(sql)} ".encode() + sql)
        return digest.hexdigest()[:32]

    @staticmethod
    def _asked_before(kept: Path) -> bool:
        note = kept.with_suffix(_NOTE)
        if note.exists():
            return note.read_text(encoding="utf-8") != _UNFIT
        note.touch()
        return False

    def _keep(self, kept: Path, files: Sequence[Path], bare: Path | None = None) -> None:
        """Make what is to be kept, out of the one with the platform's SQL, unless another process was faster."""
        with self._lock(fcntl.LOCK_EX) as lock:
            if kept.exists():
                return
            # Nobody is told this key: what it encrypts is not kept.
            new = replace(self._wanted, data=kept.with_suffix(".new"), vault_key=secrets.token_hex(32))
            try:
                if begun := bare is not None and bare.exists():
                    _copy(bare, new)
                else:
                    new.initialise()
                with _running(new, lock) as postgres:
                    if not begun:
                        database.apply_platform(postgres)
                    database.apply_project(postgres, files)
                    _refuse_secrets(postgres)
                (new.data / VAULT_KEY).unlink()
                # What starts in weeks to come copy must be whole, power cut or not.
                new.run("initdb", "--sync-only", f"--pgdata={new.data}")
                new.data.rename(kept)
            except _UnfitError:
                kept.with_suffix(_NOTE).write_text(_UNFIT, encoding="utf-8")
            finally:
                remove_tree(new.data)
            self._forget_old()

    def _forget_old(self) -> None:
        """Remove what was used longest ago."""
        kept = sorted((path for path in self._home.iterdir() if path.is_dir()), key=_last_used, reverse=True)
        for path in kept[KEPT:]:
            remove_tree(path)
        for note in self._home.glob(f"*{_NOTE}"):
            if time.time() - _last_used(note) > ASKED_AGAIN_SECONDS:
                note.unlink()

    @contextlib.contextmanager
    def _lock(self, kind: int) -> Iterator[int]:
        """Shared while one is copied, exclusive while one is made or removed. Gives the lock's descriptor."""
        descriptor = os.open(self._home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind)
            yield descriptor
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _running(cluster: Postgres, lock: int) -> Iterator[Postgres]:
    """Run it on any port, and end it in good order: a copy shall have nothing to recover from."""
    with contextlib.ExitStack() as last:
        # As short a path as a socket needs, where the server's user gets to.
        folders = (tempfile.TemporaryDirectory(prefix="tripgate-", dir="/tmp") for _ in range(2))
        logs, sockets = (Path(last.enter_context(folder)) for folder in folders)
        supervisor = Supervisor(logs, lock)
        last.callback(supervisor.stop)

        def start(port: int) -> Postgres:
            postgres = replace(cluster, sockets=sockets, port=port)
            postgres.start(supervisor)
            return postgres

        postgres = on_free_port(start, None)
        yield postgres
        server = supervisor.find("postgres")
        if server is None or server.stop() != 0:
            raise OSError(f"{cluster.data} did not end in good order.")


def _refuse_secrets(postgres: Postgres) -> None:
    """Secrets of Vault can be read by the key alone with which they were made, and each data directory has its own."""
    with psycopg.connect(postgres.admin_url()) as connection:
        if connection.execute("select exists (select from vault.secrets)").fetchone() == (True,):
            raise _UnfitError


def _copy(kept: Path, cluster: Postgres) -> None:
    """Make the cluster a copy. Where the file system can, it shares what it holds until either changes."""
    remove_tree(cluster.data)
    make_private(cluster.data, cluster.user)
    # As root, `cp -a` leaves what it copies to the server's user.
    result = subprocess.run(["cp", "-a", f"{kept}/.", str(cluster.data)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if result.returncode != 0:
        raise OSError(f"{kept} was not copied: {result.stderr.strip()}")


def _last_used(path: Path) -> float:
    return path.stat().st_mtime

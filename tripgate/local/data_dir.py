"""The data directory: one lock, one marker, a few named entries.

Takes the path that the user chose; gives the paths of what lives there and its small state file; refuses a directory
that holds somebody else's files, and one that another stack is using.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from pathlib import Path

MARKER = ".tripgate-data"
LOCK_TIMEOUT_SECONDS = 20.0
_ADVICE = "Put a copy of it back, or start with --fresh, which throws the data away and makes everything anew."


def _is_port(value: object) -> bool:
    return isinstance(value, int) and 0 < value < 65_536


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_fingerprints(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(kind), dict) and all(map(_is_text, value[kind].values()))
        for kind in ("platform", "schemas")
    )


# What the state file holds, and whether a value of each can be one.
_STATE = {
    "postgres_port": _is_port,
    "rest_port": _is_port,
    "realtime_port": _is_port,
    "sockets": _is_text,
    "made_from": _are_fingerprints,
}


class DataDir:
    """Holds the directory's lock from `__init__` to `release`."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.marker = self.root / MARKER
        self._claim()
        self.lock = self._lock()

    # What a stack keeps here; `wipe` removes these and nothing else.
    @property
    def keys(self) -> Path:
        """Signing keys, API keys and database passwords."""
        return self.root / "keys.json"

    @property
    def state(self) -> Path:
        """What the directory was made from, and the ports last used."""
        return self.root / "state.json"

    @property
    def inbox(self) -> Path:
        """The mail that was sent."""
        return self.root / "inbox.jsonl"

    @property
    def logs(self) -> Path:
        """One log for each server."""
        return self.root / "logs"

    @property
    def config(self) -> Path:
        """The configuration files that are written at each start."""
        return self.root / "config"

    @property
    def postgres(self) -> Path:
        """The database cluster, unless the server's user cannot reach this directory."""
        return self.root / "postgres"

    @property
    def storage(self) -> Path:
        """The bytes of the objects in Storage."""
        return self.root / "storage"

    @property
    def run(self) -> Path:
        """The directory of Postgres' Unix socket, unless this path is too long for one."""
        return self.root / "run"

    def read_state(self) -> dict[str, Any]:
        """The state file, empty when there is none. Raises LocalStackError when it cannot be what was written."""
        try:
            state = json.loads(self.state.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            state = None
        if not isinstance(state, dict) or not all(_STATE[name](state[name]) for name in _STATE.keys() & state.keys()):
            raise damaged(self.state)
        return state

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the state file."""
        write_private(self.state, json.dumps(state, indent=2) + "\n")

    def refuse_a_database_alone(self, cluster: Path) -> None:
        """Raise LocalStackError where a file that belongs to the database has been removed from beside it.

        A first start that was interrupted leaves both files, so nothing is made anew that may hold somebody's data.
        """
        for file in (self.keys, self.state):
            if (cluster / "PG_VERSION").exists() and not file.exists():
                raise LocalStackError(f"{file} is missing, without which the database cannot be used. {_ADVICE}")

    def wipe(self) -> None:
        """Remove everything that a stack made here; the lock stays."""
        for path in (self.keys, self.state, self.inbox):
            path.unlink(missing_ok=True)
        for path in (self.logs, self.config, self.postgres, self.run, self.storage):
            remove_tree(path)

    def release(self) -> None:
        """Give the lock back."""
        os.close(self.lock)

    def _claim(self) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise LocalStackError(f"{self.root} is a file; choose another data directory.")
        self.root.mkdir(parents=True, exist_ok=True)
        if not self.marker.exists():
            if any(self.root.iterdir()):
                raise LocalStackError(
                    f"{self.root} holds files that Tripgate did not make; choose an empty or a new data directory."
                )
            self.marker.write_text(
                "Made by Tripgate: the data of one embedded Supabase. Safe to delete when stopped.\n"
            )
        # Keeps the data out of version control wherever the directory lies.
        (self.root / ".gitignore").write_text("*\n")

    def _lock(self) -> int:
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace")
                # After a crash the guards hold the lock while they stop their servers: that is worth a wait.
                if time.monotonic() < deadline and holder.isdigit() and not is_alive(int(holder)):
                    time.sleep(0.05)
                    continue
                os.close(descriptor)
                raise LocalStackError(
                    f"{self.root} is in use by another Tripgate (process {holder or 'unknown'}): "
                    "stop that one or choose another data directory."
                ) from None
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return descriptor


def damaged(file: Path) -> LocalStackError:
    """The error for a file of the data directory that does not hold what was written to it."""
    return LocalStackError(f"{file} is damaged. {_ADVICE}")


def is_alive(pid: int) -> bool:
    """True if a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove_tree(path: Path) -> None:
    """Remove a directory with its contents, a symbolic link only itself, nothing if it is not there."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def write_private(path: Path, text: str) -> None:
    """Replace a file at once; only its owner may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)

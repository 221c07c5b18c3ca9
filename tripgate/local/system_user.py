"""The unprivileged system user that Postgres runs as when we are root (it refuses to run as root).

Gives a `SystemUser`, or None when we are not root; tells what that user can reach; hands paths over to it.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from pathlib import Path

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class SystemUser:
    """A system account without privileges."""

    name: str
    uid: int
    gid: int

    def can_enter(self, directory: Path) -> bool:
        """True if this user may pass through `directory` and everything above it, judged by the permission bits."""
        directory = directory.resolve()
        return all(self._may_search(part.stat()) for part in (directory, *directory.parents))

    def _may_search(self, entry: os.stat_result) -> bool:
        if entry.st_uid == self.uid:
            return bool(entry.st_mode & stat.S_IXUSR)
        if entry.st_gid == self.gid:
            return bool(entry.st_mode & stat.S_IXGRP)
        return bool(entry.st_mode & stat.S_IXOTH)


def server_user() -> SystemUser | None:
    """The account to run Postgres as, or None when this process is not root."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemUser(name, entry.pw_uid, entry.pw_gid)
    raise LocalStackError(
        "Postgres does not run as root and this system has no user `postgres` or `nobody`: run as an ordinary user."
    )


def make_private(directory: Path, user: SystemUser | None) -> None:
    """Create `directory` with mode 0700 for the server's user alone."""
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    if user:
        os.chown(directory, user.uid, user.gid)

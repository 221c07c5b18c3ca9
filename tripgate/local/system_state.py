"""Where root keeps what Postgres' unprivileged user must reach but cannot, below the chosen folders.

Only used as root: a copy of the installation, and the clusters of data directories that lie in private folders. Each
cluster has a note beside it that names its data directory; a cluster whose data directory is gone is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tripgate.local.data_dir import is_alive, remove_tree

if TYPE_CHECKING:
    from tripgate.local.data_dir import DataDir
    from tripgate.local.system_user import SystemUser

SYSTEM_STATE = Path("/var/lib/tripgate")
CLUSTERS = SYSTEM_STATE / "clusters"


def make_directory(directory: Path) -> None:
    """Create a directory below the system's state that everybody may enter, whatever the umask says."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in (directory, *directory.parents):
        if path.is_relative_to(SYSTEM_STATE):
            path.chmod(0o755)


def cluster_directory(data_dir: DataDir, user: SystemUser | None) -> Path:
    """Where the cluster of a data directory lies: in it, or in the system's state where `user` cannot enter it."""
    if user is None or user.can_enter(data_dir.root):
        return data_dir.postgres
    make_directory(CLUSTERS)
    remove_orphans()
    cluster = CLUSTERS / hashlib.sha256(str(data_dir.root).encode()).hexdigest()[:16]
    _note(cluster).write_text(str(data_dir.marker))
    return cluster


def _note(cluster: Path) -> Path:
    return cluster.with_suffix(".of")


def remove_orphans() -> None:
    """Remove the clusters whose data directory is gone."""
    for note in CLUSTERS.glob("*.of"):
        cluster = note.with_suffix("")
        # Another start may be removing the same at this moment.
        with contextlib.suppress(FileNotFoundError):
            if not Path(note.read_text()).exists() and not _is_running(cluster):
                remove_tree(cluster)
                note.unlink()


def _is_running(cluster: Path) -> bool:
    try:
        return is_alive(int((cluster / "postmaster.pid").read_text().splitlines()[0]))
    except (FileNotFoundError, ValueError, IndexError):
        return False

"""Where the tests' own clusters lie: in memory, where there is much of it and they run as root.

Databases are thousands of small files. To make and remove them on a disk takes three times the CPU of doing it in
memory, and the disk has workers wait. Nothing else lies there: Deno reads no folder below `/dev` with a permission for
it alone.
"""

import contextlib
import os
import shutil
from pathlib import Path

import psutil

from tripgate.local import scratch, system_state
from tripgate.local.data_dir import is_alive

MEMORY = Path("/dev/shm")
PREFIX = "tripgate-tests-"
VARIABLE = "TEST_CLUSTERS"
# A whole run keeps some 5 GB until its end.
ENOUGH = 12 * 1024**3


def choose() -> Path | None:
    """Let clusters of this process and of the workers that it starts lie in memory; the folder, if one was made.

    Whoever names a folder by TEST_CLUSTERS has them there. Others than root have them with the rest of their data.
    """
    if VARIABLE in os.environ or os.geteuid() != 0 or not _is_fit():
        return None
    for left in MEMORY.glob(f"{PREFIX}*"):
        if not is_alive(int(left.name.removeprefix(PREFIX))):
            shutil.rmtree(left, ignore_errors=True)
    folder = MEMORY / f"{PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o755)
    # The server runs as another user.
    folder.chmod(0o755)
    os.environ[VARIABLE] = str(folder)
    return folder


def follow() -> None:
    """Keep clusters where the first process chose to."""
    if (folder := os.environ.get(VARIABLE)) is not None:
        system_state.CLUSTERS = Path(folder) / "clusters"
        scratch.FOLDER = Path(folder) / "scratch"
        scratch.FOLDER.mkdir(parents=True, exist_ok=True)
        scratch.FOLDER.chmod(0o755)


def remove(folder: Path) -> None:
    """Give the memory back."""
    shutil.rmtree(folder, ignore_errors=True)
    os.environ.pop(VARIABLE, None)


def _is_fit() -> bool:
    with contextlib.suppress(OSError, AttributeError):
        found = os.statvfs(MEMORY)
        free = min(found.f_bavail * found.f_frsize, psutil.virtual_memory().available)
        return free > ENOUGH and not found.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK)
    return False

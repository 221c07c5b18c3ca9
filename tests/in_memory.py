"""Where tests keep what they throw away: in memory, where there is much of it.

Databases are thousands of small files. To make and remove them on a disk takes three times the CPU of doing it in
memory, and the disk has workers wait.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import psutil

from tripgate.local import system_state
from tripgate.local.data_dir import is_alive

MEMORY = Path("/dev/shm")
PREFIX = "tripgate-tests-"
# A whole run keeps some 5 GB until its end.
ENOUGH = 12 * 1024**3


def choose() -> Path | None:
    """Let temporary files of this process and of those that it starts lie in memory; the folder, if one was made.

    Whoever names a folder by TMPDIR has them there.
    """
    if "TMPDIR" in os.environ or not _is_fit():
        return None
    for left in MEMORY.glob(f"{PREFIX}*"):
        if not is_alive(int(left.name.removeprefix(PREFIX))):
            shutil.rmtree(left, ignore_errors=True)
    folder = MEMORY / f"{PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o755)
    # The server may run as another user.
    folder.chmod(0o755)
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    return folder


def follow() -> None:
    """As root, whose folders Postgres' user does not get to: keep clusters there too."""
    folder = Path(os.environ.get("TMPDIR", "/"))
    if folder.name.startswith(PREFIX):
        system_state.CLUSTERS = folder / "clusters"


def remove(folder: Path) -> None:
    """Give the memory back."""
    shutil.rmtree(folder, ignore_errors=True)
    os.environ.pop("TMPDIR", None)
    tempfile.tempdir = None


def _is_fit() -> bool:
    with contextlib.suppress(OSError, AttributeError):
        found = os.statvfs(MEMORY)
        free = min(found.f_bavail * found.f_frsize, psutil.virtual_memory().available)
        return free > ENOUGH and not found.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK)
    return False

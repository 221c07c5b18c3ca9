"""Makes a folder in the user's cache from npm packages that Deno downloads and checks against a committed lock.

The packages themselves are not kept: what is wanted of them is often a few files. A lock may leave out dependencies
that nothing of this needs; Deno then downloads only what the lock lists.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tripgate.local.binaries import deno, user_cache
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Make = Callable[[Path, Path], None]


def made_from_packages(
    what: str, locked: Path, make: Make, progress: Callable[[str], None], *, recipe: str = ""
) -> Path:
    """The folder that `make` fills, made at the first call on this machine and found at every later one.

    Args:
        what: What is fetched, for people: the folder's name and the word in messages.
        locked: The folder with `deno.json` and `deno.lock`. A change of any file in it makes the folder anew.
        make: Given the folder that holds the packages as `name/version/…`, and an empty one to fill.
        progress: Called when a download starts.
        recipe: What else decides what `make` fills in; another text makes the folder anew, too.

    Raises:
        LocalStackError: The packages could not be fetched, or do not hold what `make` wants.
    """
    cache = user_cache()
    target = cache / f"{what.lower()}-{_digest(locked, recipe)}"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with _file_lock(cache / f"{what.lower()}.lock"):
        if not target.exists():
            progress(f"Fetching {what}, once for all projects")
            try:
                # In the cache, so that the rename stays on one file system.
                with tempfile.TemporaryDirectory(dir=cache) as folder:
                    made = Path(folder, "made")
                    made.mkdir()
                    make(_install(what, locked, Path(folder)), made)
                    made.rename(target)
            except OSError as error:
                raise LocalStackError(f"{what} could not be unpacked into {target}: {error}.") from error
    return target


def _install(what: str, locked: Path, folder: Path) -> Path:
    """Let Deno download the locked packages; the folder that holds them."""
    project, home = folder / "project", folder / "deno"
    shutil.copytree(locked, project)
    result = subprocess.run(  # noqa: S603 (own command line)
        [deno(), "install", "--frozen"],
        cwd=project,
        env={**os.environ, "DENO_DIR": str(home), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # Deno names a folder after the registry, which the user's npm settings choose.
    packages = next((home / "npm").glob("*/"), None)
    if result.returncode != 0 or packages is None:
        raise LocalStackError(f"{what} could not be fetched; check the network:\n{result.stdout.strip()}")
    return packages


def _digest(locked: Path, recipe: str) -> str:
    found = hashlib.sha256(recipe.encode() + b"\0")
    for file in sorted(path for path in locked.iterdir() if path.is_file()):
        found.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()[:12]


@contextlib.contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, so that two first starts side by side do the work once."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

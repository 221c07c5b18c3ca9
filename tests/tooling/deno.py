"""Runs Deno with the npm packages that the lock of `frontend` pins, from the user's cache as all other tests do."""

import os
import subprocess
from pathlib import Path

from tripgate.local.binaries import deno, user_cache

FRONTEND = Path(__file__).with_name("frontend")


def run_deno(folder: Path, *arguments: str) -> str:
    """What Deno prints, run in `folder`. The first run on a machine fetches the packages."""
    run = subprocess.run(
        [deno(), *arguments],
        cwd=folder,
        env={**os.environ, "DENO_DIR": str(user_cache() / "deno"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout

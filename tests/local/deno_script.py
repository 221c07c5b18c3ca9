"""Runs a script of folder `javascript` under Deno, with the packages that its lock pins."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tripgate.local.binaries import deno, user_cache

SCRIPTS = Path(__file__).with_name("javascript")


def run_script(name: str, *arguments: str) -> dict[str, Any]:
    """What the script prints last, as JSON. The first run on a machine fetches the packages into the user's cache."""
    command = [deno(), "run", "--frozen", "--no-prompt", "--allow-env", "--allow-net=127.0.0.1"]
    run = subprocess.run(
        [*command, str(SCRIPTS / name), *arguments],
        cwd=SCRIPTS,
        env={
            **os.environ,
            "DENO_DIR": str(user_cache() / "deno"),
            "NO_COLOR": "1",
            "DENO_NO_UPDATE_CHECK": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found

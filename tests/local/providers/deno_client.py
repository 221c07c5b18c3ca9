"""Runs a vendor's own client library under Deno, with the packages that its folder's lock pins."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

from tripgate.local.binaries import deno, user_cache

if TYPE_CHECKING:
    from pathlib import Path


async def script(file: Path, *arguments: str) -> Any:
    """What a script prints last, as JSON."""
    process = await asyncio.create_subprocess_exec(
        *(str(deno()), "run", "--frozen", "--no-prompt", "--allow-env", "--allow-sys"),
        *("--allow-net=127.0.0.1,localhost", str(file), *arguments),
        cwd=file.parent,
        env={**os.environ, "DENO_DIR": str(user_cache() / "deno"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, wrong = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, wrong.decode()
    return json.loads(out.decode().splitlines()[-1])

"""The public audit suite of GraphQL over HTTP, that of npm package `graphql-http`, against a gateway that takes GET."""

import asyncio
import json
import re
from pathlib import Path

from tests.support import serving
from tests.tooling.deno import run_deno
from tripgate.local.stack import StackInfo

SCRIPTS = Path(__file__).with_name("javascript")


async def test_every_check_passes(seeded: StackInfo) -> None:
    async with serving(seeded, get_queries=True, introspection=True) as url:
        run = ("run", "--frozen", "--no-prompt", "--allow-env", "--allow-net=127.0.0.1", "audits.js")
        output = await asyncio.to_thread(run_deno, SCRIPTS, *run, url)
    found = json.loads(output.splitlines()[-1])
    assert [check for check in found if check["status"] != "ok"] == []
    assert len(found) == 60


def test_the_packages_are_pinned_by_version_and_digest() -> None:
    text = (SCRIPTS / "deno.lock").read_text()
    lock = json.loads(text)
    assert set(json.loads((SCRIPTS / "deno.json").read_text())["imports"].values()) == set(lock["specifiers"])
    assert all(re.search(r"@\d+\.\d+\.\d+$", each) for each in lock["specifiers"])
    assert all(package["integrity"].startswith("sha512-") for package in lock["npm"].values())
    # Which registry serves them is the user's choice.
    assert "://" not in text

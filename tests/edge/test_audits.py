"""The public audit suite of GraphQL over HTTP, that of npm package `graphql-http`, under each setting that it feels.

What passes is what `docs/http.md` says, check by check.
"""

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.support import serving
from tests.tooling.deno import run_deno
from tripgate.local.stack import StackInfo

SCRIPTS = Path(__file__).with_name("javascript")
PAGE = Path(__file__).parents[2] / "docs" / "http.md"
CHECKS = 60

# What each check is to the specification is how it fails: `error` for MUST, `warn` for SHOULD, `notice` for MAY.
BY_GET = {"5A70": "notice", "D6D5": "notice", "6A70": "notice"}
ASKING_THE_SCHEMA = {"2EA1": "warn", "28B9": "error", "D6D5": "notice", "6A70": "notice"}


@pytest.mark.parametrize(
    ("get_queries", "introspection", "failing"),
    [
        (False, None, BY_GET | ASKING_THE_SCHEMA),
        (False, True, BY_GET),
        (True, None, ASKING_THE_SCHEMA),
        (True, True, {}),
    ],
)
async def test_every_check_passes_but_those_of_what_is_off(
    seeded: StackInfo, get_queries: bool, introspection: bool | None, failing: dict[str, str]
) -> None:
    async with serving(seeded, get_queries=get_queries, introspection=introspection) as url:
        run = ("run", "--frozen", "--no-prompt", "--allow-env", "--allow-net=127.0.0.1", "audits.js")
        output = await asyncio.to_thread(run_deno, SCRIPTS, *run, url)
    found = json.loads(output.splitlines()[-1])
    assert len(found) == CHECKS
    assert {check["id"]: check["status"] for check in found if check["status"] != "ok"} == failing
    # The page's table: a row for each pair of settings, with what passes and what does not.
    names = [f"`GET_QUERIES={str(get_queries).lower()}`", f"`INTROSPECTION={str(bool(introspection)).lower()}`"]
    told = re.search(rf"^\| {', '.join(names)}[^|]*\| (\d+) of (\d+) \| ([^|]*) \|$", PAGE.read_text(), re.MULTILINE)
    assert told is not None
    assert (int(told[1]), int(told[2])) == (CHECKS - len(failing), CHECKS)
    assert set(re.findall(r"`([0-9A-F]{4})`", told[3])) == set(failing)


def test_the_packages_are_pinned_by_version_and_digest() -> None:
    text = (SCRIPTS / "deno.lock").read_text()
    lock = json.loads(text)
    imports = json.loads((SCRIPTS / "deno.json").read_text())["imports"]
    assert set(imports.values()) == set(lock["specifiers"])
    assert all(re.search(r"@\d+\.\d+\.\d+$", each) for each in lock["specifiers"])
    assert all(package["integrity"].startswith("sha512-") for package in lock["npm"].values())
    # Which registry serves them is the user's choice.
    assert "://" not in text
    assert f"`graphql-http` {imports['graphql-http'].rpartition('@')[2]}" in PAGE.read_text()

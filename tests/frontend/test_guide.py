"""docs/frontend.md shows the files of examples/frontend as they are, and all of them.

`pytest tests/frontend/test_guide.py --rewrite-cases` writes its blocks anew from the files.
"""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

GUIDE = ROOT / "docs/frontend.md"
EXAMPLE = ROOT / "examples/frontend"
BLOCK = re.compile(
    r"^\[`(?P<name>[\w./]+)`\]\(\.\./examples/frontend/(?P=name)\)\n\n```\w+\n(?P<text>.*?)^```$", re.M | re.S
)
PACKAGE = json.loads((EXAMPLE / "package.json").read_text())


def written() -> set[str]:
    """The files of the example that somebody wrote."""
    files = [path.relative_to(EXAMPLE) for path in EXAMPLE.rglob("*.*") if path.suffix in {".ts", ".tsx", ".json"}]
    made = {"node_modules", "generated"}
    settings = {"package.json", "package-lock.json", "deno.json", "tsconfig.json"}
    return {str(path) for path in files if made.isdisjoint(path.parts)} - settings


def test_each_block_is_a_file_and_each_file_a_block(rewrite_cases: bool) -> None:
    if rewrite_cases:
        GUIDE.write_text(
            BLOCK.sub(lambda it: it[0].replace(it["text"], (EXAMPLE / it["name"]).read_text()), GUIDE.read_text())
        )
    guide = GUIDE.read_text()
    blocks = {found["name"]: found["text"] for found in BLOCK.finditer(guide)}
    assert blocks == {name: (EXAMPLE / name).read_text() for name in sorted(written())}
    assert len(blocks) == len(re.findall(r"^```(?!console\b)\w+$", guide, re.M))


def test_its_commands_are_there() -> None:
    named = re.findall(r"npm run (\w+)", GUIDE.read_text())
    assert {*named} <= {*PACKAGE["scripts"]}
    tasks = json.loads((EXAMPLE / "deno.json").read_text())["tasks"]
    assert {"codegen", "relay"} == {*tasks}


def test_what_the_readme_shows_of_it_stands_there() -> None:
    (shown,) = re.findall(r"^```tsx\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    page = (EXAMPLE / "apollo/Trip.tsx").read_text().splitlines()
    assert {line.strip() for line in shown.splitlines()} <= {line.strip() for line in page}


def test_the_packages_are_pinned_by_version_and_digest() -> None:
    text = (EXAMPLE / "deno.lock").read_text()
    lock = json.loads(text)
    wanted = {**PACKAGE["dependencies"], **PACKAGE["devDependencies"]}
    assert {f"npm:{name}@{version}" for name, version in wanted.items()} == set(lock["specifiers"])
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert all(package["integrity"].startswith("sha512-") for package in lock["npm"].values())
    # Which registry serves them is the user's choice.
    assert "://" not in text


@pytest.mark.parametrize("client", ["apollo", "urql", "relay"])
def test_a_client_takes_nothing_from_another(client: str) -> None:
    others = {"apollo", "urql", "relay"} - {client}
    for path in Path(EXAMPLE, client).glob("*.ts*"):
        assert not re.search(rf'"\.\./({"|".join(others)})/', path.read_text()), path

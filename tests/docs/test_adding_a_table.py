"""docs/adding-a-table.md: everything that the page says, done as it says in a copy of the tree.

One copy and one `tripgate dev`; each command runs once, in the order of the page.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-table.md").read_text()
FILES = dict(re.findall(r"^`(supabase/schemas/\S+)`:\n\n```sql\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
PORT = "http://127.0.0.1:8000/graphql"
DEV = ".venv/bin/tripgate dev --apply"

# What the commands write from what is declared; all other files are written by hand or by `tripgate add`.
GENERATED = {
    "docs/supabase/schema/diagrams/erd-packing.mmd",
    "gql/pg_catalog.json",
    "schema.graphql",
    "supabase/schemas/911_packing_generated.sql",
    "supabase/migrations/<now>_packing_items.sql",
}
ADDED = {
    "gql/types/packing_items.py",
    "gql/types/trips.py",
    "resolvers/packing_items.py",
    "tests/database/access/packing_items.toml",
}


@dataclass(frozen=True)
class Command:
    """A line of the page behind `$`, and what it prints there."""

    line: str
    prints: str


def commands() -> list[Command]:
    found = []
    for block in BLOCKS:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, prints = part.partition("\n")
            found.append(Command(line, prints))
    return found


COMMANDS = commands()
BEFORE = COMMANDS[: [each.line for each in COMMANDS].index(DEV)]
AFTER = COMMANDS[len(BEFORE) + 1 :]


@dataclass(frozen=True)
class Walk:
    """What came of walking through the page: the copy, what each command printed, and what `tripgate dev` did."""

    folder: Path
    printed: dict[str, str]
    dev: str


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("clone") / "tripgate"
    environment = clone(folder)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    printed = run(folder, environment, BEFORE)
    log = folder.parent / "dev.log"
    with log.open("w") as output:
        dev = subprocess.Popen(
            [*DEV.split(), "--port", "0", "--api-port", "0", "--quiet"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = ready(dev, log)
            printed |= run(folder, environment, AFTER, url)
        finally:
            dev.send_signal(signal.SIGINT)
            dev.wait(60)
    yield Walk(folder, printed, log.read_text())
    shutil.rmtree(folder)


def clone(folder: Path) -> dict[str, str]:
    """Copy what git knows of or would; the environment in which the copy is the program, with the same packages."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for each in (ROOT / ".venv" / "bin").iterdir():
        # As links they would run from here, where the user that Postgres runs as may not look.
        (programs / each.name).write_text(f'#!/bin/sh\nexec "{each}" "$@"\n')
        (programs / each.name).chmod(0o755)
    (folder / ".venv" / ".ready").touch()
    # What `make check` here has found of modules that are alike, or will find.
    return {**os.environ, "PYTHONPATH": str(folder), "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")}


def run(folder: Path, environment: dict[str, str], several: list[Command], url: str = PORT) -> dict[str, str]:
    """What each command prints, as a shell runs them one after the other; each must succeed."""
    mark = "--- the next command ---"
    script = "".join(f"{each.line} || exit 1\nprintf '\n{mark}\n'\n" for each in several)
    # What goes on in the background is not waited for, and cannot fail.
    script = re.sub(r"& \|\| exit 1$", "&", script, flags=re.MULTILINE)
    done = subprocess.run(
        ["/bin/bash", "-c", script.replace(PORT, url)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    parts = done.stdout.split(f"\n{mark}\n")
    assert done.returncode == 0, f"{several[len(parts) - 1].line}\n{parts[-1][-2000:]}\n{done.stderr[-2000:]}"
    return {each.line: text for each, text in zip(several, parts, strict=False)}


def ready(dev: subprocess.Popen[bytes], log: Path) -> str:
    """The address that it announces."""
    while dev.poll() is None:
        time.sleep(0.2)
        if "Ctrl-C" in (text := log.read_text()):
            return re.findall(r"^Tripgate ready: (\S+)$", text, re.MULTILINE)[0]  # type: ignore[no-any-return]
    raise AssertionError(log.read_text())


def test_each_command_prints_what_the_page_shows(walk: Walk) -> None:
    shown = {each.line: each.prints.rstrip("\n") for each in COMMANDS if each.prints}
    assert len(shown) >= 8
    assert {line: walk.printed[line].rstrip("\n") for line in shown} == shown


def test_what_is_written_is_what_the_page_shows(walk: Walk) -> None:
    declared, offered = CODE
    assert (walk.folder / "gql/types/packing_items.py").read_text().endswith(declared)
    assert (walk.folder / "resolvers/packing_items.py").read_text().endswith(offered)


def test_all_that_is_not_generated_takes_sixty_lines(walk: Walk) -> None:
    texts = [*FILES.values(), *((walk.folder / name).read_text() for name in ADDED if name.endswith("items.py"))]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    assert len(lines) + len(more(walk, "gql/types/trips.py")) <= 60


def more(walk: Walk, name: str) -> list[str]:
    """The lines by which a file of the tree has grown, if it has lost none."""
    before = (ROOT / name).read_text().splitlines()
    after = (walk.folder / name).read_text().splitlines()
    new = [line for line in after if line not in before]
    assert [line for line in after if line not in new] == before
    return new


def test_no_other_file_changes(walk: Walk) -> None:
    assert more(walk, "gql/types/trips.py") == [
        '    packing_items = to_many("PackingItem", via="trip_id", description="Its packing items.")'
    ]
    changed = set()
    for path in walk.folder.rglob("*"):
        name = path.relative_to(walk.folder).as_posix()
        apart = name.partition("/")[0] in {".venv", ".tripgate", "changes.txt"} or "cache" in name
        if path.is_file() and not apart:
            before = ROOT / name
            if not before.exists() or before.read_bytes() != path.read_bytes():
                changed.add(re.sub(r"\d{14}", "<now>", name))
    assert changed == {*FILES, *ADDED, *GENERATED}


def test_it_is_named_in_few_files(walk: Walk) -> None:
    named = {
        name
        for name in {*FILES, *ADDED}
        if "packing_items" in (walk.folder / name).read_text() or "packing_items" in name
    }
    assert len(named) == 6


def test_dev_finds_nothing_missing(walk: Walk) -> None:
    said = walk.dev.partition("Ctrl-C stops everything.\n")[2]
    assert said == "Stopped.\n"


def test_the_type_says_no_more_than_its_module_needs(walk: Walk) -> None:
    tree = ast.parse((walk.folder / "gql/types/packing_items.py").read_text())
    assert [type(node) for node in tree.body] == [ast.Expr, *[ast.ImportFrom] * 4, ast.ClassDef]

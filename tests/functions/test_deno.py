"""The functions' own checks and tests, as Deno runs them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tripgate.local.binaries import deno, user_cache

FUNCTIONS = Path(__file__).parents[2] / "supabase" / "functions"


def run(*arguments: str, folder: Path = FUNCTIONS) -> None:
    """Run Deno in a folder of functions; its output is the failure."""
    environment = {**os.environ, "DENO_DIR": str(user_cache() / "deno"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"}
    result = subprocess.run(
        [deno(), *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_their_own_tests() -> None:
    # Their types are checked below, with all others.
    run("test", "--no-check", "--frozen", "--no-prompt", "--allow-net=127.0.0.1")


# What the embedded Supabase loads before each function.
EDGE_RUNTIME = str(FUNCTIONS.parents[1] / "tripgate" / "local" / "functions" / "edge_runtime.ts")


@pytest.mark.parametrize("check", [["check", "--frozen"], ["lint"], ["fmt", "--check"]], ids=lambda each: each[0])
def test_types_and_style(check: list[str]) -> None:
    run(*check, "--config", str(FUNCTIONS / "deno.json"), ".", EDGE_RUNTIME)


def test_types_and_style_of_those_that_tests_add(tmp_path: Path) -> None:
    """They build on ours as anybody's would, so that what is handed to them is of the right type."""
    shutil.copytree(FUNCTIONS, tmp_path, ignore=shutil.ignore_patterns("*.test.ts", ".env*"), dirs_exist_ok=True)
    here = Path(__file__).parent
    added = [*(here / "endpoints").iterdir(), here / "chores"]
    for each in added:
        shutil.copytree(each, tmp_path / each.name)
    run("check", "--frozen", *(f"{each.name}/index.ts" for each in added), folder=tmp_path)
    run("lint", *(each.name for each in added), folder=tmp_path)
    run("fmt", "--check", *(each.name for each in added), folder=tmp_path)


def test_every_import_is_a_file_or_an_npm_package_of_one_version() -> None:
    for source in FUNCTIONS.rglob("*.ts"):
        for line in source.read_text(encoding="utf-8").splitlines():
            imports = line.startswith(("import ", "} from ")) and line != "import {"
            name = line.rpartition(' from "')[2].rstrip('";') if imports else "./"
            assert name.startswith(("./", "../", "npm:", "node:")), (source, name)
            assert not name.startswith("npm:") or name.rpartition("@")[2][0].isdigit(), (source, name)


def test_the_lock_names_no_registry() -> None:
    assert "://" not in (FUNCTIONS / "deno.lock").read_text(encoding="utf-8")

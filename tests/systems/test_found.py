"""Systems are found by their packages: commands and what the doctor asks come along."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tripgate import systems
from tripgate.systems.trips import SYSTEM as TRIPS

MEETINGS = '''
import click
from tripgate.systems.system import System

@click.command()
def minutes() -> None:
    """Print what was said."""
    click.echo("Nothing was said.")

SYSTEM = System(commands=(minutes,), edge_functions=("send-minutes",))
'''

PROGRAM = """
import sys
from tripgate import systems
systems.__path__.append(sys.argv.pop(1))
from tripgate.cli import main
print([name for system in systems.found() for name in system.edge_functions])
main()
"""


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command line of a program with one more folder of systems."""
    command = [sys.executable, "-c", PROGRAM, str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_products_own() -> None:
    assert systems.found() == (TRIPS,)


def test_a_package_brings_its_commands_and_what_the_doctor_asks(tmp_path: Path) -> None:
    (tmp_path / "meetings").mkdir()
    (tmp_path / "meetings" / "__init__.py").write_text(MEETINGS)
    done = run(tmp_path, "minutes")
    functions, said = done.stdout.splitlines()
    assert ast.literal_eval(functions) == ["send-minutes", *TRIPS.edge_functions]
    assert said == "Nothing was said."
    assert "Print what was said." in run(tmp_path, "--help").stdout


@pytest.mark.parametrize("source", ["", "SYSTEM = None"])
def test_a_package_without_a_system_fails_the_start(tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "__init__.py").write_text(source)
    assert "tripgate.systems.empty must assign a System to its name SYSTEM" in run(tmp_path, "--help").stderr

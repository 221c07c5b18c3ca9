"""Mistakes of what the project declares: every command tells them in a sentence with their place, and no traceback."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.preloaded import Preloaded
from tests.conftest import ROOT

CATALOG = "gql/pg_catalog.json"
AGAIN = (
    "It is generated: take either side of a merge as it is, or the file of the last commit "
    "(`git checkout HEAD -- gql/pg_catalog.json`), and run `make schema`, which writes it anew."
)
CONFLICT = "the conflict of a merge is not resolved. Write what both sides mean, then run this again."
IMPORTS = """\
from uuid import UUID

from gql.declare import NEVER, column, table
from gql.types.scopes import TRIP


"""
COMMANDS = (["schema"], ["schema", "--check"], ["serve", "--port", "0"], ["doctor"], ["add", "shelves"])


# What tests change of a copy of the program.
CHANGED = ("gql", "resolvers")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program's modules."""
    folder = tmp_path_factory.mktemp("copy")
    for name in (*CHANGED, "tripgate", "supabase"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.fixture
def copy(whole: Path) -> Path:
    """The same, with what is to be changed as it was."""
    for name in CHANGED:
        shutil.rmtree(whole / name)
        shutil.copytree(ROOT / name, whole / name)
    return whole


Tripgate = Callable[..., tuple[int, list[str]]]


@pytest.fixture(scope="module")
def tripgate() -> Iterator[Tripgate]:
    """The exit code of a command of a copy, and what was said as an error."""
    own = {"SUPABASE_URL": "http://127.0.0.1:1", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_of_nobody"}

    def run(copy: Path, *arguments: str) -> tuple[int, list[str]]:
        done = preloaded.run(copy, *arguments, **own)
        return done.returncode, done.stderr.splitlines()

    with Preloaded() as preloaded:
        yield run


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_crud_of_a_type_that_is_not_declared(tripgate: Tripgate, copy: Path, command: list[str]) -> None:
    (copy / "resolvers" / "shelves.py").write_text(
        'from resolvers.declared.crud import crud, domain\n\nDOMAIN = domain(crud("Shelf"))\n'
    )
    sentence = "Error: resolvers/shelves.py, line 3: crud('Shelf'): gql/types declares no such type"
    code, said = tripgate(copy, *command)
    assert (code, said[-1:]) == (1, [sentence])
    assert "Traceback (most recent call last):" not in said


@pytest.mark.parametrize("command", COMMANDS[:-1], ids=" ".join)
def test_a_table_whose_changes_no_topic_tells(tripgate: Tripgate, copy: Path, command: list[str]) -> None:
    declared = '@table("shelves")\nclass Shelf:\n    id: UUID = column(write=NEVER)\n'
    (copy / "gql" / "types" / "shelves.py").write_text(IMPORTS + declared)
    code, said = tripgate(copy, *command)
    assert (code, len(said)) == (1, 1), said
    place = f"gql/types/shelves.py, line {IMPORTS.count(chr(10)) + 1}"
    assert said[0].startswith(f"Error: {place}: Shelf: no topic tells of its changes, so live queries would miss them.")


@pytest.mark.parametrize("command", COMMANDS[:-1], ids=" ".join)
def test_a_read_of_tables_that_are_not_named(tripgate: Tripgate, copy: Path, command: list[str]) -> None:
    file = copy / "resolvers" / "places.py"
    file.write_text(file.read_text().replace('depends_on=("places",)', 'depends_on=("shelves",)'))
    said = "Error: distance_in_metres: depends_on names shelves, over which no type is declared"
    assert tripgate(copy, *command) == (1, [said])


@pytest.mark.parametrize(
    ("lines", "at", "sentence"),
    [
        ('@table("shelves")\nclass Shelf:\n    id: bytes\n', 0, "id: no column is <class 'bytes'>; it is an Enum, or "),
        ('@table("shelves")\nclass Shelf:\n    title: str\n', 0, "Shelf has no column id; name its key: table("),
        (
            '@table("shelves", scope=TRIP.via("trip"))\nclass Shelf:\n    id: UUID = column(write=NEVER)\n',
            0,
            "the scope trip: Shelf has no column trip",
        ),
        ("class Shelf:\n    id: UUDI\n", 1, "NameError: name 'UUDI' is not defined"),
        ("class Shelf\n    id: UUID\n", 0, "expected ':': class Shelf"),
        ("<<<<<<< HEAD\n=======\n>>>>>>> other\n", 0, CONFLICT),
    ],
)
def test_a_type_that_is_declared_wrongly(tripgate: Tripgate, copy: Path, lines: str, at: int, sentence: str) -> None:
    (copy / "gql" / "types" / "shelves.py").write_text(IMPORTS + lines)
    line = IMPORTS.count("\n") + 1 + at
    code, said = tripgate(copy, "schema")
    assert (code, len(said)) == (1, 1), said
    assert said[0].startswith(f"Error: gql/types/shelves.py, line {line}: {sentence}"), said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{\n<<<<<<< HEAD\n"tables": {}\n=======\n', "holds the conflict of a merge"),
        ('{"tables": ', "is no JSON, from line 1 on"),
        ("[]", "is not what `make schema` writes"),
        ('{"functions": {}}', "is not what `make schema` writes"),
    ],
)
def test_a_catalog_that_cannot_be_read(tripgate: Tripgate, copy: Path, text: str, why: str) -> None:
    (copy / CATALOG).write_text(text)
    assert tripgate(copy, "schema") == (1, [f"Error: {CATALOG} {why}. {AGAIN}"])


def test_make_schema_says_it_of_a_catalog_and_of_a_module(tripgate: Tripgate, copy: Path) -> None:
    (copy / "gql" / "types" / "shelves.py").write_text("=======\n")
    told = f"Error: gql/types/shelves.py, line 1: {CONFLICT}"
    assert tripgate(copy, "schema", "--update") == (1, [told, "Error: The generated SQL was not written."])
    (copy / "gql" / "types" / "shelves.py").unlink()
    (copy / CATALOG).write_text("<<<<<<< HEAD\n")
    told = f"Error: {CATALOG} holds the conflict of a merge. {AGAIN}"
    assert tripgate(copy, "schema", "--update") == (1, [told, "Error: The generated SQL was not written."])

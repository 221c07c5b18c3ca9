"""A hundred thousand records take hardly more memory than five thousand."""

import os
import sys
import tracemalloc
from pathlib import Path

import ijson
import psutil

from tests.importing.conftest import ADA, Harbour
from tripgate.importing.reading.files import DataFile

ROWS = 100_000


def megabytes(harbour: Harbour, rows: int) -> float:
    """The most memory that an import of so many rows has, which has to succeed."""
    harbour.write("boats.csv", "id,name,length", *(f"{place},Boat {place},1.25" for place in range(rows)))
    environment = {name: value for name, value in {**os.environ, **harbour.environment}.items() if value}
    command = [sys.executable, "-m", "tests.importing.toy", *harbour.arguments("--owner", ADA)]
    with psutil.Popen(command, env=environment) as importing:
        most = 0
        while importing.poll() is None:
            most = max(most, importing.memory_info().rss)
            with_patience(importing)
    assert importing.returncode == 0
    assert harbour.rows("select count(*), sum(length)::text from toy.boats") == [
        {"count": rows, "sum": f"{1.25 * rows:.2f}"}
    ]
    return most / 2**20


def with_patience(importing: psutil.Popen) -> None:
    """Wait a moment, or until it has ended."""
    try:
        importing.wait(0.02)
    except psutil.TimeoutExpired:
        return


def test_an_import_does_not_grow_with_its_file(harbour: Harbour) -> None:
    few = megabytes(harbour, 5_000)
    assert megabytes(harbour, ROWS) < few + 25


def test_no_json_is_read_at_once(tmp_path: Path) -> None:
    file = tmp_path / "boats.json"
    file.write_text("[" + ",".join(f'{{"id": {place}, "name": "Boat {place}"}}' for place in range(ROWS)) + "]")
    assert file.stat().st_size > 3 * 2**20
    assert ijson.backend  # which takes memory to load
    tracemalloc.start()
    try:
        assert sum(1 for _ in DataFile(file, "json").records(["id"])) == ROWS
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()

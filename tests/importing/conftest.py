"""The toy system's tables in a database with people, and its command."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.rows import dict_row

from tests.importing.toy import SCHEMA, command
from tripgate.local.stack import StackInfo

ADA, BEN = "ada@tripgate.example", "ben@tripgate.example"


@dataclass
class Harbour:
    """Files to import, the database that they go into, and what is in it."""

    stack: StackInfo
    folder: Path
    db: psycopg.Connection[dict[str, Any]]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def rejects(self) -> Path:
        """Where rejects are listed."""
        return self.folder / "rejects.csv"

    def write(self, name: str, *lines: str) -> None:
        """A file of these lines."""
        (self.folder / "files").mkdir(exist_ok=True)
        (self.folder / "files" / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def arguments(self, *more: str) -> list[str]:
        """Of the command."""
        return ["toy", str(self.folder / "files"), "--rejects", str(self.rejects), *more]

    def run(self, *more: str) -> Result:
        """What the command says."""
        return CliRunner().invoke(command, self.arguments(*more), env=self.environment)

    def imported(self, *more: str) -> dict[str, Any]:
        """The summary of an import that succeeds."""
        done = self.run("--json", *more)
        assert done.exit_code == 0, done.output
        summary: dict[str, Any] = json.loads(done.stdout)
        assert summary["imported"] is True
        return summary

    def counts(self, *more: str) -> dict[str, tuple[int, int, int, int]]:
        """New, changed, unchanged and rejected, by source."""
        return {
            each["name"]: (each["new"], each["changed"], each["unchanged"], each["rejected"])
            for each in self.imported(*more)["sources"]
        }

    def failed(self, *more: str, code: int = 1) -> str:
        """What a failing command says."""
        done = self.run(*more)
        assert done.exit_code == code, done.output
        return done.stderr

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What is in the database."""
        return self.db.execute(query.encode(), values).fetchall()

    def value(self, query: str, *values: object) -> Any:
        """One value of it."""
        (row,) = self.rows(query, *values)
        (value,) = row.values()
        return value

    def told(self) -> list[tuple[str, ...]]:
        """The rejects: line, column, value and why."""
        with self.rejects.open(newline="", encoding="utf-8") as file:
            return [tuple(row[each] for each in (1, 3, 4, 5)) for row in csv.reader(file)][1:]

    def accounts(self) -> set[str]:
        """Addresses of those who have an account."""
        return {row["email"] for row in self.rows("select email from auth.users")}


@pytest.fixture(scope="module")
def toy_tables(seeded: StackInfo) -> Iterator[StackInfo]:
    with psycopg.connect(seeded.db_url, autocommit=True) as db:
        db.execute(SCHEMA.encode())
        yield seeded
        db.execute("drop schema toy cascade")


@pytest.fixture
def harbour(toy_tables: StackInfo, tmp_path: Path) -> Iterator[Harbour]:
    """Empty tables, and no file yet."""
    environment = {
        **{name: "" for name in os.environ if name.startswith(("TRIPGATE_", "SUPABASE_"))},
        "TRIPGATE_IMPORT_DATABASE_URL": toy_tables.db_url,
    }
    with psycopg.connect(toy_tables.db_url, autocommit=True, row_factory=dict_row) as db:
        db.execute("truncate toy.boats, toy.settings cascade")
        before = [row["id"] for row in db.execute("select id from auth.users")]
        yield Harbour(toy_tables, tmp_path, db, environment)
        db.execute("delete from auth.users where id <> all(%s)", (before,))


@pytest.fixture
def with_accounts(harbour: Harbour) -> Harbour:
    """The same, with the key by which accounts are made."""
    harbour.environment |= {
        "SUPABASE_URL": harbour.stack.api_url,
        "TRIPGATE_IMPORT_SECRET_KEY": harbour.stack.secret_key,
    }
    return harbour

"""`tripgate dev` while schema files change: it shows what a change takes, applies it, and loses nothing."""

import os
import pty
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.test_dev import ROOT, Dev

ADDED = "alter table public.trips add column mood text not null default 'calm';\n"
ADDED_SHOWN = '  ALTER TABLE "public"."trips"\n    ADD COLUMN "mood" text NOT NULL DEFAULT'
PATIENCE = 120.0


class Session:
    """A `tripgate dev` over a copy of the project, with or without a terminal to type at."""

    def __init__(self, folder: Path, *options: str, terminal: bool) -> None:
        self.schemas = folder / "project" / "supabase" / "schemas"
        if not self.schemas.exists():
            shutil.copytree(ROOT / "supabase", folder / "project" / "supabase")
        self._keyboard, screen = pty.openpty() if terminal else (None, None)
        self.dev = Dev(folder / "data", "--project-dir", str(folder / "project"), *options, stdin=screen)
        if screen is not None:
            os.close(screen)
        lines = dict(line.strip().split(":", 1) for line in self.dev.ready()[1:-1])
        self.database = lines["Database"].strip()
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def change(self, text: str | None) -> None:
        """Write the last of the schema files, or remove it."""
        file = self.schemas / "990_more.sql"
        if text is None:
            file.unlink()
        else:
            file.write_text(text)

    def type(self, text: str) -> None:
        assert self._keyboard is not None
        os.write(self._keyboard, text.encode())

    def says(self, end: str) -> str:
        """What is printed up to the line that begins so."""
        said = ""
        while not said.rpartition("\n")[2].startswith(end):
            try:
                said += "\n" + self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(said) from None
        return said

    def silent(self) -> bool:
        """Whether it has said nothing more."""
        return self._lines.empty()

    def stop(self) -> None:
        self.dev.process.terminate()
        assert self.dev.process.wait(40) == 0

    def _read(self) -> None:
        assert self.dev.process.stdout is not None
        for line in self.dev.process.stdout:
            self._lines.put(line.rstrip())

    def value(self, query: str) -> object:
        with psycopg.connect(self.database) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def end(self) -> None:
        self.dev.kill()
        if self._keyboard is not None:
            os.close(self._keyboard)
            self._keyboard = None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def sessions() -> Iterator[list[Session]]:
    found: list[Session] = []
    yield found
    for session in found:
        session.end()


TRIPS = "select count(*) from public.trips"
COLUMN = "select count(*) from information_schema.columns where table_name = 'trips' and column_name = 'mood'"


def test_with_apply_what_loses_nothing_is_applied_at_once(folder: Path, sessions: list[Session]) -> None:
    session = Session(folder, "--apply", terminal=False)
    sessions.append(session)
    trips = session.value(TRIPS)
    assert isinstance(trips, int)
    assert trips > 0

    session.change(ADDED)
    said = session.says("Applied.")
    assert "Changed: 990_more.sql\n" in said
    assert ADDED_SHOWN in said
    assert session.value("select count(*) from public.trips where mood = 'calm'") == trips

    # What would lose something is only shown.
    session.change(None)
    said = session.says("Not applied:")
    assert "It loses, or may lose:\n  column public.trips.mood\n" in said
    assert session.value(COLUMN) == 1

    # A mistake is told with its place, and what the data do not allow with its reason.
    session.change(ADDED + "alter table public.trips adds column x text;\n")
    said = session.says("Nothing was changed.")
    assert "990_more.sql, line 2: syntax error" in said
    session.change(ADDED + "alter table public.trips add constraint nobody check (title = 'no such title');\n")
    said = session.says("Nothing was changed.")
    assert (
        'The change does not apply to what this database holds: check constraint "nobody" of relation "trips"' in said
    )
    session.change(ADDED)
    assert session.says("The schemas are again what this database was made from.")
    assert session.value("select count(*) from public.trips where mood = 'calm'") == trips


def test_at_a_terminal_a_key_applies_and_only_words_lose_data(folder: Path, sessions: list[Session]) -> None:
    session = Session(folder, terminal=True)
    sessions.append(session)
    trips = session.value(TRIPS)
    session.change(ADDED)
    assert ADDED_SHOWN in session.says("Press Enter to apply it; all data stays.")
    assert session.value(COLUMN) == 0
    session.type("no\n")
    session.says("Press Enter to apply it; all data stays.")
    session.type("\n")
    session.says("Applied. `make migration name=…` writes it down for other databases.")
    assert session.value("select count(*) from public.trips where mood = 'calm'") == trips

    session.change(None)
    session.says("Type `lose data` to apply it all the same")
    session.type("\n")
    session.says("Type `lose data` to apply it all the same")
    assert session.value(COLUMN) == 1
    session.type("lose data\n")
    session.says("Applied.")
    assert session.value(COLUMN) == 0
    assert session.value(TRIPS) == trips


def test_a_change_made_meanwhile_is_found_at_the_next_start(folder: Path, sessions: list[Session]) -> None:
    session = Session(folder, terminal=False)
    sessions.append(session)
    session.change(ADDED)
    assert ADDED_SHOWN in session.says("Not applied: start with --apply to have what loses nothing applied at once.")
    session.stop()
    again = Session(folder, "--apply", terminal=False)
    sessions.append(again)
    again.says("Applied.")
    assert again.value(COLUMN) == 1
    again.stop()
    # And then there is nothing left to say.
    last = Session(folder, "--apply", terminal=False)
    sessions.append(last)
    time.sleep(2)
    last.stop()
    assert last.silent()

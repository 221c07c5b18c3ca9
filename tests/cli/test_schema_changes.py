"""`tripgate dev` while schema files change: it shows what a change takes, applies it, and loses nothing."""

import json
import os
import pty
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from tests.cli.test_dev import ROOT, Dev
from tripgate.commands.development import Development
from tripgate.local import database

ADDED = "alter table public.trips add column mood text not null default 'calm';\n"
ADDED_SHOWN = '  ALTER TABLE "public"."trips"\n    ADD COLUMN "mood" text NOT NULL DEFAULT'
TIMEOUT = 120.0


class Session:
    """A `tripgate dev` over a copy of the project, with or without a terminal to type at."""

    def __init__(self, folder: Path, *options: str, terminal: bool) -> None:
        self.started = ""
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
                said += "\n" + self._lines.get(timeout=TIMEOUT)
            except queue.Empty:
                raise AssertionError(said) from None
        return said

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


TRIPS = "select count(*) from public.trips"
CALM = "select count(*) from public.trips where mood = 'calm'"
COLUMN = "select count(*) from information_schema.columns where table_name = 'trips' and column_name = 'mood'"


@dataclass(frozen=True)
class Told:
    """What was said at the terminal after each step, and what the database held then."""

    folder: Path
    trips: object
    steps: dict[str, tuple[str, object]]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Somebody at a terminal adds a column, takes it away again, stops, and adds it once more."""
    folder = tmp_path_factory.mktemp("changes")
    session = Session(folder, terminal=True)
    steps: dict[str, tuple[str, object]] = {}

    def step(name: str, end: str, query: str) -> None:
        said = session.says(end)
        steps[name] = (said, session.value(query))

    try:
        trips = session.value(TRIPS)
        session.change(ADDED)
        step("a column is added", "Press Enter to apply it; all data stays.", COLUMN)
        session.type("no\n")
        step("no is typed", "Press Enter to apply it; all data stays.", COLUMN)
        session.type("\n")
        step("Enter is pressed", "Applied. `make migration name=…` writes it down for other databases.", CALM)
        session.change(None)
        step("it is taken away", "Type `lose data` to apply it all the same", COLUMN)
        session.type("\n")
        step("Enter is pressed there", "Type `lose data` to apply it all the same", COLUMN)
        session.type("lose data\n")
        step("lose data is typed", "Applied.", COLUMN)
        assert session.value(TRIPS) == trips
        session.stop()
        session.change(ADDED)
    finally:
        session.end()
    return Told(folder, trips, steps)


def test_at_a_terminal_a_key_applies_and_only_words_lose_data(terminal: Told) -> None:
    assert isinstance(terminal.trips, int)
    assert terminal.trips > 0
    assert ADDED_SHOWN in terminal.steps["a column is added"][0]
    assert {name: found for name, (_, found) in terminal.steps.items()} == {
        "a column is added": 0,
        "no is typed": 0,
        "Enter is pressed": terminal.trips,
        "it is taken away": 1,
        "Enter is pressed there": 1,
        "lose data is typed": 0,
    }


@pytest.fixture(scope="module")
def applying(terminal: Told) -> Iterator[Session]:
    """The next start, without a terminal and with `--apply`."""
    session = Session(terminal.folder, "--apply", terminal=False)
    try:
        session.started = session.says("Applied.")
        yield session
    finally:
        session.end()


def test_with_apply_what_loses_nothing_is_applied_at_once(terminal: Told, applying: Session) -> None:
    # The change was made meanwhile, and is found at the start.
    said = applying.started
    assert "Changed: 990_more.sql\n" in said
    assert ADDED_SHOWN in said
    assert applying.value(CALM) == terminal.trips
    # The views in order were made of the columns before.
    assert applying.says("error: The columns of view trips_by_created_at_desc, ").endswith("and push that.")
    # And then there is nothing left to find.
    state = json.loads((terminal.folder / "data" / "state.json").read_text())
    files = database.project_files(terminal.folder / "project")
    assert state["made_from"]["schemas"] == database.fingerprints(files)

    # What would lose something is only shown.
    applying.change(None)
    said = applying.says("Not applied: start with --fresh")
    assert "It loses, or may lose:\n  column public.trips.mood\n" in said
    assert applying.value(COLUMN) == 1

    # A mistake is told with its place, and what the data do not allow with its reason.
    applying.change(ADDED + "alter table public.trips adds column x text;\n")
    said = applying.says("Nothing was changed.")
    assert "990_more.sql, line 2: syntax error" in said
    applying.change(ADDED + "alter table public.trips add constraint nobody check (title = 'no such title');\n")
    said = applying.says("Nothing was changed.")
    assert (
        'The change does not apply to what this database holds: check constraint "nobody" of relation "trips"' in said
    )
    applying.change(ADDED)
    assert applying.says("The schemas are again what this database was made from.")
    assert applying.value(CALM) == terminal.trips


@dataclass
class Beside:
    """The running database as `Development` takes it, for one that watches another copy of the project."""

    url: str
    made_from: dict[str, str]
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def info(self) -> SimpleNamespace:
        return SimpleNamespace(db_url=self.url)

    def ended(self) -> tuple[str, int] | None:
        return ("postgres", 0) if self.over.is_set() else None


def test_without_a_terminal_and_apply_it_is_only_shown(applying: Session, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "supabase", tmp_path / "supabase")
    project = tmp_path / "supabase" / "schemas"
    # As the database has it.
    (project / "990_more.sql").write_text(ADDED)
    made_from = database.fingerprints(database.project_files(tmp_path))
    stack = Beside(applying.database, made_from)
    said: queue.Queue[str] = queue.Queue()
    development = Development(stack, tmp_path, apply_at_once=False, say=said.put)  # type: ignore[arg-type]
    watching = threading.Thread(target=development.run)
    watching.start()
    try:
        # Of what has not changed nothing is said.
        time.sleep(1.5)
        assert said.empty()
        (project / "991_said.sql").write_text("comment on table public.trips is 'Journeys.';\n")
        lines = [said.get(timeout=TIMEOUT)]
        while not lines[-1].startswith("Not applied"):
            lines.append(said.get(timeout=TIMEOUT))
    finally:
        stack.over.set()
        watching.join()
    assert lines[0] == "Changed: 991_said.sql"
    assert 'COMMENT ON TABLE "public"."trips" IS \'Journeys.\'' in "\n".join(lines)
    assert lines[-1] == "Not applied: start with --apply to have what loses nothing applied at once."
    assert applying.value("select obj_description('public.trips'::regclass)") != "Journeys."

"""What `tripgate dev` does once everything runs: it brings changes of the schema files into the database, and
tells what the types need that the database does not have.

A change is shown as the migration that it would make. It is applied when Enter is pressed, or at once with `--apply`;
what would lose data only when that is typed. Nothing is ever applied in part.
"""

import os
import select
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tripgate.commands.checks import running

if TYPE_CHECKING:
    from tripgate.local.schema_changes import Change
    from tripgate.local.scratch import SessionScratch
    from tripgate.local.stack import Stack

_LOOK_SECONDS = 0.5
_CONSENT = "lose data"


class Development:
    """Waits until something ends, and meanwhile keeps the database at its schemas.

    Args:
        project_dir: The folder that holds supabase/.
        apply_at_once: Whether a change that loses nothing is applied without a key.
        say: Called with each line.
    """

    def __init__(
        self, stack: "Stack", project_dir: Path, *, apply_at_once: bool, say: Callable[[str], None] = click.echo
    ) -> None:
        self._stack = stack
        self._project_dir = project_dir
        self._apply_at_once = apply_at_once
        self._say = say
        self._keyboard = _Keyboard()
        self._pending: Change | None = None
        self._scratch: SessionScratch | None = None

    def run(self) -> tuple[str, int]:
        """Return the name and the exit code of whatever ends first."""
        from tripgate.local.scratch import SessionScratch  # noqa: PLC0415 - `serve` must run without the local packages

        with closing(SessionScratch()) as self._scratch:
            return self._run()

    def _run(self) -> tuple[str, int]:
        looked_at, seen = self._stack.made_from, None
        while (ended := self._stack.ended()) is None:
            now = self._files()
            # Twice the same: whoever writes files is done.
            if now is not None and now == seen and now != looked_at:
                looked_at = now
                self._look(now)
            seen = now
            typed = self._keyboard.line(_LOOK_SECONDS)
            if typed is not None and self._pending is not None:
                self._answered(typed)
        return ended

    def check(self) -> None:
        """Say what the declared types need that the database does not have, and nothing when it has all."""
        for line in running.findings(self._url, self._project_dir):
            self._say(line)

    def _files(self) -> dict[str, str] | None:
        from tripgate.local import database  # noqa: PLC0415 - as above
        from tripgate.local.errors import LocalStackError  # noqa: PLC0415

        with suppress(LocalStackError, OSError):  # while files are replaced
            return database.fingerprints(database.project_files(self._project_dir))
        return None

    def _look(self, now: dict[str, str]) -> None:
        from tripgate.local import database, migrations, schema_changes  # noqa: PLC0415 - as above
        from tripgate.local.errors import LocalStackError  # noqa: PLC0415

        self._pending = None
        changed = database.changed_names(self._stack.made_from, now)
        if not changed:
            self._say("The schemas are again what this database was made from.")
            return
        self._say(f"Changed: {', '.join(changed)}")
        try:
            change = schema_changes.propose(self._project_dir, self._url, self._say, self._scratch)
        except LocalStackError as error:
            self._say(f"{error}\nNothing was changed.")
            return
        if not change.whole:
            self._stack.brought_to(change.schemas)
            self._say("The database has all of it already.")
            return
        self._say(f"It takes this migration:\n\n{migrations.indented(change.whole)}\n")
        if change.losses:
            self._say(f"It loses, or may lose:\n{migrations.listed(list(change.losses))}")
        elif self._apply_at_once:
            self._apply(change)
            return
        self._pending = change if self._keyboard.there else None
        self._say(self._advice(change))

    def _advice(self, change: "Change") -> str:
        if change.losses:
            last = "start with --fresh to make the database anew, or write by hand what keeps the data"
            if self._keyboard.there:
                return f"Type `{_CONSENT}` to apply it all the same, {last}."
            return f"Not applied: {last}."
        if self._keyboard.there:
            return "Press Enter to apply it; all data stays."
        return "Not applied: start with --apply to have what loses nothing applied at once."

    def _answered(self, typed: str) -> None:
        change = self._pending
        assert change is not None  # noqa: S101 - asked only then
        if typed == (_CONSENT if change.losses else ""):
            self._pending = None
            self._apply(change)
        else:
            self._say(self._advice(change))

    def _apply(self, change: "Change") -> None:
        from tripgate.local import schema_changes  # noqa: PLC0415 - as above
        from tripgate.local.errors import LocalStackError  # noqa: PLC0415

        try:
            schema_changes.apply(change, self._url)
        except LocalStackError as error:
            self._say(f"{error}\nNothing was changed.")
            return
        self._stack.brought_to(change.schemas)
        self._say("Applied. `make migration name=…` writes it down for other databases.")
        self.check()

    @property
    def _url(self) -> str:
        assert self._stack.info is not None  # noqa: S101 - the stack has started
        return self._stack.info.db_url


class _Keyboard:
    """Lines that somebody types, where there is a terminal."""

    def __init__(self) -> None:
        self.there = sys.stdin is not None and sys.stdin.isatty()

    def line(self, seconds: float) -> str | None:
        """What is typed within so many seconds, without the end of its line."""
        if not self.there or not self._is_ours():
            time.sleep(seconds)
            return None
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return None
        typed = os.read(sys.stdin.fileno(), 4096)
        if not typed:
            self.there = False
            return None
        return typed.decode(errors="replace").splitlines()[-1].strip()

    @staticmethod
    def _is_ours() -> bool:
        """False in the background, where whoever reads is stopped."""
        try:
            return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        except OSError:  # a terminal that nobody's jobs are controlled from
            return True

"""`tripgate import SYSTEM`: bring what a system kept elsewhere into its tables, by the operator's own login."""

from __future__ import annotations

import codecs
import contextlib
import importlib.util
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from tripgate.importing.conversions import Habits, zone_named
from tripgate.importing.unfit import ImportFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo
    from types import FrameType

    from click._termui_impl import ProgressBar

    from tripgate.importing.declaring import Import

_NEEDED = ("ijson", "psycopg")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def import_command(imports: Mapping[str, Import]) -> click.Command:
    """The command for these systems, by their names."""

    @click.command("import", epilog="docs/import.md tells what each system takes, and how to prepare it.")
    @click.argument("system", type=click.Choice(sorted(imports)))
    @click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
    @click.option("--dry-run", is_flag=True, help="Do everything but keep it: nothing is written, no account is made.")
    @click.option("--owner", metavar="EMAIL", help="Whose the records are that name nobody; a confirmed address.")
    @click.option("--make-accounts", is_flag=True, help="Make accounts for people of the files who have none here.")
    @click.option("--skip-rejects", is_flag=True, help="Import what fits, and leave out what does not.")
    @click.option(
        "--rejects",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Where the list of what does not fit is written. [default: SYSTEM-rejects.csv]",
    )
    @click.option("--encoding", default="utf-8", show_default=True, help="That of files without a byte order mark.")
    @click.option("--zone", default="UTC", show_default=True, help="The time zone of times that name none.")
    @click.option("--decimal-comma", is_flag=True, help="Numbers are written 1.234,50.")
    @click.option("--database-url-file", type=_FILE, help="A file that holds the database URL.")
    @click.option("--secret-key-file", type=_FILE, help="A file that holds the secret key.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
    def import_(
        system: str,
        paths: tuple[Path, ...],
        *,
        dry_run: bool,
        owner: str | None,
        make_accounts: bool,
        skip_rejects: bool,
        rejects: Path | None,
        encoding: str,
        zone: str,
        decimal_comma: bool,
        database_url_file: Path | None,
        secret_key_file: Path | None,
        as_json: bool,
    ) -> None:
        """Bring old data of SYSTEM from files, or folders of files, into the database: all of it or nothing.

        Connects as the operator, past row level security: the database URL comes from TRIPGATE_IMPORT_DATABASE_URL or
        a file, never from an argument. Accounts take SUPABASE_URL and TRIPGATE_IMPORT_SECRET_KEY too. What is there
        already from an earlier import is found again, and changed where the files differ.

        Exit codes: 0 imported, or that it would be; 1 nothing is imported; 2 wrong usage, settings or files; 130 and
        143 interrupted, and nothing is imported; 74 the disk is full, and it is open which: run it again.
        """
        _need_packages()
        from tripgate.importing import run as running  # noqa: PLC0415 - the other commands start without it

        database_url = _secret(os.environ.get("TRIPGATE_IMPORT_DATABASE_URL"), database_url_file)
        if not database_url:
            raise click.UsageError("Set TRIPGATE_IMPORT_DATABASE_URL, or name a --database-url-file.")
        with _Interruptions() as interruptions, _Progress(interruptions) as progress:
            try:
                options = running.Options(
                    paths,
                    database_url,
                    rejects or Path(f"{system}-rejects.csv"),
                    dry_run=dry_run,
                    skip_rejects=skip_rejects,
                    make_accounts=make_accounts,
                    owner=owner,
                    project_url=os.environ.get("SUPABASE_URL"),
                    secret_key=_secret(os.environ.get("TRIPGATE_IMPORT_SECRET_KEY"), secret_key_file),
                    encoding=_encoding(encoding),
                    habits=Habits(_zone(zone), decimal_comma),
                )
                summary = running.run(imports[system], options, progress)
            except ImportFailedError as error:
                progress.end()
                _fail(str(error), getattr(error, "__notes__", ()), 2 if error.usage else 1, as_json=as_json)
            except KeyboardInterrupt as error:
                progress.end()
                told = "Interrupted: nothing is imported."
                _fail(told, getattr(error, "__notes__", ()), 128 + interruptions.signal, as_json=as_json)
        rejected = bool(summary.rejected)
        if as_json:
            click.echo(json.dumps(summary.as_data(), indent=2, ensure_ascii=False))
        else:
            for line in summary.lines():
                click.echo(line)
            if summary.rejects is not None:
                click.echo(f"What is left out, and why: {summary.rejects}")
            click.echo("Imported." if summary.imported else "Nothing is written: this was a dry run.")
        if dry_run and rejected and not skip_rejects:
            click.echo(f"Error: {summary.rejected} records do not fit: see {summary.rejects}.", err=True)
            sys.exit(1)

    return import_


def _fail(message: str, notes: object, code: int, *, as_json: bool) -> NoReturn:
    told = "\n".join([message, *(notes if isinstance(notes, list) else ())])
    if as_json:
        click.echo(json.dumps({"imported": False, "error": told}, indent=2, ensure_ascii=False))
    click.echo(f"Error: {told}", err=True)
    sys.exit(code)


def _need_packages() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"`tripgate import` lacks {', '.join(missing)}. Install the extra `import`: `make setup` in a clone of "
            "Tripgate, or `pip install '.[import]'` there."
        )


def _secret(of_environment: str | None, file: Path | None) -> str | None:
    """From the file, or from the environment; never from an argument, which every user of the machine sees."""
    if file is None:
        return of_environment or None
    if file.stat().st_mode & 0o077:
        click.echo(f"Warning: others can read {file}. Run: chmod 600 {file}", err=True)
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        raise click.UsageError(f"{file} cannot be read.") from None


def _encoding(name: str) -> str:
    try:
        # Refuses also those of Python's that make no text of bytes.
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, UnicodeError):
        told = f"{name} is no encoding: take utf-8, cp1252 or another of Python's."
        raise ImportFailedError(told, usage=True) from None


def _zone(name: str) -> tzinfo:
    try:
        return zone_named(name)
    except ValueError as error:
        raise ImportFailedError(f"{error}.", usage=True) from None


class _Interruptions:
    """Ctrl-C and SIGTERM end a run in order: what it has made outside of its transaction is undone.

    Attributes:
        signal: The number of the one that came.
    """

    def __init__(self) -> None:
        self.signal = signal.SIGINT.value
        self._waiting = False
        self._held = 0

    def __enter__(self) -> _Interruptions:
        self._before = {each: signal.signal(each, self._come) for each in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def _come(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        if self._held:
            self._waiting = True
        else:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """What is in here ends first."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._waiting and not self._held:
            self._waiting = False
            raise KeyboardInterrupt


class _Progress:
    """A bar for each part of a run, on standard error where that is a terminal."""

    def __init__(self, interruptions: _Interruptions) -> None:
        self._interruptions = interruptions
        self._bar: ProgressBar[int] | None = None

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def stage(self, what: str, size: int) -> None:
        """Something begins that has this size."""
        self.end()
        self._bar = click.progressbar(
            length=max(size, 1), label=f"{what:<28}", file=sys.stderr, hidden=not sys.stderr.isatty(), show_pos=False
        )
        self._bar.__enter__()

    def reached(self, place: int) -> None:
        """How much of it is done."""
        if self._bar is not None:
            self._bar.update(place - self._bar.pos)

    def held(self) -> contextlib.AbstractContextManager[None]:
        """While this is open nothing interrupts."""
        return self._interruptions.held()

    def end(self) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None

"""Tells mistakes of the project's declarations in a sentence with their place, whichever command comes upon them."""

import errno
import importlib
import os
import re
import sys
import traceback
from pathlib import Path
from typing import Any

import click

_DECLARING = ("gql.types", "resolvers")
# What puts together what the modules declare, and finds then what they do not agree in.
_ASSEMBLING = {"sorted_by_root", "build_schema", "check_declarations", "live_reads"}
# What the system calls the exit code of output that cannot be written.
_NO_OUTPUT = 74
_CONFLICT = re.compile(r"(<{7}|={7}|>{7})")


class DeclaringGroup(click.Group):
    """Commands that end with a sentence where something is wrong that any of them may come upon.

    Exit code 1 where the project's declarations hold a mistake, and 74 where what a command prints cannot be written.
    """

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run as a program, or for a test; help, too, is printed here."""
        try:
            return super().main(*args, **extra)
        except OSError as error:
            # Of a file that is opened it tells the name. Writing on says nothing of where; but of a full disk, and with
            # nothing left to be printed, there is nothing else to do.
            if error.errno != errno.ENOSPC or error.filename is not None:
                raise
            told = f"Error: The output could not be written: {error.strerror}. What the command did stays done."
            click.echo(told, err=True)
            # What Python keeps to be printed would fail again when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(_NO_OUTPUT)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if (told := mistake(error)) is None:
                raise
            raise click.ClickException(told) from None


def mistake(error: BaseException) -> str | None:
    """The sentence on a mistake in `gql/types`, `resolvers` or `gql/pg_catalog.json`; `None` for any other error."""
    if isinstance(error, click.ClickException | click.exceptions.Exit | click.Abort):
        return None
    from strawberry.exceptions import StrawberryException  # noqa: PLC0415 - a command that does well needs none of it

    from gql.declared_at import NOTE, place  # noqa: PLC0415 - as above
    from gql.pg_catalog import UnreadableError  # noqa: PLC0415 - as above

    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, SyntaxError) and error.filename is not None:
        return _syntax(error, error.filename)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame for frame in frames if _declares(frame.filename)]
    if any(frame.name == "<module>" for frame in lines):
        return f"{place(lines[-1].filename, lines[-1].lineno or 1)}: {_said(error)}"
    known = isinstance(error, ValueError | LookupError | TypeError | StrawberryException)
    if not known or not any(frame.name in _ASSEMBLING for frame in frames):
        return None
    where = next((note for note in getattr(error, "__notes__", ()) if note.startswith(NOTE)), None)
    return _said(error) if where is None else f"{where.removeprefix(NOTE)}: {_said(error)}"


def _syntax(error: SyntaxError, file: str) -> str | None:
    if not _declares(file):
        return None
    from gql.declared_at import place  # noqa: PLC0415 - as above

    where = place(file, error.lineno or 1)
    if _CONFLICT.match(error.text or ""):
        return f"{where}: the conflict of a merge is not resolved. Write what both sides mean, then run this again."
    return f"{where}: {error.msg}: {(error.text or '').strip()}"


def _declares(file: str) -> bool:
    folders = [folder for package in _DECLARING for folder in importlib.import_module(package).__path__]
    return Path(file).resolve().parent in {Path(folder).resolve() for folder in folders}


def _said(error: BaseException) -> str:
    """What an error says; its kind too, where it was not raised to be read."""
    raised_to_be_read = type(error) is ValueError or type(error).__module__.startswith("strawberry.")
    return str(error) if raised_to_be_read else f"{type(error).__name__}: {error}"

"""`tripgate jobs list|run|retry`: see what is to be done, have it done now, try again what has failed."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from tripgate.commands.jobs.queue import STATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from tripgate.commands.jobs.queue import Due, Job

_CONNECT_SECONDS = 10
_POLL_SECONDS = 0.25
_RING_SECONDS = 10.0
_WIDTH = 60

_Kinds = tuple[str, ...]


class _Seconds(click.FloatRange):
    """A number in a range, which NaN is not, though it is neither below nor above."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return number


@click.group()
def jobs() -> None:
    """See the jobs of a database, and act on them.

    Connects as role postgres: the database URL comes from TRIPGATE_JOBS_DATABASE_URL or a file, never from an argument,
    which other users of the machine could read.

    \b
    Exit codes: 0 done, 1 something failed or is left, 2 wrong usage, 74 what it prints could not be written.
    """


def _options(command: click.decorators.FC) -> click.decorators.FC:
    options = [
        click.option("--kind", "kinds", multiple=True, help="Jobs of this kind alone; may be given several times."),
        click.option(
            "--database-url-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A file that holds the database URL. [default: the variable TRIPGATE_JOBS_DATABASE_URL]",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@jobs.command("list")
@_options
@click.option(
    "--status",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    help="Jobs in this state alone; may be given several times. [default: all but done]",
)
@click.option("--limit", type=click.IntRange(0, 10_000), default=50, show_default=True, help="How many are shown.")
def list_jobs(
    kinds: _Kinds, database_url_file: Path | None, states: tuple[str, ...], limit: int, *, as_json: bool
) -> None:
    """Show how many jobs there are of each kind, and some of them: failed ones first, then by when they are due."""
    from tripgate.commands.jobs import queue  # noqa: PLC0415 - as below

    wanted = states or STATES[:-1]
    with _connected(database_url_file) as connection:
        counts = queue.counts(connection, kinds, wanted)
        found = queue.jobs(connection, kinds, wanted, limit)
        idle = sorted(each.kind for each in queue.due(connection, kinds) if each.function is None)
    if as_json:
        _print({"counts": counts, "jobs": [asdict(job) for job in found], "without_function": idle})
        return
    if not counts:
        click.echo("There are none.")
        return
    _table(["KIND", *(state.upper() for state in wanted)], [
        [kind, *(str(of.get(state, 0)) for state in wanted)] for kind, of in counts.items()
    ])  # fmt: skip
    if found:
        click.echo()
        _table(["ID", "STATUS", "KIND", "SUBJECT", "ATTEMPTS", "WHEN", "ERROR"], [_row(job) for job in found])
    total = sum(sum(of.values()) for of in counts.values())
    if total > len(found):
        click.echo(f"\n{total - len(found)} more are not shown: raise --limit, or ask for a --kind or --status.")
    _tell_of_nobody(idle)


@jobs.command()
@_options
@click.argument("ids", nargs=-1, type=click.UUID)
@click.option("--all", "every", is_flag=True, help="All that have failed, of all kinds.")
def retry(ids: tuple[UUID, ...], kinds: _Kinds, database_url_file: Path | None, *, every: bool, as_json: bool) -> None:
    """Try jobs again, with all attempts anew: those of these IDS, or all that have failed of a --kind, or --all.

    Of IDS those may wait, too, to be tried again later; what runs or is done is left alone.
    """
    if bool(ids) + bool(kinds) + every != 1:
        raise click.UsageError("Name IDS, or a --kind, or --all.")
    from tripgate.commands.jobs import queue  # noqa: PLC0415 - as below

    with _connected(database_url_file) as connection:
        tried = queue.retry(connection, list(ids) if ids else None, list(kinds) if kinds else None)
        states = queue.states_of(connection, ids)
    left = {str(each): states.get(each, "missing") for each in ids if each not in tried}
    if as_json:
        _print({"retried": sorted(map(str, tried)), "left": left})
    else:
        click.echo(f"{_number(len(tried))} tried again.")
        for each, state in left.items():
            click.echo(f"{each} {'does not exist' if state == 'missing' else f'is {state}'}.", err=True)
    if left:
        sys.exit(1)


@jobs.command()
@_options
@click.option(
    "--wait",
    type=_Seconds(0, 86_400),
    default=60.0,
    show_default=True,
    help="How many seconds to wait until they are done; 0 leaves at once.",
)
def run(kinds: _Kinds, database_url_file: Path | None, wait: float, *, as_json: bool) -> None:
    """Have what is due done now, instead of when cron comes round, and wait until it is.

    Calls the Edge Functions that do the kinds (private.task_kinds) as cron does, from the database. What fails and is
    to be tried again later is not waited for.
    """
    from tripgate.commands.jobs import queue  # noqa: PLC0415 - as below

    with _connected(database_url_file) as connection:
        due = queue.due(connection, kinds)
        done_by = {each.kind: each.function for each in due if each.function is not None}
        nobody = [each for each in due if each.function is None]
        called: dict[str, str] = {}
        done = failed = left = 0
        if done_by:
            watching = _Watching(connection, due, list(done_by))
            called, left = watching.until(time.monotonic() + wait)
            done, failed = queue.ended(connection, list(done_by), watching.began)
    left += sum(each.count for each in nobody)
    if as_json:
        summary = {"called": called, "done": done, "failed": failed, "left": left}
        _print({**summary, "without_function": [each.kind for each in nobody]})
    elif not due:
        click.echo("Nothing is due.")
    else:
        for function, why in called.items():
            click.echo(f"Called {function}{f', which answered {why}' if why else ''}.")
        click.echo(f"{done} done, {failed} failed, {left} left.")
        _tell_of_nobody([each.kind for each in nobody])
    if failed or nobody or any(called.values()) or (left and wait):
        sys.exit(1)


class _Watching:
    """Calls functions until there is nothing due, and shows how far it is."""

    def __init__(self, connection: psycopg.Connection, due: Sequence[Due], kinds: list[str]) -> None:
        from tripgate.commands.jobs import queue  # noqa: PLC0415 - as below

        self._queue = queue
        self._connection = connection
        self._kinds = kinds
        self._total = sum(each.count for each in due if each.function is not None)
        self.began = queue.now(connection)

    def until(self, ends: float) -> tuple[dict[str, str], int]:
        """The functions that were called, each with what it answered amiss, and how many jobs are left."""
        requests: dict[int, str] = {}
        left, ring_at = self._total, 0.0
        with click.progressbar(
            length=self._total, label="Jobs", file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:
            while True:
                if time.monotonic() >= ring_at:
                    # A function does some at a time, and leaves the rest for the next call.
                    requests |= self._queue.ring(self._connection, self._kinds)
                    ring_at = time.monotonic() + _RING_SECONDS
                now_left = self._queue.left(self._connection, self._kinds, self.began)
                bar.update(max(0, left - now_left))
                left = now_left
                refused = dict(self._queue.refusals(self._connection, list(requests)))
                if left == 0 or time.monotonic() >= ends or len(refused) == len(requests) > 0:
                    break
                time.sleep(_POLL_SECONDS)
        said = dict.fromkeys(requests.values(), "")
        said |= {requests[request]: _plain(str(why)) for request, why in refused.items()}
        return said, left


@contextlib.contextmanager
def _connected(file: Path | None) -> Iterator[psycopg.Connection]:
    """A connection in which each statement is a transaction."""
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError:
        raise click.ClickException("`tripgate jobs` needs psycopg: pip install 'psycopg[binary]'.") from None
    try:
        url = os.environ.get("TRIPGATE_JOBS_DATABASE_URL", "") if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise click.UsageError(f"{file} cannot be read.") from None
    if not url.strip():
        raise click.UsageError(
            "Set TRIPGATE_JOBS_DATABASE_URL, or name a --database-url-file with a database URL in it."
        )
    try:
        with psycopg.connect(url.strip(), autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
            yield connection
    except psycopg.ProgrammingError as error:
        if error.sqlstate is None:
            # What psycopg says of a string that it cannot read repeats the string, password included.
            told = "The database URL is not a connection string. Write postgresql://user:password@host/name."
        elif error.sqlstate in {"42P01", "42883", "3F000"}:
            told = "This database has no jobs. Push the migrations of supabase/migrations."
        else:
            told = f"The jobs cannot be had: {_first_line(error)}. Connect as role postgres."
        raise click.ClickException(told) from None
    except psycopg.Error as error:
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        raise click.ClickException(f"The database refuses: {_first_line(error)}.{hint}") from None


def _first_line(error: Exception) -> str:
    return _plain(str(error).strip().partition("\n")[0].rstrip("."))


def _row(job: Job) -> list[str]:
    when = job.lease_until or job.finished_at or job.run_at
    error = _plain(job.last_error or "")
    shown = error if len(error) <= _WIDTH else f"{error[: _WIDTH - 1]}…"
    subject = _plain(job.subject or "")
    return [str(job.id), job.status, job.kind, subject, str(job.attempts), when.isoformat(" ", "seconds"), shown]


def _table(head: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _tell_of_nobody(kinds: Sequence[str]) -> None:
    for kind in kinds:
        click.echo(f"Nobody does {kind}: private.task_kinds names no Edge Function for it.", err=True)


def _plain(text: str) -> str:
    """Words of others without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)


def _number(count: int) -> str:
    return f"{count} job{'s' * (count != 1)}"


def _print(data: dict[str, Any]) -> None:
    def plain(value: object) -> str:
        return value.isoformat() if hasattr(value, "isoformat") else str(value)

    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=plain))

"""`tripgate add TABLE`: read the database, and write the declaration, the root fields and the tests of one table."""

from __future__ import annotations

import contextlib
import difflib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tripgate.commands.packages import need_local_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tripgate.commands.add.adding import Added


@click.command()
@click.argument("table")
@click.option("--type", "type_name", help="The class, in CamelCase. [default: from the table's name]")
@click.option(
    "--domain", help="The module of gql/types and of resolvers, new or there already. [default: the table's name]"
)
@click.option("--key", help="The column that names the rows of a view. [default: id]")
@click.option(
    "--database-url",
    envvar="TRIPGATE_ADD_DATABASE_URL",
    show_envvar=True,
    help="A database that has the table; only read. [default: supabase/schemas, in a temporary Postgres]",
)
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
def add(
    table: str, type_name: str | None, domain: str | None, key: str | None, database_url: str | None, *, dry_run: bool
) -> None:
    """Declare a TABLE that the SQL makes: its type, its root fields, and its tests by actor.

    TABLE is a table or view of supabase/schemas, outside of schema public with its schema, as in meetings.notes.
    What it becomes follows from its columns, keys, checks, indexes and grants; read it, change it, it is yours. What
    the SQL lacks for it is said, with the SQL to write. Nothing is overwritten: a table that is declared already is
    refused.

    \b
    Exit codes: 0 written, 1 refused and nothing written, 2 wrong usage.
    """
    from tripgate.commands.add import adding  # noqa: PLC0415 - declares every type
    from tripgate.commands.add.draft import RefusedError  # noqa: PLC0415

    try:
        wanted = adding.wanted(Path(), table, type_name, domain, key)
        with _database(database_url) as url:
            added = adding.from_database(Path(), wanted, url)
    except RefusedError as error:
        raise click.ClickException(str(error)) from None
    if not dry_run:
        for file in added.files:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            file.path.write_text(file.after, encoding="utf-8")
    _tell(added, dry_run=dry_run)


@contextlib.contextmanager
def _database(url: str | None) -> Iterator[str]:
    """The connection string of a database with the table."""
    need_local_packages("tripgate add")
    import psycopg  # noqa: PLC0415 - an extra

    try:
        if url is not None:
            yield url
            return
        from tripgate.local import database, scratch  # noqa: PLC0415 - reached by this alone
        from tripgate.local.errors import LocalStackError  # noqa: PLC0415

        # Ended as by Ctrl-C, so that the temporary Postgres is removed.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        click.echo("Reading supabase/schemas …", err=True)
        try:
            with scratch.scratch() as cluster:
                yield cluster.database(database.schema_files(Path.cwd()))
        except LocalStackError as error:
            raise click.ClickException(str(error)) from None
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise click.ClickException(f"The database does not answer: {reason}") from None


def _tell(added: Added, *, dry_run: bool) -> None:
    for file in added.files:
        if dry_run:
            before = (file.before or "").splitlines(keepends=True)
            name = str(file.path)
            lines = difflib.unified_diff(before, file.after.splitlines(keepends=True), name, name, n=2)
            click.echo(file.after if file.before is None else "".join(lines), nl=False)
            click.echo()
        does = "Would write" if dry_run else "Wrote" if file.before is None else "Changed"
        click.echo(f"{does} {file.path}: {file.what}", err=dry_run)
    for each in added.by_hand:
        click.echo(f"\nWrite this into {each.where} yourself, since {each.why}:\n{each.line}", err=dry_run)
    for note in added.notes:
        click.echo(f"\nLeft out: {note}", err=dry_run)
    for lack in added.lacks:
        sql = "\n".join(f"    {line}" for line in lack.sql.splitlines())
        click.echo(f"\n{'Missing' if lack.fails else 'Note'}: {lack.text}\n{sql}", err=dry_run)
    if not dry_run:
        after = "Once the SQL has what is missing" if any(each.fails for each in added.lacks) else "Read them, then"
        click.echo(f"\n{after}: make schema, make migration name={added.name}, make check.")

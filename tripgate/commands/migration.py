"""`tripgate migration`: write the next migration from the schemas, or check that none is missing."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tripgate.commands.packages import need_local_packages

if TYPE_CHECKING:
    from tripgate.local.migrations import Migration


@click.command()
@click.argument("name", required=False)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 when migrations and schemas make different databases."
)
@click.option(
    "--database-url",
    envvar="TRIPGATE_DOCTOR_DATABASE_URL",
    show_envvar=True,
    help="With --check: exit 1 too when this database has not the rows of supabase/program; only read.",
)
@click.option(
    "--project-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The folder that holds supabase/. [default: this folder]",
)
def migration(name: str | None, check: bool, database_url: str | None, project_dir: Path) -> None:
    """Write supabase/migrations/<time>_NAME.sql: what has changed in supabase/schemas and supabase/program.

    Starts a temporary Postgres, compares a database made by the migrations with one made by the schemas, and tries the
    new migration before it is written. When nothing changed, nothing is written. A change that cannot be written by
    itself is refused, and what there is of the migration is printed.
    """
    need_local_packages("tripgate migration")
    from tripgate.local import migrations  # noqa: PLC0415 - `serve` must run without the local packages
    from tripgate.local.errors import LocalStackError  # noqa: PLC0415

    if check == (name is not None):
        raise click.UsageError("Give a NAME for the migration, or --check.")
    given = click.get_current_context().get_parameter_source("database_url")
    if not check and given is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("A migration is written from the files alone: give --database-url with --check.")
    # Ended as by Ctrl-C, so that the temporary Postgres is removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if name is None:
            _check(migrations.drift(project_dir.resolve()))
            if database_url is not None:
                _check_rows(migrations.drift_of_rows(project_dir.resolve(), database_url))
        else:
            written = migrations.write_next(
                project_dir.resolve(), name, lambda sentence: click.echo(sentence, err=True)
            )
            _tell(written)
    except migrations.MigrationNameError as error:
        raise click.UsageError(str(error)) from None
    except migrations.IncompleteMigrationError as error:
        click.echo(error.sql)
        raise click.ClickException(str(error)) from None
    except LocalStackError as error:
        raise click.ClickException(str(error)) from None


def _check(found: list[str]) -> None:
    if found:
        sentences = "\n".join(f"  {sentence}" for sentence in found)
        raise click.ClickException(
            f"Migrations and schemas differ. Run `make migration name=…` and commit what it writes:\n{sentences}"
        )
    click.echo("Migrations and schemas make the same database.")


def _check_rows(found: list[str]) -> None:
    if found:
        sentences = "\n".join(f"  {sentence}" for sentence in found)
        raise click.ClickException(
            "The database has not the rows that are part of the program. Apply the migrations (docs/deploy.md), or "
            f"write what somebody added by hand into supabase/program:\n{sentences}"
        )
    click.echo("The database has the rows that are part of the program.")


def _tell(written: "Migration | None") -> None:
    if written is None:
        click.echo("Nothing changed.")
        return
    for lost in written.dropped:
        click.echo(f"Warning: drops {lost} and all that it holds. Is it a rename? Then write that by hand.", err=True)
    click.echo(f"Wrote {written.file}")

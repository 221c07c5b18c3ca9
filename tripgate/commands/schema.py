"""`tripgate schema`: print the GraphQL schema, check it, or write what is generated."""

import subprocess
import sys
from pathlib import Path

import click

from tripgate.commands.packages import need_local_packages

_FILE = Path("schema.graphql")


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="Instead of printing, compare with schema.graphql and with the last release; exit 1 when the one differs or "
    "the other breaks.",
)
@click.option(
    "--update",
    is_flag=True,
    help="Write schema.graphql, the SQL that follows from the types, the descriptions from the SQL, the diagrams, and "
    "the example of the functions' settings.",
)
@click.option("--release", is_flag=True, help="Write releases/<version>.graphql for the version in pyproject.toml.")
@click.option(
    "--federation",
    is_flag=True,
    help="Print it as a subgraph of Apollo Federation 2, for the composition of a supergraph.",
)
def schema(*, check: bool, update: bool, release: bool, federation: bool) -> None:
    """Print the GraphQL schema."""
    if check + update + release + federation > 1:
        raise click.UsageError("Give one of --check, --update, --release and --federation.")
    from tripgate.commands import env_example  # noqa: PLC0415 - only these options look at it

    if update:
        env_example.write(Path())
        _write_sql()
        _write_what_follows_from_the_sql()
    from tripgate.gateway.schema import schema as assembled  # noqa: PLC0415 - reads the descriptions just written

    text = f"{assembled()}\n"
    if federation:
        from tripgate.gateway.federation import subgraph_sdl  # noqa: PLC0415 - as above

        click.echo(subgraph_sdl(text), nl=False)
        return
    if update:
        _FILE.write_text(text, encoding="utf-8")
        return
    if not (check or release):
        click.echo(text, nl=False)
        return
    if not _FILE.exists() or _FILE.read_text(encoding="utf-8") != text:
        raise click.ClickException(
            "schema.graphql differs from the types. Run `make schema` and commit what it writes."
        )
    if check:
        if env_example.stale(Path()):
            raise click.ClickException(f"{env_example.file(Path())} differs from settings.json. Run `make schema`.")
        _check_sql()
        _check_catalog()
    from tripgate.commands import releases  # noqa: PLC0415 - only these options compare releases

    try:
        if release:
            click.echo(f"Wrote {releases.release(text)}.")
        else:
            for note in releases.check(text):
                click.echo(f"Since the last release: {note}")
    except releases.ReleaseError as error:
        raise click.ClickException(str(error)) from None


def _write_sql() -> None:
    # In a process of its own: it declares every type, and this one does so with the descriptions of what is written.
    done = subprocess.run([sys.executable, "-m", "tripgate.commands.write_sql"], check=False)
    if done.returncode != 0:
        raise click.ClickException("The generated SQL was not written.")


def _check_sql() -> None:
    from tripgate.commands import generated_sql  # noqa: PLC0415 - declares every type

    if not Path("supabase/schemas").is_dir():
        return  # a schema is checked where nothing else of the project is, too
    try:
        stale = generated_sql.stale(Path())
    except generated_sql.GeneratedSqlError as error:
        raise click.ClickException(str(error)) from None
    if stale:
        raise click.ClickException(
            f"{', '.join(map(str, stale))}: differs from the types. Run `make schema`, then `make migration name=…`, "
            "and commit what they write."
        )


def _check_catalog() -> None:
    from gql import pg_catalog  # noqa: PLC0415 - as above
    from tripgate.commands.pg_catalog import file  # noqa: PLC0415

    if changed := file.changed(Path()):
        raise click.ClickException(
            f"supabase/schemas/{changed[0]} is not what gql/pg_catalog.json was read from. Run `make schema` and "
            "commit what it writes."
        )
    from tripgate.commands import erd  # noqa: PLC0415
    from tripgate.commands.checks.conformity import conformity  # noqa: PLC0415
    from tripgate.commands.doctor.report import Level  # noqa: PLC0415

    if stale := erd.stale(Path(), pg_catalog.loaded()):
        raise click.ClickException(f"{stale[0]} does not show the tables as they are. Run `make schema`.")
    findings = conformity(pg_catalog.loaded(), Path()).findings
    if told := [finding.line for finding in findings if finding.level in {Level.ERROR, Level.WARNING}]:
        raise click.ClickException("\n".join(["The types and the schemas do not agree:", *told]))


def _write_what_follows_from_the_sql() -> None:
    need_local_packages("tripgate schema --update")
    from gql import pg_catalog  # noqa: PLC0415
    from tripgate.commands import erd  # noqa: PLC0415
    from tripgate.commands.pg_catalog import file  # noqa: PLC0415
    from tripgate.local import database, scratch  # noqa: PLC0415 - reached by this option alone
    from tripgate.local.errors import LocalStackError  # noqa: PLC0415

    try:
        with scratch.scratch() as cluster:
            url = cluster.database(database.schema_files(Path.cwd()))
            file.write(Path(), url)
    except LocalStackError as error:
        raise click.ClickException(str(error)) from None
    for diagram, text in erd.drawn(Path(), pg_catalog.loaded()).items():
        diagram.write_text(text, encoding="utf-8")

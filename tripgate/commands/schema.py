"""`tripgate schema`: print the GraphQL schema, compare it with `schema.graphql`, or write what is generated."""

from pathlib import Path

import click

_FILE = Path("schema.graphql")


@click.command()
@click.option("--check", is_flag=True, help="Compare with schema.graphql instead of printing; exit 1 when they differ.")
@click.option("--update", is_flag=True, help="Write schema.graphql, the descriptions from the SQL, and the diagrams.")
def schema(*, check: bool, update: bool) -> None:
    """Print the GraphQL schema."""
    if check and update:
        raise click.UsageError("Give --check or --update, not both.")
    if update:
        _write_what_follows_from_the_sql()
    from tripgate.gateway.schema import schema as assembled  # noqa: PLC0415 - reads the descriptions just written

    text = f"{assembled()}\n"
    if update:
        _FILE.write_text(text, encoding="utf-8")
    elif not check:
        click.echo(text, nl=False)
    elif not _FILE.exists() or _FILE.read_text(encoding="utf-8") != text:
        raise click.ClickException(
            "schema.graphql differs from the types. Run `make schema` and commit what it writes."
        )


def _write_what_follows_from_the_sql() -> None:
    from gql.descriptions import DESCRIPTIONS_FILE  # noqa: PLC0415
    from tripgate.local import comments, database, erd, scratch  # noqa: PLC0415 - reached by this option alone
    from tripgate.local.errors import LocalStackError  # noqa: PLC0415

    try:
        with scratch.scratch() as cluster:
            url = cluster.database(database.schema_files(Path.cwd()))
            DESCRIPTIONS_FILE.write_text(comments.as_json(url), encoding="utf-8")
            for file, tables in erd.DIAGRAMS.items():
                Path(file).write_text(erd.as_mermaid(url, tables), encoding="utf-8")
    except LocalStackError as error:
        raise click.ClickException(str(error)) from None

"""Changed schema files, brought into the database that runs, with its data.

Takes the project's folder and a connection string for role `postgres`; gives the migration that is missing, tried in a
transaction that is rolled back, and what it would throw away; raises LocalStackError, and then nothing has changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from tripgate.local import catalog, database, migrations, program_rows, supabase_cli
from tripgate.local.errors import LocalStackError
from tripgate.local.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tripgate.local.catalog import Catalog
    from tripgate.local.program_rows import Difference, ProgramRows
    from tripgate.local.scratch import SessionScratch

# Whoever uses the database meanwhile keeps it from being changed, but not for long.
_LOCK_SECONDS = 5
# What Realtime makes for itself once it runs.
_REALTIMES_OWN = "publication supabase_realtime_messages_publication"
_KINDS = ("table ", "column ", "sequence ", "materialized view ")
# What may lose rows or values even where an object of the same name is there afterwards.
_LOSING = [
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"drop\s+(table|schema|sequence|materialized\s+view|type)\b",
        r"(truncate|delete\s+from|update)\b",
        r"alter\s+table\b.*\bdrop\s+(column\b|(if\s+exists\s+)?\")",
        r"alter\s+table\b.*\balter\s+(column\s+)?\S+\s+(set\s+data\s+)?type\b",
    )
]
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)


@dataclass(frozen=True)
class Change:
    """What brings the database to the schemas.

    Attributes:
        sql: The migration.
        losses: What it throws away, or might: objects by name, then statements. Empty where nothing can be lost.
        schemas: The digests of the files that it leads to.
        want: What the database consists of afterwards.
        rows: Which rows of the program it has afterwards.
        program: The files that bring those.
    """

    sql: str
    losses: Sequence[str]
    schemas: dict[str, str]
    want: Catalog
    rows: ProgramRows
    program: tuple[Path, ...] = ()

    @property
    def whole(self) -> str:
        """The migration, with the program's rows."""
        return "\n\n".join(filter(None, (self.sql, program_rows.as_migration(self.program))))


def propose(
    project_dir: Path,
    database_url: str,
    progress: Callable[[str], None] = lambda _: None,
    session: SessionScratch | None = None,
) -> Change:
    """The change that is missing; `whole` is empty where the files make the same database.

    `session` has the temporary cluster of whoever proposes again and again.

    Raises:
        LocalStackError: A file is no SQL, the change cannot be written by itself, or the data do not allow it.
    """
    files, program = database.schema_files(project_dir), database.program_files(project_dir)
    schemas = database.fingerprints([*files, *program])
    progress("Comparing this database with the schemas")
    with session.lent() if session else scratch() as server, server.task():
        want = server.describe(files)
        rows = program_rows.wanted(program, lambda: server.database(files))
        have = catalog.describe(database_url)
        sql = ""
        if _differences(have, want):
            goal = server.database(files)
            program_rows.copy_jobs(database_url, server.as_admin(goal))
            sql = supabase_cli.diff(supabase_cli.program(progress), database_url, goal)
    with _connected(database_url) as connection, connection.transaction(force_rollback=True):
        if sql:
            sql = _applied(connection, sql, want)
        lacking = program_rows.files_of(_lacking(rows, connection))
        _bring_rows(connection, lacking, rows)
    gone = [name for name in have if name not in want and name.startswith(_KINDS)]
    return Change(sql, [*gone, *_losing(sql)], schemas, want, rows, tuple(lacking))


def apply(change: Change, database_url: str) -> None:
    """Apply it, as one transaction, and let PostgREST know.

    Raises:
        LocalStackError: It does not apply any more.
    """
    with _connected(database_url) as connection, connection.transaction():
        _applied(connection, change.sql, change.want)
        _bring_rows(connection, change.program, change.rows)
        connection.execute("notify pgrst, 'reload schema'")


def _losing(sql: str) -> list[str]:
    """The statements that may lose something, a line each. What functions are made of does not run now."""
    statements = [" ".join(each.split()) for each in _BODY.sub("", sql).split(";")]
    return [each for each in statements if any(pattern.match(each) for pattern in _LOSING)]


def _connected(database_url: str) -> psycopg.Connection:
    try:
        connection = psycopg.connect(database_url, autocommit=True)
    except psycopg.OperationalError as error:
        raise LocalStackError(f"The database does not answer: {error}") from error
    connection.execute(f"set lock_timeout = '{_LOCK_SECONDS}s'")
    return connection


def _applied(connection: psycopg.Connection, sql: str, want: Catalog) -> str:
    """Apply it in the transaction; the SQL with what the differ passes over. Raises LocalStackError."""
    try:
        if sql:
            connection.execute(sql.encode(), prepare=False)
        comments = migrations.comments_on_columns(catalog.read(connection), want)
        if comments and comments not in sql:
            connection.execute(comments.encode(), prepare=False)
            sql = f"{sql}\n\n{comments}".strip()
    except psycopg.Error as error:
        detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
        raise LocalStackError(
            f"The change does not apply to what this database holds: {error.diag.message_primary or error}{detail}\n"
            f"{migrations.indented(sql)}"
        ) from error
    left = _differences(catalog.read(connection), want)
    if left:
        raise LocalStackError(
            "The Supabase CLI does not find the whole change; apply it by hand, or start with --fresh:\n"
            f"{migrations.listed(left)}"
        )
    return sql


def _bring_rows(connection: psycopg.Connection, files: Sequence[Path], rows: ProgramRows) -> None:
    """Apply the program's files in the transaction. Raises LocalStackError where the rows are not theirs then."""
    if not files:
        return
    for file in files:
        database.run(connection, file)
    left = [each.sentence for each in _lacking(rows, connection)]
    if left:
        raise LocalStackError(
            "What supabase/program says must also change what is there by now:\n" + migrations.listed(left)
        )


def _lacking(rows: ProgramRows, connection: psycopg.Connection) -> list[Difference]:
    """What is not there as declared; what else is there somebody has put there, to try something."""
    return [each for each in program_rows.differences(rows, connection) if not each.undeclared]


def _differences(have: Catalog, want: Catalog) -> list[str]:
    own = {name: properties for name, properties in have.items() if name != _REALTIMES_OWN or name in want}
    return catalog.differences(own, want, names=("this database", "the schemas"), ignore=catalog.DEFAULT_PRIVILEGES)

"""Migrations: the numbered files that bring a database from one state of `supabase/schemas` to the next.

The first one is the schema files themselves, one after the other; each later one is what the Supabase CLI finds to
differ between a database with the migrations and one with the schemas, and the files of `supabase/program` whose rows
differ. Nothing is believed: a migration is applied to new databases first, one like a new project's and one like an
older project's, and both must come out equal to the schemas. Takes the project's folder; gives the new file or the
differences; raises LocalStackError, and writes nothing.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tripgate.local import catalog, program_rows, supabase_cli
from tripgate.local.database import program_files, schema_files
from tripgate.local.errors import LocalStackError
from tripgate.local.scratch import Scratch, scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tripgate.local.catalog import Catalog
    from tripgate.local.program_rows import Difference, ProgramRows

_VERSION = "%Y%m%d%H%M%S"
_SIDES = ("the migrations", "the schemas")
_SHOWN = 20


@dataclass(frozen=True)
class Migration:
    """A file that was written, and the tables and columns that it drops with all they hold."""

    file: Path
    dropped: Sequence[str]


class MigrationNameError(LocalStackError):
    """A file cannot be called so."""


class IncompleteMigrationError(LocalStackError):
    """What the differ proposes does not lead to the schemas; `sql` is the proposal, for finishing it by hand."""

    def __init__(self, message: str, sql: str) -> None:
        super().__init__(message)
        self.sql = sql


def migration_files(project_dir: Path) -> list[Path]:
    """The project's migrations in order. Refuses names that the Supabase CLI would pass over or take for one."""
    files = sorted((project_dir / "supabase" / "migrations").glob("*.sql"))
    last = None
    for file in files:
        moment = _moment(file)
        if moment is None:
            raise LocalStackError(f"{file} must be called <year to second, 14 digits>_<name>.sql, or lie elsewhere.")
        if moment == last:
            raise LocalStackError(f"{file} has the same number as the migration before it: give it a later one.")
        last = moment
    return files


def _moment(file: Path) -> datetime | None:
    """The time that a migration's name begins with, or None for another name."""
    match = re.fullmatch(r"(\d{14})_\w+\.sql", file.name)
    try:
        return datetime.strptime(match[1], _VERSION).replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


def drift(project_dir: Path) -> list[str]:
    """What differs between a database made by the migrations and one made by the schemas, a sentence each."""
    schemas, migrations = schema_files(project_dir), migration_files(project_dir)
    program = program_files(project_dir)
    with scratch() as server, server.task():
        want = _declared(server, schemas)
        rows = program_rows.wanted(program, lambda: server.database(schemas))
        off_course = _off_course(server, migrations, want)
        return off_course or [each.sentence for each in _other_rows(server, migrations, rows)]


def drift_of_rows(project_dir: Path, database_url: str) -> list[str]:
    """How the rows of the program differ in a database that runs, a sentence each. It is only read."""
    schemas, program = schema_files(project_dir), program_files(project_dir)
    with scratch() as server, server.task():
        rows = program_rows.wanted(program, lambda: server.database(schemas))
    try:
        with psycopg.connect(database_url, autocommit=True) as connection:
            return [each.sentence for each in program_rows.differences(rows, connection)]
    except psycopg.OperationalError as error:
        raise LocalStackError(f"The database does not answer: {str(error).splitlines()[0]}") from error
    except psycopg.Error as error:
        raise LocalStackError(f"The database does not let its rows be read: {error.diag.message_primary}") from error


def write_next(project_dir: Path, name: str, progress: Callable[[str], None] = lambda _: None) -> Migration | None:
    """Write the migration that is missing, or return None when nothing changed.

    `name` is the part of the file's name behind the number; raises MigrationNameError if it cannot be.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise MigrationNameError(f"{name!r} cannot name a migration: use lower-case letters, digits and underscores.")
    schemas, migrations = schema_files(project_dir), migration_files(project_dir)
    program = program_files(project_dir)
    progress("Starting a temporary Postgres")
    with scratch() as server, server.task():
        want = _declared(server, schemas)
        rows = program_rows.wanted(program, lambda: server.database(schemas))
        have = server.describe(migrations)
        sql = ""
        if _off_course(server, migrations, want):
            if migrations:
                cli = supabase_cli.program(progress)
                progress("Comparing the migrations with the schemas")
                before, after = server.database(migrations), server.database(schemas)
                program_rows.copy_jobs(before, server.as_admin(after))
                sql = supabase_cli.diff(cli, before, after)
            else:
                sql = _baseline(schemas)
            progress("Trying the migration")
            sql = _verified(server, migrations, sql, want)
        sql = _with_rows(server, migrations, sql, rows)
        if not sql:
            return None
    file = project_dir / "supabase" / "migrations" / f"{_version_after(migrations)}_{name}.sql"
    file.parent.mkdir(exist_ok=True)
    file.write_text(sql, encoding="utf-8")
    gone = [each for each in have if each not in want and each.startswith(("table ", "column "))]
    return Migration(file, gone)


def _declared(server: Scratch, schemas: Sequence[Path]) -> Catalog:
    """What the schemas make. Refuses what would be open to more callers in an older project than in a new one."""
    want = server.describe(schemas)
    older = server.describe(schemas, open_grants=True)
    unlike = _differences(older, want, ("an older project", "a new one"))
    if unlike:
        raise LocalStackError(
            "Older projects grant every right on what is made in schema public. So that rights do not depend on a "
            "project's age, begin with `revoke all on … from public, anon, authenticated, service_role` and then grant "
            f"what is meant:\n{listed(unlike)}"
        )
    return want


def _off_course(server: Scratch, migrations: Sequence[Path], want: Catalog) -> list[str]:
    """What the migrations make otherwise than the schemas, in a new project or in an older one."""
    for open_grants, where in ((False, ""), (True, " in an older project")):
        got = server.describe(migrations, open_grants=open_grants)
        found = _differences(got, want, (f"{_SIDES[0]}{where}", _SIDES[1]))
        if found:
            return found
    return []


def _other_rows(server: Scratch, migrations: Sequence[Path], rows: ProgramRows) -> list[Difference]:
    """What the migrations make otherwise of the program's rows."""
    if not rows.declared:
        return []
    with psycopg.connect(server.readable(migrations), autocommit=True) as connection:
        return list(program_rows.differences(rows, connection, names=("supabase/program", _SIDES[0])))


def _with_rows(server: Scratch, migrations: Sequence[Path], sql: str, rows: ProgramRows) -> str:
    """The migration, with the files of the program whose rows would not be there. Raises LocalStackError."""
    if not rows.declared:
        return sql
    with tempfile.TemporaryDirectory() as folder:
        proposal = Path(folder) / "proposal.sql"
        proposal.write_text(sql, encoding="utf-8")
        files = program_rows.files_of(_other_rows(server, [*migrations, proposal], rows))
        if not files:
            return sql
        sql = f"{sql}\n\n{program_rows.as_migration(files)}".strip() + "\n"
        proposal.write_text(sql, encoding="utf-8")
        left = _other_rows(server, [*migrations, proposal], rows)
    if left:
        raise LocalStackError(
            "What supabase/program says is applied to what earlier migrations have made, so it must also change and "
            "delete what is there by now; nothing was written:\n" + listed([each.sentence for each in left])
        )
    return sql


def _verified(server: Scratch, migrations: Sequence[Path], sql: str, want: Catalog) -> str:
    """The migration, with the column comments that the differ passes over. Raises IncompleteMigrationError."""
    with tempfile.TemporaryDirectory() as folder:
        proposal = Path(folder) / "proposal.sql"
        proposal.write_text(sql, encoding="utf-8")
        try:
            got = server.describe([*migrations, proposal])
            comments = comments_on_columns(got, want)
            if comments:
                sql = f"{sql}\n\n{comments}"
                proposal.write_text(sql, encoding="utf-8")
            left = _off_course(server, [*migrations, proposal], want)
        except LocalStackError as error:
            reason = str(error).replace(str(proposal), "the proposal")
            raise IncompleteMigrationError(f"What the Supabase CLI proposes does not apply: {reason}", sql) from error
    if left:
        raise IncompleteMigrationError(
            "What the Supabase CLI proposes does not lead to the schemas; nothing was written. Finish it by hand as "
            f"a file in supabase/migrations and run `tripgate migration --check`:\n{listed(left)}",
            sql,
        )
    return f"{sql.strip()}\n"


def comments_on_columns(got: Catalog, want: Catalog) -> str:
    """Statements for the comments that are missing; the CLI passes over those on a view's columns."""
    lines = []
    for name, properties in want.items():
        comment = properties.get("comment")
        if name.startswith("column ") and name in got and got[name].get("comment") != comment:
            text = "null" if comment is None else "'" + comment.replace("'", "''") + "'"
            lines.append(f"COMMENT ON COLUMN {name.removeprefix('column ')} IS {text};")
    return "\n\n".join(lines)


def _baseline(schemas: Sequence[Path]) -> str:
    # The files as they are: they keep their order, their remarks and what they take away from older projects' roles.
    return "\n\n".join(f"-- From schemas/{file.name}\n\n{file.read_text(encoding='utf-8').strip()}" for file in schemas)


def _version_after(migrations: Sequence[Path]) -> str:
    """The present second, or the one after the last migration's if that lies ahead."""
    moments = [moment + timedelta(seconds=1) for file in migrations if (moment := _moment(file))]
    return max(datetime.now(UTC), *moments, datetime.min.replace(tzinfo=UTC)).strftime(_VERSION)


def _differences(left: Catalog, right: Catalog, names: tuple[str, str]) -> list[str]:
    # Default privileges are how an older project differs from a new one to begin with.
    return catalog.differences(left, right, names=names, ignore=catalog.DEFAULT_PRIVILEGES)


def listed(lines: Sequence[str]) -> str:
    """Some of the lines, indented, and how many more there are."""
    more = [f"  … and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([*(f"  {line}" for line in lines[:_SHOWN]), *more])


def indented(sql: str) -> str:
    """SQL as a part of what is told."""
    return "\n".join(f"  {line}" if line else "" for line in sql.splitlines())

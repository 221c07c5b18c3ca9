"""Fills a new cluster: the platform's SQL, passwords, the project's schemas, its seed.

Takes SQL files in lexicographic order; raises LocalStackError that names file and line of a mistake.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tripgate.local.postgres import Postgres

PLATFORM = Path(__file__).with_name("platform")
OWNER = "postgres"


def schema_files(project_dir: Path) -> list[Path]:
    """The project's `supabase/schemas/*.sql`. Raises LocalStackError when there are none."""
    schemas = project_dir / "supabase" / "schemas"
    files = sorted(schemas.glob("*.sql"))
    if not files:
        raise LocalStackError(f"There are no SQL files in {schemas}: give the project's own directory.")
    return files


def program_files(project_dir: Path) -> list[Path]:
    """The project's `supabase/program/*.sql`: rows that are part of the program, behind all schemas."""
    return sorted((project_dir / "supabase" / "program").glob("*.sql"))


def project_files(project_dir: Path) -> list[Path]:
    """All that makes the project's database, in order. Raises LocalStackError when there are no schemas."""
    return [*schema_files(project_dir), *program_files(project_dir)]


def seed_file(project_dir: Path) -> Path | None:
    """The project's `supabase/seed.sql`, if it has one."""
    file = project_dir / "supabase" / "seed.sql"
    return file if file.exists() else None


def platform_files() -> list[Path]:
    """The SQL that makes an empty cluster look like the platform."""
    return sorted(PLATFORM.glob("*.sql"))


def fingerprints(files: Iterable[Path]) -> dict[str, str]:
    """A digest of each file, by name: tells a later start whether the SQL has changed."""
    return {_told_apart(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _told_apart(file: Path) -> str:
    return f"program/{file.name}" if file.parent.name == "program" else file.name


def changed_names(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The names whose files were added, removed or changed."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def apply_platform(postgres: Postgres) -> None:
    """Make the platform's roles, schemas and functions."""
    apply(postgres.admin_url(), platform_files())


def make_own(postgres: Postgres, passwords: Mapping[str, str]) -> None:
    """What no cluster shares with those made from the same SQL: passwords of login roles, and the days of messages."""
    with psycopg.connect(postgres.admin_url(), autocommit=True) as connection:
        for role, password in passwords.items():
            connection.execute(
                sql.SQL("alter role {} with password {}").format(sql.Identifier(role), sql.Literal(password))
            )
        # A prepared cluster has those of the day on which it was made.
        connection.execute("set role supabase_realtime_admin")
        connection.execute("select realtime.maintain_messages_partitions()")


def apply_project(postgres: Postgres, files: Iterable[Path]) -> None:
    """Apply the project's SQL as the role that owns it on the platform."""
    apply(postgres.socket_url(OWNER), files)


def stop_jobs(postgres: Postgres) -> None:
    """Let no job run that is scheduled by now, where jobs can be at all."""
    with psycopg.connect(postgres.admin_url(), autocommit=True) as connection:
        if connection.execute("select to_regclass('cron.job') is not null").fetchone() == (True,):
            connection.execute("update cron.job set active = false where active")


def apply(url: str, files: Iterable[Path]) -> None:
    """Run each file as one script and one transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        for file in files:
            run(connection, file)


def run(connection: psycopg.Connection, file: Path) -> None:
    """Run one file as a script, in the transaction that is open or else in one of its own."""
    text = file.read_text(encoding="utf-8")
    try:
        connection.execute(text.encode(), prepare=False)
    except psycopg.Error as error:
        raise LocalStackError(_describe(file, text, error)) from error


def _describe(file: Path, text: str, error: psycopg.Error) -> str:
    diagnosis = error.diag
    where = str(file)
    if diagnosis.statement_position:
        where += f", line {text.count(chr(10), 0, int(diagnosis.statement_position) - 1) + 1}"
    lines = [f"{where}: {diagnosis.message_primary or error}"]
    lines += [
        f"  {label}: {detail}"
        for label, detail in (
            ("detail", diagnosis.message_detail),
            ("hint", diagnosis.message_hint),
            ("context", diagnosis.context),
        )
        if detail
    ]
    return "\n".join(lines)

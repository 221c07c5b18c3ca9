"""Rows that are part of the program: plans, prices, buckets, jobs that are due. They stand in `supabase/program/*.sql`.

Each file is SQL that may be run again and again, and says in remarks which rows it means, by what they are known, and
what of them is the program's:

    -- rows of private.plans by key: name, price
    -- rows of cron.job by jobname: schedule, command where jobname like 'tripgate-%'

Takes those files and databases; gives what differs, a sentence a row; raises LocalStackError for a file that does not
keep its word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from tripgate.local import database
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_NAME = r"[a-z_][a-z0-9_]*"
_REMARK = re.compile(
    rf"-- rows of (?P<table>{_NAME}\.{_NAME}) by (?P<keys>{_NAME}(?:, {_NAME})*)"
    rf"(?:: (?P<columns>{_NAME}(?:, {_NAME})*))?(?: where (?P<where>.+))?"
)
_BEGINS = "-- rows of"
_AGAIN = "What is part of the program is applied again with each change of it, so it must apply"
# What other rows bring about by themselves.
_NOT_WRITTEN_HERE = ("realtime", "pg_temp")


@dataclass(frozen=True)
class Declared:
    """What one remark says of a table.

    Attributes:
        keys: The columns by which a row is known.
        columns: Those that are compared beside them.
        where: Which rows of the table are the program's, as SQL; all, where it is empty.
    """

    file: Path
    table: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class ProgramRows:
    """The rows as the files make them.

    Attributes:
        rows: Of each declaration, the values of the compared columns by those of the keys, both as JSON text.
    """

    declared: tuple[Declared, ...] = ()
    rows: Mapping[Declared, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """One row that is not as declared.

    Attributes:
        file: The file that declares the rows of its table.
        undeclared: The row is there, and no file declares it.
    """

    file: Path
    sentence: str
    undeclared: bool = False


def declarations(files: Sequence[Path]) -> tuple[Declared, ...]:
    """What all files say. Raises LocalStackError with file and line of a remark that says nothing."""
    found: list[Declared] = []
    for file in files:
        before = len(found)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if not line.startswith(_BEGINS):
                continue
            remark = _REMARK.fullmatch(line.rstrip())
            if remark is None:
                raise LocalStackError(
                    f"{file}, line {number}: write `-- rows of <schema>.<table> by <key>, …: <column>, … where <SQL>`; "
                    "what stands behind the keys may be left out."
                )
            table, where = remark["table"], remark["where"] or ""
            for other in found:
                # Each system has rows of its own in tables that all share, as cron's jobs.
                if other.table == table and (not where or not other.where or where == other.where):
                    raise LocalStackError(
                        f"{file}, line {number}: {other.file.name} has the rows of {table} already. "
                        "Where each has some of them, each says which by `where <SQL>`."
                    )
            columns = tuple(filter(None, (remark["columns"] or "").split(", ")))
            found.append(Declared(file, table, tuple(remark["keys"].split(", ")), columns, where))
        if len(found) == before:
            raise LocalStackError(f"{file} does not say whose rows it has: begin a line with `{_BEGINS} …`.")
    return tuple(found)


def wanted(files: Sequence[Path], make: Callable[[], str]) -> ProgramRows:
    """The rows as the files make them, in an empty database with the project's schemas.

    Args:
        make: Gives the connection string of such a database, for this alone.

    Raises:
        LocalStackError: A file cannot be applied, or not twice, or writes rows of which it does not tell.
    """
    declared = declarations(files)
    if not declared:
        return ProgramRows()
    url = make()
    for file in files:
        # Each by a session of its own, of which Postgres counts what it writes.
        with psycopg.connect(url) as connection:
            database.run(connection, file)
            _refuse_others(connection, file, [each for each in declared if each.file == file])
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            once = ProgramRows(declared, {each: _read(connection, each) for each in declared})
        except psycopg.Error as error:
            raise LocalStackError(
                f"What supabase/program says of its rows is not so: {error.diag.message_primary}"
            ) from error
        for file in files:
            try:
                database.run(connection, file)
            except LocalStackError as error:
                raise LocalStackError(f"{_AGAIN}:\n{error}") from error
        changed = list(differences(once, connection, names=("once", "when it is applied again")))
    if changed:
        raise LocalStackError(
            f"{_AGAIN} and make the same rows:\n" + "\n".join(f"  {each.sentence}" for each in changed)
        )
    return once


def differences(
    want: ProgramRows, connection: psycopg.Connection, *, names: tuple[str, str] = ("the program", "the database")
) -> Iterator[Difference]:
    """Each row that the database lacks, has otherwise, or has though nobody declares it.

    `names` say what the two sides are called.
    """
    for each in want.declared:
        try:
            with connection.transaction():
                have = _read(connection, each)
        except (
            psycopg.errors.UndefinedTable,
            psycopg.errors.UndefinedColumn,
            psycopg.errors.InvalidSchemaName,
        ) as error:
            sentence = f"{each.table}: {names[1]} does not have it ({error.diag.message_primary})"
            yield Difference(each.file, sentence)
            continue
        expected = want.rows[each]
        for key in sorted(expected.keys() | have.keys()):
            row = f"{each.table} {key}"
            if key not in have:
                yield Difference(each.file, f"{row}: missing in {names[1]}")
            elif key not in expected:
                sentence = f"{row}: only in {names[1]}; {each.file.name} does not declare it"
                yield Difference(each.file, sentence, undeclared=True)
            else:
                for column in each.columns:
                    one, other = expected[key][column], have[key][column]
                    if one != other:
                        sentence = f"{row}: {column} is {one} in {names[0]}, {other} in {names[1]}"
                        yield Difference(each.file, sentence)


def files_of(found: Iterable[Difference]) -> list[Path]:
    """The files that are to be applied for these differences, in order."""
    return sorted({each.file for each in found})


def as_migration(files: Sequence[Path]) -> str:
    """The SQL that brings their rows into a database."""
    return "\n\n".join(f"-- From program/{file.name}\n\n{file.read_text(encoding='utf-8').strip()}" for file in files)


def copy_jobs(have: str, want: str) -> None:
    """Let the differ, which would compare jobs too, find the same in both, and leave them to the program's files.

    Args:
        have: The database that is compared.
        want: The one that it is compared with, for its superuser, to be thrown away later.
    """
    with psycopg.connect(have) as source, psycopg.connect(want) as target:
        for connection in (source, target):
            if connection.execute("select to_regclass('cron.job') is null").fetchone() == (True,):
                return
        # One without a name the differ can neither compare nor take back.
        jobs = source.execute("select to_jsonb(job)::text from cron.job as job where jobname is not null").fetchall()
        for job in jobs:
            target.execute("insert into cron.job select * from jsonb_populate_record(null::cron.job, %s::jsonb)", job)


def _read(connection: psycopg.Connection, declared: Declared) -> dict[str, dict[str, str]]:
    schema, _, table = declared.table.partition(".")
    query = sql.SQL("select jsonb_build_array({keys})::text, array[{columns}]::text[] from {table} {where}").format(
        keys=_as_json(declared.keys),
        columns=sql.SQL(", ").join(
            sql.SQL("to_jsonb({})::text").format(sql.Identifier(each)) for each in declared.columns
        ),
        table=sql.Identifier(schema, table),
        where=sql.SQL("where " + declared.where if declared.where else ""),  # as the project has it
    )
    with connection.transaction(force_rollback=True):
        # Values are compared as they are written.
        connection.execute("set local timezone = 'UTC'")
        rows = connection.execute(query).fetchall()
    return {
        key[1:-1]: {
            name: "null" if value is None else value for name, value in zip(declared.columns, values, strict=True)
        }
        for key, values in rows
    }


def _as_json(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _refuse_others(connection: psycopg.Connection, file: Path, declared: Sequence[Declared]) -> None:
    """Raise LocalStackError where this session has written to tables that the file does not name."""
    written = connection.execute(
        """
        select schemaname || '.' || relname from pg_stat_xact_user_tables
        where n_tup_ins + n_tup_upd + n_tup_del > 0 and not schemaname = any(%s) order by 1
        """,
        [list(_NOT_WRITTEN_HERE)],
    )
    others = {name for (name,) in written} - {each.table for each in declared}
    if others:
        raise LocalStackError(
            f"{file} writes rows of {', '.join(sorted(others))}: say so by a line `{_BEGINS} {min(others)} by …`, or "
            "nobody would notice when they change."
        )

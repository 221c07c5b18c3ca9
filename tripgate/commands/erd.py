"""Entity relationship diagrams in Mermaid's language, one for each stage, drawn from what Postgres knows of its tables.

Tables stand in the order in which the stage's file makes them, columns in their own. A table outside the diagram that
one inside refers to is an empty box.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from gql import pg_catalog

_STAGE = re.compile(r"\d{3}_(\w+?)(?:_1)?_tables\.sql")
_MADE = re.compile(r"^create table (?:if not exists )?(\w+\.\w+)", re.MULTILINE)
# Names that Postgres has for types, as diagrams of the seed call them; Mermaid's have no spaces.
_TYPES = {
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "double precision": "float8",
    "character varying": "varchar",
}


def drawn(project_dir: Path, database: pg_catalog.Database) -> dict[Path, str]:
    """Each stage's diagram, by the file that it belongs into."""
    folder = project_dir / "docs" / "supabase" / "schema" / "diagrams"
    found = {}
    for file in sorted((project_dir / "supabase" / "schemas").glob("*.sql")):
        stage = _STAGE.fullmatch(file.name)
        if stage is not None:
            made = _MADE.findall(file.read_text(encoding="utf-8"))
            shown = [name for name in made if name in database.tables]
            found[folder / f"erd-{stage[1]}.mmd"] = as_mermaid(database, shown)
    return found


def stale(project_dir: Path, database: pg_catalog.Database) -> list[Path]:
    """The diagrams that show something else, or are not there beside others."""
    wanted = drawn(project_dir, database)
    if not any(file.parent.is_dir() for file in wanted):
        return []  # a schema is checked where nothing else of the project is, too
    return [file for file, text in wanted.items() if not file.exists() or file.read_text(encoding="utf-8") != text]


def as_mermaid(database: pg_catalog.Database, tables: Sequence[str]) -> str:
    """The diagram of these tables, by their qualified names."""
    shown = [database.tables[name] for name in tables]
    lines = ["%% Drawn from the database by `make schema`.", "erDiagram"]
    for table in shown:
        lines += [f"    {_name(table.qualified)} {{"]
        lines += [f"        {_column(table, column)}" for column in table.columns.values()]
        lines += ["    }"]
    lines += [f"    {_relation(table, key)}" for table in shown for key in table.foreign_keys]
    return "\n".join(lines) + "\n"


def _column(table: pg_catalog.Table, column: pg_catalog.Column) -> str:
    plain, _, array = column.type.partition("[")
    plain = plain.partition("(")[0].rpartition(".")[2]
    marks = {
        "PK": column.name in table.primary_key,
        "FK": any(column.name in key.columns for key in table.foreign_keys),
        "UK": any(index.constraint and index.columns == (column.name,) for index in table.indexes),
    }
    keys = ", ".join(key for key, holds in marks.items() if holds)
    parts = [_TYPES.get(plain, plain) + "[]" * bool(array), column.name, keys, '"may be null"' * column.nullable]
    return " ".join(part for part in parts if part)


def _relation(table: pg_catalog.Table, key: pg_catalog.ForeignKey) -> str:
    one = "|o" if any(table.columns[name].nullable for name in key.columns) else "||"
    # A person's row may be the account's own, so "one" follows from a unique key on exactly the referring columns.
    many = "o|" if table.is_unique(*key.columns) else "o{"
    return f'{_name(key.to)} {one}--{many} {_name(table.qualified)} : "{", ".join(key.columns)}"'


def _name(qualified: str) -> str:
    schema, _, name = qualified.partition(".")
    return name if schema == pg_catalog.PUBLIC else f'"{qualified}"'

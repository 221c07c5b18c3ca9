"""Writes `gql/pg_catalog.json`, and finds that the schemas have changed since, without a database.

Takes the project's folder, for the schemas that its `supabase/config.toml` exposes and the files that make them.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from typing import TYPE_CHECKING, Any

from gql import pg_catalog
from tripgate.commands.pg_catalog import reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What the platform exposes beside, for its own GraphQL.
_NOT_OURS = {"graphql_public"}
_WIDTH = 120


def exposed(project_dir: Path) -> list[str]:
    """The schemas that the API serves: `schemas` of `supabase/config.toml`; `public` where it says nothing."""
    config = project_dir / "supabase" / "config.toml"
    said = tomllib.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    schemas: list[str] = said.get("api", {}).get("schemas", [pg_catalog.PUBLIC])
    return [name for name in schemas if name not in _NOT_OURS]


def write(project_dir: Path, database_url: str) -> None:
    """Write the file from a database with the project's schemas."""
    import psycopg  # noqa: PLC0415 - an extra, which checking goes without

    with psycopg.connect(database_url) as connection:
        found = reading.as_json(connection, exposed(project_dir))
    pg_catalog.FILE.write_text(as_text({"made_by": _made_by(project_dir), **found}), encoding="utf-8")


def changed(project_dir: Path) -> list[str]:
    """The names of the schema files that were added, removed or changed since the file was written."""
    now, then = _made_by(project_dir), pg_catalog.raw()["made_by"]
    if not now:
        return []  # a schema is checked where nothing else of the project is, too
    return sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))


def _made_by(project_dir: Path) -> dict[str, str]:
    """A digest of each schema file."""
    files = sorted((project_dir / "supabase" / "schemas").glob("*.sql"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files}


def as_text(found: Mapping[str, Any]) -> str:
    """JSON with one line for each thing that can change: what fits a line stands on one."""
    return _shown(found, 0, 0) + "\n"


def _shown(value: object, depth: int, before: int) -> str:
    line = json.dumps(value, ensure_ascii=False)
    # The document, its parts and their members are always spread out; lists never are.
    spread = isinstance(value, dict) and value and (depth < 3 or before + len(line) > _WIDTH)
    if not spread or not isinstance(value, dict):
        return line
    indent = "  " * (depth + 1)
    parts = []
    for key, each in value.items():
        name = f"{indent}{json.dumps(key, ensure_ascii=False)}: "
        parts.append(name + _shown(each, depth + 1, len(name)))
    return "{\n" + ",\n".join(parts) + "\n" + "  " * depth + "}"

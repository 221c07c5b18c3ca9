"""What Postgres knows of the API's schemas: tables, views and functions, as the plain data of `gql.pg_objects`.

`pg_catalog.json` holds it for the program, as the SQL of `supabase/schemas` makes it; `make schema` writes the file.
`tripgate.commands.pg_catalog` reads the same of a database that runs. What the program declares over it stands in
`gql.table`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gql.pg_objects import PUBLIC, Check, Column, Database, ForeignKey, Function, Index, Policy, Schema, Table, Trigger

__all__ = [
    "FILE",
    "PUBLIC",
    "Check",
    "Column",
    "Database",
    "ForeignKey",
    "Function",
    "Index",
    "Policy",
    "Schema",
    "Table",
    "Trigger",
    "UnreadableError",
    "from_json",
    "loaded",
    "raw",
]

FILE = Path(__file__).with_suffix(".json")

_OTHER = "is not what `make schema` writes"


class UnreadableError(Exception):
    """`pg_catalog.json` cannot be read; says what to do."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"gql/{FILE.name} {why}. It is generated: take either side of a merge as it is, or the file of the last "
            f"commit (`git checkout HEAD -- gql/{FILE.name}`), and run `make schema`, which writes it anew."
        )


@functools.cache
def loaded() -> Database:
    """What the program was made for: the content of `pg_catalog.json`.

    Raises:
        UnreadableError: It cannot be read.
    """
    found = raw()
    try:
        return from_json(found)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableError(_OTHER) from error


@functools.cache
def raw() -> dict[str, Any]:
    """The content of the file as it is. Raises as `loaded`."""
    try:
        text = FILE.read_text(encoding="utf-8")
        found = json.loads(text)
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        if re.search(r"^(<{7}|={7}|>{7})", text, re.MULTILINE):
            raise UnreadableError("holds the conflict of a merge") from None
        raise UnreadableError(f"is no JSON, from line {error.lineno} on") from None
    except ValueError:
        raise UnreadableError("is no text in UTF-8") from None
    if not isinstance(found, dict) or not all(isinstance(found.get(each), dict) for each in ("tables", "functions")):
        raise UnreadableError(_OTHER)
    return found


def from_json(found: Mapping[str, Any]) -> Database:
    """Plain data in the form of the file, as objects."""
    functions = {signature: _function(signature, said) for signature, said in found["functions"].items()}
    of_rows: dict[str, dict[str, Function]] = {}
    for each in functions.values():
        if each.row_of is not None:
            of_rows.setdefault(each.row_of, {})[each.name] = each
    tables = {name: _table(name, said, of_rows.get(name, {})) for name, said in found["tables"].items()}
    platform = {name: _table(name, said, {}) for name, said in found.get("platform", {}).items()}
    schemas = {name: Schema(**_frozen(said)) for name, said in found.get("schemas", {}).items()}
    return Database(tables, functions, platform, schemas)


def _table(qualified: str, said: Mapping[str, Any], functions: Mapping[str, Function]) -> Table:
    schema, _, name = qualified.partition(".")
    columns = {each: Column(each, **_frozen(of)) for each, of in said.get("columns", {}).items()}
    grants = {
        role: {
            privilege: frozenset(columns if what is True else what) if privilege != "delete" else frozenset()
            for privilege, what in privileges.items()
        }
        for role, privileges in said.get("grants", {}).items()
    }
    whole = frozenset(
        (role, privilege)
        for role, privileges in said.get("grants", {}).items()
        for privilege, what in privileges.items()
        if what is True
    )
    return Table(
        schema,
        name,
        columns,
        view=said.get("view", False),
        invoker=said.get("invoker", False),
        rls=said.get("rls", False),
        comment=said.get("comment"),
        foreign_keys=tuple(ForeignKey(each, **_frozen(of)) for each, of in said.get("foreign_keys", {}).items()),
        checks={each: Check(each, **_frozen(of)) for each, of in said.get("checks", {}).items()},
        indexes=tuple(Index(each, **_frozen(of)) for each, of in said.get("indexes", {}).items()),
        grants=grants,
        whole=whole,
        policies=tuple(Policy(each, **_frozen(of)) for each, of in said.get("policies", {}).items()),
        triggers={each: Trigger(each, **_frozen(of)) for each, of in said.get("triggers", {}).items()},
        publications=tuple(said.get("publications", ())),
        functions=functions,
    )


def _function(signature: str, said: Mapping[str, Any]) -> Function:
    return Function(signature, **_frozen(said))


def _frozen(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}

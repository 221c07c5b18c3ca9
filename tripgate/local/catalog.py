"""What a database consists of, as plain data: two databases are the same when their descriptions are equal.

Takes a connection string; gives every object outside the system's schemas by name, with its definition, owner, rights
and comment. Of columns the position is left out: a migration can add one only at the end. Names of not-null constraints
are left out: the columns say what may be null, and older Postgres has no such names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Mapping

    Catalog = Mapping[str, Mapping[str, Any]]

DEFAULT_PRIVILEGES = "default privileges"

# Made and dropped as days go by.
_DAY_OF_MESSAGES = re.compile(r"\brealtime\.messages_\d{4}_\d\d_\d\d")
_QUERY = Path(__file__).with_suffix(".sql")


def describe(database_url: str) -> Catalog:
    """Every object by kind and name, in order, with its properties; those that are null are left out.

    The partitions of Realtime's messages are left out too: which there are is a matter of the day.
    """
    with psycopg.connect(database_url) as connection:
        return read(connection)


def read(connection: psycopg.Connection) -> Catalog:
    """The same as `describe`, as the connection's transaction sees it and leaving nothing behind."""
    found: dict[str, dict[str, Any]] = {}
    with connection.transaction(force_rollback=True):
        # With nothing on the path every name in a definition carries its schema.
        connection.execute("set local search_path = ''")
        cursor = connection.execute(_QUERY.read_bytes(), prepare=False)
        while cursor.nextset():
            pass
        for name, properties in cursor:
            if _DAY_OF_MESSAGES.search(name):
                continue
            found[name] = {key: value for key, value in properties.items() if value is not None}
    return dict(sorted(found.items()))


def differences(left: Catalog, right: Catalog, *, names: tuple[str, str], ignore: str | None = None) -> list[str]:
    """One sentence for each object or property that differs; nothing when both are the same.

    `names` say what the two sides are called; objects whose name begins with `ignore` are passed over.
    """
    lines = []
    for name in sorted(left.keys() | right.keys()):
        if ignore is not None and name.startswith(ignore):
            continue
        if name not in left or name not in right:
            lines.append(f"{name}: only in {names[0] if name in left else names[1]}")
            continue
        one, other = _flat(left[name]), _flat(right[name])
        lines += [
            f"{name}: {key} is {_shown(one.get(key))} in {names[0]}, {_shown(other.get(key))} in {names[1]}"
            for key in sorted(one.keys() | other.keys())
            if one.get(key) != other.get(key)
        ]
    return lines


def _flat(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties, with the rights of each role as one of their own."""
    flat = {key: value for key, value in properties.items() if key != "rights"}
    flat.update({f"what {role} may do": rights for role, rights in properties.get("rights", {}).items()})
    return flat


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list) else repr(value)

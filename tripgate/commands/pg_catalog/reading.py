"""The catalog of a database, as `gql.pg_catalog` has it. Only reads, and leaves nothing behind.

psycopg comes with extra `local`; whoever calls has imported it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gql import pg_catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

_QUERIES = {part: Path(__file__).with_name(f"{part}.sql") for part in ("schemas", "tables", "functions", "platform")}
_OF_SCHEMAS = {"schemas", "tables", "functions"}


def read(connection: psycopg.Connection, schemas: Sequence[str]) -> pg_catalog.Database:
    """The tables, views and functions of these schemas, as the connection's transaction sees them."""
    return pg_catalog.from_json(as_json(connection, schemas))


def as_json(connection: psycopg.Connection, schemas: Sequence[str]) -> dict[str, Any]:
    """The same as plain data, in the form of `gql/pg_catalog.json`."""
    with connection.transaction(force_rollback=True):
        # With nothing on the path every name carries its schema.
        connection.execute("set local search_path = ''")
        return {
            part: dict(
                connection.execute(
                    query.read_bytes(), [list(schemas)] if part in _OF_SCHEMAS else None, prepare=False
                ).fetchall()
            )
            for part, query in _QUERIES.items()
        }

"""Who may know of a change, and what of it. The rules are those of the platform's `realtime.apply_rls`.

Row level security is judged when the log is read: the row is looked up by its primary key as each subscriber, once for
each set of claims. A DELETE cannot be judged and reaches everybody, with the primary key alone where the table has row
level security. Columns are limited to what the role may select.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
from psycopg import sql

from tripgate.local.realtime import tables
from tripgate.local.realtime.database import rolled_back

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Sequence

    from tripgate.local.realtime import wal
    from tripgate.local.realtime.bindings import Binding
    from tripgate.local.realtime.database import Connection, Pool
    from tripgate.local.realtime.tables import Column, Table

# Of a row that is too large, what is larger than this is left out.
SMALL_BYTES = 64
TOO_LARGE = "Error 413: Payload Too Large"
NO_KEY = "Error 400: Bad Request, no primary key"
UNREADABLE = "Error 401: Unauthorized"
_ACT_AS = "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one row, of a table that somebody subscribed to."""

    relation: wal.Relation
    change: wal.Change
    committed_at: datetime.datetime

    def new(self) -> dict[str, str | None]:
        """The row after it; a large value that did not change is missing."""
        return dict(_texts(self.relation.columns, self.change.new or ()))

    def old(self, table: Table) -> dict[str, str | None]:
        """What identified the row before it: the columns of the replica identity."""
        if self.change.old is None:
            new = self.new()
            return {column.name: new[column.name] for column in table.primary if column.name in new}
        keys = {column.name for column in self.relation.columns if column.is_key}
        return {name: value for name, value in _texts(self.relation.columns, self.change.old) if name in keys}


@dataclass(frozen=True, slots=True)
class Reader:
    """One subscriber's eyes."""

    binding: Binding
    role: str
    claims: str


@dataclass(frozen=True, slots=True)
class Visible:
    """What some readers, by their places in the list, are told."""

    readers: list[int]
    data: bytes


async def visible_to(pool: Pool, event: Event, role: str, readers: Sequence[Reader], max_bytes: int) -> list[Visible]:
    """What readers of one role are told of a change. Raises psycopg.Error, or RefusedError without a database."""
    async with rolled_back(pool) as connection:
        table = await tables.describe(connection, event.relation.oid, role)
        if table is None:
            return []
        fault = _fault(event, table)
        if fault is not None:
            return [Visible(list(range(len(readers))), _encode(event, [], [fault], {"record": {}}))]
        new, old = event.new(), event.old(table)
        positions = await _through_filters(connection, event, table, readers, new, old)
        shown = await _Shown.of(connection, table, new, old, max_bytes) if positions else None
    if table.row_security and event.change.action != "DELETE":
        key = [(column, new.get(column.name)) for column in table.primary]
        claims = list(dict.fromkeys((readers[place].role, readers[place].claims) for place in positions))
        seen = dict(zip(claims, await _can_see(pool, table.entity, key, claims), strict=True))
        positions = [place for place in positions if seen[readers[place].role, readers[place].claims]]
    groups: dict[tuple[str, ...] | None, list[int]] = {}
    for place in positions:
        groups.setdefault(readers[place].binding.columns, []).append(place)
    return [Visible(group, shown.encode(event, columns)) for columns, group in groups.items() if shown is not None]


def _fault(event: Event, table: Table) -> str | None:
    if event.change.action == "DELETE":
        return None
    if not table.primary:
        return NO_KEY
    return None if all(column.readable for column in table.primary) else UNREADABLE


async def _through_filters(
    connection: Connection,
    event: Event,
    table: Table,
    readers: Sequence[Reader],
    new: dict[str, str | None],
    old: dict[str, str | None],
) -> list[int]:
    """The readers whose filters the row meets; a deleted row is judged by what identified it."""
    filters = list(dict.fromkeys(item for reader in readers for item in reader.binding.filters))
    values = old if event.change.action == "DELETE" else new
    met = dict(zip(filters, await tables.passes(connection, table, filters, values), strict=True))
    return [place for place, reader in enumerate(readers) if all(met[item] for item in reader.binding.filters)]


async def _can_see(
    pool: Pool, entity: str, key: Sequence[tuple[Column, str | None]], claims: Sequence[tuple[str, str]]
) -> list[bool]:
    """Whether a person with such claims can select the row. One whose policies fail cannot."""
    conditions = sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(
            sql.Identifier(column.name),
            sql.SQL("%s::text::" + column.type.replace("%", "%%")),
        )
        for column, _ in key
    )
    # A name that Postgres quoted itself.
    query = sql.SQL("select exists (select from {} where {})").format(
        sql.SQL(entity.replace("%", "%%")),
        conditions,
    )
    values = [value for _, value in key]
    try:
        async with rolled_back(pool) as connection:
            cursors = []
            async with connection.pipeline():
                for role, claim in claims:
                    await connection.execute(_ACT_AS, (role, claim))
                    cursors.append(await connection.execute(query, values))
            rows: list[Any] = [await cursor.fetchone() for cursor in cursors]
    except psycopg.Error as error:
        if len(claims) == 1:
            log.warning("%s cannot be judged: %s", entity, error)
            return [False]
        return [(await _can_see(pool, entity, key, [one]))[0] for one in claims]
    return [bool(row[0]) for row in rows]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A row's values as JSON, as far as the role may read them."""

    table: Table
    new: dict[str, str]
    old: dict[str, str]
    too_large: bool

    @classmethod
    async def of(
        cls,
        connection: Connection,
        table: Table,
        new: dict[str, str | None],
        old: dict[str, str | None],
        max_bytes: int,
    ) -> _Shown:
        """Reads the values. Raises psycopg.Error."""
        too_large = sum(len(value or "") for value in (*new.values(), *old.values())) > max_bytes
        wanted = [
            (side, table.columns[name], value)
            for side, values in (("new", new), ("old", old))
            for name, value in values.items()
            if name in table.columns
            and table.columns[name].readable
            and not (too_large and len((value or "").encode()) > SMALL_BYTES)
        ]
        texts = await tables.as_json(connection, [(column, value) for _, column, value in wanted])
        sides: dict[str, dict[str, str]] = {"new": {}, "old": {}}
        for (side, column, _), text in zip(wanted, texts, strict=True):
            sides[side][column.name] = text
        return cls(table, sides["new"], sides["old"], too_large)

    def encode(self, event: Event, selected: tuple[str, ...] | None) -> bytes:
        """The event for who selected these columns; the primary key is always among them."""
        columns = [
            column
            for column in self.table.columns.values()
            if column.readable and (selected is None or column.name in selected or column.primary)
        ]
        names = [column.name for column in columns]
        rows: dict[str, Any] = {}
        if event.change.action != "DELETE":
            rows["record"] = _row(self.new, names)
        if event.change.action == "UPDATE":
            rows["old_record"] = _row(self.old, names)
        elif event.change.action == "DELETE":
            kept = [column.name for column in columns if column.primary or not self.table.row_security]
            rows["old_record"] = _row(self.old, kept)
        described = [{"name": column.name, "type": column.type_name} for column in columns]
        return _encode(event, described, [TOO_LARGE] if self.too_large else None, rows)


def _row(values: dict[str, str], names: Sequence[str]) -> dict[str, orjson.Fragment]:
    return {name: orjson.Fragment(values[name]) for name in names if name in values}


def _encode(event: Event, columns: list[dict[str, str]], errors: list[str] | None, rows: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {
            "schema": event.relation.schema,
            "table": event.relation.table,
            "type": event.change.action,
            "commit_timestamp": event.committed_at.strftime("%Y-%m-%dT%H:%M:%S.")
            + f"{event.committed_at.microsecond // 1000:03}Z",
            "columns": columns,
            "errors": errors,
            **rows,
        }
    )


def _texts(columns: Sequence[wal.Column], row: wal.Row) -> Iterator[tuple[str, str | None]]:
    for column, value in zip(columns, row, strict=False):
        if value is None or isinstance(value, bytes):
            yield column.name, None if value is None else value.decode()

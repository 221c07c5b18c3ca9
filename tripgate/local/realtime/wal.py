"""Decodes pgoutput, the text form in which Postgres tells of changes: protocol version 1.

Takes one message's bytes; gives a dataclass, or None for kinds that nobody here needs; refuses nothing, since Postgres
itself is the sender. Values are bytes in the database's encoding, None for null, UNCHANGED for a large value that an
update left alone. Layout: the manual's chapter "Logical Replication Message Formats".
"""

from __future__ import annotations

import datetime
import struct
from dataclasses import dataclass
from typing import Final, Literal

Action = Literal["INSERT", "UPDATE", "DELETE"]
# Postgres counts microseconds from here.
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


class _Unchanged:
    """The type of UNCHANGED."""


UNCHANGED: Final = _Unchanged()
Value = bytes | None | _Unchanged
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction begins; `lsn` is the place of its commit."""

    lsn: int
    committed_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """It ends; `end_lsn` is the first place after it."""

    end_lsn: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and whether it is part of what identifies a row to the replication."""

    name: str
    is_key: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, told before its first change and whenever it has changed itself."""

    oid: int
    schema: str
    table: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One row's change. `old` holds only key columns unless the table's replica identity is full."""

    relation_oid: int
    action: Action
    new: Row | None
    old: Row | None


_BEGIN = struct.Struct(">qqi")
_COMMIT = struct.Struct(">bqqq")
_INT32 = struct.Struct(">i")
_INT16 = struct.Struct(">h")
_COLUMN = struct.Struct(">ii")


def decode(data: bytes) -> Begin | Commit | Relation | Change | None:
    """What one message says."""
    match data[:1]:
        case b"I" | b"U" | b"D":
            return _change(data)
        case b"B":
            lsn, microseconds, _ = _BEGIN.unpack_from(data, 1)
            return Begin(lsn, EPOCH + datetime.timedelta(microseconds=microseconds))
        case b"C":
            return Commit(_COMMIT.unpack_from(data, 1)[2])
        case b"R":
            return _relation(data)
        case _:
            return None


def _relation(data: bytes) -> Relation:
    (oid,) = _INT32.unpack_from(data, 1)
    schema, offset = _text(data, 5)
    table, offset = _text(data, offset)
    # One byte of replica identity.
    (count,) = _INT16.unpack_from(data, offset + 1)
    offset += 3
    columns = []
    for _ in range(count):
        is_key = bool(data[offset] & 1)
        name, offset = _text(data, offset + 1)
        offset += _COLUMN.size
        columns.append(Column(name, is_key))
    # The empty name stands for pg_catalog; oids are unsigned.
    return Relation(oid & 0xFFFFFFFF, schema or "pg_catalog", table, tuple(columns))


def _change(data: bytes) -> Change:
    (oid,) = _INT32.unpack_from(data, 1)
    oid &= 0xFFFFFFFF
    rows: dict[int, Row] = {}
    offset = 5
    while offset < len(data):
        kind = data[offset]
        rows[kind], offset = _row(data, offset + 1)
    old = rows.get(ord("K")) or rows.get(ord("O"))
    match data[:1]:
        case b"I":
            return Change(oid, "INSERT", rows[ord("N")], None)
        case b"U":
            return Change(oid, "UPDATE", rows[ord("N")], old)
        case _:
            return Change(oid, "DELETE", None, old)


def _row(data: bytes, offset: int) -> tuple[Row, int]:
    (count,) = _INT16.unpack_from(data, offset)
    offset += 2
    values: list[Value] = []
    for _ in range(count):
        kind = data[offset]
        offset += 1
        if kind == ord("n"):
            values.append(None)
        elif kind == ord("u"):
            values.append(UNCHANGED)
        else:
            (size,) = _INT32.unpack_from(data, offset)
            offset += 4
            values.append(data[offset : offset + size])
            offset += size
    return tuple(values), offset


def _text(data: bytes, offset: int) -> tuple[str, int]:
    end = data.index(b"\0", offset)
    return data[offset:end].decode(), end + 1

"""What became of each old record, on disk: whoever refers to it finds it there, however many there are."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

_TABLES = """
create table records (
    source text, old text, line int, id blob, owner blob, rejected int default 0, primary key (source, old)
) without rowid;
create unique index records_id on records (source, id) where not rejected;
create table persons (
    old text primary key, line int, email text, name text, hash text, id blob, made int default 0, why text, advice text
) without rowid;
create index persons_email on persons (email);
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An old record that has been read.

    Attributes:
        id: The key of its row.
        owner: Whose it is here, if it is somebody's.
    """

    line: int
    id: UUID
    owner: UUID | None
    rejected: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the old system.

    Attributes:
        id: Their account's id here, to be made if `made`; `None` for one who is not imported, for the reason `why`.
    """

    old: str
    line: int
    email: str
    name: str
    password_hash: str
    id: UUID | None
    made: bool
    why: str
    advice: str


class Store:
    """A database of SQLite in a folder, which is removed with the folder."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "records", isolation_level=None)

    def __enter__(self) -> Store:
        # Nobody reads it after this run, so nothing of it has to survive anything.
        self._db.execute("pragma journal_mode = off")
        self._db.execute("pragma synchronous = off")
        self._db.execute("pragma cache_size = -16384")
        self._db.executescript(_TABLES)
        self._db.execute("begin")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def forget_records(self) -> None:
        """Begin anew with the records; people stay."""
        self._db.execute("delete from records")

    def keep(self, source: str, old: str, line: int, id_: UUID, owner: UUID | None) -> int | None:
        """Keep what becomes of a record; the line of the earlier one if there was one of this key, or with this row."""
        done = self._db.execute(
            "insert or ignore into records (source, old, line, id, owner) values (?, ?, ?, ?, ?)",
            (source, old, line, id_.bytes, owner.bytes if owner else None),
        )
        if done.rowcount:
            return None
        (earlier,) = self._db.execute(
            "select line from records where source = ? and (old = ? or (id = ? and not rejected))",
            (source, old, id_.bytes),
        ).fetchone()
        return int(earlier)

    def reject(self, source: str, old: str, line: int) -> None:
        """The record has no row, so whoever refers to it has none either."""
        self._db.execute(
            "insert into records (source, old, line, id, rejected) values (?, ?, ?, ?, 1)"
            " on conflict do update set rejected = 1 where line = excluded.line",
            (source, old, line, bytes(16)),
        )

    def find(self, source: str, old: str) -> Kept | None:
        """What became of a record."""
        row = self._db.execute(
            "select line, id, owner, rejected from records where source = ? and old = ?", (source, old)
        ).fetchone()
        if row is None:
            return None
        line, id_, owner, rejected = row
        return Kept(line, UUID(bytes=id_), UUID(bytes=owner) if owner else None, bool(rejected))

    def keys(self, source: str, size: int) -> Iterator[list[UUID]]:
        """The keys of all rows of a source, so many at a time."""
        found = self._db.execute("select id from records where source = ? and not rejected", (source,))
        while rows := found.fetchmany(size):
            yield [UUID(bytes=id_) for (id_,) in rows]

    def keep_person(self, old: str, line: int, email: str, name: str, password_hash: str) -> int | None:
        """Keep a person; the line of the earlier one if there was one of this key."""
        done = self._db.execute(
            "insert or ignore into persons (old, line, email, name, hash) values (?, ?, ?, ?, ?)",
            (old, line, email, name, password_hash),
        )
        if done.rowcount:
            return None
        return int(self._db.execute("select line from persons where old = ?", (old,)).fetchone()[0])

    def refuse_person(self, old: str, why: str, advice: str) -> None:
        """The person is not imported, nor is what is theirs."""
        self._db.execute("update persons set id = null, why = ?, advice = ? where old = ?", (why, advice, old))

    def identify(self, old: str, id_: UUID, *, made: bool) -> None:
        """This is the person's account."""
        self._db.execute("update persons set id = ?, made = ? where old = ?", (id_.bytes, made, old))

    def refuse_shared_addresses(self, why: str, advice: str) -> None:
        """Nobody is imported whose address is another's too."""
        self._db.execute(
            "update persons set why = ?, advice = ? where why is null and email in"
            " (select email from persons where email <> '' group by email having count(*) > 1)",
            (why, advice),
        )

    def person(self, old: str) -> Person | None:
        """A person of the old system, by their key there."""
        row = self._db.execute(f"{_PERSONS} where old = ?", (old,)).fetchone()
        return None if row is None else _person(row)

    def persons(self, where: str, size: int) -> Iterator[list[Person]]:
        """Those of whom this is so, in the order of their file, so many at a time.

        Args:
            where: `open`, who are neither found nor refused; `refused`; `found`, by their address; or `made`.
        """
        after = -1
        while rows := self._db.execute(
            f"{_PERSONS} where {_WHERE[where]} and line > ? order by line limit ?", (after, size)
        ).fetchall():
            found = [_person(row) for row in rows]
            yield found
            after = found[-1].line

    def count_persons(self, where: str) -> int:
        """How many they are."""
        return int(self._db.execute(f"select count(*) from persons where {_WHERE[where]}").fetchone()[0])  # noqa: S608


_PERSONS = "select old, line, email, name, hash, id, made, why, advice from persons"
_WHERE = {
    "open": "id is null and why is null",
    "refused": "why is not null",
    "found": "id is not null and not made",
    "made": "id is not null and made",
}


def _person(row: tuple[str, int, str, str, str, bytes | None, int, str | None, str | None]) -> Person:
    old, line, email, name, password_hash, id_, made, why, advice = row
    return Person(
        old, line, email, name, password_hash, UUID(bytes=id_) if id_ else None, bool(made), why or "", advice or ""
    )

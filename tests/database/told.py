"""Whether somebody who may listen to a topic is told there what they may not read.

`Deed` is something that becomes of one row: every kind that its table allows is found in the catalog, so that a table,
a column or a scope that is added is tried without being named. `Listeners.leaks` does one and compares what each topic
tells with what each person who may listen to it can read.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from gql import pg_catalog
from gql.catalog import catalog
from tests.database import access
from tests.database.callers import Belongings, World, insertion, role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True)
class Deed:
    """One statement about one row, and its values."""

    name: str
    statement: sql.Composed
    values: tuple[Any, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Told:
    """One message."""

    topic: str
    event: str
    table: pg_catalog.Table
    record: dict[str, Any] | None
    old_record: dict[str, Any] | None

    @property
    def key(self) -> Any:
        """Of the row that it is about."""
        return (self.record or self.old_record or {}).get(self.key_column)

    @property
    def key_column(self) -> str:
        """Its name."""
        return self.table.primary_key[0]


def deeds(world: World, name: str) -> Iterator[Deed]:
    """All that may become of the rows of a table that its people have: the owner's, and those of whoever shares it."""
    said = access.loaded()[name]
    table = said.table
    insert = world.values(world.owner, said.insert)
    yield Deed("insert", insertion(table, insert), tuple(insert.values()))
    for whose, has in _people(world):
        if name not in has.tables:
            continue
        for what, changes in _changes(world, said):
            assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(each)) for each in changes)
            statement = sql.SQL("update {} set {} where {} = %s").format(
                _named(table), assignments, sql.Identifier(*table.primary_key)
            )
            yield Deed(f"{what} of the {whose}'s", statement, (*changes.values(), has[name]))
        yield Deed(f"delete the {whose}'s", _deletion(table), (has[name],))
        for key in table.foreign_keys:
            parent = pg_catalog.loaded().table(key.to)
            if parent is not None and key.on == parent.primary_key and len(key.columns) == 1:
                (column,) = key.columns
                behind = sql.SQL("delete from {} where {} = (select {} from {} where {} = %s)").format(
                    _named(parent),
                    sql.Identifier(*parent.primary_key),
                    sql.Identifier(column),
                    _named(table),
                    sql.Identifier(*table.primary_key),
                )
                yield Deed(f"delete what {column} of the {whose}'s leads to", behind, (has[name],))


def _changes(world: World, said: access.Access) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "change", world.values(world.owner, said.change)
    table = said.table
    for column in table.columns.values():
        if column.nullable:
            yield f"{column.name} null", {column.name: None}
        for value in table.values(column.name) or ():
            yield f"{column.name} {value}", {column.name: value}
    for key in table.foreign_keys:
        parent = pg_catalog.loaded().table(key.to)
        if parent is None or len(key.columns) > 1:
            continue
        for whose, has in _people(world):
            if _plain(parent) in has.tables:
                yield f"{key.columns[0]} the {whose}'s", {key.columns[0]: has[_plain(parent)]}


def _people(world: World) -> list[tuple[str, Belongings]]:
    return [(name, getattr(world, name)) for name in ("owner", "editor", "viewer", "stranger")]


def _plain(table: pg_catalog.Table) -> str:
    return table.qualified.removeprefix(f"{pg_catalog.PUBLIC}.")


def _named(table: pg_catalog.Table) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)


def _deletion(table: pg_catalog.Table) -> sql.Composed:
    return sql.SQL("delete from {} where {} = %s").format(_named(table), sql.Identifier(*table.primary_key))


class Listeners:
    """The people of the world, as Realtime and PostgREST see them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._db = world.db
        self.people = {whose: has.profiles for whose, has in _people(world)}
        self.people |= {f"{whose}'s companion": has.companion for whose, has in _people(world) if has.has_companion}

    def do(self, deed: Deed) -> list[Told] | None:
        """What is told of a deed; `None` where the database refuses it."""
        self._db.execute("delete from realtime.messages")
        try:
            with self._db.transaction():
                # As owner of the tables, so that no policy is in the way, on behalf of the one whose rows they are.
                claims = json.dumps({"sub": str(self._world.owner.profiles)})
                self._db.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
                self._db.execute(deed.statement, deed.values)
                self._db.execute("set constraints all immediate")
        except psycopg.Error:
            return None
        rows = self._db.execute("select topic, payload from realtime.messages order by inserted_at, id").fetchall()
        tables = pg_catalog.loaded().tables
        return [
            Told(
                topic,
                payload["operation"],
                tables[f"{payload['schema']}.{payload['table']}"],
                payload["record"],
                payload["old_record"],
            )
            for topic, payload in rows
        ]

    def leaks(self, deed: Deed) -> list[str] | None:
        """Who is told what they may not read; `None` where the database refuses the deed. Nothing of it stays."""
        found: list[str] = []
        before: list[tuple[str, Told]] = []
        with self._db.transaction(force_rollback=True):
            told = self.do(deed)
            if told is None:
                return None
            found += [f"{each.topic} tells {each.old_record}" for each in told if not _keys_alone(each)]
            topics = list(dict.fromkeys(each.topic for each in told))
            hear = {who: self.heard(who, topics) for who in self.people}
            for each in told:
                for who in self.people:
                    if each.topic not in hear[who]:
                        continue
                    if each.event == "UPDATE" and not set(each.old_record or {}) <= _told_of_any(each):
                        before.append((who, each))
                    if each.record is None or self.reads(who, each, each.record):
                        continue
                    if self._exists(each):
                        found.append(f"{who} is told on {each.topic} of a row of {each.table.qualified}")
                    else:  # gone again in the same moment, so at most what was there before it
                        before.append((who, each))
        for who, each in before:
            if not self.reads(who, each, each.old_record or {}):
                found.append(f"{who} is told on {each.topic} what a row of {each.table.qualified} was")
        return found

    def heard(self, who: str, topics: Collection[str]) -> set[str]:
        """Which topics somebody may join, as Realtime asks: those of which they see a message."""
        found = set()
        if topics:
            with self._as(who):
                for topic in topics:
                    self._db.execute("select set_config('realtime.topic', %s, true)", (topic,))
                    seen = self._db.execute("select from realtime.messages where topic = %s limit 1", (topic,))
                    found |= {topic} if seen.rowcount == 1 else set()
        return found

    def reads(self, who: str, told: Told, row: dict[str, Any]) -> bool:
        """Whether somebody can read these columns of the row."""
        columns = sql.SQL(", ").join(map(sql.Identifier, row))
        query = sql.SQL("select {} from {} where {} = %s").format(
            columns, _named(told.table), sql.Identifier(told.key_column)
        )
        try:
            with self._as(who):
                return self._db.execute(query, (told.key,)).rowcount == 1
        except psycopg.errors.InsufficientPrivilege:
            return False

    def roots(self, who: str, table: pg_catalog.Table) -> set[str]:
        """The keys of the rows that somebody can read."""
        query = sql.SQL("select {}::text from {}").format(sql.Identifier(*table.primary_key), _named(table))
        with self._as(who):
            return {key for (key,) in self._db.execute(query)}

    def _exists(self, told: Told) -> bool:
        query = sql.SQL("select from {} where {} = %s").format(_named(told.table), sql.Identifier(told.key_column))
        return self._db.execute(query, (told.key,)).rowcount == 1

    @contextlib.contextmanager
    def _as(self, who: str) -> Iterator[None]:
        claims = {"role": "authenticated", "sub": str(self.people[who])}
        with role(self._db, "authenticated", claims):
            yield


def _keys_alone(told: Told) -> bool:
    """Whether of a row that is gone, or somebody else's, nothing is told but its key, and that of what one has left."""
    if told.event == "INSERT" or (told.event == "UPDATE" and told.record is not None):
        return True
    return told.record is None and set(told.old_record or {}) <= _told_of_any(told)


def _told_of_any(told: Told) -> set[str]:
    """The columns that are told of a row that its listeners may not read, or not read before.

    Its key and, where it lets somebody take part, that of what they take part in and who it was.
    """
    mapping = catalog.find(_plain(told.table))
    if mapping is None:
        return {told.key_column}
    people = {each.person for scope in catalog.scopes for each in scope.members if catalog[each.type_name] is mapping}
    owner = catalog.owner_of(mapping)
    roots = {column for _, column in catalog.left_by(mapping)}
    return {told.key_column, *roots, *people, *([owner] if owner is not None else [])}

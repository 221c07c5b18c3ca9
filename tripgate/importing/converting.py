"""From an old record to a row: each value converted, each reference followed, or all that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from tripgate.importing.conversions import as_text
from tripgate.importing.ids import id_of, key_of
from tripgate.importing.reading.records import Record, Unreadable, normal
from tripgate.importing.rejects import shortened
from tripgate.importing.target import Row, Target
from tripgate.importing.unfit import ImportFailedError, Reject, UnfitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tripgate.importing.conversions import Habits
    from tripgate.importing.declaring import Column, Import, Source
    from tripgate.importing.reading.files import DataFile
    from tripgate.importing.store import Store

MOST_FIELDS = 200
"""Names of fields that nobody asked for, of which no more are kept."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the records of all sources are converted in.

    Attributes:
        files: By what the system calls them.
        owner: Whose records are that say nothing of it.
    """

    importing: Import
    files: Mapping[str, DataFile]
    store: Store
    habits: Habits
    owner: UUID | None


@dataclass(slots=True)
class Converter:
    """Makes rows of a source's records.

    Attributes:
        read: How many records there were.
        unasked: Fields that no column is made of.
    """

    source: Source
    target: Target
    around: Surroundings
    file: DataFile
    read: int = 0
    unasked: set[str] = field(default_factory=set)
    _columns: dict[str, Column] = field(default_factory=dict)
    _asked: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._columns = dict(self.source.columns)
        fields = [*self.source.key, *map(self.source.field_of, self.source.columns), self.source.each]
        self._asked = frozenset(normal(each.partition(".")[0]) for each in [*fields, *self.source.ignored])

    @property
    def known(self) -> list[str]:
        """The fields that are asked for."""
        return [*self.source.key, *map(self.source.field_of, self.source.columns)]

    def header(self, record: Record) -> None:
        """See which columns a file has, by its first record.

        Raises:
            ImportFailedError: It lacks one that each record must have.
        """
        if self.file.form != "csv" or self.source.each:
            return
        there = set(record.values)
        columns = {**dict.fromkeys(self.source.key, True)}
        for name, column in self.source.columns.items():
            missing = normal(self.source.field_of(name)) not in there and "." not in self.source.field_of(name)
            if missing and column.default is None and not column.person:
                columns[self.source.field_of(name)] = column.required
                del self._columns[name]
        lacking = [name for name, required in columns.items() if required and normal(name) not in there]
        if lacking:
            has = ", ".join(record.values)
            raise ImportFailedError(
                f"{self.file.name} has no column {', '.join(lacking)}, only {has}. Add it, or give it that name.",
                usage=True,
            )

    def convert(self, record: Record | Unreadable) -> Row | list[Reject]:
        """The record's row, kept in the store; or what is wrong with it."""
        self.read += 1
        if isinstance(record, Unreadable):
            return [self._reject(record.line, "", "", "", record.why)]
        if self.read == 1:
            self.header(record)
        if len(self.unasked) < MOST_FIELDS:
            self.unasked.update(record.values.keys() - self._asked)
        try:
            old = self._key(record)
        except UnfitError as error:
            where = self.source.key[0]
            return [self._reject(record.line, "", where, shortened(record.value(where) or ""), error)]
        values, rejects, owner = self._values(record, old)
        if rejects:
            self.around.store.reject(self.source.name, old, record.line)
            return rejects
        key = self._key_here(values, owner, old)
        earlier = self.around.store.keep(self.source.name, old, record.line, key, owner)
        if earlier is not None:
            again = UnfitError(f"is the same as line {earlier}", "Give it a key of its own, or take one of them out.")
            return [self._reject(record.line, old, self.source.key[0], old, again)]
        if self.source.by == "id":
            values = {"id": str(key), **values}
        return Row(record.line, old, key, values)

    def _key(self, record: Record) -> str:
        parts = []
        for each in self.source.key:
            value = record.value(each)
            if value is None:
                raise UnfitError("has no value", "Each record needs a key, the same in every export.")
            parts.append(as_text(value, self.around.habits).strip())
        return key_of(parts)

    def _key_here(self, values: Mapping[str, object], owner: UUID | None, old: str) -> UUID:
        if self.source.by in values:
            return UUID(str(values[self.source.by]))
        return id_of(self.around.importing.system, self.source.table, owner, old)

    def _values(self, record: Record, old: str) -> tuple[dict[str, object], list[Reject], UUID | None]:
        """The row's values, what is wrong with them, and whose it is."""
        values: dict[str, object] = {}
        rejects: list[Reject] = []
        owner: UUID | None = None
        for name, column in self._columns.items():
            where = self.source.field_of(name)
            given = record.value(where)
            try:
                if column.person or column.to:
                    id_, whose = self._person(given, column) if column.person else self._reference(given, column)
                    owner = whose if name == self.source.owner else owner
                    values[name] = None if id_ is None else str(id_)
                elif (value := self._converted(name, column, given)) is not None or self.target.columns[name].nullable:
                    values[name] = value
            except UnfitError as error:
                rejects.append(self._reject(record.line, old, where, shortened("" if given is None else given), error))
        return values, rejects, owner

    def _converted(self, name: str, column: Column, given: object) -> object:
        if given is None:
            if column.required:
                raise UnfitError("has no value", "Write one.")
            return column.default if column.default is not None else self.target.columns[name].default
        value = column.convert(given, self.around.habits)
        self.target.columns[name].check(value)
        return value

    def _person(self, given: object, column: Column) -> tuple[UUID | None, UUID | None]:
        if given is None:
            if self.around.owner is None and column.required:
                raise UnfitError("names nobody", "Write a person's key, or name the owner of all by --owner.")
            return self.around.owner, self.around.owner
        old = as_text(given, self.around.habits).strip()
        persons = self.around.importing.persons
        file = self.around.files.get(persons.file) if persons else None
        if file is None:
            what = f"a file {persons.file} is not there" if persons else "this system has no file of people"
            raise UnfitError(f"names a person, and {what}", "Leave it empty and name the owner of all by --owner.")
        found = self.around.store.person(old)
        if found is None:
            raise UnfitError(f"is nobody of {file.name}", f"Add the person to {file.name}.")
        if found.id is None:
            raise UnfitError(f"is not imported: line {found.line} of {file.name} {found.why}", found.advice)
        return found.id, found.id

    def _reference(self, given: object, column: Column) -> tuple[UUID | None, UUID | None]:
        if given is None:
            if column.required:
                raise UnfitError("has no value", "Write the key of what it belongs to.")
            return None, None
        old = as_text(given, self.around.habits).strip()
        found = self.around.store.find(column.to, old)
        source = next(each for each in self.around.importing.sources if each.name == column.to)
        file = self.around.files.get(source.stem)
        name = file.name if file else f"{source.stem}, which is not among the files"
        if found is None:
            raise UnfitError(f"is no key of {name}", "Correct it, or add what it leads to.")
        if found.rejected:
            raise UnfitError(f"is not imported itself: see line {found.line} of {name}", "Correct that one first.")
        return found.id, found.owner

    def _reject(self, line: int, old: str, column: str, value: str, error: UnfitError) -> Reject:
        return Reject(self.file.name, line, old, column, value, error.why, error.advice)

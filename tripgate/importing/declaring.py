"""What a system says of its old data: files, tables, columns, conversions, references. Plain data, quick to load."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tripgate.importing import conversions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tripgate.importing.conversions import Habits

_TABLE = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Column:
    """What becomes one column of the new table.

    Attributes:
        field: Where the old value stands: a column of a CSV file, or a path into a record of JSON, as `address.city`;
            what begins with `^.` is looked for in the record around. The new column's name where it is empty. Case,
            spaces, `_` and `-` make no difference.
        convert: From an old value that is neither null nor empty to the new one.
        required: Whether each record must have a value.
        default: The new value of records that have none. Without it theirs is null, or the column's own default where
            the table takes no null.
        to: The earlier source whose record the value names, by its old key.
        person: Whether the value is a person of the old system.
    """

    field: str = ""
    convert: Callable[[object, Habits], object] = conversions.as_text
    required: bool = False
    default: object = None
    to: str = ""
    person: bool = False


def text(field: str = "", *, required: bool = False, default: str | None = None) -> Column:
    """A text."""
    return Column(field, conversions.as_text, required, default)


def texts(field: str = "", *, separator: str = ";", required: bool = False) -> Column:
    """Several texts, in CSV with a separator between them."""
    return Column(field, conversions.as_texts(separator), required)


def integer(field: str = "", *, required: bool = False, default: int | None = None) -> Column:
    """A whole number."""
    return Column(field, conversions.as_integer, required, default)


def decimal(field: str = "", *, required: bool = False) -> Column:
    """An exact number. One with more decimal places than the new column has is refused, never rounded."""
    return Column(field, conversions.as_decimal, required)


def boolean(field: str = "", *, required: bool = False, default: bool | None = None) -> Column:
    """True or false."""
    return Column(field, conversions.as_boolean, required, default)


def date(field: str = "", *, required: bool = False) -> Column:
    """A day."""
    return Column(field, conversions.as_date, required)


def timestamp(field: str = "", *, required: bool = False, epoch: str = "") -> Column:
    """A moment; with `epoch` as a number of `s` or `ms` since 1970."""
    return Column(field, conversions.as_epoch(epoch) if epoch else conversions.as_timestamp, required)


def choice(
    field: str = "", *words: str, renamed: Mapping[str, str] | None = None, required: bool = False, default: str = ""
) -> Column:
    """One of these words, or of the old words of `renamed`, each of which has a new one."""
    known = {**{word: word for word in words}, **(renamed or {})}
    return Column(field, conversions.as_choice(known), required, default or None)


def json(field: str = "", *, required: bool = False) -> Column:
    """JSON, in CSV as a text."""
    return Column(field, conversions.as_json, required)


def constant(value: object) -> Column:
    """The same for all records."""
    return Column("$constant", default=value)


def reference(to: str, field: str = "", *, required: bool = False) -> Column:
    """The record of an earlier source, named by its old key."""
    return Column(field, conversions.as_text, required, to=to)


def person(field: str = "", *, required: bool = True) -> Column:
    """A person of the old system, by their key there; without a value the one whom the operator names by `--owner`."""
    return Column(field, conversions.as_text, required, person=True)


@dataclass(frozen=True, slots=True)
class Source:
    """Records of one file that become rows of one table.

    Attributes:
        name: What others refer to it by, and what its file is called: `meetings` for `meetings.csv`.
        table: The table with its schema, as in `public.places`.
        columns: Its columns by name. `id` is made, unless it is among them.
        owner: The column whose person the records belong to, so that two people may have records of the same old key;
            a reference passes on the owner of what it leads to. Empty where old keys are nobody's.
        key: The fields that identify an old record, together.
        file: What the file is called, where several sources read one.
        at: Where the records stand in a file of JSON, as a prefix of ijson's: `results.item`. Without it a list is one
            of records, and an object is one record.
        each: The list in each record whose elements are this source's records.
        by: The column by which a row is found again, one that identifies it.
        ignored: Fields that are left behind on purpose. Others that nobody asks for are told.
    """

    name: str
    table: str
    columns: Mapping[str, Column]
    owner: str = ""
    key: tuple[str, ...] = ("id",)
    file: str = ""
    at: str = ""
    each: str = ""
    by: str = "id"
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be meant."""
        if not _TABLE.fullmatch(self.table):
            raise ValueError(f"{self.name}: {self.table} is no table with its schema, as in public.boats")
        if self.owner and not (self.columns.get(self.owner) and _leads_to_somebody(self.columns[self.owner])):
            raise ValueError(f"{self.name}: its owner {self.owner} is no column of a person or a reference")
        if self.by != "id" and not (self.columns.get(self.by) and _leads_to_somebody(self.columns[self.by])):
            raise ValueError(
                f"{self.name}: {self.by}, by which rows are found, is no column of a person or a reference"
            )

    @property
    def stem(self) -> str:
        """What its file is called, without an ending."""
        return self.file or self.name

    def field_of(self, column: str) -> str:
        """The field that a column is made of."""
        return self.columns[column].field or column


def _leads_to_somebody(column: Column) -> bool:
    return column.person or bool(column.to)


@dataclass(frozen=True, slots=True)
class Persons:
    """The people of the old system. Each is found here by their confirmed address, or an account is made.

    Attributes:
        file: What the file of people is called.
        key: The field that identifies a person there.
        email: The field with their address.
        name: The field with the name that others see, for a new account.
        confirmed: The field that tells whether they have confirmed the address; who has not is not imported. Empty only
            where the old system let nobody in who had not.
        password_hash: The field with the hash of their password for a new account: of bcrypt, Argon2 or Firebase's
            scrypt.
        at: As of a `Source`.
        ignored: As of a `Source`.
    """

    file: str = "people"
    key: str = "id"
    email: str = "email"
    name: str = "name"
    confirmed: str = ""
    password_hash: str = ""
    at: str = ""
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """What `tripgate import SYSTEM` takes.

    Attributes:
        system: The system's name. With the tables' names it is part of what ids are made of, so it never changes.
        sources: In the order in which their rows are written: what is referred to comes first.
        persons: Where people stand in the old system, if it tells of them.
    """

    system: str
    sources: tuple[Source, ...]
    persons: Persons | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be meant."""
        earlier: set[str] = set()
        for source in self.sources:
            for name, column in source.columns.items():
                if column.to and column.to not in earlier:
                    raise ValueError(f"{source.name}.{name} refers to {column.to}, which is no source before it")
            if source.name in earlier:
                raise ValueError(f"There are two sources {source.name}")
            earlier.add(source.name)

    @property
    def stems(self) -> tuple[str, ...]:
        """What files may be called."""
        people = (self.persons.file,) if self.persons else ()
        return tuple(dict.fromkeys([*people, *(source.stem for source in self.sources)]))

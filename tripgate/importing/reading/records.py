"""The records of CSV, JSON and JSON lines, one at a time."""

from __future__ import annotations

import csv
import functools
import itertools
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TextIO

from tripgate.importing.unfit import UnfitError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

LONGEST = 16 * 2**20
"""Characters of the longest line, and of the longest field."""

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Record:
    """One old record.

    Attributes:
        line: The line that it begins on, or its number where the file has no lines.
        values: By their fields' names, in normal form.
        around: The record whose list it stands in.
    """

    line: int
    values: Mapping[str, object]
    around: Record | None = None

    def value(self, field: str) -> object:
        """The value at a path; `None` where there is none, or an empty one."""
        if field.startswith("^."):
            return self.around.value(field[2:]) if self.around is not None else None
        found = self.values.get(normal(field), _ABSENT)
        if found is _ABSENT and "." in field:
            head, _, rest = field.partition(".")
            inner = self.values.get(normal(head))
            found = Record(self.line, in_normal_form(inner)).value(rest) if isinstance(inner, dict) else None
        return None if found is _ABSENT or found == "" else found


class BrokenError(Exception):
    """A file that cannot be read on.

    Attributes:
        line: Where that was found.
    """

    def __init__(self, line: int, why: str, advice: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be read, in a file that can be read on."""

    line: int
    why: UnfitError


@functools.lru_cache(4096)
def normal(name: str) -> str:
    """A field's name as names are compared: `Start date`, `start_date` and `startDate` are one."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def in_normal_form(values: Mapping[str, object]) -> dict[str, object]:
    """The values by their names in normal form."""
    return {normal(name): value for name, value in values.items()}


def of_csv(file: TextIO, known: Collection[str]) -> Iterator[Record | Unreadable]:
    """The records of a CSV file, whose values are separated by comma, semicolon or tab, as its header shows.

    Args:
        known: Fields that may be asked for, by which the separator is found.

    Raises BrokenError.
    """
    csv.field_size_limit(LONGEST)
    first, skipped = file.readline(), 0
    separator = ""
    if first.lower().startswith("sep=") and len(first.strip()) == 5:  # written by Excel for itself
        separator, skipped = first.strip()[-1], 1
        first = file.readline()
    if not first.strip():
        raise BrokenError(1 + skipped, "has no header", "Write the names of its columns into its first line.")
    separator = separator or _separator(first, {normal(name) for name in known})
    rows = csv.reader(itertools.chain([first], _lines(file)), delimiter=separator, strict=True)
    header: list[str] = []
    while True:
        line = rows.line_num + 1 + skipped
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            advice = "A quote inside of a quoted value is written twice; each quoted value ends with one."
            raise BrokenError(line, f"is no CSV: {error}", advice) from None
        if not header:
            header = _header(row, line)
        elif any(row):
            if len(row) != len(header):
                why = f"has {len(row)} values where the header has {len(header)}"
                advice = f"Write values that hold {_NAMES.get(separator, separator)} in quotes."
                yield Unreadable(line, UnfitError(why, advice))
            else:
                yield Record(line, dict(zip(header, row, strict=True)))


def _lines(file: TextIO) -> Iterator[str]:
    """The file's lines. Raises csv.Error for one without end."""
    while line := file.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise csv.Error(f"a line has more than {LONGEST} characters")
        yield line


_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab"}


def _separator(first: str, known: set[str]) -> str:
    """The one that makes the most known fields of the header, and a comma where none makes any."""

    def found(separator: str) -> int:
        return sum(normal(name) in known for name in next(csv.reader([first], delimiter=separator)))

    return max(_NAMES, key=found)


def _header(row: list[str], line: int) -> list[str]:
    names = [normal(name) for name in row]
    for place, name in enumerate(names):
        if name and name in names[:place]:
            raise BrokenError(line, f"has two columns {row[place].strip()}", "Take one out, or give it another name.")
    return names


def of_lines(file: TextIO) -> Iterator[Record | Unreadable]:
    """The records of a file of JSON lines. Raises BrokenError for a line without end."""
    line = 0
    while text := file.readline(LONGEST + 1):
        line += 1
        if len(text) > LONGEST:
            raise BrokenError(line, f"has more than {LONGEST} characters", "Write one record a line.")
        if not text.strip():
            continue
        try:
            value = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError):
            yield Unreadable(line, UnfitError("is no JSON", "Write one whole JSON object a line."))
            continue
        yield _record(line, value)


def _refuse(name: str) -> object:
    raise ValueError(name)


def _record(number: int, value: object) -> Record | Unreadable:
    if not isinstance(value, dict):
        return Unreadable(number, UnfitError("is no JSON object", 'Write an object, such as {"id": 1}.'))
    return Record(number, in_normal_form(value))


class _Bytes:
    """What a text holds, as the UTF-8 that ijson reads."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size).encode("utf-8", "surrogatepass")


def of_json(file: TextIO, at: str) -> Iterator[Record | Unreadable]:
    """The records of a JSON file, never all of it at once.

    Args:
        at: Their prefix, as ijson writes it; empty for a list of records, or one alone.

    Raises BrokenError.
    """
    import ijson  # noqa: PLC0415 - an extra

    number = 0
    try:
        if not at:
            head = _first(file)
            at = "item" if head == "[" else ""
        for value in ijson.items(_Bytes(file), at):
            number += 1
            yield _record(number, value)
    except UnicodeDecodeError:
        raise
    except (ijson.JSONError, RecursionError, ValueError):  # the last for numbers without end
        why = f"is no JSON after record {number}" if number else "is no JSON"
        raise BrokenError(number + 1, why, "Export it again: was it cut off?") from None


def _first(file: TextIO) -> str:
    """The first character of the file that is no space; it is read again."""
    while (found := file.read(1)).isspace():
        pass
    file.seek(0)
    return found


def elements(record: Record, each: str) -> Iterator[Record | Unreadable]:
    """The records of a list inside of a record; none where it is missing."""
    found = record.value(each)
    if found is None:
        return
    if isinstance(found, str):
        # As databases without a type for JSON keep it.
        try:
            found = json.loads(found, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError):
            found = None
    if not isinstance(found, list):
        yield Unreadable(record.line, UnfitError(f"has no list in {each}", "Write a list of objects there."))
        return
    for place, value in enumerate(found):
        if isinstance(value, dict):
            yield Record(record.line, {**in_normal_form(value), "$place": place}, record)
        else:
            why = UnfitError(f"has something else than an object in {each}", "Write objects there.")
            yield Unreadable(record.line, why)

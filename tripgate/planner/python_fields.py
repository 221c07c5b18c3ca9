"""Fields that a function of the program makes of a row: columns as Python values in, JSON out."""

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace
from typing import Any

import orjson

from gql.table import Column, Kind, PythonField
from tripgate.planner.stored_values import interval

_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.UUID: uuid.UUID,
    Kind.NUMERIC: decimal.Decimal,
    Kind.DATE: dt.date.fromisoformat,
    Kind.DATETIME: dt.datetime.fromisoformat,
    Kind.JSON: orjson.loads,
    Kind.BIGINT: int,
    Kind.TIME: dt.time.fromisoformat,
    Kind.INTERVAL: interval,
    Kind.UUID_ARRAY: lambda values: list(map(uuid.UUID, values)),
}


def from_row(field: PythonField) -> Callable[[dict[str, Any]], Any]:
    """The function from a row, as a backend answers it, to the field's value, as the answer holds it."""
    readers = tuple((attribute, column.name, _reader(column)) for attribute, column in field.needs)

    def made(row: dict[str, Any]) -> Any:
        values = {attribute: None if (value := row[name]) is None else read(value) for attribute, name, read in readers}
        return _as_json(field.function(SimpleNamespace(**values)))

    return made


def _reader(column: Column) -> Callable[[Any], Any]:
    return column.enum or _READERS.get(column.kind, lambda value: value)


def _as_json(value: Any) -> Any:
    match value:
        case Enum():
            return value.name
        case uuid.UUID() | decimal.Decimal():
            return str(value)
        case dt.date() | dt.time():  # a datetime is a date as well
            return value.isoformat()
        case _:
            return value

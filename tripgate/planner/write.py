"""Inputs and patches → writes. Takes coerced arguments keyed by GraphQL name; refuses nulls in columns without."""

import datetime as dt
import decimal
import uuid
from collections.abc import Iterable
from enum import Enum
from typing import Any

from gql.errors import bad_input
from gql.table import Table
from tripgate.planner.conditions import check_text
from tripgate.planner.plan import Insert, Match, Pick, Update, pick


def insert(table: Table, inputs: list[dict[str, Any]], returning: tuple[Pick, ...], path: str) -> Insert:
    """New rows. Several get their keys here, so that the answer can follow the order of the inputs.

    Args:
        path: The argument that holds the inputs, for error messages.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    many = len(inputs) > 1
    rows = []
    for index, given in enumerate(inputs):
        row = _values(table, given, f"{path}[{index}]" if many else path, "Leave it out for its default.")
        rows.append({table.primary_key: str(uuid.uuid4()), **row} if many else row)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Insert(table.name, columns, tuple(rows), returning)


def update(table: Table, match: Match, patch: dict[str, Any], returning: tuple[Pick, ...]) -> Update:
    """Changes to the rows that match.

    Raises:
        ApiError: BAD_USER_INPUT, also for a patch that changes nothing.
    """
    changes = _values(table, patch, "patch", "Leave it out to keep it as it is.")
    if not changes:
        raise bad_input("patch is empty. Give at least one field to change.", field="patch")
    return Update(table.name, match, changes, returning)


def returning(table: Table, columns: Iterable[str]) -> tuple[Pick, ...]:
    """What a write answers with: the key and these columns."""
    names = dict.fromkeys((table.primary_key, *columns))
    return tuple(pick(table, name) for name in names)


def _values(table: Table, given: dict[str, Any], path: str, advice: str) -> dict[str, Any]:
    row = {}
    for name, value in given.items():
        column = table.columns[name]
        if value is None and not column.nullable:
            raise bad_input(f"{path}.{name} cannot be null. {advice}", field=name)
        row[column.name] = _value(value, f"{path}.{name}")
    return row


def _value(value: Any, path: str) -> Any:
    match value:
        case str():
            check_text(value, path)
            return value
        case Enum():
            return value.value
        case uuid.UUID() | decimal.Decimal():
            return str(value)
        case dt.date():  # a datetime is one as well
            return value.isoformat()
        case _:
            return value

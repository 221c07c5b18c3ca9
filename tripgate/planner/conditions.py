"""Filter arguments → conditions. Takes coerced arguments keyed by GraphQL name; refuses nulls and bad text."""

import datetime as dt
import decimal
from enum import Enum
from typing import Any

from gql.errors import bad_input
from gql.table import Catalog, Column, Table
from tripgate.planner.plan import ALWAYS, NEVER, And, Compare, Condition, IsNull, Not, Operator, Or


def condition(catalog: Catalog, table: Table, filter_: dict[str, Any] | None, path: str = "filter") -> Condition:
    """What a `<Type>Filter` asks for.

    Args:
        catalog: Where the types of related rows are looked up.
        path: Where the filter stands among the arguments, for error messages.

    Raises:
        ApiError: BAD_USER_INPUT for `null` where an operator wants a value, and for text that Postgres cannot hold.
    """
    parts: list[Condition] = []
    for name, value in (filter_ or {}).items():
        where = f"{path}.{name}"
        if value is None:
            raise bad_input(f"{where} is null. Leave it out, or test for null with isNull.", field=where)
        if name == "and":
            parts.extend(condition(catalog, table, each, f"{where}[{index}]") for index, each in enumerate(value))
        elif name == "or":
            parts.append(
                _any(tuple(condition(catalog, table, each, f"{where}[{index}]") for index, each in enumerate(value)))
            )
        elif name == "not":
            parts.append(_negated(condition(catalog, table, value, where)))
        else:
            parts.extend(_operators(table.columns[name], value, where))
    return _all(tuple(parts))


def _all(parts: tuple[Condition, ...]) -> Condition:
    kept = tuple(part for part in parts if part != ALWAYS)
    if NEVER in kept:
        return NEVER
    return kept[0] if len(kept) == 1 else And(kept)


def _any(parts: tuple[Condition, ...]) -> Condition:
    kept = tuple(part for part in parts if part != NEVER)
    if ALWAYS in kept:
        return ALWAYS
    return kept[0] if len(kept) == 1 else Or(kept)


def _negated(part: Condition) -> Condition:
    if part == ALWAYS:
        return NEVER
    return ALWAYS if part == NEVER else Not(part)


def _operators(column: Column, operators: dict[str, Any], path: str) -> list[Condition]:
    parts: list[Condition] = []
    for name, value in operators.items():
        where = f"{path}.{name}"
        if value is None:
            raise bad_input(f"{where} is null. Leave it out, or test for null with isNull.", field=where)
        if name == "isNull":
            parts.append(IsNull(column.name) if value else Not(IsNull(column.name)))
        elif name == "in":
            values = tuple(as_text(each, where) for each in value)
            parts.append(Compare(column.name, Operator.IN, values) if values else NEVER)
        else:
            parts.append(Compare(column.name, Operator(name), as_text(value, where)))
    return parts


def as_text(value: Any, path: str) -> str:
    """A scalar as the text that Postgres reads it from.

    Raises:
        ApiError: BAD_USER_INPUT for U+0000, which no Postgres text holds, and for lone surrogates, which no UTF-8 does.
    """
    if isinstance(value, str):
        check_text(value, path)
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return str(value)


def check_text(value: str, path: str) -> None:
    """Refuse text that Postgres cannot hold."""
    if "\0" in value:
        raise bad_input(f"{path} contains the character U+0000, which text cannot hold.", field=path)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad_input(f"{path} contains a lone surrogate, which is no character.", field=path) from None

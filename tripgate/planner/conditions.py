"""Filter arguments → conditions. Takes coerced arguments keyed by GraphQL name; refuses nulls and bad text."""

import datetime as dt
import decimal
import math
import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from gql.catalog import Catalog
from gql.errors import bad_input
from gql.json_numbers import LONGEST, Exact, dumps
from gql.table import Column, Kind, Relation, Table
from tripgate.planner.plan import ALWAYS, NEVER, And, Compare, Condition, IsNull, Not, Operator, Or, Related

_LIKE_SPECIAL = re.compile(r"([\\%_])")
_PLACES = {
    "contains": (Operator.LIKE, "%", "%"),
    "startsWith": (Operator.LIKE, "", "%"),
    "endsWith": (Operator.LIKE, "%", ""),
    "icontains": (Operator.ILIKE, "%", "%"),
    "istartsWith": (Operator.ILIKE, "", "%"),
    "iendsWith": (Operator.ILIKE, "%", ""),
}
"""Operators that look for text as it is, and what their patterns begin and end with."""


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
            raise _null(where)
        if name == "and":
            parts.extend(condition(catalog, table, each, f"{where}[{index}]") for index, each in enumerate(value))
        elif name == "or":
            of = (condition(catalog, table, each, f"{where}[{index}]") for index, each in enumerate(value))
            parts.append(_any(tuple(of)))
        elif name == "not":
            parts.append(_negated(condition(catalog, table, value, where)))
        elif (relation := table.relations.get(name)) is not None:
            parts.extend(_related(catalog, relation, value, where))
        elif name == "search" and table.search is not None:
            parts.append(Compare(table.search, Operator.SEARCH, as_text(value, where)))
        else:
            parts.extend(_operators(table.columns[name], value, where))
    return _all(tuple(parts))


def _null(path: str) -> Exception:
    return bad_input(f"{path} is null. Leave it out, or test for null with isNull.", field=path)


def _all(parts: tuple[Condition, ...]) -> Condition:
    kept = tuple(part for part in parts if part != ALWAYS)
    if NEVER in kept:
        return NEVER
    return kept[0] if len(kept) == 1 else And(kept)


def _any(parts: tuple[Condition, ...]) -> Condition:
    kept = tuple(part for part in parts if part != NEVER)
    if ALWAYS in kept:
        return ALWAYS
    kept = _folded(kept)
    return kept[0] if len(kept) == 1 else Or(kept)


def _folded(parts: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The same alternatives, those that name values of one column as one list in the first one's place.

    `a = x or a = y` is `a in (x, y)`, whatever is null. Postgres looks a list up, where it would try each alternative.
    """
    values: dict[str, dict[str, None]] = {}
    found: list[Condition | str] = []
    for part in _alternatives(parts):
        named = _named_values(part)
        if named is None:
            found.append(part)
            continue
        assert isinstance(part, Compare)  # noqa: S101 - only comparisons name values
        if part.column not in values:
            values[part.column] = {}
            found.append(part.column)
        values[part.column].update(dict.fromkeys(named))
    return tuple(_one_of(each, tuple(values[each])) if isinstance(each, str) else each for each in found)


def _alternatives(parts: tuple[Condition, ...]) -> Iterator[Condition]:
    for part in parts:
        if isinstance(part, Or):
            yield from part.of
        else:
            yield part


def _named_values(part: Condition) -> tuple[str, ...] | None:
    """The values one of which a column must have; `None` for any other condition, as of a list of text as a whole."""
    if not isinstance(part, Compare):
        return None
    if part.operator is Operator.IN and isinstance(part.value, tuple):
        return part.value
    return (part.value,) if part.operator is Operator.EQ and isinstance(part.value, str) else None


def _one_of(column: str, values: tuple[str, ...]) -> Condition:
    return Compare(column, Operator.EQ, values[0]) if len(values) == 1 else Compare(column, Operator.IN, values)


def _negated(part: Condition) -> Condition:
    if part == ALWAYS:
        return NEVER
    return ALWAYS if part == NEVER else Not(part)


def _related(catalog: Catalog, relation: Relation, value: dict[str, Any], path: str) -> list[Condition]:
    """What is asked of related rows. One that the caller may not see counts as absent."""
    target = catalog[relation.target]

    def some(test: Condition) -> Condition:
        return NEVER if test == NEVER else Related(target.name, relation.via, relation.many, test)

    if not relation.many:
        return [some(condition(catalog, target, value, path))]
    quantifiers: dict[str, Callable[[Condition], Condition]] = {
        "some": some,
        "none": lambda test: _negated(some(test)),
        "every": lambda test: _negated(some(_negated(test))),
    }
    parts = []
    for name, inner in value.items():
        if inner is None:
            raise bad_input(f"{path}.{name} is null. Leave it out.", field=f"{path}.{name}")
        parts.append(quantifiers[name](condition(catalog, target, inner, f"{path}.{name}")))
    return parts


def _operators(column: Column, operators: dict[str, Any], path: str) -> list[Condition]:
    parts: list[Condition] = []
    for name, value in operators.items():
        where = f"{path}.{name}"
        if value is None:
            raise _null(where)
        parts.append(_operator(column, name, value, where))
    return parts


def _operator(column: Column, name: str, value: Any, path: str) -> Condition:
    match name:
        case "isNull":
            return IsNull(column.name) if value else Not(IsNull(column.name))
        case "in":
            return _in(column, value, path)
        case "notIn":
            return _negated(_in(column, value, path))
        case "distinctFrom":
            return Or((Compare(column.name, Operator.NEQ, _operand(column, value, path)), IsNull(column.name)))
        case "at":
            return _all(tuple(_at(column, each, f"{path}[{index}]") for index, each in enumerate(value)))
        case _ if column.kind is Kind.TEXT and name in _PLACES:
            return _like(column, name, as_text(value, path))
        case "like" | "ilike":
            return Compare(column.name, Operator(name), _pattern(as_text(value, path), path))
        case _:
            return Compare(column.name, Operator(name), _operand(column, value, path))


def _operand(column: Column, value: Any, path: str) -> str | tuple[str, ...]:
    if column.kind.is_list:
        return tuple(as_text(each, path) for each in value)
    return _json(value, path) if column.kind is Kind.JSON else as_text(value, path)


def _in(column: Column, value: list[Any], path: str) -> Condition:
    values = tuple(as_text(each, path) for each in value)
    return Compare(column.name, Operator.IN, values) if values else NEVER


def _like(column: Column, name: str, text: str) -> Condition:
    """Text that is taken as it is: nothing in it is a wildcard."""
    escaped = _LIKE_SPECIAL.sub(r"\\\1", text)
    operator, before, after = _PLACES[name]
    return Compare(column.name, operator, before + escaped + after)


def _pattern(text: str, path: str) -> str:
    """A pattern as it is. Postgres would refuse an open one only once it meets a row that matches so far."""
    if (len(text) - len(text.rstrip("\\"))) % 2:
        raise bad_input(
            f"{path} ends in a backslash that takes no character. Write two for a backslash itself.", field=path
        )
    return text


def _json(value: Any, path: str) -> str:
    check_json(value, path)
    return dumps(value).decode()


def _at(column: Column, wanted: dict[str, Any], path: str) -> Condition:
    """A value at a path. Asked as containment, so that the path's keys are data and never part of a request's names."""
    keys, value = wanted["path"], wanted.get("eq", ...)
    if value is ...:
        raise bad_input(f"{path}.eq is missing. Give the value that is wanted; null is one, too.", field=f"{path}.eq")
    if not keys:
        raise bad_input(f"{path}.path is empty. Name at least one key.", field=f"{path}.path")
    if isinstance(value, dict | list):
        raise bad_input(f"{path}.eq is not a plain value. Use contains for objects and lists.", field=f"{path}.eq")
    for key in reversed(keys):
        value = {key: value}
    return Compare(column.name, Operator.CONTAINS, _json(value, path))


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


def key_in(table: Table, arguments: dict[str, Any]) -> str:
    """The key among a field's arguments as text. Raises as `as_text`."""
    field = table.key.field
    value = arguments[field]
    return as_text(value, field) if isinstance(value, str) else str(value)


def check_text(value: str, path: str, field: str | None = None) -> None:
    """Refuse text that Postgres cannot hold.

    Args:
        path: Where it stands among the arguments, for the message.
        field: What the error's `field` says, where that is not the path.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    field = field or path
    if "\0" in value:
        raise bad_input(f"{path} contains the character U+0000, which text cannot hold.", field=field)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad_input(f"{path} contains a lone surrogate, which is no character.", field=field) from None


def check_json(value: Any, path: str, field: str | None = None) -> None:
    """Refuse JSON that Postgres cannot hold. Arguments and errors as of `check_text`."""
    match value:
        case str():
            check_text(value, path, field)
        case list():
            for each in value:
                check_json(each, path, field)
        case dict():
            for key, each in value.items():
                check_text(key, path, field)
                check_json(each, path, field)
        case float() if not math.isfinite(value) or (isinstance(value, Exact) and not value.safe):
            raise bad_input(
                f"{path} contains a number that is too large, too small or too long for readers of JSON: at most "
                f"±1.7e308 and {LONGEST} characters. Send it as a string.",
                field=field or path,
            )

"""A value that fits a JSON schema, filled with what is known: rows that tools gave, and a text.

Of JSON Schema it takes what OpenAI's strict schemas may hold. A list of objects becomes one entry for each known row
that has most of its properties; a property takes the row's value of the same name.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_MOST_ROWS = 200
_DEPTH = 20


@dataclass(frozen=True)
class Known:
    """What values are taken from.

    Attributes:
        rows: That tools gave.
        text: What was asked, for texts that no row has.
        row: The one that is being written down.
    """

    rows: list[dict[str, Any]]
    text: str
    row: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, found: list[Any], text: str) -> Known:
        """What tools gave, and what was asked."""
        return cls([row for each in found for row in rows_of(each)], text)


def rows_of(value: object, depth: int = 0) -> list[dict[str, Any]]:
    """All objects in a value, the outer ones first."""
    if depth > _DEPTH:
        return []
    if isinstance(value, list):
        return [row for each in value[:_MOST_ROWS] for row in rows_of(each, depth + 1)]
    if isinstance(value, dict):
        return [value, *(row for each in value.values() for row in rows_of(each, depth + 1))]
    return []


def value(schema: dict[str, Any], known: Known, name: str = "", root: dict[str, Any] | None = None) -> Any:
    """A value that fits."""
    root = schema if root is None else root
    if isinstance(reference := schema.get("$ref"), str):
        schema = root.get("$defs", {}).get(reference.rpartition("/")[2], {})
    if options := schema.get("anyOf"):
        fitting = [each for each in options if _fits(each, _of_row(known, name))] or options
        return value(fitting[0], known, name, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _one_of(schema["enum"], known, name)
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type", "object")]
    given = _of_row(known, name)
    if given is None and "null" in kinds:
        return None
    match next((kind for kind in kinds if kind != "null"), "null"):
        case "object":
            return {key: value(each, known, key, root) for key, each in schema.get("properties", {}).items()}
        case "array":
            return _list(schema, known, name, root)
        case "string":
            return _string(schema, given, known, name)
        case "integer":
            return int(_number(schema, given))
        case "number":
            return _number(schema, given)
        case "boolean":
            return given if isinstance(given, bool) else False
        case _:
            return None


def _list(schema: dict[str, Any], known: Known, name: str, root: dict[str, Any]) -> list[Any]:
    inner = schema.get("items", {})
    if isinstance(reference := inner.get("$ref"), str):
        inner = root.get("$defs", {}).get(reference.rpartition("/")[2], {})
    least, most = schema.get("minItems", 0), min(schema.get("maxItems", _MOST_ROWS), _MOST_ROWS)
    properties = inner.get("properties")
    if not properties:
        return [value(inner, known, name, root) for _ in range(least)]
    # Rows that name themselves as the entries do: of their properties, more than half.
    shapes = [row for row in known.rows if 2 * sum(_has(row, key) for key in properties) > len(properties)]
    # Written down once, however often a tool gave it.
    unique = list({json.dumps(row, sort_keys=True): row for row in shapes}.values())[:most]
    entries = [value(inner, Known(known.rows, known.text, row), name, root) for row in unique]
    entries += [value(inner, known, name, root) for _ in range(least - len(entries))]
    return entries


def _key(row: dict[str, Any], name: str) -> str | None:
    """By which key a row has what a schema calls so: `dayNumber` is `day_number`, and `item_id` its own `id`."""
    plain = name.replace("_", "").lower()
    same = next((key for key in row if key.replace("_", "").lower() == plain), None)
    return same or ("id" if plain.endswith("id") and "id" in row else None)


def _has(row: dict[str, Any], name: str) -> bool:
    return _key(row, name) is not None


def _of_row(known: Known, name: str) -> Any:
    key = _key(known.row, name) if name else None
    return None if key is None else known.row[key]


def _fits(schema: dict[str, Any], given: object) -> bool:
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return ("null" in kinds) == (given is None)


def _one_of(options: list[Any], known: Known, name: str) -> Any:
    """The row's own, or the one that what is known speaks of, or the last, which is where `other` stands."""
    given = _of_row(known, name)
    if given in options:
        return given
    spoken = f"{known.text} {' '.join(str(row) for row in known.rows[:20])}".lower()
    return next((each for each in options if re.search(rf"\b{re.escape(str(each).lower())}", spoken)), options[-1])


def _string(schema: dict[str, Any], given: object, known: Known, name: str) -> str:
    if isinstance(given, str):
        text = given
    elif schema.get("format") == "date":
        text = "2030-01-01"
    elif schema.get("format") == "uuid":
        text = "00000000-0000-4000-8000-000000000000"
    else:
        names = [str(row[key]) for row in known.rows for key in ("title", "name") if isinstance(row.get(key), str)]
        text = f"{', '.join(dict.fromkeys(names[:6]))}: as it stands." if names else known.text or name or "Nothing."
    return text[: schema.get("maxLength", 1000)].ljust(schema.get("minLength", 0), ".")


def _number(schema: dict[str, Any], given: object) -> int | float:
    number = given if isinstance(given, int | float) and not isinstance(given, bool) else 1
    least, most = schema.get("minimum"), schema.get("maximum")
    number = number if least is None else max(number, least)
    return number if most is None else min(number, most)

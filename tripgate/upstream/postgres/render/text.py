"""Parts of an answer's text: what is known already, and SQL expressions for what Postgres knows."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gql.catalog import catalog
from gql.table import Choices, Column, Kind
from tripgate.planner.plan import Pick, Read
from tripgate.upstream.postgres.render.statement import column

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_BASE64 = r"translate(encode(convert_to({}, 'UTF8'), 'base64'), E'+/=\n', '-_')"


class NotInSqlError(Exception):
    """Something of the shape cannot be written by Postgres exactly as the program writes it."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that is known already; anything else of an answer is an SQL expression of type text."""

    text: str


class Mark:
    """Stands for a part of an answer that is put in its place later, by whoever made the mark."""


Parts = list["Literal | Mark | str"]


def concatenated(parts: Sequence["Literal | Mark | str"]) -> str:
    """The parts as one expression.

    Raises:
        NotInSqlError: One of them is only marked.
    """
    found: list[str] = []
    known = ""
    for part in parts:
        if isinstance(part, Mark):
            raise NotInSqlError
        if isinstance(part, Literal):
            known += part.text
            continue
        if known:
            found.append(literal(known))
            known = ""
        found.append(part)
    if known:
        found.append(literal(known))
    return " || ".join(found)


def json_object(fields: Iterable[tuple[str, Parts]]) -> Parts:
    """An object of these keys and values."""
    parts: Parts = [Literal("{")]
    for number, (key, written) in enumerate(fields):
        if _NAME.fullmatch(key) is None:
            raise NotInSqlError
        parts += [Literal(f'{"," if number else ""}"{key}":'), *written]
    return [*parts, Literal("}")]


def base64(text: str) -> Parts:
    """An expression in base64, as a JSON text."""
    return [Literal('"'), _BASE64.format(text), Literal('"')]


def value(read: Read, alias: str, name: str, choices: Choices | None) -> str:
    """What stands under this name in a row, as JSON."""
    pick = next((each for each in read.columns if each.column == name), None)
    if pick is not None:
        return _column(read, alias, pick, choices)
    aggregate = next((each for each in read.aggregates if each.alias == name), None)
    if aggregate is None:
        raise NotInSqlError
    of = "*" if aggregate.column is None else column(alias, aggregate.column)
    text = f"{aggregate.function.value}({of})"
    if choices is not None:
        return f"coalesce({chosen(text, choices)}, 'null')"
    cast = "" if aggregate.cast is None else f"::{aggregate.cast}"
    return f"coalesce(to_json({text}{cast})::text, 'null')"


def _column(read: Read, alias: str, pick: Pick, choices: Choices | None) -> str:
    mapped: Column | None = catalog.named(read.table).by_sql_name.get(pick.column)
    kind = None if mapped is None else mapped.kind
    text = column(alias, pick.column)
    if choices is not None:
        if kind is not None and kind.is_list:
            raise NotInSqlError
        return f"coalesce({chosen(text, choices)}, 'null')"
    match kind:
        case Kind.DOUBLE | Kind.JSON | None:
            raise NotInSqlError
        case Kind.UUID | Kind.NUMERIC | Kind.BIGINT:
            written = f"'\"' || {text}::text || '\"'"
        case Kind.INT | Kind.BOOLEAN:
            written = f"{text}::text"
        case _:
            written = f"to_json({text})::text"
    return f"coalesce({written}, 'null')"


def chosen(text: str, choices: Choices, *, as_text: bool = False) -> str:
    """The name of an enum's value. One without a name fails the query, and not silently."""

    def known(value: str | int) -> str:
        return literal(str(value)) if as_text or isinstance(value, str) else str(value)

    cases = " ".join(f"when {known(value)} then {literal(json.dumps(name))}" for value, name in choices)
    return f"case {text} {cases} else ('no name for ' || {text}::text)::regclass::text end"


def constant(value: str | None) -> Literal:
    """A text that is the same in every row, or null, as JSON."""
    return Literal(json.dumps(value))


def boolean(value: object) -> str:
    """A truth value as JSON."""
    return "true" if value else "false"


def literal(text: str) -> str:
    """A declared text, or one that was looked at, as a literal."""
    if "\\" in text:
        raise NotInSqlError
    return "'" + text.replace("'", "''") + "'"

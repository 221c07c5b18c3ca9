"""Comparisons with texts that would make a URL too long, as a cursor behind five thousand characters does.

The texts travel in headers, and a function of the row tells how its column compares with each of them; see
`900_long_texts.sql`. Everything else of the request stays as it is.
"""

import base64
import dataclasses
from collections.abc import Iterator

from gql.catalog import catalog
from gql.table import Table
from tripgate.planner.plan import And, Compare, Condition, Not, Operator, Or, Read, Related

LONG_PATH = 6000
"""Bytes of path and query from which texts travel otherwise. Some proxies take no more than 8 KB in one line."""

_LONG = 300
_PIECE = 4000
_SIGNS = {
    Operator.EQ: ("0",),
    Operator.NEQ: ("-1", "1"),
    Operator.GT: ("1",),
    Operator.GTE: ("0", "1"),
    Operator.LT: ("-1",),
    Operator.LTE: ("-1", "0"),
}


def with_texts_apart(read: Read) -> tuple[Read, tuple[str, ...]]:
    """The read without the long texts that it compares with, and these."""
    texts: dict[str, int] = {}
    return _read(read, texts), tuple(texts)


def header_lines(texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The headers that texts travel in: their names and values."""
    for number, text in enumerate(texts):
        encoded = base64.b64encode(text.encode()).decode()
        for piece in range(0, len(encoded), _PIECE):
            yield f"X-Text-{number}-{piece // _PIECE}", encoded[piece : piece + _PIECE]


def _read(read: Read, texts: dict[str, int]) -> Read:
    embeds = tuple(dataclasses.replace(embed, read=_read(embed.read, texts)) for embed in read.embeds)
    return dataclasses.replace(read, where=_condition(read.table, read.where, texts), embeds=embeds)


def _condition(table: str, condition: Condition, texts: dict[str, int]) -> Condition:
    match condition:
        case Compare(column, operator, str() as value) if (
            operator in _SIGNS and len(value) > _LONG and _is_long(table, column)
        ):
            number = texts.setdefault(value, len(texts))
            signs = _SIGNS[operator]
            place = f"{column}_against->>{number}"
            if len(signs) == 1:
                return Compare(place, Operator.EQ, signs[0])
            return Compare(place, Operator.IN, signs)
        case Related():
            return dataclasses.replace(condition, where=_condition(condition.table, condition.where, texts))
        case And() | Or():
            return type(condition)(tuple(_condition(table, part, texts) for part in condition.of))
        case Not():
            return Not(_condition(table, condition.of, texts))
        case _:
            return condition


def _is_long(name: str, column: str) -> bool:
    table: Table | None = next((each for each in catalog if each.name == name), None)
    found = None if table is None else table.by_sql_name.get(column)
    return found is not None and found.long

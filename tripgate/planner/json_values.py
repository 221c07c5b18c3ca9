"""Stored JSON on its way into an answer: as the text that Postgres gives, so that no number loses a digit.

What others could not read stays out: an answer in which one value nests too deeply, or holds a number that is infinite
as a double, would be lost as a whole. `UNREADABLE` stands in its place until whoever sends the answer takes it out.
"""

from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson

Path = tuple[str | int, ...]

DEEPEST = 64
"""Objects and lists inside each other. A constraint of the database holds what is written to the same."""

NOT_REPRESENTABLE = (
    f"What is stored here nests deeper than {DEEPEST} levels, or holds a number that no reader of JSON could take: too "
    "large, infinite or NaN. It can be replaced."
)
"""The message of the error beside a value that cannot be answered."""

# Postgres writes a number with all its digits and without an exponent; one beyond a double has more than 308.
_SURELY_FINITE = 308


class _Unreadable:
    def __repr__(self) -> str:
        return "UNREADABLE"


UNREADABLE = _Unreadable()
"""Stands for a value that cannot be answered."""


class UnreadableCount:
    """How many values of one answer could not be answered, so that others need not be looked through for them."""

    count = 0
    outside = 0
    """Likewise how many stand in it that are asked for outside: see `tripgate.planner.outside`."""


counting: ContextVar[UnreadableCount] = ContextVar("counting")
"""The count of the answer that is made here, set by whoever makes it. Without one nothing is counted."""


def count_unreadable() -> None:
    """Count a value that cannot be answered, `UNREADABLE` standing in its place."""
    count = counting.get(None)
    if count is not None:
        count.count += 1


@dataclass(frozen=True, slots=True)
class PartlyReadable:
    """Text of a list that is encoded already, and where in it values could not be answered."""

    text: orjson.Fragment
    paths: tuple[Path, ...]


def stored(text: str | None) -> Any:
    """A JSON value as what the answer holds of it."""
    if text is None:
        return None
    brackets = text.count("{") + text.count("[")
    if (brackets <= DEEPEST or _depth(text) <= DEEPEST) and (len(text) <= _SURELY_FINITE or _is_read(text)):
        return orjson.Fragment(text)
    count_unreadable()
    return UNREADABLE


def remove_unreadable(answer: Any, begin: int = 0) -> list[Path]:
    """Put null in the place of each value that could not be answered; the places, in their order.

    Args:
        begin: Where a list stands in a longer one.
    """
    found = _removed(answer)
    return [(int(path[0]) + begin, *path[1:]) for path in found] if begin else list(found)


def _removed(value: Any, path: Path = ()) -> Iterator[Path]:
    entries: Any = ()
    if type(value) is dict:
        entries = value.items()
    elif type(value) is list:
        entries = enumerate(value)
    for key, each in list(entries):
        if each is UNREADABLE:
            value[key] = None
            yield (*path, key)
        elif type(each) is PartlyReadable:
            value[key] = each.text
            yield from ((*path, key, *below) for below in each.paths)
        else:
            yield from _removed(each, (*path, key))


def _is_read(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _depth(text: str) -> int:
    """How many objects and lists are inside each other, brackets in texts not counted."""
    deepest = depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            quoted = True
        elif character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest

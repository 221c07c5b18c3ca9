"""What a backend answers with and a shaper takes: the contract between the two.

A row is a dict of what its read asks for:

- a column, under its name in SQL, as JSON holds it; as text where the plan casts it, so that nothing is rounded. A
  column of JSON is text;
- a computed object, under its name: a dict, or `None`;
- embedded related rows, under the embed's alias: a list in the embed's order; for a relation to one, a row or `None`;
- the value of a related key of the order, under `related_key`, as text or `None`, where `Read.keys` wants it;
- what is computed over rows, under each aggregate's alias.

A page is a sequence of rows in its order, a `list` or, where its text is long, a `ChunkedRows`. Totals (a read or an
embed with aggregates and without columns) are always a list of one row, however few rows there are to compute them
over. What is counted beside a page is a number of its own (`Rows.total`).

A backend may answer with more than was asked for. Rows may be shared, so a shaper leaves them as they are.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, overload

import orjson

from tripgate.planner.json_values import PartlyReadable, Path, UnreadableCount, counting, remove_unreadable

Row = dict[str, Any]


class ChunkedRows(Sequence[Row]):
    """Rows that are decoded when they are looked at, some at a time, and not kept.

    As Python objects rows take many times their text, so a long answer never is there as objects as a whole.
    """

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    @abstractmethod
    def __getitem__(self, index: int | slice) -> Row | Self:
        """A row, or some rows as text still; `rows[::-1]` too."""

    @abstractmethod
    def chunks(self) -> Iterator[list[Row]]:
        """The rows, some at a time."""

    def __iter__(self) -> Iterator[Row]:
        for rows in self.chunks():
            yield from rows


def encoded(rows: ChunkedRows, shaper: Callable[[list[Row]], list[Any]]) -> Any:
    """What a shaper makes of rows, as text that goes into the answer as it is.

    Args:
        shaper: From some rows to what they become.
    """
    # One copy of it all, the joining: the brackets and commas of the chunks are where those of the whole must be.
    parts: list[bytes] = []
    lost: list[Path] = []
    number = 0
    unreadable = counting.get(None)
    if unreadable is None:
        counting.set(unreadable := UnreadableCount())
    for chunk in rows.chunks():
        before = unreadable.count
        made = shaper(chunk)
        if unreadable.count != before:
            lost += remove_unreadable(made, number)
        number += len(made)
        parts.append(b"," + orjson.dumps(made)[1:-1])
    if parts:
        parts[0] = parts[0][1:]
    text = orjson.Fragment(b"".join([b"[", *parts, b"]"]))
    return PartlyReadable(text, tuple(lost)) if lost else text

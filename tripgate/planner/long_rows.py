"""Rows of a long answer, taken apart before they are read, so that never more than a few are there as objects at once.

As Python objects rows take many times their text. Each row of such an answer begins with a key that no other object
in it has (`MARK`), and Postgres begins each on a line of its own, which neither text nor jsonb can imitate: a line's
end is always escaped there. So the rows part where the mark stands.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, overload

import orjson

from tripgate.planner.json_values import Path, Torn, taken_out, unreadable

Row = dict[str, Any]

MARK = "0"
"""The key that only the rows of the outermost list have."""

LONG = 128 * 1024
"""Bytes from which an answer is taken apart."""

_AT_ONCE = 64
_FIRST = b'[{"0":'
_NEXT = re.compile(rb', ?\n ?(?=\{"0":)')


class LongRows(Sequence[Row]):
    """The rows in the text of a JSON list. Each is decoded when it is looked at, and not kept."""

    __slots__ = ("_backward", "_spans", "_text")

    def __init__(self, text: bytes, spans: Sequence[tuple[int, int]], *, backward: bool = False) -> None:
        self._text = text
        self._spans = spans
        self._backward = backward

    @classmethod
    def of(cls, text: bytes) -> "LongRows | list[Row]":
        """The rows of an answer; as they are where it is short or not marked."""
        if len(text) < LONG or not text.startswith(_FIRST):
            found: list[Row] = orjson.loads(text)
            return found
        gaps = [match.span() for match in _NEXT.finditer(text)]
        begins = [1, *(end for _, end in gaps)]
        ends = [*(begin for begin, _ in gaps), text.rindex(b"]")]
        return cls(text, tuple(zip(begins, ends, strict=True)))

    def __len__(self) -> int:
        return len(self._spans)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Row | Self:
        if isinstance(index, slice):
            backward = self._backward != ((index.step or 1) < 0)
            return type(self)(self._text, self._spans[index], backward=backward)
        begin, end = self._spans[index]
        row: Row = orjson.loads(self._text[begin:end])
        return row

    def __iter__(self) -> Iterator[Row]:
        for rows in self.parts():
            yield from rows

    def parts(self) -> Iterator[list[Row]]:
        """The rows, some at a time."""
        step = -1 if self._backward else 1
        for number in range(0, len(self._spans), _AT_ONCE):
            spans = self._spans[number : number + _AT_ONCE]
            first, last = spans[::step][0], spans[::step][-1]
            rows: list[Row] = orjson.loads(b"[%b]" % self._text[first[0] : last[1]])
            yield rows[::step]


def encoded(rows: LongRows, shaper: Callable[[list[Row]], list[Any]]) -> Any:
    """What a shaper makes of rows, as text that goes into the answer as it is.

    Args:
        shaper: From some rows to what they become.
    """
    # One copy of it all, the joining: the brackets and commas of the parts are where those of the whole must be.
    parts: list[bytes] = []
    lost: list[Path] = []
    number = 0
    for part in rows.parts():
        before = unreadable.count
        made = shaper(part)
        if unreadable.count != before:
            lost += taken_out(made, number)
        number += len(made)
        parts.append(b"," + orjson.dumps(made)[1:-1])
    if parts:
        parts[0] = parts[0][1:]
    text = orjson.Fragment(b"".join([b"[", *parts, b"]"]))
    return Torn(text, tuple(lost)) if lost else text

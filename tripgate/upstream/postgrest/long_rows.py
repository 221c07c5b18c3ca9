"""Rows of a long answer, taken apart before they are read, so that never more than a few are there as objects at once.

Each row of such an answer begins with a key that no other object in it has (`MARK`), and Postgres begins each on a line
of its own, which neither text nor jsonb can imitate: a line's end is always escaped there. So the rows part where the
mark stands.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Self, overload

import orjson

from tripgate.planner.rows import ChunkedRows, Row
from tripgate.upstream.resilience.failures import unavailable

MARK = "0"
"""The key that only the rows of the outermost list have."""

LONG = 128 * 1024
"""Bytes from which an answer is taken apart."""

Postprocess = Callable[[list[Row]], list[Row]]
"""What is still to be done with decoded rows."""

_AT_ONCE = 64
_FIRST = b'[{"0":'
_NEXT = re.compile(rb', ?\n ?(?=\{"0":)')


class LongRows(ChunkedRows):
    """The rows in the text of a JSON list."""

    __slots__ = ("_backward", "_postprocess", "_spans", "_text")

    def __init__(
        self, text: bytes, spans: Sequence[tuple[int, int]], postprocess: Postprocess | None, *, backward: bool = False
    ) -> None:
        self._text = text
        self._spans = spans
        self._postprocess = postprocess
        self._backward = backward

    @classmethod
    def of(cls, text: bytes, postprocess: Postprocess | None = None) -> "LongRows | None":
        """The rows of an answer; `None` where it is short or not marked."""
        if len(text) < LONG or not text.startswith(_FIRST):
            return None
        gaps = [match.span() for match in _NEXT.finditer(text)]
        begins = [1, *(end for _, end in gaps)]
        ends = [*(begin for begin, _ in gaps), text.rindex(b"]")]
        return cls(text, tuple(zip(begins, ends, strict=True)), postprocess)

    def __len__(self) -> int:
        return len(self._spans)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Row | Self:
        if isinstance(index, slice):
            backward = self._backward != ((index.step or 1) < 0)
            return type(self)(self._text, self._spans[index], self._postprocess, backward=backward)
        (row,) = self._decoded(*self._spans[index])
        return row

    def chunks(self) -> Iterator[list[Row]]:
        step = -1 if self._backward else 1
        for number in range(0, len(self._spans), _AT_ONCE):
            spans = self._spans[number : number + _AT_ONCE]
            first, last = spans[::step][0], spans[::step][-1]
            yield self._decoded(first[0], last[1])[::step]

    def _decoded(self, begin: int, end: int) -> list[Row]:
        rows: list[Row] = orjson.loads(b"[%b]" % self._text[begin:end])
        return rows if self._postprocess is None else self._postprocess(rows)


def rows_of(body: bytes, postprocess: Postprocess | None) -> Sequence[Row]:
    """The rows in the body of an answer; a function that returns one row answers with the row itself.

    Raises:
        ApiError: UPSTREAM_UNAVAILABLE, it is no JSON.
    """
    if not body:
        return []
    if (long := LongRows.of(body, postprocess)) is not None:
        return long
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise unavailable() from None
    if not isinstance(found, list):
        found = [found]
    return found if postprocess is None else postprocess(found)

"""Rows that came as one JSON text each. Those of a long answer are read some at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, Self, overload

import orjson

from tripgate.planner.rows import ChunkedRows, Row

LONG = 128 * 1024
"""Bytes from which rows are read some at a time."""

_AT_ONCE = 64


class TextRows(ChunkedRows):
    """Rows as texts."""

    __slots__ = ("_texts",)

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Row | Self:
        if isinstance(index, slice):
            return type(self)(self._texts[index])
        row: Row = orjson.loads(self._texts[index])
        return row

    def chunks(self) -> Iterator[list[Row]]:
        """The rows, some at a time."""
        for number in range(0, len(self._texts), _AT_ONCE):
            yield _read(self._texts[number : number + _AT_ONCE])


def rows_of(texts: Sequence[bytes | None]) -> Sequence[Row]:
    """The rows in these texts, of which null is one."""
    known = [b"null" if text is None else text for text in texts]
    return TextRows(known) if sum(map(len, known)) >= LONG else _read(known)


def _read(texts: Sequence[bytes]) -> list[Any]:
    rows: list[Any] = orjson.loads(b"[%b]" % b",".join(texts))
    return rows

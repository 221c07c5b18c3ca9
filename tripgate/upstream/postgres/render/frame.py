"""What the program puts around the rows of a large page, which Postgres wrote some at a time.

One text of a thousand rows is copied within Postgres once for each thing that is put before or behind it, and sent once
it is whole; rows that come one by one wake the program for each few of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tripgate.upstream.postgres.render.text import Mark


class Piece(Mark, Enum):
    """A part of a connection that depends on which rows came."""

    ROWS = "rows"
    MORE = "more"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Total(Mark):
    """A text that is computed over all rows, on all pages: the one in this column of a statement for them."""

    column: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A connection but for its rows.

    Attributes:
        size: The page's size. One row more may come, which tells that more follow and is in no text.
        cursors: Whether each text comes with the cursors of its first and its last row.
    """

    pieces: tuple[str | Piece | Total, ...]
    size: int
    cursors: bool

    def around(
        self,
        texts: Sequence[bytes],
        count: int,
        ends: tuple[bytes, bytes] | None = None,
        totals: Sequence[bytes] = (),
    ) -> bytes:
        """The whole connection.

        Args:
            texts: Each of some rows, in order.
            count: How many rows came.
            ends: The cursors of the first and the last row; `None` without rows.
            totals: By column, where some are wanted.
        """
        first, last = ends or (b"null", b"null")
        found: list[bytes] = []
        for piece in self.pieces:
            match piece:
                case Piece.ROWS:
                    # One by one, since each copy of them all takes longer than that.
                    for number, text in enumerate(texts):
                        found += (b",", text) if number else (text,)
                case Piece.MORE:
                    found.append(b"true" if count > self.size else b"false")
                case Piece.FIRST:
                    found.append(first)
                case Piece.LAST:
                    found.append(last)
                case Total():
                    found.append(totals[piece.column])
                case _:
                    found.append(piece.encode())
        return b"".join(found)

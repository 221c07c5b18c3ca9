"""What the program puts around the rows of a large page, each of which Postgres wrote.

One text of a thousand rows is copied within Postgres once for each thing that is put before or behind it, and sent once
it is whole; rows are sent as they come.
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
class Frame:
    """A connection but for its rows.

    Attributes:
        size: The page's size. One row more tells that more follow, and is dropped.
        backward: Whether the rows come in reverse.
        cursors: Whether the rows come with their cursors, in a second column.
    """

    pieces: tuple[str | Piece, ...]
    size: int
    backward: bool
    cursors: bool

    def around(self, rows: Sequence[bytes], ends: tuple[bytes, bytes] | None) -> bytes:
        """The whole connection.

        Args:
            rows: All that came.
            ends: The cursors of the first and the last row of the page as they came; `None` without rows.
        """
        page = rows[: self.size]
        if self.backward:
            page = page[::-1]
            ends = None if ends is None else ends[::-1]
        first, last = ends or (b"null", b"null")
        found = {
            Piece.ROWS: b",".join(page),
            Piece.MORE: b"true" if len(rows) > self.size else b"false",
            Piece.FIRST: first,
            Piece.LAST: last,
        }
        return b"".join(found[piece] if isinstance(piece, Piece) else piece.encode() for piece in self.pieces)

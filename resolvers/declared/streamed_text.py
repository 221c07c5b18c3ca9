"""What one subscriber is told of texts that are being written: every code point once, in order.

Pieces travel beside the changes of their rows, on a way that keeps no order and may lose them. A row holds the text as
it was a moment ago, and in the end the whole of it. So pieces are put into order by their offsets, those that come
early wait, and what is missing is taken from the row.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gql.table import Table
from tripgate.upstream.realtime.frames import Change, Operation, Piece, now

GAP_SECONDS = 0.3
"""For how long what is missing is waited for before the row is read."""
LONGEST_GAP_SECONDS = 8.0
MOST_HELD = 65_536
"""Code points that wait for what comes before them, of one row. Beyond that they are dropped, and read with the row."""
MOST_READS = 6
"""After so many reads that found no row, its pieces are dropped: whoever may see it will hear of it."""

_STAMP = "updated_at"


@dataclass(slots=True)
class _Text:
    """A text that is being written.

    Attributes:
        told: How many code points of it have been told; `None` where the row is not known yet.
        early: Pieces that came early, by their offsets.
        lost: Whether pieces were dropped, so that the row must be read.
        read_at: When the row is read, on the caller's clock; `None` while nothing is missing.
        wait: For how long the last gap was waited for.
        missed: How many reads found no row.
    """

    told: int | None = None
    early: dict[int, str] = field(default_factory=dict)
    lost: bool = False
    read_at: float | None = None
    wait: float = GAP_SECONDS
    missed: int = 0

    def add(self, offset: int, text: str) -> None:
        """Keep a piece until it is its turn."""
        if len(text) > len(self.early.get(offset, "")):
            self.early[offset] = text
        if sum(map(len, self.early.values())) > MOST_HELD:
            self.early.clear()
            self.lost = True

    def take(self, words: str = "") -> Piece | None:
        """What can be told now, as one piece.

        Args:
            words: The text as the row has it.
        """
        assert self.told is not None  # noqa: S101 - the row is known
        begins, parts = self.told, [words[self.told :]]
        self.told = max(self.told, len(words))
        for offset in sorted(self.early):
            if offset > self.told:
                break
            text = self.early.pop(offset)[self.told - offset :]
            if text:
                parts.append(text)
                self.told += len(text)
        return Piece(begins, "".join(parts)) if self.told > begins else None

    def settle(self, at: float) -> None:
        """Plan the read of the row, or none."""
        if self.told is not None and not self.early and not self.lost:
            self.read_at, self.wait = None, GAP_SECONDS
        elif self.read_at is None:
            self.read_at = at + self.wait

    def read(self, at: float) -> None:
        """The row is being read: should that not help, it is read again later."""
        self.lost = False
        self.wait = min(2 * self.wait, LONGEST_GAP_SECONDS)
        self.read_at = at + self.wait


class StreamedText:
    """The texts of the rows that one subscriber follows.

    Args:
        table: Whose rows they are; it has a streamed text.
        with_rows: Whether the subscriber is told rows with their texts. Otherwise the text of a row that is told first
            is a piece as well.
    """

    def __init__(self, table: Table, *, with_rows: bool) -> None:
        assert table.streamed is not None  # noqa: S101 - see above
        self._table = table
        self._streamed = table.streamed
        self._with_rows = with_rows
        self._open: dict[str, _Text] = {}
        self._closed: dict[str, dict[str, Any]] = {}

    def forget(self) -> None:
        """Begin anew: each row is told before what follows of its text."""
        self._open.clear()
        self._closed.clear()

    @property
    def due(self) -> float | None:
        """When the next row must be read, since something of its text is missing."""
        return min((each.read_at for each in self._open.values() if each.read_at is not None), default=None)

    def to_read(self, at: float) -> list[str]:
        """The keys of the rows that must be read by now; the caller reads them."""
        found = [key for key, text in self._open.items() if text.read_at is not None and text.read_at <= at]
        for key in found:
            self._open[key].read(at)
        return found

    def not_found(self, key: str) -> None:
        """A row that was read is not there, or not for this subscriber to see."""
        text = self._open.get(key)
        if text is not None:
            text.missed += 1
            if text.missed >= MOST_READS:
                del self._open[key]

    def take(self, change: Change, at: float) -> list[Change]:
        """What is told of a change, in this order.

        Args:
            at: The time by a clock that only goes forward, in seconds.
        """
        key = change.id
        if key is None or change.operation not in {Operation.INSERT, Operation.UPDATE}:
            if key is not None:
                self._open.pop(key, None)
                self._closed.pop(key, None)
            return [change]
        if change.piece is not None:
            return self._piece(key, change, change.piece, at)
        if change.record is None:
            return [change]
        return self._row(key, change, change.record, at)

    def _piece(self, key: str, change: Change, piece: Piece, at: float) -> list[Change]:
        if key in self._closed:
            return []
        text = self._open.setdefault(key, _Text())
        if text.told == piece.offset and not text.early:
            text.told += len(piece.text)
            return [change] if piece.text else []
        text.add(piece.offset, piece.text)
        return self._told(key, text, change.occurred_at, at)

    def _row(self, key: str, change: Change, record: dict[str, Any], at: float) -> list[Change]:
        words = record[self._streamed.column] or ""
        is_open = record[self._streamed.state] == self._streamed.open
        known = self._closed.get(key)
        if known is not None:
            if not _follows(record, known, is_open=is_open):
                return []
            del self._closed[key]
        text = self._open.get(key)
        if not is_open:
            self._open.pop(key, None)
            self._closed[key] = record
        if text is None or text.told is None:
            text = text or _Text()
            text.told = len(words)
            if is_open:
                self._open[key] = text
            return [self._first(change, words), *(self._told(key, text, change.occurred_at, at) if is_open else [])]
        if is_open:
            return self._told(key, text, change.occurred_at, at, words)
        piece = Piece(text.told, words[text.told :])
        return [*([self._of(key, piece, change.occurred_at)] if piece.text else []), change]

    def _told(self, key: str, text: _Text, occurred_at: str, at: float, words: str = "") -> list[Change]:
        piece = text.take(words) if text.told is not None else None
        text.settle(at)
        return [] if piece is None else [self._of(key, piece, occurred_at)]

    def _first(self, change: Change, words: str) -> Change:
        """The row itself, which is told before pieces of it are."""
        if self._with_rows or not words:
            return change
        return Change(
            change.table, change.operation, change.id, change.record, change.occurred_at, piece=Piece(0, words)
        )

    def _of(self, key: str, piece: Piece, occurred_at: str) -> Change:
        return Change(self._table.name, Operation.UPDATE, key, None, occurred_at or now(), piece=piece)


def _follows(record: dict[str, Any], known: dict[str, Any], *, is_open: bool) -> bool:
    """Whether a row is a newer state than the one that was told when its text was finished."""
    if _STAMP in record and _STAMP in known:
        return datetime.fromisoformat(record[_STAMP]) > datetime.fromisoformat(known[_STAMP])
    return not is_open and record != known

"""The list of what is not imported, and why: a CSV file that a spreadsheet opens without harm."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, TextIO

from tripgate.importing.unfit import ImportFailedError, Reject

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

HEADER = ("file", "line", "id", "column", "value", "why", "what to do")
MOST = 10_000
"""Rejects after which it is no use to go on."""
SHOWN = 5
"""How many are told at once."""
_LONGEST = 80
# What a spreadsheet takes for a formula, and a number that looks like one.
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
# The wide ones too, which spreadsheets of East Asia take for the same.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


class Rejects:
    """Rejects, written as they are found. A list of an earlier run in its place is replaced, and nothing else.

    Attributes:
        count: Records that are rejected, by their file.
        first: The first few rejects.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count: Counter[str] = Counter()
        self.first: list[Reject] = []
        self._file: TextIO | None = None
        self._told = 0
        self._last: tuple[str, int, str] | None = None

    def __enter__(self) -> Rejects:
        """Raises ImportFailedError if something else is in its place."""
        try:
            if self.path.is_symlink() or (self.path.exists() and not self._is_ours()):
                raise ImportFailedError(
                    f"{self.path} is there and holds something else. Name another file with --rejects.", usage=True
                )
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise ImportFailedError(f"{self.path} cannot be written: {error.strerror}.", usage=True) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            if not self.count:
                self.path.unlink()

    def add(self, reject: Reject) -> None:
        """One more. Raises ImportFailedError when it is no use to go on."""
        record = (reject.file, reject.line, reject.old)
        if record != self._last:
            self.count[reject.file] += 1
        self._last = record
        self._told += 1
        if len(self.first) < SHOWN:
            self.first.append(reject)
        self._write([reject.file, reject.line, reject.old, reject.column, reject.value, reject.why, reject.advice])
        if self._told >= MOST:
            raise ImportFailedError(f"{MOST} rejects are enough to see that these files do not fit: see {self.path}.")

    def mark(self) -> tuple[int, int, Counter[str], list[Reject]]:
        """What has been told so far."""
        return self._file.tell() if self._file else 0, self._told, self.count.copy(), list(self.first)

    def back_to(self, mark: tuple[int, int, Counter[str], list[Reject]]) -> None:
        """Take back what has been told since."""
        place, self._told, self.count, self.first = mark[0], mark[1], mark[2].copy(), list(mark[3])
        self._last = None
        if self._file is not None:
            self._file.seek(place)
            self._file.truncate()
            if not place:
                csv.writer(self._file).writerow(HEADER)

    def _write(self, cells: list[object]) -> None:
        if self._file is None:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            except OSError as error:
                raise ImportFailedError(f"{self.path} cannot be written: {error.strerror}.", usage=True) from None
            self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
            csv.writer(self._file).writerow(HEADER)
        csv.writer(self._file).writerow([_harmless(str(cell)) for cell in cells])

    def _is_ours(self) -> bool:
        with self.path.open("rb") as file:
            return file.readline().decode(errors="replace").strip() in {"", ",".join(HEADER)}


def _harmless(text: str) -> str:
    """The text as a spreadsheet shows it, and not as a formula."""
    text = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def shortened(value: object) -> str:
    """A value as a text that fits into a line."""
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

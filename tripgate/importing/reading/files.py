"""Finds the files of a system, and opens them as text whatever their encoding."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from tripgate.importing.reading import records
from tripgate.importing.unfit import ImportFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from tripgate.importing.reading.records import Record, Unreadable

FORMATS = {".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "lines", ".ndjson": "lines"}
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of old data.

    Attributes:
        form: `csv`, `json` or `lines`.
        encoding: That of files that do not tell their own.
    """

    path: Path
    form: str
    encoding: str = "utf-8"

    @property
    def name(self) -> str:
        """Its name, as it is told."""
        return self.path.name

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size

    @property
    def state(self) -> tuple[int, int]:
        """What is another when the file has been changed."""
        stat = self.path.stat()
        return stat.st_size, stat.st_mtime_ns

    def records(
        self, known: Collection[str], at: str = "", read: Callable[[int], None] = lambda _: None
    ) -> Iterator[Record | Unreadable]:
        """Its records.

        Args:
            known: Fields that may be asked for.
            at: Where the records of a JSON file stand.
            read: Is told now and then how many bytes have been read.

        Raises:
            ImportFailedError: The file cannot be read on.
        """
        with contextlib.ExitStack() as opened:
            raw = opened.enter_context(self._opened())
            try:
                text = opened.enter_context(self._text(raw))
                for number, record in enumerate(self._found(text, known, at)):
                    if number % 256 == 0:
                        read(raw.tell())
                    yield record
                read(raw.tell())
            except records.BrokenError as error:
                raise ImportFailedError(f"{self.name}, line {error.line} {error.why}. {error.advice}") from None
            except UnicodeDecodeError as error:
                raise ImportFailedError(self._undecodable(error)) from None
            except UnicodeError as error:  # of a codec that wants a byte order mark
                raise ImportFailedError(f"{self.name} is not written in {self.encoding}: {error}.") from None
            except (OSError, EOFError, zlib.error) as error:
                raise ImportFailedError(f"{self.name} cannot be read: {error}.") from None

    def _found(self, text: TextIO, known: Collection[str], at: str) -> Iterator[Record | Unreadable]:
        match self.form:
            case "csv":
                return records.of_csv(text, known)
            case "lines":
                return records.of_lines(text)
            case _:
                return records.of_json(text, at)

    def _opened(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise ImportFailedError(f"{self.name} cannot be read: {error.strerror}.", usage=True) from None

    def _text(self, raw: BinaryIO) -> io.TextIOWrapper:
        plain = cast("io.BufferedReader", self._plain(raw))
        start = plain.read(4)
        plain.seek(0)
        encoding = next((name for mark, name in _MARKS if start.startswith(mark)), self.encoding)
        return io.TextIOWrapper(plain, encoding=encoding, newline="")

    def _plain(self, raw: BinaryIO) -> BinaryIO:
        """The file, decompressed."""
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if _is_compressed(self.path) else raw

    def _undecodable(self, error: UnicodeDecodeError) -> str:
        """The sentence on it, with its line where lines can be told apart before they are decoded."""
        place = ""
        with contextlib.suppress(OSError, EOFError, UnicodeError, LookupError), self._opened() as raw:
            for number, line in enumerate(self._plain(raw), 1):
                try:
                    line.decode(error.encoding)
                except UnicodeDecodeError:
                    place = f", line {number}"
                    break
        advice = "Save it as UTF-8, or name its encoding, as in --encoding cp1252."
        return f"{self.name}{place} is not written in {error.encoding}. {advice}"


def find(
    paths: Iterable[Path], stems: Collection[str], encoding: str, besides: Path | None = None
) -> dict[str, DataFile]:
    """The files of a system, by what it calls them.

    Args:
        paths: Files, and folders of files.
        besides: A file of folders that is no data.

    Raises:
        ImportFailedError: There are none, two of one name, or one that belongs to nothing.
    """
    known = {records.normal(stem): stem for stem in stems}
    found: dict[str, DataFile] = {}
    for path in _listed(paths, besides):
        name, form = _parts(path)
        if not form:
            raise ImportFailedError(f"{path} ends with none of {', '.join(FORMATS)}, with .gz or without.", usage=True)
        stem = known.get(records.normal(name))
        if stem is None:
            raise ImportFailedError(f"{path} is none of the files that there may be: {', '.join(stems)}.", usage=True)
        if stem in found:
            raise ImportFailedError(f"{path} and {found[stem].path} are both {stem}. Name one of them.", usage=True)
        found[stem] = DataFile(path, form, encoding)
    if not found:
        raise ImportFailedError(f"There is no file to import. There may be {', '.join(stems)}.", usage=True)
    return found


def _listed(paths: Iterable[Path], besides: Path | None) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            there = (each for each in path.iterdir() if each.is_file() and _parts(each)[1])
            yield from sorted(each for each in there if besides is None or each.resolve() != besides.resolve())
        else:
            yield path


def _parts(path: Path) -> tuple[str, str]:
    """What a file is called, without endings, and its form; no form if there is none of its ending."""
    name = path.name[:-3] if _is_compressed(path) else path.name
    stem, _, ending = name.rpartition(".")
    return stem, FORMATS.get(f".{ending.lower()}", "")


def _is_compressed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")

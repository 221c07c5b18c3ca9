"""The bytes: one file for each version of an object, named by the version. Files never change once an object has them.

Takes the directory; gives paths, and room for new bytes. A file without a row is what a crash left; `sweep` removes it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import uuid
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_VERSION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AT_ONCE = 1000
OBJECTS = "objects"


def new_version() -> str:
    """A name for bytes that are to come."""
    return str(uuid.uuid4())


def is_version(text: object) -> bool:
    """Whether this names bytes; a row that was not made here may have anything."""
    return isinstance(text, str) and _VERSION.fullmatch(text) is not None


def path_below(directory: Path, version: str) -> Path:
    """Where a version's bytes are, or are to be, in Storage's directory. Raises ValueError for what names none."""
    if not is_version(version):
        raise ValueError(version)
    return directory / OBJECTS / version[:2] / version


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write to a file without a buffer."""
    written = file.write(data)
    if written < len(data):
        view = memoryview(data)[written:]
        while view:
            view = view[file.write(view) :]


class Files:
    """The bytes below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._objects = directory / OBJECTS
        self._objects.mkdir(parents=True, exist_ok=True)
        # Whatever made it, and with whatever rights: nobody else of this machine gets below it.
        directory.chmod(0o700)
        for number in range(256):
            (self._objects / f"{number:02x}").mkdir(exist_ok=True)

    def path(self, version: str) -> Path:
        """Where a version's bytes are, or are to be. Raises ValueError for what names none."""
        return path_below(self._directory, version)

    @contextlib.contextmanager
    def writing(self, version: str) -> Iterator[Writer]:
        """Room for a version's bytes, which go again unless all goes well."""
        path = self.path(version)
        try:
            with path.open("xb", buffering=0) as file:
                yield Writer(file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def same(self, version: str) -> str:
        """Another version with the same bytes. Raises FileNotFoundError."""
        other = new_version()
        os.link(self.path(version), self.path(other))
        return other

    def take(self, path: Path, version: str) -> None:
        """Bytes that lie elsewhere on this disk become a version's."""
        path.replace(self.path(version))

    def remove(self, versions: Iterable[object]) -> None:
        """Remove what no row names any more."""
        for version in versions:
            if isinstance(version, str) and is_version(version):
                self.path(version).unlink(missing_ok=True)

    def sweep(self, named: Callable[[list[str]], set[str]]) -> int:
        """Remove all bytes but those that are `named` of some that are asked about; how many went."""
        removed = 0
        found = (entry.name for folder in os.scandir(self._objects) for entry in os.scandir(folder))
        versions = (name for name in found if is_version(name))
        while batch := list(itertools.islice(versions, _AT_ONCE)):
            left = set(batch) - named(batch)
            removed += len(left)
            self.remove(left)
        return removed


class Writer:
    """Writes to a file and knows how much."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append."""
        self.size += len(data)
        write_all(self._file, data)

    def measure(self) -> None:
        """Learn how much another process has written."""
        self.size = os.fstat(self._file.fileno()).st_size


def etag_of(version: str) -> str:
    """The entity tag, in quotes. Bytes that are the same but came twice have two: the platform's disks promise no more
    of what comes in parts, and a digest would take longer than to write them."""
    return f'"{version.replace("-", "")}"'

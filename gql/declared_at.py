"""Where in the sources something is declared, for errors that are only found once everything is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOTE = "Declared in "
"""What the note of an error begins with that names the place."""


def caller(above: int = 1) -> str:
    """Where the caller of the function that asks stands, as in `gql/types/trips.py, line 12`.

    Args:
        above: How many callers further up.
    """
    frame = sys._getframe(above + 1)
    return place(frame.f_code.co_filename, frame.f_lineno)


def place(file: str, line: int) -> str:
    """A line of a file, which is named from the working directory where it is below that."""
    path = Path(file)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}, line {line}"


@contextmanager
def named(where: str) -> Iterator[None]:
    """Let errors of a declaration tell its place."""
    try:
        yield
    except (ValueError, LookupError, TypeError) as error:
        if where:
            error.add_note(f"{NOTE}{where}")
        raise

"""The SQL comments of tables and columns, which describe types and fields, and of checks, which are told to whoever
breaks them; `make schema` writes the file."""

import functools
import json
from pathlib import Path

DESCRIPTIONS_FILE = Path(__file__).with_suffix(".json")


def describe(table: str, part: str = "") -> str | None:
    """The comment of a table, or of one of its columns or checks; `None` where there is none."""
    return _comments().get(table, {}).get(part)


@functools.cache
def _comments() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(DESCRIPTIONS_FILE.read_text(encoding="utf-8"))
    return found

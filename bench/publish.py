"""Puts a kept run where people read it: into two documents, between two marks, with its plots beside it."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from bench import plots, results
from bench.site import ROOT

BEGIN = "<!-- results: written by `python -m bench --publish`, not by hand -->"
END = "<!-- end of results -->"
PUBLISHED = ROOT / "bench" / "results" / "published.json"
DOCUMENTS = (ROOT / "docs" / "performance.md", ROOT / "bench" / "README.md")


class PublishError(Exception):
    """A run cannot be published; the message says why."""


def publish(file: Path) -> list[Path]:
    """Make a run the published one; the files that were written.

    Raises:
        PublishError: The file holds no run, or a document has no place for it.
    """
    try:
        run = results.read(file)
        text = section(run)
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise PublishError(f"{file} does not hold a run of this benchmark: {error!r}") from None
    # Checked before anything is written.
    for document in DOCUMENTS:
        _replaced(document, text)
    if file.resolve() != PUBLISHED:
        shutil.copyfile(file, PUBLISHED)
    for old in PUBLISHED.parent.glob(f"{PUBLISHED.stem}-*.svg"):
        old.unlink()
    drawn = plots.draw(run, PUBLISHED.parent, PUBLISHED.stem)
    for document in DOCUMENTS:
        pictures = "\n".join(
            f"![{plot.stem.removeprefix(PUBLISHED.stem + '-')}]({os.path.relpath(plot, document.parent)})"
            for plot in drawn
        )
        document.write_text(_replaced(document, f"{text}\n\n{pictures}".strip()), encoding="utf-8")
    return [PUBLISHED, *drawn, *DOCUMENTS]


def section(run: dict[str, Any]) -> str:
    """What stands between the marks, above the plots."""
    verdicts = "\n".join(f"- {_emphasised(line)}" for line in results.verdicts(run))
    return f"{results.circumstances(run)}\n\n{verdicts}\n\n```\n{results.tables(run)}\n```"


def _emphasised(line: str) -> str:
    word, colon, rest = line.partition(":")
    return f"**{word}**{colon}{rest}"


def _replaced(document: Path, text: str) -> str:
    """The document with the text between its marks."""
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise PublishError(f"{document} has no lines `{BEGIN}` and `{END}`.")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"

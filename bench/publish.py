"""Puts a kept run where people read it: into two documents, between two marks, with its plots beside it."""

import json
import os
import re
import shutil
import sys
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench import report
from bench.contenders import COMPARED, RAW
from bench.workloads import COMPARISONS, PROFILE_BY_ID, TEN_TRIPS, THOUSAND_TRIPS

BEGIN = "<!-- results: written by `python -m bench --publish`, not by hand -->"
END = "<!-- end of results -->"
ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "bench" / "results" / "published.json"
DOCUMENTS = (ROOT / "docs" / "performance.md", ROOT / "bench" / "README.md")
# One colour a contender, told apart without red and green; then one a process.
_COLOURS = ("#777777", "#b3a369", "#0b5fa5", "#4fa3d9", "#e0a07a", "#a8502a", "#6b4fa0", "#b79fd9")
_PROCESSES = {"gateway": "#0b5fa5", "postgrest": "#b3a369", "postgres": "#777777"}


class PublishError(Exception):
    """A run cannot be published; the message says why."""


def publish(file: Path) -> list[Path]:
    """Make a run the published one; the files that were written.

    Raises:
        PublishError: The file holds no run, or a document has no place for it.
    """
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
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
    drawn = draw(run, PUBLISHED.parent, PUBLISHED.stem)
    for document in DOCUMENTS:
        pictures = "\n".join(
            f"![{plot.stem.removeprefix(PUBLISHED.stem + '-')}]({os.path.relpath(plot, document.parent)})"
            for plot in drawn
        )
        document.write_text(_replaced(document, f"{text}\n\n{pictures}".strip()), encoding="utf-8")
    return [PUBLISHED, *drawn, *DOCUMENTS]


def section(run: dict[str, Any]) -> str:
    """What stands between the marks, above the plots."""
    moment, machine, versions = datetime.fromisoformat(run["date"]), run["machine"], run["versions"]
    circumstances = (
        f"{moment.day} {moment:%B %Y}, {machine['cores']} cores ({machine['architecture']}), "
        f"Python {versions['python']}, PostgREST {versions['postgrest']}, Postgres {versions['postgres']}, "
        f"Node {versions['node']}, PostGraphile {versions['postgraphile']}; {run['parameters']['data']}."
    )
    verdicts = "\n".join(re.sub(r"^(\w+)", r"- **\1**", line) for line in report.verdicts(run))
    return f"{circumstances}\n\n{verdicts}\n\n```\n{report.tables(run)}\n```"


def _replaced(document: Path, text: str) -> str:
    """The document with the text between its marks."""
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise PublishError(f"{document} has no lines `{BEGIN}` and `{END}`.")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def draw(run: dict[str, Any], folder: Path, stem: str) -> list[Path]:
    """Write the plots of a run as SVG; none of what it did not measure.

    Requests per second as a share of raw PostgREST's, since workloads differ by hundreds of times; and CPU
    milliseconds per request, stacked: what each process takes, and what all take together.
    """
    found: dict[tuple[str, str], dict[int, Any]] = {}
    for each in run["rounds"]:
        found.setdefault((each["workload"], each["contender"]), {})[each["round"]] = each
    compared = [each.name for each in COMPARISONS if any(name == each.name for name, _ in found)]
    files = []
    if compared:
        chart = _chart("Bar", run, "Requests per second, raw PostgREST = 1", _COLOURS, 480)
        chart.x_labels = compared
        for contender in COMPARED:
            shares = []
            for workload in compared:
                floor, mine = found.get((workload, RAW.name), {}), found.get((workload, contender.name), {})
                each = [mine[n]["requests_per_second"] / floor[n]["requests_per_second"] for n in mine if n in floor]
                shares.append(round(median(each), 3) if each else None)
            if any(shares):
                chart.add(contender.title, shares)
        files.append(_write(chart, folder / f"{stem}-throughput.svg"))
    for workload in (PROFILE_BY_ID, TEN_TRIPS, THOUSAND_TRIPS):
        mine = {c.title: found[workload.name, c.name] for c in reversed(COMPARED) if (workload.name, c.name) in found}
        if mine:
            title = f"CPU milliseconds per request: {workload.title}"
            chart = _chart("HorizontalStackedBar", run, title, tuple(_PROCESSES.values()), 360)
            chart.x_labels = list(mine)
            for process in _PROCESSES:
                cpu = [median(each["cpu_ms"].get(process, 0.0) for each in rounds.values()) for rounds in mine.values()]
                chart.add(process, [round(each, 3) for each in cpu])
            files.append(_write(chart, folder / f"{stem}-cpu-{workload.name.replace('_', '-')}.svg"))
    return files


def _chart(kind: str, run: dict[str, Any], title: str, colours: tuple[str, ...], height: int) -> Any:
    import pygal  # type: ignore[import-untyped]

    # It looks for its maps by an old kind of finder, which Python warns of at every import that follows.
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]
    sizes = {"title_font_size": 17, "label_font_size": 12, "major_label_font_size": 12, "legend_font_size": 12}
    white = {"background": "white", "plot_background": "white"}
    return getattr(pygal, kind)(
        style=pygal.style.Style(**white, **sizes, opacity="1", colors=colours, font_family="sans-serif"),
        title=f"{title}\n{run['machine']['cores']} cores; medians of {run['parameters']['rounds']} rounds",
        width=1100,
        height=height,
        explicit_size=True,
        legend_at_bottom=True,
        legend_at_bottom_columns=len(colours),
        truncate_legend=-1,
        truncate_label=-1,
        # The same run gives the same file.
        no_prefix=True,
        js=(),
    )


def _write(chart: Any, file: Path) -> Path:
    """The picture, which runs no scripts and says nothing of who drew it."""
    chart.uuid = "chart"
    text = re.sub(r"<!--.*?-->|<script.*?</script>", "", chart.render(is_unicode=True), flags=re.DOTALL)
    file.write_text(text + "\n", encoding="utf-8")
    return file

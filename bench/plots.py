"""Plots of a run as SVG: throughput beside raw PostgREST's, and who spends the CPU time of a request."""

import re
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pygal  # type: ignore[import-untyped]
from pygal.style import Style  # type: ignore[import-untyped]

from bench.contenders import CONTENDERS, RAW
from bench.workloads import PROFILE_BY_ID, TEN_TRIPS, THOUSAND_TRIPS

# pygal looks for its maps by an old kind of finder, which Python warns of at every import that follows.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

# One colour a contender, told apart without red and green; then one a process.
_CONTENDERS = ("#777777", "#b3a369", "#0b5fa5", "#e0a07a", "#a8502a", "#6b4fa0")
_PROCESSES = (
    ("gateway", "gateway", "#0b5fa5"),
    ("postgrest", "PostgREST", "#b3a369"),
    ("postgres", "Postgres", "#777777"),
)
_CPU_OF = (PROFILE_BY_ID, TEN_TRIPS, THOUSAND_TRIPS)
_SCRIPT = re.compile(r"<script.*?</script>", re.DOTALL)

Rounds = dict[int, dict[str, Any]]


def draw(run: dict[str, Any], folder: Path, stem: str) -> list[Path]:
    """Write the plots of a run; none of what it did not measure."""
    workloads = list(dict.fromkeys(each["workload"] for each in run["rounds"]))
    drawn = {"throughput": _throughput(run, workloads)} if workloads else {}
    for workload in _CPU_OF:
        if workload.name in workloads:
            drawn[f"cpu-{workload.name.replace('_', '-')}"] = _cpu(run, workload.name, workload.title)
    files = []
    for name, picture in drawn.items():
        files.append(folder / f"{stem}-{name}.svg")
        files[-1].write_text(picture, encoding="utf-8")
    return files


def _throughput(run: dict[str, Any], workloads: list[str]) -> str:
    """Requests per second as a share of raw PostgREST's, since workloads differ by hundreds of times."""
    chart = _chart(pygal.Bar, run, "Requests per second, raw PostgREST = 1", _CONTENDERS, 480)
    chart.x_labels = workloads
    for contender in CONTENDERS:
        shares = []
        for workload in workloads:
            floor, found = _rounds(run, workload, RAW.name), _rounds(run, workload, contender.name)
            each = [found[n]["requests_per_second"] / floor[n]["requests_per_second"] for n in found if n in floor]
            shares.append(round(median(each), 3) if each else None)
        chart.add(contender.title, shares)
    return _rendered(chart)


def _cpu(run: dict[str, Any], workload: str, title: str) -> str:
    """CPU milliseconds per request, stacked: what each process takes, and what all take together."""
    colours = tuple(colour for *_, colour in _PROCESSES)
    chart = _chart(pygal.HorizontalStackedBar, run, f"CPU milliseconds per request: {title}", colours, 360)
    shown = [each for each in reversed(CONTENDERS) if _rounds(run, workload, each.name)]
    chart.x_labels = [contender.title for contender in shown]
    for process, name, _ in _PROCESSES:
        chart.add(
            name,
            [
                round(median(each["cpu_ms"].get(process, 0.0) for each in _rounds(run, workload, one.name).values()), 3)
                for one in shown
            ],
        )
    return _rendered(chart)


def _chart(kind: type[Any], run: dict[str, Any], title: str, colours: tuple[str, ...], height: int) -> Any:
    parameters = run["parameters"]
    style = Style(
        background="white",
        plot_background="white",
        foreground="#333333",
        foreground_strong="#000000",
        foreground_subtle="#cccccc",
        opacity="1",
        colors=colours,
        font_family="sans-serif",
        title_font_size=17,
        label_font_size=12,
        major_label_font_size=12,
        legend_font_size=12,
    )
    return kind(
        style=style,
        title=f"{title}\n{run['machine']['cores']} cores; medians of {parameters['rounds']} rounds",
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


def _rendered(chart: Any) -> str:
    """The picture, which runs no scripts and says nothing of who drew it."""
    chart.uuid = "chart"
    text = re.sub(r"<!--.*?-->", "", chart.render(is_unicode=True), flags=re.DOTALL)
    return _SCRIPT.sub("", text) + "\n"


def _rounds(run: dict[str, Any], workload: str, contender: str) -> Rounds:
    return {
        each["round"]: each for each in run["rounds"] if each["workload"] == workload and each["contender"] == contender
    }

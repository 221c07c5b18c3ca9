"""The command line: `python -m bench`.

Exit codes: 0 measured or published, 1 a contender answered wrong or did not start, 2 wrong usage, 130 interrupted.
Targets that are missed are shown and change no exit code: how fast a machine is, is no mistake.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from bench import parts, plots, report, results
from bench.capture import capture
from bench.contenders import CONTENDERS
from bench.data import FIRST_YEAR, Volume
from bench.http1 import WrongAnswerError
from bench.measure import Plan, measure
from bench.node import NodeError
from bench.outcome import Outcome
from bench.parts import PARTS
from bench.publish import PublishError, publish
from bench.servers import Servers
from bench.site import Site, StartError, fill, options, prepare
from bench.workloads import WORKLOADS
from tripgate.local.errors import LocalStackError
from tripgate.local.stack import Stack

_NAMES = [each.name for each in CONTENDERS]


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--seconds", default=1.0, show_default=True, help="How long each contender is measured in each round.")
@click.option("--rounds", default=4, show_default=True, type=click.IntRange(1), help="How often all take their turn.")
@click.option(
    "--connections", default=8, show_default=True, type=click.IntRange(1), help="How many clients ask at once."
)
@click.option("--people", default=Volume.people, show_default=True, type=click.IntRange(10), help="How much data.")
@click.option("--first-year", is_flag=True, help=f"The seed's first year: {FIRST_YEAR.describe()}.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="A contender, a workload, contender/workload, or another part; may be given again. "
    f"Contenders: {', '.join(_NAMES)}. Workloads: {', '.join(each.name for each in WORKLOADS)}. "
    f"Parts: {', '.join(PARTS)}.",
)
@click.option("--without", multiple=True, type=click.Choice(_NAMES), metavar="NAME", help="A contender to leave out.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("bench/results"),
    show_default=True,
    help="The folder for the JSON of all rounds and the plots.",
)
@click.option(
    "--publish",
    "published",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measure nothing: write the JSON of a run into docs/performance.md and bench/README.md, with its plots.",
)
def main(
    seconds: float,
    rounds: int,
    connections: int,
    people: int,
    first_year: bool,
    only: tuple[str, ...],
    without: tuple[str, ...],
    output: Path,
    published: Path | None,
) -> None:
    """Measure Tripgate beside raw PostgREST, a bare hop, a hand-written gateway and PostGraphile.

    Starts everything it needs in a temporary directory, and stops and removes it at the end.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if published is not None:
        _publish(published)
        return
    requests = [name for name in only if name not in PARTS]
    chosen = _chosen(requests) if requests or not only else frozenset()
    chosen = frozenset(pair for pair in chosen if pair[0] not in without)
    plan = Plan(
        contenders=[
            each
            for each in CONTENDERS
            if each.name not in without and (not chosen or any(name == each.name for name, _ in chosen))
        ],
        workloads=[each.name for each in WORKLOADS if any(name == each.name for _, name in chosen)],
        only=chosen,
        rounds=rounds,
        seconds=seconds,
        connections=connections,
    )
    others = [name for name in PARTS if not only or name in only]
    volume = FIRST_YEAR if first_year else Volume(people=people)
    try:
        mistakes = _run(plan, others, volume, output)
    except (LocalStackError, NodeError, StartError, WrongAnswerError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    for mistake in mistakes:
        click.echo(mistake, err=True)
    sys.exit(1 if mistakes else 0)


def _publish(file: Path) -> None:
    try:
        for written in publish(file):
            click.echo(f"Wrote {written}")
    except PublishError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _run(plan: Plan, others: Sequence[str], volume: Volume, output: Path) -> list[str]:
    """Measure, show and keep it; what was delivered wrong."""
    began = time.monotonic()

    def progress(sentence: str) -> None:
        click.echo(f"[{time.monotonic() - began:5.1f} s] {sentence}", err=True)

    with tempfile.TemporaryDirectory(prefix="tripgate-bench-") as folder:
        # Postgres never runs as root: its user must be able to enter, or the data would lie elsewhere and stay.
        Path(folder).chmod(0o755)
        data_dir = Path(folder) / "data"
        with Stack(options(data_dir), progress) as stack:
            site = prepare(stack, data_dir)
            run, mistakes = _measured(site, plan, others, volume, Path(folder), progress)
    file = results.write(output, run)
    drawn = plots.draw(run, output, file.stem)
    click.echo("\n".join([results.tables(run), "", *results.verdicts(run), ""]))
    click.echo(f"All rounds: {file}")
    for plot in drawn:
        click.echo(f"Plot: {plot}")
    return mistakes


def _measured(
    site: Site, plan: Plan, others: Sequence[str], volume: Volume, folder: Path, progress: Callable[[str], None]
) -> tuple[dict[str, Any], list[str]]:
    """All that is measured of a run, as plain values, and what was delivered wrong."""
    outcomes: list[Outcome] = []
    if plan.workloads or set(others) != {parts.REALTIME}:
        progress(f"Loading {volume.describe()}")
        fill(site, volume, progress)
    servers = Servers(site, progress)
    measured = []
    if plan.workloads:
        progress("Hearing what Tripgate asks of PostgREST")
        workloads = [each for each in WORKLOADS if each.name in plan.workloads]
        cases = capture(site, workloads)
        progress("Starting the contenders and checking their answers")
        measured = measure(site, servers, plan, cases, progress)
        outcomes.append(report.outcome(measured, plan, workloads))
    more, mistakes = parts.measure(site, servers, plan, others, folder, progress)
    return results.collect(measured, [*outcomes, *more], plan, volume, site.versions()), mistakes


def _chosen(only: Sequence[str]) -> frozenset[tuple[str, str]]:
    """The pairs of contender and workload that some entry of `only` names; all without any."""
    pairs = [(contender.name, workload.name) for contender in CONTENDERS for workload in WORKLOADS]
    if not only:
        return frozenset(pairs)
    contenders, workloads = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    for name in only:
        if name not in contenders | workloads and tuple(name.split("/")) not in pairs:
            raise click.BadParameter(
                f"{name} is no contender, workload, contender/workload or part.", param_hint="--only"
            )
    # `--only tripgate --only point` means both: that contender, with that workload.
    named_contenders = contenders.intersection(only) or contenders
    named_workloads = workloads.intersection(only) or workloads
    slashed = {pair for pair in pairs if "/".join(pair) in only}
    if slashed and not (contenders | workloads).intersection(only):
        return frozenset(slashed)
    return frozenset(slashed | {(c, w) for c in named_contenders for w in named_workloads})


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

"""The command line: `python -m bench`.

Exit codes: 0 measured, 1 a contender answered wrong or did not start, 2 wrong usage, 130 interrupted.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from bench import report
from bench.capture import capture
from bench.contenders import CONTENDERS
from bench.data import FIRST_YEAR, Volume
from bench.http1 import WrongAnswerError
from bench.measure import Measured, Plan, measure
from bench.realtime import run as realtime
from bench.realtime.table import table
from bench.site import Site, StartError, fill, options, prepare
from bench.workloads import WORKLOADS
from tripgate.local.errors import LocalStackError
from tripgate.local.stack import Stack

REALTIME = "realtime"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--seconds", default=1.0, show_default=True, help="How long each contender is measured in each round.")
@click.option("--rounds", default=4, show_default=True, type=click.IntRange(1), help="How often all take their turn.")
@click.option(
    "--connections", default=8, show_default=True, type=click.IntRange(1), help="How many clients ask at once."
)
@click.option("--people", default=Volume.people, show_default=True, type=click.IntRange(1), help="How much data.")
@click.option("--first-year", is_flag=True, help=f"The seed's first year: {FIRST_YEAR.describe()}.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="A contender, a workload, or contender/workload; may be given again. "
    f"Contenders: {', '.join(each.name for each in CONTENDERS)}. "
    f"Workloads: {', '.join(each.name for each in WORKLOADS)}, {REALTIME}.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("bench/results"),
    show_default=True,
    help="The folder for the JSON of all rounds.",
)
def main(
    seconds: float, rounds: int, connections: int, people: int, first_year: bool, only: tuple[str, ...], output: Path
) -> None:
    """Measure Tripgate beside raw PostgREST, a bare hop and a hand-written gateway.

    Starts everything it needs in a temporary directory, and stops and removes it at the end.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    requests = [name for name in only if name != REALTIME]
    chosen = _chosen(requests) if requests or not only else frozenset()
    plan = Plan(
        contenders=[each for each in CONTENDERS if any(name == each.name for name, _ in chosen)],
        workloads=[each.name for each in WORKLOADS if any(name == each.name for _, name in chosen)],
        only=chosen,
        rounds=rounds,
        seconds=seconds,
        connections=connections,
    )
    volume = FIRST_YEAR if first_year else Volume(people=people)
    try:
        mistakes = _run(plan, volume, output, live=not only or REALTIME in only)
    except (LocalStackError, StartError, WrongAnswerError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    for mistake in mistakes:
        click.echo(mistake, err=True)
    sys.exit(1 if mistakes else 0)


def _run(plan: Plan, volume: Volume, output: Path, *, live: bool) -> list[str]:
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
            measured = _requests(site, plan, volume, progress) if plan.workloads else []
            followed = realtime.measure(site, progress) if live else None
            versions = site.versions()
    file = report.write(output, measured, plan, volume, versions, followed)
    if measured:
        click.echo(report.tables(measured, plan, [each for each in WORKLOADS if each.name in plan.workloads]))
    if followed is not None:
        click.echo(("\n" if measured else "") + table(followed))
    click.echo(f"All rounds: {file}")
    return followed.mistakes if followed is not None else []


def _requests(site: Site, plan: Plan, volume: Volume, progress: Callable[[str], None]) -> list[Measured]:
    progress(f"Loading {volume.describe()}")
    fill(site, volume, progress)
    progress("Hearing what Tripgate asks of PostgREST")
    cases = capture(site, [each for each in WORKLOADS if each.name in plan.workloads])
    progress("Starting the contenders and checking their answers")
    return measure(site, plan, cases, progress)


def _chosen(only: Sequence[str]) -> frozenset[tuple[str, str]]:
    """The pairs of contender and workload that some entry of `only` names; all without any."""
    pairs = [(contender.name, workload.name) for contender in CONTENDERS for workload in WORKLOADS]
    if not only:
        return frozenset(pairs)
    contenders, workloads = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    for name in only:
        if name not in contenders | workloads and tuple(name.split("/")) not in pairs:
            raise click.BadParameter(f"{name} is no contender, workload or contender/workload.", param_hint="--only")
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

"""The command line: `python -m bench`.

Exit codes: 0 measured or published, 1 a contender answered wrong or did not start, or took more instructions than may
be, 2 wrong usage, 130 interrupted. Targets that are missed are shown and change no exit code: how fast a machine is,
is no mistake.
"""

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from bench import agents, instructions, live, pictures, report, start, usage, whatsapp
from bench.contenders import COMPARED
from bench.data import FIRST_YEAR, describe
from bench.load import WrongAnswerError
from bench.measure import Plan, chosen, measure
from bench.node import NodeError
from bench.report import Outcome, PublishError
from bench.site import Site, StartError, options
from bench.workloads import COMPARISONS, DOCUMENTED_QUERIES, REQUESTS
from tripgate.local.errors import LocalStackError
from tripgate.local.stack import Stack

PARTS = ("start", "usage", "agents", "whatsapp", "storage", "live")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TREE = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--seconds", default=1.0, show_default=True, help="How long each contender is measured in each round.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="How often all take their turn.")
@click.option(
    "--people",
    default=1000,
    show_default=True,
    type=click.IntRange(100),
    help=f"How much data. The seed's first year has {describe(FIRST_YEAR)}.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="A contender, a workload, a group of workloads or another part; may be given again. "
    f"Contenders: {', '.join(each.name for each in COMPARED)}. "
    f"Workloads: {', '.join(each.name for each in COMPARISONS)}. "
    f"Groups: {REQUESTS}, {DOCUMENTED_QUERIES}. Parts: {', '.join(PARTS)}.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice([each.name for each in COMPARED]),
    metavar="NAME",
    help="A contender to leave out.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bench/results.json"),
    show_default=True,
    help="The file for all that was measured.",
)
@click.option("--publish", "published", type=_FILE, help="Measure nothing: write such a file into docs/performance.md.")
@click.option(
    "--instructions", "counted", is_flag=True, help="Measure no time: count the gateway's instructions per request."
)
@click.option("--against", type=_TREE, help="With --instructions: a checkout of another commit, to compare with.")
def main(
    seconds: float,
    rounds: int,
    people: int,
    only: tuple[str, ...],
    without: tuple[str, ...],
    output: Path,
    published: Path | None,
    counted: bool,
    against: Path | None,
) -> None:
    """Measure Tripgate beside raw PostgREST, a bare hop, a hand-written gateway, PostGraphile and pg_graphql.

    Starts everything it needs in a temporary directory, and stops and removes it at the end.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    began = time.monotonic()

    def progress(sentence: str) -> None:
        click.echo(f"[{time.monotonic() - began:5.1f} s] {sentence}", err=True)

    named = [name for name in only if name not in PARTS]
    try:
        plan = Plan(chosen(named, without) if named or not only else [], rounds, seconds)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--only") from None
    try:
        if published is not None:
            for written in report.publish(published):
                click.echo(f"Wrote {written}")
        elif counted or against is not None:
            text, fine = instructions.compare(against, only, progress)
            click.echo(text)
            sys.exit(0 if fine else 1)
        else:
            parts = [name for name in PARTS if not only or name in only]
            mistakes = _run(plan, parts, people, output, progress)
            click.echo("".join(f"{mistake}\n" for mistake in mistakes), err=True, nl=False)
            sys.exit(1 if mistakes else 0)
    except (
        *(LocalStackError, NodeError, StartError, WrongAnswerError, PublishError),
        subprocess.CalledProcessError,
    ) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(130)


def _run(plan: Plan, parts: Sequence[str], people: int, output: Path, progress: Callable[[str], None]) -> Sequence[str]:
    """Measure, show and keep it; what was delivered wrong."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="tripgate-bench-") as folder:
        # Postgres never runs as root: its user must be able to enter, or the data would lie elsewhere and stay.
        Path(folder).chmod(0o755)
        data_dir = Path(folder) / "data"
        with Stack(options(data_dir), progress) as stack:
            site = Site(stack, data_dir, progress)
            for contender in site.lacking:
                progress(f"{contender.title} is left out: this Postgres does not have it")
            plan = replace(plan, cells=[(each, one) for each, one in plan.cells if one not in site.lacking])
            progress(f"Loading {describe(people)}")
            site.fill(people)
            measured = measure(site, plan) if plan.cells else []
            for group, shown in ((REQUESTS, report.compared), (DOCUMENTED_QUERIES, report.documented)):
                if any(workload.group == group for workload, _ in plan.cells):
                    outcomes.append(shown(measured, plan))
            if "start" in parts:
                outcomes.append(start.measure(site))
            if "usage" in parts:
                outcomes.append(usage.measure(site))
            if "agents" in parts:
                outcomes.append(agents.measure(site))
            if "whatsapp" in parts:
                outcomes.append(whatsapp.measure(site))
            if "storage" in parts:
                outcomes.append(pictures.measure(site))
            if "live" in parts:
                try:
                    outcomes.append(asyncio.run(live.measure(site, people)))
                except WrongAnswerError as error:  # what was measured before is kept
                    outcomes.append(Outcome(f"live: {error}", [], [str(error)]))
            run = report.run(measured, outcomes, plan, describe(people), site.versions())
    report.write(output, run)
    click.echo("\n".join([report.tables(run), "", *map(str, report.verdicts(run)), "", f"All rounds: {output}"]))
    return [mistake for outcome in outcomes for mistake in outcome.mistakes]


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

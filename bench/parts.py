"""The parts of a run that compare nobody: memory, workers, documented queries, growth and live changes."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import documented, growth, memory, workers
from bench.capture import capture
from bench.measure import Plan
from bench.outcome import Outcome
from bench.realtime import run as realtime
from bench.realtime.table import outcome as realtime_outcome
from bench.servers import Servers
from bench.site import Site
from bench.workloads import THOUSAND_TRIPS

MEMORY = "memory"
WORKERS = "workers"
DOCUMENTED = "documented"
GROWTH = "growth"
TABLES = "tables"
REALTIME = "realtime"
PARTS = (MEMORY, WORKERS, DOCUMENTED, GROWTH, TABLES, REALTIME)


def measure(
    site: Site, servers: Servers, plan: Plan, chosen: Sequence[str], folder: Path, progress: Callable[[str], None]
) -> tuple[list[Outcome], list[str]]:
    """The outcomes of the chosen parts, and what was delivered wrong to subscribers.

    Args:
        folder: For files that a part needs meanwhile.

    Raises:
        WrongAnswerError, StartError, NodeError: As elsewhere.
    """
    outcomes = []
    if MEMORY in chosen:
        if memory.is_possible():
            small = memory.small_workload()
            cases = capture(site, [small, THOUSAND_TRIPS])
            (before,), (large,) = cases[small.name], cases[THOUSAND_TRIPS.name]
            outcomes.append(memory.measure(site, plan.contenders, before, large, progress))
        else:
            progress("memory: left out, since this system does not tell the peak of a process")
    if WORKERS in chosen:
        (case,) = capture(site, [workers.PAGE])[workers.PAGE.name]
        outcomes.append(
            workers.measure(site, case, folder, rounds=plan.rounds, seconds=plan.seconds, progress=progress)
        )
    # These have many stretches of their own, so half as many rounds.
    rounds = math.ceil(plan.rounds / 2)
    if DOCUMENTED in chosen:
        outcomes.append(documented.measure(site, servers, rounds=rounds, seconds=plan.seconds, progress=progress))
    if GROWTH in chosen:
        cases = capture(site, growth.row_workloads())
        outcomes.append(growth.rows(site, servers, cases, rounds=rounds, seconds=plan.seconds, progress=progress))
    if TABLES in chosen:
        outcomes.append(growth.tables(site, rounds=plan.rounds, seconds=plan.seconds, progress=progress))
    mistakes: list[str] = []
    if REALTIME in chosen:
        followed = realtime.measure(site, progress)
        outcomes.append(realtime_outcome(followed))
        mistakes = followed.mistakes
    return outcomes, mistakes

"""What is shown of the comparison: one table of medians, a row for each contender with each workload."""

from collections.abc import Iterable, Sequence
from statistics import median

from bench.aligned import aligned
from bench.compare import Rounds, dearer, faster, targets
from bench.contenders import HOP, RAW, TRIPGATE, Contender
from bench.measure import Measured, Plan
from bench.outcome import Outcome
from bench.workloads import Workload

_PROCESSES = ("gateway", "postgrest", "postgres", "load")
_COLUMNS = (
    "", "requests/s", "to raw", "Tripgate to it", "p50 ms", "p99 ms",
    "gateway", "over hop", "PostgREST", "Postgres", "generator", "elsewhere",
)  # fmt: skip
_NOTES = """\
to raw, Tripgate to it: requests/s as a ratio within each round; the median of the rounds.
From gateway to generator: CPU milliseconds per request of each process; over hop: of the gateway, beyond the bare hop.
elsewhere: cores that other programs kept busy meanwhile."""


def outcome(measured: Sequence[Measured], plan: Plan, workloads: Iterable[Workload]) -> Outcome:
    """The table and the targets."""
    rounds = Rounds(measured)
    blocks = [
        (workload, [_row(rounds, workload.name, each) for each in plan.contenders if rounds.of(workload.name, each)])
        for workload in workloads
    ]
    head, *rest = aligned([_COLUMNS, *(row for _, rows in blocks for row in rows)])
    lines, shown = [head], iter(rest)
    for workload, rows in blocks:
        if rows:
            lines += [f"{workload.name}: {workload.title}", *(next(shown) for _ in rows)]
    how = (
        f"{plan.connections} connections where nothing else is said; "
        f"medians of {plan.rounds} rounds of {plan.seconds:g} s, contenders in turn."
    )
    return Outcome("requests", "\n".join([*lines, how, _NOTES]), targets(rounds))


def _row(rounds: Rounds, workload: str, contender: Contender) -> tuple[str, ...]:
    found = rounds.of(workload, contender)
    cpu = [
        f"{median(each.cpu_ms[process] for each in found):.2f}" if process in found[0].cpu_ms else "-"
        for process in _PROCESSES
    ]
    to_raw = rounds.spread(workload, faster, contender, RAW)
    ours = rounds.spread(workload, faster, TRIPGATE, contender)
    over = rounds.spread(workload, dearer, contender, HOP) if contender != RAW else None
    return (
        contender.title,
        f"{median(each.requests_per_second for each in found):,.1f}",
        f"{to_raw.median:.2f}" if to_raw is not None else "-",
        f"{ours.median:.2f}" if ours is not None and contender != TRIPGATE else "-",
        f"{median(each.p50_ms for each in found):.1f}",
        f"{median(each.p99_ms for each in found):.1f}",
        cpu[0],
        f"{over.median:+.2f}" if over is not None and contender != HOP else "-",
        *cpu[1:],
        f"{median(each.cores_elsewhere for each in found):.2f}",
    )

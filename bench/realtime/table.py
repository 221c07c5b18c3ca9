"""What is shown of live changes: a row a stretch, and the targets beside what was measured."""

from bench.aligned import aligned
from bench.outcome import Outcome, Target
from bench.realtime.run import Found, Stretch

_COLUMNS = (
    "", "deliveries", "deliveries/s", "p50 ms", "p99 ms", "max ms", "gateway", "Realtime", "PostgREST", "Postgres",
    "clients", "elsewhere",
)  # fmt: skip


def outcome(found: Found) -> Outcome:
    """The table, the targets and all figures."""
    return Outcome("realtime", _table(found), _targets(found), found.as_json())


def _table(found: Found) -> str:
    idle, size = found.idle, found.size
    lines = [
        f"realtime: {size.people:,} subscribers of {size.people:,} people on {size.trips} trips, one gateway process",
        *aligned([_COLUMNS, *(_row(each) for each in found.stretches)]),
        f"  lost {_sum(found, 'lost')}, duplicated {_sum(found, 'duplicated')}, "
        f"out of order {_sum(found, 'out_of_order')}, stale {_sum(found, 'stale')}, RESYNC {_sum(found, 'resyncs')}",
        f"  subscribing: {idle.subscribers:,} in {idle.seconds:.1f} s, gateway CPU "
        f"{idle.cpu_ms / idle.subscribers:.2f} ms each",
        f"  memory per idle subscriber: {idle.kb_each:.1f} KB (gateway {idle.before_kb / 1024:.0f} MB before, "
        f"{idle.after_kb / 1024:.0f} MB after)",
        f"  upstream: {idle.sockets} Realtime sockets, {idle.channels} channels, {idle.reads:,} reads to subscribe, "
        f"then {', '.join(f'{each.reads:,} ({each.name})' for each in found.stretches)}",
        "From gateway to clients: CPU microseconds per delivery of each process; Realtime with the front door before "
        "it.\nelsewhere: cores that this benchmark's writer and other programs kept busy meanwhile.",
    ]
    return "\n".join(lines)


def _row(each: Stretch) -> tuple[str, ...]:
    cpu, judged = each.cpu_us, each.judgement
    shown = (cpu["gateway"], cpu["realtime"] + cpu["door"], cpu["postgrest"], cpu["postgres"], cpu["clients"])
    return (
        each.name,
        f"{judged['deliveries']:,}",
        f"{each.deliveries_per_second:,.0f}",
        f"{judged['p50_ms']:,.1f}",
        f"{judged['p99_ms']:,.1f}",
        f"{judged['max_ms']:,.1f}",
        *(f"{value:,.0f}" for value in shown),
        f"{each.cores['elsewhere']:.2f}",
    )


def _targets(found: Found) -> list[Target]:
    """What was promised, each with what was measured."""
    stretches = {each.asked_rate: each for each in found.stretches if not each.name.startswith("nested")}
    slow, steady = stretches[20.0].judgement["p99_ms"], stretches[50.0].judgement["p99_ms"]
    most = max(stretches[None].deliveries_per_second, stretches[500.0].deliveries_per_second)
    memory = found.idle.kb_each
    crowd = f"{found.size.people:,} subscribers"
    return [
        Target(f"{crowd}: p99 at 20 changes/s", "under 500 ms", f"{slow:,.1f} ms", slow < 500),
        Target(f"{crowd}: p99 at 50 changes/s", "at most 250 ms", f"{steady:,.1f} ms", steady <= 250),
        Target(f"{crowd}: deliveries", "at least 10,000/s", f"{most:,.0f}/s", most >= 10_000),
        Target("memory per idle subscriber", "at most 25 KB", f"{memory:.1f} KB", memory <= 25),
    ]


def _sum(found: Found, kind: str) -> int:
    return sum(each.judgement[kind] for each in found.stretches)

"""How much more several workers of one gateway can do than one, where what they ask is nearly free.

PostgREST and Postgres would compete with two workers for two cores, so a server that costs next to nothing replays what
PostgREST answered once. The page is large, so that the gateway's work outweighs the generator's and that server's.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median

from bench.aligned import aligned
from bench.contenders import TRIPGATE, Case, request
from bench.cpu import Tree
from bench.data import TIRELESS
from bench.http1 import Exchange
from bench.meter import Meter
from bench.outcome import Outcome, Target
from bench.site import Site
from bench.workloads import Workload, trips_with_items

CONNECTIONS = 16
LEAST = 1.7
COUNTS = (1, 2)
PAGE = trips_with_items("workers", "100 trips with 10 items each, replayed", trips=100, caller=TIRELESS)


def workload() -> Workload:
    """What is asked."""
    return PAGE


def measure(
    site: Site, case: Case, folder: Path, *, rounds: int, seconds: float, progress: Callable[[str], None]
) -> Outcome:
    """Requests per second of one worker and of two, in turn.

    Args:
        folder: Where the recorded answer may lie meanwhile.

    Raises:
        StartError: The gateway did not start.
        WrongAnswerError: An answer differs from the one that was recorded.
    """
    recorded = folder / "recorded.json"
    recorded.write_bytes(case.heard.body)
    free = site.address(site.start("replay", "bench.replay", [str(recorded)], {}))
    urls = {}
    for count in COUNTS:
        env = {**dict(TRIPGATE.env), "TRIPGATE_REST_URL": free}
        arguments = (*TRIPGATE.arguments, "--workers", str(count))
        assert TRIPGATE.module is not None
        urls[count] = site.address(site.start(f"tripgate_workers_{count}", TRIPGATE.module, arguments, env))
    trees = {count: Tree.serving(url) for count, url in urls.items()}
    exchanges = {count: _exchange(case, url) for count, url in urls.items()}
    readings: dict[int, list[dict[str, float]]] = {count: [] for count in COUNTS}
    with Meter() as meter:
        for number in range(rounds):
            for count in COUNTS if number % 2 == 0 else COUNTS[::-1]:
                found = meter.read(
                    urls[count],
                    [exchanges[count]],
                    {"gateway": trees[count], "upstream": Tree.serving(free)},
                    connections=CONNECTIONS,
                    seconds=seconds,
                )
                progress(f"workers: {count}: {found.requests_per_second:,.0f} requests/s")
                readings[count].append({**asdict(found), **found.cpu_ms})
    ratios = [
        two["requests_per_second"] / one["requests_per_second"]
        for one, two in zip(readings[1], readings[2], strict=True)
    ]
    ratio = median(ratios)
    rows: list[tuple[str, ...]] = [("", "requests/s", "gateway", "replaying", "generator", "elsewhere")]
    for count in COUNTS:
        middle = {name: median(each[name] for each in readings[count]) for name in _SHOWN}
        rows.append(
            (
                f"{count} worker{'s' if count > 1 else ''}",
                f"{middle['requests_per_second']:,.0f}",
                *(f"{middle[name]:.2f}" for name in _SHOWN[1:]),
            )
        )
    text = [
        f"workers: {PAGE.title}; {CONNECTIONS} connections",
        *aligned(rows),
        "CPU milliseconds per request of the gateway with all its workers, of what replays, and of the generator.",
    ]
    value = f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    target = Target("two workers against one", f"at least {LEAST:g} times", value, ratio >= LEAST)
    return Outcome("workers", "\n".join(text), [target], {str(count): readings[count] for count in COUNTS})


_SHOWN = ("requests_per_second", "gateway", "upstream", "load", "cores_elsewhere")


def _exchange(case: Case, url: str) -> Exchange:
    asked = request(TRIPGATE, case)
    _, body = asked.send(url)
    return Exchange(asked.wire(url), body)

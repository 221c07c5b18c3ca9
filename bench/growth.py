"""How cost grows: with the rows of an answer, and with the tables that the schema has.

Rows: the same document for 10, 100 and 1,000 trips with 10 items each. Tables: the schema as it is against one with 200
more, for a document that is kept and for documents that were never seen before.
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from bench.aligned import aligned
from bench.contenders import RAW, TRIPGATE, Case, graphql_request
from bench.cpu import Tree
from bench.data import TIRELESS
from bench.http1 import Exchange, WrongAnswerError
from bench.measure import verified
from bench.meter import Meter, Reading
from bench.outcome import Outcome, Target
from bench.servers import Servers
from bench.site import Site
from bench.workloads import LARGE_PAGES, TEN_TRIPS, TRIPS_WITH_ITEMS, Workload, trips_with_items

SIZES = (10, 100, 1000)
MORE_TABLES = 200
# More than Tripgate keeps, so that each is new when its turn comes again.
NEW_DOCUMENTS = 1200
MOST_PER_ROW = 1.2
MOST_PER_TABLE = 1.1


def row_workloads() -> list[Workload]:
    """The same document for each number of trips."""
    return [
        trips_with_items(
            f"growth_{size}", f"{size:,} trips", trips=size, caller=TIRELESS, connections=1, settings=LARGE_PAGES
        )
        for size in SIZES
    ]


def rows(
    site: Site,
    servers: Servers,
    cases: dict[str, list[Case]],
    *,
    rounds: int,
    seconds: float,
    progress: Callable[[str], None],
) -> Outcome:
    """What an answer of each size takes, with one client."""
    shared = {"postgrest": Tree.serving(site.info.rest_url), "postgres": Tree.serving(site.info.db_url)}
    found: dict[str, list[Reading]] = {}
    with Meter() as meter:
        for _ in range(rounds):
            for workload in row_workloads():
                for contender in (RAW, TRIPGATE):
                    url, tree = servers.url(contender, workload), servers.tree(contender, workload)
                    reading = meter.read(
                        url,
                        verified(contender, url, cases[workload.name]),
                        {**shared, **({} if tree is None else {"gateway": tree})},
                        connections=1,
                        seconds=seconds,
                    )
                    progress(f"growth: {workload.title}, {contender.title}: {reading.p50_ms:.1f} ms")
                    found.setdefault(f"{contender.name}/{workload.name}", []).append(reading)
    shown: list[tuple[str, ...]] = [("", "PostgREST ms", "Tripgate ms", "us a trip", "gateway", "us a trip")]
    figures: dict[str, dict[str, float]] = {}
    for size, workload in zip(SIZES, row_workloads(), strict=True):
        ours = found[f"{TRIPGATE.name}/{workload.name}"]
        figures[str(size)] = each = {
            "postgrest_ms": median(reading.p50_ms for reading in found[f"{RAW.name}/{workload.name}"]),
            "tripgate_ms": median(reading.p50_ms for reading in ours),
            "gateway_cpu_ms": median(reading.cpu_ms["gateway"] for reading in ours),
        }
        time, cpu = each["tripgate_ms"], each["gateway_cpu_ms"]
        shown.append(
            (
                f"{workload.title} with 10 items each",
                f"{each['postgrest_ms']:.1f}",
                f"{time:.1f}",
                f"{time / size * 1000:.0f}",
                f"{cpu:.2f}",
                f"{cpu / size * 1000:.1f}",
            )
        )
    # What the last nine hundred trips cost each, against what the ninety before them did.
    targets = [
        _linear("time of an answer as its rows grow", [figures[str(size)]["tripgate_ms"] for size in SIZES]),
        _linear("gateway CPU as rows grow", [figures[str(size)]["gateway_cpu_ms"] for size in SIZES]),
    ]
    text = ["growth: answers of 10, 100 and 1,000 trips, 1 connection", *aligned(shown), "gateway: CPU milliseconds."]
    return Outcome("growth", "\n".join(text), targets, figures)


def tables(site: Site, *, rounds: int, seconds: float, progress: Callable[[str], None]) -> Outcome:
    """What requests take with the schema as it is, and with more tables in it."""
    env = dict(TRIPGATE.env)
    assert TRIPGATE.module is not None
    urls = {
        "as it is": site.address(site.start("tripgate_narrow", TRIPGATE.module, TRIPGATE.arguments, env)),
        f"{MORE_TABLES} tables more": site.address(site.start("tripgate_wide", "bench.wider", [str(MORE_TABLES)], env)),
    }
    kinds = ("kept document", "new documents")
    found: dict[tuple[str, str], list[Reading]] = {(name, kind): [] for name in urls for kind in kinds}
    with Meter() as meter:
        for number in range(rounds):
            for name in urls if number % 2 == 0 else reversed(urls):
                for kind in kinds:
                    texts = [TRIPS_WITH_ITEMS] if kind == kinds[0] else _new_documents(number)
                    reading = meter.read(
                        urls[name],
                        _exchanges(site, urls[name], texts),
                        {"gateway": Tree.serving(urls[name])},
                        connections=1,
                        seconds=seconds,
                    )
                    progress(f"growth: {name}, {kind}: gateway CPU {reading.cpu_ms['gateway']:.2f} ms")
                    found[name, kind].append(reading)
    narrow, wide = urls
    figures: dict[str, Any] = {}
    shown: list[tuple[str, ...]] = [("", *(f"schema {name}" for name in urls), "ratio")]
    targets = []
    for kind in kinds:
        cpu = {name: [reading.cpu_ms["gateway"] for reading in found[name, kind]] for name in urls}
        ratio = median(two / one for one, two in zip(cpu[narrow], cpu[wide], strict=True))
        figures[kind] = {**cpu, "ratio": ratio}
        shown.append((kind, *(f"{median(cpu[name]):.2f}" for name in urls), f"{ratio:.2f}"))
        targets.append(
            Target(
                f"gateway CPU with {MORE_TABLES} tables more, {kind}",
                f"at most {MOST_PER_TABLE:g} times",
                f"{ratio:.2f}",
                ratio <= MOST_PER_TABLE,
            )
        )
    text = [
        f"tables: 10 trips with 10 items each, while the schema has {MORE_TABLES} tables more that nobody asks for",
        *aligned(shown),
        "Gateway CPU milliseconds per request; 1 connection.",
    ]
    return Outcome("tables", "\n".join(text), targets, figures)


def _linear(name: str, values: Sequence[float]) -> Target:
    first, second = ((values[n + 1] - values[n]) / (SIZES[n + 1] - SIZES[n]) for n in (0, 1))
    ratio = second / first
    return Target(
        name, f"a further row costs at most {MOST_PER_ROW:g} times as much", f"{ratio:.2f}", ratio <= MOST_PER_ROW
    )


def _new_documents(round_number: int) -> list[str]:
    """The same question under operation names that no other round has."""
    return [
        TRIPS_WITH_ITEMS.replace("TripsWithItems", f"Round{round_number}Number{number}")
        for number in range(NEW_DOCUMENTS)
    ]


def _exchanges(site: Site, url: str, documents: Sequence[str]) -> list[Exchange]:
    caller = site.callers[TEN_TRIPS.caller]
    variables = dict(TEN_TRIPS.constants)
    first = graphql_request(documents[0], caller, variables)
    status, body = first.send(url)
    if status != 200 or b'"errors"' in body:
        raise WrongAnswerError(f"tripgate/growth: HTTP {status}: {body[:300]!r}")
    return [Exchange(graphql_request(text, caller, variables).wire(url), body) for text in documents]

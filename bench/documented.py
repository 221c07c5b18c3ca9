"""Every documented query through Tripgate, one client at a time: how long it takes at the volume that is loaded.

The queries are those whose indexes `tests/database` checks by EXPLAIN; here is what a client waits for.
"""

import json
import re
from collections.abc import Callable
from statistics import median

from bench.aligned import aligned
from bench.contenders import TRIPGATE, Request, graphql_request
from bench.cpu import Tree
from bench.data import REGULAR, Caller
from bench.http1 import Exchange, WrongAnswerError
from bench.meter import Meter
from bench.outcome import Outcome, Target
from bench.servers import Servers
from bench.site import Site
from bench.workloads import TEN_TRIPS
from tests.database.test_speed import QUERIES

MOST_MS = 20.0
_FIRST_PAGE = "{ trips(first: 5, orderBy: [{ createdAt: DESC }]) { pageInfo { endCursor } } }"


def measure(site: Site, servers: Servers, *, rounds: int, seconds: float, progress: Callable[[str], None]) -> Outcome:
    """The latencies of each query at one connection.

    Raises:
        WrongAnswerError: A query has errors.
    """
    caller = site.callers[REGULAR]
    url = servers.url(TRIPGATE, TEN_TRIPS)
    known = {"me": caller.user_id, "trip": caller.trip_ids[0], "place": caller.place_id, "after": _cursor(caller, url)}
    exchanges = {name: _exchange(url, caller, document, known) for name, document, *_ in QUERIES}
    trees = {
        "gateway": Tree.serving(url),
        "postgrest": Tree.serving(site.info.rest_url),
        "postgres": Tree.serving(site.info.db_url),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in exchanges}
    with Meter() as meter:
        for number in range(rounds):
            progress(f"documented: {len(exchanges)} queries, round {number + 1} of {rounds}")
            for name, exchange in exchanges.items():
                reading = meter.read(url, [exchange], trees, connections=1, seconds=seconds)
                found[name].append((reading.p50_ms, reading.p99_ms))
    figures = {
        name: {"p50_ms": median(p50 for p50, _ in each), "p99_ms": median(p99 for _, p99 in each)}
        for name, each in found.items()
    }
    rows = [("", "p50 ms", "p99 ms")]
    rows += [(name, f"{each['p50_ms']:.1f}", f"{each['p99_ms']:.1f}") for name, each in figures.items()]
    slowest = max(figures, key=lambda name: figures[name]["p99_ms"])
    worst = figures[slowest]["p99_ms"]
    text = [
        "documented: each documented query through Tripgate, 1 connection",
        *aligned(rows),
        f"Medians of {rounds} rounds of {seconds:g} s.",
    ]
    target = Target(
        "p99 of each documented query",
        f"at most {MOST_MS:g} ms",
        f"{worst:.1f} ms ({slowest})",
        worst <= MOST_MS,
    )
    return Outcome("documented", "\n".join(text), [target], figures)


def _exchange(url: str, caller: Caller, document: str, known: dict[str, str]) -> Exchange:
    names = re.findall(r"\$(\w+):", document)
    if unknown := sorted(set(names) - set(known)):
        raise WrongAnswerError(f"No value is known for ${', $'.join(unknown)} of {document!r}")
    variables = {name: known[name] for name in names}
    asked = graphql_request(document, caller, variables)
    return Exchange(asked.wire(url), _answered(asked, url, document))


def _cursor(caller: Caller, url: str) -> str:
    body = _answered(graphql_request(_FIRST_PAGE, caller, {}), url, _FIRST_PAGE)
    return str(json.loads(body)["data"]["trips"]["pageInfo"]["endCursor"])


def _answered(asked: Request, url: str, document: str) -> bytes:
    status, body = asked.send(url)
    if status != 200 or "errors" in json.loads(body):
        raise WrongAnswerError(f"tripgate answers {document!r} with HTTP {status}: {body[:500]!r}")
    return body

"""Live changes and live queries: a thousand people on one gateway process, from the commit to each client.

A poller stands beside them, which asks anew every second whether anything has changed or not, as Hasura does.
"""

import os
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from bench import crowd
from bench.contenders import TRIPGATE, TRIPGATE_SQL, Contender
from bench.cpu import Tree, machine_seconds
from bench.crowd import Judgement
from bench.data import share
from bench.load import WrongAnswerError, child_process
from bench.report import LIVE, Outcome, Target, aligned
from bench.site import Site
from bench.workloads import TEN_TRIPS

# Every person is on exactly one of these trips, in so far as they follow it.
PEOPLE, TRIPS = 1000, 50
# Changes a second, and for how many seconds.
SLOW, FAST, NESTED_PACE, LIVE_PACE = (20.0, 10.0), (500.0, 4.0), (10.0, 8.0), (20.0, 15.0)
# As many changes as may wait for one subscriber, and fewer than make it miss some.
BURST_ROUNDS = 160
POLL_SECONDS = 1.0
_QUIET_SECONDS = 4.0
_MISTAKES = ("lost", "duplicated", "out_of_order", "wrong")
# All come from this machine.
_SETTINGS = {
    "TRIPGATE_MAX_CONNECTIONS_PER_ADDRESS": "20000",
    "TRIPGATE_MAX_LIVE_CONNECTIONS_PER_ADDRESS": "20000",
}
_CHANGES = "subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { operation id tripItem { %s } } }"
RECORD = _CHANGES % "id title notes dayNumber orderIndex"
NESTED = _CHANGES % "id title notes cost place { name }"
ANSWER = "subscription ($trip: UUID!) { trip(id: $trip) { id title items(first: 20) { nodes { id title notes } } } }"
_UPDATE = """
update public.trip_items set notes = change.notes
from unnest(%s::uuid[], %s::text[]) as change (id, notes) where trip_items.id = change.id
"""

# For each trip the numbers of its changes in the order of their commits, and when each was committed.
Written = tuple[list[list[int]], dict[int, float]]


@dataclass(frozen=True)
class Stretch:
    """One stretch of changes.

    Attributes:
        reads: Requests upstream for each change.
        cpu_us: CPU microseconds a delivery of each process tree.
        elsewhere: How many cores all other programs kept busy.
    """

    name: str
    judged: Judgement
    reads: float
    cpu_us: dict[str, float]
    elsewhere: float

    @property
    def per_second(self) -> float:
        """Deliveries a second."""
        return self.judged.deliveries / (self.judged.seconds or 1.0)


class _Bench:
    """The crowd, and who writes."""

    def __init__(self, site: Site, connection: psycopg.Connection, people: int) -> None:
        self._site, self._connection = site, connection
        self._clients = child_process()
        self.ids, self.trips, self._items = share(site.info.admin_db_url, TRIPS, people)
        self.members = [(site.tokens.of(user_id), number % TRIPS) for number, user_id in enumerate(self.ids)]
        self._next = 0
        self._trees = {name: site.tree(name) for name in ("realtime", "postgrest", "postgres")}
        self._trees |= {"door": site.tree("front_door"), "clients": Tree(self._clients.submit(os.getpid).result())}

    def close(self) -> None:
        """End the clients."""
        self._clients.shutdown(cancel_futures=True)

    def do(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of `bench.crowd` where the clients are."""
        return self._clients.submit(call, *arguments).result()

    def connect(self, contender: Contender) -> tuple[float, float]:
        """Connect everybody to a gateway of its own; its memory before and after, in KB, once they follow changes."""
        workload = replace(TEN_TRIPS, settings=_SETTINGS)
        name, self._url = self._site.server(contender, workload, "live")
        self._trees["gateway"] = self._site.tree(name)
        # The first to subscribe makes the gateway load what subscriptions need.
        for members in (self.members[-1:], self.members):
            before = self._settled()
            self.do(crowd.connect, self._url, members)
            self.follow(RECORD, len(members))
            if members is not self.members:
                self.do(crowd.leave)
        return before, self._settled()

    def follow(self, document: str, people: int) -> None:
        """Everybody follows changes by another selection; nothing is sent on subscribing, so provoke a delivery."""
        self.do(crowd.follow, document, self.trips)
        for _ in range(20):
            written = self._heard(partial(self.write, TRIPS, TRIPS), people, 2.0)
            judged: Judgement = self.do(partial(crowd.judge, answers=False), *written)
            if judged.wrong:
                raise WrongAnswerError(f"live: {judged.first_wrong}")
            if judged.silent == 0:
                return
        raise WrongAnswerError(f"live: {judged.silent} of {people} subscribers never hear of a change")

    def follow_answers(self, document: str) -> None:
        """Everybody follows a live query, or with an empty document nothing, and hears of changes when this returns."""
        self.write(TRIPS * len(self._items[0]), TRIPS)  # every item has its number
        self.do(crowd.follow, document, self.trips)
        reads, before = self._reads(), -1
        while reads != before:  # answers are read anew once their topics are joined
            self.do(crowd.collect, float("inf"), 1.5)
            reads, before = self._reads(), reads
        judged: Judgement = self.do(partial(crowd.judge, answers=True), [[]] * TRIPS, {})
        if judged.wrong:
            raise WrongAnswerError(f"live: {judged.first_wrong}")

    def stretch(
        self, name: str, changes: int, *, rate: float | None = None, answers: bool = False, poll: float = 0.0
    ) -> Stretch:
        """Write while everybody listens, or somebody polls for them; wait until all has come, and judge it."""
        write = partial(self.write, changes, rate=rate)
        deliveries = changes * len(self.members) // TRIPS
        reads, used = self._reads(), {key: tree.seconds() for key, tree in self._trees.items()}
        machine, began = machine_seconds(), time.monotonic()
        if poll:
            polling = self._clients.submit(
                crowd.poll, self._site.info.admin_db_url, self.ids, self.trips, POLL_SECONDS, poll + 3 * POLL_SECONDS
            )
            time.sleep(POLL_SECONDS)
            written = write()
            polling.result()
        else:
            written = self._heard(write, float("inf") if answers else deliveries, 2.0 if answers else _QUIET_SECONDS)
        seconds = time.monotonic() - began
        spent = {key: tree.seconds() - used[key] for key, tree in self._trees.items()}
        elsewhere = max(0.0, machine_seconds() - machine - sum(spent.values()))
        judged: Judgement = self.do(partial(crowd.judge, answers=answers), *written)
        cpu = {key: value * 1e6 / max(1, judged.deliveries) for key, value in spent.items()}
        found = Stretch(name, judged, (self._reads() - reads) / changes, cpu, elsewhere / seconds)
        self._site.progress(f"live: {name}: p50 {judged.p50_ms:,.0f} ms, p99 {judged.p99_ms:,.0f} ms")
        return found

    def write(self, changes: int, at_once: int = 1, rate: float | None = None) -> Written:
        """Change items, round-robin over the trips, so many in each transaction, at a pace or as fast as it goes.

        Behind the API's back, as superuser. Every change carries its number in the item's notes. It counts as committed
        when the server's answer to it is here.
        """
        changed: list[list[int]] = [[] for _ in self.trips]
        committed_at = {}
        began = time.monotonic()
        for first in range(0, changes, at_once):
            if rate is not None:
                time.sleep(max(0.0, began + first / rate - time.monotonic()))
            numbers = range(self._next, self._next + at_once)
            self._next += at_once
            ids = [self._items[n % TRIPS][n // TRIPS % len(self._items[0])] for n in numbers]
            self._connection.execute(_UPDATE, [ids, [f"{number} {crowd.MARK}" for number in numbers]])
            now = time.monotonic()
            for number in numbers:
                changed[number % TRIPS].append(number)
                committed_at[number] = now
        return changed, committed_at

    def _heard(self, write: Callable[[], Written], deliveries: float, quiet_seconds: float) -> Written:
        """Write while the clients' event loop runs, until they have heard so much or nothing for so long."""
        collecting = self._clients.submit(crowd.collect, deliveries, quiet_seconds)
        written = write()
        collecting.result()
        return written

    def _reads(self) -> int:
        """Requests to PostgREST and Postgres so far, by the gateway's metrics."""
        with urllib.request.urlopen(self._url.replace("/graphql", "/metrics"), timeout=30) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return sum(
            int(sample.value)
            for family in families
            for sample in family.samples
            if sample.name == "tripgate_upstream_seconds_count" and sample.labels["upstream"] in {"rest", "database"}
        )

    def _settled(self) -> float:
        """The gateway's memory in KB, once it does not change any more."""
        last = 0
        for _ in range(5):
            now = self._trees["gateway"].resident()
            if abs(now - last) < 65_536:
                break
            last = now
            time.sleep(1)
        return now / 1024


def measure(site: Site, people: int) -> Outcome:
    """Measure one gateway process under live subscribers.

    Raises:
        WrongAnswerError: Subscribers are refused, or hear nothing.
    """
    people = min(PEOPLE, people)
    site.progress(f"live: {people:,} subscribers on {TRIPS} trips")
    with psycopg.connect(site.info.admin_db_url, autocommit=True) as connection:
        bench = _Bench(site, connection, people)
        try:
            before, after = bench.connect(TRIPGATE)
            changes = [
                bench.stretch(f"changes, {rate:g}/s", int(rate * seconds), rate=rate) for rate, seconds in (SLOW, FAST)
            ]
            changes.append(bench.stretch("changes, burst", TRIPS * BURST_ROUNDS))
            bench.follow(NESTED, people)
            rate, seconds = NESTED_PACE
            changes.append(bench.stretch(f"nested changes, {rate:g}/s", int(rate * seconds), rate=rate))
            rate, seconds = LIVE_PACE
            queries = []
            for contender, how in ((TRIPGATE, "over PostgREST"), (TRIPGATE_SQL, "over SQL")):
                if contender is not TRIPGATE:
                    bench.do(crowd.leave)
                    bench.connect(contender)
                bench.follow_answers(ANSWER)
                name = f"live queries {how}, {rate:g}/s"
                queries.append(bench.stretch(name, int(rate * seconds), rate=rate, answers=True))
            bench.follow_answers("")
            name = f"poller, {POLL_SECONDS:g} s, {rate:g}/s"
            poller = bench.stretch(name, int(rate * seconds), rate=rate, answers=True, poll=seconds)
        finally:
            bench.close()
    return _outcome(people, changes, queries, poller, (after - before) / people)


def _outcome(
    people: int, changes: Sequence[Stretch], queries: Sequence[Stretch], poller: Stretch, kb_each: float
) -> Outcome:
    columns = (
        *("live", "deliveries", "deliveries/s", "p50 ms", "p99 ms", "max ms", "reads a change"),
        *("gateway", "Realtime", "PostgREST", "Postgres", "clients", "elsewhere"),
    )
    counted = {kind: sum(getattr(each.judged, kind) for each in changes) for kind in (*_MISTAKES, "resyncs")}
    text = [
        *aligned([columns, *map(_row, (*changes, *queries, poller))]),
        "  changes: " + ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in counted.items()),
        f"{people:,} people on {TRIPS} trips, one gateway process; each change concerns {people // TRIPS} of them.",
        "From gateway to clients: CPU microseconds per delivery of each process; Realtime with the front door before "
        "it.\nThe poller's own work is among the clients', and it tells nobody over the network.\n"
        "elsewhere: cores that this benchmark's writer and other programs kept busy meanwhile.",
    ]
    mistakes = [
        f"live: {each.name}: {getattr(each.judged, kind)} {kind.replace('_', ' ')} {each.judged.first_wrong}"
        for each in (*changes, *queries)
        for kind in _MISTAKES
        if getattr(each.judged, kind)
    ]
    most = max(each.per_second for each in changes)
    slow = changes[0].judged.p99_ms
    targets = [
        Target(LIVE, "changes: p99 at 20 changes/s", "at most 250 ms", f"{slow:,.1f} ms", slow <= 250),
        Target(LIVE, "changes: deliveries", "at least 10,000/s", f"{most:,.0f}/s", most >= 10_000),
        Target(LIVE, "memory per idle subscriber", "at most 25 KB", f"{kb_each:.1f} KB", kb_each <= 25),
    ]
    for each in queries:
        name, judged, concerned = each.name, each.judged, people // TRIPS
        targets += [
            Target(LIVE, f"{name}: p50", "at most 150 ms", f"{judged.p50_ms:,.0f} ms", judged.p50_ms <= 150),
            Target(LIVE, f"{name}: p99", "at most 500 ms", f"{judged.p99_ms:,.0f} ms", judged.p99_ms <= 500),
            Target(
                LIVE,
                f"{name}: reads a change",
                f"at most {concerned}, the people concerned",
                f"{each.reads:.1f}",
                each.reads <= concerned,
            ),
        ]
    return Outcome("\n".join(text), targets, mistakes)


def _row(each: Stretch) -> tuple[str, ...]:
    cpu, judged = each.cpu_us, each.judged
    shown = (cpu["gateway"], cpu["realtime"] + cpu["door"], cpu["postgrest"], cpu["postgres"], cpu["clients"])
    return (
        *(each.name, f"{judged.deliveries:,}", f"{each.per_second:,.0f}"),
        *(f"{value:,.1f}" for value in (judged.p50_ms, judged.p99_ms, judged.max_ms, each.reads)),
        *(f"{value:,.0f}" for value in shown),
        f"{each.elsewhere:.2f}",
    )

"""The measurement: subscribers connect and idle, changes come at several rates, then nested selections."""

import os
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from bench.contenders import TRIPGATE
from bench.cpu import Tree, machine_seconds
from bench.data import share
from bench.load import WrongAnswerError, child_process
from bench.realtime import live_queries, subscribers
from bench.realtime.subscribers import Judgement
from bench.report import Outcome, Target, aligned
from bench.site import Site
from bench.workloads import TEN_TRIPS

# Every person is on exactly one of these trips, in so far as they follow it.
PEOPLE, TRIPS = 1000, 50
# Changes a second, and for how many seconds.
STEADY = ((20.0, 15.0), (50.0, 15.0), (500.0, 5.0))
NESTED_STEADY = (10.0, 8.0)
# As many changes as may wait for one subscriber, and fewer than make it miss some.
BURST_ROUNDS = 160
_QUIET_SECONDS = 4.0
_MISTAKES = ("lost", "duplicated", "out_of_order", "wrong")
# All come from this machine.
_SETTINGS = {
    "TRIPGATE_MAX_CONNECTIONS_PER_ADDRESS": "20000",
    "TRIPGATE_MAX_LIVE_CONNECTIONS_PER_ADDRESS": "20000",
}

RECORD = """subscription ($trip: UUID!) {
  tripItemChanges(tripId: $trip) { operation id occurredAt tripItem { id title notes dayNumber orderIndex } }
}"""
NESTED = """subscription ($trip: UUID!) {
  tripItemChanges(tripId: $trip) { operation id tripItem { id title notes cost place { name } } }
}"""
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
        cpu_us: CPU microseconds a delivery of each process tree.
        elsewhere: How many cores all other programs kept busy.
        reads: Requests to PostgREST meanwhile.
    """

    name: str
    judged: Judgement
    cpu_us: dict[str, float]
    elsewhere: float
    reads: int

    @property
    def per_second(self) -> float:
        """Deliveries a second."""
        return self.judged.deliveries / (self.judged.seconds or 1.0)


class _Bench:
    def __init__(self, site: Site, connection: psycopg.Connection, clients: ProcessPoolExecutor, people: int) -> None:
        info = site.info
        self._site, self._connection, self._clients = site, connection, clients
        ids, self._trips, self._items = share(info.admin_db_url, TRIPS, people)
        self.members = [(site.tokens.of(user_id), number % TRIPS) for number, user_id in enumerate(ids)]
        self._next = 0
        workload = TEN_TRIPS.__class__(**{**vars(TEN_TRIPS), "settings": _SETTINGS})
        self._url = site.url(TRIPGATE, workload, "realtime")
        self._trees = {
            "gateway": site.serving(self._url),
            "realtime": Tree.running("tripgate.local.realtime"),
            "door": site.serving(info.api_url),
            "postgrest": site.serving(info.rest_url),
            "postgres": site.serving(info.db_url),
            "clients": Tree(clients.submit(os.getpid).result()),
        }

    def idle(self) -> list[str]:
        """Connect everybody and wait until each follows; what that took. Memory is the gateway's resident set."""
        gateway = self._trees["gateway"]
        # The first to subscribe makes the gateway load what subscriptions need.
        self._do(subscribers.connect, self._url, self.members[-1:])
        self.follow(RECORD, 1)
        self._do(subscribers.leave)
        before, reads, cpu, began = self._settled(), self.upstream()[0], gateway.seconds(), time.monotonic()
        self._do(subscribers.connect, self._url, self.members)
        self._subscribe(RECORD, len(self.members))
        seconds, cpu = time.monotonic() - began, gateway.seconds() - cpu
        reads = self.upstream()[0] - reads
        self._until_all_follow(len(self.members))
        after = self._settled()
        _, sockets, topics = self.upstream()
        self.kb_each = (after - before) / 1024 / len(self.members)
        return [
            f"  subscribing: {len(self.members):,} in {seconds:.1f} s, gateway CPU "
            f"{cpu * 1000 / len(self.members):.2f} ms each",
            f"  memory per idle subscriber: {self.kb_each:.1f} KB (gateway {before / 2**20:.0f} MB before, "
            f"{after / 2**20:.0f} MB after)",
            f"  upstream: {sockets} Realtime sockets, {topics} channels, {reads:,} reads to subscribe",
        ]

    def follow(self, document: str, people: int) -> None:
        """Everybody follows with another selection."""
        self._subscribe(document, people)
        self._until_all_follow(people)

    def stretch(self, name: str, write: Callable[[], Written], changes: int) -> Stretch:
        """Write while the subscribers listen, wait until all has come, and judge it."""
        reads = self.upstream()[0]
        used = {key: tree.seconds() for key, tree in self._trees.items()}
        machine, began = machine_seconds(), time.monotonic()
        deliveries = changes * len(self.members) // TRIPS
        written = self._heard(write, deliveries, _QUIET_SECONDS)
        seconds = time.monotonic() - began
        spent = {key: tree.seconds() - used[key] for key, tree in self._trees.items()}
        elsewhere = max(0.0, machine_seconds() - machine - sum(spent.values()))
        reads = self.upstream()[0] - reads
        judged: Judgement = self._do(subscribers.judge, *written)
        cpu = {key: value * 1e6 / max(1, judged.deliveries) for key, value in spent.items()}
        found = Stretch(name, judged, cpu, elsewhere / seconds, reads)
        self._site.progress(f"realtime: {name}: p99 {judged.p99_ms:,.0f} ms, {found.per_second:,.0f} deliveries/s")
        return found

    def live_queries(self) -> list[live_queries.Answers]:
        """Everybody follows a live query, and then asks every second."""

        def meanwhile(listen: Callable[[], None], write: Callable[[], Written]) -> Written:
            listening = self._clients.submit(listen)
            written = write()
            listening.result()
            return written

        def spent() -> tuple[int, float]:
            return self.upstream()[0], self._trees["gateway"].seconds()

        self.write(TRIPS * len(self._items[0]), TRIPS)  # every item has its number
        return live_queries.measure(self._do, meanwhile, self.write, spent, self._trips)

    def write(self, changes: int, at_once: int = 1, rate: float | None = None) -> Written:
        """Change items, round-robin over the trips, so many in each transaction, at a pace or as fast as it goes.

        Behind the API's back, as superuser. Every change carries its number in the item's notes. It counts as committed
        when the server's answer to it is here.
        """
        changed: list[list[int]] = [[] for _ in self._trips]
        committed_at = {}
        began = time.monotonic()
        for first in range(0, changes, at_once):
            if rate is not None:
                time.sleep(max(0.0, began + first / rate - time.monotonic()))
            numbers = range(self._next, self._next + at_once)
            self._next += at_once
            ids = [self._items[n % TRIPS][n // TRIPS % len(self._items[0])] for n in numbers]
            self._connection.execute(_UPDATE, [ids, [f"{number} Ask for a table outside." for number in numbers]])
            now = time.monotonic()
            for number in numbers:
                changed[number % TRIPS].append(number)
                committed_at[number] = now
        return changed, committed_at

    def upstream(self) -> tuple[int, int, int]:
        """Requests to PostgREST so far, open connections to Realtime, and topics joined, by the gateway's metrics."""
        with urllib.request.urlopen(self._url.replace("/graphql", "/metrics"), timeout=30) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        found = {
            sample.name: sample.value
            for family in families
            for sample in family.samples
            if sample.labels in ({}, {"upstream": "rest"})
        }
        names = ("tripgate_upstream_seconds_count", "tripgate_realtime_sockets", "tripgate_realtime_topics")
        reads, sockets, topics = (int(found.get(name, 0)) for name in names)
        return reads, sockets, topics

    def _subscribe(self, document: str, people: int) -> None:
        """Everybody subscribes, and has been admitted by a read when this returns."""
        before, deadline = self.upstream()[0], time.monotonic() + 60
        self._do(subscribers.follow, document, self._trips)
        while self.upstream()[0] - before < people and time.monotonic() < deadline:
            time.sleep(0.05)

    def _until_all_follow(self, people: int) -> None:
        """Nothing is sent on subscribing, so provoke a delivery to each."""
        for _ in range(20):
            written = self._heard(partial(self.write, TRIPS, TRIPS), people, 2.0)
            judged: Judgement = self._do(subscribers.judge, *written)
            if judged.wrong:
                raise WrongAnswerError(f"realtime: {judged.first_wrong}")
            if judged.silent == 0:
                return
        raise WrongAnswerError(f"realtime: {judged.silent} of {people} subscribers never hear of a change")

    def _heard(self, write: Callable[[], Written], deliveries: int, quiet_seconds: float) -> Written:
        """Write while the subscribers' event loop runs, until they have heard so much or nothing for so long."""
        collecting = self._clients.submit(subscribers.collect, deliveries, quiet_seconds)
        written = write()
        collecting.result()
        return written

    def _settled(self) -> float:
        """The gateway's memory in bytes, once it does not change any more."""
        last = 0
        for _ in range(5):
            now = self._trees["gateway"].resident()
            if abs(now - last) < 65_536:
                break
            last = now
            time.sleep(1)
        return now

    def _do(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return self._clients.submit(call, *arguments).result()


def measure(site: Site, people: int) -> tuple[Outcome, Sequence[str]]:
    """Measure one gateway process under live subscribers; also what must not have happened.

    Raises:
        WrongAnswerError: Subscribers are refused, or hear nothing.
    """
    people = min(PEOPLE, people)
    site.progress(f"realtime: {people:,} subscribers on {TRIPS} trips")
    stretches = []
    with child_process() as clients, psycopg.connect(site.info.admin_db_url, autocommit=True) as connection:
        bench = _Bench(site, connection, clients, people)
        idle = bench.idle()
        for rate, seconds in STEADY:
            changes = int(rate * seconds)
            stretches.append(bench.stretch(f"{rate:g} changes/s", partial(bench.write, changes, rate=rate), changes))
        changes = BURST_ROUNDS * TRIPS
        stretches.append(bench.stretch("burst", partial(bench.write, changes, TRIPS), changes))
        bench.follow(NESTED, people)
        rate, seconds = NESTED_STEADY
        changes = int(rate * seconds)
        stretches.append(
            bench.stretch(f"nested, {rate:g} changes/s", partial(bench.write, changes, rate=rate), changes)
        )
        answers = bench.live_queries()
    counted = {kind: sum(getattr(each.judged, kind) for each in stretches) for kind in (*_MISTAKES, "resyncs")}
    text = [
        f"realtime: {people:,} subscribers on {TRIPS} trips, one gateway process",
        *aligned([_COLUMNS, *map(_row, stretches)]),
        "  " + ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in counted.items()),
        *idle[:2],
        f"{idle[2]}, then {', '.join(f'{each.reads:,} ({each.name})' for each in stretches)}",
        live_queries.report(people, answers),
        "From gateway to clients: CPU microseconds per delivery of each process; Realtime with the front door before "
        "it.\nelsewhere: cores that this benchmark's writer and other programs kept busy meanwhile.",
    ]
    mistakes = [
        f"realtime, {each.name}: {getattr(each.judged, kind)} {kind.replace('_', ' ')} {each.judged.first_wrong}"
        for each in stretches
        for kind in _MISTAKES
        if getattr(each.judged, kind)
    ]
    targets = [*_targets(people, stretches, bench.kb_each), *live_queries.targets(people // TRIPS, answers)]
    return Outcome("realtime", "\n".join(text), targets), mistakes


_COLUMNS = (
    *("", "deliveries", "deliveries/s", "p50 ms", "p99 ms", "max ms"),
    *("gateway", "Realtime", "PostgREST", "Postgres", "clients", "elsewhere"),
)


def _row(each: Stretch) -> tuple[str, ...]:
    cpu, judged = each.cpu_us, each.judged
    shown = (cpu["gateway"], cpu["realtime"] + cpu["door"], cpu["postgrest"], cpu["postgres"], cpu["clients"])
    return (
        *(each.name, f"{judged.deliveries:,}", f"{each.per_second:,.0f}"),
        *(f"{value:,.1f}" for value in (judged.p50_ms, judged.p99_ms, judged.max_ms)),
        *(f"{value:,.0f}" for value in shown),
        f"{each.elsewhere:.2f}",
    )


def _targets(people: int, stretches: Sequence[Stretch], kb_each: float) -> list[Target]:
    """What was promised, each with what was measured."""
    slow, steady = (each.judged.p99_ms for each in stretches[:2])
    most = max(each.per_second for each in stretches[2:4])
    crowd = f"{people:,} subscribers"
    return [
        Target(f"{crowd}: p99 at 20 changes/s", "under 500 ms", f"{slow:,.1f} ms", slow < 500),
        Target(f"{crowd}: p99 at 50 changes/s", "at most 250 ms", f"{steady:,.1f} ms", steady <= 250),
        Target(f"{crowd}: deliveries", "at least 10,000/s", f"{most:,.0f}/s", most >= 10_000),
        Target("memory per idle subscriber", "at most 25 KB", f"{kb_each:.1f} KB", kb_each <= 25),
    ]

"""Live changes and live queries: a thousand people on one gateway process, from the commit to each client.

A poller stands beside them, which asks anew every second whether anything has changed or not, as Hasura does.
"""

import asyncio
import os
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from bench.contenders import TRIPGATE, TRIPGATE_SQL, Contender
from bench.cpu import Tree, machine_seconds
from bench.crowd import MARK, Crowd, Judgement
from bench.data import share
from bench.load import WrongAnswerError
from bench.report import LIVE, Outcome, Target, aligned
from bench.site import Site
from bench.workloads import TEN_TRIPS

# Every person is on exactly one of these trips, in so far as they follow it.
PEOPLE, TRIPS = 1000, 50
# Changes a second, and for how many seconds; the fast ones come ten in a transaction.
SLOW, FAST, NESTED_PACE, LIVE_PACE = (20.0, 10.0), (500.0, 4.0), (10.0, 8.0), (20.0, 15.0)
# For each trip; fewer than may wait for one subscriber before it misses some.
BURST = 60
_QUIET_SECONDS = 4.0
_MISTAKES = ("lost", "duplicated", "out_of_order", "wrong")
# All come from this machine.
_SETTINGS = {"TRIPGATE_MAX_CONNECTIONS_PER_ADDRESS": "20000", "TRIPGATE_MAX_LIVE_CONNECTIONS_PER_ADDRESS": "20000"}
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
    """One stretch of changes: reads upstream for each change, and CPU microseconds a delivery of each process tree."""

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

    def __init__(self, site: Site, connection: psycopg.AsyncConnection, people: int) -> None:
        self._site, self._connection = site, connection
        self._ids, self._trips, self._items = share(site.info.admin_db_url, TRIPS, people)
        self._members = [(site.tokens.of(user_id), number % TRIPS) for number, user_id in enumerate(self._ids)]
        self._next = 0
        self._trees = {name: site.tree(name) for name in ("realtime", "front_door", "postgrest", "postgres")}
        self._trees["clients"] = Tree(os.getpid(), alone=True)
        self.crowd = Crowd(self._members)

    async def connect(self, contender: Contender) -> tuple[float, float]:
        """Connect everybody to a gateway of its own; its memory before and after, in KB, once they follow changes."""
        name, self._url = self._site.server(contender, replace(TEN_TRIPS, settings=_SETTINGS), "live")
        self._trees["gateway"] = self._site.tree(name)
        # The first to subscribe makes the gateway load what subscriptions need.
        for members in (self._members[-1:], self._members):
            before = await self._settled()
            self.crowd = Crowd(members)
            await self.crowd.connect(self._url)
            await self.follow(RECORD)
            if members is not self._members:
                await self.crowd.leave()
        return before, await self._settled()

    async def follow(self, document: str) -> None:
        """Everybody follows changes by another selection; nothing is sent on subscribing, so provoke a delivery."""
        await self.crowd.follow(document, self._trips)
        for _ in range(20):
            written = await self._write(TRIPS, TRIPS)
            await self.crowd.collect(len(self.crowd.subscribers), 2.0)
            judged = self.crowd.judge(*written, answers=False)
            if judged.wrong:
                raise WrongAnswerError(f"live: {judged.first_wrong}")
            if judged.silent == 0:
                return
        raise WrongAnswerError(f"live: {judged.silent} subscribers never hear of a change")

    async def follow_answers(self, document: str) -> None:
        """Everybody follows a live query, or with an empty document nothing, and hears of changes when this returns."""
        await self._write(TRIPS * len(self._items[0]), TRIPS)  # every item has its number
        await self.crowd.follow(document, self._trips)
        reads, before = self._reads(), -1
        # Answers are read anew once their topics are joined.
        while reads != before or (document and not all(each.received for each in self.crowd.subscribers)):
            await self.crowd.collect(float("inf"), _QUIET_SECONDS)
            reads, before = self._reads(), reads
        judged = self.crowd.judge([[]] * TRIPS, {}, answers=True)
        if judged.wrong:
            raise WrongAnswerError(f"live: {judged.first_wrong}")

    async def stretch(
        self, name: str, changes: int, *, rate: float | None = None, answers: bool = False, polls: bool = False
    ) -> Stretch:
        """Write while everybody listens, or somebody polls for them; wait until all has come, and judge it.

        Args:
            rate: Changes a second; without one as fast as it goes, and one for each trip at once.
        """
        reads, used = self._reads(), {key: tree.seconds() for key, tree in self._trees.items()}
        machine, began = machine_seconds(), time.monotonic()
        polling = asyncio.create_task(asyncio.sleep(0))
        if polls:
            seconds = changes / (rate or 1) + 4
            polling = asyncio.create_task(
                self.crowd.poll(self._site.info.admin_db_url, self._ids, self._trips, seconds)
            )
            await asyncio.sleep(1)
        at_once = TRIPS if rate is None else 10 if rate == FAST[0] else 1
        written = await self._write(changes, at_once, rate)
        await polling
        deliveries = float("inf") if answers else changes * len(self._members) // TRIPS
        await self.crowd.collect(deliveries, 2.0 if answers else _QUIET_SECONDS)
        seconds = time.monotonic() - began
        spent = {key: tree.seconds() - used[key] for key, tree in self._trees.items()}
        elsewhere = max(0.0, machine_seconds() - machine - sum(spent.values()))
        judged = self.crowd.judge(*written, answers=answers)
        cpu = {key: value * 1e6 / max(1, judged.deliveries) for key, value in spent.items()}
        self._site.progress(f"live: {name}: p50 {judged.p50_ms:,.0f} ms, p99 {judged.p99_ms:,.0f} ms")
        return Stretch(name, judged, (self._reads() - reads) / changes, cpu, elsewhere / seconds)

    async def _write(self, changes: int, at_once: int = 1, rate: float | None = None) -> Written:
        """Change items, round-robin over the trips, so many in each transaction, at a pace or as fast as it goes.

        Behind the API's back, as superuser. Every change carries its number in the item's notes. It counts as committed
        when the server's answer to it is here.
        """
        changed: list[list[int]] = [[] for _ in self._trips]
        committed_at = {}
        began = time.monotonic()
        for first in range(0, changes, at_once):
            if rate is not None:
                await asyncio.sleep(began + first / rate - time.monotonic())
            numbers = range(self._next, self._next + at_once)
            self._next += at_once
            ids = [self._items[n % TRIPS][n // TRIPS % len(self._items[0])] for n in numbers]
            await self._connection.execute(_UPDATE, [ids, [f"{number} {MARK}" for number in numbers]])
            now = time.monotonic()
            for number in numbers:
                changed[number % TRIPS].append(number)
                committed_at[number] = now
        return changed, committed_at

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

    async def _settled(self) -> float:
        """The gateway's memory in KB, after a while in which nothing happens."""
        await asyncio.sleep(2)
        return self._trees["gateway"].resident() / 1024


async def measure(site: Site, people: int) -> Outcome:
    """Measure one gateway process under live subscribers.

    Raises:
        WrongAnswerError: Subscribers are refused, or hear nothing.
    """
    people = min(PEOPLE, people)
    site.progress(f"live: {people:,} subscribers on {TRIPS} trips")
    async with await psycopg.AsyncConnection.connect(site.info.admin_db_url, autocommit=True) as connection:
        bench = _Bench(site, connection, people)
        try:
            before, after = await bench.connect(TRIPGATE)
            changes = [
                await bench.stretch(f"changes, {rate:g}/s", int(rate * seconds), rate=rate)
                for rate, seconds in (SLOW, FAST)
            ]
            changes.append(await bench.stretch("changes, burst", TRIPS * BURST))
            await bench.follow(NESTED)
            rate, seconds = NESTED_PACE
            changes.append(await bench.stretch(f"nested changes, {rate:g}/s", int(rate * seconds), rate=rate))
            rate, seconds = LIVE_PACE
            queries = []
            for contender, how in ((TRIPGATE, "over PostgREST"), (TRIPGATE_SQL, "over SQL")):
                if contender is not TRIPGATE:
                    await bench.crowd.leave()
                    await bench.connect(contender)
                await bench.follow_answers(ANSWER)
                name = f"live queries {how}, {rate:g}/s"
                queries.append(await bench.stretch(name, int(rate * seconds), rate=rate, answers=True))
            await bench.follow_answers("")
            name = f"poller, 1 s, {rate:g}/s"
            poller = await bench.stretch(name, int(rate * seconds), rate=rate, answers=True, polls=True)
        finally:
            await bench.crowd.leave()
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
    targets = [
        Target(LIVE, "changes: deliveries", "at least 10,000/s", f"{most:,.0f}/s", most >= 10_000),
        _at_most(f"{changes[0].name}: p99", 250, " ms", changes[0].judged.p99_ms),
        _at_most("memory per idle subscriber", 25, " KB", kb_each),
    ]
    for each in queries:
        targets += [
            _at_most(f"{each.name}: p50", 150, " ms", each.judged.p50_ms),
            _at_most(f"{each.name}: p99", 500, " ms", each.judged.p99_ms),
            _at_most(f"{each.name}: reads a change", people // TRIPS, ", the people concerned", each.reads),
        ]
    return Outcome("\n".join(text), targets, mistakes)


def _at_most(name: str, bound: float, unit: str, value: float) -> Target:
    return Target(
        LIVE,
        name,
        f"at most {bound:g}{unit}",
        f"{value:,.1f}{unit if unit[0] == ' ' else ''}",
        round(value, 1) <= bound,
    )


def _row(each: Stretch) -> tuple[str, ...]:
    cpu, judged = each.cpu_us, each.judged
    shown = (cpu["gateway"], cpu["realtime"] + cpu["front_door"], cpu["postgrest"], cpu["postgres"], cpu["clients"])
    return (
        *(each.name, f"{judged.deliveries:,}", f"{each.per_second:,.0f}"),
        *(f"{value:,.1f}" for value in (judged.p50_ms, judged.p99_ms, judged.max_ms, each.reads)),
        *(f"{value:,.0f}" for value in shown),
        f"{each.elsewhere:.2f}",
    )

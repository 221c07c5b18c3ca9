"""The measurement: subscribers connect and idle, changes come at several rates, then nested selections."""

import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from bench.child import Child
from bench.contenders import TRIPGATE
from bench.cpu import Tree, machine_seconds
from bench.http1 import WrongAnswerError
from bench.realtime.crowd import Crowd, Size, load
from bench.realtime.writer import Writer, Written
from bench.site import ROOT, Site, child_env

SIZE = Size()
# Changes a second, and for how many seconds.
STEADY = ((20.0, 15.0), (50.0, 15.0), (500.0, 5.0))
NESTED_STEADY = (10.0, 8.0)
# As many changes as may wait for one subscriber, and fewer than make it miss some.
BURST_ROUNDS = 160
_QUIET_SECONDS = 4.0
_LONGEST_SETTLING = 5

RECORD = """subscription ($trip: UUID!) {
  tripItemChanges(tripId: $trip) { operation id occurredAt tripItem { id title notes dayNumber orderIndex } }
}"""
NESTED = """subscription ($trip: UUID!) {
  tripItemChanges(tripId: $trip) { operation id tripItem { id title notes cost place { name } } }
}"""


@dataclass(frozen=True)
class Stretch:
    """One stretch of changes.

    Attributes:
        asked_rate: Changes a second; `None` for as fast as they can be written.
        judgement: See `bench.realtime.load.Judgement`.
        late_ms: By how much the writer fell behind at the most.
        cpu_us: CPU microseconds a delivery of each process tree.
        cores: How many cores each kept busy, and all other programs under `elsewhere`.
        reads: Requests to PostgREST meanwhile.
    """

    name: str
    asked_rate: float | None
    changes: int
    changes_per_second: float
    deliveries_per_second: float
    late_ms: float
    judgement: dict[str, Any]
    cpu_us: dict[str, float]
    cores: dict[str, float]
    reads: int


@dataclass(frozen=True)
class Idle:
    """What it takes that everybody follows and nothing happens. Memory is the resident set of the gateway."""

    subscribers: int
    seconds: float
    cpu_ms: float
    before_kb: float
    after_kb: float
    reads: int
    sockets: int
    channels: int

    @property
    def kb_each(self) -> float:
        """Memory a subscriber."""
        return (self.after_kb - self.before_kb) / self.subscribers


@dataclass(frozen=True)
class Found:
    """All of it."""

    size: Size
    idle: Idle
    stretches: tuple[Stretch, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**dataclasses.asdict(self), "kb_per_idle_subscriber": self.idle.kb_each}

    @property
    def mistakes(self) -> list[str]:
        """What must not have happened."""
        return [
            f"realtime, {each.name}: {each.judgement[kind]} {kind.replace('_', ' ')} {each.judgement['first_wrong']}"
            for each in self.stretches
            for kind in ("lost", "duplicated", "out_of_order", "stale", "wrong")
            if each.judgement[kind]
        ]


class _Bench:
    def __init__(self, relay: Child, clients: Child, trees: dict[str, Tree], writer: Writer, crowd: Crowd) -> None:
        self._relay = relay
        self._clients = clients
        self._trees = trees
        self._writer = writer
        self._crowd = crowd

    def idle(self, url: str, progress: Callable[[str], None]) -> Idle:
        """Connect everybody and wait until each follows."""
        gateway = self._trees["gateway"]
        parts = urlsplit(url)
        address = {"host": parts.hostname, "port": parts.port}
        # The first to subscribe makes the gateway load what subscriptions need.
        first = self._crowd.members[-1]
        self._do("connect", "connected", **address, members=[[first.token, first.trip]])
        self._do("follow", "following", document=RECORD, trips=self._crowd.trips)
        self._until_all_follow(1)
        self._do("leave", "left")
        before = self._settled()
        counts, cpu, began = self.counts(), gateway.seconds(), time.monotonic()
        members = [[each.token, each.trip] for each in self._crowd.members]
        progress(f"realtime: {len(members):,} subscribers connect")
        self._do("connect", "connected", **address, members=members)
        self._follow(RECORD)
        seconds, cpu = time.monotonic() - began, gateway.seconds() - cpu
        self._until_all_follow(len(members))
        after, now = self._settled(), self.counts()
        return Idle(
            subscribers=len(members),
            seconds=seconds,
            cpu_ms=cpu * 1000,
            before_kb=before,
            after_kb=after,
            reads=now["reads"] - counts["reads"],
            sockets=now["sockets"],
            channels=now["joins"] - counts["joins"],
        )

    def refollow(self, document: str) -> None:
        """Everybody follows with another selection."""
        self._follow(document)
        self._until_all_follow(len(self._crowd.members))

    def stretch(self, name: str, rate: float | None, write: Callable[[], Written]) -> Stretch:
        """Write, wait until all has come, and judge it."""
        reads = self.counts()["reads"]
        used = {key: tree.seconds() for key, tree in self._trees.items()}
        machine, began = machine_seconds(), time.monotonic()
        written = write()
        wrote = time.monotonic() - began
        changes = len(written.committed_at)
        each = len(self._crowd.members) // len(self._crowd.trips)
        self._do("collect", "collected", deliveries=changes * each, quiet_seconds=_QUIET_SECONDS)
        seconds = time.monotonic() - began
        spent = {key: tree.seconds() - used[key] for key, tree in self._trees.items()}
        elsewhere = max(0.0, machine_seconds() - machine - sum(spent.values()))
        reads = self.counts()["reads"] - reads
        judged = self._judge(written)
        deliveries = max(1, judged["deliveries"])
        return Stretch(
            name=name,
            asked_rate=rate,
            changes=changes,
            changes_per_second=changes / wrote,
            deliveries_per_second=judged["deliveries"] / (judged["seconds"] or 1.0),
            late_ms=written.late * 1000,
            judgement=judged,
            cpu_us={key: value * 1e6 / deliveries for key, value in spent.items()},
            cores={**{key: value / seconds for key, value in spent.items()}, "elsewhere": elsewhere / seconds},
            reads=reads,
        )

    def counts(self) -> dict[str, int]:
        """What the gateway has asked of Supabase so far."""
        self._relay.tell("")
        return self._relay.hear("counted")

    def _follow(self, document: str) -> None:
        """Everybody subscribes, and has been admitted by a read when this returns."""
        before, deadline = self.counts()["reads"], time.monotonic() + 60
        self._do("follow", "following", document=document, trips=self._crowd.trips)
        while self.counts()["reads"] - before < len(self._crowd.members) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _until_all_follow(self, subscribers: int) -> None:
        """Nothing is sent on subscribing, so provoke a delivery to each."""
        for _ in range(20):
            written = self._writer.at_once(1)
            self._do("collect", "collected", deliveries=subscribers, quiet_seconds=2.0)
            judged = self._judge(written)
            if judged["wrong"]:
                raise WrongAnswerError(f"realtime: {judged['first_wrong']}")
            if judged["silent"] == 0:
                return
        raise WrongAnswerError(f"realtime: {judged['silent']} of {subscribers} subscribers never hear of a change")

    def _settled(self) -> float:
        """The gateway's memory in KB, once it does not change any more."""
        last = 0.0
        for _ in range(_LONGEST_SETTLING):
            now = self._trees["gateway"].resident() / 1024
            if abs(now - last) < 64:
                break
            last = now
            time.sleep(1)
        return now

    def _judge(self, written: Written) -> dict[str, Any]:
        cycle = len(self._crowd.trips) * len(self._crowd.items[0])
        return self._do("judge", "judged", numbers=written.numbers, committed_at=written.committed_at, cycle=cycle)

    def _do(self, what: str, event: str, **parameters: Any) -> dict[str, Any]:
        self._clients.tell(json.dumps({"do": what, **parameters}))
        return self._clients.hear(event)


def measure(site: Site, progress: Callable[[str], None]) -> Found:
    """Measure one gateway process under live subscribers.

    Raises:
        WrongAnswerError: Subscribers are refused, or hear nothing.
    """
    progress(f"realtime: loading {SIZE.people:,} people on {SIZE.trips} trips")
    crowd = load(site.info.admin_db_url, site.data_dir, site.info.api_url, SIZE)
    with _bench(site, crowd) as (bench, writer, url):
        idle = bench.idle(url, progress)
        stretches = []

        def measured(name: str, rate: float | None, write: Callable[[], Written]) -> None:
            found = bench.stretch(name, rate, write)
            stretches.append(found)
            progress(
                f"realtime: {name}: p99 {found.judgement['p99_ms']:,.0f} ms, "
                f"{found.deliveries_per_second:,.0f} deliveries/s"
            )

        for rate, seconds in STEADY:
            measured(f"{rate:g} changes/s", rate, partial(writer.steadily, rate, seconds))
        measured("burst", None, partial(writer.at_once, BURST_ROUNDS))
        bench.refollow(NESTED)
        rate, seconds = NESTED_STEADY
        measured(f"nested, {rate:g} changes/s", rate, partial(writer.steadily, rate, seconds))
    return Found(SIZE, idle, tuple(stretches))


@contextmanager
def _bench(site: Site, crowd: Crowd) -> Iterator[tuple[_Bench, Writer, str]]:
    env = {**os.environ, **child_env()}
    with (
        Child("bench.realtime.relay", ROOT, env) as relay,
        Child("bench.realtime.load", ROOT, env) as clients,
        psycopg.connect(site.info.admin_db_url, autocommit=True) as connection,
    ):
        relay.tell(json.dumps({"rest": site.info.rest_url, "realtime": site.info.api_url}))
        ports = relay.hear("open")
        assert TRIPGATE.module is not None
        gateway_env = {
            **dict(TRIPGATE.env),
            # All come from this machine.
            "TRIPGATE_MAX_CONNECTIONS_PER_ADDRESS": "20000",
            "TRIPGATE_MAX_LIVE_CONNECTIONS_PER_ADDRESS": "20000",
            "TRIPGATE_REST_URL": f"http://127.0.0.1:{ports['rest']}",
            "TRIPGATE_REALTIME_URL": f"http://127.0.0.1:{ports['realtime']}/realtime/v1",
        }
        gateway = site.start("tripgate_realtime", TRIPGATE.module, TRIPGATE.arguments, gateway_env)
        url = site.address(gateway)
        trees = {
            "gateway": Tree.serving(url),
            "realtime": Tree.running("tripgate.local.realtime"),
            "door": Tree.serving(site.info.api_url),
            "postgrest": Tree.serving(site.info.rest_url),
            "postgres": Tree.serving(site.info.db_url),
            "clients": Tree(psutil.Process(clients.pid)),
            "relay": Tree(psutil.Process(relay.pid)),
        }
        writer = Writer(connection, crowd)
        yield _Bench(relay, clients, trees, writer, crowd), writer, url
        gateway.stop()

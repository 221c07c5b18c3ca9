"""Subscribers over `graphql-transport-ws`, in a process of their own, and who polls the database in their place.

Messages are kept as they come, with the time of their arrival, and read after the measured stretch. `bench.live` calls
the functions one after the other in that process; its event loop runs while one of them does.
"""

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import psycopg

from bench.load import WrongAnswerError, percentile

_AT_ONCE = 32
MARK = "Ask for a table outside."  # behind the number of a change, in an item's notes


@dataclass
class Judgement:
    """What came, against what was written. Latencies in milliseconds, from the commit to the client.

    Attributes:
        deliveries: How many changes came to somebody, by themselves or in an answer.
        lost: Those that did not come, to subscribers who were not told RESYNC.
        wrong: Messages of another kind, or with another content.
        silent: Subscribers who heard nothing.
        seconds: From the first commit to the last delivery.
    """

    deliveries: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    resyncs: int = 0
    wrong: int = 0
    first_wrong: str = ""
    silent: int = 0
    seconds: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


@dataclass
class _Subscriber:
    """One connection and its one subscription, to the trip of this number."""

    socket: aiohttp.ClientWebSocketResponse
    trip: int
    received: list[tuple[float, str]] = field(default_factory=list)

    async def listen(self) -> None:
        async for message in self.socket:
            _crowd.last = time.monotonic()
            _crowd.arrivals += 1
            self.received.append((_crowd.last, message.data))
        self.received.append((time.monotonic(), f'{{"closed": {self.socket.close_code or 0}}}'))


class _Crowd:
    """Everybody."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.http: aiohttp.ClientSession | None = None
        self.subscribers: list[_Subscriber] = []
        self.listening: list[asyncio.Task[None]] = []
        self.operation = 0
        self.arrivals = 0
        self.last = 0.0


_crowd = _Crowd()


def connect(url: str, members: Sequence[tuple[str, int]]) -> None:
    """Connect people by their tokens; each belongs to a trip."""
    gc.disable()

    async def everybody() -> None:
        turn = asyncio.Semaphore(_AT_ONCE)
        http = _crowd.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

        async def one(token: str, trip: int) -> _Subscriber:
            async with turn:
                # As a browser does, it offers compression.
                socket = await http.ws_connect(url, protocols=("graphql-transport-ws",), compress=15)
                await socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
                said = await socket.receive_json(timeout=30)
                if said["type"] != "connection_ack":
                    raise WrongAnswerError(f"live: the server does not welcome a subscriber: {said}")
                return _Subscriber(socket, trip)

        _crowd.subscribers = list(await asyncio.gather(*(one(*member) for member in members)))
        _crowd.listening = [asyncio.create_task(each.listen()) for each in _crowd.subscribers]

    _crowd.runner.run(everybody())


def follow(document: str, trips: Sequence[str]) -> None:
    """Everybody completes what they follow and subscribes to their trip; with an empty document, to nothing."""

    async def subscribe() -> None:
        for each in _crowd.subscribers:
            if _crowd.operation:
                await each.socket.send_json({"type": "complete", "id": str(_crowd.operation)})
            if document:
                payload = {"query": document, "variables": {"trip": trips[each.trip]}}
                await each.socket.send_json({"type": "subscribe", "id": str(_crowd.operation + 1), "payload": payload})
            await asyncio.sleep(0)

    _crowd.runner.run(subscribe())
    _crowd.operation = _crowd.operation + 1 if document else 0


def collect(deliveries: float, quiet_seconds: float) -> None:
    """Wait for so many, or until nothing has come for so long."""

    async def wait() -> None:
        _crowd.last = time.monotonic()
        # Looked at now and then, so that an arrival costs nothing more.
        while _crowd.arrivals < deliveries and time.monotonic() - _crowd.last < quiet_seconds:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)  # what comes twice comes now

    _crowd.runner.run(wait())


def leave() -> None:
    """Everybody hangs up."""

    async def hang_up() -> None:
        for task in _crowd.listening:
            task.cancel()
        await asyncio.gather(*_crowd.listening, return_exceptions=True)
        if _crowd.http is not None:
            await _crowd.http.close()

    _crowd.runner.run(hang_up())
    _crowd.subscribers, _crowd.listening, _crowd.operation, _crowd.arrivals = [], [], 0, 0


def judge(numbers: Sequence[Sequence[int]], committed_at: dict[int, float], *, answers: bool) -> Judgement:
    """What came since the last judgement, against what was written: for each trip the numbers of its changes.

    Args:
        answers: Whether each message shows all changes until then, and not one.
    """
    found = Judgement()
    latencies: list[float] = []
    last = 0.0
    for subscriber in _crowd.subscribers:
        waiting, before, resyncs = list(numbers[subscriber.trip]), -1, 0
        for at, text in subscriber.received:
            number = _number(orjson.loads(text))
            if number == "RESYNC":
                resyncs += 1
            elif not isinstance(number, int) or (number not in committed_at and not answers):
                found.wrong += 1
                found.first_wrong = found.first_wrong or text[:500]
            else:
                come = [each for each in waiting if each <= number] if answers else [number]
                found.duplicated += not answers and number not in waiting
                found.out_of_order += number < before
                before = number
                waiting = [each for each in waiting if each not in come]
                latencies += [(at - committed_at[each]) * 1000 for each in come]
                last = at if come else last
        subscriber.received.clear()
        found.silent += bool(waiting) and before < 0
        found.resyncs += resyncs
        found.lost += 0 if resyncs else len(waiting)
    _crowd.arrivals = 0
    latencies.sort()
    found.deliveries = len(latencies)
    found.seconds = last - min(committed_at.values(), default=last)
    found.p50_ms, found.p99_ms = percentile(latencies, 0.50), percentile(latencies, 0.99)
    found.max_ms = latencies[-1] if latencies else 0.0
    gc.collect()
    return found


def _number(message: dict[str, Any]) -> int | str | None:
    """The number of the change, or of the last one that an answer shows; RESYNC; `None` for what was not asked for."""
    payload = message.get("payload", {})
    if message.get("type") != "next" or "errors" in payload:
        return None
    change = payload["data"].get("tripItemChanges")
    if change is None:
        notes = [node["notes"] or "" for node in payload["data"]["trip"]["items"]["nodes"]]
        return max(int(note.partition(" ")[0]) for note in notes if note.endswith(f" {MARK}"))
    item = change["tripItem"]
    if change["operation"] != "UPDATE" or item is None:
        return "RESYNC" if change["operation"] == "RESYNC" else None
    return int(item["notes"].partition(" ")[0]) if item["id"] == change["id"] else None


# Hasura's way: one statement for a hundred who ask the same, with its own condition in place of row level security.
_POLLED = """
select asks.n, json_build_object('type', 'next', 'payload', json_build_object('data', json_build_object('trip', (
    select json_build_object('id', trip.id, 'title', trip.title, 'items', json_build_object('nodes', (
        select coalesce(json_agg(json_build_object('id', item.id, 'title', item.title, 'notes', item.notes)), '[]')
        from (
            select * from public.trip_items where trip_id = trip.id order by day_number, order_index, id limit 20
        ) item
    )))
    from public.trips trip
    where trip.id = asks.trip and (trip.user_id = asks.person or exists (
        select from public.collaborators
        where collaborators.trip_id = trip.id and collaborators.user_id = asks.person
    ))
))))::text
from unnest(%s::int[], %s::uuid[], %s::uuid[]) asks (n, person, trip)
"""


def poll(database_url: str, people: Sequence[str], trips: Sequence[str], every: float, seconds: float) -> None:
    """Ask for everybody again and again, a hundred at once, and keep what differs; nobody is told over the network."""
    asking = [(n, people[n], trips[each.trip]) for n, each in enumerate(_crowd.subscribers)]
    known: dict[int, str] = {}
    end = time.monotonic() + seconds
    with psycopg.connect(database_url, autocommit=True) as connection:
        while (began := time.monotonic()) < end:
            for first in range(0, len(asking), 100):
                some = [list(each) for each in zip(*asking[first : first + 100], strict=True)]
                for number, text in connection.execute(_POLLED, some).fetchall():
                    if known.get(number) not in {None, text}:
                        _crowd.subscribers[number].received.append((time.monotonic(), text))
                    known[number] = text
            time.sleep(max(0.0, began + every - time.monotonic()))

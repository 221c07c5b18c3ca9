"""Subscribers over `graphql-transport-ws`, and who polls the database in their place.

Messages are kept as they come, with the time of their arrival, and read after the measured stretch.
"""

import asyncio
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
class Subscriber:
    """Somebody, and what they heard of the trip of this number; a connection with one subscription."""

    token: str
    trip: int
    received: list[tuple[float, str]] = field(default_factory=list)
    socket: aiohttp.ClientWebSocketResponse | None = None


class Crowd:
    """Everybody."""

    def __init__(self, members: Sequence[tuple[str, int]]) -> None:
        self.subscribers = [Subscriber(*member) for member in members]
        self._operation = 0
        self._arrivals = 0
        self._last = 0.0
        self._http: aiohttp.ClientSession | None = None
        self._listening: list[asyncio.Task[None]] = []

    async def connect(self, url: str) -> None:
        """Everybody connects; as browsers do, they offer compression."""
        turn = asyncio.Semaphore(_AT_ONCE)
        http = self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

        async def one(each: Subscriber) -> None:
            async with turn:
                each.socket = await http.ws_connect(url, protocols=("graphql-transport-ws",), compress=15)
                payload = {"Authorization": f"Bearer {each.token}"}
                await each.socket.send_json({"type": "connection_init", "payload": payload})
                said = await each.socket.receive_json(timeout=30)
                if said["type"] != "connection_ack":
                    raise WrongAnswerError(f"live: the server does not welcome a subscriber: {said}")

        await asyncio.gather(*map(one, self.subscribers))
        self._listening = [asyncio.create_task(self._listen(each)) for each in self.subscribers]

    async def _listen(self, each: Subscriber) -> None:
        assert each.socket is not None
        async for message in each.socket:
            self._last = time.monotonic()
            self._arrivals += 1
            each.received.append((self._last, message.data))
        each.received.append((time.monotonic(), f'{{"closed": {each.socket.close_code or 0}}}'))

    async def follow(self, document: str, trips: Sequence[str]) -> None:
        """Everybody completes what they follow and subscribes to their trip; with an empty document, to nothing."""
        for each in self.subscribers:
            assert each.socket is not None
            if self._operation:
                await each.socket.send_json({"type": "complete", "id": str(self._operation)})
            if document:
                payload = {"query": document, "variables": {"trip": trips[each.trip]}}
                await each.socket.send_json({"type": "subscribe", "id": str(self._operation + 1), "payload": payload})
        self._operation = self._operation + 1 if document else 0

    async def collect(self, deliveries: float, quiet_seconds: float) -> None:
        """Wait for so many, or until nothing has come for so long."""
        self._last = time.monotonic()
        # Looked at now and then, so that an arrival costs nothing more.
        while self._arrivals < deliveries and time.monotonic() - self._last < quiet_seconds:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)  # what comes twice comes now

    async def leave(self) -> None:
        """Everybody hangs up."""
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
        self._operation = 0

    def judge(self, numbers: Sequence[Sequence[int]], committed_at: dict[int, float], *, answers: bool) -> Judgement:
        """What came since the last judgement, against what was written: for each trip the numbers of its changes.

        Args:
            answers: Whether each message shows all changes until then, and not one.
        """
        found = Judgement()
        latencies: list[float] = []
        last = 0.0
        for subscriber in self.subscribers:
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
        self._arrivals = 0
        latencies.sort()
        found.deliveries = len(latencies)
        found.seconds = last - min(committed_at.values(), default=last)
        found.p50_ms, found.p99_ms = percentile(latencies, 0.50), percentile(latencies, 0.99)
        found.max_ms = latencies[-1] if latencies else 0.0
        return found

    async def poll(self, database_url: str, people: Sequence[str], trips: Sequence[str], seconds: float) -> None:
        """Ask for everybody every second, a hundred at once, and keep what differs; nobody is told over the network."""
        asking = [(n, people[n], trips[each.trip]) for n, each in enumerate(self.subscribers)]
        known: dict[int, str] = {}
        end = time.monotonic() + seconds
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            while (began := time.monotonic()) < end:
                for first in range(0, len(asking), 100):
                    some = [list(each) for each in zip(*asking[first : first + 100], strict=True)]
                    for number, text in await (await connection.execute(_POLLED, some)).fetchall():
                        if known.get(number) not in {None, text}:
                            self.subscribers[number].received.append((time.monotonic(), text))
                        known[number] = text
                await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))


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
select n, json_build_object('type', 'next', 'payload', json_build_object('data', json_build_object('trip', (
    select json_build_object('id', id, 'title', title, 'items', json_build_object('nodes', (
        select coalesce(json_agg(json_build_object('id', id, 'title', title, 'notes', notes)), '[]')
        from (select * from public.trip_items where trip_id = trips.id order by day_number, order_index limit 20) items
    )))
    from public.trips where id = trip and (
        user_id = person or exists (select from public.collaborators c where trip_id = trip and c.user_id = person)
    )
))))::text
from unnest(%s::int[], %s::uuid[], %s::uuid[]) asks (n, person, trip)
"""

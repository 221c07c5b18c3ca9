"""Subscribers over `graphql-transport-ws`, in a process of their own, with little CPU: one asyncio protocol each.

Messages are kept as they come, with the time of their arrival, and read after the measured stretch. The functions are
called one after the other in that process by `bench.realtime.run`; its event loop runs while one of them does.
"""

import asyncio
import base64
import gc
import os
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.load import WrongAnswerError, percentile

_AT_ONCE = 32
_QUIET_SECONDS = 0.3
_TEXT, _CLOSE, _PING = 1, 8, 9
_COMPRESSED = 0x40
# Appended to a message before it is inflated: RFC 7692, section 7.2.2.
_TAIL = b"\x00\x00\xff\xff"


@dataclass
class Judgement:
    """What came, against what was written. Latencies in milliseconds, from the commit to the client.

    Attributes:
        lost: Deliveries that did not come, to subscribers who were not told RESYNC.
        wrong: Messages of another kind or with another content, such as the row before the change.
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


class _Subscriber(asyncio.Protocol):
    """One connection and its one subscription."""

    def __init__(self, crowd: "_Crowd", host: str, token: str) -> None:
        self._crowd = crowd
        self._host = host
        self._token = token
        self._buffer = b""
        self._upgraded = False
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self.received: list[tuple[float, bytes, bool]] = []
        self.acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade; as a browser does, offer compression."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        fields = (
            "GET /graphql HTTP/1.1",
            f"Host: {self._host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: graphql-transport-ws",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        )
        transport.write("\r\n".join([*fields, "", ""]).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self.lost or f"the server closed a connection: {exc or 'end of stream'}"
        if not self.acknowledged.done():
            self.acknowledged.set_exception(WrongAnswerError(self.lost))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        data = self._buffer + data if self._buffer else data
        at = 0
        if not self._upgraded:
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._buffer = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.lost = f"the server does not upgrade: {data[:200]!r}"
                self.transport.close()
                return
            self._upgraded = True
            self.send(type="connection_init", payload={"Authorization": f"Bearer {self._token}"})
        size = len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length >= 126:
                start += 2 if length == 126 else 8
                length = int.from_bytes(data[at + 2 : start], "big")
            if size - start < length:
                break
            self._take(now, data[at], data[start : start + length])
            at = start + length
        self._buffer = data[at:]

    def messages(self) -> list[tuple[float, dict[str, Any]]]:
        """What has come since the last call, decoded."""
        found = [
            (at, orjson.loads(self._inflater.decompress(data + _TAIL) if compressed else data))
            for at, data, compressed in self.received
        ]
        self.received.clear()
        return found

    def send(self, **message: object) -> None:
        """Send a protocol message."""
        self._frame(_TEXT, orjson.dumps(message))

    def _take(self, now: float, head: int, payload: bytes) -> None:
        kind = head & 0x0F
        if kind == _TEXT:
            self.received.append((now, payload, bool(head & _COMPRESSED)))
            if self.acknowledged.done():
                self._crowd.arrivals += 1
                self._crowd.last = now
            elif self.messages()[0][1].get("type") == "connection_ack":
                self.acknowledged.set_result(None)
        elif kind == _PING:
            self._frame(10, payload)
        elif kind == _CLOSE:
            self.lost = f"the server closed a connection: {payload[:100]!r}"

    def _frame(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        head = bytes((0x80 | kind, 0x80 | (size if size < 126 else 126)))
        # Masked with zeros, which leaves the payload as it is.
        self.transport.write(head + (size.to_bytes(2, "big") if size >= 126 else b"") + b"\0\0\0\0" + payload)


class _Crowd:
    """Everybody; the trip of each by its number."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.subscribers: list[_Subscriber] = []
        self.trips: list[int] = []
        self.operation = 0
        self.arrivals = 0
        self.last = 0.0


_crowd = _Crowd()


def connect(url: str, members: Sequence[tuple[str, int]]) -> None:
    """Connect people by their tokens; each belongs to a trip."""
    address = urlsplit(url)
    gc.disable()

    async def everybody() -> list[_Subscriber]:
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(token: str) -> _Subscriber:
            async with turn:
                _, found = await asyncio.get_running_loop().create_connection(
                    lambda: _Subscriber(_crowd, address.netloc, token), address.hostname, address.port
                )
                await asyncio.wait_for(found.acknowledged, 30)
                return found

        return list(await asyncio.gather(*(one(token) for token, _ in members)))

    _crowd.subscribers = _crowd.runner.run(everybody())
    _crowd.trips = [trip for _, trip in members]


def follow(document: str, trips: Sequence[str]) -> None:
    """Everybody completes what they follow and subscribes to their trip."""

    async def subscribe() -> None:
        for subscriber, trip in zip(_crowd.subscribers, _crowd.trips, strict=True):
            if _crowd.operation:
                subscriber.send(type="complete", id=str(_crowd.operation))
            payload = {"query": document, "variables": {"trip": trips[trip]}}
            subscriber.send(type="subscribe", id=str(_crowd.operation + 1), payload=payload)
            await asyncio.sleep(0)

    _crowd.runner.run(subscribe())
    _crowd.operation += 1


def collect(deliveries: float, quiet_seconds: float) -> None:
    """Wait for so many, or until nothing has come for so long."""

    async def wait() -> None:
        _crowd.last = time.monotonic()
        # Looked at now and then, so that an arrival costs nothing more.
        while _crowd.arrivals < deliveries and time.monotonic() - _crowd.last < quiet_seconds:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        # What comes twice comes now.
        await asyncio.sleep(_QUIET_SECONDS)

    _crowd.runner.run(wait())


def judge(numbers: Sequence[Sequence[int]], committed_at: dict[int, float]) -> Judgement:
    """What came since the last judgement, against what was written: for each trip the numbers of its changes."""
    found = Judgement()
    latencies: list[float] = []
    last = 0.0
    for subscriber, trip in zip(_crowd.subscribers, _crowd.trips, strict=True):
        wrong = [subscriber.lost] if subscriber.lost else []
        heard: list[int] = []
        resyncs = 0
        for at, message in subscriber.messages():
            number = _number(message)
            if number == "RESYNC":
                resyncs += 1
            elif isinstance(number, int) and number in committed_at:
                heard.append(number)
                latencies.append((at - committed_at[number]) * 1000)
                last = max(last, at)
            else:
                wrong.append(str(message)[:500])
        found.wrong += len(wrong)
        found.first_wrong = found.first_wrong or next(iter(wrong), "")
        found.resyncs += resyncs
        found.lost += 0 if resyncs else len(set(numbers[trip]) - set(heard))
        found.silent += bool(numbers[trip]) and not heard
        found.duplicated += sum(count - 1 for count in Counter(heard).values())
        found.out_of_order += sum(later < earlier for earlier, later in pairwise(heard))
    _crowd.arrivals = 0
    if latencies:
        latencies.sort()
        found.deliveries = len(latencies)
        found.seconds = last - min(committed_at.values())
        found.p50_ms, found.p99_ms = percentile(latencies, 0.50), percentile(latencies, 0.99)
        found.max_ms = latencies[-1]
    gc.collect()
    return found


def poll(document: str, trips: Sequence[str], seconds: float) -> None:
    """Everybody asks anew every second, each at a moment of their own."""

    async def asking(subscriber: _Subscriber, trip: str, number: int) -> None:
        await asyncio.sleep(number / len(_crowd.subscribers))
        payload = {"query": document, "variables": {"trip": trip}}
        end = time.monotonic() + seconds
        turn = 0
        while time.monotonic() < end:
            turn += 1
            subscriber.send(type="subscribe", id=f"poll{turn}", payload=payload)
            await asyncio.sleep(1)

    async def everybody() -> None:
        if _crowd.operation:
            for subscriber in _crowd.subscribers:
                subscriber.send(type="complete", id=str(_crowd.operation))
        crowd = zip(_crowd.subscribers, _crowd.trips, strict=True)
        await asyncio.gather(*(asking(each, trips[trip], number) for number, (each, trip) in enumerate(crowd)))

    _crowd.runner.run(everybody())


def forget() -> None:
    """Forget what has come until now."""
    for subscriber in _crowd.subscribers:
        subscriber.messages()
    _crowd.arrivals = 0


def judge_answers(numbers: Sequence[Sequence[int]], committed_at: dict[int, float]) -> Judgement:
    """When each change was in an answer for the first time, for everybody whom it concerns."""
    found = Judgement()
    latencies: list[float] = []
    for subscriber, trip in zip(_crowd.subscribers, _crowd.trips, strict=True):
        waiting = list(numbers[trip])
        newest = -1
        for at, message in subscriber.messages():
            if message["type"] == "next":
                nodes = message["payload"]["data"]["trip"]["items"]["nodes"]
                number = max(int(node["notes"].partition(" ")[0]) for node in nodes if _changed(node["notes"]))
                found.out_of_order += number < newest
                newest = max(newest, number)
                while waiting and waiting[0] <= newest:
                    latencies.append((at - committed_at[waiting.pop(0)]) * 1000)
            elif message["type"] != "complete":
                found.wrong += 1
                found.first_wrong = found.first_wrong or str(message)[:500]
        found.lost += len(waiting)
    latencies.sort()
    found.deliveries = len(latencies)
    if latencies:
        found.p50_ms, found.p99_ms = percentile(latencies, 0.50), percentile(latencies, 0.99)
        found.max_ms = latencies[-1]
    return found


def _changed(notes: str | None) -> bool:
    return notes is not None and notes.endswith(" Ask for a table outside.")


def leave() -> None:
    """Everybody hangs up."""
    for subscriber in _crowd.subscribers:
        subscriber.transport.close()
    _crowd.subscribers, _crowd.trips, _crowd.operation = [], [], 0
    _crowd.runner.run(asyncio.sleep(0.1))


def _number(message: dict[str, Any]) -> int | str | None:
    """The number in a change's notes, or RESYNC; `None` for what is not as asked for."""
    if message.get("type") != "next" or message.get("id") != str(_crowd.operation) or "errors" in message["payload"]:
        return None
    change = message["payload"]["data"]["tripItemChanges"]
    if change["operation"] == "RESYNC":
        return "RESYNC"
    item = change["tripItem"]
    if change["operation"] != "UPDATE" or not item or item["id"] != change["id"] or "lunch" not in item["title"]:
        return None
    number, _, rest = item["notes"].partition(" ")
    return int(number) if rest == "Ask for a table outside." else None

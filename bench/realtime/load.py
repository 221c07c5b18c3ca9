"""The subscribers' process: `python -m bench.realtime.load`, driven over its standard streams by `bench.realtime.run`.

Takes lines of JSON with `do` and its parameters; each is answered by one event:

- `connect` (`host`, `port`, `members`: token and trip): `{"event": "connected"}`
- `follow` (`document`, `trips`): every subscriber completes what it follows and subscribes: `{"event": "following"}`
- `collect` (`deliveries`, `quiet_seconds`): waits for so many, or until nothing has come for so long:
  `{"event": "collected"}`
- `judge` (`numbers`, `committed_at`, `cycle`: after so many numbers an item's turn comes again): what came since the
  last judgement, against what was written: `{"event": "judged", …}`, see `Judgement`
- `leave`: `{"event": "left"}`
"""

import asyncio
import gc
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import orjson

from bench.realtime.wire import Subscriber

_AT_ONCE = 32
_QUIET_SECONDS = 0.3


@dataclass
class Judgement:
    """What came, against what was written. Latencies in milliseconds, from the commit to the client.

    Attributes:
        lost: Deliveries that did not come, to subscribers who were not told RESYNC.
        stale: Deliveries that told of a change with the row as it was before.
        wrong: Messages of another kind or with another content.
        seconds: From the first commit to the last delivery.
    """

    deliveries: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    stale: int = 0
    resyncs: int = 0
    wrong: int = 0
    first_wrong: str = ""
    silent: int = 0
    seconds: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


class _Crowd:
    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._trips: list[int] = []
        # What each heard in former stretches, and all that was written in them.
        self._heard: list[set[int]] = []
        self._past: set[int] = set()
        self._arrivals = 0
        self._last = 0.0
        self._operation = 0

    async def connect(self, host: str, port: int, members: list[list[Any]]) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(token: str) -> Subscriber:
            async with turn:
                address = f"{host}:{port}"
                _, subscriber = await loop.create_connection(
                    lambda: Subscriber(address, token, self._arrived), host, port
                )
                await asyncio.wait_for(subscriber.acknowledged, 30)
                return subscriber

        self._subscribers = list(await asyncio.gather(*(one(token) for token, _ in members)))
        self._trips = [trip for _, trip in members]
        self._heard = [set() for _ in members]
        return {"event": "connected"}

    async def follow(self, document: str, trips: list[str]) -> dict[str, Any]:
        for subscriber, trip in zip(self._subscribers, self._trips, strict=True):
            if self._operation:
                subscriber.send(type="complete", id=str(self._operation))
            payload = {"query": document, "variables": {"trip": trips[trip]}}
            subscriber.send(type="subscribe", id=str(self._operation + 1), payload=payload)
            await asyncio.sleep(0)
        self._operation += 1
        return {"event": "following"}

    async def collect(self, deliveries: int, quiet_seconds: float) -> dict[str, Any]:
        self._last = time.monotonic()
        # Looked at now and then, so that an arrival costs nothing more.
        while self._arrivals < deliveries and time.monotonic() - self._last < quiet_seconds:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        # What comes twice comes now.
        await asyncio.sleep(_QUIET_SECONDS)
        return {"event": "collected"}

    async def judge(self, numbers: list[list[int]], committed_at: dict[str, float], cycle: int) -> dict[str, Any]:
        found = Judgement()
        latencies: list[float] = []
        stamps = {int(number): at for number, at in committed_at.items()}
        last = 0.0
        for subscriber, trip, before in zip(self._subscribers, self._trips, self._heard, strict=True):
            if subscriber.lost is not None:
                found.wrong += 1
                found.first_wrong = found.first_wrong or subscriber.lost
            heard: list[int] = []
            old: list[int] = []
            resyncs = 0
            for at, message in subscriber.messages():
                number = self._number(message)
                if number == "RESYNC":
                    resyncs += 1
                elif isinstance(number, int) and number in stamps:
                    heard.append(number)
                    latencies.append((at - stamps[number]) * 1000)
                    last = max(last, at)
                elif number in self._past:
                    old.append(int(number))
                else:
                    found.wrong += 1
                    found.first_wrong = found.first_wrong or str(message)[:500]
            found.resyncs += resyncs
            missing = set(numbers[trip]) - set(heard)
            for number in old:
                # The same item's former number in place of the one that is missing; else it comes late or again.
                behind = next((each for each in missing if each > number and (each - number) % cycle == 0), None)
                if number in before and behind is not None:
                    missing.discard(behind)
                    found.stale += 1
                else:
                    found.duplicated += number in before
            found.lost += 0 if resyncs else len(missing)
            found.silent += bool(numbers[trip]) and not heard
            found.duplicated += sum(count - 1 for count in Counter(heard).values())
            before.update(heard)
            found.out_of_order += sum(later < earlier for earlier, later in pairwise(heard))
        self._past.update(stamps)
        self._arrivals = 0
        if latencies:
            latencies.sort()
            found.deliveries = len(latencies)
            found.seconds = last - min(stamps.values())
            found.p50_ms = latencies[len(latencies) // 2]
            found.p99_ms = latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)]
            found.max_ms = latencies[-1]
        gc.collect()
        return {"event": "judged", **asdict(found)}

    async def leave(self) -> dict[str, Any]:
        for subscriber in self._subscribers:
            subscriber.close()
        self._subscribers, self._trips, self._operation = [], [], 0
        await asyncio.sleep(0.1)
        return {"event": "left"}

    def _arrived(self) -> None:
        self._arrivals += 1
        self._last = time.monotonic()

    def _number(self, message: dict[str, Any]) -> int | str | None:
        """The number in a change's notes, or RESYNC; `None` for what is not as asked for."""
        if message.get("type") != "next" or message.get("id") != str(self._operation):
            return None
        payload = message["payload"]
        if "errors" in payload:
            return None
        change = payload["data"]["tripItemChanges"]
        if change["operation"] == "RESYNC":
            return "RESYNC"
        item = change["tripItem"]
        if change["operation"] != "UPDATE" or not item or item["id"] != change["id"] or "lunch" not in item["title"]:
            return None
        number, _, rest = item["notes"].partition(" ")
        return int(number) if rest == "Ask for a table outside." else None


async def _serve() -> None:
    crowd = _Crowd()
    gc.disable()
    while line := await asyncio.to_thread(sys.stdin.readline):
        job = orjson.loads(line)
        try:
            answer = await getattr(crowd, job.pop("do"))(**job)
        except (OSError, TimeoutError) as error:
            answer = {"event": "failed", "message": f"subscribers: {error or type(error).__name__}"}
        sys.stdout.write(orjson.dumps(answer).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve())

"""Changes at a pace: one connection that updates items, round-robin over the trips.

Every change carries its number in the item's notes. It counts as committed when the server's answer to it is here.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from bench.realtime.crowd import Crowd

_ONE = "update public.trip_items set notes = %s where id = %s"
_MANY = """
update public.trip_items set notes = change.notes
from unnest(%s::uuid[], %s::text[]) as change (id, notes) where trip_items.id = change.id
"""


@dataclass
class Written:
    """What was written: for each trip the numbers in the order of their commits, and when each was committed.

    Attributes:
        late: Seconds by which the writer fell behind its pace, at the most.
    """

    numbers: list[list[int]]
    committed_at: dict[int, float] = field(default_factory=dict)
    late: float = 0.0


class Writer:
    """Writes as superuser, behind the API's back."""

    def __init__(self, connection: psycopg.Connection, crowd: Crowd) -> None:
        self._connection = connection
        self._crowd = crowd
        self._next = 0

    def steadily(self, rate: float, seconds: float) -> Written:
        """So many changes a second, each in a transaction of its own."""
        written = self._nothing()
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            else:
                written.late = max(written.late, -wait)
            self._write(written, 1)
        return written

    def at_once(self, rounds: int) -> Written:
        """As fast as it goes: each transaction changes one item of every trip."""
        written = self._nothing()
        for _ in range(rounds):
            self._write(written, len(self._crowd.trips))
        return written

    def _nothing(self) -> Written:
        return Written([[] for _ in self._crowd.trips])

    def _write(self, written: Written, count: int) -> None:
        numbers = range(self._next, self._next + count)
        self._next += count
        ids = [self._item(number) for number in numbers]
        notes = [f"{number} Ask for a table outside." for number in numbers]
        if count == 1:
            self._connection.execute(_ONE, [notes[0], ids[0]])
        else:
            self._connection.execute(_MANY, [ids, notes])
        now = time.monotonic()
        for number in numbers:
            written.numbers[number % len(self._crowd.trips)].append(number)
            written.committed_at[number] = now

    def _item(self, number: int) -> str:
        items: Sequence[str] = self._crowd.items[number % len(self._crowd.trips)]
        return items[number // len(self._crowd.trips) % len(items)]

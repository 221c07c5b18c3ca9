"""Answers kept for the person, and the very token, that they were made for.

An answer leaves at once when its person writes; when somebody else writes, through this gateway, a table that it looked
at and that nobody is told of; and when Realtime tells of a change on a trip that it looked at. What is missed ends with
the answer's time.

A read that began before such an event may show what was before, so its answer is not kept when it comes.
"""

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from cachetools import LRUCache
from graphql import GraphQLError

from tripgate.gateway.cache.hints import TRIPS, Hint, hint, untold_tables
from tripgate.gateway.cache.topics import Room, Topics, TripIds
from tripgate.gateway.operation import Operation, Prepared
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.sharing import SharingBackend

SETTLES_SECONDS = 0.5
"""A change is told from the log, and may be heard of a moment before it can be read; see `changed_row`."""

UNCERTAIN_SECONDS = 10.0
"""A write that was not answered may still happen, until Postgres gives its statement up."""

_SWEEP_SECONDS = 5.0
_HINTS = 1000
_OVERHEAD_BYTES = 1000

Make = Callable[[], Awaitable[dict[str, Any]]]
_Key = tuple[str | None, Operation, bytes]


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How much is kept, and for how long.

    Attributes:
        most_bytes: Of all answers together, as far as they can be counted.
        seconds: The longest, whatever a type declares.
        topics: How many topics of Realtime are joined for the people whose answers are kept.
    """

    most_bytes: int
    seconds: float
    topics: int


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer ready to be sent.

    Attributes:
        tag: What its bytes are told by; `None` where the answer is not one to be kept.
        errors: Those in it. What is kept has none.
    """

    body: bytes
    tag: str | None
    errors: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """An answer that is kept."""

    key: _Key
    person: "_Person"
    finished: Finished
    hint: Hint
    until: float

    @property
    def size(self) -> int:
        return len(self.finished.body) + len(self.key[2]) + _OVERHEAD_BYTES


class _Person:
    """Somebody whose answers are kept, under whichever tokens.

    Attributes:
        version: How many events have ended answers of theirs.
        settled: The time from which on what is read is as it will stay.
    """

    __slots__ = ("busy", "id", "kept", "settled", "topics", "used", "version")

    def __init__(self, id_: str | None, now: float) -> None:
        self.id = id_
        self.kept: dict[_Key, _Kept] = {}
        self.version = 0
        self.settled = 0.0
        self.topics: Topics | None = None
        self.used = now
        self.busy = 0


class AnswerCache:
    """The kept answers of this process.

    Attributes:
        paused: Whether nothing is kept for now, since what ends answers may not be heard of.
        bytes: What the kept answers take, as far as it is counted.

    Args:
        sharing: The backend that shares reads. What began before an event is not to be shared with what comes after,
            and would be kept; `None` where none are shared.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        relay: Relay,
        trip_ids: TripIds,
        limits: CacheLimits,
        *,
        sharing: SharingBackend | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._relay = relay
        self._trip_ids = trip_ids
        self._limits = limits
        self._sharing = sharing
        self._clock = clock
        self._room = Room(limits.topics)
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._people: OrderedDict[str | None, _Person] = OrderedDict()
        self._by_table: dict[str, dict[_Key, None]] = {table: {} for table in untold_tables()}
        self._versions = dict.fromkeys(untold_tables(), 0)
        self._hints: LRUCache[tuple[Operation, bytes], Hint | None] = LRUCache(maxsize=_HINTS)
        self._sweeping: asyncio.TimerHandle | None = None
        self.paused = False
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        """How many answers are kept."""
        return len(self._kept)

    async def answer(self, operation: Operation, prepared: Prepared, caller: Caller, make: Make) -> Finished:
        """The answer to a query, from among those that are kept or made now. Raises as `make` does."""
        if prepared.text is None:
            return await _unkept(make)
        # The token itself is part of it: no claim of another one can be answered from here.
        key = (caller.token, operation, prepared.text)
        now = self._clock()
        kept = self._kept.get(key)
        if kept is not None:
            if kept.until > now and self._heard(kept.person, kept.hint):
                self.hits += 1
                kept.person.used = now
                self._kept.move_to_end(key)
                self._people.move_to_end(kept.person.id)
                return kept.finished
            self._drop(kept)
        found = self._hint(key, prepared)
        if found is None:
            return await _unkept(make)
        self.misses += 1
        return await self._made(key, found, caller, make)

    async def _made(self, key: _Key, found: Hint, caller: Caller, make: Make) -> Finished:
        person = self._person(caller, found)
        began = self._clock()
        version, versions = person.version, self._of_tables(found)
        may_be_kept = not self.paused and began >= person.settled and self._heard(person, found)
        person.busy += 1
        try:
            answer = await make()
        finally:
            person.busy -= 1
        body = orjson.dumps(answer)
        if "errors" in answer:
            return Finished(body, None, answer["errors"])
        finished = Finished(body, blake2b(body, digest_size=16).hexdigest())
        if may_be_kept and version == person.version and versions == self._of_tables(found):
            seconds = min(found.seconds, self._limits.seconds)
            if caller.expires_at is not None:
                seconds = min(seconds, caller.expires_at - time.time())
            # Counted from when it was asked for: the answer may be as old as that.
            self._keep(_Kept(key, person, finished, found, began + seconds))
        return finished

    def writing(self, caller: Caller) -> None:
        """The person writes: what is kept of theirs may end any moment."""
        self._end_all(self._people.get(caller.user_id))

    def wrote(self, user_id: str | None, tables: Sequence[str], *, uncertain: bool = False) -> None:
        """A person has written, through this gateway or one beside it.

        Args:
            tables: Those to which they have that several people see and nobody is told of, and `trips`.
            uncertain: Whether what they wrote may still happen.
        """
        settled = self._clock() + UNCERTAIN_SECONDS if uncertain else 0.0
        person = self._people.get(user_id)
        if uncertain and person is None:
            person = self._new(user_id)
        self._end_all(person)
        if person is not None:
            person.settled = max(person.settled, settled)
            if person.topics is not None and (uncertain or TRIPS in tables):
                person.topics.unsure()
        for table in tables:
            if table in self._versions:
                self._versions[table] += 1
                if self._sharing is not None:
                    self._sharing.forget_all()
                for key in list(self._by_table[table]):
                    self._drop(self._kept[key])

    def clear(self) -> None:
        """Forget everything."""
        for person in list(self._people.values()):
            self._forget(person)

    def close(self) -> None:
        """Forget everything, for good."""
        self.clear()
        if self._sweeping is not None:
            self._sweeping.cancel()

    def _hint(self, key: _Key, prepared: Prepared) -> Hint | None:
        """What is known of an answer; the same for all who ask."""
        _, operation, text = key
        try:
            return self._hints[operation, text]
        except KeyError:
            found = self._hints[operation, text] = _hint(prepared)
            return found

    def _heard(self, person: _Person, found: Hint) -> bool:
        """Whether all that would end the answer before its time can be heard of."""
        return not found.told or (person.topics is not None and person.topics.heard(found.trips))

    def _person(self, caller: Caller, found: Hint) -> _Person:
        person = self._people.get(caller.user_id) or self._new(caller.user_id)
        person.used = self._clock()
        self._people.move_to_end(person.id)
        if found.told and caller.user_id is not None:
            if person.topics is not None and person.topics.expired and not caller.expired:
                person.topics.close()
                person.topics = None
            if person.topics is None:
                person.topics = Topics(
                    self._relay, self._trip_ids, self._room, lambda trips, table: self._news(person, trips, table)
                )
            person.topics.want(caller, found.trips)
        return person

    def _new(self, user_id: str | None) -> _Person:
        person = self._people[user_id] = _Person(user_id, self._clock())
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
        return person

    def _sweep(self) -> None:
        """Forget who has not asked for as long as any answer is kept; those who asked last stand last."""
        for person in self._people.values():
            if person.topics is not None and person.topics.expired:
                person.topics.close()
                person.topics = None
        since = self._clock() - max(self._limits.seconds, UNCERTAIN_SECONDS)
        idle = list(itertools.takewhile(lambda person: person.used < since, self._people.values()))
        for person in idle:
            if not person.busy:
                self._forget(person)
        again = asyncio.get_running_loop().call_later
        self._sweeping = again(_SWEEP_SECONDS, self._sweep) if self._people else None

    def _forget(self, person: _Person) -> None:
        self._end_all(person)
        if person.topics is not None:
            person.topics.close()
        del self._people[person.id]

    def _news(self, person: _Person, trips: frozenset[str] | None, table: str | None) -> None:
        """Realtime tells of a change on these trips; `None` for any trip, any table."""
        person.version += 1
        if self._sharing is not None:
            self._sharing.forget(person.id)
        person.settled = max(person.settled, self._clock() + SETTLES_SECONDS)
        for kept in list(person.kept.values()):
            found = kept.hint
            if (
                found.told
                and (table is None or table in found.tables)
                and (trips is None or found.trips is None or not trips.isdisjoint(found.trips))
            ):
                self._drop(kept)

    def _end_all(self, person: _Person | None) -> None:
        if person is not None:
            person.version += 1
            for kept in list(person.kept.values()):
                self._drop(kept)

    def _of_tables(self, found: Hint) -> list[int]:
        return [version for table, version in self._versions.items() if table in found.tables]

    def _keep(self, kept: _Kept) -> None:
        if (old := self._kept.get(kept.key)) is not None:
            self._drop(old)
        if kept.size > self._limits.most_bytes // 8:
            return  # one answer is not to push all others out
        self._kept[kept.key] = kept
        kept.person.kept[kept.key] = kept
        self.bytes += kept.size
        for table, keys in self._by_table.items():
            if table in kept.hint.tables:
                keys[kept.key] = None
        while self.bytes > self._limits.most_bytes:
            self._drop(next(iter(self._kept.values())))

    def _drop(self, kept: _Kept) -> None:
        del self._kept[kept.key]
        del kept.person.kept[kept.key]
        self.bytes -= kept.size
        for keys in self._by_table.values():
            keys.pop(kept.key, None)


async def _unkept(make: Make) -> Finished:
    answer = await make()
    return Finished(orjson.dumps(answer), None, answer.get("errors", ()))


def _hint(prepared: Prepared) -> Hint | None:
    try:
        return hint(prepared.roots, prepared.values)
    except GraphQLError:
        return None  # whoever makes the answer says what is wrong

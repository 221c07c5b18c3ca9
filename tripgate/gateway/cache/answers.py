"""Answers cached for the person, and the very token, that they were made for.

An answer is dropped at once when its person writes; when somebody else writes, through a gateway, to a table of it that
no topic tells of; and when Realtime tells of a change on one that it depends on. What is missed ends when it expires.

A read that began before such an event may show what was before, so its answer is not cached.
"""

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any

import orjson
from cachetools import LRUCache
from graphql import GraphQLError

from tripgate.gateway.operation import Operation, PreparedOperation
from tripgate.gateway.staleness.dependencies import Dependencies, dependencies, gateway_write_tables
from tripgate.gateway.staleness.person_topics import PersonTopics, TopicBudget
from tripgate.gateway.staleness.scope_topics import RowKeys
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.sharing import SharingBackend

SETTLES_SECONDS = 0.5
"""A change comes from the write-ahead log, perhaps a moment before it can be read; see `changed_row`."""

UNCERTAIN_SECONDS = 10.0
"""A write that was not answered may still happen, until Postgres gives its statement up."""

_SWEEP_SECONDS = 5.0
_HINTS = 1000
_OVERHEAD_BYTES = 1000

Make = Callable[[], Awaitable[dict[str, Any]]]
_Key = tuple[str | None, Operation, bytes]


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """The limits of the cache.

    Attributes:
        most_bytes: Of all answers together, as far as they can be counted.
        seconds: The longest, whatever a type declares.
        topics: How many topics of Realtime are joined for the people whose answers are cached.
    """

    most_bytes: int
    seconds: float
    topics: int


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer ready to be sent.

    Attributes:
        tag: The hash of its bytes; `None` where it may not be cached.
        errors: Those in it. What is cached has none.
    """

    body: bytes
    tag: str | None
    errors: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _CachedAnswer:
    """A cached answer."""

    key: _Key
    person: "_Person"
    finished: Finished
    hint: Dependencies
    until: float

    @property
    def size(self) -> int:
        return len(self.finished.body) + len(self.key[2]) + _OVERHEAD_BYTES


class _Person:
    """Somebody whose answers are cached, under whichever tokens.

    Attributes:
        version: How many events have invalidated answers of theirs.
        stable_from: Reads that begin earlier may not show the last write yet, so they are not cached.
    """

    __slots__ = ("busy", "cached", "id", "stable_from", "topics", "used", "version")

    def __init__(self, id_: str | None, now: float) -> None:
        self.id = id_
        self.cached: dict[_Key, _CachedAnswer] = {}
        self.version = 0
        self.stable_from = 0.0
        self.topics: PersonTopics | None = None
        self.used = now
        self.busy = 0


class AnswerCache:
    """The cached answers of this process.

    Attributes:
        paused: Whether nothing is cached for now, since invalidations may be missed.
        bytes: What the cached answers take, as far as it is counted.

    Args:
        sharing: The backend that shares reads. What began before an event is not to be shared with what comes after,
            and would be cached; `None` where none are shared.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        relay: Relay,
        row_keys: RowKeys,
        limits: CacheLimits,
        *,
        sharing: SharingBackend | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._relay = relay
        self._row_keys = row_keys
        self._limits = limits
        self._sharing = sharing
        self._clock = clock
        self._topic_budget = TopicBudget(limits.topics)
        self._cached: OrderedDict[_Key, _CachedAnswer] = OrderedDict()
        self._people: OrderedDict[str | None, _Person] = OrderedDict()
        self._by_table: dict[str, dict[_Key, None]] = {table: {} for table in gateway_write_tables()}
        self._versions = dict.fromkeys(gateway_write_tables(), 0)
        self._hints: LRUCache[tuple[Operation, bytes], Dependencies | None] = LRUCache(maxsize=_HINTS)
        self._sweeping: asyncio.TimerHandle | None = None
        self.paused = False
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        """How many answers are cached."""
        return len(self._cached)

    async def answer(self, operation: Operation, prepared: PreparedOperation, caller: Caller, make: Make) -> Finished:
        """The answer to a query, cached or made now. Raises as `make` does."""
        if prepared.text is None:
            return await _uncached(make)
        # The token itself is part of it: no claim of another one can be answered from here.
        key = (caller.token, operation, prepared.text)
        now = self._clock()
        cached = self._cached.get(key)
        if cached is not None:
            if cached.until > now and self._can_be_invalidated(cached.person, cached.hint):
                self.hits += 1
                cached.person.used = now
                self._cached.move_to_end(key)
                self._people.move_to_end(cached.person.id)
                return cached.finished
            self._drop(cached)
        found = self._hint(key, prepared)
        if found is None:
            return await _uncached(make)
        self.misses += 1
        return await self._made(key, found, caller, make)

    async def _made(self, key: _Key, found: Dependencies, caller: Caller, make: Make) -> Finished:
        person = self._person(caller, found)
        began = self._clock()
        version, versions = person.version, self._of_tables(found)
        may_be_cached = not self.paused and began >= person.stable_from and self._can_be_invalidated(person, found)
        person.busy += 1
        try:
            answer = await make()
        finally:
            person.busy -= 1
        body = orjson.dumps(answer)
        if "errors" in answer:
            return Finished(body, None, answer["errors"])
        finished = Finished(body, blake2b(body, digest_size=16).hexdigest())
        if may_be_cached and version == person.version and versions == self._of_tables(found):
            seconds = min(found.seconds, self._limits.seconds)
            if caller.expires_at is not None:
                seconds = min(seconds, caller.expires_at - time.time())
            # Counted from when it was asked for: the answer may be as old as that.
            self._store(_CachedAnswer(key, person, finished, found, began + seconds))
        return finished

    def write_begins(self, caller: Caller) -> None:
        """Drop what is cached for a person who is about to write."""
        self._end_all(self._people.get(caller.user_id))

    def written(self, user_id: str | None, tables: Sequence[str], *, uncertain: bool = False) -> None:
        """Drop what a write through this gateway or another has made stale.

        Args:
            tables: Those that were written, of the tables that are invalidated by gateway writes, and of roots.
            uncertain: Whether what they written may still happen.
        """
        stable_from = self._clock() + UNCERTAIN_SECONDS if uncertain else 0.0
        person = self._people.get(user_id)
        if uncertain and person is None:
            person = self._new(user_id)
        self._end_all(person)
        if person is not None:
            person.stable_from = max(person.stable_from, stable_from)
            if person.topics is not None:
                person.topics.roots_written(tables, any_of_them=uncertain)
        for table in tables:
            if table in self._versions:
                self._versions[table] += 1
                if self._sharing is not None:
                    self._sharing.forget_all()
                for key in list(self._by_table[table]):
                    self._drop(self._cached[key])

    def clear(self) -> None:
        """Drop everything."""
        for person in list(self._people.values()):
            self._forget(person)

    def close(self) -> None:
        """Drop everything and stop."""
        self.clear()
        if self._sweeping is not None:
            self._sweeping.cancel()

    def _hint(self, key: _Key, prepared: PreparedOperation) -> Dependencies | None:
        """What is known of an answer; the same for all who ask."""
        _, operation, text = key
        try:
            return self._hints[operation, text]
        except KeyError:
            found = self._hints[operation, text] = _hint(prepared)
            return found

    def _can_be_invalidated(self, person: _Person, found: Dependencies) -> bool:
        """Whether every topic that would invalidate the answer is joined."""
        return not found.by_topic or (person.topics is not None and person.topics.joined(found.scopes))

    def _person(self, caller: Caller, found: Dependencies) -> _Person:
        person = self._people.get(caller.user_id) or self._new(caller.user_id)
        person.used = self._clock()
        self._people.move_to_end(person.id)
        if found.by_topic and caller.user_id is not None:
            if person.topics is not None and person.topics.expired and not caller.expired:
                person.topics.close()
                person.topics = None
            if person.topics is None:
                person.topics = PersonTopics(
                    self._relay,
                    self._row_keys,
                    self._topic_budget,
                    partial(self._invalidate, person),
                )
            person.topics.join(caller, found.scopes)
        return person

    def _new(self, user_id: str | None) -> _Person:
        person = self._people[user_id] = _Person(user_id, self._clock())
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
        return person

    def _sweep(self) -> None:
        """Forget who has not asked for as long as any answer is cached; those who asked last stand last."""
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

    def _invalidate(self, person: _Person, scope: str | None, keys: frozenset[str] | None, table: str | None) -> None:
        """Drop what a change in these rows of a scope has made stale; `None` for any scope, any row, any table."""
        person.version += 1
        if self._sharing is not None:
            self._sharing.forget(person.id)
        person.stable_from = max(person.stable_from, self._clock() + SETTLES_SECONDS)
        for cached in list(person.cached.values()):
            found = cached.hint
            if (found.by_topic or table is not None) and found.concerned(scope, keys, table):
                self._drop(cached)

    def _end_all(self, person: _Person | None) -> None:
        if person is not None:
            person.version += 1
            for cached in list(person.cached.values()):
                self._drop(cached)

    def _of_tables(self, found: Dependencies) -> list[int]:
        return [version for table, version in self._versions.items() if table in found.tables]

    def _store(self, cached: _CachedAnswer) -> None:
        if (old := self._cached.get(cached.key)) is not None:
            self._drop(old)
        if cached.size > self._limits.most_bytes // 8:
            return  # one answer must not evict all others
        self._cached[cached.key] = cached
        cached.person.cached[cached.key] = cached
        self.bytes += cached.size
        for table, keys in self._by_table.items():
            if table in cached.hint.tables:
                keys[cached.key] = None
        while self.bytes > self._limits.most_bytes:
            self._drop(next(iter(self._cached.values())))

    def _drop(self, cached: _CachedAnswer) -> None:
        del self._cached[cached.key]
        del cached.person.cached[cached.key]
        self.bytes -= cached.size
        for keys in self._by_table.values():
            keys.pop(cached.key, None)


async def _uncached(make: Make) -> Finished:
    answer = await make()
    return Finished(orjson.dumps(answer), None, answer.get("errors", ()))


def _hint(prepared: PreparedOperation) -> Dependencies | None:
    try:
        found = dependencies(prepared.roots, prepared.values)
    except GraphQLError:
        return None  # whoever makes the answer says what is wrong
    return found if found.seconds else None

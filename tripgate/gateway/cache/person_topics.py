"""The topics of Realtime that are joined on a person's behalf while answers of theirs are cached.

`user:<id>` tells that the person has come to a trip or left it; `trip:<id>` tells what happens on one. An answer that
depends on trips is cached and served only while the topics that would invalidate it are joined.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from gql.errors import ApiError
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, Operation
from tripgate.upstream.realtime.listener import TopicListener
from tripgate.upstream.realtime.relay import Relay

_log = logging.getLogger("tripgate.cache")

MOST_TRIPS = 50
"""Trips of one person whose topics are joined. With more, only answers that name their trip are cached."""

_LIST_GOOD_SECONDS = 60.0
_AGAIN_SECONDS = 5.0

TripIds = Callable[[Caller, frozenset[str] | None, int], Awaitable[list[str]]]
"""The ids of trips that a caller may see, of these or of all, at most so many; raises ApiError."""

OnInvalidation = Callable[[frozenset[str] | None, str | None], None]
"""Called with the trips that have changed, and the table; `None` for any."""


class TopicBudget:
    """How many topics this process may still join for its people."""

    def __init__(self, topics: int) -> None:
        self.left = topics


class PersonTopics:
    """The topics that are joined for one person.

    Args:
        on_invalidation: Called when answers may have come to an end, at once, from the event loop.
    """

    __slots__ = (
        "_all",
        "_budget",
        "_list_until",
        "_listeners",
        "_listing",
        "_not_before",
        "_on_invalidation",
        "_own",
        "_relay",
        "_trip_ids",
        "_wanted",
    )

    def __init__(self, relay: Relay, trip_ids: TripIds, budget: TopicBudget, on_invalidation: OnInvalidation) -> None:
        self._relay = relay
        self._trip_ids = trip_ids
        self._budget = budget
        self._on_invalidation = on_invalidation
        self._own: TopicListener | None = None
        self._listeners: dict[str, TopicListener] = {}
        self._all: frozenset[str] | None = None
        self._list_until = 0.0
        self._listing: asyncio.Task[None] | None = None
        self._wanted: set[str] = set()
        self._not_before = 0.0

    def joined(self, trips: frozenset[str] | None) -> bool:
        """Whether every change on these trips would be joined of now; with `None`, on all that the person is on."""
        own, listeners = self._own, self._listeners
        if own is None or not own.joined or own.caller.expired:
            return False
        wanted = self._all if trips is None else trips
        if wanted is None:
            return False
        for trip in wanted:
            listener = listeners.get(trip)
            if listener is None or not listener.joined:
                return False
        return True

    def join(self, caller: Caller, trips: frozenset[str] | None) -> None:
        """Join the topics of these trips (`None`: of all) in the background, under the newest token there is."""
        if caller.user_id is None or caller.expired:
            return
        if self._own is None:
            self._own = self._listen(f"user:{caller.user_id}", caller, self._own_changed)
        elif _lasts(caller) > _lasts(self._own.caller):
            for listener in (self._own, *self._listeners.values()):
                listener.refresh(caller)
        if self._own is None:
            return
        all_wanted = trips is None and time.monotonic() >= max(self._list_until, self._not_before)
        if trips is not None:
            self._wanted.update(trips - self._listeners.keys())
        if self._listing is None and (all_wanted or self._wanted):
            self._listing = asyncio.create_task(self._list(caller, all_of_them=all_wanted))

    def trips_may_have_changed(self) -> None:
        """List the person's trips again: they may have come to one or left one."""
        self._all = None
        self._list_until = 0.0

    def close(self) -> None:
        """Leave all topics."""
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None
        for listener in (self._own, *self._listeners.values()):
            if listener is not None:
                self._leave(listener)
        self._own = None
        self._listeners.clear()
        self._wanted.clear()
        self._all = None

    @property
    def expired(self) -> bool:
        """Whether the token that listens has ended."""
        return self._own is not None and self._own.caller.expired

    async def _list(self, caller: Caller, *, all_of_them: bool) -> None:
        """Find out which trips there are to listen to, once the topic that tells of coming and leaving is joined.

        Only what the caller may see is listened to: nobody else would be let in, and anybody can name a trip.
        """
        assert self._own is not None  # noqa: S101 - what wants a list listens
        try:
            with suppress(ApiError):  # what cannot be read now may be later
                await self._own.ready()
                if all_of_them:
                    self._not_before = time.monotonic() + _AGAIN_SECONDS
                    self._listen_to_all(caller, await self._list_all_trips(caller))
                elif self._wanted:
                    wanted = frozenset(itertools.islice(self._wanted, MOST_TRIPS))
                    self._wanted.clear()
                    for trip in await self._trip_ids(caller, wanted, MOST_TRIPS):
                        self._listen_to(caller, trip)
        finally:
            self._listing = None

    async def _list_all_trips(self, caller: Caller) -> frozenset[str]:
        while True:
            # Anything that makes trips_may_have_changed meanwhile sets this back to 0.
            self._list_until = until = time.monotonic() + _LIST_GOOD_SECONDS
            found = frozenset(await self._trip_ids(caller, None, MOST_TRIPS + 1))
            if self._list_until == until:
                return found

    def _listen_to_all(self, caller: Caller, found: frozenset[str]) -> None:
        if len(found) > MOST_TRIPS:
            _log.info("somebody takes part in more than %d trips; what they ask of all is not cached", MOST_TRIPS)
            self._all = None
            return
        for trip in self._listeners.keys() - found:
            self._leave(self._listeners.pop(trip))
        for trip in found:
            self._listen_to(caller, trip)
        self._all = found

    def _listen_to(self, caller: Caller, trip: str) -> None:
        if trip in self._listeners:
            return
        if len(self._listeners) >= MOST_TRIPS:
            self._leave(self._listeners.pop(next(iter(self._listeners))))
        listener = self._listen(f"trip:{trip}", caller, lambda change: self._trip_changed(trip, change))
        if listener is not None:
            self._listeners[trip] = listener

    def _own_changed(self, change: Change) -> None:
        """The person has come to a trip or left it, or that may be so."""
        if change.table not in {"", "collaborators"}:
            return
        self.trips_may_have_changed()
        self._not_before = 0.0
        if change.operation is Operation.DELETE:
            # Not while the relay tells its listeners.
            asyncio.get_running_loop().call_soon(self._leave_all_trips)
        self._on_invalidation(None, None)

    def _leave_all_trips(self) -> None:
        for listener in self._listeners.values():
            self._leave(listener)
        self._listeners.clear()

    def _trip_changed(self, trip: str, change: Change) -> None:
        if change.operation is Operation.RESYNC:
            self._on_invalidation(frozenset({trip}), None)
            return
        if change.table == "trips" and change.operation is Operation.DELETE:
            self.trips_may_have_changed()
        self._on_invalidation(frozenset({trip}), change.table)

    def _listen(self, topic: str, caller: Caller, on_change: Callable[[Change], None]) -> TopicListener | None:
        if self._budget.left <= 0:
            return None
        self._budget.left -= 1
        return self._relay.listen(topic, caller, on_change)

    def _leave(self, listener: TopicListener) -> None:
        self._budget.left += 1
        self._relay.leave(listener)


def _lasts(caller: Caller) -> float:
    return caller.expires_at if caller.expires_at is not None else float("inf")

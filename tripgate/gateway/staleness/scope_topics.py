"""The topics of one scope that are joined on a person's behalf: of all rows that the person takes part in, or of some.

Joining and leaving is up to `person_topics`, which knows the person's own topic and how many there may be.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from gql.catalog import catalog
from gql.errors import ApiError
from gql.scope import Scope
from tripgate.upstream.backend import BackendError
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, Operation
from tripgate.upstream.realtime.listener import OnChange, TopicListener

_log = logging.getLogger("tripgate.cache")

MOST_ROWS = 50
"""Rows of one scope whose topics are joined for a person. With more, only answers that name their row are cached."""

_LIST_GOOD_SECONDS = 60.0
_AGAIN_SECONDS = 5.0

RowKeys = Callable[[Scope, Caller, frozenset[str] | None, int], Awaitable[list[str]]]
"""The keys of the roots of a scope that a caller may see, of these or of all, at most so many; raises ApiError."""

OnInvalidation = Callable[[str | None, frozenset[str] | None, str | None], None]
"""Called with the scope, the keys of its roots in which something has changed, and the table; `None` for any."""


class Topics(Protocol):
    """What joins topics for a person."""

    @property
    def own(self) -> TopicListener | None:
        """The listener to the person's own topic, on which is told what the person takes part in."""

    def listen(self, topic: str, caller: Caller, on_change: OnChange) -> TopicListener | None:
        """Join a topic; `None` where there may be no more."""

    def leave(self, listener: TopicListener) -> None:
        """Leave it."""


class ScopeTopics:
    """The topics of one scope that are joined for one person.

    Args:
        on_invalidation: Called when answers may have come to an end, at once, from the event loop.
    """

    __slots__ = (
        "_all",
        "_list_until",
        "_listeners",
        "_listing",
        "_missing",
        "_not_before",
        "_on_invalidation",
        "_root",
        "_row_keys",
        "_scope",
        "_topics",
        "_wanted",
    )

    def __init__(self, scope: Scope, topics: Topics, row_keys: RowKeys, on_invalidation: OnInvalidation) -> None:
        self._scope = scope
        self._root = catalog[scope.root].name
        self._topics = topics
        self._row_keys = row_keys
        self._on_invalidation = on_invalidation
        self._listeners: dict[str, TopicListener] = {}
        self._all: frozenset[str] | None = None
        self._list_until = 0.0
        self._listing: asyncio.Task[None] | None = None
        self._wanted: set[str] = set()
        # Rows that the person may not see, each until it is looked for again.
        self._missing: dict[str, float] = {}
        self._not_before = 0.0

    def joined(self, keys: frozenset[str] | None) -> bool:
        """Whether every change in these rows would be heard of now; with `None`, in all that the person is part of."""
        wanted = self._all if keys is None else keys
        if wanted is None:
            return False
        listeners = self._listeners
        for key in wanted:
            listener = listeners.get(key)
            if listener is None or not listener.joined:
                return False
        return True

    def join(self, caller: Caller, keys: frozenset[str] | None) -> None:
        """Join the topics of these rows (`None`: of all) in the background."""
        now = time.monotonic()
        all_wanted = keys is None and now >= max(self._list_until, self._not_before)
        if keys is not None:
            missing = self._missing
            self._wanted.update(key for key in keys - self._listeners.keys() if missing.get(key, 0.0) <= now)
        if self._listing is None and (all_wanted or self._wanted):
            self._listing = asyncio.create_task(self._list(caller, all_of_them=all_wanted))

    def may_have_changed(self, *, at_once: bool = False) -> None:
        """List the rows again: the person may have come to one or left one.

        Args:
            at_once: Whether that is known, so that there is no waiting until it is listed.
        """
        self._all = None
        self._list_until = 0.0
        self._missing.clear()
        if at_once:
            self._not_before = 0.0

    def leave_all(self) -> None:
        """Leave all topics, and join again those that are asked for again."""
        for listener in self._listeners.values():
            self._topics.leave(listener)
        self._listeners.clear()

    def close(self) -> None:
        """Leave all topics."""
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None
        self.leave_all()
        self._wanted.clear()
        self._missing.clear()
        self._all = None

    @property
    def listeners(self) -> Iterable[TopicListener]:
        """Those that listen now."""
        return self._listeners.values()

    async def _list(self, caller: Caller, *, all_of_them: bool) -> None:
        """Find out which rows there are to listen to, once the topic that tells of coming and leaving is joined.

        Only what the caller may see is listened to: nobody else would be let in, and anybody can name a row.
        """
        own = self._topics.own
        assert own is not None  # noqa: S101 - what wants a list listens
        try:
            await own.ready()
            if all_of_them:
                self._not_before = time.monotonic() + _AGAIN_SECONDS
                self._listen_to_all(caller, await self._list_all(caller))
            elif self._wanted:
                wanted = frozenset(itertools.islice(self._wanted, MOST_ROWS))
                self._wanted.clear()
                # Not asked for again at once, should it fail.
                self._miss(wanted)
                for key in await self._row_keys(self._scope, caller, wanted, MOST_ROWS):
                    self._missing.pop(key, None)
                    self._listen_to(caller, key)
        except ApiError:
            self._list_until = 0.0  # what cannot be read now may be later
        except BackendError as error:
            _log.warning("%s could not be listed, so what depends on them is not cached: %s", self._root, error.code)
        finally:
            self._listing = None

    def _miss(self, keys: frozenset[str]) -> None:
        if len(self._missing) > MOST_ROWS:
            self._missing.clear()
        again = time.monotonic() + _AGAIN_SECONDS
        self._missing.update(dict.fromkeys(keys, again))

    async def _list_all(self, caller: Caller) -> frozenset[str]:
        while True:
            # Anything that calls may_have_changed meanwhile sets this back to 0.
            self._list_until = until = time.monotonic() + _LIST_GOOD_SECONDS
            found = frozenset(await self._row_keys(self._scope, caller, None, MOST_ROWS + 1))
            if self._list_until == until:
                return found

    def _listen_to_all(self, caller: Caller, found: frozenset[str]) -> None:
        if len(found) > MOST_ROWS:
            _log.info(
                "somebody takes part in more than %d %s; what they ask of all is not cached", MOST_ROWS, self._root
            )
            self._all = None
            return
        for key in self._listeners.keys() - found:
            self._topics.leave(self._listeners.pop(key))
        for key in found:
            self._listen_to(caller, key)
        self._all = found

    def _listen_to(self, caller: Caller, key: str) -> None:
        if key in self._listeners:
            return
        if len(self._listeners) >= MOST_ROWS:
            self._topics.leave(self._listeners.pop(next(iter(self._listeners))))
        listener = self._topics.listen(self._scope.topic(key), caller, lambda change: self._changed(key, change))
        if listener is not None:
            self._listeners[key] = listener

    def _changed(self, key: str, change: Change) -> None:
        if change.operation is Operation.RESYNC:
            self._on_invalidation(self._scope.name, frozenset({key}), None)
            return
        if change.table == self._root and change.operation is Operation.DELETE:
            self.may_have_changed()
        self._on_invalidation(self._scope.name, frozenset({key}), change.table)

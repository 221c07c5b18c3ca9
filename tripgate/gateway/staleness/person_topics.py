"""The topics of Realtime that are joined on a person's behalf while answers of theirs are cached.

The person's own, as in `user:<id>`, tells that they have come to a row of some scope or left it; a row's, as in
`trip:<id>`, tells what happens in it. An answer that depends on either is cached and served only while the topics that
would invalidate it are joined.
"""

import asyncio
from collections.abc import Iterable
from functools import cache

from gql.catalog import catalog
from tripgate.gateway.staleness.scope_topics import OnInvalidation, RowKeys, ScopeTopics
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, Operation
from tripgate.upstream.realtime.listener import OnChange, TopicListener
from tripgate.upstream.realtime.relay import Relay

Rows = tuple[tuple[str, frozenset[str] | None], ...]
"""Rows of scopes, each by its scope and the keys; `None` for all that a person may see."""


class TopicBudget:
    """How many topics this process may still join for its people."""

    def __init__(self, topics: int) -> None:
        self.left = topics


class PersonTopics:
    """The topics that are joined for one person.

    Args:
        on_invalidation: Called when answers may have come to an end, at once, from the event loop.

    Attributes:
        own: The listener to the person's own topic.
    """

    __slots__ = ("_budget", "_on_invalidation", "_relay", "_row_keys", "_scopes", "own")

    def __init__(self, relay: Relay, row_keys: RowKeys, budget: TopicBudget, on_invalidation: OnInvalidation) -> None:
        self._relay = relay
        self._row_keys = row_keys
        self._budget = budget
        self._on_invalidation = on_invalidation
        self._scopes: dict[str, ScopeTopics] = {}
        self.own: TopicListener | None = None

    def joined(self, rows: Rows) -> bool:
        """Whether every change in these rows would be heard of now, and every change of who takes part in them."""
        own, scopes = self.own, self._scopes
        if own is None or not own.joined or own.caller.expired:
            return False
        for scope, keys in rows:
            topics = scopes.get(scope)
            if topics is None or not topics.joined(keys):
                return False
        return True

    def join(self, caller: Caller, rows: Rows) -> None:
        """Join the topics of these rows in the background, under the newest token there is."""
        of_person = catalog.scopes.of_person
        if caller.user_id is None or caller.expired or of_person is None:
            return
        if self.own is None:
            self.own = self.listen(of_person.topic(caller.user_id), caller, self._own_changed)
        elif _lasts(caller) > _lasts(self.own.caller):
            for listener in self._listeners():
                listener.refresh(caller)
        if self.own is None:
            return
        for name, keys in rows:
            topics = self._scopes.get(name)
            if topics is None:
                scope = catalog.scopes.by_name[name]
                topics = self._scopes[name] = ScopeTopics(scope, self, self._row_keys, self._on_invalidation)
            topics.join(caller, keys)

    def roots_written(self, tables: Iterable[str], *, any_of_them: bool = False) -> None:
        """List rows again after a write of the person's own to these tables: no topic tells of a root of their making.

        Args:
            any_of_them: Whether other tables may have been written as well.
        """
        written = {each for table in tables for each in _by_root().get(table, ())}
        for name, topics in self._scopes.items():
            if any_of_them or name in written:
                topics.may_have_changed()

    def close(self) -> None:
        """Leave all topics."""
        for topics in self._scopes.values():
            topics.close()
        self._scopes.clear()
        if self.own is not None:
            self.leave(self.own)
        self.own = None

    @property
    def expired(self) -> bool:
        """Whether the token that listens has ended."""
        return self.own is not None and self.own.caller.expired

    def listen(self, topic: str, caller: Caller, on_change: OnChange) -> TopicListener | None:
        """Join a topic; `None` where there may be no more."""
        if self._budget.left <= 0:
            return None
        self._budget.left -= 1
        return self._relay.listen(topic, caller, on_change)

    def leave(self, listener: TopicListener) -> None:
        """Leave a topic."""
        self._budget.left += 1
        self._relay.leave(listener)

    def _listeners(self) -> Iterable[TopicListener]:
        if self.own is not None:
            yield self.own
        for topics in self._scopes.values():
            yield from topics.listeners

    def _own_changed(self, change: Change) -> None:
        """The person has come to a row or left it, something of theirs has changed, or that may be so."""
        if change.operation is Operation.RESYNC:
            for topics in self._scopes.values():
                topics.may_have_changed(at_once=True)
            self._on_invalidation(None, None, None)
            return
        for name in _by_membership().get(change.table, ()):
            joined = self._scopes.get(name)
            if joined is not None and change.operation is not Operation.UPDATE:
                joined.may_have_changed(at_once=True)
                if change.operation is Operation.DELETE:
                    # Not while the relay tells its listeners.
                    asyncio.get_running_loop().call_soon(joined.leave_all)
            self._on_invalidation(name, None, None)
        if change.table in _own_tables():
            self._on_invalidation(None, None, change.table)


@cache
def root_tables() -> frozenset[str]:
    """The tables of the rows on which people share."""
    return frozenset(_by_root())


@cache
def _by_root() -> dict[str, list[str]]:
    """For each root's table, the scopes whose root it is."""
    found: dict[str, list[str]] = {}
    for scope in catalog.scopes:
        if not scope.of_person:
            found.setdefault(catalog[scope.root].name, []).append(scope.name)
    return found


@cache
def _by_membership() -> dict[str, list[str]]:
    """For each table by whose rows people take part, in which scopes."""
    found: dict[str, list[str]] = {}
    for scope in catalog.scopes:
        # A root's owner takes part as well.
        owned = {catalog[scope.root].name} if scope.owner is not None and not scope.of_person else set()
        for table in catalog.members_of(scope) | owned:
            found.setdefault(table, []).append(scope.name)
    return found


@cache
def _own_tables() -> frozenset[str]:
    """The tables whose changes are told to the person whose rows they are."""
    return frozenset(table.name for table in catalog if table.scope is not None and table.scope.of_person)


def _lasts(caller: Caller) -> float:
    return caller.expires_at if caller.expires_at is not None else float("inf")

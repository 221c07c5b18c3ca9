"""Who subscribed to which table's changes, and the telling of them, one change after the other.

The log's reader must not wait for the judging of row level security, so changes queue up here.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import psycopg

from tripgate.local.realtime import bindings, tables
from tripgate.local.realtime.database import rolled_back
from tripgate.local.realtime.errors import RefusedError
from tripgate.local.realtime.visibility import Event, Reader, visible_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tripgate.local.realtime.bindings import Binding
    from tripgate.local.realtime.database import Connection, Pool
    from tripgate.local.realtime.tokens import Identity

EVENT = "postgres_changes"
_UNABLE = "Unable to subscribe to changes with given parameters."

log = logging.getLogger(__name__)


class Subscriber(Protocol):
    """A channel, as far as this module needs it."""

    def push(self, event: str, payload: Any) -> None:
        """Tell its client."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One binding of one channel; `reader` is set while it is in force."""

    subscriber: Subscriber
    given: dict[str, Any]
    id: int
    reader: Reader | None = None

    @property
    def shown(self) -> dict[str, Any]:
        """As the join's reply shows it."""
        return {**self.given, "id": self.id}


class PostgresChanges:
    """The subscriptions of this process; `run` tells of changes until cancelled."""

    def __init__(self, pool: Pool, max_record_bytes: int) -> None:
        self._pool = pool
        self._max_record_bytes = max_record_bytes
        self._subscriptions: dict[Subscription, None] = {}
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    def bindings(self, subscriber: Subscriber, given: Iterable[Any]) -> list[Subscription]:
        """What a join asks for, not yet in force."""
        return [Subscription(subscriber, item, bindings.id_of(item)) for item in given if isinstance(item, dict)]

    async def add(self, subscriptions: Sequence[Subscription], identity: Identity) -> None:
        """Put all of them in force for this person, or none. Raises RefusedError."""
        claims = orjson.dumps(identity.claims).decode()
        readers = [Reader(bindings.parse(item.given), identity.role, claims) for item in subscriptions]
        async with rolled_back(self._pool) as connection:
            for reader in readers:
                await _check(connection, reader.binding, identity.role)
        for subscription, reader in zip(subscriptions, readers, strict=True):
            subscription.reader = reader
            self._subscriptions[subscription] = None

    def remove(self, subscriptions: Iterable[Subscription]) -> None:
        """They are told of nothing more."""
        for subscription in subscriptions:
            self._subscriptions.pop(subscription, None)

    def wants(self, schema: str, table: str) -> bool:
        """Whether anybody subscribed to changes of this table."""
        return any(
            tables.matches(subscription.reader.binding, schema, table, subscription.reader.binding.action)
            for subscription in self._subscriptions
            if subscription.reader is not None
        )

    def enqueue(self, event: Event) -> None:
        """Tell of a change, after those that are waiting."""
        self._events.put_nowait(event)

    async def run(self) -> None:
        """Tell of changes as they come."""
        while True:
            event = await self._events.get()
            try:
                await self._tell(event)
            except (psycopg.Error, RefusedError) as error:
                log.warning("A change of %s.%s is lost: %s", event.relation.schema, event.relation.table, error)
            except Exception:
                log.exception("A change of %s.%s is lost", event.relation.schema, event.relation.table)

    async def _tell(self, event: Event) -> None:
        by_role: dict[str, list[tuple[Subscription, Reader]]] = {}
        relation, action = event.relation, event.change.action
        for subscription in self._subscriptions:
            reader = subscription.reader
            if reader is not None and tables.matches(reader.binding, relation.schema, relation.table, action):
                by_role.setdefault(reader.role, []).append((subscription, reader))
        for role, pairs in by_role.items():
            readers = [reader for _, reader in pairs]
            for visible in await visible_to(self._pool, event, role, readers, self._max_record_bytes):
                ids: dict[Subscriber, list[int]] = {}
                for place in visible.readers:
                    subscription = pairs[place][0]
                    # It may have been removed while the database was asked.
                    if subscription in self._subscriptions:
                        ids.setdefault(subscription.subscriber, []).append(subscription.id)
                for subscriber, numbers in ids.items():
                    subscriber.push(EVENT, {"ids": numbers, "data": orjson.Fragment(visible.data)})


async def _check(connection: Connection, binding: Binding, role: str) -> None:
    """Make sure that a binding names published tables and filters that they can answer. Raises RefusedError."""
    try:
        oids = await tables.published(connection, binding)
        for oid in oids:
            table = await tables.describe(connection, oid, role)
            for item in binding.filters:
                if table is not None:
                    await tables.check(connection, table, item)
    except (psycopg.Error, ValueError) as error:
        message = (
            f"{_UNABLE} An exception happened so please check your connect parameters: {binding}. Exception: {error}"
        )
        raise RefusedError("RealtimeDisabledForConfiguration", message) from error
    if not oids:
        message = f"{_UNABLE} Please check Realtime is enabled for the given connect parameters: {binding}"
        raise RefusedError("RealtimeDisabledForConfiguration", message)

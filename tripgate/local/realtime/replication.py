"""Follows the database's write-ahead log, as a replica would, for as long as this process runs.

Takes the connection string of a role with REPLICATION and the publications; tells its consumer of each change as soon
as it is committed, in commit order, each once. The slot is made anew when the process starts, so that nothing piles up
for one that is gone; within a process it outlasts a restart of Postgres, and what was committed meanwhile arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import time
from typing import TYPE_CHECKING, Protocol

import psycopg
from psycopg import pq

from tripgate.local.realtime import wal

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

# Each process has one of its own, named after its port.
SLOTS = "tripgate_realtime_"
RETRY_SECONDS = 0.1
# Postgres 16 and later can miss its own wake-up when a commit comes just as the sender goes to sleep, and then sends
# nothing until something else wakes it, 15 seconds later on a quiet database. A word from us wakes it too.
NUDGE_SECONDS = 0.25
POSTGRES_EPOCH = 946_684_800
_WAL_DATA = struct.Struct(">cqqq")
_KEEPALIVE = struct.Struct(">cqqb")
_STATUS = struct.Struct(">cqqqqb")

# Whoever holds the process's own slot is its predecessor, which was killed.
_FREE = """
    select pg_terminate_backend(active_pid), pg_sleep(0.05) from pg_replication_slots
    where slot_name = %s and active
"""
_DROP_LEFT = """
    select pg_drop_replication_slot(slot_name) from pg_replication_slots
    where starts_with(slot_name, %s) and not active
"""

log = logging.getLogger(__name__)


class Consumer(Protocol):
    """Who is told of changes. Must not block: the stream waits for it."""

    def wants(self, relation: wal.Relation) -> bool:
        """Whether changes of this table are of interest now."""

    def changed(self, relation: wal.Relation, change: wal.Change, committed_at: datetime.datetime) -> None:
        """A committed change of such a table."""

    def missed(self) -> None:
        """Some changes will never be told: the database has dropped the slot."""


class WalStream:
    """The stream; `run` follows it until cancelled, `ready` is set while it flows."""

    def __init__(self, database_url: str, slot: str, publications: Sequence[str], consumer: Consumer) -> None:
        self._database_url = database_url
        self._slot = slot
        self._publications = ",".join(publications)
        self._consumer = consumer
        self._relations: dict[int, wal.Relation] = {}
        self._transaction: wal.Begin | None = None
        # Up to where everything has been told; a slot may begin again at an earlier place.
        self._last_commit = 0
        # A crash may cut a transaction off in the middle, which then comes whole once more: how far it was told.
        self._cut_off = (0, 0)
        self._place = 0
        self._confirmed = 0
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Follow the log, and again after every interruption."""
        fresh = True
        while True:
            try:
                await self._prepare_slot(fresh=fresh)
                fresh = False
                await self._follow()
            except psycopg.Error as error:
                log.warning("The write-ahead log cannot be followed: %s", error)
            self.ready.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def drop(self) -> None:
        """Leave nothing behind. Call it when `run` has ended."""
        with contextlib.suppress(psycopg.Error):
            async with await psycopg.AsyncConnection.connect(self._database_url, autocommit=True) as connection:
                await connection.execute(_FREE, (self._slot,))
                await connection.execute("select pg_drop_replication_slot(%s)", (self._slot,))

    async def _prepare_slot(self, *, fresh: bool) -> None:
        """Make sure that the slot is there and free; with `fresh`, that it begins now."""
        async with await psycopg.AsyncConnection.connect(self._database_url, autocommit=True) as connection:
            await connection.execute(_FREE, (self._slot,))
            if fresh:
                await connection.execute(_DROP_LEFT, (SLOTS,))
            query = "select wal_status = 'lost' from pg_replication_slots where slot_name = %s"
            row = await (await connection.execute(query, (self._slot,))).fetchone()
            if row is not None and row[0]:
                await connection.execute("select pg_drop_replication_slot(%s)", (self._slot,))
                row = None
            if row is None:
                await connection.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", (self._slot,))
                if not fresh:
                    self._consumer.missed()

    async def _follow(self) -> None:
        """Stream until the connection breaks. Raises psycopg.Error."""
        async with await psycopg.AsyncConnection.connect(
            self._database_url, autocommit=True, replication="database"
        ) as connection:
            pgconn = connection.pgconn
            options = f"proto_version '1', publication_names '{self._publications}'"
            result = pgconn.exec_(f'START_REPLICATION SLOT "{self._slot}" LOGICAL 0/0 ({options})'.encode())
            if result.status != pq.ExecStatus.COPY_BOTH:
                raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
            pgconn.nonblocking = 1
            self._relations.clear()
            self._transaction = None
            loop = asyncio.get_running_loop()
            broken: asyncio.Future[None] = loop.create_future()
            loop.add_reader(pgconn.socket, self._read, pgconn, broken)
            try:
                self.ready.set()
                self._read(pgconn, broken)
                while not broken.done():
                    await asyncio.wait([broken], timeout=NUDGE_SECONDS)
                    self._confirm(pgconn)
                await broken
            finally:
                loop.remove_reader(pgconn.socket)

    def _read(self, pgconn: pq.abc.PGconn, broken: asyncio.Future[None]) -> None:
        """Take all that has arrived."""
        if broken.done():
            return
        try:
            pgconn.consume_input()
            while True:
                size, data = pgconn.get_copy_data(1)
                if size < 0:
                    raise psycopg.OperationalError("the server ended the stream")
                if size == 0:
                    break
                self._take(pgconn, bytes(data))
        except psycopg.Error as error:
            broken.set_exception(error)

    def _take(self, pgconn: pq.abc.PGconn, data: bytes) -> None:
        if data[:1] == b"w":
            self._decode(data[_WAL_DATA.size :])
        elif data[:1] == b"k":
            _, wal_end, _, answer_now = _KEEPALIVE.unpack(data)
            if self._transaction is None:
                self._confirmed = max(self._confirmed, wal_end)
            if answer_now:
                self._confirm(pgconn)

    def _decode(self, data: bytes) -> None:
        message = wal.decode(data)
        match message:
            case wal.Change():
                self._tell(message)
            case wal.Relation():
                self._relations[message.oid] = message
            case wal.Begin():
                self._transaction = message
                self._place = 0
            case wal.Commit():
                if self._transaction is not None:
                    self._last_commit = max(self._last_commit, self._transaction.lsn)
                self._transaction = None
                self._confirmed = max(self._confirmed, message.end_lsn)
            case None:
                pass

    def _tell(self, change: wal.Change) -> None:
        relation, transaction = self._relations[change.relation_oid], self._transaction
        if transaction is None or transaction.lsn <= self._last_commit:
            return
        self._place += 1
        here = (transaction.lsn, self._place)
        if here <= self._cut_off:
            return
        self._cut_off = here
        if not self._consumer.wants(relation):
            return
        try:
            self._consumer.changed(relation, change, transaction.committed_at)
        except Exception:
            log.exception("A change of %s.%s was not passed on", relation.schema, relation.table)

    def _confirm(self, pgconn: pq.abc.PGconn) -> None:
        """Let Postgres forget what has been told."""
        now = int((time.time() - POSTGRES_EPOCH) * 1_000_000)
        place = self._confirmed
        with contextlib.suppress(psycopg.OperationalError):
            pgconn.put_copy_data(_STATUS.pack(b"r", place, place, place, now, 0))
            pgconn.flush()

"""Messages: from clients, from the database as the log tells of them, and again from the database for who missed them.

Source of the rules: supabase/realtime, lib/realtime/messages.ex and lib/realtime/tenants/batch_broadcast.ex.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
from psycopg import sql

from tripgate.local.realtime.database import rolled_back
from tripgate.local.realtime.errors import RefusedError
from tripgate.local.realtime.hub import Address
from tripgate.local.realtime.serializer import BROADCAST, Notice, UserBroadcast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tripgate.local.realtime import wal
    from tripgate.local.realtime.database import Pool
    from tripgate.local.realtime.hub import Hub

PUBLICATION = "supabase_realtime_messages_publication"
SCHEMA = "realtime"
TABLE = "messages"
MOST_REPLAYED = 25
KEPT = datetime.timedelta(hours=72)

# Messages of one transaction have one time; their places in the table tell them apart.
_MISSED = """
    select id, event, payload::text, binary_payload from realtime.messages
    where topic = %s and private and extension = 'broadcast' and inserted_at >= %s
    order by inserted_at desc, ctid desc limit %s
"""


async def prepare(pool: Pool) -> None:
    """Make what the platform's server makes: the publication of the messages, and today's partitions."""
    async with rolled_back(pool) as connection:
        cursor = await connection.execute("select from pg_publication where pubname = %s", (PUBLICATION,))
        if await cursor.fetchone() is None:
            await connection.execute(
                sql.SQL("create publication {} for table realtime.messages with (publish = 'insert')").format(
                    sql.Identifier(PUBLICATION)
                )
            )
        await connection.execute("select realtime.maintain_messages_partitions()")
        await connection.commit()


def is_messages(relation: wal.Relation) -> bool:
    """Whether this is `realtime.messages` or one of its partitions."""
    return relation.schema == SCHEMA and (relation.table == TABLE or relation.table.startswith(f"{TABLE}_"))


def of_json(event: str, payload: Any, meta: dict[str, Any] | None = None) -> Notice:
    """A message whose payload is JSON: decoded, or an orjson.Fragment."""
    said: dict[str, Any] = {"type": BROADCAST, "event": event, "payload": payload}
    if meta:
        said["meta"] = meta
    return Notice(BROADCAST, orjson.dumps(said), meta=meta)


def of_user(user: UserBroadcast, meta: dict[str, Any] | None = None) -> Notice:
    """A message that came in a binary frame or whose payload is binary; old clients are told of it if it is JSON."""
    body = of_json(user.event, orjson.Fragment(user.data), meta).body if user.is_json else None
    return Notice(BROADCAST, body, user, meta)


def as_given(payload: dict[str, Any]) -> Notice:
    """A message that came in a text frame: `{type, event, payload}` as its sender wrote it."""
    return Notice(BROADCAST, orjson.dumps(payload))


def tell_inserted(hub: Hub, relation: wal.Relation, row: wal.Row) -> None:
    """Pass a committed row of `realtime.messages` on to who listens."""
    values = {column.name: value for column, value in zip(relation.columns, row, strict=True)}
    topic, event, private = (_bytes(values, name) for name in ("topic", "event", "private"))
    if topic is None or event is None or private is None:
        return
    meta = {"id": (_bytes(values, "id") or b"").decode()}
    address = Address(topic.decode(), private == b"t")
    payload, binary = _bytes(values, "payload"), _bytes(values, "binary_payload")
    if payload is not None:
        hub.tell(address, of_json(event.decode(), orjson.Fragment(payload), meta))
    elif binary is not None:
        user = UserBroadcast(event.decode(), bytes.fromhex(binary[2:].decode()), is_json=False)
        hub.tell(address, of_user(user, meta))


def _bytes(values: Mapping[str, wal.Value], name: str) -> bytes | None:
    value = values.get(name)
    return value if isinstance(value, bytes) else None


@dataclass(frozen=True, slots=True)
class Missed:
    """A message that is told again."""

    id: str
    event: str
    payload: str | None
    binary: bytes | None

    def notice(self) -> Notice:
        """As it is told again: marked, and otherwise the same."""
        meta = {"replayed": True, "id": self.id}
        if self.payload is None:
            return of_user(UserBroadcast(self.event, self.binary or b"", is_json=False), meta)
        return of_json(self.event, orjson.Fragment(self.payload), meta)


async def missed(pool: Pool, channel: str, replay: Any) -> list[Missed]:
    """What was broadcast on a private channel since a time in milliseconds, the oldest first, at most 25 messages.

    `replay` is what the client wrote. Raises RefusedError `UnableToReplayMessages` for a wrong form.
    """
    since, limit = (replay.get("since"), replay.get("limit", MOST_REPLAYED)) if isinstance(replay, dict) else (0, 0)
    since = 0 if since is None else since
    limit = MOST_REPLAYED if limit is None else limit
    if not isinstance(replay, dict) or type(since) is not int or type(limit) is not int:
        raise RefusedError("UnableToReplayMessages", "Replay params are not valid")
    earliest = datetime.datetime.now(datetime.UTC) - KEPT
    try:
        asked = datetime.datetime.fromtimestamp(since / 1000, datetime.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise RefusedError("UnableToReplayMessages", "Replay params are not valid") from error
    try:
        async with rolled_back(pool) as connection:
            cursor = await connection.execute(
                _MISSED, (channel, max(asked, earliest).replace(tzinfo=None), max(1, min(limit, MOST_REPLAYED)))
            )
            rows = await cursor.fetchall()
    except psycopg.Error as error:
        raise RefusedError("UnableToReplayMessages", "Realtime was unable to replay messages") from error
    return [_missed(row) for row in reversed(rows)]


def _missed(row: tuple[Any, ...]) -> Missed:
    message_id, event, payload, binary = row
    return Missed(str(message_id), event or "", payload, binary)

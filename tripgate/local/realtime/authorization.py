"""What a person may do on a private channel, as row level security on `realtime.messages` says.

Each question is a transaction that is rolled back. Reading: two probe rows are inserted by the table's owner and
selected as the person. Writing: the person inserts a probe row. Policies see the channel as `realtime.topic()`, the
person as `auth.uid()` and the like, the extension as `broadcast` or `presence`. Source: supabase/realtime,
lib/realtime/tenants/authorization.ex.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

import orjson
import psycopg

from tripgate.local.realtime.database import rolled_back

if TYPE_CHECKING:
    from tripgate.local.realtime.database import Connection, Pool
    from tripgate.local.realtime.tokens import Identity

Extension = Literal["broadcast", "presence"]

_PROBE = "insert into realtime.messages (id, topic, extension) values (%s, %s, %s)"
_WRITE = "insert into realtime.messages (topic, extension) values (%s, %s)"
_SEEN = "select id from realtime.messages where topic = %s and id = any(%s)"
_ACT_AS = (
    "select set_config('role', %s, true), set_config('realtime.topic', %s, true),"
    " set_config('request.jwt.claims', %s, true), set_config('request.headers', %s, true)"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """Which extensions a person may read on one channel."""

    broadcast: bool
    presence: bool


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks about which channel, with the headers of their connection."""

    identity: Identity
    channel: str
    headers: Mapping[str, str]


async def may_read(pool: Pool, asker: Asker, *, presence: bool) -> Reading:
    """What the asker may read; presence is asked about only on demand. Raises RefusedError without a database."""
    wanted: list[Extension] = ["broadcast", "presence"] if presence else ["broadcast"]
    probes = {extension: uuid4() for extension in wanted}
    try:
        async with rolled_back(pool) as connection:
            async with connection.pipeline():
                for extension, probe in probes.items():
                    await connection.execute(_PROBE, (probe, asker.channel, extension))
                await _act_as(connection, asker)
                cursor = await connection.execute(_SEEN, (asker.channel, list(probes.values())))
            seen = {row[0] for row in await cursor.fetchall()}
    except psycopg.Error as error:
        log.warning("RlsPolicyError: %s", error)
        return Reading(broadcast=False, presence=False)
    return Reading(broadcast=probes["broadcast"] in seen, presence=probes.get("presence") in seen)


async def may_write(pool: Pool, asker: Asker, extension: Extension) -> bool:
    """Whether the asker may send with this extension. Raises RefusedError without a database."""
    try:
        async with rolled_back(pool) as connection, connection.pipeline():
            await _act_as(connection, asker)
            await connection.execute(_WRITE, (asker.channel, extension))
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.Error as error:
        log.warning("RlsPolicyError: %s", error)
        return False
    return True


async def _act_as(connection: Connection, asker: Asker) -> None:
    claims, headers = orjson.dumps(asker.identity.claims).decode(), orjson.dumps(dict(asker.headers)).decode()
    await connection.execute(_ACT_AS, (asker.identity.role, asker.channel, claims, headers))

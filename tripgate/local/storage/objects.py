"""Rows of `storage.objects` and `storage.buckets`. Each function takes a connection that acts as somebody already, and
policies judge what it does; raises StorageError for what is not there, psycopg.Error for what may not be done."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
from psycopg.types.json import Jsonb

from tripgate.local.storage import errors
from tripgate.local.storage.database import many, one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tripgate.local.storage.database import Connection, Statement

Row = dict[str, Any]
_TEXTS = {"owner", "owner_id", "version", "bucket_id"}
_COLUMNS = (
    "id, name, bucket_id, owner, owner_id, version, metadata, user_metadata, updated_at, created_at, last_accessed_at"
)
_FIND = f"select {_COLUMNS} from storage.objects where bucket_id = %s and name = %s"  # noqa: S608 (own columns)
_FIND_TO_CHANGE = f"{_FIND} for update"
_FIND_BUCKET = "select * from storage.buckets where id = %s"
_INSERT = (
    "insert into storage.objects (bucket_id, name, owner, owner_id, version, metadata, user_metadata)"
    " values (%(bucket)s, %(name)s, %(owner)s, %(owner_id)s, %(version)s, %(metadata)s, %(user_metadata)s)"
)
_UPSERT = (
    f"{_INSERT} on conflict (bucket_id, name) do update set version = excluded.version, metadata = excluded.metadata,"
    " user_metadata = coalesce(excluded.user_metadata, objects.user_metadata),"
    " owner = coalesce(excluded.owner, objects.owner), owner_id = coalesce(excluded.owner_id, objects.owner_id)"
    f" returning {_COLUMNS}"
)
_MOVE = (
    "update storage.objects set bucket_id = %(bucket)s, name = %(name)s, version = %(version)s,"
    " metadata = coalesce(%(metadata)s, metadata), owner = coalesce(%(owner)s, owner),"
    " owner_id = coalesce(%(owner_id)s, owner_id)"
    " where bucket_id = %(from_bucket)s and name = %(from_name)s returning *"
)
_DELETE = f"delete from storage.objects where bucket_id = %s and name = any(%s) returning {_COLUMNS}"  # noqa: S608
# Whoever writes an object waits for whoever else does.
_LOCK = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
_NAMES = ("bucket", "name", "owner", "owner_id", "version", "metadata", "user_metadata")
_VALUES = {name: f"${number}" for number, name in enumerate(_NAMES, 1)}
_TYPES = "(text, text, uuid, text, text, jsonb, jsonb)"
_PAIR = ("$1", "$2")
# What a turn may do, by name. Of what policies judge Postgres keeps one plan for one role, and so what is asked as the
# caller has another name than what is done then.
PREPARED = {
    "find_bucket": f"(text) as {_FIND_BUCKET % '$1'}",
    "find_object": f"(text, text) as {_FIND % _PAIR}",
    "ask_insert": f"{_TYPES} as {_INSERT % _VALUES}",
    "ask_upsert": f"{_TYPES} as {_UPSERT % _VALUES}",
    "lock_object": f"(text) as {_LOCK % '$1'}",
    "find_object_to_change": f"(text, text) as {_FIND_TO_CHANGE % _PAIR}",
    "upsert_object": f"{_TYPES} as {_UPSERT % _VALUES}",
}


@dataclass(frozen=True)
class NewObject:
    """What becomes a row. `metadata` is what the Storage API says of the bytes, `user_metadata` what people say."""

    bucket: str
    name: str
    version: str
    owner: str | None
    metadata: Row | None = None
    user_metadata: Row | None = None

    def values(self) -> Row:
        """As the statements take them."""
        return {
            "bucket": self.bucket,
            "name": self.name,
            "version": self.version,
            "owner": self.owner if is_uuid(self.owner) else None,
            "owner_id": self.owner,
            "metadata": None if self.metadata is None else Jsonb(self.metadata),
            "user_metadata": None if self.user_metadata is None else Jsonb(self.user_metadata),
        }

    def ordered(self) -> tuple[Any, ...]:
        """As the prepared statements take them."""
        values = self.values()
        return tuple(values[name] for name in _NAMES)


def is_uuid(text: str | None) -> bool:
    """Whether somebody is known by an id, and not only by a name."""
    try:
        return text is not None and str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def finding(bucket: str, name: str) -> Statement:
    """Asks for the object's row."""
    return "find_object", (bucket, name)


def finding_bucket(bucket: str) -> Statement:
    """Asks for the bucket's row."""
    return "find_bucket", (bucket,)


def making(new: NewObject, *, upsert: bool) -> Statement:
    """Makes an object, or gives one its new bytes where that is wanted. For asking alone."""
    return "ask_upsert" if upsert else "ask_insert", new.ordered()


async def find(connection: Connection, bucket: str, name: str, *, lock: bool = False) -> Row:
    """The object's row."""
    row = await one(connection, _FIND_TO_CHANGE if lock else _FIND, (bucket, name))
    if row is None:
        raise errors.no_such_key()
    return row


async def find_names(connection: Connection, bucket: str, names: Sequence[str]) -> set[str]:
    """Which of these objects there are."""
    rows = await many(
        connection, "select name from storage.objects where bucket_id = %s and name = any(%s)", (bucket, list(names))
    )
    return {row["name"] for row in rows}


async def upsert(connection: Connection, new: NewObject) -> Row:
    """Make an object, or give one its new bytes."""
    row = await one(connection, _UPSERT, new.values())
    if row is None:
        raise errors.denied()
    return row


async def wait_for(connection: Connection, bucket: str, name: str) -> str | None:
    """Wait for whoever else writes this object; its version then, if there is one."""
    await connection.execute(_LOCK, (f"{bucket}/{name}",))
    row = await one(connection, _FIND_TO_CHANGE, (bucket, name))
    return None if row is None else row["version"]


def replacing(new: NewObject) -> list[Statement]:
    """Waits for whoever else writes this object; asks for its row; makes it, or gives it its new bytes."""
    return [
        ("lock_object", (f"{new.bucket}/{new.name}",)),
        ("find_object_to_change", (new.bucket, new.name)),
        ("upsert_object", new.ordered()),
    ]


async def move(connection: Connection, bucket: str, name: str, to: NewObject) -> Row:
    """Give an object another name, or another bucket."""
    try:
        row = await one(connection, _MOVE, {**to.values(), "from_bucket": bucket, "from_name": name})
    except psycopg.errors.UniqueViolation:
        raise errors.already_exists("ResourceAlreadyExists") from None
    if row is None:
        raise errors.no_such_key()
    return row


async def delete(connection: Connection, bucket: str, names: Sequence[str]) -> list[Row]:
    """Delete those that may be deleted; their rows."""
    return await many(connection, _DELETE, (bucket, list(names)))


async def find_bucket(connection: Connection, bucket: str, *, public: bool | None = None) -> Row:
    """The bucket's row."""
    row = await one(connection, _FIND_BUCKET, (bucket,))
    if row is None or (public is not None and row["public"] != public):
        raise errors.no_such_bucket()
    return row


def moment(when: dt.datetime) -> str:
    """A time as the Storage API writes it, to the millisecond."""
    return when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def shown(row: Row) -> Row:
    """A row of either table as the Storage API shows it: who is not known is an empty text."""
    return {name: "" if value is None and name in _TEXTS else value for name, value in row.items()}


def as_json(value: object) -> bytes:
    """JSON with the Storage API's times."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return moment(value)
    raise TypeError(type(value).__name__)

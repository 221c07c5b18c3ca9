"""What travels on a Realtime socket: Phoenix messages in their object form (`vsn=1.0.0`), and changes inside them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError


class Frame(BaseModel):
    """One Phoenix message."""

    model_config = ConfigDict(frozen=True)

    topic: str
    event: str
    payload: dict[str, Any]
    ref: str | None = None
    join_ref: str | None = None

    def encode(self) -> str:
        """The frame as the socket takes it."""
        return orjson.dumps(self.model_dump()).decode()

    @classmethod
    def decode(cls, data: str | bytes) -> "Frame | None":
        """The frame in a message; `None` for what is none, which a client of a growing protocol passes over."""
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            return None


class Operation(StrEnum):
    """What happened to a row; RESYNC says that something may have been missed."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    RESYNC = "RESYNC"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one row.

    Attributes:
        record: The row as JSON, after an INSERT or UPDATE.
        message_id: The broadcast's id, for leaving out what was heard already.
        replayed: Whether it was sent again after a gap.
        answers: What has been made of it for its many readers, by whoever makes it, so that it is made once.
    """

    table: str
    operation: Operation
    id: str | None
    record: dict[str, Any] | None
    occurred_at: str
    message_id: str | None = None
    replayed: bool = False
    answers: dict[object, dict[str, Any]] = field(default_factory=dict, compare=False, repr=False)


class _Meta(BaseModel):
    id: str | None = None
    replayed: bool = False


class _Row(BaseModel):
    """The payload of `realtime.broadcast_changes`."""

    id: str | None = None
    table: str
    operation: Literal["INSERT", "UPDATE", "DELETE"]
    record: dict[str, Any] | None = None
    old_record: dict[str, Any] | None = None


class _Broadcast(BaseModel):
    type: Literal["broadcast"]
    event: str
    payload: _Row
    meta: _Meta = _Meta()


def change_in(payload: dict[str, Any]) -> Change | None:
    """The change in a `broadcast` payload; `None` for broadcasts of another kind."""
    try:
        found = _Broadcast.model_validate(payload)
    except ValidationError:
        return None
    row, meta = found.payload, found.meta
    record = row.record if row.operation != "DELETE" else None
    key = (record or row.old_record or {}).get("id")
    stamp = (record or {}).get("updated_at")
    return Change(
        table=row.table,
        operation=Operation(row.operation),
        id=str(key) if key is not None else None,
        record=record,
        occurred_at=stamp if isinstance(stamp, str) else now(),
        message_id=meta.id or row.id,
        replayed=meta.replayed,
    )


def resync() -> Change:
    """The change that says: read anew, something may have been missed."""
    return Change("", Operation.RESYNC, None, None, now())


def now() -> str:
    """This instant as ISO 8601."""
    return datetime.now(UTC).isoformat()

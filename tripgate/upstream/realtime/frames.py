"""What travels on a Realtime socket: Phoenix messages in their object form (`vsn=1.0.0`), and changes inside them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gql.catalog import catalog
from gql.schemas import DEFAULT, PostgresSchema
from gql.table import Table
from tripgate.upstream.realtime.decoding import decoded, readable


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
    def decode(cls, data: str | bytes) -> "Frame":
        """The frame in a message.

        Raises:
            UndecodableError: It is none.
        """
        try:
            given = decoded(data)
        except ValueError:
            raise UndecodableError(None) from None
        try:
            return cls.model_validate(given)
        except ValidationError:
            topic = given.get("topic") if isinstance(given, dict) else None
            raise UndecodableError(topic if isinstance(topic, str) else None) from None


class UndecodableError(Exception):
    """A message that is no frame.

    Attributes:
        topic: What it is about, where that can be told.
    """

    def __init__(self, topic: str | None) -> None:
        super().__init__("a message of Realtime could not be decoded")
        self.topic = topic


class Operation(StrEnum):
    """What happened to a row; RESYNC says that something may have been missed."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    RESYNC = "RESYNC"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text that is being written.

    Attributes:
        offset: How many code points of the text come before it.
    """

    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one row, or a piece of its text.

    Attributes:
        record: The row as JSON, after an INSERT or UPDATE.
        before: The row before an UPDATE. Of one that is deleted its key, and of a membership the key of what it was
            about.
        message_id: The broadcast's id, for leaving out what was received already.
        replayed: Whether it was sent again after a gap.
        undecodable: Whether it is a RESYNC since a message could not be decoded.
        piece: What is told in place of the row, while its text is being written.
        answers: What has been made of it for its many readers, by whoever makes it, so that it is made once.
    """

    table: str
    operation: Operation
    id: str | None
    record: dict[str, Any] | None
    occurred_at: str
    message_id: str | None = None
    replayed: bool = False
    undecodable: bool = False
    before: dict[str, Any] | None = None
    piece: Piece | None = None
    answers: dict[object, dict[str, Any]] = field(default_factory=dict, compare=False, repr=False)


class _Meta(BaseModel):
    id: str | None = None
    replayed: bool = False


class _Row(BaseModel):
    """The payload of `realtime.broadcast_changes`."""

    id: str | None = None
    table: str
    table_schema: str = Field(DEFAULT, alias="schema")
    operation: Literal["INSERT", "UPDATE", "DELETE"]
    record: dict[str, Any] | None = None
    old_record: dict[str, Any] | None = None


class _Told(BaseModel):
    """The payload of a piece, beside its row's key."""

    model_config = ConfigDict(strict=True)

    offset: int = Field(ge=0)
    text: str
    at: str | None = None


_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE"})
PIECE = "delta"
"""The event that tells a piece of a text."""


def change_in(payload: dict[str, Any], topic: str) -> Change | None:
    """The change in a `broadcast` payload: RESYNC where it cannot be decoded, `None` for events of another kind."""
    event = payload.get("event")
    if event == PIECE and (scope := catalog.scopes.of(topic)) is not None and scope.name in catalog.streamed:
        return _piece_in(payload, catalog.streamed[scope.name])
    if event not in _CHANGES:
        return None
    meta = _meta(payload.get("meta"))
    try:
        row = _Row.model_validate(payload.get("payload"))
    except ValidationError:
        return _undecodable(meta, None)
    record = row.record if row.operation != "DELETE" else None
    table = PostgresSchema(row.table_schema).qualified(row.table)
    key = (record or row.old_record or {}).get(catalog.key_of(table))
    if not isinstance(key, str | int) or not readable(record):
        return _undecodable(meta, row.id)
    stamp = (record or {}).get("updated_at")
    return Change(
        table=table,
        operation=Operation(row.operation),
        id=str(key),
        record=record,
        occurred_at=stamp if isinstance(stamp, str) else now(),
        message_id=meta.id or row.id,
        replayed=meta.replayed,
        before=row.old_record,
    )


def _piece_in(payload: dict[str, Any], table: Table) -> Change:
    """A piece of the text of one row of a table."""
    meta = _meta(payload.get("meta"))
    given = payload.get("payload")
    try:
        told = _Told.model_validate(given)
        at = now() if told.at is None else datetime.fromisoformat(told.at).isoformat()
    except ValueError:
        return _undecodable(meta, None)
    key = given.get(table.streamed.row) if isinstance(given, dict) and table.streamed is not None else None
    if not isinstance(key, str | int) or isinstance(key, bool):
        return _undecodable(meta, None)
    piece = Piece(told.offset, told.text)
    return Change(table.name, Operation.UPDATE, str(key), None, at, meta.id, meta.replayed, piece=piece)


def _meta(given: Any) -> _Meta:
    try:
        return _Meta.model_validate(given if given is not None else {})
    except ValidationError:
        return _Meta()


def _undecodable(meta: _Meta, message_id: str | None) -> Change:
    return replace(resync(), message_id=meta.id or message_id, replayed=meta.replayed, undecodable=True)


def resync() -> Change:
    """The change that says: read anew, something may have been missed."""
    return Change("", Operation.RESYNC, None, None, now())


def now() -> str:
    """This instant as ISO 8601."""
    return datetime.now(UTC).isoformat()

"""Phoenix's two wire formats, as Realtime speaks them.

1.0.0: JSON objects `{topic, event, payload, ref}`. 2.0.0: JSON arrays `[join_ref, ref, topic, event, payload]`, and two
binary frames for what people broadcast. Lengths are bytes, each in one byte:

    3 (client): kind, len(join_ref), len(ref), len(topic), len(event), len(metadata), encoding, then those, then payload
    4 (server): kind, len(topic), len(event), len(metadata), encoding, then those, then payload

where encoding 1 is JSON and 0 anything else. Refuses any other frame with FrameError.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson
from aiohttp import WSMsgType

PUSH = 3
USER_BROADCAST = 4
JSON_ENCODING = 1
LONGEST = 255
BROADCAST = "broadcast"


class FrameError(ValueError):
    """What arrived is no frame of this format."""


class Frame(NamedTuple):
    """Ready to be written to a WebSocket."""

    data: bytes
    opcode: WSMsgType


@dataclass(frozen=True, slots=True)
class UserBroadcast:
    """What a person broadcasts in a binary frame: the payload stays encoded."""

    event: str
    data: bytes
    is_json: bool


@dataclass(frozen=True, slots=True)
class Message:
    """What a client says. `payload` is decoded JSON, or a UserBroadcast."""

    topic: str
    event: str
    payload: Any
    ref: str | None = None
    join_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What everybody on a topic is told. `body` is the payload as JSON, None where the payload is binary."""

    event: str
    body: bytes | None
    user: UserBroadcast | None = None
    meta: dict[str, Any] | None = None

    @property
    def message_id(self) -> str | None:
        """The id of a message that is kept in the database."""
        return self.meta["id"] if self.meta else None


class Serializer(Protocol):
    """One version of the format. Stateless: its instances serve as keys of what was encoded already."""

    def decode(self, data: bytes, opcode: WSMsgType) -> Message:
        """What a frame says. Raises FrameError."""

    def push(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any) -> Frame:
        """A message to one channel."""

    def notice(self, topic: str, notice: Notice) -> Frame | None:
        """A message to everybody on a topic; None where this format cannot say it."""


class ObjectSerializer:
    """Version 1.0.0."""

    def decode(self, data: bytes, opcode: WSMsgType) -> Message:
        """What a frame says. Raises FrameError, also for a binary frame."""
        if opcode is not WSMsgType.TEXT:
            raise FrameError("this format has no binary frames")
        given = _json(data)
        if not isinstance(given, dict):
            raise FrameError("not an object")
        return _message(given.get("join_ref"), given.get("ref"), given.get("topic"), given.get("event"), given)

    def push(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any) -> Frame:
        """A message to one channel; this format has no place for the join's ref."""
        del join_ref
        return Frame(
            orjson.dumps({"ref": ref, "topic": topic, "event": event, "payload": payload}, option=orjson.OPT_UTC_Z),
            WSMsgType.TEXT,
        )

    def notice(self, topic: str, notice: Notice) -> Frame | None:
        """A message to everybody on a topic; None for binary payloads."""
        if notice.body is None:
            return None
        return self.push(None, None, topic, notice.event, orjson.Fragment(notice.body))


class ArraySerializer:
    """Version 2.0.0."""

    def decode(self, data: bytes, opcode: WSMsgType) -> Message:
        """What a frame says. Raises FrameError."""
        if opcode is WSMsgType.BINARY:
            return _decode_push(data)
        given = _json(data)
        if not isinstance(given, list) or len(given) < 5:
            raise FrameError("not an array of five")
        join_ref, ref, topic, event, payload = given[:5]
        return _message(join_ref, ref, topic, event, {"payload": payload})

    def push(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any) -> Frame:
        """A message to one channel."""
        return Frame(orjson.dumps([join_ref, ref, topic, event, payload], option=orjson.OPT_UTC_Z), WSMsgType.TEXT)

    def notice(self, topic: str, notice: Notice) -> Frame | None:
        """A message to everybody on a topic: binary if it came so."""
        if notice.user is None:
            return self.push(None, None, topic, notice.event, orjson.Fragment(notice.body or b"null"))
        metadata = orjson.dumps(notice.meta) if notice.meta else b""
        return self.user_broadcast(topic, notice.user, metadata)

    @staticmethod
    def user_broadcast(topic: str, user: UserBroadcast, metadata: bytes) -> Frame | None:
        """A frame of kind 4; None where a name does not fit in it."""
        names = (topic.encode(), user.event.encode(), metadata)
        if max(map(len, names)) > LONGEST:
            return None
        head = bytes((USER_BROADCAST, *map(len, names), JSON_ENCODING if user.is_json else 0))
        return Frame(head + b"".join(names) + user.data, WSMsgType.BINARY)


SERIALIZERS: dict[str, Serializer] = {"1.0.0": ObjectSerializer(), "2.0.0": ArraySerializer()}


def _decode_push(data: bytes) -> Message:
    if len(data) < 7 or data[0] != PUSH:
        raise FrameError("not a broadcast")
    offset = 7
    parts = []
    for size in data[1:6]:
        parts.append(data[offset : offset + size])
        offset += size
    if offset > len(data):
        raise FrameError("cut short")
    try:
        join_ref, ref, topic, event, _ = (part.decode() for part in parts)
    except UnicodeDecodeError as error:
        raise FrameError("not UTF-8") from error
    user = UserBroadcast(event, data[offset:], is_json=data[6] == JSON_ENCODING)
    if user.is_json:
        _json(user.data)
    return Message(topic, BROADCAST, user, ref or None, join_ref or None)


def _message(join_ref: Any, ref: Any, topic: Any, event: Any, given: dict[str, Any]) -> Message:
    if not isinstance(topic, str) or not isinstance(event, str):
        raise FrameError("topic and event must be strings")
    return Message(topic, event, given.get("payload"), _ref(ref), _ref(join_ref))


def _ref(given: Any) -> str | None:
    return None if given is None else str(given)


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise FrameError("not JSON") from error

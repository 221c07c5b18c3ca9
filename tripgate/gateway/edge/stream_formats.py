"""How the answers of a stream are written: as server-sent events, or as the parts of one multipart answer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from gql.json_numbers import dumps
from tripgate.gateway.edge.media_types import EVENT_STREAM, MULTIPART

TOKEN_HEADER = "X-GraphQL-Event-Stream-Token"  # noqa: S105 - a name
"""Says over which reserved stream a request is to be answered."""


@dataclass(frozen=True, slots=True)
class StreamFormat(ABC):
    """The bytes of a stream around its answers.

    Attributes:
        content_type: As in the header.
        opening: Written at once: the stream is open, though nothing has happened yet.
        idle: Written while nothing happens; empty where that would be an answer.
        ending: Written once there are no more answers.
    """

    content_type: str
    opening: bytes
    idle: bytes
    ending: bytes

    @abstractmethod
    def answer(self, answer: dict[str, Any]) -> bytes:
        """An answer of the operation."""

    @abstractmethod
    def refusal(self, errors: list[dict[str, Any]]) -> bytes:
        """What the operation ends with, where that is no answer."""

    def whole(self, answer: dict[str, Any]) -> bytes:
        """A stream of one answer, from its beginning to its end."""
        return self.opening + self.answer(answer) + self.ending

    def errors(self, answer: dict[str, Any]) -> dict[str, Any]:
        """What holds the errors of an answer, as `errors`."""
        return answer


class _ServerSentEvents(StreamFormat):
    """After the protocol of `graphql-sse`: a `next` event an answer, `complete` at the end, comments between."""

    __slots__ = ()

    def answer(self, answer: dict[str, Any]) -> bytes:
        return b"event: next\ndata: " + dumps(answer) + b"\n\n"

    def refusal(self, errors: list[dict[str, Any]]) -> bytes:
        return self.answer({"errors": errors})


class _OperationEvents(StreamFormat):
    """The same for many operations on one stream: what is told says which of them it is about, their ends too.

    The stream itself has no ending: whoever finds it over connects again.
    """

    __slots__ = ()

    def answer(self, answer: dict[str, Any]) -> bytes:
        event = b"next" if "payload" in answer else b"complete"
        return b"event: " + event + b"\ndata: " + dumps(answer) + b"\n\n"

    def refusal(self, errors: list[dict[str, Any]]) -> bytes:  # noqa: ARG002 - they are told nowhere
        return b""

    def errors(self, answer: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - its operation has taken note of them
        return {}


class _MultipartAnswers(StreamFormat):
    """After Apollo's protocol of subscriptions over HTTP: a part an answer below `payload`, empty ones between.

    An error that ends the operation stands beside a null payload.
    """

    __slots__ = ()

    def answer(self, answer: dict[str, Any]) -> bytes:
        return _part({"payload": answer})

    def refusal(self, errors: list[dict[str, Any]]) -> bytes:
        return _part({"payload": None, "errors": errors})


class _IncrementalParts(StreamFormat):
    """The parts of one answer, a JSON text each; the last of them says that it is."""

    __slots__ = ()

    def answer(self, answer: dict[str, Any]) -> bytes:
        return _part(answer)

    def refusal(self, errors: list[dict[str, Any]]) -> bytes:
        return _part({"errors": errors, "hasNext": False})

    def errors(self, answer: dict[str, Any]) -> dict[str, Any]:
        found = list(answer.get("errors", ()))
        for name in ("incremental", "completed"):
            for part in answer.get(name, ()):
                found += part.get("errors", ())
        return {"errors": found}


# The boundary is part of the protocol. Each part ends with it, so that a reader need not wait for the next to know.
_BOUNDARY = b"--graphql"
_HEAD = b"\r\nContent-Type: application/json\r\n\r\n"


def _part(value: dict[str, Any]) -> bytes:
    return _HEAD + dumps(value) + b"\r\n" + _BOUNDARY


EVENTS = _ServerSentEvents(f"{EVENT_STREAM}; charset=utf-8", b":\n\n", b":\n\n", b"event: complete\ndata: \n\n")
OPERATION_EVENTS = _OperationEvents(EVENTS.content_type, EVENTS.opening, EVENTS.idle, b"")
PARTS = _MultipartAnswers(
    f"{MULTIPART};boundary=graphql;subscriptionSpec=1.0", b"\r\n" + _BOUNDARY, _part({}), b"--\r\n"
)


def incremental_parts(parameter: str) -> StreamFormat:
    """How an answer in parts is written.

    Args:
        parameter: Names the format of the parts, as in `deferSpec=20220824`.
    """
    return _IncrementalParts(f"{MULTIPART};boundary=graphql;{parameter}", b"\r\n" + _BOUNDARY, b"", b"--\r\n")

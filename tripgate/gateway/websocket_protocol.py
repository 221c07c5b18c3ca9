"""The `graphql-transport-ws` protocol without sockets: what a message says, and whether it may come now.

A client says `connection_init` once, is told `connection_ack`, and may `subscribe` from then on, each operation under
an id of its own. A `ping` is answered by a `pong`, and may bring another token. A client that does otherwise is told a
close code.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiohttp import WSCloseCode

from gql.errors import ApiError, ErrorCode
from tripgate.gateway.edge.json_body import NotJsonError, read_json
from tripgate.gateway.edge.payloads import PayloadError, authorization_in, echo_of
from tripgate.gateway.errors import request_error
from tripgate.gateway.request import GraphQLRequest

PROTOCOL = "graphql-transport-ws"
ACKNOWLEDGED: dict[str, Any] = {"type": "connection_ack"}


class CloseError(Exception):
    """The connection must end with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Init:
    """`connection_init`, with the token of its payload if it has one."""

    authorization: str | None


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping`, with the token of its payload if it has one, and the message that answers it."""

    authorization: str | None
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pong:
    """`pong`, which nothing follows from."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`subscribe`: an operation of any kind is to run."""

    id: str
    request: GraphQLRequest


@dataclass(frozen=True, slots=True)
class Refused:
    """`subscribe`, beyond what may run at once, and the message that answers it."""

    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Complete:
    """`complete`: the client wants no more of an operation, which may have ended meanwhile; `None` for no id at all."""

    id: str | None


ClientMessage = Init | Ping | Pong | Subscribe | Refused | Complete


def next_message(id_: str, answer: dict[str, Any]) -> dict[str, Any]:
    """One answer of an operation."""
    return {"id": id_, "type": "next", "payload": answer}


def error_message(id_: str, errors: list[dict[str, Any]]) -> dict[str, Any]:
    """The end of an operation that failed as a whole."""
    return {"id": id_, "type": "error", "payload": errors}


def complete_message(id_: str) -> dict[str, Any]:
    """The end of an operation."""
    return {"id": id_, "type": "complete"}


class WebSocketProtocol:
    """The server's side of one connection.

    Args:
        running: The ids of the operations that run, as they are when a message comes.
        most_operations: How many may run at once.
        messages_per_second: How many messages come on average; as many may come at once.
        explains: See `GraphQLRequest.parse`.
        now: Seconds, by any clock.

    Attributes:
        initialised: Whether `connection_init` has come.
        acknowledged: Whether it has been answered; set by whoever answers.
    """

    __slots__ = (
        "_explains",
        "_last_message",
        "_messages_left",
        "_messages_per_second",
        "_most_operations",
        "_running",
        "acknowledged",
        "initialised",
    )

    def __init__(
        self,
        running: Collection[str],
        *,
        most_operations: int,
        messages_per_second: float,
        explains: bool,
        now: float,
    ) -> None:
        self._running = running
        self._most_operations = most_operations
        self._messages_per_second = self._messages_left = messages_per_second
        self._last_message = now
        self._explains = explains
        self.initialised = False
        self.acknowledged = False

    def receive(self, text: str, now: float) -> ClientMessage:
        """What a message says.

        Args:
            text: Empty for a message that is no text.
            now: When it came, by the same clock.

        Raises:
            CloseError: It is none of the protocol's, may not come now, or comes too soon after the others.
        """
        self._count(now)
        try:
            message = read_json(text)
        except NotJsonError:
            raise CloseError(4400, "Messages are JSON objects") from None
        if not isinstance(message, dict):
            raise CloseError(4400, "Messages are JSON objects")
        payload = message.get("payload")
        if payload is not None and not isinstance(payload, dict):
            raise CloseError(4400, "payload must be an object")
        try:
            match message.get("type"):
                case "connection_init":
                    return self._init(payload or {})
                case "ping":
                    return self._ping(payload)
                case "pong":
                    return Pong()
                case "subscribe":
                    return self._subscribe(message.get("id"), payload)
                case "complete":
                    id_ = message.get("id")
                    return Complete(id_ if isinstance(id_, str) else None)
                case other:
                    raise CloseError(4400, f"Unknown message type {str(other)[:40]!r}")
        except PayloadError as error:
            raise CloseError(4403, str(error)) from None

    def _count(self, now: float) -> None:
        most = self._messages_per_second
        self._messages_left = min(most, self._messages_left + (now - self._last_message) * most)
        self._last_message = now
        if self._messages_left < 1:
            raise CloseError(WSCloseCode.POLICY_VIOLATION, "Too many messages a second")
        self._messages_left -= 1

    def _init(self, payload: dict[str, Any]) -> Init:
        if self.initialised:
            raise CloseError(4429, "Too many initialisation requests")
        self.initialised = True
        return Init(authorization_in(payload))

    def _ping(self, payload: dict[str, Any] | None) -> Ping:
        authorization = authorization_in(payload or {})
        if authorization is not None and not self.acknowledged:
            raise CloseError(4401, "Unauthorized")
        return Ping(authorization, {"type": "pong", **echo_of(payload)})

    def _subscribe(self, id_: object, payload: dict[str, Any] | None) -> Subscribe | Refused:
        if not self.acknowledged:
            raise CloseError(4401, "Unauthorized")
        if not isinstance(id_, str) or not id_:
            raise CloseError(4400, "subscribe needs an id")
        if id_ in self._running:
            raise CloseError(4409, f"Subscriber for {id_[:80]} already exists")
        if len(self._running) >= self._most_operations:
            message = f"At most {self._most_operations} operations run at once on a connection."
            return Refused(error_message(id_, request_error(ApiError(ErrorCode.RATE_LIMITED, message))))
        try:
            return Subscribe(id_, GraphQLRequest.parse(payload, explains=self._explains))
        except ApiError as error:
            raise CloseError(4400, error.message) from None

"""`graphql-transport-ws` without a socket: what each message is taken for, in each state of a connection."""

import json
from typing import Any

import pytest

from tripgate.gateway.request import GraphQLRequest
from tripgate.gateway.websocket_protocol import (
    CloseError,
    Complete,
    Init,
    Ping,
    Pong,
    Refused,
    Subscribe,
    WebSocketProtocol,
)

QUERY = {"query": "{ __typename }"}


def protocol(*running: str, acknowledged: bool = True, per_second: float = 100.0) -> WebSocketProtocol:
    """A connection with these operations, which has been initialised or has just been opened."""
    found = WebSocketProtocol(list(running), most_operations=2, messages_per_second=per_second, explains=False, now=0.0)
    found.initialised = found.acknowledged = acknowledged
    return found


def refusal(found: WebSocketProtocol, message: object) -> tuple[int, str]:
    """The close code and reason that a message is answered by."""
    with pytest.raises(CloseError) as caught:
        found.receive(message if isinstance(message, str) else json.dumps(message), 0.0)
    return caught.value.code, caught.value.reason


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"type": "ping"}, Ping(None, {"type": "pong"})),
        ({"type": "ping", "payload": {"n": 1}}, Ping(None, {"type": "pong", "payload": {"n": 1}})),
        ({"type": "ping", "payload": {"Authorization": "Bearer x"}}, Ping("Bearer x", {"type": "pong"})),
        ({"type": "pong", "payload": {"n": 1}}, Pong()),
        ({"type": "complete", "id": "1"}, Complete("1")),
        ({"type": "complete", "id": 1}, Complete(None)),
        (
            {"type": "subscribe", "id": "1", "payload": QUERY},
            Subscribe("1", GraphQLRequest("{ __typename }", {}, None)),
        ),
    ],
)
def test_what_messages_say(message: dict[str, Any], expected: object) -> None:
    assert protocol().receive(json.dumps(message), 0.0) == expected


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("", 4400, "Messages are JSON objects"),
        ("[]", 4400, "Messages are JSON objects"),
        ({"type": "ping", "payload": 1}, 4400, "payload must be an object"),
        ({"type": "ping", "payload": {"authorization": 1}}, 4403, "Authorization must be a string"),
        ({"type": "what" * 20}, 4400, f"Unknown message type '{'what' * 10}'"),
        ({}, 4400, "Unknown message type 'None'"),
        ({"type": "connection_init"}, 4429, "Too many initialisation requests"),
        ({"type": "subscribe", "payload": QUERY}, 4400, "subscribe needs an id"),
        ({"type": "subscribe", "id": "a", "payload": QUERY}, 4409, "Subscriber for a already exists"),
        ({"type": "subscribe", "id": "b"}, 4400, "A request is one JSON object; batches are not taken."),
    ],
)
def test_what_ends_a_connection(message: object, code: int, reason: str) -> None:
    assert refusal(protocol("a"), message) == (code, reason)


def test_nothing_runs_before_the_connection_is_acknowledged() -> None:
    opened = protocol(acknowledged=False)
    subscribe = {"type": "subscribe", "id": "1", "payload": QUERY}
    token = {"Authorization": "Bearer x"}
    assert refusal(opened, subscribe) == (4401, "Unauthorized")
    assert refusal(opened, {"type": "ping", "payload": token}) == (4401, "Unauthorized")
    assert opened.receive('{"type": "ping"}', 0.0) == Ping(None, {"type": "pong"})
    assert opened.receive(json.dumps({"type": "connection_init", "payload": {"headers": token}}), 0.0) == Init(
        "Bearer x"
    )
    assert refusal(opened, subscribe) == (4401, "Unauthorized")
    assert refusal(opened, {"type": "connection_init"}) == (4429, "Too many initialisation requests")
    opened.acknowledged = True
    assert isinstance(opened.receive(json.dumps(subscribe), 0.0), Subscribe)


def test_so_many_operations_run_at_once() -> None:
    found = protocol("a", "b").receive(json.dumps({"type": "subscribe", "id": "c", "payload": QUERY}), 0.0)
    assert isinstance(found, Refused)
    assert (found.answer["id"], found.answer["type"]) == ("c", "error")
    (error,) = found.answer["payload"]
    assert error["extensions"]["code"] == "RATE_LIMITED"


def test_messages_come_at_a_rate() -> None:
    found = protocol(per_second=2.0)
    for now in (0.0, 0.0, 0.5, 1.0):
        assert found.receive('{"type": "pong"}', now) == Pong()
    with pytest.raises(CloseError) as caught:
        found.receive('{"type": "pong"}', 1.1)
    assert (caught.value.code, caught.value.reason) == (1008, "Too many messages a second")

"""The transports: `graphql-transport-ws` with its close codes, and server-sent events."""

import asyncio
import json
from typing import Any

import pytest

from tests.live.clients import connected, live
from tests.live.conftest import Party
from tests.live.test_changes import ITEMS, rename
from tests.support import Person


async def test_queries_and_mutations_run_too(party: Party) -> None:
    async with live(party.owner) as connection:
        id_ = await connection.subscribe("query ($id: UUID!) { trip(id: $id) { title } }", id=party.trip)
        assert await connection.event(id_) == {"trip": {"title": "Shared"}}
        assert await connection.ending(id_) == "complete"
        id_ = await connection.subscribe("{ nothing }")
        assert await connection.ending(id_) == "GRAPHQL_VALIDATION_FAILED"


async def test_a_root_field_that_fails_leaves_the_others_their_answers(party: Party) -> None:
    query = "{ viewer { id } trips(first: -1) { totalCount } }"
    async with live(party.owner) as client:
        await client.subscribe(query)
        found = await client.message()
        assert (found["type"], found["payload"]["data"]) == ("next", {"viewer": {"id": party.owner.id}, "trips": None})
        (error,) = found["payload"]["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["trips"], "BAD_USER_INPUT")


async def test_pings_are_answered(party: Party) -> None:
    async with live(party.owner) as connection:
        await connection.send(type="ping", payload={"n": 1})
        assert await connection.message() == {"type": "pong", "payload": {"n": 1}}


async def test_a_pong_never_says_a_token_back(party: Party) -> None:
    bearer = f"Bearer {party.owner.token}"
    quiet = [
        {"Authorization": bearer},
        {"AUTHORIZATION": bearer, "n": 1},
        {"headers": {"authorization": bearer}},
        {"token": party.owner.token},
        {"deeper": [{"still": f"x{party.owner.token}x"}]},
        {"apikey": "sb_publishable_x"},
    ]
    async with live(party.owner) as connection:
        for payload in quiet:
            await connection.send(type="ping", payload=payload)
            assert await connection.message() == {"type": "pong"}
        for payload in ({}, {"at": "2026-05-01T09:00:00Z"}, {"Authorization": None}, {"headers": {}}):
            await connection.send(type="ping", payload=payload)
            assert await connection.message() == {"type": "pong", "payload": payload}


VIEWER = "{ viewer { id } }"


@pytest.mark.parametrize(
    ("payload", "header", "who"),
    [
        ({"Authorization": "owner"}, None, "owner"),
        ({"authorization": "owner"}, None, "owner"),
        ({"AUTHORIZATION": "owner"}, None, "owner"),
        ({"headers": {"Authorization": "owner"}}, None, "owner"),
        ({"Headers": {"AUTHORIZATION": "owner"}}, None, "owner"),
        ({"headers": {"x-trace": "1"}}, "owner", "owner"),
        (None, "owner", "owner"),
        ({}, "owner", "owner"),
        # What is said last counts: the message, and of it the payload itself.
        ({"Authorization": "owner"}, "editor", "owner"),
        ({"Authorization": "owner", "headers": {"Authorization": "editor"}}, "stranger", "owner"),
        ({"headers": {"Authorization": "editor"}}, "owner", "editor"),
        (None, None, None),
        ({"Authorization": None}, None, None),
        ({"headers": None}, None, None),
    ],
)
async def test_where_a_token_may_stand(party: Party, payload: Any, header: str | None, who: str | None) -> None:
    def tokens(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: tokens(each) for name, each in value.items()}
        return f"Bearer {getattr(party, value).token}" if value in {"owner", "editor", "stranger"} else value

    headers = {} if header is None else {"Authorization": tokens(header)}
    async with connected(party.owner, headers=headers) as connection:
        await connection.send(type="connection_init", **({} if payload is None else {"payload": tokens(payload)}))
        assert (await connection.message())["type"] == "connection_ack"
        id_ = await connection.subscribe(VIEWER)
        expected = None if who is None else {"id": getattr(party, who).id}
        assert await connection.event(id_) == {"viewer": expected}


async def test_a_token_that_is_not_accepted_is_nobodys_wherever_it_stands(party: Party) -> None:
    for payload, header in (
        ({"Authorization": "Bearer nonsense"}, None),
        ({"headers": {"Authorization": "Bearer nonsense"}}, None),
        ({}, "Bearer nonsense"),
        ({}, "Basic YTpi"),
        ({"Authorization": "Bearer nonsense"}, f"Bearer {party.owner.token}"),
    ):
        async with connected(party.owner, headers={"Authorization": header} if header else {}) as connection:
            await connection.send(type="connection_init", payload=payload)
            assert (await connection.message())["type"] == "connection_ack"
            assert await connection.ending(await connection.subscribe("{ trips { totalCount } }")) == "UNAUTHENTICATED"


@pytest.mark.parametrize("payload", [{"headers": {"Authorization": 1}}, {"headers": "Authorization"}, {"headers": []}])
async def test_a_token_that_is_no_text_closes(party: Party, payload: Any) -> None:
    async with connected(party.owner) as connection:
        await connection.send(type="connection_init", payload=payload)
        assert await connection.close_code() == 4403


async def test_a_ping_refreshes_by_headers_too(party: Party) -> None:
    async with live(party.owner) as connection:
        await connection.send(type="ping", payload={"headers": {"Authorization": f"Bearer {party.editor.token}"}})
        assert await connection.close_code() == 4403


INIT = {"type": "connection_init"}
SUBSCRIBE = {"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}
FOLLOW = {"type": "subscribe", "id": "1", "payload": {"query": ITEMS, "variables": {}}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([SUBSCRIBE], 4401),
        ([{"type": "ping", "payload": {"Authorization": "Bearer x"}}], 4401),
        ([INIT, INIT], 4429),
        ([INIT, {"type": "ping", "payload": {"Authorization": "Bearer nonsense"}}], 4403),
        ([{**INIT, "payload": {"Authorization": 1}}], 4403),
        ([{**INIT, "payload": []}], 4400),
        ([{"type": "nonsense"}], 4400),
        (["no object"], 4400),
        ([INIT, {**SUBSCRIBE, "id": None}], 4400),
        ([INIT, {**SUBSCRIBE, "payload": {}}], 4400),
        ([], 4408),
    ],
)
async def test_close_codes(party: Party, messages: list[Any], code: int) -> None:
    async with connected(party.owner) as connection:
        for message in messages:
            await connection.socket.send_json(message)
        assert await connection.close_code() == code


async def test_an_id_in_use_closes_the_connection(party: Party) -> None:
    async with live(party.owner) as connection:
        follow = {**FOLLOW, "payload": {"query": ITEMS, "variables": {"trip": party.trip}}}
        await connection.socket.send_json(follow)
        await connection.socket.send_json(follow)
        assert await connection.close_code() == 4409


async def test_another_subprotocol_is_not_spoken(party: Party) -> None:
    url = party.owner.url.replace("http", "ws", 1)
    async with party.owner.http.ws_connect(url, protocols=("graphql-ws",)) as socket:
        await socket.receive()
        assert socket.close_code == 4406


async def test_too_many_operations_on_one_connection(party: Party) -> None:
    async with live(party.owner) as connection:
        ids = [await connection.subscribe(ITEMS, trip=party.trip) for _ in range(51)]
        assert await connection.ending(ids[-1]) == "RATE_LIMITED"


async def test_a_completed_operation_is_heard_of_no_more(party: Party) -> None:
    async with live(party.owner) as connection:
        id_ = await connection.subscribe(ITEMS, trip=party.trip)
        await connection.send(type="complete", id=id_)
        await rename(party, "Unheard")
        await connection.silence(id_)


async def sse(person: Person, query: str, **variables: Any) -> Any:
    """The open response to a request for server-sent events."""
    return await person.http.post(
        person.url,
        json={"query": query, "variables": variables},
        headers={
            "Accept": "text/event-stream",
            **({"Authorization": f"Bearer {person.token}"} if person.token else {}),
        },
    )


async def events(response: Any, count: int) -> list[tuple[str, Any]]:
    """So many events of a stream, comments left out."""
    found = []
    while len(found) < count:
        block = (await asyncio.wait_for(response.content.readuntil(b"\n\n"), 60)).decode().strip()
        if block.startswith("event:"):
            name, _, data = block.partition("\n")
            text = data.removeprefix("data:").strip()
            found.append((name.removeprefix("event:").strip(), json.loads(text) if text else None))
    return found


async def test_server_sent_events(party: Party) -> None:
    response = await sse(party.owner, "{ __typename }")
    assert response.content_type == "text/event-stream"
    assert await events(response, 2) == [("next", {"data": {"__typename": "Query"}}), ("complete", None)]

    response = await sse(party.editor, ITEMS, trip=party.trip)
    for attempt in range(50):
        await rename(party, f"Boat {attempt}")
        try:
            ((name, event),) = await asyncio.wait_for(events(response, 1), 0.4)
        except TimeoutError:
            continue
        break
    assert name == "next"
    assert event["data"]["tripItemChanges"]["operation"] == "UPDATE"
    response.close()

    response = await sse(party.stranger, ITEMS, trip=party.trip)
    (first, last) = await events(response, 2)
    assert first[1]["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert last == ("complete", None)

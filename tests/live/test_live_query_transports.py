"""Live queries over each transport: what is sent, and how it ends."""

import asyncio
import json
import time
from typing import Any

import pytest

from tests.live.clients import live
from tests.live.conftest import Party
from tests.live.following import TITLE, TRANSPORTS, TRIPS, at, followed
from tests.live.served import served
from tests.live.test_faults import narrow
from tests.support import Person, serving
from tripgate.local.keys import Signer
from tripgate.local.stack import StackInfo


async def test_an_event_stream_has_the_same_answers(party: Party) -> None:
    editor = party.editor
    body = {"query": TRIPS}
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {editor.token}"}
    async with editor.http.post(editor.url, json=body, headers=headers) as response:

        async def event() -> Any:
            while True:
                line = await asyncio.wait_for(response.content.readline(), 60)
                if line.startswith(b"data: {"):
                    return json.loads(line[6:])["data"]["trips"]["nodes"]

        assert await event() == [{"title": "Shared"}]
        party.sql("update public.trips set title = 'Streamed' where id = %s", party.trip)
        assert await event() == [{"title": "Streamed"}]


@pytest.mark.parametrize(
    "accept",
    ["multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json", "multipart/mixed;subscriptionSpec=1.0"],
)
async def test_parts_of_one_answer_as_apollo_client_asks_for_them_and_alone(party: Party, accept: str) -> None:
    editor = party.editor
    headers = {"Accept": accept, "Authorization": f"Bearer {editor.token}"}
    async with editor.http.post(editor.url, json={"query": TRIPS}, headers=headers) as response:
        assert response.headers["Content-Type"] == "multipart/mixed;boundary=graphql;subscriptionSpec=1.0"

        async def part() -> Any:
            text = await asyncio.wait_for(response.content.readuntil(b"\r\n--graphql"), 60)
            head, _, body = text.removesuffix(b"\r\n--graphql").partition(b"\r\n\r\n")
            assert head == b"\r\nContent-Type: application/json"
            return json.loads(body)["payload"]["data"]["trips"]["nodes"]

        assert await asyncio.wait_for(response.content.readuntil(b"--graphql"), 60) == b"\r\n--graphql"
        assert await part() == [{"title": "Shared"}]
        party.sql("update public.trips set title = 'In parts' where id = %s", party.trip)
        assert await part() == [{"title": "In parts"}]
    async with editor.http.post(
        editor.url, json={"query": 'subscription { trips(after: "nonsense") { nodes { id } } }'}, headers=headers
    ) as response:
        body = await response.text()
    assert body.startswith("\r\n--graphql\r\nContent-Type: application/json\r\n\r\n{")
    assert body.endswith("}\r\n--graphql--\r\n")
    ended = json.loads(body.split("\r\n\r\n")[1].removesuffix("\r\n--graphql--\r\n"))
    assert ended["payload"] is None
    assert ended["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def claims(party: Party) -> dict[str, Any]:
    """Those of the editor's tokens."""
    issuer = f"{party.info.api_url}/auth/v1"
    return {"sub": party.editor.id, "role": "authenticated", "aud": "authenticated", "iss": issuer}


async def test_a_refreshed_token_goes_on(party: Party, signer: Signer) -> None:
    ends = int(time.time()) + 4
    editor = Person(party.editor.http, party.editor.url, signer.sign({**claims(party), "exp": ends}))
    async with live(editor) as connection:
        query = await connection.subscribe(TITLE, trip=party.trip)
        assert (await connection.event(query))["trip"]["title"] == "Shared"
        await connection.send(type="ping", payload={"Authorization": f"Bearer {party.editor.token}"})
        assert (await connection.message())["type"] == "pong"
        await asyncio.sleep(ends + 0.5 - time.time())
        party.sql("update public.trips set title = 'Under the new one' where id = %s", party.trip)
        assert (await connection.event(query))["trip"]["title"] == "Under the new one"


def rename(party: Party, title: str) -> None:
    """Change what is followed."""
    party.sql("update public.trips set title = %s where id = %s", title, party.trip)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_it_is_followed_until_its_token_ends(party: Party, signer: Signer, transport: str) -> None:
    ends = int(time.time()) + 4
    editor = Person(party.editor.http, party.editor.url, signer.sign({**claims(party), "exp": ends}))
    async with followed(editor, transport, TITLE, trip=party.trip) as following:
        assert await following.payload() == {"data": {"trip": {"title": "Shared"}}}
        rename(party, "Renamed")
        assert await following.payload() == {"data": {"trip": {"title": "Renamed"}}}
        party.sql("delete from public.collaborators where user_id = %s", party.editor.id)
        assert await following.payload() == {"data": {"trip": None}}
        assert await following.ending() == "UNAUTHENTICATED"
        assert time.time() >= ends


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_stop_ends_it_without_a_complete_and_another_gateway_goes_on(
    party: Party, info: StackInfo, transport: str
) -> None:
    async with served(info) as stopping, serving(info) as another:
        async with followed(at(party.editor, stopping.url), transport, TITLE, trip=party.trip) as following:
            await following.title("Shared")
            stopping.stop()
            assert await following.ending() == "cut", "clients take a complete for the end of the subscription"
        rename(party, "Meanwhile")
        async with followed(at(party.editor, another), transport, TITLE, trip=party.trip) as following:
            await following.title("Meanwhile")
            rename(party, "Since then")
            await following.title("Since then")
        assert await stopping.exit_code(8) == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_mistakes_end_it_with_their_code_everywhere(party: Party, transport: str) -> None:
    query = 'subscription { trips(after: "nonsense") { nodes { id } } }'
    async with followed(party.editor, transport, query) as following:
        assert await following.ending() == "BAD_USER_INPUT"


async def test_a_reader_that_stands_still_gets_the_newest_and_not_all_between(party: Party) -> None:
    """Each answer is of some hundred thousand bytes, so that a few fill what sockets hold."""
    party.sql(
        "insert into public.trip_items (trip_id, title, notes) select %s, 'Item ' || n, repeat('🌊', 5000)"
        " from generate_series(1, 19) n",
        party.trip,
    )
    query = "subscription ($trip: UUID!) { trip(id: $trip) { title items { nodes { notes } } } }"
    async with narrow(party.editor, party.editor.url) as (editor, _), live(editor) as slow, live(party.owner) as quick:
        await slow.subscribe(query, trip=party.trip)
        his = await quick.subscribe(TITLE, trip=party.trip)
        for number in range(40):
            rename(party, f"Wave {number}")
            while (await quick.event(his))["trip"]["title"] != f"Wave {number}":
                pass
        heard = []
        while not heard or heard[-1] != 39:
            title = (await slow.message())["payload"]["data"]["trip"]["title"]
            heard.append(int(title.removeprefix("Wave ")) if title != "Shared" else -1)
        assert heard == sorted(set(heard))
        assert len(heard) < 30

"""Live queries: the answer at once, and anew whenever it differs, as a query of the same person would have it."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.live.clients import Live, live
from tests.live.conftest import Party
from tests.support import Person, Wire, serving
from tripgate.local.keys import Signer
from tripgate.local.stack import StackInfo

TRIP = "subscription ($trip: UUID!) { trip(id: $trip) { title items { nodes { title voteSummary { score mine } } } } }"
ITEMS = """subscription ($trip: UUID!) {
  tripItems(filter: { tripId: { eq: $trip } }) { totalCount nodes { title cost } } }"""
DEAR = "{ trips(first: 100) { nodes { title items(first: 4) { nodes { id } } } } }"
INVITE = """insert into public.invitations (trip_id, email, role, token_hash, invited_by)
  select id, 'somebody@example.com', 'viewer', encode(sha256('live'), 'hex'), user_id
  from public.trips where user_id = %s"""
TRIPS = "subscription { trips { nodes { title } totalCount } }"


@pytest.fixture(scope="module")
async def wire(info: StackInfo) -> AsyncIterator[Wire]:
    """What a gateway says to PostgREST."""
    async with Wire(info.rest_url) as wire:
        yield wire


@pytest.fixture(scope="module")
async def watched(info: StackInfo, wire: Wire) -> AsyncIterator[str]:
    """A gateway that polls often, and whose requests are counted."""
    async with serving(info, rest_url=wire.url, live_poll=1.0) as url:
        yield url


def at(person: Person, url: str) -> Person:
    """The same person, at another gateway."""
    return Person(person.http, url, person.token, person.refresh_token, person.id, person.email)


async def until_heard(connection: Live, id_: str, party: Party, read: Any) -> None:
    """Have changes made until one is heard, so that the topics are joined; then hear the query out."""
    for attempt in range(50):
        party.sql("update public.trips set title = %s where id = %s", f"Ready {attempt}", party.trip)
        try:
            while read(await connection.event(id_, 0.5)) != f"Ready {attempt}":
                pass
        except TimeoutError:
            continue
        break
    else:
        raise AssertionError("the query never heard of a change")
    await hear_out(connection, id_)


async def hear_out(connection: Live, id_: str, seconds: float = 0.5) -> Any:
    """What the last event says, once nothing more comes; `None` where none does."""
    last = None
    while True:
        try:
            last = await connection.event(id_, seconds)
        except TimeoutError:
            return last


async def events(connection: Live, id_: str, seconds: float) -> list[Any]:
    """What comes within this time."""
    found = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            found.append(await connection.event(id_, left))
        except TimeoutError:
            break
    return found


async def test_the_first_answer_comes_at_once_and_a_whole_new_one_whenever_it_differs(party: Party) -> None:
    async with live(party.editor) as connection:
        query = await connection.subscribe(TRIP, trip=party.trip)
        first = {"title": "Shared", "items": {"nodes": [{"title": "Boat", "voteSummary": {"score": 0, "mine": None}}]}}
        assert await connection.event(query) == {"trip": first}
        party.sql(
            "insert into public.votes (trip_item_id, user_id, value) values (%s, %s, 1)", party.item, party.owner.id
        )
        first["items"]["nodes"][0]["voteSummary"]["score"] = 1
        assert await connection.event(query) == {"trip": first}
        await party.editor.ask("mutation ($id: UUID!) { castVote(tripItemId: $id, value: UP) { id } }", id=party.item)
        first["items"]["nodes"][0]["voteSummary"] = {"score": 2, "mine": "UP"}
        assert await connection.event(query) == {"trip": first}
        party.sql("update public.trip_items set updated_at = now() where id = %s", party.item)
        await connection.silence(query, 1.0)


@pytest.mark.parametrize(
    ("query", "change", "before", "after"),
    [
        (
            "tripItems(filter: { tripId: { eq: $trip } }) { totalCount aggregate { max { dayNumber } } }",
            "update public.trip_items set day_number = 4 where trip_id = %s",
            {"totalCount": 1, "aggregate": {"max": {"dayNumber": 1}}},
            {"totalCount": 1, "aggregate": {"max": {"dayNumber": 4}}},
        ),
        (
            "tripsGrouped(by: [STATUS], filter: { id: { eq: $trip } }) { key { status } count }",
            "update public.trips set status = 'booked' where id = %s",
            [{"key": {"status": "PLANNING"}, "count": 1}],
            [{"key": {"status": "BOOKED"}, "count": 1}],
        ),
        (
            'tripItems(filter: { trip: { id: { eq: $trip } }, title: { eq: "Tea" } }, orderBy: [{ title: ASC }])'
            " { edges { node { title } } }",
            "update public.trip_items set title = 'Tea' where trip_id = %s",
            {"edges": []},
            {"edges": [{"node": {"title": "Tea"}}]},
        ),
    ],
)
async def test_filters_orders_aggregates_and_groups_are_followed_too(
    party: Party, query: str, change: str, before: Any, after: Any
) -> None:
    async with live(party.editor) as connection:
        following = await connection.subscribe(f"subscription ($trip: UUID!) {{ it: {query} }}", trip=party.trip)
        assert await connection.event(following) == {"it": before}
        party.sql(change, party.trip)
        assert await connection.event(following) == {"it": after}


async def test_a_change_on_another_trip_causes_no_read(party: Party, watched: str, wire: Wire) -> None:
    other = await party.owner.trip(title="Another")
    editor = at(party.editor, watched)
    async with live(editor) as connection:
        query = await connection.subscribe(TRIP, trip=party.trip)
        await until_heard(connection, query, party, lambda event: event["trip"]["title"])
        wire.clear()
        party.sql("update public.trips set title = 'Elsewhere' where id = %s", other)
        await connection.silence(query, 1.5)
        assert wire.requests == []


async def test_changes_that_come_together_are_read_once(party: Party, watched: str, wire: Wire) -> None:
    async with live(at(party.editor, watched)) as connection:
        query = await connection.subscribe(TRIP, trip=party.trip)
        await until_heard(connection, query, party, lambda event: event["trip"]["title"])
        wire.clear()
        # In one transaction, so told at once.
        party.sql("update public.trip_items set title = 'Twice' where trip_id = %s", party.trip)
        party.sql(
            "insert into public.trip_items (trip_id, title) select %s, 'Item ' || n from generate_series(1, 50) as n",
            party.trip,
        )
        last = await hear_out(connection, query, 1.0)
        assert len(last["trip"]["items"]["nodes"]) == 20  # a page
        assert len(wire.requests) <= 2


async def test_subscriptions_of_one_token_share_their_reads(party: Party, watched: str, wire: Wire) -> None:
    editor = at(party.editor, watched)
    async with live(editor) as one, live(editor) as other:
        first = await one.subscribe(TRIP, trip=party.trip)
        await until_heard(one, first, party, lambda event: event["trip"]["title"])
        wire.clear()
        second = await other.subscribe(TRIP, trip=party.trip)
        assert (await other.event(second))["trip"]["title"].startswith("Ready")
        assert wire.requests == []
        party.sql("update public.trips set title = 'For both' where id = %s", party.trip)
        assert (await one.event(first))["trip"]["title"] == "For both"
        assert (await other.event(second))["trip"]["title"] == "For both"
        assert len(wire.requests) == 1


async def test_whoever_is_removed_sees_null_and_whoever_comes_back_sees_it_again(party: Party) -> None:
    async with live(party.editor) as connection:
        query = await connection.subscribe("subscription ($trip: UUID!) { trip(id: $trip) { title } }", trip=party.trip)
        trips = await connection.subscribe(TRIPS)
        shared = {"trips": {"nodes": [{"title": "Shared"}], "totalCount": 1}}
        assert await connection.event(query) == {"trip": {"title": "Shared"}}
        assert await connection.event(trips) == shared
        party.sql("delete from public.collaborators where user_id = %s", party.editor.id)
        assert await connection.event(query) == {"trip": None}
        assert await connection.event(trips) == {"trips": {"nodes": [], "totalCount": 0}}
        party.sql(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')",
            party.trip,
            party.editor.id,
        )
        assert await connection.event(query) == {"trip": {"title": "Shared"}}
        assert await connection.event(trips) == shared


async def test_a_trip_that_is_deleted_is_null(party: Party) -> None:
    async with live(party.editor) as connection:
        query = await connection.subscribe("subscription ($trip: UUID!) { trip(id: $trip) { title } }", trip=party.trip)
        assert await connection.event(query) == {"trip": {"title": "Shared"}}
        await party.owner.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=party.trip)
        assert await connection.event(query) == {"trip": None}


async def test_what_one_may_not_see_is_null_as_in_a_query_and_looked_for_now_and_then(
    party: Party, watched: str, wire: Wire
) -> None:
    async with live(at(party.stranger, watched)) as connection:
        query = await connection.subscribe("subscription ($trip: UUID!) { trip(id: $trip) { title } }", trip=party.trip)
        assert await connection.event(query) == {"trip": None}
        await asyncio.sleep(1)
        wire.clear()
        await asyncio.sleep(3)
        assert len(wire.requests) <= 4, "one a second, and one for the topic"
        party.sql(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')",
            party.trip,
            party.stranger.id,
        )
        assert (await connection.event(query))["trip"] is None, "that it polls is said"
        assert await connection.event(query) == {"trip": {"title": "Shared"}}


@pytest.mark.parametrize(
    ("query", "change"),
    [
        ("{ tags { nodes { name } } }", "insert into public.tags (user_id, name) values (%s, 'Sea')"),
        ("{ savedPlaces { totalCount } }", "insert into public.saved_places (user_id, name) values (%s, 'Quay')"),
        ("{ collections { nodes { name } } }", "insert into public.collections (user_id, name) values (%s, 'Quays')"),
        ("{ places { nodes { name } } }", "insert into public.places (user_id, name) values (%s, 'Quay')"),
        ("{ myPreferences { locale } }", "update public.user_preferences set locale = 'fr-FR' where user_id = %s"),
        ("{ viewer { displayName } }", "update public.profiles set display_name = 'Else' where id = %s"),
        ("{ trips { nodes { title } } }", "insert into public.trips (user_id, title) values (%s, 'Made elsewhere')"),
        ("{ invitations { totalCount } }", INVITE),
    ],
    ids=lambda text: text.split()[1] if text.startswith("{") else "",
)
async def test_what_is_ones_own_is_followed_wherever_it_is_written(party: Party, query: str, change: str) -> None:
    async with live(party.owner) as connection:
        following = await connection.subscribe(f"subscription {query}")
        first = await connection.event(following)
        assert await hear_out(connection, following) is None
        party.sql(change, party.owner.id)
        second = await connection.event(following, 2.5)
        assert second == await party.owner.ask(query)
        assert second != first


async def test_a_place_or_a_person_on_the_trip_is_followed_by_the_others(party: Party) -> None:
    made = await party.owner.ask('mutation { createPlace(input: { name: "Quay" }) { id } }')
    party.sql("update public.trip_items set place_id = %s where id = %s", made["createPlace"]["id"], party.item)
    async with live(party.editor) as connection:
        query = await connection.subscribe(
            """subscription ($trip: UUID!) {
                 trip(id: $trip) { owner { displayName } items { nodes { place { name } } } } }""",
            trip=party.trip,
        )
        message = await connection.message()
        first = message["payload"]["data"]
        assert "extensions" not in message["payload"], "all of it can be heard of"
        assert await hear_out(connection, query) is None
        await party.owner.ask(
            'mutation ($id: UUID!) { updatePlace(id: $id, patch: { name: "Pier" }) { id } }',
            id=made["createPlace"]["id"],
        )
        first["trip"]["items"]["nodes"][0]["place"]["name"] = "Pier"
        assert await connection.event(query, 2.5) == first
        party.sql("update public.profiles set display_name = 'Renamed' where id = %s", party.owner.id)
        first["trip"]["owner"]["displayName"] = "Renamed"
        assert await connection.event(query, 2.5) == first


async def test_what_cannot_be_heard_of_is_read_again_and_again_and_says_so(party: Party, watched: str) -> None:
    async with live(at(party.owner, watched)) as connection:
        query = await connection.subscribe("subscription { trips { nodes { isOver } } }")
        message = await connection.message()
        assert message["payload"]["data"] == {"trips": {"nodes": [{"isOver": None}]}}
        assert message["payload"]["extensions"] == {"live": {"pollSeconds": 1.0}}
        party.sql("update public.trips set end_date = '2001-01-01' where id = %s", party.trip)
        assert await connection.event(query) == {"trips": {"nodes": [{"isOver": True}]}}


async def test_a_refreshed_token_goes_on_and_an_expired_one_ends(party: Party, signer: Signer) -> None:
    claims = {
        "sub": party.editor.id,
        "role": "authenticated",
        "aud": "authenticated",
        "iss": f"{party.info.api_url}/auth/v1",
    }
    ends = int(time.time()) + 4
    editor = Person(party.editor.http, party.editor.url, signer.sign({**claims, "exp": ends}))
    async with live(editor) as connection:
        query = await connection.subscribe(TRIP, trip=party.trip)
        assert (await connection.event(query))["trip"]["title"] == "Shared"
        await connection.send(type="ping", payload={"Authorization": f"Bearer {party.editor.token}"})
        assert (await connection.message())["type"] == "pong"
        await asyncio.sleep(ends + 0.5 - time.time())
        party.sql("update public.trips set title = 'Under the new one' where id = %s", party.trip)
        assert (await connection.event(query))["trip"]["title"] == "Under the new one"
    ends = int(time.time()) + 2
    editor = Person(party.editor.http, party.editor.url, signer.sign({**claims, "exp": ends}))
    async with live(editor) as connection:
        query = await connection.subscribe(TRIP, trip=party.trip)
        assert (await connection.event(query))["trip"]["title"] == "Under the new one"
        assert await connection.ending(query) == "UNAUTHENTICATED"


async def test_mistakes_end_it_with_their_code(party: Party) -> None:
    async with live(party.editor) as connection:
        query = await connection.subscribe('subscription { trips(after: "nonsense") { totalCount nodes { id } } }')
        assert await connection.ending(query) == "BAD_USER_INPUT"
    async with live(Person(party.editor.http, party.editor.url)) as connection:
        query = await connection.subscribe(TRIPS)
        assert await connection.ending(query) == "UNAUTHENTICATED"


async def test_an_event_stream_has_the_same_answers(party: Party) -> None:
    editor = party.editor
    body = {"query": TRIPS}
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {editor.token}"}
    async with editor.http.post(editor.url, json=body, headers=headers) as response:

        async def event() -> Any:
            while True:
                line = await asyncio.wait_for(response.content.readline(), 5)
                if line.startswith(b"data: {"):
                    return json.loads(line[6:])["data"]["trips"]["nodes"]

        assert await event() == [{"title": "Shared"}]
        party.sql("update public.trips set title = 'Streamed' where id = %s", party.trip)
        assert await event() == [{"title": "Streamed"}]


async def test_parts_of_one_answer_as_apollo_client_asks_for_them(party: Party) -> None:
    editor = party.editor
    accept = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
    headers = {"Accept": accept, "Authorization": f"Bearer {editor.token}"}
    async with editor.http.post(editor.url, json={"query": TRIPS}, headers=headers) as response:
        assert response.headers["Content-Type"] == "multipart/mixed;boundary=graphql;subscriptionSpec=1.0"

        async def part() -> Any:
            text = await asyncio.wait_for(response.content.readuntil(b"\r\n--graphql"), 5)
            head, _, body = text.removesuffix(b"\r\n--graphql").partition(b"\r\n\r\n")
            assert head == b"\r\nContent-Type: application/json"
            return json.loads(body)["payload"]["data"]["trips"]["nodes"]

        assert await asyncio.wait_for(response.content.readuntil(b"--graphql"), 5) == b"\r\n--graphql"
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


async def test_each_read_counts_against_what_its_person_may_spend(party: Party, info: StackInfo) -> None:
    """Once the minute's budget is spent, further answers wait; none is lost, and the query does not end."""
    async with (
        serving(info, rate_limits=True, cost_per_person=1500, max_cost=1500) as url,
        live(at(party.editor, url)) as connection,
    ):
        query = await connection.subscribe(f"subscription {DEAR}")
        await connection.event(query)
        for number in range(8):
            party.sql("update public.trips set title = %s where id = %s", f"Spent {number}", party.trip)
            await asyncio.sleep(0.3)
        assert len(await events(connection, query, 1.0)) <= 2
        assert await at(party.editor, url).code(DEAR) == "RATE_LIMITED"


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_interleaving_of_changes_the_last_answer_is_the_querys(party: Party, seed: int) -> None:
    rolls = random.Random(seed)
    texts = {
        TRIP: {"trip": party.trip},
        TRIPS: {},
        ITEMS: {"trip": party.trip},
        "subscription { tripsGrouped(by: [STATUS]) { key { status } count } }": {},
        "subscription { votes { nodes { value user { id } tripItem { title } } } }": {},
    }
    async with live(party.editor) as connection:
        running = {text: await connection.subscribe(text, **variables) for text, variables in texts.items()}
        for step in range(25):
            party.sql(*_change(rolls, party, step))
            await asyncio.sleep(rolls.choice([0, 0, 0.02, 0.15]))
        await asyncio.sleep(1)
        for text, id_ in running.items():
            last = await hear_out(connection, id_)
            assert last == await party.editor.ask(text.replace("subscription", "query"), **texts[text]), text


def _change(rolls: random.Random, party: Party, step: int) -> tuple[Any, ...]:
    """A change behind the gateway's back, of a kind at random."""
    return rolls.choice(
        [
            ("update public.trips set title = %s where id = %s", f"Trip {step}", party.trip),
            ("update public.trips set status = 'booked' where id = %s", party.trip),
            ("insert into public.trip_items (trip_id, title, cost) values (%s, %s, 2.50)", party.trip, f"Item {step}"),
            ("delete from public.trip_items where trip_id = %s and title <> 'Boat'", party.trip),
            (
                """insert into public.votes (trip_item_id, user_id, value) values (%s, %s, 1)
                   on conflict (trip_item_id, user_id) do update set value = -public.votes.value""",
                party.item,
                party.owner.id,
            ),
            ("delete from public.collaborators where user_id = %s", party.editor.id),
            (
                """insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')
                   on conflict do nothing""",
                party.trip,
                party.editor.id,
            ),
        ]
    )

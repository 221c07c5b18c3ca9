"""Rows that Postgres keeps and Python cannot hold, written past the gateway: those who follow are told, and go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import orjson
import psycopg
import pytest

from tests.live.clients import live
from tests.live.conftest import Party
from tests.live.served import RealtimeProxy
from tests.live.test_changes import ITEMS, rename, until_following
from tests.observability.observed import samples
from tests.support import Person, serving
from tripgate.local.stack import StackInfo
from tripgate.planner.json_values import UNREADABLE
from tripgate.upstream.realtime.decoding import DEEPEST, decoded
from tripgate.upstream.realtime.frames import Operation, change_in

DETAILS = "subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { operation tripItem { title details } } }"
CLEAR = "mutation ($id: UUID!) { updateTripItem(id: $id, patch: { details: {} }) { id } }"
RESYNC = {"operation": "RESYNC", "tripItem": None}
CHECKS = """select conname, pg_get_constraintdef(oid) from pg_constraint
    where conrelid = 'public.trip_items'::regclass and contype = 'c' and pg_get_constraintdef(oid) like '%details%'"""


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.fixture
def write(party: Party) -> Iterator[Callable[[str], None]]:
    """Writes details as into a database that has no check of them; the checks come back afterwards."""
    with psycopg.connect(party.info.admin_db_url, autocommit=True) as db:
        checks = db.execute(CHECKS).fetchall()
        assert checks
        for name, _ in checks:
            db.execute(f'alter table public.trip_items drop constraint "{name}"')
        change = "update public.trip_items set title = 'Odd', details = %s::jsonb where id = %s"
        yield lambda details: party.sql(change, details, party.item)
        db.execute("update public.trip_items set details = '{}' where id = %s", (party.item,))
        for name, definition in checks:
            db.execute(f'alter table public.trip_items add constraint "{name}" {definition}')


@pytest.mark.parametrize(
    "details",
    ['{"n": 1e400}', '{"n": [-1e400]}', f'{{"n": {nested(64)}}}', f'{{"n": {nested(3000)}}}', '{"n": 1e5000}'],
)
async def test_a_change_that_cannot_be_decoded_is_a_resync_and_the_next_one_arrives(
    party: Party, write: Callable[[str], None], details: str
) -> None:
    async with live(party.editor) as connection:
        items = await connection.subscribe(DETAILS, trip=party.trip)
        await until_following(connection, items, party)
        await asyncio.to_thread(write, details)
        assert (await connection.event(items))["tripItemChanges"] == RESYNC
        # What it was before comes along with the next change, and does not spoil that one.
        party.sql("update public.trip_items set title = 'Mended', details = '{}' where id = %s", party.item)
        mended = {"title": "Mended", "details": {}}
        assert (await connection.event(items))["tripItemChanges"] == {"operation": "UPDATE", "tripItem": mended}
        await rename(party, "And on")
        assert (await connection.event(items))["tripItemChanges"]["tripItem"]["title"] == "And on"
        await connection.silence(items)


async def test_numbers_arrive_digit_for_digit(party: Party, write: Callable[[str], None]) -> None:
    details = '{"a": 18446744073709551617, "b": 0.123456789012345678901234567890, "c": -1.50, "d": [9007199254740993]}'
    async with live(party.editor) as connection:
        items = await connection.subscribe(DETAILS, trip=party.trip)
        await until_following(connection, items, party)
        await asyncio.to_thread(write, details)
        answer = await connection.socket.receive_str()
        assert json.loads(answer)["payload"]["data"]["tripItemChanges"]["operation"] == "UPDATE"
        assert details in answer


@pytest.mark.parametrize("details", ['{"n": 1e400}', f'{{"n": {nested(64)}}}'])
async def test_a_related_row_that_cannot_be_read_is_null_where_it_stands(
    party: Party, write: Callable[[str], None], details: str
) -> None:
    query = """subscription ($trip: UUID!) {
      voteChanges(tripId: $trip) { operation vote { value tripItem { title details } } }
    }"""
    async with live(party.editor) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        votes = await connection.subscribe(query, trip=party.trip)
        await until_following(connection, items, party)
        await asyncio.to_thread(write, details)
        assert (await connection.event(items))["tripItemChanges"]["operation"] == "RESYNC"
        assert (await connection.event(votes))["voteChanges"] == {"operation": "RESYNC", "vote": None}
        await party.owner.ask("mutation ($id: UUID!) { castVote(tripItemId: $id, value: UP) { id } }", id=party.item)
        payload = (await connection._next(votes, 5))["payload"]
        vote = {"value": "UP", "tripItem": {"title": "Odd", "details": None}}
        assert payload["data"]["voteChanges"] == {"operation": "INSERT", "vote": vote}
        (error,) = payload["errors"]
        assert error["path"] == ["voteChanges", "vote", "tripItem", "details"]


async def test_it_is_counted_and_logged(
    party: Party, write: Callable[[str], None], info: StackInfo, http: aiohttp.ClientSession, caplog: Any
) -> None:
    async with serving(info) as url, live(Person(http, url, party.editor.token)) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        await asyncio.to_thread(write, '{"n": 1e400}')
        assert (await connection.event(items))["tripItemChanges"]["operation"] == "RESYNC"
        async with http.get(url.replace("/graphql", "/metrics")) as response:
            found = samples(await response.text())
    assert found["tripgate_realtime_undecodable_total", ()] == 1
    assert found["tripgate_resyncs_total", (("reason", "undecodable"),)] == 1
    assert "a realtime message could not be decoded" in caplog.text
    assert party.trip not in caplog.text


class Garbler(RealtimeProxy):
    """One that says more than Realtime does."""

    async def say(self, message: str) -> None:
        for client in self.clients:
            await client.send_str(message)


@pytest.fixture
async def garbler(info: StackInfo) -> AsyncIterator[Garbler]:
    async with Garbler(info) as made:
        yield made


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "null",
        '{"topic": "$topic", "event": "broadcast", "payload": []}',
        '{"topic": "$topic", "event": "broadcast", "ref": 1, "payload": {}}',
        '{"topic": "$topic", "event": "broadcast", "payload": {"event": "UPDATE", "payload": {"table": 1}}}',
        '{"topic": "$topic", "event": "broadcast", "payload": {"event": "INSERT"}}',
        '{"topic": "$topic", "event": "broadcast", "payload": {"event": "DELETE", "payload":'
        ' {"table": "trip_items", "operation": "DELETE", "record": null, "old_record": null}}}',
        '{"topic": "$topic", "event": "system", "payload": {"status": NaN}}',
    ],
)
async def test_a_message_that_is_none_is_a_resync_for_its_topic(
    party: Party, info: StackInfo, http: aiohttp.ClientSession, garbler: Garbler, message: str
) -> None:
    async with (
        serving(info, realtime_url=garbler.url) as url,
        live(Person(http, url, party.editor.token)) as connection,
    ):
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        await garbler.say(message.replace("$topic", f"realtime:trip:{party.trip}"))
        assert (await connection.event(items))["tripItemChanges"] == RESYNC | {"id": None}
        await rename(party, "And on")
        assert (await connection.event(items))["tripItemChanges"]["tripItem"]["title"] == "And on"
        await connection.silence(items)


async def test_one_of_another_topic_is_nobodys_here(
    party: Party, info: StackInfo, http: aiohttp.ClientSession, garbler: Garbler
) -> None:
    async with (
        serving(info, realtime_url=garbler.url) as url,
        live(Person(http, url, party.editor.token)) as connection,
    ):
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        await garbler.say('{"topic": "realtime:trip:another", "event": "broadcast", "payload": []}')
        odd = '{"topic": "realtime:trip:$trip", "event": "presence_diff", "payload": {"joins": 1, "leaves": [2]}}'
        await garbler.say(odd.replace("$trip", party.trip))
        await connection.silence(items)


class TestDecoding:
    """Texts that are JSON and more than Python takes."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("[1e400, -1e400, 1e-400]", [UNREADABLE, UNREADABLE, 0.0]),
            (f"[{'9' * 400}, 12]", [UNREADABLE, 12]),
            ('["[[\\"1e400", 0.5]', ['[["1e400', 0.5]),
        ],
    )
    def test_values(self, text: str, value: object) -> None:
        assert decoded(text) == value

    def test_depth(self) -> None:
        assert decoded(nested(DEEPEST)) == orjson.loads(nested(DEEPEST))
        for levels in (DEEPEST + 1, 50_000):
            found = decoded(nested(levels))
            for _ in range(DEEPEST - 1):
                (found,) = found
            assert found == [UNREADABLE]

    @pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", f"[{'1' * 20}", '{"a":"\\ud800"}', b"\xff"])
    def test_no_json(self, text: str | bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - the decoders word it as they like
            decoded(text)

    def test_what_was_before_need_not_be_readable(self) -> None:
        row = {"table": "t", "operation": "UPDATE", "record": {"id": "1"}, "old_record": {"n": UNREADABLE}}
        change = change_in({"type": "broadcast", "event": "UPDATE", "payload": row}, "trip:1")
        assert change is not None
        assert change.operation is Operation.UPDATE

    def test_an_undecodable_one_is_known_again_when_it_is_replayed(self) -> None:
        row = {"table": "t", "operation": "UPDATE", "record": {"id": "1", "n": UNREADABLE}}
        meta = {"id": "m1", "replayed": True}
        change = change_in({"type": "broadcast", "event": "UPDATE", "payload": row, "meta": meta}, "trip:1")
        assert change is not None
        assert (change.operation, change.undecodable) == (Operation.RESYNC, True)
        assert (change.message_id, change.replayed, change.record) == ("m1", True, None)

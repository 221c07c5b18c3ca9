"""A text that is told piece by piece: a speech in a club, as whoever is there hears it."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.live.clients import Live, live
from tests.live.following import followed
from tests.live.test_faults import narrow
from tests.scopes.conftest import Neighbours
from tests.support import Person
from tripgate.local.stack import StackInfo

SPEECHES = """subscription ($club: BigInt!) {
  speechChanges(clubNumber: $club) { operation id delta offset speech { id words state } }
}"""
PIECES = "subscription ($club: BigInt!) { speechChanges(clubNumber: $club) { delta offset } }"
WITH_CLUB = """subscription ($club: BigInt!) {
  speechChanges(clubNumber: $club) { delta words: speech { words price club { title } } }
}"""
OF_EVENTS = "subscription ($club: BigInt!) { clubEventChanges(clubNumber: $club) { operation clubEvent { title } } }"
SPEECH = "5bee0000-0000-4000-8000-{:012}"


class Speaker:
    """Whoever writes: a service with the secret key, and the row beside it."""

    def __init__(self, http: aiohttp.ClientSession, shared: StackInfo, neighbours: Neighbours) -> None:
        self._http = http
        self._shared = shared
        self._neighbours = neighbours
        self.id = SPEECH.format(int(neighbours.club) % 10**12)

    def begins(self, words: str = "", state: str = "spoken") -> None:
        self._neighbours.sql(
            "insert into public.speeches (id, club_number, words, state) values (%s, %s, %s, %s)",
            self.id,
            self._neighbours.club,
            words,
            state,
        )

    def writes(self, words: str, state: str = "spoken") -> None:
        self._neighbours.sql("update public.speeches set words = %s, state = %s where id = %s", words, state, self.id)

    async def tells(self, offset: Any, text: Any) -> int:
        """Send a piece; the status of the answer."""
        payload = {"speech_id": self.id, "offset": offset, "text": text}
        return await broadcast(self._http, self._shared, self._shared.secret_key, self._neighbours, payload)

    async def tells_all(self, offset: int, texts: list[str]) -> int:
        """Send pieces one behind the other; the status of the answer."""
        payloads = []
        for text in texts:
            payloads.append({"speech_id": self.id, "offset": offset, "text": text})
            offset += len(text)
        return await broadcast(self._http, self._shared, self._shared.secret_key, self._neighbours, *payloads)


async def broadcast(
    http: aiohttp.ClientSession,
    shared: StackInfo,
    key: str,
    neighbours: Neighbours,
    *payloads: Any,
    token: str | None = None,
) -> int:
    """Send pieces past the gateway."""
    topic = f"club:{neighbours.club}"
    messages = [{"topic": topic, "event": "delta", "private": True, "payload": each} for each in payloads]
    headers = {"apikey": key, **({"Authorization": f"Bearer {token}"} if token else {})}
    url = f"{shared.api_url}/realtime/v1/api/broadcast"
    async with http.post(url, json={"messages": messages}, headers=headers) as response:
        return response.status


@pytest.fixture
def speaker(http: aiohttp.ClientSession, shared: StackInfo, neighbours: Neighbours) -> Speaker:
    return Speaker(http, shared, neighbours)


async def event(connection: Live, id_: str, seconds: float = 30) -> Any:
    return (await connection.event(id_, seconds))["speechChanges"]


def piece(speaker: Speaker, offset: int, text: str) -> dict[str, Any]:
    return {"operation": "UPDATE", "id": speaker.id, "delta": text, "offset": offset, "speech": None}


def row(speaker: Speaker, operation: str, words: str, state: str = "spoken") -> dict[str, Any]:
    return {
        "operation": operation,
        "id": speaker.id,
        "delta": None,
        "offset": None,
        "speech": {"id": speaker.id, "words": words, "state": state},
    }


async def test_a_speech_from_its_beginning_to_its_end(neighbours: Neighbours, speaker: Speaker) -> None:
    async with live(neighbours.one) as connection:
        mine = await connection.subscribe(SPEECHES, club=neighbours.club)
        events = await connection.subscribe(OF_EVENTS, club=neighbours.club)
        await neighbours.until_following(connection, events)
        speaker.begins()
        assert await event(connection, mine) == row(speaker, "INSERT", "")
        assert await speaker.tells(0, "Friends, ") == 202
        assert await event(connection, mine) == piece(speaker, 0, "Friends, ")
        # Early, again, and then the one between.
        await speaker.tells(9 + 6, ", countrymen")
        await speaker.tells(0, "Friends, ")
        await speaker.tells(9, "Romans")
        assert await event(connection, mine) == piece(speaker, 9, "Romans, countrymen")
        speaker.writes("Friends, Romans, countrymen, lend me your ears 👂🏽", "said")
        assert await event(connection, mine) == piece(speaker, 27, ", lend me your ears 👂🏽")
        assert await event(connection, mine) == row(
            speaker, "UPDATE", "Friends, Romans, countrymen, lend me your ears 👂🏽", "said"
        )
        await speaker.tells(27, ", lend")
        neighbours.sql("delete from public.speeches where id = %s", speaker.id)
        assert await event(connection, mine) == {**row(speaker, "DELETE", ""), "speech": None}
        # Pieces are no changes of other rows.
        await connection.silence(events, 0.2)


async def test_who_comes_late_is_told_the_row_first(neighbours: Neighbours, speaker: Speaker) -> None:
    speaker.begins("Friends, ")
    async with live(neighbours.one) as connection:
        mine = await connection.subscribe(SPEECHES, club=neighbours.club)
        assert await event(connection, mine) == row(speaker, "UPDATE", "Friends, ")
        without_rows = await connection.subscribe(PIECES, club=neighbours.club)
        assert await event(connection, without_rows) == {"delta": "Friends, ", "offset": 0}
        await speaker.tells(0, "Friends, Romans")
        assert await event(connection, mine) == piece(speaker, 9, "Romans")
        assert await event(connection, without_rows) == {"delta": "Romans", "offset": 9}


async def test_a_piece_that_is_lost_is_read_from_the_row(neighbours: Neighbours, speaker: Speaker) -> None:
    speaker.begins()
    async with live(neighbours.one) as connection:
        mine = await connection.subscribe(SPEECHES, club=neighbours.club)
        assert await event(connection, mine) == row(speaker, "UPDATE", "")
        # Nobody tells of what the row says meanwhile.
        neighbours.sql("alter table public.speeches disable trigger tell")
        speaker.writes("Friends, Romans")
        neighbours.sql("alter table public.speeches enable trigger tell")
        await speaker.tells(9, "Romans, countrymen")
        assert await event(connection, mine) == piece(speaker, 0, "Friends, Romans, countrymen")


async def test_what_is_read_beside_the_text_does_not_run_ahead_of_its_pieces(
    neighbours: Neighbours, speaker: Speaker
) -> None:
    speaker.begins("Fri")
    async with live(neighbours.one) as connection:
        mine = await connection.subscribe(WITH_CLUB, club=neighbours.club)
        club = {"title": "Chess"}
        first = {"delta": None, "words": {"words": "Fri", "price": None, "club": club}}
        assert await event(connection, mine) == first
        await speaker.tells(3, "ends")
        assert await event(connection, mine) == {"delta": "ends", "words": None}
        neighbours.sql("update public.speeches set words = 'Friends', state = 'said', price = 2.5")
        last = {"delta": None, "words": {"words": "Friends", "price": "2.50", "club": club}}
        assert await event(connection, mine) == last


async def test_what_is_no_piece_has_everybody_read_anew(neighbours: Neighbours, speaker: Speaker) -> None:
    speaker.begins("Fri")
    async with live(neighbours.one) as connection:
        mine = await connection.subscribe(SPEECHES, club=neighbours.club)
        assert await event(connection, mine) == row(speaker, "UPDATE", "Fri")
        for offset, text in ((-1, "a"), ("3", "a"), (3, None), (3.5, "a"), (True, "a")):
            assert await speaker.tells(offset, text) == 202
            resync = {"operation": "RESYNC", "id": None, "delta": None, "offset": None, "speech": None}
            assert await event(connection, mine) == resync
            assert await event(connection, mine) == row(speaker, "UPDATE", "Fri")
        await speaker.tells(3, "ends")
        assert await event(connection, mine) == piece(speaker, 3, "ends")


async def test_nobody_but_a_service_tells_pieces(
    http: aiohttp.ClientSession, shared: StackInfo, neighbours: Neighbours, speaker: Speaker
) -> None:
    neighbours.joins_club(neighbours.other)
    speaker.begins()
    forged = {"speech_id": speaker.id, "offset": 0, "text": "forged"}
    async with live(neighbours.one) as connection:
        mine = await connection.subscribe(SPEECHES, club=neighbours.club)
        assert await event(connection, mine) == row(speaker, "UPDATE", "")
        for person in (neighbours.one, neighbours.other, await Person(http, neighbours.one.url).sign_up()):
            await broadcast(http, shared, shared.publishable_key, neighbours, forged, token=person.token)
        await broadcast(http, shared, shared.publishable_key, neighbours, forged)
        # Nor over a connection of their own, on the channel that they may listen to.
        url = f"{shared.api_url}/realtime/v1/websocket?apikey={shared.publishable_key}&vsn=1.0.0"
        async with http.ws_connect(url.replace("http", "ws", 1)) as socket:
            topic = f"realtime:club:{neighbours.club}"
            for event_, payload, ref in (
                (
                    "phx_join",
                    {
                        "config": {"private": True, "broadcast": {"ack": True, "self": False}},
                        "access_token": neighbours.other.token,
                    },
                    "1",
                ),
                ("broadcast", {"type": "broadcast", "event": "delta", "payload": forged}, "2"),
            ):
                await socket.send_json(
                    {"topic": topic, "event": event_, "payload": payload, "ref": ref, "join_ref": "1"}
                )
            # The broadcast is answered by nothing, so what is asked behind it says that it has been judged.
            await socket.send_json({"topic": topic, "event": "phx_leave", "payload": {}, "ref": "3", "join_ref": "1"})
            while (await socket.receive_json(timeout=30)).get("ref") != "3":
                pass
        await speaker.tells(0, "true")
        assert await event(connection, mine) == piece(speaker, 0, "true")


async def test_who_may_not_follow_is_told_no_piece(neighbours: Neighbours, speaker: Speaker) -> None:
    neighbours.joins_club(neighbours.other)
    speaker.begins("Fri")
    async with live(neighbours.other) as connection:
        theirs = await connection.subscribe(SPEECHES, club=neighbours.club)
        assert await event(connection, theirs) == row(speaker, "UPDATE", "Fri")
        neighbours.leaves_club(neighbours.other)
        assert await connection.ending(theirs, 30) == "FORBIDDEN"
        again = await connection.subscribe(SPEECHES, club=neighbours.club)
        assert await connection.ending(again, 30) == "FORBIDDEN"


@pytest.mark.parametrize("transport", ["websocket", "sse", "single-stream", "multipart"])
async def test_pieces_over_each_transport(neighbours: Neighbours, speaker: Speaker, transport: str) -> None:
    speaker.begins("Fri")
    async with followed(neighbours.one, transport, SPEECHES, club=neighbours.club) as following:
        assert (await following.payload(30))["data"]["speechChanges"] == row(speaker, "UPDATE", "Fri")
        await speaker.tells(3, "ends")
        assert (await following.payload(30))["data"]["speechChanges"] == piece(speaker, 3, "ends")
        speaker.writes("Friends", "said")
        assert (await following.payload(30))["data"]["speechChanges"] == row(speaker, "UPDATE", "Friends", "said")


async def test_a_slow_reader_gets_a_resync_and_the_row_in_place_of_what_waits(
    neighbours: Neighbours, speaker: Speaker
) -> None:
    speaker.begins()
    words = ""
    async with (
        narrow(neighbours.one, neighbours.one.url) as (one, _),
        live(one) as slow,
        live(neighbours.one) as quick,
    ):
        theirs = await slow.subscribe(SPEECHES, club=neighbours.club)
        ours = await quick.subscribe(SPEECHES, club=neighbours.club)
        assert await event(slow, theirs) == await event(quick, ours) == row(speaker, "UPDATE", "")
        # More than waits for a reader and than the sockets hold: the one reads nothing meanwhile.
        for batch in range(45):
            texts = [f"{batch:03}.{number:03} " * 1800 for number in range(20)]
            await speaker.tells_all(len(words), texts)
            for text in texts:
                assert await event(quick, ours) == piece(speaker, len(words), text)
                words += text
        speaker.writes(words[-50_000:], "said")
        heard, resyncs, last = "", 0, None
        while last is None or last["state"] != "said":
            told = await event(slow, theirs)
            if told["operation"] == "RESYNC":
                resyncs += 1
            elif told["delta"] is not None:
                assert told["offset"] == len(heard)
                heard += told["delta"]
            else:
                last = told["speech"]
                heard = last["words"]
        assert resyncs >= 1
        assert heard == words[-50_000:]


async def test_many_speeches_for_many_listeners_at_once(neighbours: Neighbours, speaker: Speaker) -> None:
    speaker.begins()
    async with live(neighbours.one) as connection:
        all_of_them = [await connection.subscribe(SPEECHES, club=neighbours.club) for _ in range(5)]
        for each in all_of_them:
            assert await event(connection, each) == row(speaker, "UPDATE", "")
        text = "".join(chr(0x1F600 + number % 64) for number in range(200))
        await asyncio.gather(*(speaker.tells(at, text[at : at + 7]) for at in range(0, 200, 5)))
        speaker.writes(text, "said")
        for each in all_of_them:
            heard = ""
            while (told := await event(connection, each))["speech"] is None:
                assert told["offset"] == len(heard)
                heard += told["delta"]
            assert told == row(speaker, "UPDATE", text, "said")
            assert heard == text

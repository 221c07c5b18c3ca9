"""Broadcasts from the database, from clients and by requests, judged by the unmodified Python client."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest

from tests.local.realtime.conftest import Person, join

if TYPE_CHECKING:
    from collections.abc import Callable

    from tripgate.local.stack import StackInfo

SEND = "select realtime.send(jsonb_build_object('n', %s::int), 'told', %s)"


class TestFromTheDatabase:
    async def test_a_message_carries_its_id(
        self, connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        heard = await join(await connect(person(room).token()), f"room:{room}")
        db.execute(SEND, [1, f"room:{room}"])
        await heard.until(lambda heard: bool(heard.messages))
        stored = db.execute("select id::text from realtime.messages where topic = %s", [f"room:{room}"]).fetchone()
        assert stored is not None
        assert heard.messages == [{"event": "told", "payload": {"id": stored[0], "n": 1}, "meta": {"id": stored[0]}}]

    async def test_messages_come_in_the_order_of_commits(
        self, connect: Any, person: Callable[..., Person], room: str, info: StackInfo
    ) -> None:
        heard = await join(await connect(person(room).token()), f"room:{room}")
        topic = f"room:{room}"
        with psycopg.connect(info.admin_db_url) as first, psycopg.connect(info.admin_db_url) as second:
            for number in range(20):
                # Written first, committed last; and one that is taken back.
                first.execute(SEND, [2 * number + 1, topic])
                second.execute(SEND, [2 * number, topic])
                second.commit()
                second.execute(SEND, [-1, topic])
                second.rollback()
                first.commit()
        await heard.until(lambda heard: len(heard.messages) == 40)
        assert heard.numbers == list(range(40))

    async def test_many_at_once(
        self, connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        clients = [await connect(person(room).token()) for _ in range(3)]
        everybody = [await join(client, f"room:{room}") for client in clients]
        await asyncio.to_thread(
            db.execute,
            "select realtime.send(jsonb_build_object('n', n), 'told', %s) from generate_series(1, 1000) n",
            [f"room:{room}"],
        )
        for heard in everybody:
            await heard.until(lambda heard: len(heard.messages) == 1000)
            assert heard.numbers == list(range(1, 1001))

    async def test_they_come_quickly(
        self, connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        heard = await join(await connect(person(room).token()), f"room:{room}")
        arrived: asyncio.Queue[float] = asyncio.Queue()
        heard.channel.on_broadcast("told", lambda _: arrived.put_nowait(time.perf_counter()))
        delays = []
        for number in range(15):
            began = time.perf_counter()
            await asyncio.to_thread(db.execute, SEND, [number, f"room:{room}"])
            delays.append(await asyncio.wait_for(arrived.get(), 60) - began)
        assert statistics.median(delays) < 0.05

    async def test_numbers_keep_their_digits(
        self, info: StackInfo, http: aiohttp.ClientSession, db: psycopg.Connection
    ) -> None:
        url = f"{info.api_url}/realtime/v1/websocket?apikey={info.secret_key}"
        async with http.ws_connect(url) as socket:
            join_frame = {"topic": "realtime:sums", "event": "phx_join", "payload": {"config": {"private": True}}}
            await socket.send_json({**join_frame, "ref": "1"})
            await socket.receive_json()
            await socket.receive_json()
            db.execute("""select realtime.send('{"sum": 12345678901234567890.10}', 'told', 'sums')""")
            assert '"sum": 12345678901234567890.10' in await socket.receive_str()

    async def test_public_and_private_topics_of_one_name_are_two(
        self, connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        topic = f"room:{room}"
        private = await join(await connect(person(room).token()), topic)
        public = await join(await connect(), topic, private=False)
        db.execute(SEND, [1, topic])
        db.execute("""select realtime.send('{"n": 2}', 'told', %s, false)""", [topic])
        await private.until(lambda heard: heard.numbers == [1])
        await public.until(lambda heard: heard.numbers == [2])


class TestFromClients:
    async def test_others_hear_and_the_sender_where_it_asked(
        self, connect: Any, person: Callable[..., Person], room: str
    ) -> None:
        topic = f"room:chat-{room}"
        heard = [
            await join(await connect(person(f"chat-{room}").token()), topic, broadcast=config)
            for config in ({"self": True}, {"self": False}, {})
        ]
        for number, one in enumerate(heard):
            await one.channel.send_broadcast("said", {"n": number})
        # Three senders: nothing orders what they said, nor when each listener has heard it.
        for one, expected in zip(heard, ([0, 1, 2], [0, 2], [0, 1]), strict=True):
            await one.until(lambda heard, expected=expected: sorted(heard.numbers) == expected)  # type: ignore[misc]

    async def test_an_acknowledgement_where_asked(self, info: StackInfo, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(f"{info.api_url}/realtime/v1/websocket?apikey={info.publishable_key}") as socket:
            frame = {"topic": "realtime:acknowledged", "event": "phx_join", "ref": "1"}
            config = {"broadcast": {"ack": True}, "presence": {"enabled": False}}
            await socket.send_json({**frame, "payload": {"config": config}})
            await socket.receive_json()
            said = {"type": "broadcast", "event": "e", "payload": {}}
            await socket.send_json({**frame, "event": "broadcast", "payload": said, "ref": "2"})
            answer = await socket.receive_json()
            assert (answer["ref"], answer["payload"]) == ("2", {"status": "ok", "response": {}})

    async def test_without_permission_nothing_is_heard(
        self, connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        speaker, listener = [await join(await connect(person(room).token()), f"room:{room}") for _ in range(2)]
        await speaker.channel.send_broadcast("said", {"n": 1})
        await asyncio.sleep(0.05)
        db.execute(SEND, [2, f"room:{room}"])
        await listener.until(lambda heard: heard.numbers == [2])


class TestByRequest:
    async def test_several_messages(
        self,
        connect: Any,
        person: Callable[..., Person],
        room: str,
        info: StackInfo,
        http: aiohttp.ClientSession,
    ) -> None:
        topic = f"room:chat-{room}"
        member = person(f"chat-{room}")
        private = await join(await connect(member.token()), topic)
        public = await join(await connect(), topic, private=False)
        body = {
            "messages": [
                {"topic": topic, "event": "said", "payload": {"n": 1}},
                {"topic": topic, "event": "said", "payload": {"n": 2}, "private": True},
                {"topic": "nobody", "event": "said", "payload": {"n": 3}},
            ]
        }
        for token in (member.token(), person().token()):
            headers = {"apikey": info.publishable_key, "Authorization": f"Bearer {token}"}
            async with http.post(f"{info.api_url}/realtime/v1/api/broadcast", json=body, headers=headers) as answer:
                assert (answer.status, await answer.read()) == (202, b"")
        await public.until(lambda heard: heard.numbers == [1, 1])
        await private.until(lambda heard: heard.numbers == [2])

    async def test_the_stock_client_sends_without_a_channel(
        self, connect: Any, person: Callable[..., Person], room: str
    ) -> None:
        topic = f"room:chat-{room}"
        member = person(f"chat-{room}")
        heard = await join(await connect(member.token()), topic)
        client = await connect(member.token())
        channel = client.channel(topic, {"config": {"private": True, "broadcast": {}, "presence": None}})
        await channel.http_send("said aloud", {"n": 1})
        await heard.until(lambda heard: heard.numbers == [1])
        assert heard.messages[0]["event"] == "said aloud"

    @pytest.mark.parametrize("body", [b"{}", b"nonsense", b'{"messages": [{"topic": ""}]}'])
    async def test_nonsense_is_refused(self, info: StackInfo, http: aiohttp.ClientSession, body: bytes) -> None:
        url = f"{info.api_url}/realtime/v1/api/broadcast"
        async with http.post(url, data=body, headers={"apikey": info.publishable_key}) as answer:
            assert answer.status == 422
            assert (await answer.json())["errors"]

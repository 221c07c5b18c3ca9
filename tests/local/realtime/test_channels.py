"""Joining, tokens and limits, judged by the unmodified Python client."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.local.realtime.conftest import Person, join

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from tripgate.local.keys import Signer
    from tripgate.local.stack import StackInfo

SEND = "select realtime.send(jsonb_build_object('n', %s::int), 'told', %s)"


class TestJoining:
    async def test_members_are_let_in(self, connect: Any, person: Callable[..., Person], room: str) -> None:
        heard = await join(await connect(person(room).token()), f"room:{room}")
        assert heard.states == ["SUBSCRIBED"]

    async def test_others_are_not(self, connect: Any, person: Callable[..., Person], room: str) -> None:
        heard = await join(await connect(person().token()), f"room:{room}")
        assert heard.states == ["CHANNEL_ERROR"]
        assert json.loads(heard.errors[0]) == {
            "reason": f"Unauthorized: You do not have permissions to read from this Channel topic: room:{room}"
        }

    async def test_a_refusal_concerns_one_topic(self, connect: Any, person: Callable[..., Person], room: str) -> None:
        client = await connect(person(room).token())
        refused, joined = await asyncio.gather(join(client, "room:other"), join(client, f"room:{room}"))
        assert (refused.states, joined.states) == (["CHANNEL_ERROR"], ["SUBSCRIBED"])

    async def test_a_policy_that_fails_refuses(self, connect: Any) -> None:
        heard = await join(await connect(), "broken")
        assert heard.states == ["CHANNEL_ERROR"]
        assert "Unauthorized: You do not have permissions" in heard.errors[0]

    async def test_the_secret_key_is_let_in_everywhere(self, connect: Any, info: StackInfo) -> None:
        heard = await join(await connect(key=info.secret_key), "room:any")
        assert heard.states == ["SUBSCRIBED"]

    async def test_a_public_topic_asks_nobody(self, connect: Any) -> None:
        heard = await join(await connect(), "square", private=False)
        assert heard.states == ["SUBSCRIBED"]

    @pytest.mark.parametrize(
        ("token", "code"),
        [("nonsense", "MalformedJWT"), ("expired", "InvalidJWTToken"), ("foreign", "JwtSignatureError")],
    )
    async def test_bad_tokens_are_refused(
        self, connect: Any, person: Callable[..., Person], room: str, token: str, code: str
    ) -> None:
        somebody = person(room)
        good = somebody.token()
        token = {
            "nonsense": "a.b.c",
            "expired": somebody.token(-5),
            "foreign": good[:-8] + ("AAAAAAAA" if good[-8:] != "AAAAAAAA" else "BBBBBBBB"),
        }[token]
        heard = await join(await connect(token), f"room:{room}")
        assert code in heard.errors[0]

    async def test_a_left_topic_is_quiet(
        self, connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        client = await connect(person(room, room + "2").token())
        left, kept = await join(client, f"room:{room}"), await join(client, f"room:{room}2")
        await left.channel.unsubscribe()
        await left.until(lambda heard: heard.states[-1] == "CLOSED")
        db.execute(SEND, [1, f"room:{room}"])
        db.execute(SEND, [2, f"room:{room}2"])
        await kept.until(lambda heard: heard.numbers == [2])
        assert left.numbers == []

    async def test_handshakes_without_a_key_are_refused(self, http: aiohttp.ClientSession, info: StackInfo) -> None:
        for query, status in (("", 401), ("apikey=unknown", 401), (f"apikey={info.publishable_key}&vsn=9", 400)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await http.ws_connect(f"{info.api_url}/realtime/v1/websocket?{query}")
            assert refusal.value.status == status

    async def test_frames_may_be_arrays(self, http: aiohttp.ClientSession, info: StackInfo) -> None:
        url = f"{info.api_url}/realtime/v1/websocket?apikey={info.publishable_key}&vsn=2.0.0"
        async with http.ws_connect(url) as socket:
            await socket.send_json([None, "1", "phoenix", "heartbeat", {}])
            assert await socket.receive_json() == [
                *(None, "1", "phoenix", "phx_reply"),
                {"status": "ok", "response": {}},
            ]
            await socket.send_json(["2", "2", "realtime:square", "phx_join", {"config": {"broadcast": {"self": True}}}])
            reply = {"status": "ok", "response": {"postgres_changes": []}}
            assert await socket.receive_json() == ["2", "2", "realtime:square", "phx_reply", reply]
            assert await socket.receive_json() == ["2", None, "realtime:square", "presence_state", {}]
            said = {"type": "broadcast", "event": "e", "payload": {"n": 1}}
            await socket.send_json(["2", "3", "realtime:square", "broadcast", said])
            assert await socket.receive_json() == [None, None, "realtime:square", "broadcast", said]
            await socket.send_json(["2", "4", "realtime:square", "phx_leave", {}])
            assert (await socket.receive_json())[3] == "phx_reply"
            assert await socket.receive_json() == ["2", "2", "realtime:square", "phx_close", {}]

    async def test_what_is_no_frame_ends_the_connection(self, http: aiohttp.ClientSession, info: StackInfo) -> None:
        async with http.ws_connect(f"{info.api_url}/realtime/v1/websocket?apikey={info.publishable_key}") as socket:
            await socket.send_str("[1]")
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1007


class TestTokens:
    async def test_an_expired_one_closes_the_channel(
        self, connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        heard = await join(await connect(person(room).token(1.9)), f"room:{room}")
        assert heard.states == ["SUBSCRIBED"]
        await heard.until(lambda heard: heard.states[-1] == "CLOSED")
        assert heard.states == ["SUBSCRIBED", "CHANNEL_ERROR", "CLOSED"]
        assert "Token has expired" in heard.errors[0]
        db.execute(SEND, [1, f"room:{room}"])
        await asyncio.sleep(0.05)
        assert heard.messages == []

    async def test_a_newer_one_keeps_it_open(
        self, connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        member = person(room)
        client = await connect(member.token(1.9))
        heard = await join(client, f"room:{room}")
        await client.set_auth(member.token())
        await asyncio.sleep(2.1)
        db.execute(SEND, [1, f"room:{room}"])
        await heard.until(lambda heard: heard.numbers == [1])
        assert heard.states == ["SUBSCRIBED"]

    async def test_permissions_are_asked_again_with_a_newer_one(
        self, connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        member = person(room)
        client = await connect(member.token())
        heard = await join(client, f"room:{room}")
        member.exit(room)
        db.execute(SEND, [1, f"room:{room}"])
        await heard.until(lambda heard: heard.numbers == [1])
        await client.set_auth(member.token(1800))
        await heard.until(lambda heard: heard.states[-1] == "CLOSED")
        assert f"You do not have permissions to read from this Channel topic: room:{room}" in heard.errors[0]

    async def test_an_api_key_in_its_place_changes_nothing(
        self, connect: Any, person: Callable[..., Person], room: str, info: StackInfo, db: psycopg.Connection
    ) -> None:
        client = await connect(person(room).token())
        heard = await join(client, f"room:{room}")
        await client.set_auth(info.publishable_key)
        await asyncio.sleep(0.05)
        db.execute(SEND, [1, f"room:{room}"])
        await heard.until(lambda heard: heard.numbers == [1])


class TestLimits:
    async def test_channels_of_a_connection(self, connect: Any, strict: Any, signer: Signer) -> None:
        url = await strict(max_channels_per_connection=2)
        await until_ready(url)
        client = await connect(url=url, key=signer.role_token("anon"))
        results = [await join(client, f"square{number}", private=False) for number in range(3)]
        assert [heard.states for heard in results] == [["SUBSCRIBED"], ["SUBSCRIBED"], ["CHANNEL_ERROR"]]
        assert "ChannelRateLimitReached" in results[2].errors[0]

    async def test_silence(self, connect: Any, strict: Any, signer: Signer) -> None:
        # The stock client's next heartbeat would come after fifteen seconds.
        url = await strict(heartbeat_timeout_seconds=0.4)
        await until_ready(url)
        client = await connect(url=url, key=signer.role_token("anon"))
        heard = await join(client, "square", private=False)
        await heard.until(lambda heard: heard.states.count("SUBSCRIBED") == 2)
        assert heard.states[:3] == ["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED"]

    async def test_a_heartbeat_is_no_silence(self, strict: Any, signer: Signer, http: aiohttp.ClientSession) -> None:
        url = await strict(heartbeat_timeout_seconds=0.3)
        await until_ready(url)
        async with http.ws_connect(f"{url}/websocket?apikey={signer.role_token('anon')}") as socket:
            for number in range(5):
                await asyncio.sleep(0.1)
                beat = {"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": str(number)}
                await socket.send_json(beat)
                assert (await socket.receive_json())["payload"]["status"] == "ok"

    async def test_the_size_of_a_message(self, strict: Any, signer: Signer, http: aiohttp.ClientSession) -> None:
        url = await strict(max_payload_bytes=2048)
        await until_ready(url)
        async with http.ws_connect(f"{url}/websocket?apikey={signer.role_token('anon')}") as socket:
            frame = {"topic": "phoenix", "event": "heartbeat", "payload": {"much": "x" * 80_000}, "ref": "1"}
            await socket.send_json(frame)
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1009

    async def test_a_client_that_does_not_read_is_hung_up_on(
        self, strict: Any, signer: Signer, http: aiohttp.ClientSession, db: psycopg.Connection
    ) -> None:
        url = await strict(max_backlog_bytes=100_000)
        await until_ready(url)
        address = f"{url}/websocket?apikey={signer.role_token('service_role')}"
        async with http.ws_connect(address, max_msg_size=0) as socket:
            config = {"config": {"private": True}}
            await socket.send_json({"topic": "realtime:flood", "event": "phx_join", "payload": config, "ref": "1"})
            await socket.receive_json()
            much = "select realtime.send(jsonb_build_object('much', repeat('x', 200000)), 'told', 'flood')"
            await asyncio.to_thread(db.execute, f"{much} from generate_series(1, 200)")
            heard = 0
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                heard += 1
            assert heard < 200


async def until_ready(url: str) -> None:
    """Wait until the server hears the database."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(60):
        while True:
            async with http.get(f"{url}/health") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.01)

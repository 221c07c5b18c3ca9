"""The wire itself: frames of both versions, byte for byte, and what only a client of one's own would say."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp
import orjson
import pytest
from aiohttp import WSMsgType

from tripgate.local.realtime import bindings
from tripgate.local.realtime.bindings import Filter
from tripgate.local.realtime.errors import RefusedError
from tripgate.local.realtime.serializer import SERIALIZERS, FrameError, Message, Notice, UserBroadcast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import psycopg

    from tests.local.realtime.conftest import Person
    from tripgate.local.keys import Signer
    from tripgate.local.stack import StackInfo

objects, arrays = SERIALIZERS["1.0.0"], SERIALIZERS["2.0.0"]
PUSH = bytes((3, 1, 2, 10, 4, 2, 1)) + b"1" + b"23" + b"realtime:x" + b"said" + b"{}" + b'{"n":1}'


class TestSerializers:
    def test_a_binary_push(self) -> None:
        message = arrays.decode(PUSH, WSMsgType.BINARY)
        user = UserBroadcast("said", b'{"n":1}', is_json=True)
        assert message == Message("realtime:x", "broadcast", user, "23", "1")

    def test_a_binary_notice(self) -> None:
        user = UserBroadcast("saïd", b"\x00\xff", is_json=False)
        frame = arrays.notice("realtime:x", Notice("broadcast", None, user, {"id": "7"}))
        assert frame == (
            bytes((4, 10, 5, 10, 0)) + b"realtime:x" + "saïd".encode() + b'{"id":"7"}' + b"\x00\xff",
            WSMsgType.BINARY,
        )
        assert objects.notice("realtime:x", Notice("broadcast", None, user)) is None

    def test_a_name_that_does_not_fit_is_left_out(self) -> None:
        user = UserBroadcast("x" * 256, b"{}", is_json=True)
        assert arrays.notice("realtime:x", Notice("broadcast", b"{}", user)) is None

    @pytest.mark.parametrize("data", [b"", b"\x03", PUSH[:30], b"\x04" + PUSH[1:], PUSH + b"}", b"\x03\x09" + PUSH[2:]])
    def test_other_bytes_are_no_frame(self, data: bytes) -> None:
        with pytest.raises(FrameError):
            arrays.decode(data, WSMsgType.BINARY)

    @pytest.mark.parametrize("data", [b"", b"null", b"{}", b"[1]", b'[1,2,3,4,"x"]', b'{"topic":1,"event":"x"}'])
    def test_other_texts_are_no_frame(self, data: bytes) -> None:
        for serializer in (objects, arrays):
            with pytest.raises(FrameError):
                serializer.decode(data, WSMsgType.TEXT)


class TestFilters:
    def test_quotes_and_parentheses_keep_commas(self) -> None:
        given = {"schema": "public", "table": "t", "filter": 'a=eq."x, \\"y\\"",b=not.in.(1,2), c=like.a"b%'}
        assert bindings.parse(given).filters == (
            Filter("a", "eq", 'x, "y"', negated=False),
            Filter("b", "in", "{1,2}", negated=True),
            Filter("c", "like", 'a"b%', negated=False),
        )

    @pytest.mark.parametrize("filter_", ["undefined", "a=eq", "a=eq.1,", "=eq.1,,", "a=is.nothing"])
    def test_nonsense_is_refused(self, filter_: str) -> None:
        with pytest.raises(RefusedError):
            bindings.parse({"schema": "public", "table": "t", "filter": filter_})

    @pytest.mark.parametrize("given", [{}, {"table": 1}, {"filter": "a=eq.1"}, {"table": "t", "select": "id"}])
    def test_a_binding_names_a_table_or_a_schema(self, given: dict[str, Any]) -> None:
        with pytest.raises(RefusedError):
            bindings.parse(given)

    def test_the_same_words_have_the_same_number(self) -> None:
        assert bindings.id_of({"table": "t", "event": "*"}) == bindings.id_of({"event": "*", "table": "t"})


class Raw:
    """A client that says what it is told to, in version 2.0.0."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, join_ref: str | None, ref: str, topic: str, event: str, payload: Any) -> None:
        await self.socket.send_json([join_ref, ref, topic, event, payload])

    async def join(self, topic: str, ref: str = "1", token: str | None = None, **config: Any) -> dict[str, Any]:
        """Join; the payload of the reply."""
        config = {"presence": {"enabled": False}, **config}
        await self.say(ref, ref, f"realtime:{topic}", "phx_join", {"config": config, "access_token": token})
        return await self.reply(ref)

    async def hear(self) -> list[Any]:
        """The next text frame."""
        return list(await asyncio.wait_for(self.socket.receive_json(), 60))

    async def reply(self, ref: str) -> dict[str, Any]:
        """The payload of a reply, which must come next."""
        _, heard_ref, _, event, payload = await self.hear()
        assert (heard_ref, event) == (ref, "phx_reply"), (heard_ref, event, payload)
        return dict(payload)


@pytest.fixture
async def raw(info: StackInfo, http: aiohttp.ClientSession) -> AsyncIterator[Callable[..., Any]]:
    """Makes such clients."""
    async with contextlib.AsyncExitStack() as stack:

        async def one(vsn: str = "2.0.0", url: str = "", key: str = "") -> Raw:
            base = url or f"{info.api_url}/realtime/v1"
            address = f"{base}/websocket?apikey={key or info.publishable_key}&vsn={vsn}"
            return Raw(await stack.enter_async_context(http.ws_connect(address)))

        yield one


class TestChannels:
    async def test_joining_again_closes_the_earlier_channel(self, raw: Any) -> None:
        client = await raw()
        assert (await client.join("square", "1"))["status"] == "ok"
        await client.say("2", "2", "realtime:square", "phx_join", {"config": {"presence": {"enabled": False}}})
        assert await client.hear() == ["1", "1", "realtime:square", "phx_close", {}]
        assert (await client.reply("2"))["status"] == "ok"
        # What was said to the earlier one comes too late.
        await client.say("1", "3", "realtime:square", "phx_leave", {})
        await client.say("2", "4", "realtime:square", "phx_leave", {})
        assert (await client.reply("4"))["status"] == "ok"
        assert await client.hear() == ["2", "2", "realtime:square", "phx_close", {}]

    async def test_topics_that_are_not_joined(self, raw: Any) -> None:
        client = await raw()
        for ref, topic, event, status in (
            ("1", "realtime:square", "broadcast", "error"),
            ("2", "realtime:square", "phx_leave", "ok"),
            ("3", "elsewhere", "phx_join", "error"),
            ("4", "realtime:", "phx_join", "error"),
        ):
            await client.say(None, ref, topic, event, {})
            assert (await client.reply(ref))["status"] == status

    async def test_payloads_of_a_wrong_form_count_as_none(self, raw: Any) -> None:
        client = await raw()
        wrong = {"config": {"private": "maybe", "broadcast": [], "presence": {"enabled": False}, "postgres_changes": 1}}
        await client.say("1", "1", "realtime:square", "phx_join", wrong)
        assert (await client.reply("1"))["status"] == "ok"
        for event in ("broadcast", "presence", "access_token", "unheard of"):
            for payload in (None, [], "x", {}, {"event": 1}, {"access_token": 1}):
                await client.say("1", "2", "realtime:square", event, payload)
        await client.say("1", "3", "realtime:square", "phx_leave", {})
        heard = [await client.hear()]
        while heard[-1][3] != "phx_close":
            heard.append(await client.hear())
        assert {frame[3] for frame in heard} == {"phx_reply", "phx_close"}

    async def test_old_and_new_clients_hear_each_other(self, raw: Any) -> None:
        new, old = await raw("2.0.0"), await raw("1.0.0")
        topic = f"realtime:{uuid4()}"
        payload = {"config": {"presence": {"enabled": False}}}
        await new.say("1", "1", topic, "phx_join", payload)
        await new.reply("1")
        await old.socket.send_json({"topic": topic, "event": "phx_join", "payload": payload, "ref": "1"})
        await old.socket.receive_json()
        names = topic.encode() + b"said"
        await new.socket.send_bytes(bytes((3, 1, 1, len(topic), 4, 0, 0)) + b"12" + names + b"\xff")
        await new.socket.send_bytes(bytes((3, 1, 1, len(topic), 4, 0, 1)) + b"13" + names + b'{"n":1}')
        # The bytes cannot be said in the old format.
        said = {"type": "broadcast", "event": "said", "payload": {"n": 1}}
        assert await old.socket.receive_json() == {"ref": None, "topic": topic, "event": "broadcast", "payload": said}
        await old.socket.send_json({"topic": topic, "event": "broadcast", "payload": said, "ref": "2"})
        assert await new.hear() == [None, None, topic, "broadcast", said]

    async def test_bytes_from_the_database_are_replayed(
        self, raw: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
    ) -> None:
        topic, token = f"room:{room}", person(room).token()
        client = await raw()
        await client.join(topic, token=token, private=True)
        db.execute(r"select realtime.send_binary('\x00ff', 'bytes', %s)", [topic])
        stored = db.execute("select id::text from realtime.messages where topic = %s", [topic]).fetchone()
        assert stored is not None
        (message_id,) = stored
        head = len(f"realtime:{topic}"), len("bytes")
        names = f"realtime:{topic}bytes".encode()
        meta = orjson.dumps({"id": message_id})
        expected = bytes((4, *head, len(meta), 0)) + names + meta + b"\x00\xff"
        assert await client.socket.receive_bytes() == expected
        again = await raw()
        await again.join(topic, token=token, private=True, broadcast={"replay": {"since": 0}})
        meta = orjson.dumps({"replayed": True, "id": message_id})
        assert await again.socket.receive_bytes() == bytes((4, *head, len(meta), 0)) + names + meta + b"\x00\xff"

    @pytest.mark.parametrize("replay", [1, {"since": "yesterday"}, {"since": 10**30}, {"since": 0, "limit": 1.5}])
    async def test_replays_that_are_refused(
        self, raw: Any, person: Callable[..., Person], room: str, replay: Any
    ) -> None:
        client = await raw()
        token = person(room).token()
        answer = await client.join(f"room:{room}", token=token, private=True, broadcast={"replay": replay})
        assert answer["response"]["reason"] == "UnableToReplayMessages: Replay params are not valid"
        answer = await client.join("square", "2", broadcast={"replay": {"since": 0}})
        assert answer["response"]["reason"] == "UnableToReplayMessages: Replay is not allowed for public channels"

    async def test_readiness_of_the_replication_on_demand(self, raw: Any) -> None:
        client = await raw()
        await client.join("square", broadcast={"replication_ready": True})
        _, _, _, event, payload = await client.hear()
        assert (event, payload["message"]) == ("system", "Replication connection established")


class TestLimits:
    async def test_joins_per_second(self, raw: Any, strict: Any, signer: Signer) -> None:
        client = await raw(url=await strict(max_joins_per_second=2), key=signer.role_token("anon"))
        for number in (1, 2):
            assert (await client.join(f"square{number}", str(number)))["status"] == "ok"
        answer = await client.join("square3", "3")
        assert answer["response"]["reason"] == "ClientJoinRateLimitReached: Too many joins per second"
        assert (await client.socket.receive()).type is WSMsgType.CLOSE

    async def test_presence_calls(self, raw: Any) -> None:
        client = await raw()
        await client.join("square")
        for number in range(6):
            call = {"type": "presence", "event": "track", "payload": {"n": number}}
            await client.say("1", f"t{number}", "realtime:square", "presence", call)
        heard = [await client.hear()]
        while heard[-1][3] != "phx_close":
            heard.append(await client.hear())
        (system,) = [payload for _, _, _, event, payload in heard if event == "system"]
        assert system == {
            "extension": "system",
            "status": "error",
            "message": "Client presence rate limit exceeded",
            "channel": "square",
        }
        assert [ref for _, ref, _, event, _ in heard if event == "phx_reply"] == [f"t{number}" for number in range(5)]

    async def test_the_size_of_a_broadcast(self, raw: Any, strict: Any, signer: Signer) -> None:
        client = await raw(url=await strict(max_payload_bytes=100), key=signer.role_token("anon"))
        await client.join("square", broadcast={"ack": True, "self": True})
        for ref, size in (("2", 200), ("3", 10)):
            said = {"type": "broadcast", "event": "said", "payload": {"x": "x" * size}}
            await client.say("1", ref, "realtime:square", "broadcast", said)
        assert await client.reply("2") == {"status": "error", "response": {"reason": "payload_size_exceeded"}}
        assert (await client.hear())[3] == "broadcast"
        assert await client.reply("3") == {"status": "ok", "response": {}}


@pytest.mark.parametrize(
    ("key", "status", "error"),
    [("", 401, "Unauthorized"), ("a.b.c", 403, "MalformedJWT: The token provided is not a valid JWT")],
)
async def test_a_refused_handshake_says_why(
    strict: Any, http: aiohttp.ClientSession, key: str, status: int, error: str
) -> None:
    async with http.get(f"{await strict()}/websocket?apikey={key}") as answer:
        assert (answer.status, await answer.json()) == (status, {"error": error})

"""A phone that holds what Meta's Graph API was asked to send, for tests of thousands of messages, or of one that waits.

It answers `POST /<version>/<number>/messages` as the real one does. What it does with a message stands in `scripts`, by
the words of the message, and in `gates`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = "EAA_of_tests_0123456789"
SENDER = "100000000000003"


@dataclass
class Script:
    """What becomes of a message.

    Attributes:
        code: Meta's number of an error, with which it is not taken.
        times: How often it is not taken; always where it is None.
            lose: It is taken, and the connection ends without an answer.
    """

    code: int | None = None
    status: int = 400
    times: int | None = None
    lose: bool = False


@dataclass
class Gate:
    """Where whoever shows a token waits: what they sent is taken, and answered once `opens`.

    Attributes:
        after: How many messages of theirs are answered before.
        reached: Set as soon as somebody waits.
    """

    after: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opens: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Phone:
    """What it holds, and what it does.

    Attributes:
        messages: Each request that was taken, in order: its body.
        ids: What each message was answered to be called, by our own id.
        asked: How often each message was asked for, taken or not, by our own id.
        scripts: By the words of a message.
        gates: By the token of whoever sends.
    """

    port: int
    messages: list[dict[str, Any]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    scripts: dict[str, Script] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)

    @property
    def held(self) -> Counter[str]:
        """How often it holds each message, by our own id."""
        return Counter(message["biz_opaque_callback_data"] for message in self.messages)

    def texts(self) -> list[str]:
        return [words_of(message) for message in self.messages]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        scheme, _, token = request.headers["Authorization"].partition(" ")
        assert (scheme, token[: len(TOKEN)]) == ("Bearer", TOKEN)
        message = await request.json()
        self.asked[message["biz_opaque_callback_data"]] += 1
        script = self.scripts.get(words_of(message), Script())
        if script.code is not None and script.times != 0:
            script.times = None if script.times is None else script.times - 1
            error = {"message": f"(#{script.code}) No.", "type": "OAuthException", "code": script.code}
            return web.json_response({"error": error}, status=script.status)
        self.messages.append(message)
        wamid = f"wamid.{len(self.messages)}.{message['biz_opaque_callback_data']}"
        self.ids[message["biz_opaque_callback_data"]] = wamid
        gate = self.gates.get(token)
        if gate is not None:
            gate.after -= 1
            if gate.after < 0:
                gate.reached.set()
                await gate.opens.wait()
        if script.lose:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": wamid}]})


def words_of(message: dict[str, Any]) -> str:
    """The text of a message, or the last parameter of its template."""
    if message["type"] == "text":
        return str(message["text"]["body"])
    parameters = [each for part in message["template"]["components"] for each in part["parameters"]]
    return str(parameters[-1]["text"]) if parameters else ""


@asynccontextmanager
async def phone_at(port: int) -> AsyncIterator[Phone]:
    """One that listens at this port, and holds nothing yet."""
    phone = Phone(port)
    app = web.Application()
    app.router.add_post("/{version}/" + SENDER + "/messages", phone.receive)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield phone
    finally:
        for gate in phone.gates.values():
            gate.opens.set()
        await runner.cleanup()

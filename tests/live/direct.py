"""Clients that join a trip's topic themselves, past the gateway, as the platform lets anybody do who may listen."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.live.conftest import Party
from tests.support import Person


class Direct:
    """A client of Realtime's own, on the trip's topic, without the gateway."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, topic: str) -> None:
        self._socket = socket
        self._topic = topic
        self._refs = itertools.count(1)

    async def tell(self, event: str, payload: dict[str, Any]) -> str:
        """Send a message; its number."""
        ref = str(next(self._refs))
        await self._socket.send_json(
            {"topic": self._topic, "event": event, "payload": payload, "ref": ref, "join_ref": "1"}
        )
        return ref

    async def ask(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a message; the reply to it."""
        ref = await self.tell(event, payload)
        while (answer := await self.message())["ref"] != ref:
            pass
        return dict(answer["payload"])

    async def send(self, event: str, payload: dict[str, Any]) -> None:
        """Send a message that must be taken."""
        answer = await self.ask(event, payload)
        assert answer["status"] == "ok", answer

    async def join(self, token: str | None) -> dict[str, Any]:
        """Join the topic; the reply."""
        config = {"private": True, "broadcast": {}, "presence": {"key": "", "enabled": True}, "postgres_changes": []}
        return await self.ask("phx_join", {"config": config, "access_token": token})

    async def message(self) -> dict[str, Any]:
        """The next message."""
        return dict(await self._socket.receive_json(timeout=5))

    async def until(self, event: str) -> dict[str, Any]:
        """The payload of the next event of this name."""
        while (message := await self.message())["event"] != event:
            pass
        return dict(message["payload"])

    async def track(self, people: Any) -> None:
        """Say who is here."""
        await self.send("presence", {"type": "presence", "event": "track", "payload": {"people": people}})


@asynccontextmanager
async def direct(party: Party, person: Person) -> AsyncIterator[Direct]:
    """The person, joined to the trip's topic."""
    url = f"{party.info.api_url}/realtime/v1/websocket?apikey={party.info.publishable_key}&vsn=1.0.0"
    async with person.http.ws_connect(url.replace("http", "ws", 1)) as socket:
        client = Direct(socket, f"realtime:trip:{party.trip}")
        answer = await client.join(person.token)
        assert answer["status"] == "ok", answer
        yield client

"""A client of the `graphql-transport-ws` protocol, as small as a test needs it."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.support import Person

TIMEOUT = 60.0
"""Seconds after which a test gives up: what comes at all comes sooner, however busy the machine is."""


class Live:
    """One WebSocket connection and its subscriptions."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[str, list[dict[str, Any]]] = {}

    async def send(self, **message: Any) -> None:
        await self.socket.send_json(message)

    async def subscribe(self, query: str, **variables: Any) -> str:
        """Start an operation; its id."""
        id_ = str(next(self._numbers))
        await self.send(type="subscribe", id=id_, payload={"query": query, "variables": variables})
        return id_

    async def message(self, seconds: float = TIMEOUT) -> dict[str, Any]:
        """The next message, whatever it is about."""
        found: dict[str, Any] = await asyncio.wait_for(self.socket.receive_json(), seconds)
        return found

    async def event(self, id_: str, seconds: float = TIMEOUT) -> Any:
        """The data of the operation's next event."""
        found = await self._next(id_, seconds)
        assert found["type"] == "next", found
        return found["payload"]["data"]

    async def ending(self, id_: str, seconds: float = TIMEOUT) -> str:
        """`complete`, or the code of the error with which the operation ends."""
        found = await self._next(id_, seconds)
        assert found["type"] in {"complete", "error"}, found
        return str(found["payload"][0]["extensions"]["code"]) if found["type"] == "error" else "complete"

    async def failure(self, id_: str, seconds: float = TIMEOUT) -> tuple[str, str]:
        """Code and message of the error with which the operation ends."""
        found = await self._next(id_, seconds)
        assert found["type"] == "error", found
        (error,) = found["payload"]
        return error["extensions"]["code"], error["message"]

    async def silence(self, id_: str, seconds: float = 0.5) -> None:
        """Nothing more comes for this operation."""
        try:
            found = await self._next(id_, seconds)
        except TimeoutError:
            return
        raise AssertionError(found)

    async def close_code(self, seconds: float = TIMEOUT) -> int | None:
        """The code with which the server closes the connection."""
        while True:
            message = await asyncio.wait_for(self.socket.receive(), seconds)
            if message.type is aiohttp.WSMsgType.CLOSE:
                return int(message.data)  # as it came, whether or not it could still be answered
            if message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}:
                return self.socket.close_code

    async def _next(self, id_: str, seconds: float) -> dict[str, Any]:
        while not self._waiting.get(id_):
            found = await self.message(seconds)
            self._waiting.setdefault(found.get("id", ""), []).append(found)
        return self._waiting[id_].pop(0)


@asynccontextmanager
async def connected(person: Person, headers: dict[str, str] | None = None) -> AsyncGenerator[Live, None]:
    """A connection that has not been initialised; `headers` are those of the request that opens it."""
    url = person.url.replace("http", "ws", 1)
    async with person.http.ws_connect(url, protocols=("graphql-transport-ws",), headers=headers) as socket:
        yield Live(socket)


@asynccontextmanager
async def live(person: Person) -> AsyncGenerator[Live, None]:
    """A connection in this person's name."""
    async with connected(person) as connection:
        payload = {"Authorization": f"Bearer {person.token}"} if person.token else {}
        await connection.send(type="connection_init", payload=payload)
        assert (await connection.message())["type"] == "connection_ack"
        yield connection

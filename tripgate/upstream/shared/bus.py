"""What gateways side by side tell each other: messages over a Redis or Valkey server, told to all that listen now.

Nothing is stored, so whoever did not listen has missed it, and must know that: `deaf` is called when listening ends and
when it begins again.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

_log = logging.getLogger("tripgate.shared")

_LONGEST_SILENCE = 5.0
_RETRY_SECONDS = 1.0
_NAME_BYTES = 8


class Hearer(Protocol):
    """Who is told. Calls come from the event loop and must not block."""

    def told(self, message: bytes) -> None:
        """Another gateway has told something."""

    def deaf(self, *, for_now: bool) -> None:
        """Something may have been missed; `for_now`: and will be, until this is called again."""


class RedisBus:
    """A channel of a server.

    Args:
        channel: Its name.
        patience: Seconds for the server to answer.
    """

    def __init__(self, url: str, channel: str, hearer: Hearer, *, patience: float = 1.0) -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=patience, socket_timeout=patience)
        self._channel = channel
        self._hearer = hearer
        self._patience = patience
        self._name = secrets.token_bytes(_NAME_BYTES)
        self._listening: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Listen from now on, as soon as the server can be reached."""
        self._hearer.deaf(for_now=True)
        self._listening = asyncio.create_task(self._listen())

    def tell(self, message: bytes) -> None:
        """Tell all other gateways, before long; those that cannot be reached learn that they have missed something."""
        task = asyncio.create_task(self._tell(message))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def close(self) -> None:
        """Say what is still to be said, then hang up."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=self._patience)
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._redis.aclose()

    async def _tell(self, message: bytes) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._redis.publish(self._channel, self._name + message)
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("the gateways beside this one could not be told of a write: %r", error)

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError, TimeoutError) as error:
                self._hearer.deaf(for_now=True)
                _log.warning("the gateways beside this one cannot be heard: %r", error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _hear(self) -> None:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(self._channel)
            answered = True
            while True:
                # A connection that died without a word is found by asking.
                found = await channel.get_message(timeout=_LONGEST_SILENCE)
                if found is None:
                    if not answered:
                        raise TimeoutError
                    answered = False
                    await channel.ping()
                    continue
                answered = True
                if found["type"] == "subscribe":
                    self._hearer.deaf(for_now=False)
                elif found["type"] == "message" and not found["data"].startswith(self._name):
                    self._hearer.told(found["data"][_NAME_BYTES:])

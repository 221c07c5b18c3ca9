"""Messages between gateways (publish and subscribe), over a Redis or Valkey server.

Nothing is stored, so a gateway misses what is published while it is not connected: `on_missed` is called when the
connection ends and when there is one again.
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


class PeerListener(Protocol):
    """Is called from the event loop; must not block."""

    def on_message(self, message: bytes) -> None:
        """Another gateway has published this."""

    def on_missed(self, *, disconnected: bool) -> None:
        """Messages may have been missed; while `disconnected`, more will be, until this is called again."""


class RedisBus:
    """A channel of a server.

    Args:
        channel: Its name.
        timeout: Seconds for the server to answer.
    """

    def __init__(self, url: str, channel: str, listener: PeerListener, *, timeout: float = 1.0) -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=timeout, socket_timeout=timeout)
        self._channel = channel
        self._listener = listener
        self._timeout = timeout
        self._name = secrets.token_bytes(_NAME_BYTES)
        self._listening: asyncio.Task[None] | None = None
        self._publishing: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Connect and listen, again whenever the connection has ended."""
        self._listener.on_missed(disconnected=True)
        self._listening = asyncio.create_task(self._listen())

    def publish(self, message: bytes) -> None:
        """Send a message to all other gateways, in the background; a failure is logged."""
        task = asyncio.create_task(self._publish(message))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def close(self) -> None:
        """Wait for messages that are being sent, then close the connection."""
        if self._publishing:
            await asyncio.wait(self._publishing, timeout=self._timeout)
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._redis.aclose()

    async def _publish(self, message: bytes) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._redis.publish(self._channel, self._name + message)
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("the other gateways could not be told of a write: %r", error)

    async def _listen(self) -> None:
        while True:
            try:
                await self._receive()
            except (RedisError, OSError, TimeoutError) as error:
                self._listener.on_missed(disconnected=True)
                _log.warning("the messages of the other gateways cannot be received: %r", error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _receive(self) -> None:
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
                    self._listener.on_missed(disconnected=False)
                elif found["type"] == "message" and not found["data"].startswith(self._name):
                    self._listener.on_message(found["data"][_NAME_BYTES:])

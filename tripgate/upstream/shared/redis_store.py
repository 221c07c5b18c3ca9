"""The Redis or Valkey server that gateways share.

The first request that is not answered in time marks the server unavailable. Further requests fail at once, and one
task asks until the server answers again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_log = logging.getLogger("tripgate.shared")
_CONNECTIONS = 16
_RETRY_SECONDS = 1.0
_T = TypeVar("_T")


class StoreUnavailableError(Exception):
    """The server does not answer; callers do without it."""


class RedisStore:
    """Connections to the server.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        prefix: What every key begins with, so that the server may serve others too.
        timeout: Seconds for an answer.

    Raises:
        ValueError: The address does not make sense.
    """

    def __init__(self, url: str, *, prefix: str, timeout: float = 0.25) -> None:
        self.prefix = prefix
        self._timeout = timeout
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=timeout,
            socket_connect_timeout=timeout,
            socket_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self.redis = Redis(connection_pool=self._pool)
        self._recovery: asyncio.Task[None] | None = None
        self._callbacks: list[Callable[[], Awaitable[None]]] = []

    @property
    def unavailable(self) -> bool:
        """Whether the server does not answer at present."""
        return self._recovery is not None

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Have `callback` called whenever the server answers again, before anything else is sent to it."""
        self._callbacks.append(callback)

    async def ask(self, question: Callable[[], Awaitable[_T]]) -> _T:
        """The server's answer.

        Args:
            question: Sends it, by `redis`.

        Raises:
            StoreUnavailableError: It does not answer, or cannot.
        """
        if self._recovery is not None and asyncio.current_task() is not self._recovery:
            raise StoreUnavailableError
        try:
            async with asyncio.timeout(self._timeout):
                return await question()
        except (RedisError, OSError, TimeoutError) as error:
            if self._recovery is None:
                _log.warning("the shared store does not answer, so this gateway does without it: %r", error)
                self._recovery = asyncio.create_task(self._recover())
            raise StoreUnavailableError from None

    async def close(self) -> None:
        """Close the connections."""
        if self._recovery is not None:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery
        await self.redis.aclose()
        await self._pool.disconnect()

    async def _recover(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_SECONDS)
            with suppress(StoreUnavailableError):
                # A server that is full, or a replica, answers pings too.
                await self.ask(lambda: self.redis.set(f"{self.prefix}probe", 1, ex=1))
                for callback in self._callbacks:
                    await callback()
                break
        _log.warning("the shared store answers again")
        self._recovery = None

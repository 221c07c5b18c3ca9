"""The way to the Redis or Valkey server that gateways share.

Nobody waits for a server that is away: the first who is not answered in time notes it, everybody else is told at once,
and one task asks until the server answers again.
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


class AwayError(Exception):
    """The server does not answer. Whoever asks does without it."""


class Link:
    """Connections to the server.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        prefix: What every key begins with, so that the server may serve others too.
        patience: Seconds for an answer.

    Raises:
        ValueError: The address does not make sense.
    """

    def __init__(self, url: str, *, prefix: str, patience: float = 0.25) -> None:
        self.prefix = prefix
        self._patience = patience
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=patience,
            socket_connect_timeout=patience,
            socket_timeout=patience,
            retry=Retry(NoBackoff(), 0),
        )
        self.redis = Redis(connection_pool=self._pool)
        self._recovery: asyncio.Task[None] | None = None
        self._returns: list[Callable[[], Awaitable[None]]] = []

    @property
    def away(self) -> bool:
        """Whether the server does not answer at present."""
        return self._recovery is not None

    def on_return(self, tell: Callable[[], Awaitable[None]]) -> None:
        """Call this whenever the server has been away and answers again, before anybody else may ask it."""
        self._returns.append(tell)

    async def ask(self, question: Callable[[], Awaitable[_T]]) -> _T:
        """What the server answers.

        Args:
            question: Sends it, by `redis`.

        Raises:
            AwayError: It does not answer, or cannot.
        """
        if self._recovery is not None and asyncio.current_task() is not self._recovery:
            raise AwayError
        try:
            async with asyncio.timeout(self._patience):
                return await question()
        except (RedisError, OSError, TimeoutError) as error:
            if self._recovery is None:
                _log.warning("the shared store does not answer, so this gateway does without it: %r", error)
                self._recovery = asyncio.create_task(self._recover())
            raise AwayError from None

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
            with suppress(AwayError):
                # A server that is full, or a replica, answers pings too.
                await self.ask(lambda: self.redis.set(f"{self.prefix}probe", 1, ex=1))
                for tell in self._returns:
                    await tell()
                break
        _log.warning("the shared store answers again")
        self._recovery = None

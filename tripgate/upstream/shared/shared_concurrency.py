"""How much runs at once for each key, over all gateways that share a server.

The server keeps one number for each key and gateway. A gateway says every few seconds that it is alive; the numbers of
one that does not are passed over, so what a crash leaves behind counts for a minute at most. A gateway knows its own
numbers, and writes them anew when the server has lost them.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from tripgate.upstream.shared.redis_store import RedisStore, StoreUnavailableError

_ACQUIRE = """
local running = 1
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
  if kept[i] == ARGV[1] or redis.call('EXISTS', ARGV[2] .. kept[i]) == 1 then
    running = running + tonumber(kept[i + 1])
  else
    redis.call('HDEL', KEYS[1], kept[i])
  end
end
if running > tonumber(ARGV[3]) then
  return 0
end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
_RELEASE = """
if redis.call('HINCRBY', KEYS[1], ARGV[1], -1) <= 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
"""
_ALIVE_SECONDS = 60
_HEARTBEAT_SECONDS = 20.0
_KEPT_SECONDS = 24 * 60 * 60


class SharedConcurrencyCounter:
    """Counts what several gateways run."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._gateway = uuid.uuid4().hex[:16]
        self._acquire = store.redis.register_script(_ACQUIRE)
        self._release = store.redis.register_script(_RELEASE)
        self._here: Counter[str] = Counter()
        self._unreported: set[str] = set()
        self._heartbeats: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        store.on_reconnect(self._report_all)

    async def acquire(self, key: str, limit: int) -> bool:
        """Count one more, unless `limit` run already; whether it was counted. Here alone, while the server is away."""
        if self._here[key] >= limit:
            return False
        if self._heartbeats is None:
            self._heartbeats = self._start(self._send_heartbeats())
            await self._alive()
        # Whoever is cancelled meanwhile must not leave a number behind.
        asking = self._start(self._ask(key, limit))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(lambda done: self._release_here(key) if done.result() else None)
            raise

    async def release(self, key: str) -> None:
        """Count one less."""
        self._release_here(key)

    async def settled(self) -> None:
        """Wait until everything is written to the server."""
        await asyncio.gather(*(task for task in self._tasks if task is not self._heartbeats), return_exceptions=True)

    async def close(self) -> None:
        """Stop, and have the other gateways ignore the numbers of this one."""
        if self._heartbeats is not None:
            self._heartbeats.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(StoreUnavailableError):
            await self._store.ask(lambda: self._store.redis.delete(self._alive_key))

    @property
    def _alive_key(self) -> str:
        return f"{self._store.prefix}alive:{self._gateway}"

    def _key(self, key: str) -> str:
        return f"{self._store.prefix}running:{key}"

    async def _ask(self, key: str, limit: int) -> bool:
        self._here[key] += 1
        try:
            allowed = await self._store.ask(
                lambda: self._acquire(
                    keys=[self._key(key)],
                    args=[self._gateway, f"{self._store.prefix}alive:", limit, _KEPT_SECONDS],
                )
            )
        except StoreUnavailableError:
            allowed = self._here[key] <= limit
        if not allowed:
            self._decrement(key)
        return bool(allowed)

    def _release_here(self, key: str) -> None:
        self._decrement(key)
        self._start(self._report_release(key))

    async def _report_release(self, key: str) -> None:
        try:
            await self._store.ask(lambda: self._release(keys=[self._key(key)], args=[self._gateway]))
        except StoreUnavailableError:
            self._unreported.add(key)

    def _decrement(self, key: str) -> None:
        self._here[key] -= 1
        if self._here[key] <= 0:
            del self._here[key]

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            with suppress(StoreUnavailableError):
                if not await self._alive():
                    await self._report_all()  # the server was started anew, unnoticed

    async def _alive(self) -> bool:
        """Say that this gateway is alive; whether the server knew."""
        try:
            known = await self._store.ask(
                lambda: self._store.redis.set(self._alive_key, 1, ex=_ALIVE_SECONDS, get=True)
            )
        except StoreUnavailableError:
            return True
        return known is not None

    async def _report_all(self) -> None:
        """Write all numbers of this gateway, since the server may have lost them or missed some."""
        await self._alive()
        for key in {*self._here, *self._unreported}:
            await self._store.ask(partial(self._write, key))
            self._unreported.discard(key)

    async def _write(self, key: str) -> None:
        redis, name = self._store.redis, self._key(key)
        count = self._here.get(key, 0)
        if count:
            await redis.hset(name, self._gateway, str(count))
            await redis.expire(name, _KEPT_SECONDS)
        else:
            await redis.hdel(name, self._gateway)

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

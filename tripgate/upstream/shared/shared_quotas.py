"""Quotas counted in the server that gateways share.

Asking it takes a round trip and a quarter of a millisecond of processor time, many times what a request may cost here.
So a gateway takes from large quotas in leases: a fiftieth of the quota at a time, counted in the server when it is
taken and spent here. All gateways together never allow more than the quota; what each holds unspent, a fiftieth at
most, may be missing elsewhere for a few seconds. Quotas below a hundred, those of sign-in attempts, are taken one by
one.

While the server is away, each gateway counts for itself.
"""

import asyncio
import math
import time
from typing import cast

from tripgate.upstream.shared.quotas import Quota, Taken
from tripgate.upstream.shared.redis_store import RedisStore, StoreUnavailableError
from tripgate.upstream.shared.sliding_window import LocalQuotas, wait

# The server's clock counts, since the gateways' may differ. Two windows' counts are kept, as in `SlidingWindow`.
_TAKE = """
local limit, length, need, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local spent = ARGV[5] == 'spent'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window = math.floor(now / length)
local left = length - now % length
local kept = redis.call('HMGET', KEYS[1], 'window', 'count', 'before')
local count, before = 0, 0
if tonumber(kept[1]) == window then
  count, before = tonumber(kept[2]), tonumber(kept[3])
elseif tonumber(kept[1]) == window - 1 then
  before = tonumber(kept[2])
end
local room = math.floor(limit - count - before * left / length)
if need > room and not spent then
  return {0, room, left, count, before}
end
local given = math.max(need, math.min(lease, room))
redis.call('HSET', KEYS[1], 'window', window, 'count', count + given, 'before', before)
redis.call('PEXPIRE', KEYS[1], 2 * length)
return {given, room - given, left, count, before}
"""
_LEASES_PER_QUOTA = 50
_LEASE_SECONDS = 10.0
_MOST_LEASES = 50_000


class _Lease:
    """What this gateway has taken of a quota for a key and not spent yet."""

    __slots__ = ("ends", "remaining", "spent_by", "units")

    def __init__(self, units: int, remaining: int, ends: float, spent_by: float) -> None:
        self.units = units
        self.remaining = remaining
        self.ends = ends
        self.spent_by = spent_by


class SharedQuotas:
    """The quotas of several gateways."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._script = store.redis.register_script(_TAKE)
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._local = LocalQuotas()
        self._charging: set[asyncio.Task[None]] = set()

    def charge(self, quota: Quota, key: str, cost: int) -> None:
        """Count in the server, soon; here while it is away."""
        charging = asyncio.create_task(self._charge(quota, key, cost))
        self._charging.add(charging)
        charging.add_done_callback(self._charging.discard)

    async def _charge(self, quota: Quota, key: str, cost: int) -> None:
        self._leases.pop((quota.name, key), None)  # what is unspent of it was counted too, and must not be spent now
        try:
            await self._store.ask(
                lambda: self._script(
                    keys=[f"{self._store.prefix}quota:{quota.name}:{key}"],
                    args=[quota.limit, quota.seconds * 1000, cost, cost, "spent"],
                )
            )
        except StoreUnavailableError:
            self._local.charge(quota, key, cost)

    async def remaining(self, quota: Quota, key: str) -> int:
        """Ask the server; look here while it is away. What other gateways hold unspent of a large quota is not left."""
        try:
            answer = await self._store.ask(
                lambda: self._script(
                    keys=[f"{self._store.prefix}quota:{quota.name}:{key}"],
                    args=[quota.limit, quota.seconds * 1000, 0, 0, ""],
                )
            )
        except StoreUnavailableError:
            return await self._local.remaining(quota, key)
        return max(0, cast("list[int]", answer)[1])

    async def take(self, quota: Quota, key: str, cost: int = 1) -> Taken:
        """Count in the server; here while it is away."""
        lease = self._leases.get((quota.name, key))
        if lease is not None and lease.units >= cost:
            now = time.monotonic()
            if now < lease.spent_by:
                lease.units -= cost
                return Taken(True, lease.remaining + lease.units, max(1, math.ceil(lease.ends - now)))
        try:
            answer = await self._store.ask(
                lambda: self._script(
                    keys=[f"{self._store.prefix}quota:{quota.name}:{key}"],
                    args=[quota.limit, quota.seconds * 1000, cost, max(1, quota.limit // _LEASES_PER_QUOTA), ""],
                )
            )
        except StoreUnavailableError:
            return self._local.count(quota, key, cost)
        given, room, left_ms, count, before = cast("list[int]", answer)
        left = left_ms / 1000
        if not given:
            return Taken(False, max(0, room), wait(quota.limit, quota.seconds, left, count, before, cost))
        over = given - cost
        if over:
            self._store_lease(quota, key, _Lease(over, room, (now := time.monotonic()) + left, now + _LEASE_SECONDS))
        return Taken(True, room + over, max(1, math.ceil(left)))

    def _store_lease(self, quota: Quota, key: str, lease: _Lease) -> None:
        if len(self._leases) >= _MOST_LEASES:
            self._leases.clear()
        self._leases[quota.name, key] = lease

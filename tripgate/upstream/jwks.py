"""The project's public signing keys, fetched when needed and kept."""

import asyncio
import time
from collections.abc import Callable

import aiohttp
import orjson
from jwt import PyJWK
from jwt.exceptions import InvalidKeyError, PyJWKError

from tripgate.upstream.calls import UpstreamCall
from tripgate.upstream.resilience.failures import unavailable

_ALGORITHMS = {"EC": "ES256", "RSA": "RS256"}


class JwksCache:
    """Public keys by `kid`.

    One fetch at a time serves all who wait. An unknown `kid` fetches again, since keys rotate, but never sooner than
    `min_interval` seconds after the last fetch, so that made-up ids cause no storm. One that failed is repeated sooner.
    That is why keys have no breaker: they are asked for so rarely.

    Args:
        retry_interval: Seconds between fetches that fail.
        max_age: Seconds after which keys are fetched anew.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        timeout: float = 5.0,
        max_age: float = 600.0,
        min_interval: float = 10.0,
        retry_interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._max_age = max_age
        self._min_interval = min_interval
        self._retry_interval = retry_interval
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> PyJWK | None:
        """The key of this id with its algorithm pinned; `None` when the project has no such key.

        Raises:
            ApiError: UPSTREAM_UNAVAILABLE when no keys are known and none can be fetched.
        """
        # A key that is not known may be on its way to somebody else; a known one is good while it is fetched anew.
        if kid not in self._keys or self._due(kid):
            async with self._lock:
                if self._due(kid):  # whoever held the lock may have fetched it
                    await self._fetch()
        if self._fetched_at == float("-inf"):
            raise unavailable()
        return self._keys.get(kid)

    async def any(self) -> bool:
        """Whether the project has keys; also while they cannot be fetched."""
        async with self._lock:
            if not self._keys:
                await self._fetch()
        return bool(self._keys) or self._fetched_at == float("-inf")

    def _due(self, kid: str) -> bool:
        now = self._clock()
        fresh = kid in self._keys and now - self._fetched_at < self._max_age
        interval = self._min_interval if self._fetched_at >= self._tried_at else self._retry_interval
        return not fresh and now - self._tried_at >= interval

    async def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            with UpstreamCall("keys", "GET", "") as call:
                response = await self._session.get(self._url, timeout=self._timeout, allow_redirects=False)
                call.status = response.status
            async with response:
                response.raise_for_status()
                found = orjson.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, ConnectionError, orjson.JSONDecodeError):
            self._tried_at = self._clock()  # whoever waits does not try too
            return  # the keys at hand stay good while Auth is away
        keys = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(keys, list):
            self._tried_at = self._clock()
            return  # somebody else answered in Auth's place
        self._keys = {key.key_id: key for key in map(_key, keys) if key is not None and key.key_id}
        self._fetched_at = self._clock()


def _key(data: object) -> PyJWK | None:
    """A public key for signatures; others in the set are passed over."""
    if not isinstance(data, dict) or not isinstance(data.get("kid"), str) or data.get("use", "sig") != "sig":
        return None
    algorithm = _ALGORITHMS.get(str(data.get("kty")))
    if algorithm is None:
        return None
    try:
        return PyJWK(data, algorithm=algorithm)
    except (PyJWKError, InvalidKeyError, ValueError):
        return None

"""`/healthz`: this process answers. `/readyz`: what it needs answers too, so that requests may be sent here."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import aiohttp
import orjson
from aiohttp import web

from gql.errors import ApiError
from tripgate.upstream.realtime.client import RealtimeClient
from tripgate.upstream.record import recording

Check = Callable[[], Awaitable[str]]
"""Answers `ok`, or in a word what is wrong. One that takes too long, or fails to connect, is `unreachable`."""

_CHECK_SECONDS = 2.0
_FRESH_SECONDS = 1.0
_MAY_BE_AWAY_SECONDS = 10.0
_NO_STORE = {"Cache-Control": "no-store"}
_log = logging.getLogger("tripgate.health")


PROBES = frozenset({"/healthz", "/readyz"})
"""The paths of the liveness and the readiness probe."""


class Health:
    """The state of this process and of what it needs.

    Whoever asks within a second is told the same, so that asking often asks nobody else more often.

    Args:
        needs: Those checks without which no request should be sent here; the others are only reported.

    Attributes:
        checks: By name, once there are connections to check.
        draining: Whether the server stops, and must get no more requests.
    """

    def __init__(self, needs: frozenset[str]) -> None:
        self.checks: dict[str, Check] = {}
        self._needs = needs
        self._found: dict[str, str] = {}
        self._fresh_until = float("-inf")
        self._checking: asyncio.Task[dict[str, str]] | None = None
        self._ready: bool | None = None
        self.draining = False

    async def alive(self, _: web.Request) -> web.Response:
        """`/healthz`: always 200, since a process whose event loop is stuck does not answer at all."""
        return _answer(200, {"status": "ok"})

    async def ready(self, _: web.Request) -> web.Response:
        """`/readyz`: 200 while requests may be sent here, otherwise 503."""
        if self.draining:
            return _answer(503, {"status": "stopping"})
        checks = await self._checked()
        ready = all(checks[name] == "ok" for name in checks if name in self._needs)
        if ready is not self._ready:
            self._ready = ready
            level = logging.INFO if ready else logging.WARNING
            _log.log(level, "ready" if ready else "not ready", extra={"fields": {"checks": checks}})
        return _answer(200 if ready else 503, {"status": "ok" if ready else "unavailable", "checks": checks})

    async def _checked(self) -> dict[str, str]:
        if time.monotonic() < self._fresh_until:
            return self._found
        if self._checking is None:
            self._checking = asyncio.create_task(self._check_all())
        # One who hangs up must not end it for the others.
        return await asyncio.shield(self._checking)

    async def _check_all(self) -> dict[str, str]:
        recording.set(None)
        try:
            words = await asyncio.gather(*(_checked(check) for check in self.checks.values()))
            self._found = dict(zip(self.checks, words, strict=True))
            self._fresh_until = time.monotonic() + _FRESH_SECONDS
        finally:
            self._checking = None
        return self._found


async def _checked(check: Check) -> str:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await check()
    except (aiohttp.ClientError, OSError, TimeoutError, orjson.JSONDecodeError):
        return "unreachable"


def rest_answers(session: aiohttp.ClientSession, url: str, api_key: str, broken: Callable[[], bool]) -> Check:
    """Whether PostgREST answers, reaches Postgres and has loaded its schema; without these it answers 503.

    Args:
        broken: Whether requests to it are held back at the moment.
    """

    async def check() -> str:
        if broken():
            return "held back"
        async with session.head(f"{url}/", headers={"apikey": api_key}, allow_redirects=False) as response:
            return "ok" if response.status < 500 else "unavailable"

    return check


def database_answers(ping: Callable[[], Awaitable[None]], broken: Callable[[], bool]) -> Check:
    """Whether Postgres answers where it is asked itself.

    Args:
        ping: Asks it for nothing, and raises an `ApiError` where no answer comes.
        broken: Whether requests to it are held back at the moment.
    """

    async def check() -> str:
        if broken():
            return "held back"
        try:
            await ping()
        except ApiError:
            return "unreachable"
        return "ok"

    return check


def keys_answer(session: aiohttp.ClientSession, url: str) -> Check:
    """Whether Auth hands out the keys that tokens are verified with."""

    async def check() -> str:
        async with session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                return "unavailable"
            found = orjson.loads(await response.read())
            return "ok" if isinstance(found, dict) and isinstance(found.get("keys"), list) else "unavailable"

    return check


def realtime_connected(client: RealtimeClient) -> Check:
    """Whether the connections to Realtime stand that somebody wants; they are made anew, for which there is time."""
    broken_since: float | None = None

    async def check() -> str:
        nonlocal broken_since
        if not client.broken:
            broken_since = None
            return "ok"
        now = time.monotonic()
        broken_since = broken_since or now
        return "ok" if now - broken_since < _MAY_BE_AWAY_SECONDS else "unreachable"

    return check


def _answer(status: int, body: dict[str, object]) -> web.Response:
    return web.json_response(body, status=status, headers=_NO_STORE, dumps=lambda data: orjson.dumps(data).decode())

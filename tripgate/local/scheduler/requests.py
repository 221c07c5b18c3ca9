"""Sends the requests that wait in `net.http_request_queue` and keeps what came back in `net._http_response`.

Each leaves the queue in the transaction that brings its response, so one that a scheduler did not live to end is sent
again. Responses are kept for six hours, as pg_net keeps them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from tripgate.local.scheduler.jobs import Connection

AT_ONCE = 200
USER_AGENT = "pg_net/0.20.4"
# Of a response. Writing one of hundreds of megabytes takes a minute, in which no job runs.
MAX_BYTES = 16 * 2**20
_KEPT = "6 hours"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    id: int
    method: str
    url: str
    headers: Any
    body: bytes | None
    timeout_milliseconds: int


@dataclass(frozen=True, slots=True)
class _Response:
    status_code: int | None = None
    content_type: str | None = None
    headers: dict[str, str] | None = None
    content: str | None = None
    timed_out: bool = False
    error: str | None = None


class Requests:
    """Requests under way.

    Args:
        books: A connection of the superuser's, which others may use meanwhile.
        room: Called when more may be sent, after there were as many under way as can be.
    """

    def __init__(self, books: Connection, group: asyncio.TaskGroup, room: Callable[[], None]) -> None:
        self._books = books
        self._group = group
        self._room = room
        self._full = False
        self._under_way: set[int] = set()
        self._session: aiohttp.ClientSession | None = None

    async def send_waiting(self) -> None:
        """Begin what waits, as far as there is room."""
        cursor = await self._books.execute("select to_regclass('net.http_request_queue') is not null")
        if await cursor.fetchone() != (True,):
            return
        await self._books.execute("delete from net._http_response where created < now() - %s::interval", (_KEPT,))
        cursor = await self._books.execute(
            "select id, method, url, headers, body, timeout_milliseconds from net.http_request_queue"
            " where id <> all (%s) order by id limit %s",
            (list(self._under_way), AT_ONCE - len(self._under_way)),
        )
        for row in await cursor.fetchall():
            request = _Request(*row)  # type: ignore[arg-type]
            self._under_way.add(request.id)
            self._group.create_task(self._do(request))
        self._full = len(self._under_way) == AT_ONCE

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    async def _do(self, request: _Request) -> None:
        response = await self._response(request)
        try:
            await self._keep(request, response)
        except psycopg.DataError as error:
            # One that no table holds must not end the scheduler, which would ask for it again.
            log.warning("the response to request %d cannot be kept: %s", request.id, error)
            await self._keep(request, _Response(error="The response cannot be kept"))
        self._under_way.remove(request.id)
        if self._full:
            self._room()

    async def _keep(self, request: _Request, response: _Response) -> None:
        await self._books.execute(
            "with done as (delete from net.http_request_queue where id = %s)"
            " insert into net._http_response (id, status_code, content_type, headers, content, timed_out, error_msg)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            (
                request.id,
                request.id,
                response.status_code,
                response.content_type,
                None if response.headers is None else Jsonb(response.headers),
                response.content,
                response.timed_out,
                response.error,
            ),
        )

    async def _response(self, request: _Request) -> _Response:
        # Loaded when the first request is sent: most schedulers send none.
        import aiohttp  # noqa: PLC0415
        from yarl import URL  # noqa: PLC0415

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE), cookie_jar=aiohttp.DummyCookieJar()
            )
        begun = time.monotonic()
        try:
            async with self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers={"User-Agent": USER_AGENT, **_texts(request.headers)},
                data=request.body,
                timeout=aiohttp.ClientTimeout(total=request.timeout_milliseconds / 1000 or None),
            ) as answer:
                content_type = answer.headers.get("Content-Type")
                return _Response(
                    answer.status,
                    None if content_type is None else _kept(content_type),
                    {_kept(name): _kept(value) for name, value in answer.headers.items()},
                    _kept(_decoded(await _body(answer.content), answer.charset)) or None,
                )
        except TimeoutError:
            took = (time.monotonic() - begun) * 1000
            limit = f"Timeout of {request.timeout_milliseconds} ms reached."
            return _Response(timed_out=True, error=f"{limit} Total time: {took:.3f} ms")
        except aiohttp.ClientConnectorDNSError:
            return _Response(error="Couldn't resolve host name")
        except aiohttp.ClientConnectorError:
            return _Response(error="Couldn't connect to server")
        except (aiohttp.ClientError, ValueError, TypeError, LookupError, OSError) as error:
            return _Response(error=_kept(str(error)) or type(error).__name__)


async def _body(content: aiohttp.StreamReader) -> bytes:
    """All of it. Raises ValueError where it is too long."""
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ValueError(f"The response is longer than {MAX_BYTES} bytes")
    return bytes(body)


def _decoded(body: bytes, charset: str | None) -> str:
    """What can be read of it, as UTF-8 where there is no such character set."""
    try:
        return body.decode(charset or "utf-8", "replace")
    except LookupError:
        return body.decode(errors="replace")


def _kept(text: str) -> str:
    """The text without what Postgres keeps in none: the number 0, and halves of characters, as aiohttp reads bytes of
    headers that are not UTF-8.
    """
    return text.replace("\0", "").encode(errors="replace").decode()


def _texts(headers: object) -> dict[str, str]:
    """What the queue has as JSON, without what is null."""
    if not isinstance(headers, dict):
        return {}
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in headers.items()
        if value is not None
    }

"""GraphQL over a stream: one request and many answers, as server-sent events or as parts of one multipart answer."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from aiohttp import web

from gql.errors import ApiError
from tripgate.gateway.edge.concurrency import SubscriptionLimit
from tripgate.gateway.edge.connections import LiveConnections
from tripgate.gateway.edge.stream_formats import EVENTS, StreamFormat
from tripgate.gateway.errors import formatted, masked, request_error
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.operation import RequestError
from tripgate.gateway.transport import abort, flushed
from tripgate.upstream.record import RequestRecord

Answers = AsyncGenerator[dict[str, Any], None]
_LOOK_SECONDS = 1.0
_LAST_WORD_SECONDS = 1.0
_NONE: Mapping[str, str] = {}


class EventStreams:
    """The open streams of this process.

    Args:
        keep_alive: Seconds between signs of life on an idle stream; whoever takes nothing for as long is hung up on.
    """

    def __init__(
        self,
        observability: Observability,
        limit: SubscriptionLimit,
        open_connections: LiveConnections,
        *,
        keep_alive: float,
    ) -> None:
        self._observability = observability
        self._open = open_connections
        self._limit = limit
        self._keep_alive = keep_alive
        self._stopping = asyncio.Event()

    async def respond(
        self,
        request: web.Request,
        answers: Answers,
        record: RequestRecord,
        address: str,
        *,
        live: bool,
        written_as: StreamFormat = EVENTS,
        headers: Mapping[str, str] = _NONE,
    ) -> web.StreamResponse:
        """Stream the answers to a request.

        Args:
            address: Where it comes from.
            live: Whether they are a subscription's.
            written_as: How they are written.
            headers: More of the response's.

        Raises:
            ApiError: RATE_LIMITED, the person follows too much already, or the address; OVERLOADED, too many follow
                something; nothing has been sent yet.
        """
        with self._open.one_more(address):
            if not live:
                return await self._respond(request, answers, record, written_as, headers, live=False)
            async with self._limit.one_more(record.caller):
                return await self._respond(request, answers, record, written_as, headers, live=True)

    async def _respond(
        self,
        request: web.Request,
        answers: Answers,
        record: RequestRecord,
        written_as: StreamFormat,
        headers: Mapping[str, str],
        *,
        live: bool,
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                **headers,
                "Content-Type": written_as.content_type,
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                "X-Request-Id": record.request_id,
            }
        )
        await response.prepare(request)
        await response.write(written_as.opening)
        ends = [
            asyncio.create_task(self._send(request, response, answers, record, written_as)),
            asyncio.create_task(self._watch(request, response, written_as.idle)),
        ]
        if live:
            # It has no end of its own, so the stop must not wait for one. No `complete` is sent: clients take that for
            # the end of the subscription, and a stream without it for a connection to be made again.
            ends.append(asyncio.create_task(self._stopped()))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        try:
            await flushed(request, _LAST_WORD_SECONDS)
            await response.write_eof()
            await flushed(request, _LAST_WORD_SECONDS, but=0)
        except (ConnectionError, TimeoutError):
            abort(request)
        return response

    def stop(self) -> None:
        """End every subscription."""
        self._stopping.set()

    async def _send(
        self,
        request: web.Request,
        response: web.StreamResponse,
        answers: Answers,
        record: RequestRecord,
        written_as: StreamFormat,
    ) -> None:
        with suppress(ConnectionError, TimeoutError):  # the reader has gone, or takes nothing
            try:
                async with aclosing(answers):
                    async for answer in answers:
                        self._observability.note(record, written_as.errors(answer))
                        await self._write(request, response, written_as.answer(answer))
            except RequestError as error:
                await self._problem(request, response, record, written_as, formatted(error.errors, error.code))
            except ApiError as error:
                await self._problem(request, response, record, written_as, request_error(error))
            except (ConnectionError, TimeoutError):
                raise
            except Exception as error:  # a mistake of ours ends this stream, and says so
                await self._problem(request, response, record, written_as, [masked(error)])
            await self._write(request, response, written_as.ending)

    async def _problem(
        self,
        request: web.Request,
        response: web.StreamResponse,
        record: RequestRecord,
        written_as: StreamFormat,
        errors: list[dict[str, Any]],
    ) -> None:
        self._observability.note(record, {"errors": errors})
        await self._write(request, response, written_as.refusal(errors))

    async def _write(self, request: web.Request, response: web.StreamResponse, event: bytes) -> None:
        async with asyncio.timeout(self._keep_alive):
            await flushed(request, self._keep_alive)
            await response.write(event)

    async def _watch(self, request: web.Request, response: web.StreamResponse, idle: bytes) -> None:
        """Write keep-alives until the reader has gone: without writes a lost connection goes unnoticed."""
        last = asyncio.get_running_loop().time()
        with suppress(ConnectionError):
            while request.transport is not None:
                await asyncio.sleep(min(_LOOK_SECONDS, self._keep_alive))
                now = asyncio.get_running_loop().time()
                if idle and now - last >= self._keep_alive:
                    last = now
                    await response.write(idle)

    async def _stopped(self) -> None:
        await self._stopping.wait()

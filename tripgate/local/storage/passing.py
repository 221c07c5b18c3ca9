"""Passes requests on to Storage, at the front door: heads and small bodies by the connection between the two, objects'
bytes between the client's connection and their files (handover.py says how)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, BinaryIO

from aiohttp import hdrs, web

from tripgate.local import proxy
from tripgate.local.storage import handover
from tripgate.local.storage.files import path_below, write_all
from tripgate.local.storage.links import BrokenError, Links, StaleError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from multidict import CIMultiDict

    from tripgate.local.storage.links import Head, Link

# Bodies that are longer, or of unknown length, are kept back until Storage wants them.
SMALL = 64 * 1024
BLOCK = 1024 * 1024
_UPLOADING = (hdrs.METH_POST, hdrs.METH_PUT)
_CONTINUE = 100
_BODILESS = (204, 304)
# An object that got other bytes between Storage's answer and our reading: it is asked again.
_ATTEMPTS = 3


class _GoneError(Exception):
    """The bytes of an answer were removed meanwhile."""


class Passing:
    """The way to one Storage process after the other. Takes the directory of the bytes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._links = Links()

    def close(self) -> None:
        """Close what nobody uses."""
        self._links.close()

    async def forward(
        self, request: web.Request, *, port: int, secret: str, prefix: str, authorization: str | None
    ) -> web.StreamResponse:
        """Storage's answer. Raises BrokenError where there is none, RequestError for what cannot be asked."""
        headers = proxy.request_headers(request, prefix, authorization)
        for name in handover.OWN:
            headers.popall(name, None)
        headers[handover.FRONT_DOOR] = secret
        headers[hdrs.HOST] = request.host
        path = request.raw_path[len(prefix) :] or "/"
        for attempt in range(_ATTEMPTS):
            try:
                async with self._links.link(port) as link:
                    return await self._exchange(link, request, path, headers)
            except (StaleError, _GoneError) as error:
                if request.body_exists or attempt == _ATTEMPTS - 1:
                    raise BrokenError("Storage gave no answer that holds") from error
        raise AssertionError

    async def _exchange(
        self, link: Link, request: web.Request, path: str, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        framed = request.body_exists and _frame(request, headers)
        link.ask(request.method, path, headers)
        if hdrs.EXPECT in headers:
            head, link.reusable = await link.head(), False
            if head.status == _CONTINUE:
                head, link.reusable = await _answered(link, self._body(link, request, head))
        elif request.body_exists:
            head, link.reusable = await _answered(link, _send(link, request, framed=framed))
        else:
            head, link.reusable = await link.head(), True
        if "close" in head.headers.get(hdrs.CONNECTION, "").lower():
            link.reusable = False
        return await self._answer(link, request, head)

    def _body(self, link: Link, request: web.Request, head: Head) -> Coroutine[None, None, None]:
        wanted = head.headers.get(handover.OBJECT)
        if wanted is None:
            return _send(link, request, framed=True)
        version, most = wanted.split()
        return _write(link, request, path_below(self._directory, version), int(most))

    async def _answer(self, link: Link, request: web.Request, head: Head) -> web.StreamResponse:
        sent = head.headers.get(handover.OBJECT)
        if sent is not None:
            version, start, count = sent.split()
            return await self._send_object(request, head, version, int(start), int(count))
        if request.method == hdrs.METH_HEAD or head.status in _BODILESS:
            response = _response(head)
            await response.prepare(request)
            await response.write_eof()
            return response
        reusable, link.reusable = link.reusable, False
        body = await link.body(int(head.headers[hdrs.CONTENT_LENGTH]))
        link.reusable = reusable
        whole = web.Response(status=head.status, reason=head.reason, body=body)
        _add_headers(whole, head)
        return whole

    async def _send_object(
        self, request: web.Request, head: Head, version: str, start: int, count: int
    ) -> web.StreamResponse:
        try:
            file = path_below(self._directory, version).open("rb", buffering=0)
        except FileNotFoundError:
            raise _GoneError from None
        with file:
            response = _response(head)
            response.content_length = count
            await response.prepare(request)
            await _copy(request, response, file, start, count)
            return response


def _frame(request: web.Request, headers: CIMultiDict[str]) -> bool:
    """Say how the body comes; whether that is framed in chunks."""
    # An encoding is taken off as it is read here.
    length = None if headers.popall(hdrs.CONTENT_ENCODING, None) else request.content_length
    keeps_back = request.method in _UPLOADING and (length is None or length > SMALL)
    if length is not None and not keeps_back:
        return False
    headers.popall(hdrs.CONTENT_LENGTH, None)
    headers[hdrs.TRANSFER_ENCODING] = "chunked"
    if length is not None:
        headers[handover.LENGTH] = str(length)
    if keeps_back:
        headers[hdrs.EXPECT] = "100-continue"
    return True


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it was received: what has gathered meanwhile is not copied into one."""
    async for chunk, _ in request.content.iter_chunks():
        if chunk:
            yield chunk


async def _send(link: Link, request: web.Request, *, framed: bool) -> None:
    """The body as it comes."""
    async for chunk in _chunks(request):
        await link.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if framed else chunk)
    if framed:
        await link.send(b"0\r\n\r\n")


async def _write(link: Link, request: web.Request, path: Path, most: int) -> None:
    """The body into its file, or a little more of it than is wanted."""
    size = 0
    # Without making it: once Storage has taken it away, nobody wants the bytes.
    with path.open("r+b", buffering=0) as file:
        async for chunk in _chunks(request):
            write_all(file, chunk)
            size += len(chunk)
            if size > most:
                break
    await link.send(b"0\r\n\r\n")


async def _answered(link: Link, sending: Coroutine[None, None, None]) -> tuple[Head, bool]:
    """The answer to a request while its body is sent, and whether all of it was by then. Raises what reading the body
    does."""
    sender, reader = asyncio.ensure_future(sending), asyncio.ensure_future(link.head())
    try:
        await asyncio.wait({sender, reader}, return_when=asyncio.FIRST_COMPLETED)
        if not reader.done():
            try:
                sender.result()
            except (BrokenError, FileNotFoundError):
                # Who does not read any more may have answered before.
                return await reader, False
            return await reader, True
        return reader.result(), sender.done() and sender.exception() is None
    finally:
        for task in (sender, reader):
            task.cancel()
        await asyncio.gather(sender, reader, return_exceptions=True)


def _response(head: Head) -> web.StreamResponse:
    response = web.StreamResponse(status=head.status, reason=head.reason)
    _add_headers(response, head)
    return response


def _add_headers(response: web.StreamResponse, head: Head) -> None:
    for name, value in head.headers.items():
        lower = name.lower()
        if lower in handover.OWN or lower in proxy.HOP_BY_HOP or lower.startswith("access-control-"):
            continue
        if lower == "content-length" and isinstance(response, web.Response):
            continue
        response.headers.add(name, value)


async def _copy(request: web.Request, response: web.StreamResponse, file: BinaryIO, start: int, count: int) -> None:
    transport = request.transport
    if transport is not None and count > 0:
        try:
            await asyncio.get_running_loop().sendfile(transport, file, start, count)
        except (NotImplementedError, RuntimeError):
            file.seek(start)
            while count > 0 and (block := file.read(min(BLOCK, count))):
                count -= len(block)
                await response.write(block)
    await response.write_eof()

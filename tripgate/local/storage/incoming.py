"""An upload as it comes: the file of a form, or the whole body. Its bytes are read once, by whoever keeps them."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import BodyPartReader, hdrs

from tripgate.local.storage import errors, handover, names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from aiohttp import web

CHUNK = 256 * 1024
MAX_FIELDS = 10
MAX_FIELD_BYTES = 1024 * 1024
ANY_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Incoming:
    """What is said of the bytes, and the bytes. `declared` is the length of the whole request, which is more than that
    of the bytes where they come `in_form`. `written` lets the front door write them into a version's file, at most so
    many; it says False where the front door does not have them."""

    chunks: AsyncIterator[bytes]
    content_type: str
    cache_control: str
    user_metadata: dict[str, Any] | None
    declared: int | None
    robots: str | None
    in_form: bool = False
    written: Callable[[str, int], Awaitable[bool]] | None = None
    limit: int = 0

    def asked(self) -> dict[str, Any]:
        """What policies see in `metadata` while it is asked whether this may be uploaded."""
        said: dict[str, Any] = {"mimetype": self.content_type}
        return said if self.declared is None else {**said, "contentLength": self.declared}

    def within(self, limit: int, allowed: Sequence[str] | None) -> Incoming:
        """The same, at most `limit` bytes. Raises StorageError for what is said of it, and while the bytes are read for
        more of them."""
        names.check_type(self.content_type, allowed)
        if self.declared is not None and self.declared > limit and not self.in_form:
            raise errors.too_large()
        return replace(self, chunks=_bounded(self.chunks, limit), limit=limit)


async def read(request: web.Request) -> Incoming:
    """The upload of a request. Raises StorageError for a form without one."""
    content_type = request.headers.get(hdrs.CONTENT_TYPE) or ANY_TYPE
    robots = request.headers.get("X-Robots-Tag")
    if content_type.startswith("multipart/form-data"):
        return await _of_form(request, robots)
    return Incoming(
        chunks=_body(request),
        content_type=content_type,
        cache_control=request.headers.get(hdrs.CACHE_CONTROL) or "no-cache",
        user_metadata=encoded_metadata(request.headers.get("X-Metadata")),
        declared=handover.declared_length(request),
        robots=robots,
        written=partial(handover.have_written, request),
    )


def encoded_metadata(header: str | None) -> dict[str, Any] | None:
    """What people say of an object, from a header; nothing where it makes no sense."""
    try:
        return metadata(base64.b64decode(header or "", validate=True))
    except (binascii.Error, ValueError):
        return None


def metadata(text: bytes | str) -> dict[str, Any] | None:
    """The same from JSON."""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None


async def _of_form(request: web.Request, robots: str | None) -> Incoming:
    await handover.want_body(request)
    try:
        reader = await request.multipart()
        fields: dict[str, bytes] = {}
        while True:
            part = await reader.next()
            if not isinstance(part, BodyPartReader) or len(fields) > MAX_FIELDS:
                raise errors.invalid_request("No content provided")
            if part.filename is not None or part.headers.get(hdrs.CONTENT_TYPE) == ANY_TYPE:
                break
            fields[part.name or ""] = await _field(part)
    except (ValueError, AssertionError):
        raise errors.invalid_request("No content provided") from None
    said = fields.get("contentType", b"").decode(errors="replace")
    content_type = said or part.headers.get(hdrs.CONTENT_TYPE) or ANY_TYPE
    seconds = fields.get("cacheControl", b"").decode(errors="replace")
    described = fields.get("metadata", fields.get("userMetadata"))
    return Incoming(
        chunks=_part(part),
        content_type=content_type,
        cache_control=f"max-age={seconds}" if seconds else "no-cache",
        user_metadata=None if described is None else metadata(described),
        declared=handover.declared_length(request),
        robots=robots,
        in_form=True,
    )


async def _field(part: BodyPartReader) -> bytes:
    value = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        value += chunk
        if len(value) > MAX_FIELD_BYTES:
            raise errors.too_large("user_metadata")
    return bytes(value)


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_any():
        yield chunk


async def _part(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK):
        yield chunk


async def _bounded(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise errors.too_large()
        yield chunk

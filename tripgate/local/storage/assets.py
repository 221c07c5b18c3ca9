"""Answers that carry an object's bytes, whole, in part, or as a head alone. Source: supabase/storage,
src/storage/renderer, src/storage/range.ts."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson
from aiohttp import hdrs, web

from tripgate.local.storage import files, handover
from tripgate.local.storage.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from tripgate.local.storage.objects import Row

SVG = "image/svg+xml"
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_ANY_TYPE = "application/octet-stream"


def send(request: web.Request, path: Path | None, row: Row, *, expires: int | None = None) -> web.Response:
    """The head of an answer whose bytes the front door sends. `expires` is when the address ends that they were asked
    by."""
    try:
        size = None if path is None else path.stat().st_size
    except FileNotFoundError:
        size = None
    if path is None or size is None:
        return missing()
    headers = headers_of(request, row, size, expires)
    if _unchanged(request, row):
        return web.Response(status=304, headers=headers)
    start, count, status = 0, size, 200
    wanted = request.headers.get(hdrs.RANGE)
    if wanted:
        start, end = range_of(wanted, size)
        count, status = end - start + 1, 206
        headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end}/{size}"
    headers[handover.OBJECT] = f"{path.name} {start} {count}"
    return web.Response(status=status, headers=headers)


def missing() -> web.Response:
    """A row without bytes: what somebody wrote by SQL."""
    body = {"error": "Not found", "message": "The resource was not found", "statusCode": "404", "code": "NoSuchKey"}
    return web.Response(
        body=orjson.dumps(body), status=400, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"}
    )


def headers_of(request: web.Request, row: Row, size: int, expires: int | None = None) -> dict[str, str]:
    """What an answer says of an object."""
    said = row["metadata"] or {}
    headers = {
        hdrs.ACCEPT_RANGES: "bytes",
        hdrs.CONTENT_TYPE: shown_type(said.get("mimetype")),
        hdrs.ETAG: _shown(said.get("eTag"), f'"{size}"'),
        "X-Robots-Tag": _shown(said.get("xRobotsTag"), "none"),
        hdrs.LAST_MODIFIED: email.utils.format_datetime(last_modified(row), usegmt=True),
    }
    if expires is None:
        headers[hdrs.CACHE_CONTROL] = _shown(said.get("cacheControl"), "no-cache")
    else:
        headers[hdrs.EXPIRES] = email.utils.formatdate(expires, usegmt=True)
    if headers[hdrs.CONTENT_TYPE].startswith(SVG):
        headers["Content-Security-Policy"] = "script-src 'none'"
    headers.update(disposition(request))
    return headers


def disposition(request: web.Request) -> dict[str, str]:
    """The header by which a browser keeps a file in place of showing it."""
    download = request.query.get("download")
    if download is None:
        return {}
    if not download:
        return {hdrs.CONTENT_DISPOSITION: "attachment;"}
    name = quote(download, safe="-_.!~*'()")
    return {hdrs.CONTENT_DISPOSITION: f"attachment; filename={name}; filename*=UTF-8''{name}"}


def shown_type(kind: object) -> str:
    """A page is shown as text: nobody's upload runs in the project's name."""
    shown = _shown(kind, _ANY_TYPE)
    return "text/plain" if "text/html" in shown else shown


def _shown(value: object, otherwise: str) -> str:
    """What somebody once said, as a header can."""
    return value if isinstance(value, str) and value.isprintable() and value.isascii() and value else otherwise


def last_modified(row: Row) -> dt.datetime:
    """When the bytes came."""
    said = (row["metadata"] or {}).get("lastModified")
    try:
        when = dt.datetime.fromisoformat(said) if isinstance(said, str) else row["updated_at"]
    except ValueError:
        when = row["updated_at"]
    return (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


def range_of(header: str, size: int) -> tuple[int, int]:
    """The first and last byte that are wanted. Raises StorageError, under HTTP 416."""
    refused = StorageError(416, "InvalidRange", "invalid range provided", "invalid_range", http=416)
    match = _RANGE.fullmatch(header)
    if match is None or size <= 0 or not (match[1] or match[2]):
        raise refused
    if not match[1]:
        if int(match[2]) == 0:
            raise refused
        return max(size - int(match[2]), 0), size - 1
    start = int(match[1])
    end = int(match[2]) if match[2] else size - 1
    if end < start or start >= size:
        raise refused
    return start, min(end, size - 1)


def _unchanged(request: web.Request, row: Row) -> bool:
    tag = request.headers.get(hdrs.IF_NONE_MATCH)
    if tag is not None:
        return tag == (row["metadata"] or {}).get("eTag")
    since = request.if_modified_since
    return since is not None and last_modified(row).replace(microsecond=0) <= since


def path_of(store: files.Files, row: Row) -> Path | None:
    """Where an object's bytes are."""
    return store.path(row["version"]) if files.is_version(row["version"]) else None

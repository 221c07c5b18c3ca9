"""Resumable uploads by TUS 1.0.0: with a person's token at `/upload/resumable`, with a ticket in `x-signature` at
`/upload/resumable/sign`. Refusals are sentences under their own status. Source: supabase/storage, src/http/routes/tus;
tus/tus-node-server.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import email.utils
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from aiohttp import ClientError, hdrs, web
from psycopg_pool import PoolTimeout

from tripgate.local.storage import caller, errors, files, handover, incoming, names, objects, writes
from tripgate.local.storage.context import SERVICES, TRUE, Services, act
from tripgate.local.storage.database import SERVICE
from tripgate.local.storage.objects import NewObject
from tripgate.local.storage.resumable import Upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler

    from tripgate.local.storage.database import Act

routes = web.RouteTableDef()

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,termination,expiration"
PART = "application/offset+octet-stream"
ROOT = "/upload/resumable"
SIGNED = f"{ROOT}/sign"
# Whose size one file of this machine cannot have anyway.
MOST = 2**53
_OVERRIDE = "X-HTTP-Method-Override"


@dataclass(frozen=True)
class _Permission:
    """Whose the object will be, and whether it may take another's place. `who` is asked about, unless a ticket
    answers."""

    who: caller.Caller | None
    owner: str | None
    upsert: bool


def refused(status: int, sentence: str) -> errors.StorageError:
    """A refusal of TUS itself."""
    return errors.StorageError(status, "TusError", sentence)


@web.middleware
async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Speaks TUS below its address: its version with every answer, and refusals as sentences."""
    if not request.path.startswith(ROOT):
        return await handler(request)
    try:
        if request.method != hdrs.METH_OPTIONS and request.headers.get("Tus-Resumable") != VERSION:
            raise refused(412, "Tus-Resumable Required")
        response = await handler(request)
    except errors.StorageError as error:
        response = web.Response(status=error.status, text=error.message)
    except (psycopg.Error, PoolTimeout) as error:
        told = errors.of_database(error)
        response = web.Response(status=told.status, text=told.message)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        response = web.Response(status=404, text="Not found")
    response.headers["Tus-Resumable"] = VERSION
    return response


@routes.options(ROOT)
@routes.options(ROOT + "/{key:(?s:.*)}")
async def options(request: web.Request) -> web.Response:
    """What this server can."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(request.app[SERVICES].settings.file_size_limit),
    }
    return web.Response(status=204, headers=headers)


@routes.post(ROOT)
@routes.post(ROOT + "/")
@routes.post(SIGNED)
@routes.post(SIGNED + "/")
async def create(request: web.Request) -> web.Response:
    """Begin an upload, with its first bytes where they come along."""
    services, said = request.app[SERVICES], _metadata(request.headers.get("Upload-Metadata", ""))
    bucket = names.check_bucket(said.get("bucketName", ""))
    name = names.check_key(said.get("objectName", ""))
    permission = _permission(request, bucket, name)
    acting = act(request, "tus.upload.create")
    length = _length(request)
    seconds = said.get("cacheControl", "")
    upload = Upload(
        bucket=bucket,
        name=name,
        version=files.new_version(),
        length=length,
        metadata=said,
        content_type=said.get("contentType") or incoming.ANY_TYPE,
        cache_control=f"max-age={seconds}" if seconds.lstrip("-").isdigit() else "no-cache",
        user_metadata=incoming.metadata(said.get("metadata", "")),
        expires=int(time.time()) + services.settings.upload_seconds,
    )
    await _may(services, permission, acting, upload)
    most = await _limit(services, upload)
    if length is not None and length > most:
        raise refused(413, "Maximum size exceeded")
    services.uploads.create(upload)
    headers = {hdrs.LOCATION: _address(request, upload), **_expires(upload)}
    if request.headers.get(hdrs.CONTENT_TYPE) == PART or length == 0:
        async with services.uploads.held(upload.id) as wanted:
            headers |= await _append(request, upload, permission, acting, most, wanted)
    return web.Response(status=201, headers=headers)


@routes.head(ROOT + "/{key}")
@routes.head(SIGNED + "/{key}")
async def head(request: web.Request) -> web.Response:
    """How far an upload has come. Whoever still sends bytes is told to stop."""
    services = request.app[SERVICES]
    async with services.uploads.held(request.match_info["key"]):
        upload = _found(request)
        if request.path.startswith(SIGNED):
            _permission(request, upload.bucket, upload.name)
        else:
            _caller(request)
        pairs = (f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in upload.metadata.items())
        headers = {
            hdrs.CACHE_CONTROL: "no-store",
            "Upload-Offset": str(services.uploads.offset(upload)),
            "Upload-Metadata": ",".join(pairs),
            **_expires(upload),
        }
        headers |= {"Upload-Defer-Length": "1"} if upload.length is None else {"Upload-Length": str(upload.length)}
        return web.Response(headers=headers)


@routes.patch(ROOT + "/{key}")
@routes.patch(SIGNED + "/{key}")
async def patch(request: web.Request) -> web.StreamResponse:
    """More bytes. Those that came before a connection broke are kept."""
    services = request.app[SERVICES]
    if request.headers.get(hdrs.CONTENT_TYPE) != PART:
        raise refused(403, "Content-Type header required")
    given = request.headers.get("Upload-Offset", "")
    if not given.isascii() or not given.isdigit():
        raise refused(403, "Upload-Offset header required")
    async with services.uploads.held(request.match_info["key"]) as wanted:
        upload = _found(request)
        permission = _permission(request, upload.bucket, upload.name)
        acting = act(request, "tus.upload.part")
        if services.uploads.offset(upload) != int(given):
            raise refused(409, "Upload-Offset conflict")
        if upload.length is None and "Upload-Length" in request.headers:
            upload = upload.model_copy(update={"length": _length(request)})
            services.uploads.save(upload)
        await _may(services, permission, acting, upload)
        most = await _limit(services, upload)
        if upload.length is not None and upload.length > most:
            raise refused(413, "Maximum size exceeded")
        headers = await _append(request, upload, permission, acting, most, wanted)
    return web.Response(status=204, headers={**headers, **_expires(upload)})


@routes.post(ROOT + "/{key}")
@routes.post(SIGNED + "/{key}")
async def patch_by_post(request: web.Request) -> web.StreamResponse:
    """The same where a client cannot say PATCH or DELETE."""
    override = request.headers.get(_OVERRIDE, "").upper()
    if override == hdrs.METH_PATCH:
        return await patch(request)
    if override == hdrs.METH_DELETE:
        return await delete(request)
    raise web.HTTPNotFound


@routes.delete(ROOT + "/{key}")
@routes.delete(SIGNED + "/{key}")
async def delete(request: web.Request) -> web.StreamResponse:
    """Give an upload up."""
    services = request.app[SERVICES]
    async with services.uploads.held(request.match_info["key"]):
        upload = _found(request)
        permission = _permission(request, upload.bucket, upload.name)
        await _may(services, permission, act(request, "tus.upload.delete"), upload)
        if upload.finished:
            raise refused(400, "Cannot terminate an already completed upload")
        services.uploads.remove(upload)
    return web.Response(status=204)


async def _append(
    request: web.Request, upload: Upload, permission: _Permission, acting: Act, most: int, wanted: asyncio.Event
) -> dict[str, str]:
    services = request.app[SERVICES]
    limit = most if upload.length is None else upload.length
    if upload.finished:
        return {"Upload-Offset": str(upload.length)}
    offset = services.uploads.offset(upload)
    declared = handover.declared_length(request)
    if declared is not None and offset + declared > limit:
        raise refused(413, "Maximum size exceeded" if upload.length is None else "upload's size exceeded")
    with services.uploads.bytes_of(upload).open("ab", buffering=0) as file:
        async for chunk in _until(request, wanted):
            offset += len(chunk)
            if offset > limit:
                raise refused(413, "Maximum size exceeded")
            file.write(chunk)
    headers = {"Upload-Offset": str(offset)}
    if offset == upload.length:
        await _finish(services, upload, permission, acting)
        headers["Tus-Complete"] = "1"
    return headers


async def _until(request: web.Request, wanted: asyncio.Event) -> AsyncIterator[bytes]:
    """What comes, until somebody else wants to send it, or the connection breaks."""
    stop = asyncio.ensure_future(wanted.wait())
    read: asyncio.Future[bytes] | None = None
    try:
        while True:
            read = asyncio.ensure_future(request.content.readany())
            await asyncio.wait({read, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not read.done():
                raise refused(400, "Request aborted due to lock acquired")
            try:
                chunk = await read
            except (ClientError, ConnectionError, web.RequestPayloadError):
                raise refused(400, "The connection broke") from None
            if not chunk:
                return
            yield chunk
    finally:
        stop.cancel()
        if read is not None:
            read.cancel()


async def _finish(services: Services, upload: Upload, permission: _Permission, acting: Act) -> None:
    path = services.uploads.bytes_of(upload)
    said = writes.about(files.etag_of(upload.version), upload.length or 0, upload.content_type, upload.cache_control)
    new = NewObject(upload.bucket, upload.name, upload.version, permission.owner, said, upload.user_metadata or {})
    services.files.take(path, upload.version)
    try:
        await writes.finish(services, acting, new)
    except BaseException:
        # All bytes are here, and yet it is no object: the client has to hear that it is not complete.
        services.uploads.remove(upload)
        raise
    services.uploads.save(upload.model_copy(update={"finished": True}))


def _permission(request: web.Request, bucket: str, name: str) -> _Permission:
    if request.path.startswith(SIGNED):
        token = request.headers.get("X-Signature")
        if not token:
            raise errors.StorageError(400, "InvalidSignature", "Missing x-signature header")
        claims = caller.verify(request.app[SERVICES].tokens, token, "upload", f"{bucket}/{name}")
        owner = claims.get("owner")
        return _Permission(None, owner if isinstance(owner, str) else None, claims.get("upsert") is True)
    who = _caller(request)
    return _Permission(who, who.owner, request.headers.get("X-Upsert") == TRUE)


def _caller(request: web.Request) -> caller.Caller:
    return caller.identify(request.app[SERVICES].tokens, request.headers.get(hdrs.AUTHORIZATION))


async def _may(services: Services, permission: _Permission, acting: Act, upload: Upload) -> None:
    """Raises StorageError where the caller may not; a ticket has been asked about when it was given, but not whether
    there is an object by now."""
    asked = {"mimetype": upload.content_type, "contentLength": upload.length}
    new = NewObject(upload.bucket, upload.name, upload.version, permission.owner, asked, upload.user_metadata)
    if upload.finished:
        return
    await writes.may_upload(services, permission.who or SERVICE, acting, new, upsert=permission.upsert)


async def _limit(services: Services, upload: Upload) -> int:
    async with services.database.reading() as connection:
        bucket = await objects.find_bucket(connection, upload.bucket)
    if not upload.name.endswith(names.PLACEHOLDER):
        names.check_type(upload.content_type, bucket["allowed_mime_types"])
    return names.largest(upload.name, bucket["file_size_limit"], services.settings.file_size_limit)


def _found(request: web.Request) -> Upload:
    upload = request.app[SERVICES].uploads.find(request.match_info["key"])
    if upload is None:
        raise refused(404, "The file for this url was not found")
    return upload


def _length(request: web.Request) -> int | None:
    given, deferred = request.headers.get("Upload-Length"), request.headers.get("Upload-Defer-Length")
    if given is None and deferred == "1":
        return None
    if given is None or deferred is not None:
        raise refused(400, "Upload-Length or Upload-Defer-Length header required")
    if not given.isascii() or not given.isdigit() or len(given) > 16 or int(given) > MOST:
        raise refused(400, "Invalid upload-length")
    return int(given)


def _metadata(header: str) -> dict[str, str]:
    """The header's pairs: a name, and a value in base64."""
    said = {}
    try:
        for pair in filter(None, header.split(",")):
            name, _, value = pair.strip().partition(" ")
            said[name] = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        raise errors.StorageError(400, "InvalidParameter", "Invalid Upload-Metadata header") from None
    return said


def _address(request: web.Request, upload: Upload) -> str:
    """Where the upload goes on, as the client reaches it."""
    proto = request.headers.get(hdrs.X_FORWARDED_PROTO, request.scheme)
    host = request.headers.get(hdrs.X_FORWARDED_HOST, request.host)
    prefix = request.headers.get("X-Forwarded-Prefix", "")
    root = SIGNED if request.path.startswith(SIGNED) else ROOT
    return f"{proto}://{host}{prefix}{root}/{upload.id}"


def _expires(upload: Upload) -> dict[str, str]:
    if upload.finished:
        return {}
    return {"Upload-Expires": email.utils.formatdate(upload.expires, usegmt=True)}

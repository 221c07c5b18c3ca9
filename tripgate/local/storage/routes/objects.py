"""Upload, download and what is known of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from aiohttp import hdrs, web

from tripgate.local.storage import assets, caller, errors, incoming, names, objects, writes
from tripgate.local.storage.context import (
    SERVICES,
    TRUE,
    act,
    answer,
    caller_if_any,
    caller_of,
    named,
)
from tripgate.local.storage.database import SERVICE
from tripgate.local.storage.files import new_version
from tripgate.local.storage.handover import not_yet
from tripgate.local.storage.objects import NewObject

if TYPE_CHECKING:
    from tripgate.local.storage.database import Act
    from tripgate.local.storage.objects import Row

routes = web.RouteTableDef()
# Behind all others: their first parts are no buckets.
last = web.RouteTableDef()
OBJECT = "/{bucket}/{name:(?s:.*)}"


@last.post("/object" + OBJECT, expect_handler=not_yet)
async def create(request: web.Request) -> web.Response:
    """A new object, or new bytes for one where `x-upsert` says so."""
    upsert = request.headers.get("x-upsert") == TRUE
    row = await _upload(request, caller_of(request), act(request, "object.upload"), upsert=upsert)
    return answer({"Id": row["id"], "Key": f"{row['bucket_id']}/{row['name']}"})


@last.put("/object" + OBJECT, expect_handler=not_yet)
async def update(request: web.Request) -> web.Response:
    """New bytes for an object, which there need not be."""
    row = await _upload(request, caller_of(request), act(request, "object.upload_update"), upsert=True)
    return answer({"Id": row["id"], "Key": f"{row['bucket_id']}/{row['name']}"})


@routes.put("/object/upload/sign" + OBJECT, expect_handler=not_yet)
async def upload_signed(request: web.Request) -> web.Response:
    """An upload whose permission is a token."""
    bucket, name = named(request)
    claims = caller.verify(request.app[SERVICES].tokens, request.query.get("token", ""), "upload", f"{bucket}/{name}")
    owner = claims.get("owner")
    acting = act(request, "object.upload_signed")
    row = await _upload(request, None, acting, upsert=claims.get("upsert") is True, owner=owner)
    return answer({"Key": f"{row['bucket_id']}/{row['name']}"})


async def _upload(
    request: web.Request, who: caller.Caller | None, acting: Act, *, upsert: bool, owner: str | None = None
) -> Row:
    services = request.app[SERVICES]
    bucket, name = named(request)
    file = await incoming.read(request)

    def fit(limits: Row) -> incoming.Incoming:
        most = names.largest(name, limits["file_size_limit"], services.settings.file_size_limit)
        return file.within(most, None if name.endswith(names.PLACEHOLDER) else limits["allowed_mime_types"])

    version = new_version()
    belongs_to = owner if who is None else who.owner
    asked = NewObject(bucket, name, version, belongs_to, file.asked(), file.user_metadata)
    file = await writes.accept(services, who or SERVICE, acting, asked, fit, upsert=upsert)
    said = await writes.keep(services, file, version)
    new = NewObject(bucket, name, version, belongs_to, said, file.user_metadata or {})
    return await writes.finish(services, acting, new)


@routes.get("/object/public" + OBJECT, allow_head=False)
async def download_public(request: web.Request) -> web.StreamResponse:
    """The bytes of an object in a public bucket."""
    row = await public_row(request)
    return assets.send(request, assets.path_of(request.app[SERVICES].files, row), row)


@routes.get("/object/sign" + OBJECT, allow_head=False)
async def download_signed(request: web.Request) -> web.StreamResponse:
    """The bytes of the object for which there is a token."""
    row, claims = await signed_row(request)
    path = assets.path_of(request.app[SERVICES].files, row)
    return assets.send(request, path, row, expires=claims["exp"])


@routes.get("/object/authenticated" + OBJECT, allow_head=False)
async def download(request: web.Request) -> web.StreamResponse:
    """The bytes of an object that the caller may read."""
    row = await readable_row(request, act(request, "object.get_authenticated"), caller_of(request))
    return assets.send(request, assets.path_of(request.app[SERVICES].files, row), row)


@routes.get("/object/info/public" + OBJECT, allow_head=False)
async def info_public(request: web.Request) -> web.Response:
    """What is known of an object in a public bucket."""
    return _info(await public_row(request))


@routes.get("/object/info/authenticated" + OBJECT, allow_head=False)
async def info_authenticated(request: web.Request) -> web.Response:
    """What is known of an object that the caller may read."""
    return _info(await readable_row(request, act(request, "object.get_authenticated_info"), caller_of(request)))


@routes.get("/object/info" + OBJECT, allow_head=False)
async def info(request: web.Request) -> web.Response:
    """What is known of an object that is public or that the caller may read."""
    return _info(await readable_row(request, act(request, "object.get_authenticated_info"), caller_if_any(request)))


@routes.head("/object/public" + OBJECT)
async def head_public(request: web.Request) -> web.StreamResponse:
    """The head of an object in a public bucket."""
    return _head(request, await public_row(request))


@routes.head("/object/authenticated" + OBJECT)
async def head_authenticated(request: web.Request) -> web.StreamResponse:
    """The head of an object that the caller may read."""
    acting = act(request, "object.head_authenticated_info")
    return _head(request, await readable_row(request, acting, caller_of(request)))


@last.get("/object" + OBJECT, allow_head=False)
async def download_either(request: web.Request) -> web.StreamResponse:
    """The bytes of an object that is public or that the caller may read."""
    row = await readable_row(request, act(request, "object.get_authenticated"), caller_if_any(request))
    return assets.send(request, assets.path_of(request.app[SERVICES].files, row), row)


@last.head("/object" + OBJECT)
async def head(request: web.Request) -> web.StreamResponse:
    """The head of an object that is public or that the caller may read."""
    acting = act(request, "object.head_authenticated_info")
    return _head(request, await readable_row(request, acting, caller_if_any(request)))


async def public_row(request: web.Request) -> Row:
    """The row of an object in a public bucket; others are not there."""
    bucket, name = named(request)
    async with request.app[SERVICES].database.reading() as connection:
        await objects.find_bucket(connection, bucket, public=True)
        return await objects.find(connection, bucket, name)


async def readable_row(request: web.Request, acting: Act, who: caller.Caller | None) -> Row:
    """The row of an object that is public or that policies show the caller."""
    services = request.app[SERVICES]
    bucket, name = named(request)
    refused: Exception = errors.no_such_bucket()
    if who is not None:
        asking = objects.finding(bucket, name)
        try:
            buckets, found = await services.database.turn(who, acting, asking, before=[objects.finding_bucket(bucket)])
        except psycopg.Error as error:
            refused = error
        else:
            if buckets and not buckets[0]["public"]:
                if not found:
                    raise errors.no_such_key()
                return found[0]
    # Whoever asks, and whatever policies say of them.
    async with services.database.reading() as connection:
        bucket_row = await objects.find_bucket(connection, bucket)
        if bucket_row["public"]:
            return await objects.find(connection, bucket, name)
    raise refused


async def signed_row(request: web.Request) -> tuple[Row, dict[str, Any]]:
    """The row of the object that a token is for, and what the token says."""
    services = request.app[SERVICES]
    bucket, name = named(request)
    claims = caller.verify(services.tokens, request.query.get("token", ""), "download", f"{bucket}/{name}")
    async with services.database.reading() as connection:
        return await objects.find(connection, bucket, name), claims


def _info(row: Row) -> web.Response:
    said = row["metadata"] or {}
    body = {
        "id": row["id"],
        "name": row["name"],
        "version": row["version"],
        "bucket_id": row["bucket_id"],
        "size": said.get("size"),
        "content_type": said.get("mimetype"),
        "cache_control": said.get("cacheControl"),
        "etag": said.get("eTag"),
        "metadata": row["user_metadata"],
        "last_modified": row["updated_at"],
        "created_at": row["created_at"],
    }
    response = answer(body)
    if said.get("eTag"):
        response.headers[hdrs.ETAG] = said["eTag"]
    if said.get("cacheControl"):
        response.headers[hdrs.CACHE_CONTROL] = said["cacheControl"]
    return response


def _head(request: web.Request, row: Row) -> web.StreamResponse:
    size = (row["metadata"] or {}).get("size")
    size = size if isinstance(size, int) else 0
    response = web.StreamResponse(headers=assets.headers_of(request, row, size))
    response.content_length = size
    return response

"""Moving, copying and deleting objects."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tripgate.local.storage import errors, incoming, names, objects, writes
from tripgate.local.storage.context import SERVICES, TRUE, act, answer, body_of, caller_of, field, named, texts
from tripgate.local.storage.objects import NewObject

routes = web.RouteTableDef()

MOST = 1000


@routes.post("/object/move")
async def move(request: web.Request) -> web.Response:
    """Another name, or another bucket."""
    who, body = caller_of(request), await body_of(request)
    bucket = names.check_bucket(field(body, "bucketId", str))
    to = (field(body, "destinationBucket", str, None) or bucket, field(body, "destinationKey", str))
    source: str = field(body, "sourceKey", str)
    row = await writes.move(request.app[SERVICES], who, act(request, "object.move"), bucket, source, to)
    return answer({"message": "Successfully moved", "Id": row["id"], "Key": row["name"]})


@routes.post("/object/copy")
async def copy(request: web.Request) -> web.Response:
    """Another object of the same bytes."""
    who, body, services = caller_of(request), await body_of(request), request.app[SERVICES]
    acting = act(request, "object.copy")
    bucket = names.check_bucket(field(body, "bucketId", str))
    to_bucket = names.check_bucket(field(body, "destinationBucket", str, None) or bucket)
    to_name = names.check_key(field(body, "destinationKey", str))
    source_name: str = field(body, "sourceKey", str)
    async with services.database.acting_as(who, acting) as connection:
        source = await objects.find(connection, bucket, source_name)
    metadata, described = dict(source["metadata"] or {}), source["user_metadata"]
    if not field(body, "copyMetadata", bool, True):
        said: dict[str, Any] = field(body, "metadata", dict, None) or {}
        metadata |= {name: said[name] for name in ("cacheControl", "mimetype") if isinstance(said.get(name), str)}
        described = incoming.encoded_metadata(request.headers.get("X-Metadata"))
    new = NewObject(to_bucket, to_name, "", who.owner, metadata, described)
    upsert = request.headers.get("x-upsert") == TRUE
    row = await writes.copy(services, who, acting, source, new, upsert=upsert)
    return answer({"Id": row["id"], "Key": f"{to_bucket}/{to_name}", **objects.shown(row)})


@routes.delete("/object/{bucket}/{name:(?s:.+)}")
async def delete_one(request: web.Request) -> web.Response:
    """One object."""
    who = caller_of(request)
    await writes.delete_one(request.app[SERVICES], who, act(request, "object.delete"), *named(request))
    return answer({"message": "Successfully deleted"})


@routes.delete("/object/{bucket}")
async def delete_many(request: web.Request) -> web.Response:
    """Those of many objects that the caller may delete."""
    who, body = caller_of(request), await body_of(request)
    bucket = names.check_bucket(request.match_info["bucket"])
    wanted = texts(body, "prefixes")
    if len(wanted) > MOST:
        raise errors.invalid_request(f"Bulk object requests are limited to {MOST} objects per request.")
    acting = act(request, "object.delete_many")
    rows = await writes.delete_many(request.app[SERVICES], who, acting, bucket, wanted)
    return answer([objects.shown(row) for row in rows])

"""Addresses that work for a while: of one object, of many, and for an upload."""

from __future__ import annotations

from typing import Any

from aiohttp import hdrs, web

from tripgate.local.storage import caller, handover, incoming, names, objects, transformation, writes
from tripgate.local.storage.context import (
    SERVICES,
    TRUE,
    act,
    answer,
    body_of,
    caller_of,
    field,
    named,
    texts,
)
from tripgate.local.storage.files import new_version
from tripgate.local.storage.objects import NewObject

routes = web.RouteTableDef()

MOST = 1000
UNSEEN = "Either the object does not exist or you do not have access to it"


@routes.post("/object/upload/sign/{bucket}/{name:(?s:.*)}")
async def sign_upload(request: web.Request) -> web.Response:
    """A token for one upload; whether it may write over an object is bound into it."""
    who, services = caller_of(request), request.app[SERVICES]
    bucket, name = named(request)
    upsert = request.headers.get("x-upsert") == TRUE
    said = incoming.encoded_metadata(request.headers.get("X-Metadata"))
    asked = {"mimetype": request.headers.get(hdrs.CONTENT_TYPE), "contentLength": handover.declared_length(request)}
    new = NewObject(bucket, name, new_version(), who.owner, asked, said)
    await writes.may_upload(services, who, act(request, "object.sign_upload_url"), new, upsert=upsert)
    url = f"{bucket}/{name}"
    claims: dict[str, Any] = {"upsert": upsert}
    if who.owner is not None:
        claims["owner"] = who.owner
    token = caller.sign(services.signer, "upload", url, services.settings.signed_upload_seconds, **claims)
    return answer({"url": f"/object/upload/sign/{url}?token={token}", "token": token})


@routes.post("/object/sign/{bucket}/{name:(?s:.+)}")
async def sign_one(request: web.Request) -> web.Response:
    """An address of one object that the caller may read, of the picture as it is to be shown where that is said."""
    who, body, services = caller_of(request), await body_of(request), request.app[SERVICES]
    bucket, name = named(request)
    seconds: int = field(body, "expiresIn", int, least=1)
    wanted: dict[str, Any] = field(body, "transform", dict, None) or {}
    claims = {}
    if services.settings.image_transformation:
        described = transformation.of_body(wanted).described()
        claims = {"transformations": described} if described else {}
    async with services.database.acting_as(who, act(request, "object.sign")) as connection:
        await objects.find(connection, bucket, name)
    url = f"{bucket}/{name}"
    token = caller.sign(services.signer, "download", url, seconds, **claims)
    return answer({"signedURL": f"/{'render/image' if claims else 'object'}/sign/{url}?token={token}"})


@routes.post("/object/sign/{bucket}")
async def sign_many(request: web.Request) -> web.Response:
    """Addresses of many objects, null for those that the caller may not read."""
    who, body, services = caller_of(request), await body_of(request), request.app[SERVICES]
    bucket = names.check_bucket(request.match_info["bucket"])
    seconds: int = field(body, "expiresIn", int, least=1)
    paths = texts(body, "paths", most=MOST)
    async with services.database.acting_as(who, act(request, "object.sign_many")) as connection:
        found = await objects.find_names(connection, bucket, paths)
    signed = []
    for path in paths:
        url = f"{bucket}/{path}"
        token = caller.sign(services.signer, "download", url, seconds) if path in found else None
        address = f"/object/sign/{url}?token={token}" if token else None
        signed.append({"error": None if token else UNSEEN, "path": path, "signedURL": address})
    return answer(signed)

"""Buckets: made, changed, listed, emptied, deleted. Policies on `storage.buckets` decide who may."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
from aiohttp import web
from psycopg import sql

from tripgate.local.storage import errors, names, objects
from tripgate.local.storage.context import SERVICES, act, answer, body_of, caller_of, field
from tripgate.local.storage.database import many, one

if TYPE_CHECKING:
    from tripgate.local.storage.context import Services

routes = web.RouteTableDef()

_LISTED = "id, name, public, owner, created_at, updated_at, file_size_limit, allowed_mime_types, type"
_SHOWN = ("id", "name", "owner", "public", "created_at", "updated_at", "file_size_limit", "allowed_mime_types")
_SORTED_BY = ("id", "name", "created_at", "updated_at")
# Clients that take no field which they do not know.
_OLD_CLIENTS = (
    ("X-Client-Info", re.compile(r"supabase-py/(\d+)\.(\d+)\.(\d+)", re.IGNORECASE), (2, 18, 0)),
    ("User-Agent", re.compile(r"supabase-py/storage3 v(\d+)\.(\d+)\.(\d+)", re.IGNORECASE), (0, 12, 1)),
)
EMPTIED = "Empty bucket has been queued. Completion may take up to an hour."
MOST_TO_EMPTY = 200_000


@routes.post("/bucket")
@routes.post("/bucket/")
async def create(request: web.Request) -> web.Response:
    """A new bucket."""
    who, body = caller_of(request), await body_of(request)
    name: str = names.check_new_bucket(field(body, "name", str))
    key = names.check_new_bucket(field(body, "id", str, None) or name)
    if field(body, "type", str, "STANDARD") != "STANDARD":
        raise errors.StorageError(409, "FeatureNotEnabled", "The feature is not enabled for this resource")
    values = {
        "id": key,
        "name": name,
        "owner": who.owner if objects.is_uuid(who.owner) else None,
        "owner_id": who.owner,
        "public": bool(field(body, "public", bool, False)),
        **_limits(request.app[SERVICES], body),
    }
    try:
        async with request.app[SERVICES].database.acting_as(who, act(request, "bucket.create")) as connection:
            statement = sql.SQL("insert into storage.buckets ({}) values ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(map(sql.Placeholder, values))
            )
            await connection.execute(statement, values)
    except psycopg.errors.UniqueViolation:
        raise errors.already_exists("BucketAlreadyExists") from None
    return answer({"name": name})


@routes.get("/bucket", allow_head=False)
@routes.get("/bucket/", allow_head=False)
async def listed(request: web.Request) -> web.Response:
    """The buckets that the caller may see."""
    who, query = caller_of(request), request.query
    limit, offset = _number(request, "limit", 1), _number(request, "offset", 0)
    column, direction = query.get("sortColumn"), query.get("sortOrder", "asc")
    if (column is not None and column not in _SORTED_BY) or direction not in {"asc", "desc"}:
        raise errors.invalid_request("querystring/sortColumn must be equal to one of the allowed values")
    statement = sql.SQL("select {} from storage.buckets where name ilike %s {} limit %s offset %s").format(
        sql.SQL(_LISTED),
        sql.SQL("order by {} {}").format(sql.Identifier(column), sql.SQL(direction)) if column else sql.SQL(""),
    )
    search = re.sub(r"([\\%_])", r"\\\1", query.get("search", ""))
    async with request.app[SERVICES].database.acting_as(who, act(request, "bucket.list")) as connection:
        rows = await many(connection, statement, (f"%{search}%", limit, offset or 0))
    if _is_old(request):
        rows = [{name: value for name, value in row.items() if name != "type"} for row in rows]
    return answer([objects.shown(row) for row in rows])


@routes.get("/bucket/{bucket}", allow_head=False)
async def get(request: web.Request) -> web.Response:
    """One bucket."""
    who = caller_of(request)
    async with request.app[SERVICES].database.acting_as(who, act(request, "bucket.get")) as connection:
        row = await objects.find_bucket(connection, request.match_info["bucket"])
    return answer(objects.shown({name: row[name] for name in _SHOWN}))


@routes.put("/bucket/{bucket}")
async def update(request: web.Request) -> web.Response:
    """Change whether it is public, how large files may be, or which types it takes."""
    who, body = caller_of(request), await body_of(request)
    bucket = names.check_bucket(request.match_info["bucket"])
    values = _limits(request.app[SERVICES], body)
    if "public" in body:
        values["public"] = field(body, "public", bool)
    if not values:
        raise errors.invalid_request("body must have required property 'public'")
    async with request.app[SERVICES].database.acting_as(who, act(request, "bucket.update")) as connection:
        changes = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
        )
        statement = sql.SQL("update storage.buckets set {}, updated_at = now() where id = {} returning id").format(
            changes, sql.Placeholder("bucket id")
        )
        if await one(connection, statement, {**values, "bucket id": bucket}) is None:
            raise errors.no_such_bucket()
    return answer({"message": "Successfully updated"})


@routes.delete("/bucket/{bucket}")
async def delete(request: web.Request) -> web.Response:
    """Delete a bucket that holds nothing."""
    who, bucket, acting = caller_of(request), request.match_info["bucket"], act(request, "bucket.delete")
    database = request.app[SERVICES].database
    async with database.reading() as connection:
        await objects.find_bucket(connection, bucket)
        if await one(connection, "select from storage.objects where bucket_id = %s limit 1", (bucket,)) is not None:
            message = "The bucket you tried to delete is not empty"
            raise errors.StorageError(409, "ResourceNotEmpty", message)
    async with database.acting_as(who, acting) as connection:
        if await one(connection, "delete from storage.buckets where id = %s returning id", (bucket,)) is None:
            raise errors.no_such_bucket()
    return answer({"message": "Successfully deleted"})


@routes.post("/bucket/{bucket}/empty")
async def empty(request: web.Request) -> web.Response:
    """Delete the objects that the caller may delete; at once, where the platform does it later."""
    who, bucket, services = caller_of(request), request.match_info["bucket"], request.app[SERVICES]
    async with services.database.acting_as(who, act(request, "bucket.empty")) as connection:
        await objects.find_bucket(connection, bucket)
        seen = await many(
            connection,
            "select name from storage.objects where bucket_id = %s limit %s",
            (bucket, MOST_TO_EMPTY + 1),
        )
        if len(seen) > MOST_TO_EMPTY:
            message = "Unable to empty the bucket because it contains too many objects"
            raise errors.StorageError(409, "InvalidRequest", message)
        rows = await objects.delete(connection, bucket, [row["name"] for row in seen])
    services.files.remove(row["version"] for row in rows)
    if seen and not rows:
        raise errors.denied()
    return answer({"message": EMPTIED})


def _limits(services: Services, body: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "file_size_limit" in body:
        values["file_size_limit"] = names.size_limit(body["file_size_limit"], services.settings.file_size_limit)
    if "allowed_mime_types" in body:
        types: list[Any] | None = field(body, "allowed_mime_types", list, None)
        if types is not None and not all(isinstance(kind, str) for kind in types):
            raise errors.invalid_request("body/allowed_mime_types/0 must be string")
        kinds = None if types is None else [kind for kind in types if kind]
        names.check_types(kinds or ())
        values["allowed_mime_types"] = kinds
    return values


def _number(request: web.Request, name: str, least: int) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}", text):
        raise errors.invalid_request(f"querystring/{name} must be integer")
    if int(text) < least:
        raise errors.invalid_request(f"querystring/{name} must be >= {least}")
    return int(text)


def _is_old(request: web.Request) -> bool:
    for header, pattern, since in _OLD_CLIENTS:
        match = pattern.search(request.headers.get(header, ""))
        if match is not None and tuple(map(int, match.groups())) < since:
            return True
    return False

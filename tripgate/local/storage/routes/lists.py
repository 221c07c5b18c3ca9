"""Objects and folders below a folder, by pages: the first form with an offset, the second with a cursor."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from aiohttp import web
from psycopg import sql

from tripgate.local.storage import errors, names
from tripgate.local.storage.context import SERVICES, act, answer, body_of, caller_of, field
from tripgate.local.storage.database import many
from tripgate.local.storage.objects import Row, moment

routes = web.RouteTableDef()

COLUMNS = ("name", "updated_at", "created_at", "last_accessed_at")
MOST_KEYS = 1000
# What the cursor keeps, each behind a letter.
_KEPT = {"l": "after", "o": "order", "c": "column", "a": "column_after"}


@routes.post("/object/list/{bucket}")
async def list_objects(request: web.Request) -> web.Response:
    """The first form: `prefix` is a folder, `search` the beginning of names in it."""
    who, body = caller_of(request), await body_of(request)
    bucket = names.check_bucket(request.match_info["bucket"])
    prefix: str = field(body, "prefix", str)
    column, order = _sort(body, COLUMNS)
    folder = f"{prefix}/" if prefix and not prefix.endswith("/") else prefix
    values = (
        folder,
        bucket,
        field(body, "limit", int, 100, least=1),
        folder.count("/") + 1,
        field(body, "offset", int, 0, least=0),
        field(body, "search", str, ""),
        column,
        order,
    )
    async with request.app[SERVICES].database.acting_as(who, act(request, "object.list")) as connection:
        rows = await many(connection, "select * from storage.search(%s, %s, %s, %s, %s, %s, %s, %s)", values)
    return answer(rows)


@routes.post("/object/list-v2/{bucket}")
async def list_objects_v2(request: web.Request) -> web.Response:
    """The second form: with a delimiter folders come as such; the cursor goes on behind a page."""
    who, body = caller_of(request), await body_of(request)
    bucket = names.check_bucket(request.match_info["bucket"])
    prefix: str = field(body, "prefix", str, "")
    limit: int = min(field(body, "limit", int, MOST_KEYS, least=1), MOST_KEYS)
    column, order = _sort(body, COLUMNS[:3])
    kept = {"order": order, "column": column, **_decoded(field(body, "cursor", str, ""))}
    if kept["column"] not in COLUMNS[:3] or kept["order"] not in {"asc", "desc"}:
        raise errors.StorageError(400, "InvalidParameter", "Invalid Parameter continuation token")
    async with request.app[SERVICES].database.acting_as(who, act(request, "object.list_v2")) as connection:
        if field(body, "with_delimiter", bool, False):
            rows = await many(
                connection,
                "select * from storage.search_v2(%s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    prefix,
                    bucket,
                    limit + 1,
                    prefix.count("/") + 1,
                    kept.get("after", ""),
                    kept["order"],
                    kept["column"],
                    kept.get("column_after", ""),
                ),
            )
        else:
            rows = await many(connection, *_flat(bucket, prefix, limit + 1, kept))
    return answer(_page(rows, limit, kept))


def _sort(body: dict[str, Any], columns: tuple[str, ...]) -> tuple[str, str]:
    sort: dict[str, Any] = field(body, "sortBy", dict, {}) or {}
    column, order = sort.get("column", "name"), sort.get("order", "asc")
    if column not in columns:
        raise errors.invalid_request("body/sortBy/column must be equal to one of the allowed values")
    if order not in {"asc", "desc"}:
        raise errors.invalid_request("body/sortBy/order must be equal to one of the allowed values")
    return column, order


def _flat(bucket: str, prefix: str, limit: int, kept: dict[str, str]) -> tuple[sql.Composed, list[Any]]:
    """All objects below a prefix, however deep."""
    by_name = sql.SQL('name collate "C"')
    column = kept["column"]
    keys = [by_name]
    after: list[Any] = [kept["after"]] if "after" in kept else []
    if column != "name":
        keys.insert(0, sql.SQL("date_trunc('milliseconds', {})").format(sql.Identifier(column)))  # type: ignore[arg-type]
        if after:
            after.insert(0, kept.get("column_after") or "epoch")
    direction = sql.SQL("desc" if kept["order"] == "desc" else "asc")
    beyond = sql.SQL("")
    if after:
        placeholders = [sql.SQL("%s")] if len(after) == 1 else [sql.SQL("%s::timestamptz"), sql.SQL("%s")]
        beyond = sql.SQL(" and ({}) {} ({})").format(  # type: ignore[assignment]
            sql.SQL(", ").join(keys),
            sql.SQL("<" if kept["order"] == "desc" else ">"),
            sql.SQL(", ").join(placeholders),
        )
    statement = sql.SQL(
        "select id, name, metadata, updated_at, created_at, last_accessed_at from storage.objects"
        " where bucket_id = %s and {name} >= %s and {name} < storage.behind(%s){beyond} order by {order} limit %s"
    ).format(
        name=by_name,
        beyond=beyond,
        order=sql.SQL(", ").join(sql.SQL("{} {}").format(key, direction) for key in keys),
    )
    return statement, [bucket, prefix, prefix, *after, limit]


def _page(rows: list[Row], limit: int, kept: dict[str, str]) -> dict[str, Any]:
    more, shown = len(rows) > limit, rows[:limit]
    folders, found = [], []
    for row in shown:
        if row["id"] is None:
            folders.append({**row, "name": f"{row['name']}/"})
        else:
            found.append(row)
    page: dict[str, Any] = {"hasNext": more, "folders": folders, "objects": found}
    if more:
        last = shown[-1]
        # The delimiter tells the next page that this was a folder.
        after = {**kept, "after": last["name"] if last["id"] is not None else f"{last['name']}/"}
        if kept["column"] != "name" and last[kept["column"]] is not None:
            after["column_after"] = moment(last[kept["column"]])
        page |= {"nextCursor": _encoded(after), "nextCursorKey": last["name"]}
    return page


def _encoded(kept: dict[str, str]) -> str:
    lines = [f"{letter}:{kept[name]}" for letter, name in _KEPT.items() if kept.get(name)]
    return base64.b64encode("\n".join(lines).encode()).decode()


def _decoded(cursor: str) -> dict[str, str]:
    if not cursor:
        return {}
    kept = {}
    try:
        lines = base64.b64decode(cursor, validate=True).decode().split("\n")
        for line in lines:
            letter, _, value = line.partition(":")
            kept[_KEPT[letter]] = value
    except (binascii.Error, UnicodeDecodeError, KeyError):
        raise errors.StorageError(400, "InvalidParameter", "Invalid Parameter continuation token") from None
    return kept

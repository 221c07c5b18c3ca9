"""Pictures as they are to be shown: smaller, cut, in another format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from tripgate.local.storage import assets, errors, names, objects, transformation
from tripgate.local.storage.context import SERVICES, act, caller_of, named
from tripgate.local.storage.routes.objects import OBJECT, public_row, signed_row

if TYPE_CHECKING:
    from tripgate.local.storage.objects import Row
    from tripgate.local.storage.transformation import Transformation

routes = web.RouteTableDef()
# As the platform's renderer: larger files are not opened.
MAX_SOURCE_BYTES = 25 * 1024 * 1024


@routes.get("/render/image/public" + OBJECT, allow_head=False)
async def public(request: web.Request) -> web.StreamResponse:
    """A picture in a public bucket."""
    _check_enabled(request)
    wanted = transformation.of_query(request.query)
    return await _render(request, await public_row(request), wanted)


@routes.get("/render/image/authenticated" + OBJECT, allow_head=False)
async def authenticated(request: web.Request) -> web.StreamResponse:
    """A picture that the caller may read."""
    _check_enabled(request)
    who, (bucket, name) = caller_of(request), named(request)
    wanted = transformation.of_query(request.query)
    acting = act(request, "render.image_authenticated")
    async with request.app[SERVICES].database.acting_as(who, acting) as connection:
        row = await objects.find(connection, names.check_bucket(bucket), name)
    return await _render(request, row, wanted)


@routes.get("/render/image/sign" + OBJECT, allow_head=False)
async def signed(request: web.Request) -> web.StreamResponse:
    """The picture that a token is for, as the token says."""
    _check_enabled(request)
    row, claims = await signed_row(request)
    wanted = transformation.of_description(str(claims.get("transformations") or ""))
    return await _render(request, row, wanted, expires=claims["exp"])


def _check_enabled(request: web.Request) -> None:
    if not request.app[SERVICES].settings.image_transformation:
        raise errors.not_enabled()


async def _render(
    request: web.Request, row: Row, wanted: Transformation, *, expires: int | None = None
) -> web.StreamResponse:
    services = request.app[SERVICES]
    source = assets.path_of(services.files, row)
    if source is None or not source.exists():
        return assets.missing()
    if source.stat().st_size > MAX_SOURCE_BYTES:
        raise errors.StorageError(400, "InvalidRequest", "The source image file is too large to process")
    if wanted.format is None and str((row["metadata"] or {}).get("mimetype")).startswith(assets.SVG):
        # Drawn by whoever shows it, at any size; as the platform's renderer, which lets none of its scripts run.
        return assets.send(request, source, row, expires=expires)
    accept = request.headers.get(hdrs.ACCEPT, "")
    async with services.renderer.rendered(source, wanted, accept) as (path, kind):
        headers = assets.headers_of(request, row, path.stat().st_size, expires)
        headers |= {hdrs.CONTENT_TYPE: kind, hdrs.VARY: hdrs.ACCEPT}
        done = wanted.header()
        if done:
            headers["X-Transformations"] = done
        return web.Response(body=path.read_bytes(), headers=headers)

"""Assembles the Storage stand-in. Takes its configuration; gives an aiohttp application without the prefix
`/storage/v1`, which the front door cuts off."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import psycopg
from aiohttp import web

from tripgate.local.storage import errors
from tripgate.local.storage.context import SERVICES, Services
from tripgate.local.storage.database import Database, end_former
from tripgate.local.storage.files import Files
from tripgate.local.storage.handover import HEALTH, only_front_door
from tripgate.local.storage.objects import PREPARED
from tripgate.local.storage.renderer import Renderer
from tripgate.local.storage.resumable import Uploads
from tripgate.local.storage.routes import buckets, changes, lists, objects, render, signing, tus
from tripgate.local.storage.tokens import VerifiedTokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tripgate.local.storage.config import StorageConfig

MAX_BODY = 1024 * 1024

log = logging.getLogger(__name__)


def create(config: StorageConfig) -> web.Application:
    """The application; before it answers, bytes without a row are removed."""
    app = web.Application(
        middlewares=[only_front_door(config.secret), errors.answer, tus.answer], client_max_size=MAX_BODY
    )
    files = Files(config.directory)
    services = app[SERVICES] = Services(
        database=Database(config.database_url, PREPARED),
        files=files,
        signer=config.signer,
        tokens=VerifiedTokens(config.signer),
        settings=config.settings,
        renderer=Renderer(config.directory / "rendered"),
        uploads=Uploads(config.directory / "uploads"),
    )

    async def running(_: web.Application) -> AsyncIterator[None]:
        named = _named(config.database_url)
        await asyncio.to_thread(end_former, config.database_url)
        await asyncio.to_thread(services.uploads.sweep, named)
        removed = await asyncio.to_thread(files.sweep, named)
        if removed:
            log.info("removed %d files without a row, which an interrupted request left", removed)
        await services.database.pool.open(wait=True, timeout=30)
        yield
        await services.renderer.stop()
        await services.database.pool.close()

    app.cleanup_ctx.append(running)
    app.router.add_get(HEALTH, _health)
    app.router.add_get("/status", _health)
    for module in (buckets, lists, signing, tus, objects, render, changes):
        app.add_routes(module.routes)
    app.add_routes(objects.last)
    return app


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"healthy": True})


def _named(database_url: str) -> Callable[[list[str]], set[str]]:
    """Tells which of some versions have a row."""

    def named(versions: list[str]) -> set[str]:
        with psycopg.connect(database_url) as connection:
            rows = connection.execute("select version from storage.objects where version = any(%s)", (versions,))
            return {row[0] for row in rows}

    return named

"""JSON answers as GoTrue writes them: times in UTC with a Z."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


def json_response(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A response with `body` as JSON."""
    data = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return web.Response(body=data, status=status, headers=headers, content_type="application/json")

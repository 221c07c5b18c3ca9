"""GoTrue's errors, in both of its formats.

Without a version header: `{"code": <HTTP status>, "error_code", "msg"}`. With `X-Supabase-Api-Version: 2024-01-01` or
later: `{"code": "<error code>", "message"}`, and the header comes back. Source: supabase/auth, internal/api/errors.go.
"""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tripgate.local.auth.answers import json_response

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

VERSION_HEADER = "X-Supabase-Api-Version"
CODED_ERRORS = datetime.date(2024, 1, 1)

log = logging.getLogger(__name__)


class AuthError(Exception):
    """An answer that is not a success: HTTP status, GoTrue's error code, a sentence, further members of the body."""

    def __init__(self, status: int, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra = extra


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a route raises into the format that the client asked for."""
    try:
        return await handler(request)
    except AuthError as error:
        return _answer(request, error)
    except web.HTTPNotFound:
        return _answer(request, AuthError(404, "not_found", f"{request.method} {request.path} is not served here"))
    except web.HTTPMethodNotAllowed:
        return _answer(request, AuthError(405, "not_found", f"{request.method} is not served at {request.path}"))
    except web.HTTPRequestEntityTooLarge:
        return _answer(request, AuthError(413, "validation_failed", "The request body is too large"))
    except web.HTTPException:
        raise
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        message = "Unexpected failure, please check server logs for more information"
        return _answer(request, AuthError(500, "unexpected_failure", message))


def _answer(request: web.Request, error: AuthError) -> web.Response:
    version = _version(request.headers.get(VERSION_HEADER, ""))
    if version is not None and version >= CODED_ERRORS:
        body = {"code": error.code, "message": error.message, **error.extra}
        return json_response(body, status=error.status, headers={VERSION_HEADER: CODED_ERRORS.isoformat()})
    body = {"code": error.status, "error_code": error.code, "msg": error.message, **error.extra}
    return json_response(body, status=error.status)


def _version(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None

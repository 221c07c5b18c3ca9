"""GoTrue's errors, in both of its formats.

Without a version header: `{"code": <HTTP status>, "error_code", "msg"}`. With `X-Supabase-Api-Version: 2024-01-01` or
later: `{"code": "<error code>", "message"}`, and the header comes back. Source: supabase/auth, internal/api/errors.go.
"""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from aiohttp import web

from tripgate.local.auth.answers import json_response

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

VERSION_HEADER = "X-Supabase-Api-Version"
CODE_HEADER = "X-Sb-Error-Code"
CODED_ERRORS = datetime.date(2024, 1, 1)
# What Postgres says that Auth hands on as it is: a trigger's exception, a broken constraint.
TOLD = frozenset({"P0001", "23000", "23001", "23502", "23503", "23505", "23514", "23P01"})

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
        return web.Response(text="404 page not found\n", status=404)
    except web.HTTPMethodNotAllowed as error:
        return web.Response(status=405, headers={"Allow": ", ".join(sorted(error.allowed_methods))})
    except web.HTTPRequestEntityTooLarge:
        limit = request.client_max_size
        message = f"Request body too large (max {limit} bytes)"
        return _answer(request, AuthError(413, "request_entity_too_large", message))
    except web.HTTPException:
        raise
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return _answer(request, unforeseen())


def unforeseen() -> AuthError:
    """What is answered where nothing else is known."""
    message = "Unexpected failure, please check server logs for more information"
    return AuthError(500, "unexpected_failure", message)


def of_database(error: psycopg.Error, message: str) -> AuthError:
    """A write that Postgres refused; `message` is told where its own words are not."""
    log.error("%s", message, exc_info=error)
    return AuthError(500, "unexpected_failure", message, error_id=uuid4(), postgres=error)


def _answer(request: web.Request, error: AuthError) -> web.Response:
    version = _version(request.headers.get(VERSION_HEADER, ""))
    headers = {CODE_HEADER: error.code}
    extra = dict(error.extra)
    postgres = extra.pop("postgres", None)
    if version is not None and version >= CODED_ERRORS:
        extra.pop("error_id", None)
        body = {"code": error.code, "message": error.message, **extra}
        headers[VERSION_HEADER] = CODED_ERRORS.isoformat()
        return json_response(body, status=error.status, headers=headers)
    if postgres is not None and postgres.sqlstate in TOLD:
        return json_response(_words_of(postgres), status=500, headers=headers)
    body = {"code": error.status, "error_code": error.code, "msg": error.message, **extra}
    return json_response(body, status=error.status, headers=headers)


def _words_of(error: psycopg.Error) -> dict[str, str | None]:
    told = {"hint": error.diag.message_hint, "detail": error.diag.message_detail}
    known = {name: text for name, text in told.items() if text}
    return {"code": error.sqlstate, "message": error.diag.message_primary, **known}


def _version(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None

"""How the Storage API refuses: `{statusCode, code, error, message}`, nearly always under HTTP 400. Source:
supabase/storage, src/internal/errors/codes.ts, src/storage/database/errors.ts.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import orjson
import psycopg
from aiohttp import web
from psycopg_pool import PoolTimeout

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

log = logging.getLogger(__name__)


class StorageError(Exception):
    """A refusal. `status` is what the body says, `http` the answer's own, 400 but for failures of the server."""

    def __init__(self, status: int, code: str, message: str, error: str | None = None, http: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.error = error or code
        self.http = http or (500 if status == 500 else 400)

    def response(self) -> web.Response:
        """The answer."""
        body = {"statusCode": str(self.status), "code": self.code, "error": self.error, "message": self.message}
        return web.Response(body=orjson.dumps(body), status=self.http, content_type="application/json")


def no_such_bucket() -> StorageError:
    """A bucket that is not there, or that the caller may not see."""
    return StorageError(404, "NoSuchBucket", "Bucket not found", "Bucket not found")


def no_such_key() -> StorageError:
    """An object that is not there, or that the caller may not see."""
    return StorageError(404, "NoSuchKey", "Object not found", "not_found")


def denied(message: str = "Access denied") -> StorageError:
    """What the caller may not do."""
    return StorageError(403, "AccessDenied", message, "Unauthorized")


def invalid_key(key: str) -> StorageError:
    """A name that no object can have."""
    return StorageError(400, "InvalidKey", f"Invalid key: {key}")


def invalid_bucket_name() -> StorageError:
    """A name that no bucket can have."""
    return StorageError(400, "InvalidBucketName", "Bucket name invalid", "Invalid Input")


def invalid_request(message: str) -> StorageError:
    """A body or header that makes no sense."""
    return StorageError(400, "InvalidRequest", message)


def invalid_mime_type(kind: str) -> StorageError:
    """A type that the bucket does not take."""
    return StorageError(415, "InvalidMimeType", f"mime type {kind} is not supported", "invalid_mime_type")


def too_large(what: str = "object") -> StorageError:
    """More bytes than are taken."""
    return StorageError(413, "EntityTooLarge", f"The {what} exceeded the maximum allowed size", "Payload too large")


def already_exists(code: str = "KeyAlreadyExists") -> StorageError:
    """A name that is taken."""
    return StorageError(409, code, "The resource already exists", "Duplicate")


def not_enabled() -> StorageError:
    """Pictures are not changed in this project."""
    return StorageError(403, "FeatureNotEnabled", "feature not enabled for this tenant", http=403)


def of_database(error: psycopg.Error | PoolTimeout) -> StorageError:
    """What a failure of the database means to whoever asked."""
    state = getattr(error, "sqlstate", None)
    diagnosis = getattr(error, "diag", None)
    message = (diagnosis.message_primary if diagnosis else None) or ""
    match state:
        case None:
            return StorageError(544, "DatabaseTimeout", "The connection to the database timed out", http=544)
        case "42501":
            policy = "row-level security" in message
            return denied("new row violates row-level security policy" if policy else message)
        case "23505":
            return already_exists("ResourceAlreadyExists")
        case "23503" if "is still referenced from table" in (diagnosis.message_detail or "" if diagnosis else ""):
            return StorageError(
                409,
                "ResourceReferenced",
                "The resource could not be updated or removed due to a foreign key constraint",
            )
        case "23503":
            return StorageError(404, "InvalidRequest", "The related resource does not exist")
        case "55P03":
            return StorageError(423, "ResourceLocked", "The resource is locked")
        case "57014":
            return StorageError(544, "DatabaseTimeout", "The connection to the database timed out", http=544)
        case "22P02":
            return StorageError(400, "InvalidParameter", message)
        case "42P17":
            return StorageError(
                503, "DatabaseInvalidObjectDefinition", "The database schema is invalid or incompatible."
            )
        case "42703" | "42P01":
            return StorageError(
                503,
                "DatabaseSchemaMismatch",
                "The database schema is out of sync. Please run migrations or contact support.",
            )
    return StorageError(500, "DatabaseError", f"database error, code: {state}")


@web.middleware
async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns refusals into answers."""
    try:
        return await handler(request)
    except StorageError as error:
        return error.response()
    except (psycopg.Error, PoolTimeout) as error:
        log.warning("%s %s: %s", request.method, request.path, error)
        return of_database(error).response()
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        message = f"Route {request.method}:{request.raw_path} not found"
        return StorageError(404, "InvalidRequest", message, "Not Found", http=404).response()
    except web.HTTPRequestEntityTooLarge:
        return StorageError(413, "EntityTooLarge", "Request body is too large", "Payload too large", 413).response()
    except web.HTTPException:
        raise
    except Exception:
        log.exception("%s %s", request.method, request.path)
        return StorageError(500, "InternalError", "Internal server error").response()

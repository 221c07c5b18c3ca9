"""What every route has at hand, and what it learns of a request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import hdrs, web

from tripgate.local.storage import caller, errors, names, objects
from tripgate.local.storage.database import Act, Database

if TYPE_CHECKING:
    from tripgate.local.keys import Signer
    from tripgate.local.storage.config import StorageSettings
    from tripgate.local.storage.files import Files
    from tripgate.local.storage.renderer import Renderer
    from tripgate.local.storage.resumable import Uploads
    from tripgate.local.storage.tokens import VerifiedTokens

TRUE = "true"
_TYPES = {str: "string", int: "integer", bool: "boolean", list: "array", dict: "object"}
_INTEGER = re.compile(r"-?\d{1,15}")


@dataclass(frozen=True)
class Services:
    """The parts of one Storage server."""

    database: Database
    files: Files
    signer: Signer
    tokens: VerifiedTokens
    settings: StorageSettings
    renderer: Renderer
    uploads: Uploads


SERVICES = web.AppKey("services", Services)


def act(request: web.Request, operation: str) -> Act:
    """What a request does."""
    return Act(f"storage.{operation}", request.method, request.path)


def caller_of(request: web.Request) -> caller.Caller:
    """Who asks. Raises StorageError without a token, and for one that does not hold."""
    authorization = request.headers.get(hdrs.AUTHORIZATION)
    if authorization is None:
        message = "headers must have required property 'authorization'"
        raise errors.StorageError(400, "InvalidRequest", message, "Error")
    return caller.identify(request.app[SERVICES].tokens, authorization)


def caller_if_any(request: web.Request) -> caller.Caller | None:
    """Who asks, where nobody may too."""
    return caller.identify_or_nobody(request.app[SERVICES].tokens, request.headers.get(hdrs.AUTHORIZATION))


def named(request: web.Request) -> tuple[str, str]:
    """Bucket and name of the object that a request is about."""
    bucket = names.check_bucket(request.match_info["bucket"])
    return bucket, names.check_key(request.match_info["name"])


async def body_of(request: web.Request) -> dict[str, Any]:
    """A JSON object. Raises StorageError for anything else."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise errors.invalid_request("Body is not valid JSON but content-type is set to 'application/json'") from None
    if not isinstance(body, dict):
        raise errors.invalid_request("body must be object")
    return body


def field(body: dict[str, Any], name: str, kind: type, default: Any = ..., *, least: int | None = None) -> Any:
    """One field of a body, of another type too where it can be read as this one, as the platform does. Raises
    StorageError for one that is missing, of no such type or too small."""
    value: Any = body.get(name, default)
    if value is ...:
        raise errors.invalid_request(f"body must have required property '{name}'")
    if name not in body or (value is None and default is None):
        return value
    value = _read_as(value, kind)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise errors.invalid_request(f"body/{name} must be {_TYPES[kind]}")
    if isinstance(value, int) and least is not None and value < least:
        raise errors.invalid_request(f"body/{name} must be >= {least}")
    return value


def _read_as(value: Any, kind: type) -> Any:
    if kind is int and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is bool and value in ("true", "false"):
        return value == TRUE
    if kind is str and isinstance(value, int | float):
        return orjson.dumps(value).decode()
    return value


def texts(body: dict[str, Any], name: str, *, most: int | None = None) -> list[str]:
    """A list of one text or more."""
    value: list[Any] = field(body, name, list)
    if not value:
        raise errors.invalid_request(f"body/{name} must NOT have fewer than 1 items")
    if most is not None and len(value) > most:
        raise errors.invalid_request(f"body/{name} must NOT have more than {most} items")
    for index, item in enumerate(value):
        if not isinstance(item, str):
            raise errors.invalid_request(f"body/{name}/{index} must be string")
    return value


def answer(value: object, status: int = 200) -> web.Response:
    """JSON."""
    return web.Response(body=objects.as_json(value), status=status, content_type="application/json")

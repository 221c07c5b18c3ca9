"""What is reached by plain HTTP: the handshake's refusals, and broadcasting without a connection.

`POST /api/broadcast` takes `{"messages": [{topic, event, payload, private}]}`; `POST /api/broadcast/TOPIC/events/EVENT`
takes one payload, JSON or binary. Both answer 202, also where a policy forbids the sending, like the platform.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import hdrs, web
from pydantic import ValidationError

from tripgate.local.realtime import authorization, broadcast
from tripgate.local.realtime.authorization import Asker
from tripgate.local.realtime.errors import RefusedError
from tripgate.local.realtime.frames import BroadcastBatch
from tripgate.local.realtime.hub import Address
from tripgate.local.realtime.serializer import UserBroadcast
from tripgate.local.realtime.services import Services
from tripgate.local.realtime.tokens import Identity, identify

if TYPE_CHECKING:
    from tripgate.local.realtime.serializer import Notice

SERVICES = web.AppKey("services", Services)
TOO_LARGE = "Payload size exceeds limit"
BINARY = "application/octet-stream"
_BEARER = re.compile(r"[Bb]earer (\S+)")

routes = web.RouteTableDef()


def caller(request: web.Request) -> Identity:
    """Who sends this request. Raises HTTPUnauthorized without a token, HTTPForbidden with a bad one."""
    match = _BEARER.fullmatch(request.headers.get(hdrs.AUTHORIZATION, ""))
    # The front door puts the token that a key stands for in its place.
    token = match[1] if match else request.query.get("apikey")
    if not token:
        raise web.HTTPUnauthorized(text=_error("Unauthorized"), content_type="application/json")
    try:
        return identify(request.app[SERVICES].signer, token)
    except RefusedError as error:
        raise web.HTTPForbidden(text=_error(error.reason), content_type="application/json") from error


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    """200 while changes of the database arrive, otherwise 503."""
    return web.json_response({}, status=200 if request.app[SERVICES].stream.ready.is_set() else 503)


@routes.post("/api/broadcast")
async def send_batch(request: web.Request) -> web.Response:
    """Broadcast some messages; 422 for any other body or for one that is too large."""
    identity = caller(request)
    try:
        batch = BroadcastBatch.model_validate_json(await request.read())
    except ValidationError as error:
        return _unprocessable([{".".join(map(str, item["loc"])): [item["msg"]]} for item in error.errors()])
    notices = []
    for message in batch.messages:
        notice = broadcast.of_json(message.event, message.payload)
        if _too_large(request, len(orjson.dumps(message.payload))):
            return _unprocessable([{"payload": [TOO_LARGE]}])
        notices.append((Address(message.topic, message.private), notice))
    for address in dict.fromkeys(address for address, _ in notices):
        await _send(request, identity, address, [notice for where, notice in notices if where == address])
    return web.Response(status=202)


@routes.post("/api/broadcast/{topic}/events/{event}")
async def send_one(request: web.Request) -> web.Response:
    """Broadcast one payload; 415 for another type, 422 for what is no JSON object or too large."""
    identity = caller(request)
    event, data = request.match_info["event"], await request.read()
    address = Address(request.match_info["topic"], request.query.get("private") == "true")
    if request.content_type == BINARY:
        notice = broadcast.of_user(UserBroadcast(event, data, is_json=False))
    elif request.content_type == "application/json":
        payload = _json(data)
        if payload is None:
            return _unprocessable({"payload": ["is invalid"]})
        notice = broadcast.of_json(event, payload)
    else:
        return web.json_response({"error": "Unsupported Media Type"}, status=415)
    if _too_large(request, len(data)):
        return _unprocessable({"payload": [TOO_LARGE]})
    await _send(request, identity, address, [notice])
    return web.Response(status=202)


async def _send(request: web.Request, identity: Identity, address: Address, notices: list[Notice]) -> None:
    services = request.app[SERVICES]
    if address.private:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            if not await authorization.may_write(services.pool, Asker(identity, address.name, headers), "broadcast"):
                return
        except RefusedError as error:
            raise web.HTTPServiceUnavailable(text=_error(error.reason), content_type="application/json") from error
    for notice in notices:
        services.hub.tell(address, notice)


def _too_large(request: web.Request, size: int) -> bool:
    return size > request.app[SERVICES].settings.max_payload_bytes


def _unprocessable(errors: Any) -> web.Response:
    return web.json_response({"errors": errors}, status=422)


def _json(data: bytes) -> Any:
    try:
        payload = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return payload if isinstance(payload, dict) else None


def _error(message: str) -> str:
    return orjson.dumps({"error": message}).decode()

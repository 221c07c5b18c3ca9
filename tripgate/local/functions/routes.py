"""`/functions/v1/<name>` at the front door, answering as the platform does.

A function is called with the token that its caller sent, verified first unless `verify_jwt` is false for it. It answers
for itself across origins: preflights reach it, and its headers reach the page.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from typing import TYPE_CHECKING

import aiohttp
import jwt
from aiohttp import hdrs, web

from tripgate.local import cors, proxy
from tripgate.local.auth.context import AUTHORIZATION
from tripgate.local.functions.runner import BootError, Runner
from tripgate.local.process import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tripgate.local.front_door_config import FrontDoorConfig
    from tripgate.local.keys import Signer

PREFIX = "/functions/v1"
STUCK_SECONDS = 2.0
REQUEST_ID = "X-Request-Id"
# As the functions take them.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
RUNNER = web.AppKey("functions_runner", Runner)

log = logging.getLogger(__name__)


def add_to(
    app: web.Application, config: FrontDoorConfig, tokens: Mapping[str, str], providers: Mapping[str, str]
) -> None:
    """Serve the project's functions.

    Args:
        tokens: Those of roles `anon` and `service_role`.
        providers: Variables that say where the faked services are.
    """
    settings, signer = config.functions, config.signer
    environment = {**providers, **environment_of(config, tokens)}
    supervisor = Supervisor(config.functions_log_dir, config.lock_fd)
    runner = app[RUNNER] = Runner(settings.directory, environment, config.function_limits, supervisor)
    sessions: list[aiohttp.ClientSession] = []

    async def running(_: web.Application) -> AsyncIterator[None]:
        sessions.append(proxy.new_session())
        yield
        await runner.stop()
        await sessions.pop().close()

    async def call(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        entrypoint = settings.entrypoint(name)
        if entrypoint is None:
            return _refusal(404, "NOT_FOUND", "Requested function was not found")
        authorization = request.get(AUTHORIZATION)
        if request.method != hdrs.METH_OPTIONS and settings.of(name).verify_jwt:
            mistake = mistake_in(authorization, signer)
            if mistake is not None:
                return _refusal(401, 401, mistake)
        try:
            base = await runner.address(name, entrypoint)
        except BootError as error:
            log.error("function %s does not start:\n%s", name, error)  # noqa: TRY400 (the stack says nothing more)
            return _refusal(503, "BOOT_ERROR", "Function failed to start (please check logs)")
        request[cors.ANSWERED_BEHIND] = True
        given = request.headers.get(REQUEST_ID, "")
        # So that what ends a request tells of it by the id by which the function does.
        request_id = given if _ID.fullmatch(given) else str(uuid.uuid4())
        try:
            return await proxy.forward(
                sessions[0],
                request,
                base=base,
                prefix=PREFIX,
                authorization=authorization,
                seconds=config.function_limits.wall_seconds + STUCK_SECONDS,
                headers={REQUEST_ID: request_id},
            )
        except TimeoutError:
            # It would have ended itself, could it do anything but what it does.
            await runner.kill(name, base, request_id)
            return _refusal(546, "WORKER_LIMIT", "Function failed due to not having enough compute resources")

    app.cleanup_ctx.append(running)
    app.router.add_route("*", PREFIX + "/{name}" + proxy.BELOW, call)


def mistake_in(authorization: str | None, signer: Signer) -> str | None:
    """What is wrong with a token that must be one of this project's, or None."""
    if not authorization:
        return "Missing authorization header"
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return "Auth header is not 'Bearer {token}'"
    try:
        signer.verify(token)
    except jwt.InvalidTokenError:
        return "Invalid JWT"
    return None


def environment_of(config: FrontDoorConfig, tokens: Mapping[str, str]) -> dict[str, str]:
    """The platform's variables, and what the project and the stack set."""
    return {
        **config.functions_environment,
        "SUPABASE_URL": config.api_url,
        "SUPABASE_ANON_KEY": tokens["anon"],
        "SUPABASE_SERVICE_ROLE_KEY": tokens["service_role"],
        "SUPABASE_PUBLISHABLE_KEYS": json.dumps({"default": config.publishable_key}),
        "SUPABASE_SECRET_KEYS": json.dumps({"default": config.secret_key}),
        "SUPABASE_JWKS": json.dumps(config.signer.public_jwks()),
        "SUPABASE_DB_URL": config.functions_database_url,
        "CRON_SECRET": config.cron_secret,
    }


def _refusal(status: int, code: str | int, message: str) -> web.Response:
    headers = {"sb-error-code": code} if isinstance(code, str) else {}
    return web.json_response({"code": code, "message": message}, status=status, headers=headers)

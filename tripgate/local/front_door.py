"""The one address of the embedded Supabase, a process of its own.

Run as `python -m tripgate.local.front_door --config FILE`; FILE is a JSON `FrontDoorConfig`. Serves `/auth/v1` itself,
passes `/rest/v1` on to PostgREST, `/realtime/v1` to the Realtime server, `/storage/v1` to the Storage server, which it
starts when it is first asked for, and `/functions/v1` to the project's functions, shows the mail that was sent at
`/inbox`, has the faked services at `/providers`, checks and translates API keys on the way, and answers `/health`
without one.
Takes URLs of up to 64 KiB. The listening socket is handed down, so that the port is known and taken before this starts.
FILE may come later: this process loads its code while the database starts.
"""

import argparse
import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from tripgate.local import cors, inbox_pages, proxy
from tripgate.local.api_keys import ApiKeys
from tripgate.local.auth import app as auth_app
from tripgate.local.auth.context import AUTHORIZATION
from tripgate.local.config_file import await_config
from tripgate.local.front_door_config import FrontDoorConfig
from tripgate.local.functions import routes as functions
from tripgate.local.inbox import Inbox
from tripgate.local.process import Supervisor
from tripgate.local.providers import routes as providers_routes
from tripgate.local.providers.all_providers import ALL
from tripgate.local.providers.house import House
from tripgate.local.providers.provider import Provider
from tripgate.local.realtime import front_door_routes as realtime
from tripgate.local.scheduler import starter as scheduler
from tripgate.local.storage import front_door_routes as storage

REST = "/rest/v1"
SHUTDOWN_SECONDS = 2.0

CONFIG = web.AppKey("config", FrontDoorConfig)
API_KEYS = web.AppKey("api_keys", ApiKeys)
HOUSE = web.AppKey("house", House)
SESSION = web.AppKey("session", aiohttp.ClientSession)


def create(config: FrontDoorConfig, providers: Sequence[Provider] = ALL) -> web.Application:
    """The application behind the API port."""
    app = web.Application(
        middlewares=[
            inbox_pages.only_by_its_names(config.hosts),
            providers_routes.only_by_its_names(config.hosts),
            cors.answer_preflight,
            check_key,
        ],
        client_max_size=1024**2,
    )
    app[CONFIG] = config
    tokens = {"anon": config.signer.role_token("anon"), "service_role": config.signer.role_token("service_role")}
    app[API_KEYS] = ApiKeys.of(
        publishable_key=config.publishable_key,
        secret_key=config.secret_key,
        anon_token=tokens["anon"],
        service_role_token=tokens["service_role"],
    )
    app.cleanup_ctx.append(_client)
    app.on_response_prepare.append(allow_origin)
    app.router.add_get("/health", health)
    app.router.add_route("*", REST + proxy.BELOW, rest)
    inbox = Inbox(config.inbox_file)
    inbox_pages.add_to(app, inbox)
    house = app[HOUSE] = House(
        config.api_url, providers, config.functions_environment, frozenset(config.functions.functions)
    )
    providers_routes.add_to(app, house, config.secret_key)
    realtime.add_to(app, config.realtime_url)
    if config.storage.enabled:
        storage.add_to(app, config, Supervisor(config.functions_log_dir, config.lock_fd))
    else:
        app.router.add_route("*", storage.PREFIX + proxy.BELOW, not_served)
    functions.add_to(app, config, tokens, house.variables())
    if config.scheduler_database_url is not None:
        scheduler.add_to(app, config.scheduler_database_url, Supervisor(config.functions_log_dir, config.lock_fd))
    app.add_subapp(
        "/auth/v1",
        auth_app.create(
            database_url=config.auth_database_url,
            signer=config.signer,
            issuer=f"{config.api_url}/auth/v1",
            settings=config.auth,
            send=inbox.deliver,
        ),
    )
    return app


async def allow_origin(request: web.Request, response: web.StreamResponse) -> None:
    """Let pages of any origin read every answer but mail and other messages, which hold codes that open accounts."""
    if request.path != inbox_pages.PATH and not providers_routes.is_of_the_house(request.path):
        await cors.allow_origin(request, response)


@web.middleware
async def check_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request without a key of this project, and note the Authorization that it stands for."""
    authorization = request.config_dict[API_KEYS].authorization(request)
    if authorization is not None:
        request[AUTHORIZATION] = authorization
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return web.json_response({"message": "no Route matched with those values"}, status=404)


async def health(_: web.Request) -> web.Response:
    """Answers while the front door and the services within it run."""
    return web.json_response({"status": "ok"})


async def rest(request: web.Request) -> web.StreamResponse:
    """PostgREST's part."""
    app = request.app
    return await proxy.forward(
        app[SESSION],
        request,
        base=app[CONFIG].rest_url,
        prefix=REST,
        authorization=request.get(AUTHORIZATION),
    )


async def not_served(request: web.Request) -> web.Response:
    """A part of the platform that the project has switched off."""
    message = f"This project does not serve {request.path}: it is switched off in supabase/config.toml"
    return web.json_response({"statusCode": "501", "error": "Not Implemented", "message": message}, status=501)


async def _client(app: web.Application) -> AsyncIterator[None]:
    app[SESSION] = proxy.new_session()
    yield
    await app[SESSION].close()


async def serve(config: FrontDoorConfig) -> None:
    """Serve until SIGTERM or SIGINT."""
    app = create(config)
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        max_line_size=proxy.MAX_LINE,
        max_field_size=proxy.MAX_LINE,
        read_bufsize=proxy.READ_BUFFER,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await web.SockSite(runner, socket.socket(fileno=config.listen_fd)).start()
    await stopped.wait()
    # While the rest is still here to be asked by what the functions have begun.
    await app[functions.RUNNER].stop()
    await runner.cleanup()


def main() -> None:
    """The process's entry."""
    parser = argparse.ArgumentParser(description="The front door of Tripgate's embedded Supabase.")
    parser.add_argument("--config", type=Path, required=True, help="a JSON file that the stack writes")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(serve(await_config(parser.parse_args().config, FrontDoorConfig)))


if __name__ == "__main__":
    main()

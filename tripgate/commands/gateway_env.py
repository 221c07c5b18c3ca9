"""The environment that `tripgate dev` starts the gateway with, and what it serves beside the API."""

import os
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from yarl import URL

from tripgate import systems
from tripgate.systems.system import Demo

if TYPE_CHECKING:
    from tripgate.local.stack import StackInfo


def gateway_env(info: "StackInfo", host: str, port: int, *, direct: bool) -> Mapping[str, str]:
    """The settings of a gateway over the running stack, beside what the environment says."""
    from tripgate.local.direct_login import make_direct_login  # noqa: PLC0415
    from tripgate.local.postgrest import POOL  # noqa: PLC0415

    own = {
        "SUPABASE_URL": info.api_url,
        "SUPABASE_PUBLISHABLE_KEY": info.publishable_key,
        "TRIPGATE_HOST": host,
        "TRIPGATE_PORT": str(port),
        "TRIPGATE_DEVELOPMENT": "true",
        "TRIPGATE_UPSTREAM_POOL": str(POOL),
        "TRIPGATE_DEVELOPMENT_SERVICES": _services(info),
        "PYTHONUNBUFFERED": "1",
    }
    if direct:
        own["TRIPGATE_DATABASE_URL"] = make_direct_login(info.db_url)
    # Straight to PostgREST: the front door's translation of keys is not needed with a person's own token.
    if info.jwt_secret is not None:
        own["SUPABASE_JWT_SECRET"] = info.jwt_secret
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPABASE_")}
    return {**inherited, **own, **_graphiql_env(), "TRIPGATE_REST_URL": info.rest_url}


def _services(info: "StackInfo") -> str:
    """What the start page lists: nothing by which row level security could be passed by."""
    database = urllib.parse.urlsplit(info.db_url)
    services = {
        "Inbox": info.inbox_url,
        "Services outside": info.providers_url,
        "Phones": f"{info.providers_url}/meta/phone",
        "Supabase API": info.api_url,
        "Publishable key": info.publishable_key,
        "PostgREST": info.rest_url,
        "Postgres": f"{database.hostname}:{database.port}",
    }
    return ",".join(f"{name}={address}" for name, address in services.items())


def _graphiql_env() -> Mapping[str, str]:
    from tripgate.local.errors import LocalStackError  # noqa: PLC0415
    from tripgate.local.graphiql_assets import graphiql_assets  # noqa: PLC0415 - reached by `dev` alone

    try:
        assets = graphiql_assets(lambda sentence: click.echo(sentence, err=True))
    except LocalStackError as error:
        # The API is worth having without its page, on a train for example.
        click.echo(f"Going on without GraphiQL: {error}", err=True)
        return {}
    accounts = ",".join(f"{email}:{demo.password}" for demo in demos() for email in demo.emails)
    return {"TRIPGATE_GRAPHIQL_ASSETS": str(assets), "TRIPGATE_GRAPHIQL_DEMO_ACCOUNTS": accounts}


def board_env(project: Path) -> Mapping[str, str]:
    """What has the gateway serve the board; nothing where the project has none, or it cannot be built."""
    from tripgate.local.board_assets import board_assets  # noqa: PLC0415 - reached by `dev` alone
    from tripgate.local.errors import LocalStackError  # noqa: PLC0415

    try:
        assets = board_assets(project, lambda sentence: click.echo(sentence, err=True))
    except LocalStackError as error:
        click.echo(f"Going on without the board: {error}", err=True)
        return {}
    return {} if assets is None else {"TRIPGATE_BOARD_ASSETS": str(assets)}


def board_url(host: str, port: int) -> str:
    """Where the board can be opened."""
    here = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - an address that one can open instead
    return str(URL.build(scheme="http", host=here, port=port, path="/board"))


def demos() -> list[Demo]:
    """Who is there to try the systems."""
    return [system.demo for system in systems.found() if system.demo is not None]

"""The ways to Supabase that all requests share, opened together."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from tripgate.gateway.identity import Identity
from tripgate.gateway.settings import Settings, SettingsError
from tripgate.upstream.backend import Backend
from tripgate.upstream.functions import FunctionsClient, HttpFunctions
from tripgate.upstream.http_client import HttpClient
from tripgate.upstream.jwks import JwksCache
from tripgate.upstream.lazy_auth import LazyAuth
from tripgate.upstream.policies import Policies
from tripgate.upstream.postgrest.client import PostgrestBackend
from tripgate.upstream.realtime.client import RealtimeClient
from tripgate.upstream.realtime.relay import Relay, RelayLimits
from tripgate.upstream.resilience.policy import PolicyLimits
from tripgate.upstream.storage import StorageClient

if TYPE_CHECKING:
    from tripgate.upstream.postgres.opening import Database


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Open clients of one project.

    Attributes:
        session: For plain requests over HTTP.
        policies: How long and how often each upstream is asked.
        identity: Verifies tokens with the project's keys.
        database: Postgres, where it is read itself.
    """

    session: aiohttp.ClientSession
    policies: Policies
    identity: Identity
    backend: Backend
    auth: LazyAuth
    functions: FunctionsClient
    storage: StorageClient
    realtime: RealtimeClient
    relay: Relay
    database: "Database | None" = None


@asynccontextmanager
async def open_upstreams(settings: Settings) -> AsyncIterator[Upstreams]:
    """The clients of the project that the settings name, until they are left."""
    api_key = settings.supabase_publishable_key.get_secret_value()
    rest_limits = settings.rest_policy(settings.workers)
    policies = Policies.of(settings.policy, rest_limits)
    connector = aiohttp.TCPConnector(limit=settings.upstream_connections, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        auth = LazyAuth(settings.auth_url, api_key, policies.auth, settings.upstream_timeout)
        rest = HttpClient(
            settings.postgrest_url, connections=rest_limits.connections, outlive=settings.upstream_timeout
        )
        functions = HttpFunctions(session, f"{settings.project_url}/functions/v1", api_key, policies.functions)
        storage = StorageClient(session, f"{settings.project_url}/storage/v1", api_key, policies.storage)
        realtime = RealtimeClient(session, settings.realtime_address, api_key)
        relay = Relay(realtime, limits=_relay_limits(settings, rest_limits))
        identity = _identity(settings, session)
        try:
            async with _backend(settings, identity, PostgrestBackend(rest, api_key, policies.rest)) as (
                backend,
                database,
            ):
                yield Upstreams(
                    session,
                    policies if database is None else dataclasses.replace(policies, database=database.policy),
                    identity,
                    backend,
                    auth,
                    FunctionsClient(functions),
                    storage,
                    realtime,
                    relay,
                    database,
                )
        finally:
            await relay.close()
            rest.close()
            await auth.close()


@asynccontextmanager
async def _backend(
    settings: Settings, identity: Identity, rest: Backend
) -> AsyncIterator["tuple[Backend, Database | None]"]:
    """What reads and writes: PostgREST alone, or Postgres for reads where the settings name it."""
    if settings.database_url is None:
        yield rest, None
        return
    try:
        # Loads libpq, which nobody else needs.
        from tripgate.upstream.postgres.opening import UnusableDatabaseError, open_database  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "TRIPGATE_DATABASE_URL takes the extra `direct`, which is not installed: pip install '.[direct]'"
        ) from None

    if not await identity.can_verify():
        raise SettingsError(
            "TRIPGATE_DATABASE_URL makes the gateway the only one that verifies tokens, and the project's keys are "
            "none: set SUPABASE_JWT_SECRET, or leave TRIPGATE_DATABASE_URL out"
        )
    url, limits = settings.database_url.get_secret_value(), settings.database_policy(settings.workers)
    try:
        async with open_database(url, limits, identity.claims, rest, named=settings.database_prepared) as opened:
            yield opened.backend, opened
    except UnusableDatabaseError as error:
        raise SettingsError("\n".join(f"TRIPGATE_DATABASE_URL: {line}" for line in str(error).split("\n"))) from None


def _identity(settings: Settings, session: aiohttp.ClientSession) -> Identity:
    secret = settings.supabase_jwt_secret
    return Identity(
        JwksCache(session, f"{settings.auth_url}/.well-known/jwks.json"),
        issuer=settings.auth_url,
        api_key=settings.supabase_publishable_key.get_secret_value(),
        jwt_secret=secret.get_secret_value() if secret is not None else None,
    )


def _relay_limits(settings: Settings, rest: PolicyLimits) -> RelayLimits:
    admissions = max(1, rest.connections // 2)
    return RelayLimits(
        admissions=admissions,
        admissions_of_one=max(1, min(admissions // 2, rest.share or admissions)),
        admission_timeout=settings.request_timeout,
        retry_seconds=settings.live_retry_seconds,
    )

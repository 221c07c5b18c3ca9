"""The ways to Supabase that all requests share, opened together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from tripgate.gateway.identity import Identity
from tripgate.gateway.settings import Settings
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


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Open clients of one project.

    Attributes:
        session: For plain requests over HTTP.
        policies: How long and how often each upstream is asked.
        identity: Verifies tokens with the project's keys.
    """

    session: aiohttp.ClientSession
    policies: Policies
    identity: Identity
    backend: Backend
    auth: LazyAuth
    functions: FunctionsClient
    realtime: RealtimeClient
    relay: Relay


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
        realtime = RealtimeClient(session, settings.realtime_address, api_key)
        relay = Relay(realtime, limits=_relay_limits(settings, rest_limits))
        try:
            yield Upstreams(
                session,
                policies,
                _identity(settings, session),
                PostgrestBackend(rest, api_key, policies.rest),
                auth,
                FunctionsClient(functions),
                realtime,
                relay,
            )
        finally:
            await relay.close()
            rest.close()
            await auth.close()


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

"""Puts together what requests pass, as the settings say."""

import strawberry

from tripgate.gateway.admission.addresses import Addresses
from tripgate.gateway.admission.admission import admission_of
from tripgate.gateway.admission.shared import Shared
from tripgate.gateway.cache.assembly import assemble_invalidation
from tripgate.gateway.documents import Documents
from tripgate.gateway.edge.persisted import PersistedDocuments, read_manifest
from tripgate.gateway.engine import Engine
from tripgate.gateway.live.queries import LiveQueries
from tripgate.gateway.live.query import Pace
from tripgate.gateway.observability.health import Check, database_answers, keys_answer, realtime_connected, rest_answers
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.parsing import Parser
from tripgate.gateway.settings import Settings
from tripgate.gateway.stages import Stages
from tripgate.gateway.staleness.row_keys import row_keys
from tripgate.gateway.upstreams import Upstreams
from tripgate.upstream.resilience.deadline import Operations


def stages_of(
    settings: Settings, schema: strawberry.Schema, observability: Observability, upstreams: Upstreams, shared: Shared
) -> Stages:
    """The stages of requests for this schema, over these clients.

    Raises:
        SettingsError: The manifest of trusted documents cannot be read, or does not fit the schema.
    """
    return Stages(
        observability,
        Addresses(settings.trusted_proxies, header=settings.forwarded_header),
        admission_of(settings, shared),
        upstreams.identity,
        _parser(settings, schema, shared),
        _engine(settings, schema, upstreams),
    )


def checks(settings: Settings, upstreams: Upstreams) -> dict[str, Check]:
    """What `/readyz` looks at."""
    api_key = settings.supabase_publishable_key.get_secret_value()
    session, breaker = upstreams.session, upstreams.policies.rest.breaker
    found = {
        "rest": rest_answers(session, settings.postgrest_url, api_key, lambda: bool(breaker.refuses())),
        "auth": keys_answer(session, f"{settings.auth_url}/.well-known/jwks.json"),
        "realtime": realtime_connected(upstreams.realtime),
    }
    if upstreams.database is not None:
        refuses = upstreams.database.policy.breaker.refuses
        found["database"] = database_answers(upstreams.database.ping, lambda: bool(refuses()))
    return found


def _parser(settings: Settings, schema: strawberry.Schema, shared: Shared) -> Parser:
    documents = Documents(
        schema._schema,
        size=settings.cached_documents,
        limits=settings.limits,
        hide_suggestions=not settings.development,
        introspection=settings.introspects,
    )
    return Parser(documents, _persisted(settings, documents, shared), explains=settings.development)


def _persisted(settings: Settings, documents: Documents, shared: Shared) -> PersistedDocuments:
    trusted = read_manifest(settings.trusted_documents, lambda text: documents.operation(text, None))
    return PersistedDocuments(
        trusted,
        only_trusted=settings.trusted_documents_only,
        size=settings.persisted_queries_size,
        shared=shared.documents,
    )


def _engine(settings: Settings, schema: strawberry.Schema, upstreams: Upstreams) -> Engine:
    return Engine(
        schema,
        upstreams.backend,
        upstreams.auth,
        upstreams.functions,
        upstreams.relay,
        storage=upstreams.storage,
        max_page_size=settings.max_page_size,
        invalidation=assemble_invalidation(settings, upstreams.backend, upstreams.relay),
        live_queries=_live_queries(settings, upstreams),
        operations=Operations(most=settings.max_running, seconds=settings.request_timeout),
    )


def _live_queries(settings: Settings, upstreams: Upstreams) -> LiveQueries:
    return LiveQueries(
        upstreams.relay,
        row_keys(upstreams.backend),
        Pace(settings.live_window, settings.live_poll, settings.live_retry_seconds),
        reads=settings.live_reads,
        reads_of_one=max(1, settings.live_reads // 4),
        topics=settings.live_topics,
    )

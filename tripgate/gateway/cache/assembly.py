"""Assembles the answer cache and the sharing of reads from settings."""

from gql.scope import Scope
from gql.table import catalog
from tripgate.gateway.cache.answers import AnswerCache, CacheLimits
from tripgate.gateway.cache.invalidation import Invalidation
from tripgate.gateway.settings import Settings
from tripgate.planner.plan import ALWAYS, Compare, Operator, Read, pick
from tripgate.upstream.backend import Backend
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.sharing import SharingBackend


def assemble_invalidation(settings: Settings, backend: Backend, relay: Relay) -> Invalidation | None:
    """The invalidation of cached answers and shared reads; `None` where the settings want neither."""
    if not (settings.cache or settings.share_reads):
        return None
    sharing = SharingBackend(backend) if settings.share_reads else None
    answers = _answers(settings, backend, relay, sharing) if settings.cache else None
    invalidation = Invalidation(answers, sharing)
    if settings.redis_url is not None:
        from tripgate.upstream.shared.bus import RedisBus  # noqa: PLC0415 - an extra, for those who share

        invalidation.peers = RedisBus(
            settings.redis_url.get_secret_value(), f"{settings.redis_prefix}writes", invalidation
        )
        invalidation.peers.open()
    return invalidation


def _answers(settings: Settings, backend: Backend, relay: Relay, sharing: SharingBackend | None) -> AnswerCache:
    async def row_keys(scope: Scope, caller: Caller, these: frozenset[str] | None, most: int) -> list[str]:
        root = catalog[scope.root]
        key = root.primary_key
        where = ALWAYS if these is None else Compare(key, Operator.IN, tuple(sorted(these)))
        read = Read(root.name, (pick(root, key),), where=where, limit=most)
        return [row[key] for row in (await backend.read(read, caller, root)).rows]

    limits = CacheLimits(settings.cache_megabytes * 1024 * 1024, settings.cache_seconds, settings.cache_topics)
    return AnswerCache(relay, row_keys, limits, sharing=sharing)

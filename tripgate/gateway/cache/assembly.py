"""Assembles the answer cache and the sharing of reads from settings."""

from tripgate.gateway.cache.answers import AnswerCache, CacheLimits
from tripgate.gateway.cache.invalidation import Invalidation
from tripgate.gateway.settings import Settings
from tripgate.gateway.staleness.row_keys import row_keys
from tripgate.upstream.backend import Backend
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
    limits = CacheLimits(settings.cache_megabytes * 1024 * 1024, settings.cache_seconds, settings.cache_topics)
    return AnswerCache(relay, row_keys(backend), limits, sharing=sharing)

"""What this gateway shares with those beside it, where the settings name a server for that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tripgate.gateway.edge.concurrency import ConcurrencyCounter, LocalCounter
from tripgate.gateway.edge.persisted import SharedDocuments
from tripgate.gateway.settings import Settings, SettingsError
from tripgate.upstream.shared.known_addresses import KnownAddresses, LocalKnownAddresses
from tripgate.upstream.shared.quotas import Quotas
from tripgate.upstream.shared.sliding_window import LocalQuotas


@dataclass(frozen=True, slots=True)
class Shared:
    """What is kept in this process for a gateway alone, and in a server for several.

    Attributes:
        quotas: How much somebody asked lately.
        running: How much runs for somebody.
        known_addresses: Where people have signed in before.
        documents: Automatically persisted documents of the gateways beside this one.
    """

    quotas: Quotas
    running: ConcurrencyCounter
    known_addresses: KnownAddresses
    documents: SharedDocuments | None = None


@asynccontextmanager
async def sharing(settings: Settings) -> AsyncIterator[Shared]:
    """What the gateway shares while it runs. That the server is away is no reason not to start.

    Raises:
        SettingsError: The server's client is not installed, or its address does not make sense.
    """
    if settings.redis_url is None:
        yield Shared(LocalQuotas(), LocalCounter(), LocalKnownAddresses())
        return
    try:
        from tripgate.upstream.shared.redis_store import RedisStore  # noqa: PLC0415 - an extra, for those who share
        from tripgate.upstream.shared.shared_concurrency import SharedConcurrencyCounter  # noqa: PLC0415
        from tripgate.upstream.shared.shared_known_addresses import SharedKnownAddresses  # noqa: PLC0415
        from tripgate.upstream.shared.shared_quotas import SharedQuotas  # noqa: PLC0415
        from tripgate.upstream.shared.shared_texts import SharedTexts  # noqa: PLC0415
    except ModuleNotFoundError:
        raise SettingsError(
            "TRIPGATE_REDIS_URL needs the extra `redis`: pip install '.[redis]' in its folder."
        ) from None
    try:
        store = RedisStore(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix)
    except ValueError as error:
        raise SettingsError(f"TRIPGATE_REDIS_URL: {error}.") from None
    running = SharedConcurrencyCounter(store)
    try:
        yield Shared(SharedQuotas(store), running, SharedKnownAddresses(store), SharedTexts(store, "document"))
    finally:
        await running.close()
        await store.close()

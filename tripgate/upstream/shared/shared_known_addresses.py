"""Where people have signed in before, kept in the server that gateways share; by each for itself while that is away."""

from tripgate.upstream.shared.known_addresses import SECONDS, LocalKnownAddresses
from tripgate.upstream.shared.redis_store import RedisStore, StoreUnavailableError


class SharedKnownAddresses:
    """Addresses in the server, for several gateways."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._local = LocalKnownAddresses()

    async def is_known(self, account: str, address: str) -> bool:
        """Ask the server, where this gateway has not seen them itself."""
        if await self._local.is_known(account, address):
            return True
        try:
            return bool(await self._store.ask(lambda: self._store.redis.exists(self._key(account, address))))
        except StoreUnavailableError:
            return False

    async def remember(self, account: str, address: str) -> None:
        """Record it in the server."""
        await self._local.remember(account, address)
        try:
            await self._store.ask(lambda: self._store.redis.set(self._key(account, address), 1, ex=SECONDS))
        except StoreUnavailableError:
            return

    def _key(self, account: str, address: str) -> str:
        return f"{self._store.prefix}visitor:{account}:{address}"

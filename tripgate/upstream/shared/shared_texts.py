"""Texts that one gateway has and the others may ask for, by key."""

from contextlib import suppress

from tripgate.upstream.shared.redis_store import RedisStore, StoreUnavailableError

_SECONDS = 24 * 60 * 60


class SharedTexts:
    """Texts kept in the server, each for a day after it was last wanted."""

    def __init__(self, store: RedisStore, kind: str) -> None:
        self._store = store
        self._kind = kind

    async def get(self, key: str) -> str | None:
        """The text of this key; `None` where it is unknown, or nobody can be asked."""
        try:
            found = await self._store.ask(lambda: self._store.redis.getex(self._key(key), ex=_SECONDS))
        except StoreUnavailableError:
            return None
        return found.decode() if isinstance(found, bytes) else None

    async def put(self, key: str, text: str) -> None:
        """Store a text; does nothing while the server is away."""
        with suppress(StoreUnavailableError):
            await self._store.ask(lambda: self._store.redis.set(self._key(key), text.encode(), ex=_SECONDS))

    def _key(self, key: str) -> str:
        return f"{self._store.prefix}{self._kind}:{key}"

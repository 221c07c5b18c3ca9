"""Where people have signed in before: from which addresses, to which accounts."""

from typing import Protocol

from cachetools import TTLCache

SECONDS = 30 * 24 * 60 * 60
_MOST = 50_000


class KnownAddresses(Protocol):
    """Addresses by account, remembered for thirty days, in this process or in a server that all gateways share."""

    async def is_known(self, account: str, address: str) -> bool:
        """Whether somebody at this address has signed in to the account."""
        ...

    async def remember(self, account: str, address: str) -> None:
        """Record that somebody there has."""
        ...


class LocalKnownAddresses:
    """Addresses in this process: the latest, within bounds of memory."""

    def __init__(self) -> None:
        self._kept: TTLCache[tuple[str, str], bool] = TTLCache(_MOST, SECONDS)

    async def is_known(self, account: str, address: str) -> bool:
        """Look in this process."""
        return (account, address) in self._kept

    async def remember(self, account: str, address: str) -> None:
        """Record it in this process."""
        self._kept[account, address] = True

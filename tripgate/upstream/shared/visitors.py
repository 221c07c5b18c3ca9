"""Where people have signed in before: from which addresses, to which accounts."""

from typing import Protocol

from cachetools import TTLCache

SECONDS = 30 * 24 * 60 * 60
_MOST = 50_000


class Visitors(Protocol):
    """Kept in this process, or in a server that all gateways share; for thirty days."""

    async def know(self, account: str, address: str) -> bool:
        """Whether somebody at this address has signed in to the account."""
        ...

    async def welcome(self, account: str, address: str) -> None:
        """Somebody there has."""
        ...


class OwnVisitors:
    """The visitors of a gateway that stands alone: the latest, within bounds of memory."""

    def __init__(self) -> None:
        self._kept: TTLCache[tuple[str, str], bool] = TTLCache(_MOST, SECONDS)

    async def know(self, account: str, address: str) -> bool:
        """Look in this process."""
        return (account, address) in self._kept

    async def welcome(self, account: str, address: str) -> None:
        """Keep it in this process."""
        self._kept[account, address] = True

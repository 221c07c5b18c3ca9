"""Where people have signed in before, kept in the server that gateways share; by each for itself while that is away."""

from tripgate.upstream.shared.link import AwayError, Link
from tripgate.upstream.shared.visitors import SECONDS, OwnVisitors


class SharedVisitors:
    """The visitors of several gateways."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._own = OwnVisitors()

    async def know(self, account: str, address: str) -> bool:
        """Ask the server, where this gateway has not seen them itself."""
        if await self._own.know(account, address):
            return True
        try:
            return bool(await self._link.ask(lambda: self._link.redis.exists(self._key(account, address))))
        except AwayError:
            return False

    async def welcome(self, account: str, address: str) -> None:
        """Tell the server."""
        await self._own.welcome(account, address)
        try:
            await self._link.ask(lambda: self._link.redis.set(self._key(account, address), 1, ex=SECONDS))
        except AwayError:
            return

    def _key(self, account: str, address: str) -> str:
        return f"{self._link.prefix}visitor:{account}:{address}"

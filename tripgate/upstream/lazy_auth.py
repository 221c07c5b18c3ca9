"""Auth's client, made when it is first asked for.

Its library and what that brings along take as long to load as the rest of the gateway, and most requests never need it.
"""

import importlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tripgate.upstream.resilience.policy import Policy

if TYPE_CHECKING:
    from tripgate.upstream.auth import AuthClient
    from tripgate.upstream.recorded_client import RecordedClient


class LazyAuth:
    """Gives the one client of a process.

    Args:
        url: Auth's address, as in `https://project.supabase.co/auth/v1`.
        policy: How long Auth is asked, and whether at all.
        timeout: Seconds for one of its requests.
    """

    def __init__(self, url: str, api_key: str, policy: Policy[Any], timeout: float) -> None:
        self._url = url
        self._api_key = api_key
        self._policy = policy
        self._timeout = timeout
        self._http: RecordedClient | None = None
        self._client: AuthClient | None = None

    def __call__(self) -> "AuthClient":
        """The client."""
        if self._client is None:
            from tripgate.upstream.auth import AuthClient  # noqa: PLC0415 - see above
            from tripgate.upstream.recorded_client import RecordedClient  # noqa: PLC0415

            self._http = RecordedClient("auth", urlsplit(self._url).path, timeout=self._timeout)
            self._client = AuthClient(self._http, self._url, self._api_key, self._policy)
        return self._client

    async def close(self) -> None:
        """Close its connections."""
        if self._http is not None:
            await self._http.aclose()


def load() -> None:
    """Load the library, so that nobody who signs in waits for that; may run in a thread beside requests."""
    importlib.import_module("tripgate.upstream.auth")

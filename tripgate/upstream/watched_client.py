"""An httpx client whose requests can be watched."""

from typing import Any

import httpx

from tripgate.upstream.watch import sending


class WatchedClient(httpx.AsyncClient):
    """Tells whoever watches of each request.

    Args:
        upstream: What it talks to.
        base: The path of that upstream, which targets leave out.
    """

    def __init__(self, upstream: str, base: str, *, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._upstream = upstream
        self._base = base

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request."""
        target = request.url.raw_path.decode("ascii").removeprefix(self._base).lstrip("/")
        with sending(self._upstream, request.method, target) as exchange:
            request.headers.update(exchange.headers)
            try:
                response = await super().send(request, **options)
            except httpx.TimeoutException:
                exchange.late = True
                raise
            exchange.status = response.status_code
            return response

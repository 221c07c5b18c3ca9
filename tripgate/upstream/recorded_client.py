"""An httpx client whose requests are recorded."""

from typing import Any

import httpx

from tripgate.upstream.calls import UpstreamCall


class RecordedClient(httpx.AsyncClient):
    """Records each of its requests.

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
        with UpstreamCall(self._upstream, request.method, target) as call:
            request.headers.update(call.headers)
            try:
                response = await super().send(request, **options)
            except httpx.TimeoutException:
                call.late = True
                raise
            call.status = response.status_code
            return response

"""Whose pages may ask: CORS for HTTP, and the check of origins that WebSockets need, which no browser makes for them.

Nothing here protects a session: callers prove themselves by a token in a header, which no page sends by accident. A
page of elsewhere can only send what needs no preflight, and of that the gateway takes GET for queries alone.
"""

import re
from collections.abc import Collection

from aiohttp import web

# What a page may read of an answer besides its body.
EXPOSED_HEADERS = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id")
_EXPOSED = ", ".join(EXPOSED_HEADERS)
_THIS_MACHINE = re.compile(r"https?://(localhost|[\w.-]+\.localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~, -]{0,1024}", re.ASCII)
_PREFLIGHT_SECONDS = 7200  # as long as any browser keeps it


class Origins:
    """The origins whose pages may ask.

    Args:
        allowed: As browsers write them, in lower case, such as `https://app.example`; `*` is any.
        this_machine: Whether every page served by the machine that it is shown on may ask too.
        methods: What a page may ask with.
    """

    def __init__(self, allowed: Collection[str], *, this_machine: bool, methods: Collection[str]) -> None:
        self._any = "*" in allowed
        self._allowed = frozenset(allowed)
        self._this_machine = this_machine
        self._methods = ", ".join(methods)

    @property
    def none(self) -> bool:
        """Whether no page of elsewhere may ask."""
        return not self._allowed and not self._this_machine

    def allows(self, origin: str) -> bool:
        """Whether this origin's pages may ask."""
        origin = origin.lower()
        return (
            self._any or origin in self._allowed or (self._this_machine and _THIS_MACHINE.fullmatch(origin) is not None)
        )

    def may_connect(self, request: web.Request) -> bool:
        """Whether a WebSocket may be opened: by a program, by a page of this very host, or by one that may ask."""
        origin = request.headers.get("Origin")
        return origin is None or origin.partition("://")[2].lower() == request.host.lower() or self.allows(origin)

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add to an answer, before it is sent, whether the page that asked may read it."""
        if request.path != "/graphql":
            return
        headers = response.headers
        if not self._any:
            # Also where no origin is named: a cache must not give that answer to a page.
            headers["Vary"] = f"{headers['Vary']}, Origin" if "Vary" in headers else "Origin"
        origin = request.headers.get("Origin")
        if origin is not None and self.allows(origin):
            headers["Access-Control-Allow-Origin"] = "*" if self._any else origin
            headers["Access-Control-Expose-Headers"] = _EXPOSED

    def preflight(self, request: web.Request) -> web.Response:
        """The answer to OPTIONS: the methods there are, and to a page that may ask, that it may."""
        headers = {"Allow": f"{self._methods}, OPTIONS"}
        origin = request.headers.get("Origin")
        if origin is not None and "Access-Control-Request-Method" in request.headers and self.allows(origin):
            headers["Access-Control-Allow-Methods"] = self._methods
            headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
            headers["Vary"] = "Access-Control-Request-Headers"
            # Whichever it wants to send: the gateway reads those it knows, and none is sent by the browser alone.
            wanted = request.headers.get("Access-Control-Request-Headers", "")
            if wanted and _HEADER_NAMES.fullmatch(wanted):
                headers["Access-Control-Allow-Headers"] = wanted
        return web.Response(status=204, headers=headers)

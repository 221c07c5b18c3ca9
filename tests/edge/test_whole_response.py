"""The head of an answer is made of texts that are known, and says to the letter what aiohttp would say."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping

import pytest
from aiohttp import web

from tripgate.gateway.edge.whole_response import WholeResponse

MORE = {"X-Request-Id": "a-1", "Retry-After": "7"}
REQUESTS = {
    "usual": "POST {} HTTP/1.1\nHost: x\nContent-Length: 0\n\n",
    "closing": "POST {} HTTP/1.1\nHost: x\nContent-Length: 0\nConnection: close\n\n",
    "another method": "GET {} HTTP/1.1\nHost: x\n\n",
    "no body": "HEAD {} HTTP/1.1\nHost: x\n\n",
    "another version": "POST {} HTTP/1.0\nHost: x\nContent-Length: 0\nConnection: keep-alive\n\n",
}
BODIES = {"short": b'{"data":null}', "long": b"[" + b"0," * 100_000 + b"0]", "none": b""}


def aiohttps(body: bytes, status: int, media_type: str, more: Mapping[str, str]) -> web.Response:
    """The same as aiohttp makes it."""
    always = {"Content-Type": f"{media_type}; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=body, status=status, headers={**always, **more})


class Served:
    """Answers `/whole` by a whole response and `/plain` by one of aiohttp's; `change` sees each first."""

    def __init__(self) -> None:
        self.body, self.status, self.more = b"", 200, MORE
        self.change = lambda response: None
        self.port = 0

    async def whole(self, _: web.Request) -> web.Response:
        return self._changed(WholeResponse(self.body, self.status, "application/json", self.more))

    async def plain(self, _: web.Request) -> web.Response:
        return self._changed(aiohttps(self.body, self.status, "application/json", self.more))

    def _changed(self, response: web.Response) -> web.Response:
        self.change(response)
        return response

    async def ask(self, path: str, request: str) -> bytes:
        """All that comes, until the answer is there or the server hangs up; without the second of its date."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request.format(path).replace("\n", "\r\n").encode())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            raise
        body = b"" if request.startswith("HEAD") else await reader.readexactly(len(self.body))
        writer.write_eof()
        rest = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return re.sub(rb"Date: [^\r]*", b"Date: now", head) + body + rest


@pytest.fixture(params=["no signals", "signals"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    found = Served()
    app = web.Application()
    app.router.add_route("*", "/whole", found.whole)
    app.router.add_route("*", "/plain", found.plain)
    if request.param == "signals":

        async def allow(_: web.Request, response: web.StreamResponse) -> None:
            response.headers["Access-Control-Allow-Origin"] = "*"

        app.on_response_prepare.append(allow)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_it_is_aiohttps_to_the_letter(served: Served, request_: str, body: bytes) -> None:
    served.body = body
    for served.status in (200, 400, 401, 429, 503):
        assert await served.ask("/whole", request_) == await served.ask("/plain", request_)


async def test_what_is_added_or_closed_is_aiohttps_too(served: Served) -> None:
    served.body = b"{}"
    for change in (
        lambda response: response.headers.update({"X-More": "1"}),
        lambda response: response.force_close(),
        lambda response: response.set_cookie("a", "b"),
        lambda response: response.enable_compression(),
    ):
        served.change = change
        assert await served.ask("/whole", REQUESTS["usual"]) == await served.ask("/plain", REQUESTS["usual"])


async def test_no_header_has_two_lines(served: Served) -> None:
    for value in ("a\r\nSet-Cookie: b", "a\nb", "a\rb"):
        served.more = {"X-Request-Id": value}
        for path in ("/whole", "/plain"):
            with pytest.raises(asyncio.IncompleteReadError) as nothing:
                await served.ask(path, REQUESTS["usual"])
            assert nothing.value.partial == b""

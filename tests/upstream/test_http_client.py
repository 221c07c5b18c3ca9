"""The client of one HTTP server: what it sends, what it takes for an answer, and which connections it uses again."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tripgate.upstream.http_client import HttpClient, header
from tripgate.upstream.http_connection import Answer, ConnectionFailedError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A TCP server that reads requests without a body and says for each what `answers` holds next."""

    def __init__(self, *answers: bytes | None) -> None:
        self._answers = list(answers)
        self.heard: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self._answers.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if b"onnection: close" in answer:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def client(server: Behaviour, *, connections: int = 4, idle: float = 20.0) -> AsyncIterator[HttpClient]:
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        made = HttpClient(f"http://127.0.0.1:{port}/rest/v1/", connections=connections, idle=idle)
        yield made
        made.close()


async def get(http: HttpClient, path: str = "trips", seconds: float = 2) -> Answer:
    return await http.request(http.head("GET", path), None, seconds)


async def test_a_request_is_its_line_its_headers_and_its_body() -> None:
    received = bytearray()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.readuntil(b"{}"))
        writer.write(OK)
        writer.close()

    async with client(server) as http:
        head = http.head("POST", "trips?select=id", header("apikey", "key")) + header("Prefer", "count=exact")
        answer = await http.request(head, b"{}", 2)
    lines = bytes(received).split(b"\r\n")
    assert lines[0] == b"POST /rest/v1/trips?select=id HTTP/1.1"
    assert lines[1].startswith(b"Host: 127.0.0.1:")
    assert lines[2:] == [b"apikey: key", b"Prefer: count=exact", b"Content-Length: 2", b"", b"{}"]
    assert (answer.status, answer.body) == (200, b"ok")


@pytest.mark.parametrize(
    ("answer", "status", "headers", "body"),
    [
        (OK, 200, {}, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n4\r\n, so\r\n0\r\n\r\n", 200, {}, b"ok, so"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, {}, b""),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", 200, {}, b"until the end"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK, 200, {}, b"ok"),
        (
            b"HTTP/1.1 206 Partial Content\r\ncontent-RANGE: 0-9/*\r\nX-Other: 1\r\nContent-Length: 0\r\n\r\n",
            206,
            {b"content-range": b"0-9/*"},
            b"",
        ),
        (
            b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
            503,
            {b"retry-after": b"7"},
            b"",
        ),
    ],
)
async def test_what_is_an_answer(answer: bytes, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
    async with client(Server(answer)) as http:
        assert await get(http) == Answer(status, headers, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 140_000 + b"\r\nContent-Length: 0\r\n\r\n",
        None,
    ],
)
async def test_what_is_none(answer: bytes | None) -> None:
    async with client(Server(answer)) as http:
        with pytest.raises(ConnectionFailedError) as failure:
            await get(http)
        assert failure.value.sent


async def test_nobody_listens() -> None:
    http = HttpClient("http://127.0.0.1:1", connections=1)
    for _ in range(3):  # a failed connection takes no place
        with pytest.raises(ConnectionFailedError) as failure:
            await get(http)
        assert not failure.value.sent


async def test_nobody_takes_the_connection() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        with socket.socket() as first, socket.socket() as second:  # they fill the queue
            for each in (first, second):
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", port))
            http = HttpClient(f"http://127.0.0.1:{port}", connections=1, connect_timeout=0.2)
            with pytest.raises(ConnectionFailedError) as failure:
                await get(http)
            assert not failure.value.sent


async def test_connections_are_used_again_one_request_at_a_time() -> None:
    server = Server(*[OK] * 9)
    async with client(server) as http:
        for _ in range(3):
            await get(http)
        assert server.connections == 1
        await asyncio.gather(*(get(http) for _ in range(3)))
        assert server.connections == 3
        await asyncio.gather(*(get(http) for _ in range(3)))
        assert server.connections == 3


async def test_no_more_connections_than_allowed_and_the_wait_counts() -> None:
    gate = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await gate.wait()
            writer.write(OK)
        writer.close()

    async with client(server, connections=2) as http:
        asking = [asyncio.create_task(get(http, seconds=5)) for _ in range(2)]
        with pytest.raises(TimeoutError):
            await get(http, seconds=0.05)
        queued = [asyncio.create_task(get(http, seconds=5)) for _ in range(6)]
        await asyncio.sleep(0.05)
        queued[0].cancel()
        gate.set()
        answers = await asyncio.gather(*asking, *queued, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in answers] == [False] * 2 + [True] + [False] * 5


async def test_a_late_answer_is_nobodys() -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                line = (await reader.readuntil(b"\r\n\r\n")).split()[1]
                await asyncio.sleep(0.2 if line.endswith(b"slow") else 0)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(line), line))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            writer.close()

    async with client(server) as http:
        with pytest.raises(TimeoutError):
            await get(http, "slow", 0.05)
        cancelled = asyncio.create_task(get(http, "slow"))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        for _ in range(4):
            assert (await get(http, "quick")).body == b"/rest/v1/quick"
            await asyncio.sleep(0.06)


async def test_more_than_was_asked_for_spoils_the_connection() -> None:
    server = Server(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", OK, OK)
    async with client(server) as http:
        assert (await get(http)).body == b"ok"
        assert (await get(http)).body == b"ok"
        assert server.connections == 2


@pytest.mark.parametrize("pause", [0, 0.05])
async def test_what_comes_after_a_416_whose_length_is_wrong_is_nobodys(pause: float) -> None:
    """PostgREST 13.0.0 to 14.1 counts the bytes of the empty list that it does not send."""
    body = b'{"code":"PGRST103","details":"An offset of 9 was requested, but there are only 3 rows.","hint":null}'
    connections = 0

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while b"offset=9" in await reader.readuntil(b"\r\n\r\n"):
                head = b"HTTP/1.1 416 Not Satisfiable\r\nContent-Range: */3\r\nContent-Length: 2\r\n\r\n"
                writer.write(head + body[:2])
                await writer.drain()
                await asyncio.sleep(pause)
                writer.write(body[2:])
            writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        writer.close()

    async with client(server, connections=1) as http:
        for number in range(1, 4):
            answer = await get(http, "trips?offset=9")
            assert answer == Answer(416, {b"content-range": b"*/3"}, b'{"')
            assert connections == number
        assert (await get(http)).body == b"ok"


async def test_a_connection_that_the_server_closed_meanwhile_is_noticed_for_reads_alone() -> None:
    server = Server(OK, None, OK, OK, None)
    async with client(server) as http:
        await get(http)
        assert (await get(http)).body == b"ok", "the second request met the close, so a new connection took it"
        assert (server.connections, len(server.heard)) == (2, 3)
        await get(http)
        with pytest.raises(ConnectionFailedError) as failure:
            await http.request(http.head("POST", "trips"), b"", 2)
        assert failure.value.sent
        assert len(server.heard) == 5


async def test_connections_that_nobody_uses_are_closed() -> None:
    gone = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.read()
        gone.set()
        writer.close()

    async with client(server, idle=0.05) as http:
        await get(http)
        await asyncio.wait_for(gone.wait(), 60)


async def test_an_old_connection_is_not_trusted() -> None:
    server = Server(OK, OK)
    async with client(server, idle=0.05) as http:
        await get(http)
        await asyncio.sleep(0.1)
        await get(http)
        assert server.connections == 2


@pytest.mark.parametrize("value", ["a\r\nX-Role: admin", "a\nb", "a\0b", "ā"])
def test_no_value_ends_its_line(value: str) -> None:
    with pytest.raises(ValueError, match=r"cannot have|codec"):
        header("Authorization", value)


@pytest.mark.parametrize("path", ["trips HTTP/1.1\r\nX: y", "trips?a=b c", "trips?a=ü"])
def test_no_path_ends_its_line(path: str) -> None:
    with pytest.raises(ValueError, match=r"percent-encoded|codec"):
        HttpClient("http://127.0.0.1:1", connections=1).head("GET", path)

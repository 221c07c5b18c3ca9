"""What a request may be: addresses, bodies, and the time they may take."""

import asyncio
import gzip
import json
import zlib
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from yarl import URL

from tests.edge.raw import connected
from tests.support import Person, serving
from tripgate.local.stack import StackInfo

RESPONSE = "application/graphql-response+json"
TYPENAME = {"data": {"__typename": "Query"}}
JSON = {"Content-Type": "application/json"}
POST = "POST /graphql HTTP/1.1\nHost: x\nContent-Type: application/json\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", 'The body is empty; send {"query": \xe2\x80\xa6} as JSON.'.encode("latin-1").decode()),
        (b'[{"query":"{ __typename }"}]', "A request is one JSON object; batches are not taken."),
        (b'"{ __typename }"', "A request is one JSON object; batches are not taken."),
        (b'{"query":"{ __typename }","extensions":[]}', "`extensions` must be an object."),
        (b'{"query":"{ __typename }","documentId":1}', "`documentId` must be a string."),
        (b'\xef\xbb\xbf{"query":"{ __typename }"}', "The body is not JSON"),
        ('{"query":"{ __typename }"}'.encode("utf-16"), "The body is not JSON"),
    ],
)
async def test_bodies_that_are_no_request(anonymous: Person, body: bytes, message: str) -> None:
    async with anonymous.http.post(anonymous.url, data=body, headers=JSON) as response:
        error = (await response.json())["errors"][0]
        assert (response.status, error["extensions"]["code"]) == (400, "BAD_REQUEST")
        assert error["message"].startswith(message)


async def test_what_stands_in_the_address_of_a_post_is_not_read(anonymous: Person) -> None:
    url = f"{anonymous.url}?{urlencode({'query': 'mutation { signOut }', 'documentId': 'x'})}"
    async with anonymous.http.post(url, json={"query": "{ __typename }"}) as response:
        assert (response.status, await response.json()) == (200, TYPENAME)


async def test_a_body_may_be_compressed_and_is_measured_as_it_is_then(anonymous: Person) -> None:
    async def post(body: bytes) -> tuple[int, str | None]:
        headers = {**JSON, "Content-Encoding": "gzip"}
        async with anonymous.http.post(anonymous.url, data=body, headers=headers) as response:
            answer = await response.json()
            return response.status, answer["errors"][0]["extensions"]["code"] if "errors" in answer else None

    assert await post(gzip.compress(ASKED)) == (200, None)
    bomb = gzip.compress(b'{"query":"' + b" " * 20_000_000 + b'{ __typename }"}')
    assert len(bomb) < 256 * 1024
    assert await post(bomb) == (413, "PAYLOAD_TOO_LARGE")
    assert await post(b"no gzip") == (400, "BAD_REQUEST")


ASKED = json.dumps({"query": "{ __typename }"}).encode()
# Without the time of day, so that each process that collects these tests names them alike.
DEFLATED, GZIPPED = zlib.compress(ASKED), gzip.compress(ASKED, mtime=0)
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
BARELY_DEFLATED = BARE.compress(ASKED) + BARE.flush()


@pytest.mark.parametrize(
    ("encodings", "body"),
    [
        (["gzip"], GZIPPED),
        (["x-gzip"], GZIPPED),
        (["GZIP "], GZIPPED),
        (["deflate"], DEFLATED),
        (["deflate"], BARELY_DEFLATED),
        (["identity"], ASKED),
        ([""], ASKED),
        (["identity, gzip"], GZIPPED),
        (["identity", "deflate, "], DEFLATED),
    ],
)
async def test_bodies_that_are_compressed_in_a_way_that_is_taken(
    anonymous: Person, encodings: list[str], body: bytes
) -> None:
    assert await compressed(anonymous, encodings, body) == (200, TYPENAME, None)


@pytest.mark.parametrize(
    ("encodings", "body"),
    [
        (["br"], ASKED),
        (["br"], b"\x0b\x0c\x80{}\x03"),
        (["zstd"], ASKED),
        (["compress"], ASKED),
        (["none"], ASKED),
        (["unknown"], ASKED),
        (["*"], ASKED),
        (["gzip, gzip"], gzip.compress(GZIPPED, mtime=0)),
        (["gzip", "deflate"], zlib.compress(GZIPPED)),
        (["gzip, br"], GZIPPED),
        (["unknown"], b""),
    ],
)
async def test_bodies_that_are_compressed_otherwise(anonymous: Person, encodings: list[str], body: bytes) -> None:
    message = "Send the body as it is, or compressed once: Content-Encoding gzip or deflate."
    refused = {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}
    assert await compressed(anonymous, encodings, body) == (415, refused, "gzip, deflate")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", GZIPPED[:-1]),
        ("gzip", GZIPPED[:-9]),
        ("gzip", GZIPPED[:10]),
        ("gzip", GZIPPED[:-8] + bytes(8)),
        ("gzip", GZIPPED + b"x"),
        ("gzip", GZIPPED * 2),
        ("gzip", DEFLATED),
        ("gzip", ASKED),
        ("gzip", b""),
        ("x-gzip", ASKED),
        ("deflate", DEFLATED[:-1]),
        ("deflate", BARELY_DEFLATED[:-1]),
        ("deflate", DEFLATED + b"x"),
        ("deflate", GZIPPED),
        ("deflate", b""),
    ],
)
async def test_bodies_that_are_not_what_they_are_said_to_be(anonymous: Person, encoding: str, body: bytes) -> None:
    message = f"The body is not one whole stream of {encoding}, as its Content-Encoding says."
    refused = {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}
    assert await compressed(anonymous, [encoding], body) == (400, refused, None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_as_much_as_may_be_is_taken_and_no_byte_more(anonymous: Person, encoding: str) -> None:
    compress = gzip.compress if encoding == "gzip" else zlib.compress
    most = 262_144
    status, _, _ = await compressed(anonymous, [encoding], compress(ASKED.ljust(most)))
    assert status == 200
    status, answer, _ = await compressed(anonymous, [encoding], compress(ASKED.ljust(most + 1)))
    assert (status, answer["errors"][0]["extensions"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def compressed(person: Person, encodings: list[str], body: bytes) -> tuple[int, Any, str | None]:
    """Status, answer and what it says it takes, of a body with these `Content-Encoding` headers."""
    async with connected(person.url) as line:
        names = "".join(f"Content-Encoding: {encoding}\n" for encoding in encodings)
        line.send(f"{POST}Accept: {RESPONSE}\n{names}Content-Length: {len(body)}\n\n", body)
        answer = await line.answer()
    assert answer.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
    return answer.status, json.loads(answer.body), answer.headers.get("accept-encoding")


async def test_a_body_that_says_it_is_too_large_is_not_waited_for(anonymous: Person) -> None:
    async with connected(anonymous.url) as line:
        line.send(f"{POST}Content-Length: 262145\n\n")
        answer = await line.answer(1)
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert b"at most 262144 bytes" in answer.body


async def test_a_body_without_a_length_is_read_up_to_the_limit(anonymous: Person) -> None:
    async with connected(anonymous.url) as line:
        line.send(f"{POST}Transfer-Encoding: chunked\n\n")
        for _ in range(5):
            line.send("10000\n", b" " * 0x10000 + b"\r\n")
        assert (await line.answer()).status == 413


async def test_a_body_of_exactly_the_limit_is_taken(anonymous: Person) -> None:
    frame = b'{"query":"{ __typename }","extensions":{"x":""}}'
    body = frame.replace(b'""', b'"' + b"x" * (262_144 - len(frame)) + b'"')
    async with anonymous.http.post(anonymous.url, data=body, headers=JSON) as response:
        assert (response.status, await response.json()) == (200, TYPENAME)


@pytest.fixture(scope="module")
async def hasty(seeded: StackInfo) -> Any:
    """The address of a gateway that waits for nobody."""
    async with serving(seeded, body_timeout=1, idle_timeout=1.5, max_header_bytes=2048) as url:
        yield url


async def test_a_body_that_trickles_in_is_given_up(hasty: str) -> None:
    async with connected(hasty) as line:
        line.send(f"{POST}Content-Length: 1000\n\n")
        for _ in range(2):
            line.send("", b" ")
            await asyncio.sleep(0.05)
        answer = await line.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert json.loads(answer.body)["errors"] == [
            {"message": "The body did not arrive in time.", "extensions": {"code": "TIMEOUT"}}
        ]
        assert await line.ended()


async def test_headers_that_trickle_in_are_given_up(hasty: str) -> None:
    async with connected(hasty) as line:
        line.send("POST /graphql HTTP/1.1\n")
        for number in range(3):
            line.send(f"X-{number}: x\n")
            await asyncio.sleep(0.05)
        assert await line.ended()


async def test_a_connection_that_has_said_nothing_is_closed(hasty: str) -> None:
    async with connected(hasty) as line:
        assert await line.ended()


async def test_headers_and_addresses_have_a_longest(hasty: str, http: aiohttp.ClientSession) -> None:
    async with http.post(hasty, json={"query": "{ __typename }"}, headers={"X-Long": "x" * 1500}) as response:
        assert response.status == 200
    too_long = "The request line and each header may have at most 2048 bytes. One is longer."
    token = {"Authorization": f"Bearer {'secret' * 500}"}
    for more in ({"headers": {"X-Long": "secret" * 500}}, {"headers": token}, {"params": {"x": "secret" * 500}}):
        async with http.post(hasty, json={"query": "{ __typename }"}, **more) as response:  # type: ignore[arg-type]
            assert await refused(response) == (400, too_long)
    many = {f"X-{number}": "secret" for number in range(200)}
    async with http.post(hasty, json={"query": "{ __typename }"}, headers=many) as response:
        assert await refused(response) == (400, "A request may have at most 128 headers. There are more.")


async def refused(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """The status and the message of a refusal that repeats nothing of the request."""
    assert "secret" not in await response.text()
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    (error,) = (await response.json())["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    return response.status, error["message"]


@pytest.mark.parametrize("sent", ["secret\n\n", "GET /graphql SECRET/1.1\n\n", "\x16\x03\x01secret\n\n"])
async def test_what_is_no_http_is_refused_in_json(anonymous: Person, sent: str) -> None:
    async with connected(anonymous.url) as line:
        line.send(sent)
        answer = await line.answer()
        assert answer.status == 400
        assert await line.ended()
        assert json.loads(answer.body) == {
            "errors": [{"message": "This is no request that HTTP/1.1 knows.", "extensions": {"code": "BAD_REQUEST"}}]
        }


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 26\nContent-Length: 27\n",
        "Content-Length: 26\nTransfer-Encoding: chunked\n",
        "Content-Length: +26\n",
        "Content-Length : 26\n",
        "X-Split: a\r b\nContent-Length: 26\n",
    ],
)
async def test_a_request_of_unclear_length_is_refused(anonymous: Person, headers: str) -> None:
    async with connected(anonymous.url) as line:
        line.send(f"{POST}{headers}\n", b'{"query":"{ __typename }"}')
        assert (await line.answer()).status == 400
        assert await line.ended()


async def test_no_other_address_is_graphql(anonymous: Person) -> None:
    there_are = "There is nothing at this path. There are: /graphql, /healthz, /metrics, /readyz."
    for path in ("/", "/graphql/", "/graphql/secret", "//graphql", "/%00"):
        url = URL(anonymous.url).with_path(path, encoded=True)
        async with anonymous.http.post(url, json={"query": "{ __typename }"}) as response:
            assert await refused(response) == (404, there_are), path
    url = URL(anonymous.url).with_path("/healthz")
    async with anonymous.http.post(url, json={"query": "{ __typename }"}) as response:
        assert await refused(response) == (405, "This path takes GET, HEAD.")
        assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("target", ["OPTIONS *", "CONNECT secret.example:443"])
async def test_what_names_no_path_is_refused_in_json(anonymous: Person, target: str) -> None:
    async with connected(anonymous.url) as line:
        line.send(f"{target} HTTP/1.1\nHost: here\n\n")
        answer = await line.answer()
        assert (answer.status, answer.headers["x-content-type-options"]) == (404, "nosniff")
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        message = "The target of this request is no path, as /graphql is."
        assert json.loads(answer.body) == {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}


@pytest.mark.parametrize(
    "without", ["Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key"], ids=lambda name: name.lower()
)
async def test_half_a_handshake_is_refused_in_json(anonymous: Person, without: str) -> None:
    """As where a proxy in front takes headers out."""
    headers = {
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    del headers[without]
    async with connected(anonymous.url) as line:
        line.send("GET /graphql HTTP/1.1\nHost: x\nUpgrade: websocket\n")
        line.send("".join(f"{name}: {value}\n" for name, value in headers.items()) + "\n")
        answer = await line.answer()
    assert (answer.status, answer.headers["sec-websocket-version"]) == (400, "13")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    (error,) = json.loads(answer.body)["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert error["message"].startswith("This is no handshake of a WebSocket. It needs `Upgrade: websocket`, ")

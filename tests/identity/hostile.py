"""A Supabase that says what it should not, a gateway before it, and everything that a client of that gateway sees."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web

from gql.errors import ErrorCode
from tests.live.clients import live
from tests.support import Person, serving
from tripgate.local.stack import StackInfo

SECRET = "kumquat"
"""In everything that must not be seen: whatever else of it is cut off or rewritten, this would show."""

TOKEN = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ{SECRET}.c2lnbmF0dXJl"
CANARIES = (
    f"relation {SECRET}_invoices does not exist",
    f"select passport from private.{SECRET} where id = 7",
    f"Failing row contains (1, {SECRET}, P1234567)",
    f"connection to server at db.{SECRET}.internal (10.0.0.7), port 5432 failed",
    f"Bearer {TOKEN}",
    f"could not open file /var/lib/{SECRET}/base/1.conf",
    f"<html><body>{SECRET} nginx/1.2.3</body></html>",
)
ALL = "; ".join(CANARIES)

_JWT_SECRET = "a secret of at least thirty-two bytes"  # of this test alone


@dataclass
class Answer:
    """What is answered below one path."""

    status: int = 200
    body: bytes = b"[]"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, data: object, **headers: str) -> "Answer":
        """JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(data).encode(), {"Content-Type": "application/json", **named})


@dataclass
class Hostile:
    """All of Supabase, and what its parts answer: the longest path that fits counts.

    Attributes:
        person: Ada, as the gateway before it knows her.
    """

    url: str
    person: Person
    nobody: Person
    answers: dict[str, Answer] = field(default_factory=dict)

    def says(self, **answers: Answer) -> None:
        """From now on the parts `rest`, `auth` and `functions` answer this, and the others nothing."""
        self.answers = {f"/{name}/v1": answer for name, answer in answers.items()}

    async def answer(self, request: web.Request) -> web.Response:
        fits = [path for path in self.answers if request.path.startswith(path)]
        answer = self.answers[max(fits, key=len)] if fits else Answer(404, ALL.encode())
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


@asynccontextmanager
async def hostile(http: aiohttp.ClientSession, **settings: Any) -> AsyncIterator[Hostile]:
    """It, behind a gateway that asks once and goes on asking."""
    found = Hostile("", Person(http, ""), Person(http, ""))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    stack = StackInfo(found.url, f"{found.url}/rest/v1", "", "", "key", "", _JWT_SECRET, "")
    once = {"upstream_retries": 0, "breaker_failures": 1_000_000, "live_retry_seconds": 0, "request_timeout": 5.0}
    try:
        async with serving(stack, SUPABASE_JWT_SECRET=_JWT_SECRET, **{**once, **settings}) as url:
            found.nobody.url = found.person.url = url
            found.person.token = _token(found.url)
            yield found
    finally:
        await runner.cleanup()


def _token(issuer: str) -> str:
    claims = {
        "sub": "00000000-0000-4000-8000-00000000ada0",
        "role": "authenticated",
        "aud": "authenticated",
        "iss": f"{issuer}/auth/v1",
        "exp": int(time.time()) + 600,
        "session_id": "session",
    }
    return jwt.encode(claims, _JWT_SECRET, "HS256")


@dataclass(frozen=True)
class Seen:
    """What a client saw of one operation: every byte of it, and the errors among them."""

    text: str
    errors: list[dict[str, Any]]

    @property
    def error(self) -> dict[str, Any]:
        (error,) = self.errors
        return error

    @property
    def code(self) -> str:
        return str(self.error["extensions"]["code"])


Transport = Callable[[Person, str], Awaitable[Seen]]


async def by_post(person: Person, query: str) -> Seen:
    async with person.http.post(person.url, json={"query": query}, headers=_headers(person)) as response:
        text = await response.text()
        found = json.loads(text)
        return Seen(f"{response.status} {response.reason}\n{response.raw_headers!r}\n{text}", found.get("errors", []))


async def by_stream(person: Person, query: str) -> Seen:
    headers = {**_headers(person), "Accept": "text/event-stream"}
    async with person.http.post(person.url, json={"query": query}, headers=headers) as response:
        text = await response.text()
        assert text.endswith("event: complete\ndata: \n\n"), text
        (event,) = [part for part in text.split("\n\n") if part.startswith("event: next")]
        found = json.loads(event.partition("data: ")[2])
        return Seen(f"{response.raw_headers!r}\n{text}", found.get("errors", []))


async def by_socket(person: Person, query: str) -> Seen:
    texts, errors = [], []
    async with live(person) as connection:
        id_ = await connection.subscribe(query)
        while True:
            message = await asyncio.wait_for(connection.socket.receive(), 60)
            texts.append(str(message.data))
            found = json.loads(message.data)
            assert found["id"] == id_
            match found["type"]:
                case "next":
                    errors += found["payload"].get("errors", [])
                    continue
                case "error":
                    errors += found["payload"]
            return Seen("\n".join(texts), errors)


TRANSPORTS: dict[str, Transport] = {"post": by_post, "stream": by_stream, "socket": by_socket}


def _headers(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"} if person.token else {}


@contextmanager
def errors_logged() -> Iterator[list[str]]:
    """The ids of the masked errors that the log has been told of."""
    ids: list[str] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert record.exc_info is not None
            ids.append(record.__dict__["fields"]["errorId"])

    logger, reader = logging.getLogger("tripgate.errors"), Reader()
    logger.addHandler(reader)
    logger.propagate = False  # to the report of the tests, which would take longer than the tests
    try:
        yield ids
    finally:
        logger.propagate = True
        logger.removeHandler(reader)


def check(seen: Seen, ids: list[str]) -> None:
    """Nothing of the inside is seen; what is masked has an id, and the log knows it.

    Args:
        ids: What `errors_logged` gave; emptied.
    """
    assert SECRET not in seen.text
    for error in seen.errors:
        assert error["extensions"]["code"] in set(ErrorCode)
    masked = [error for error in seen.errors if error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"]
    for error in masked:
        assert error["message"] == "Something went wrong here. It is not your fault; give this id when you report it."
        assert error["extensions"].keys() == {"code", "errorId"}
    assert [error["extensions"]["errorId"] for error in masked] == ids
    ids.clear()


READ = "{ trips { nodes { id title isOver } } }"
WRITE = 'mutation { createTrip(input: { title: "Rome" }) { id title isOver } }'
FOLLOW = 'subscription { tripChanges(tripId: "00000000-0000-4000-8000-000000000001") { operation } }'
WAYS = [
    pytest.param(query, transport, id=f"{kind} by {name}")
    for kind, query in {"query": READ, "mutation": WRITE, "subscription": FOLLOW}.items()
    for name, transport in TRANSPORTS.items()
    if (kind, name) != ("subscription", "post")
]

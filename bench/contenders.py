"""Who is compared: each contender is a way to start a server and a way to ask it.

A new one is one entry in `CONTENDERS`: a Python module that reads the settings of `bench.site` from its environment
and prints `Serving: <address>`. How PostGraphile is started is in `bench.servers`.
"""

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from bench.data import Caller
from bench.recorder import Heard
from bench.workloads import Variables, Workload


class Asks(Enum):
    """What a contender is sent for one case."""

    UPSTREAM = "the request that Tripgate sends to PostgREST"
    PATH = "POST with the path of that request"
    GRAPHQL = "POST with the document and its variables"
    POSTGRAPHILE = "the same, with the document in PostGraphile's names"


@dataclass(frozen=True)
class Contender:
    """One server.

    Attributes:
        module: The Python module to run; `None` for PostgREST itself, which runs anyway, and for what is not Python.
        env: Settings of its own.
    """

    name: str
    title: str
    asks: Asks
    module: str | None = None
    arguments: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


RAW = Contender("postgrest", "raw PostgREST", Asks.UPSTREAM)
HOP = Contender("hop", "bare aiohttp hop", Asks.PATH, "bench.hop")
# Nothing that a closed loop of one person would be served from, or refused by: each request is asked of Supabase.
_ALONE = (
    ("TRIPGATE_RATE_LIMITS", "false"),
    ("TRIPGATE_CACHE", "false"),
    ("TRIPGATE_SHARE_READS", "false"),
    ("TRIPGATE_UPSTREAM_SHARE", "1"),
)
TRIPGATE = Contender("tripgate", "Tripgate", Asks.GRAPHQL, "tripgate", ("serve",), env=_ALONE)
# The site tells it the database.
DIRECT = Contender("tripgate_direct", "Tripgate over SQL", Asks.GRAPHQL, "tripgate", ("serve",), env=_ALONE)
HANDWRITTEN = Contender("handwritten", "hand-written", Asks.GRAPHQL, "bench.handwritten")
HANDWRITTEN_CACHED = Contender(
    "handwritten_cached", "hand-written, cached", Asks.GRAPHQL, "bench.handwritten", ("--cache-documents",)
)
POSTGRAPHILE = Contender("postgraphile", "PostGraphile 5", Asks.POSTGRAPHILE)
CONTENDERS: Sequence[Contender] = (RAW, HOP, TRIPGATE, DIRECT, HANDWRITTEN, HANDWRITTEN_CACHED, POSTGRAPHILE)

# Closed sets are enums in Tripgate and text in PostGraphile, which knows only the column.
_ENUMS = frozenset({"status", "kind"})


@dataclass(frozen=True)
class Case:
    """One set of variables of a workload, with what is known of it before anything is measured.

    Attributes:
        heard: What Tripgate asks PostgREST for it.
        answer: Tripgate's answer, decoded.
    """

    workload: Workload
    caller: Caller
    variables: Variables
    heard: Heard
    answer: Any


@dataclass(frozen=True)
class Request:
    """One HTTP request."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def wire(self, url: str) -> bytes:
        """The request as it travels to the server of this URL."""
        fields = [("Host", urlsplit(url).netloc), *self.headers]
        if self.body:
            fields.append(("Content-Length", str(len(self.body))))
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body

    def send(self, url: str) -> tuple[int, bytes]:
        """Send it once, on a connection of its own; status and body."""
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        try:
            connection.request(self.method, self.path, body=self.body or None, headers=dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def graphql_request(document: str, caller: Caller, variables: Variables) -> Request:
    """How a client asks a GraphQL server."""
    return _post({"query": document, "variables": variables}, caller.token)


def request(contender: Contender, case: Case) -> Request:
    """How a case is put to a contender."""
    match contender.asks:
        case Asks.UPSTREAM:
            return Request(case.heard.method, case.heard.path, case.heard.headers)
        case Asks.PATH:
            return _post({"path": case.heard.path.removeprefix("/")}, case.caller.token)
        case Asks.GRAPHQL:
            return graphql_request(case.workload.document, case.caller, case.variables)
        case Asks.POSTGRAPHILE:
            return graphql_request(case.workload.postgraphile, case.caller, case.variables)


def is_right(contender: Contender, case: Case, body: bytes) -> bool:
    """Whether a body is the right answer to a case."""
    match contender.asks:
        case Asks.UPSTREAM:
            return body == case.heard.body
        case Asks.PATH:
            return bool(json.loads(body) == {"data": json.loads(case.heard.body)})
        case Asks.GRAPHQL:
            return bool(json.loads(body) == case.answer)
        case Asks.POSTGRAPHILE:
            return bool(_with_enums(json.loads(body)) == case.answer)


def objects(answer: Any) -> int:
    """How many objects with an `id` an answer holds."""
    if isinstance(answer, dict):
        return ("id" in answer) + sum(map(objects, answer.values()))
    return sum(map(objects, answer)) if isinstance(answer, list) else 0


def _with_enums(answer: Any) -> Any:
    """PostGraphile's answer with the values of closed sets as Tripgate names them."""
    if isinstance(answer, dict):
        return {
            key: value.upper() if key in _ENUMS and isinstance(value, str) else _with_enums(value)
            for key, value in answer.items()
        }
    return [_with_enums(each) for each in answer] if isinstance(answer, list) else answer


def _post(body: dict[str, Any], token: str) -> Request:
    headers = (
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("Authorization", f"Bearer {token}"),
    )
    return Request("POST", "/graphql", headers, json.dumps(body).encode())

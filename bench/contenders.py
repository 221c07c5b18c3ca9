"""Who is compared: each contender is a way to start a server, and the names to ask it in.

A new one is one entry in `COMPARED`. Its command is run with the addresses and keys of `bench.site` in its environment
and prints `Serving: <address>`. In `env`, `{rest}`, `{reader}` and `{authenticator}` stand for PostgREST, and for
Postgres as the login that reads for the gateway and as PostgREST's own.
"""

import contextlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from bench.workloads import Workload
from tripgate.local.postgrest import POOL

# What one is sent: the request that Tripgate sends to PostgREST, the path of that in a POST, or a document in the names
# of Tripgate, PostGraphile or pg_graphql.
UPSTREAM, PATH, OURS, POSTGRAPHILES, PG_GRAPHQLS = "upstream", "path", "tripgate", "postgraphile", "pg_graphql"


@dataclass(frozen=True)
class Contender:
    """One server.

    Attributes:
        python: The Python module to run, and its arguments; empty for PostgREST, which runs anyway, and for Node.
        env: Settings of its own.
    """

    name: str
    title: str
    asked: str
    python: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_gateway(self) -> bool:
        """Whether it is this project's gateway in some variant, and so takes the settings of a workload."""
        return self.name.startswith("tripgate")

    @property
    def is_postgrest(self) -> bool:
        """Whether it is asked through PostgREST itself, without a server of its own."""
        return self.asked in {UPSTREAM, PG_GRAPHQLS}


def gateway(name: str, title: str, **env: str) -> Contender:
    """A variant of this project's gateway."""
    # Nothing that a closed loop of one person would be served from, or refused by: each request is asked of Supabase.
    common = {
        "TRIPGATE_RATE_LIMITS": "false",
        "TRIPGATE_CACHE": "false",
        "TRIPGATE_SHARE_READS": "false",
        "TRIPGATE_UPSTREAM_SHARE": "1",
        "TRIPGATE_REST_URL": "{rest}",
    }
    return Contender(name, title, OURS, ("tripgate", "serve"), {**common, **env})


_REST = {"TRIPGATE_REST_URL": "{rest}"}
RAW = Contender("postgrest", "raw PostgREST", UPSTREAM)
HOP = Contender("hop", "bare aiohttp hop", PATH, ("bench.hop",), _REST)
TRIPGATE = gateway("tripgate", "Tripgate")
TRIPGATE_SQL = gateway(
    "tripgate_direct", "Tripgate over SQL", TRIPGATE_DATABASE_URL="{reader}", TRIPGATE_DATABASE_POOL=str(POOL)
)
HANDWRITTEN = Contender("handwritten", "hand-written", OURS, ("bench.handwritten",), _REST)
HANDWRITTEN_CACHED = Contender(
    "handwritten_cached", "hand-written, cached", OURS, ("bench.handwritten", "--cache-documents"), _REST
)
POSTGRAPHILE = Contender("postgraphile", "PostGraphile 5", POSTGRAPHILES, env={"DATABASE_URL": "{authenticator}"})
PG_GRAPHQL = Contender("pg_graphql", "pg_graphql", PG_GRAPHQLS)
GATEWAYS = (TRIPGATE, TRIPGATE_SQL)
COMPARED = (RAW, HOP, *GATEWAYS, HANDWRITTEN, HANDWRITTEN_CACHED, POSTGRAPHILE, PG_GRAPHQL)


def takes_part(contender: Contender, workload: Workload) -> bool:
    """Whether a contender is asked what a workload asks."""
    asked = contender.asked in {UPSTREAM, PATH} or contender.asked in workload.documents
    return asked and contender.name in workload.contenders


@dataclass(frozen=True)
class Request:
    """One HTTP request."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @classmethod
    def post(cls, path: str, token: str, body: Any) -> "Request":
        """JSON, as a client sends it."""
        kind = "application/json"
        headers = (("Accept", kind), ("Content-Type", kind), ("Authorization", f"Bearer {token}"))
        return cls("POST", path, headers, json.dumps(body).encode())

    def wire(self, url: str) -> bytes:
        """The request as it travels to the server of this URL."""
        fields = [("Host", urlsplit(url).netloc), *self.headers]
        if self.body:
            fields.append(("Content-Length", str(len(self.body))))
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body

    def send(self, url: str) -> tuple[int, bytes]:
        """Send it once, on a connection of its own; status and body."""
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        try:
            connection.request(self.method, self.path, body=self.body or None, headers=dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def graphql(contender: Contender, token: str, document: str, variables: Mapping[str, Any]) -> Request:
    """A document as this contender takes it."""
    path = "/rpc/graphql" if contender == PG_GRAPHQL else "/graphql"
    return Request.post(path, token, {"query": document, "variables": dict(variables)})


def leaves(answer: Any) -> list[str]:
    """What an answer says, without how it is nested and named: its values in the order of their keys.

    Closed sets are enums in Tripgate and text elsewhere, so case says nothing; sums are text or numbers.
    """
    if isinstance(answer, dict):
        return [leaf for key in sorted(answer) for leaf in leaves(answer[key])]
    if isinstance(answer, list):
        return [leaf for each in answer for leaf in leaves(each)]
    text = str(answer).casefold()
    with contextlib.suppress(InvalidOperation):
        text = str(Decimal(text).normalize())
    return [text]


def objects(answer: Any) -> int:
    """How many objects with an `id` an answer holds."""
    if isinstance(answer, dict):
        return ("id" in answer) + sum(map(objects, answer.values()))
    return sum(map(objects, answer)) if isinstance(answer, list) else 0

"""A gateway that is watched: its log, its traces, its metrics, and the headers that it sends to PostgREST."""

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from tests.support import Person, Wire, serving
from tripgate.gateway.observability.logs import LEVELS, Handler, Lines
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo

TRIPS = "query Trips { trips(first: 1) { nodes { title } } }"
PLAN_OF_ROME = {
    "Read": {
        "table": "trips",
        "columns": [{"Pick": {"column": "title"}}],
        "where": {"Compare": {"column": "title", "operator": "eq", "value": "?"}},
        "order": [
            {"Sort": {"column": "created_at", "descending": True, "nulls_first": True}},
            {"Sort": {"column": "id"}},
        ],
        "limit": 1,
    }
}
"""Of the first trip that is called so, as the log tells it."""


@dataclass
class HeaderWire(Wire):
    """A wire that keeps the headers of what passes, their names in small letters."""

    headers: list[dict[str, str]] = field(default_factory=list)

    async def _pass_on(self, request: web.Request) -> web.Response:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return await super()._pass_on(request)


@dataclass
class ObservedGateway:
    """A running gateway, and all that can be seen of it."""

    person: Person
    log: Path
    spans: InMemorySpanExporter

    async def lines(self, logger: str, count: int = 1, since: int = 0) -> list[dict[str, Any]]:
        """This logger's lines from a place in the log on, as soon as there are so many."""
        end = time.monotonic() + 5
        while True:
            text = self.log.read_text()[since:]
            found = [line for line in map(json.loads, text.splitlines()) if line["logger"] == logger]
            if len(found) >= count or time.monotonic() > end:
                assert len(found) == count, text
                return found
            await asyncio.sleep(0.02)

    @property
    def so_far(self) -> int:
        """Where the log ends, once what has happened is written."""
        time.sleep(0.1)
        return len(self.log.read_text())

    async def post(self, body: Any, headers: Mapping[str, str] | None = None) -> aiohttp.ClientResponse:
        """Any request, in this person's name."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        if self.person.token:
            sent.setdefault("Authorization", f"Bearer {self.person.token}")
        data = body if isinstance(body, str) else json.dumps(body)
        async with self.person.http.post(self.person.url, data=data, headers=sent) as response:
            await response.read()
            return response

    async def metrics(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """All samples by name and labels."""
        async with self.person.http.get(self.person.url.replace("graphql", "metrics")) as response:
            return samples(await response.text())


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples of an exposition by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@asynccontextmanager
async def observed(
    info: StackInfo, person: Person, folder: Path, *, traced: bool = False, as_json: bool = True, **changes: Any
) -> AsyncIterator[ObservedGateway]:
    """A gateway with a log in this folder, and this person before it."""
    log = folder / f"log-{time.monotonic_ns()}"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    lines = Lines(descriptor, as_json=as_json, level=LEVELS[changes.get("log_level", "info")])
    handler = Handler(lines)
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))

    def see(settings: Settings) -> Observability:
        return Observability(settings, lines, provider.get_tracer("tests") if traced else None)

    logging.getLogger().addHandler(handler)
    level = logging.getLogger("tripgate").level
    logging.getLogger("tripgate").setLevel(lines.level)
    try:
        async with serving(info, see, **changes) as url:
            yield ObservedGateway(Person(person.http, url, person.token, id=person.id, email=person.email), log, spans)
    finally:
        logging.getLogger("tripgate").setLevel(level)
        logging.getLogger().removeHandler(handler)
        lines.close()
        os.close(descriptor)

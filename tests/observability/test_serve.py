"""`tripgate serve --workers 2` as a process: its log, its metrics and its traces are whole, whoever answers."""

import asyncio
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.observability.observed import TRIPS, samples
from tests.support import Person
from tripgate.local.stack import StackInfo

REQUESTS = 40


class Collector:
    """Takes traces by OTLP."""

    def __init__(self) -> None:
        self.spans: list[str] = []
        self.url = ""

    async def __aenter__(self) -> "Collector":
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest()
        sent.ParseFromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.spans += [span.name for span in scope.spans]
        return web.Response()


@asynccontextmanager
async def served(info: StackInfo, log: Path, *flags: str, **settings: str) -> AsyncIterator[str]:
    """A running `tripgate serve` that logs into a file: its address. It is stopped at the end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "TRIPGATE_"))}
    given = {"REST_URL": info.rest_url, "PORT": "0", "RATE_LIMITS": "false", **settings}
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tripgate", "serve", *flags),
        env={
            **inherited,
            "SUPABASE_URL": info.api_url,
            "SUPABASE_PUBLISHABLE_KEY": info.publishable_key,
            **{f"TRIPGATE_{name}": value for name, value in given.items()},
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=descriptor,
    )
    os.close(descriptor)
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert line.startswith("Tripgate serving: "), line
        yield line.split()[-1]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_nothing_is_lost_between_two_workers_and_a_stop(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with (
        Collector() as collector,
        served(seeded, log, "--workers", "2", OTLP_ENDPOINT=collector.url) as url,
    ):
        for _ in range(REQUESTS):
            async with aiohttp.ClientSession() as alone:  # a connection each, which the kernel gives to either
                await Person(alone, url, ada.token).ask(TRIPS)
        await asyncio.sleep(1.2)  # in which the one that is not asked hands its numbers over
        first, second = [await _metrics(url) for _ in range(2)]
        async with ada.http.post(url, json={"query": "{ __typename }"}, headers={"X-Request-Id": "the-last"}):
            pass
    labels = (("kind", "query"), ("operation", "Trips"))
    assert first["tripgate_operation_seconds_count", labels] == REQUESTS
    assert second["tripgate_operation_seconds_count", labels] == REQUESTS
    workers = {dict(labels)["pid"] for name, labels in second if name == "process_resident_memory_bytes"}
    assert len(workers) == 2
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    assert len(requests) == REQUESTS + 1
    assert requests[-1]["requestId"] == "the-last"
    assert len({line["requestId"] for line in requests}) == REQUESTS + 1
    assert Counter(collector.spans)["query Trips"] == REQUESTS
    assert Counter(collector.spans)["GET /rest/v1/trips"] == REQUESTS


async def _metrics(url: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    async with (
        aiohttp.ClientSession() as alone,
        alone.get(url.replace("graphql", "metrics")) as response,
    ):
        return samples(await response.text())


async def test_in_development_the_log_is_text(seeded: StackInfo, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with served(seeded, log, DEVELOPMENT="true") as url:
        await Person(http, url).ask("{ __typename }")
    assert re.search(r"Z INFO    tripgate\.requests: request .* status=200 ", log.read_text())

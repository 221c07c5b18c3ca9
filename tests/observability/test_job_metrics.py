"""Numbers of the database's tasks on /metrics: for a token, of both backends, and never in the way of the others."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psycopg
import pytest
from aiohttp import web

from tests.observability.observed import ObservedGateway, observed, samples
from tests.observability.test_serve import served
from tests.support import Person, Wire, reading
from tripgate.local.stack import StackInfo

TOKEN = "metrics-0123456789-0123456789-0123456789"

Labels = tuple[tuple[str, str], ...]


@pytest.fixture
def db(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    """A database that knows the token, with some tasks; nothing of it is left."""
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        connection.execute("select vault.create_secret(%s, 'metrics_token_digest')", (digest,))
        try:
            yield connection
        finally:
            connection.execute("delete from vault.secrets where name = 'metrics_token_digest'")
            connection.execute("delete from private.tasks where kind like 'metered_%'")


def make(db: psycopg.Connection, kind: str, *, number: int = 1, due: str = "now()") -> None:
    db.execute(f"select private.enqueue('metered_{kind}', null, '{{}}', {due}) from generate_series(1, {number})")  # type: ignore[arg-type]


async def scraped(
    gateway: ObservedGateway, headers: Mapping[str, str] | None = None
) -> dict[tuple[str, Labels], float]:
    """What is said of jobs, and how long this process has been there, which is always said."""
    async with gateway.person.http.get(gateway.person.url.replace("graphql", "metrics"), headers=headers) as response:
        found = samples(await response.text())
    assert ("process_start_time_seconds", ()) in found
    return {name: number for name, number in found.items() if name[0].startswith("tripgate_jobs")}


def of(found: Mapping[tuple[str, Labels], float], kind: str) -> tuple[dict[str, float], float]:
    """The numbers of a kind by state, and the age of its oldest."""
    states = {
        dict(labels)["state"]: number
        for (name, labels), number in found.items()
        if name == "tripgate_jobs" and dict(labels)["kind"] == f"metered_{kind}"
    }
    return states, found["tripgate_jobs_oldest_due_seconds", (("kind", f"metered_{kind}"),)]


@pytest.mark.parametrize("backend", ["postgrest", "postgres"])
async def test_numbers_are_told_by_kind(
    seeded: StackInfo, ada: Person, tmp_path: Path, db: psycopg.Connection, backend: str
) -> None:
    make(db, "send", number=3, due="now() - interval '1 hour'")
    make(db, "resize", number=2, due="now() + interval '1 hour'")
    make(db, "export", number=2)
    (first, second) = db.execute("select id, token from private.claim('{metered_export}', 2, '1 minute')").fetchall()
    db.execute("select private.fail(%s, %s, 'No.', null, true)", first)
    db.execute("update private.tasks set lease_until = now() - interval '10 minutes' where id = %s", (second[0],))
    async with observed(seeded, ada, tmp_path, metrics_token=TOKEN, **reading(seeded, backend)) as gateway:
        found = await scraped(gateway)
    assert found["tripgate_jobs_up", ()] == 1
    states, age = of(found, "send")
    assert states == {"waiting": 3, "running": 0, "failed": 0}
    assert 3600 <= age < 3900
    # What is not due yet is not late.
    assert of(found, "resize") == ({"waiting": 2, "running": 0, "failed": 0}, 0)
    # What nobody has finished is.
    states, age = of(found, "export")
    assert states == {"waiting": 0, "running": 1, "failed": 1}
    assert 600 <= age < 900


@pytest.mark.parametrize("backend", ["postgrest", "postgres"])
async def test_with_another_token_nothing_is_told_but_that(
    seeded: StackInfo, ada: Person, tmp_path: Path, db: psycopg.Connection, backend: str
) -> None:
    make(db, "send")
    wrong = TOKEN[::-1]
    async with observed(seeded, ada, tmp_path, metrics_token=wrong, **reading(seeded, backend)) as gateway:
        assert await scraped(gateway) == {("tripgate_jobs_up", ()): 0}
        (line,) = await gateway.lines("tripgate.jobs")
        assert (line["level"], line["message"]) == ("warning", "no metrics of jobs")
        assert line["why"] == "FORBIDDEN: This is not the token of the metrics, or there is none."
        assert wrong not in gateway.log.read_text()


async def test_without_a_token_nobody_asks(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    async with observed(seeded, ada, tmp_path) as gateway:
        assert await scraped(gateway) == {}


@dataclass
class StallingWire(Wire):
    """A wire on which calls of `task_metrics` wait until `free` is set; they never bring the token along in a URL."""

    free: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def calls(self) -> list[str]:
        return [request for request in self.requests if "task_metrics" in request]

    async def _pass_on(self, request: web.Request) -> web.Response:
        if "task_metrics" in request.path:
            await self.free.wait()
        return await super()._pass_on(request)


@asynccontextmanager
async def stalling(seeded: StackInfo, ada: Person, folder: Path) -> AsyncIterator[tuple[ObservedGateway, StallingWire]]:
    async with (
        StallingWire(seeded.rest_url) as wire,
        observed(seeded, ada, folder, metrics_token=TOKEN, rest_url=wire.url) as gateway,
    ):
        yield gateway, wire
        wire.free.set()


@pytest.mark.usefixtures("db")
async def test_a_scrape_goes_on_when_the_database_does_not_answer_in_time(
    seeded: StackInfo, ada: Person, tmp_path: Path
) -> None:
    async with stalling(seeded, ada, tmp_path) as (gateway, wire):
        found = await scraped(gateway, {"X-Prometheus-Scrape-Timeout-Seconds": "0.2"})
        assert found == {("tripgate_jobs_up", ()): 0}
        wire.free.set()
        # Whoever asks next is told what the first one could not wait for.
        assert (await scraped(gateway))["tripgate_jobs_up", ()] == 1
        assert len(wire.calls) == 1


@pytest.mark.usefixtures("db")
async def test_those_who_ask_within_seconds_share_an_answer(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    async with stalling(seeded, ada, tmp_path) as (gateway, wire):
        wire.free.set()
        found = await asyncio.gather(*(scraped(gateway) for _ in range(5)))
        found.append(await scraped(gateway))
        assert {each["tripgate_jobs_up", ()] for each in found} == {1}
        assert wire.calls == ["POST /rpc/task_metrics"]


@pytest.mark.parametrize("said", ["0", "-1", "nan", "inf", "soon", ""])
@pytest.mark.usefixtures("db")
async def test_a_time_that_is_none_is_passed_over(seeded: StackInfo, ada: Person, tmp_path: Path, said: str) -> None:
    async with observed(seeded, ada, tmp_path, metrics_token=TOKEN) as gateway:
        found = await scraped(gateway, {"X-Prometheus-Scrape-Timeout-Seconds": said})
        assert found["tripgate_jobs_up", ()] == 1


async def test_of_several_workers_whoever_is_asked_tells_what_was_read_last(
    seeded: StackInfo, tmp_path: Path, db: psycopg.Connection
) -> None:
    make(db, "send", number=3)
    async with (
        served(seeded, tmp_path / "log", "--workers", "2", METRICS_TOKEN=TOKEN) as url,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http,
    ):
        for _ in range(20):
            async with http.get(url.replace("graphql", "metrics")) as response:
                found = samples(await response.text())
            assert found["tripgate_jobs_up", ()] == 1
            assert found["tripgate_jobs", (("kind", "metered_send"), ("state", "waiting"))] == 3
            # In the meantime each of them hands over what it has.
            await asyncio.sleep(0.2)

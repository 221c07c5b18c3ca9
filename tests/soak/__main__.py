"""The command line: `python -m tests.soak [faults] [slow]`; both by default, each over PostgREST and over SQL.

Exit codes: 0 nothing was lost, doubled or leaked, 1 something was, 130 interrupted.
"""

import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import click

from tests.conftest import ROOT
from tests.faults.database_proxy import DatabaseProxy
from tests.faults.proxy import FaultyProxy
from tests.live.served import served
from tests.soak.chaos import DATABASE_FAULTS, FAULTS, faults, kills
from tests.soak.crowd import Crowd
from tests.soak.ledger import Ledger
from tests.soak.slow import slow
from tests.soak.vitals import Vitals, growth
from tests.support import reading
from tripgate.local.stack import Stack, StackInfo, StackOptions

# Longer than connections to Supabase are kept unused.
SETTLE_SECONDS = 50
MOST_GROWTH = 0.10
# Keep-alive connections of whoever looks.
MOST_DESCRIPTORS_MORE = 3


def _say(sentence: str) -> None:
    click.echo(f"[{time.strftime('%H:%M:%S')}] {sentence}", err=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("workloads", nargs=-1, type=click.Choice(["faults", "slow"]))
@click.option(
    "--backend",
    "backends",
    multiple=True,
    type=click.Choice(["postgrest", "postgres"]),
    default=("postgrest", "postgres"),
    show_default=True,
    help="What the gateway reads over; each workload once over each.",
)
@click.option("--minutes", default=5.0, show_default=True, help="How long everybody is busy, in each of these.")
@click.option("--people", default=5, show_default=True, type=click.IntRange(2), help="How many keep the gateway busy.")
def main(workloads: tuple[str, ...], backends: tuple[str, ...], minutes: float, people: int) -> None:
    """Keep a gateway busy: while what is behind it fails (`faults`), looking for what was lost or leaked, and while one
    account asks for the slowest that is permitted (`slow`), looking for what another notices of it."""
    pairs = [(name, backend) for name in workloads or ("faults", "slow") for backend in backends]
    failed = [pair for pair in pairs if not _passes(*pair, minutes * 60, people)]
    sys.exit(1 if failed else 0)


def _passes(workload: str, backend: str, seconds: float, people: int) -> bool:
    """Run one workload and tell what came of it; whether nothing was wrong."""
    _say(f"workload {workload} over {backend}")
    with tempfile.TemporaryDirectory(prefix="tripgate-soak-") as folder:
        Path(folder).chmod(0o755)  # Postgres never runs as root: its user must be able to enter
        with Stack(StackOptions(ROOT, Path(folder) / "data", api_port=0, seed=False), _say) as stack:
            try:
                assert stack.info is not None
                direct = reading(stack.info, backend).get("database_url", "")
                if workload == "slow":
                    running = slow(stack.info, seconds, _say, direct)
                else:
                    running = _soak(stack, seconds, people, direct)
                ledger = asyncio.run(running)
            except KeyboardInterrupt:
                sys.exit(130)
    for name, count in sorted(ledger.counts.items()):
        click.echo(f"  {name:32} {count:>10,}")
    for mistake in ledger.mistakes:
        click.echo(mistake, err=True)
    well = "Nobody noticed." if workload == "slow" else "Nothing was lost, doubled or leaked."
    click.echo("FAILED" if ledger.mistakes else well, err=bool(ledger.mistakes))
    return not ledger.mistakes


async def _soak(stack: Stack, seconds: float, people: int, direct: str) -> Ledger:
    """Through faulty ways to PostgREST and, with the address of a database to read from, to Postgres."""
    assert stack.info is not None
    info: StackInfo = stack.info
    ledger = Ledger()
    async with AsyncExitStack() as running:
        proxy = await running.enter_async_context(FaultyProxy(info.rest_url).running())
        settings = {"REST_URL": proxy.url, "RATE_LIMITS": "false", "LOG_LEVEL": "error", "REQUEST_TIMEOUT": "5"}
        scripts = [(proxy.script, FAULTS)]
        if direct:
            address = urlsplit(direct)
            assert address.hostname is not None
            assert address.port is not None
            database = DatabaseProxy(address.hostname, address.port)
            await running.enter_async_context(database.running())
            settings["DATABASE_URL"] = direct.replace(f":{address.port}", f":{database.own_port}")
            scripts.append((database.script, DATABASE_FAULTS))
        gateway = await running.enter_async_context(served(info, **settings))
        watching = await running.enter_async_context(aiohttp.ClientSession())
        pid = gateway.pid
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as http:
            crowd = Crowd(http, gateway.url, ledger)
            await crowd.gather(info, people)
            before = await Vitals.of(pid, watching, gateway.url)
            _say(f"at rest: {before}")
            jobs = [
                *crowd.busy(),
                *(asyncio.create_task(faults(script, among, ledger, crowd.stopping)) for script, among in scripts),
                asyncio.create_task(_forget(proxy, crowd.stopping)),
                asyncio.create_task(kills(stack, ledger, crowd.stopping, _say)),
            ]
            looks = await _watched(pid, watching, gateway.url, seconds, jobs)
            crowd.stopping.set()
            for script, _ in scripts:
                script.clear()
            await asyncio.gather(*jobs)
        _say("everybody has left")
        await asyncio.sleep(SETTLE_SECONDS)
        after = await Vitals.of(pid, watching, gateway.url)
        _say(f"at rest: {after}")
        ledger.compare(info.admin_db_url)
        _leaks(ledger, before, after, looks)
    return ledger


async def _forget(proxy: FaultyProxy, stopping: asyncio.Event) -> None:
    """What the proxy keeps of each request is for other tests."""
    while not stopping.is_set():
        proxy.attempts.clear()
        proxy.deadlines.clear()
        await asyncio.sleep(1)


async def _watched(
    pid: int, http: aiohttp.ClientSession, url: str, seconds: float, jobs: list[asyncio.Task[None]]
) -> list[Vitals]:
    looks: list[Vitals] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        await asyncio.sleep(min(5.0, seconds / 20))
        looks.append(await Vitals.of(pid, http, url))
        if len(looks) % 6 == 0:
            _say(f"{ends - time.monotonic():.0f} s left: {looks[-1]}")
        for job in jobs:
            if job.done():
                job.result()  # nobody ends before the time
    return looks


def _leaks(ledger: Ledger, before: Vitals, after: Vitals, looks: list[Vitals]) -> None:
    if after.subscribers or after.topics or after.queries:
        ledger.mistake(f"subscriptions are left over: {after}")
    if after.tasks > before.tasks + 2:
        ledger.mistake(f"tasks are left over: {before.tasks} before, {after.tasks} after")
    more_descriptors = after.descriptors - after.pooled - (before.descriptors - before.pooled)
    if more_descriptors > MOST_DESCRIPTORS_MORE:
        ledger.mistake(f"{more_descriptors} descriptors are left over: {before} before, {after} after")
    more = growth(looks)
    _say(f"memory under load: {looks[0].memory:.0f} MB at first, {looks[-1].memory:.0f} MB at last ({more:+.1%})")
    if more > MOST_GROWTH:
        ledger.mistake(f"memory grew by {more:.0%}")


if __name__ == "__main__":
    main()

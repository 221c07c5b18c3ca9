"""The command line: `python -m tests.soak [faults] [slow]`; both by default.

Exit codes: 0 nothing was lost, doubled or leaked, 1 something was, 130 interrupted.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import click

from tests.conftest import ROOT
from tests.faults.proxy import FaultyProxy
from tests.live.served import served
from tests.soak.chaos import faults, kills
from tests.soak.crowd import Crowd
from tests.soak.ledger import Ledger
from tests.soak.slow import slow
from tests.soak.vitals import Vitals, growth
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
@click.option("--minutes", default=10.0, show_default=True, help="How long everybody is busy, in each workload.")
@click.option("--people", default=5, show_default=True, type=click.IntRange(2), help="How many keep the gateway busy.")
def main(workloads: tuple[str, ...], minutes: float, people: int) -> None:
    """Keep a gateway busy: while what is behind it fails (`faults`), looking for what was lost or leaked, and while one
    account asks for the slowest that is permitted (`slow`), looking for what another notices of it."""
    failed = [name for name in workloads or ("faults", "slow") if not _passes(name, minutes * 60, people)]
    sys.exit(1 if failed else 0)


def _passes(workload: str, seconds: float, people: int) -> bool:
    """Run one workload and tell what came of it; whether nothing was wrong."""
    _say(f"workload {workload}")
    with tempfile.TemporaryDirectory(prefix="tripgate-soak-") as folder:
        Path(folder).chmod(0o755)  # Postgres never runs as root: its user must be able to enter
        with Stack(StackOptions(ROOT, Path(folder) / "data", api_port=0, seed=False), _say) as stack:
            try:
                assert stack.info is not None
                running = slow(stack.info, seconds, _say) if workload == "slow" else _soak(stack, seconds, people)
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


async def _soak(stack: Stack, seconds: float, people: int) -> Ledger:
    assert stack.info is not None
    info: StackInfo = stack.info
    ledger = Ledger()
    async with (
        FaultyProxy(info.rest_url).running() as proxy,
        served(info, REST_URL=proxy.url, RATE_LIMITS="false", LOG_LEVEL="error", REQUEST_TIMEOUT="5") as gateway,
        aiohttp.ClientSession() as watching,
    ):
        pid = gateway.pid
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as http:
            crowd = Crowd(http, gateway.url, ledger)
            await crowd.gather(info, people)
            before = await Vitals.of(pid, watching, gateway.url)
            _say(f"at rest: {before}")
            jobs = [
                *crowd.busy(),
                asyncio.create_task(faults(proxy, ledger, crowd.stopping)),
                asyncio.create_task(kills(stack, ledger, crowd.stopping, _say)),
            ]
            looks = await _watched(pid, watching, gateway.url, seconds, jobs)
            crowd.stopping.set()
            proxy.script.clear()
            await asyncio.gather(*jobs)
        _say("everybody has left")
        await asyncio.sleep(SETTLE_SECONDS)
        after = await Vitals.of(pid, watching, gateway.url)
        _say(f"at rest: {after}")
        ledger.compare(info.admin_db_url)
        _leaks(ledger, before, after, looks)
    return ledger


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
    if after.subscribers or after.topics:
        ledger.mistake(f"subscriptions are left over: {after}")
    if after.tasks > before.tasks + 2:
        ledger.mistake(f"tasks are left over: {before.tasks} before, {after.tasks} after")
    if after.descriptors > before.descriptors + MOST_DESCRIPTORS_MORE:
        ledger.mistake(f"descriptors are left over: {before.descriptors} before, {after.descriptors} after")
    more = growth(looks)
    _say(f"memory under load: {looks[0].memory:.0f} MB at first, {looks[-1].memory:.0f} MB at last ({more:+.1%})")
    if more > MOST_GROWTH:
        ledger.mistake(f"memory grew by {more:.0%}")


if __name__ == "__main__":
    main()

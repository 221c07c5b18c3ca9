"""What goes wrong meanwhile: faults of the network in front of PostgREST, and servers that are killed."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from tests.faults.proxy import (
    Fault,
    FaultyProxy,
    garbage,
    late,
    no_json,
    reset_after,
    reset_before,
    says,
    truncated,
)
from tests.soak.ledger import Ledger
from tripgate.local.stack import Stack

FAULTS: tuple[tuple[str, Fault], ...] = (
    ("late", late(0.5)),
    ("reset before", reset_before),
    ("reset after", reset_after),
    ("truncated", truncated),
    ("garbage", garbage),
    ("no JSON", no_json),
    ("503 PGRST002", says(503, "PGRST002", Retry_After="1")),
)
KILLED = ("postgrest", "realtime", "postgres")


async def faults(proxy: FaultyProxy, ledger: Ledger, stopping: asyncio.Event) -> None:
    """A few requests in a hundred meet a fault."""
    while not stopping.is_set():
        name, fault = random.choice(FAULTS)
        proxy.script.append(fault)
        ledger.counts[f"fault: {name}"] += 1
        proxy.attempts.clear()
        proxy.deadlines.clear()
        await asyncio.sleep(random.uniform(0, 0.6))


async def kills(stack: Stack, ledger: Ledger, stopping: asyncio.Event, say: Callable[[str], None]) -> None:
    """Every half minute a server is killed and comes back."""
    for number in range(1_000_000):
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), random.uniform(20, 40))
        if stopping.is_set():
            return
        name = KILLED[number % len(KILLED)]
        say(f"killing {name}")
        await asyncio.to_thread(stack.kill, name)
        await asyncio.sleep(random.uniform(0, 1))
        await asyncio.to_thread(stack.restart, name)
        ledger.counts[f"killed: {name}"] += 1

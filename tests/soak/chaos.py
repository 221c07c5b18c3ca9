"""What goes wrong meanwhile: faults of the network in front of PostgREST and Postgres, and servers that are killed."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from tests.faults import database_proxy
from tests.faults.proxy import (
    Fault,
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
DATABASE_FAULTS: tuple[tuple[str, database_proxy.Fault], ...] = (
    ("late", database_proxy.late(0.5)),
    ("reset before", database_proxy.reset_before),
    ("reset after", database_proxy.reset_after),
    ("half a packet", database_proxy.half_a_packet),
    ("truncated", database_proxy.cut(lambda answer: answer[:-1])),
    ("garbage", database_proxy.garbage),
    ("57P01", database_proxy.says("57P01", fatal=True)),
    ("57014", database_proxy.says("57014", fatal=False)),
)
KILLED = ("postgrest", "realtime", "postgres")


async def faults(script: list[Any], among: Sequence[tuple[str, Any]], ledger: Ledger, stopping: asyncio.Event) -> None:
    """A few requests in a hundred meet a fault; `script` is what a proxy does with the next ones."""
    while not stopping.is_set():
        name, fault = random.choice(among)
        script.append(fault)
        ledger.counts[f"fault: {name}"] += 1
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

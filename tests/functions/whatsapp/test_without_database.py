"""Postgres is killed as messages are sent, then nothing runs for an hour. The last of these files: others notice it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from tests.functions.waiting import until
from tests.functions.whatsapp.test_once import finish, make_due, statuses

if TYPE_CHECKING:
    from tests.functions.whatsapp.conftest import Messaging
    from tripgate.local.stack import Stack

MESSAGES = 120
AT_ONCE = 4


async def test_postgres_is_killed_during_a_tick_and_all_that_was_due_runs_once(
    messaging: Messaging, running: Stack
) -> None:
    recipients = messaging.people(10)
    for number in range(MESSAGES):
        messaging.queue(recipients[number % 10], f"message {number}")
    tick = asyncio.create_task(messaging.call("send-whatsapp-message", {"wait": True}))
    await until(lambda: len(messaging.phone.messages) >= 20)
    await asyncio.to_thread(running.kill, "postgres")
    await tick
    await asyncio.to_thread(running.restart, "postgres")
    messaging.db = await asyncio.to_thread(connected, messaging.info.admin_db_url)
    with messaging.db:
        for column in ("run_at", "created_at", "lease_until"):
            messaging.db.execute(f"update private.tasks set {column} = {column} - interval '1 hour'")
        make_due(messaging)
        await finish(messaging, lambda: messaging.call("send-whatsapp-message", {"wait": True}))
        assert max(messaging.phone.held.values()) == 1
        found = statuses(messaging)
        counted = Counter(found.values())
    assert counted.keys() <= {"sent", "unknown"}
    assert sum(counted.values()) == MESSAGES
    # What was being sent, and could not be written down.
    assert counted["unknown"] <= AT_ONCE
    assert {id_ for id_, word in found.items() if word == "sent"} <= messaging.phone.held.keys()


def connected(url: str) -> psycopg.Connection[dict[str, Any]]:
    """A connection, once there is a server again."""
    while True:
        try:
            return psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=60)
        except psycopg.OperationalError:
            continue

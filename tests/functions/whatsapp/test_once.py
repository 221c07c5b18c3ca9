"""One message is one request to Meta, at most, whatever dies on the way, and each has an end."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.functions.whatsapp.conftest import Messaging, settings
from tests.functions.whatsapp.phone import TOKEN, Gate, Script
from tests.functions.whatsapp.workers import workers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

MESSAGES = 1000
PEOPLE = 50
REFUSED, THROTTLED, LOST = 10, 10, 10


def make_due(messaging: Messaging) -> None:
    """Leases that nobody renews are over, and nothing waits any longer."""
    messaging.db.execute("update private.tasks set lease_until = now() where status = 'running'")
    messaging.db.execute("update private.tasks set run_at = now() where status = 'waiting'")
    messaging.db.execute("select private.release_tasks()")
    messaging.db.execute("update private.tasks set run_at = now() where status = 'waiting'")


def unfinished(messaging: Messaging) -> int:
    return int(messaging.one("select count(*) from private.tasks where status in ('waiting', 'running')"))


async def test_four_workers_two_killed_and_one_too_slow(messaging: Messaging, tmp_path: Path) -> None:
    """1,000 due messages. Two workers are killed as they send, another loses its leases as it sends, and goes on."""
    recipients = messaging.people(PEOPLE)
    for number in range(MESSAGES):
        messaging.queue(recipients[number % PEOPLE], f"message {number}")
    # The last that are due, so that none of them is in the hands of whoever is killed.
    scripts = [Script(code=131026)] * REFUSED + [Script(lose=True)] * LOST
    scripts += [Script(code=80007, times=1) for _ in range(THROTTLED)]
    for number, script in enumerate(scripts, MESSAGES - len(scripts)):
        messaging.phone.scripts[f"message {number}"] = script
    tokens = [f"{TOKEN}.{number}" for number in range(4)]
    slow, last = tokens[2:]
    messaging.phone.gates = {token: Gate(after=20) for token in tokens}
    made = workers(
        tokens, messaging.info, messaging.functions, settings(messaging.phone.port), messaging.http, tmp_path
    )
    async with made as started:
        first = [asyncio.create_task(worker.ring()) for worker in started]
        async with asyncio.timeout(120):
            for gate in messaging.phone.gates.values():
                await gate.reached.wait()
        for worker in started[:2]:
            worker.signal(signal.SIGKILL)
        # The slow one hears nothing of its leases' end.
        started[2].signal(signal.SIGSTOP)
        messaging.phone.gates[last].opens.set()
        await first[3]
        make_due(messaging)
        await finish(messaging, started[3].ring)
        unknown = Counter(statuses(messaging).values())["unknown"]
        assert unknown >= LOST + 3
        messaging.phone.gates[slow].opens.set()
        started[2].signal(signal.SIGCONT)
        await first[2]
        await finish(messaging, started[3].ring)
    assert max(messaging.phone.held.values()) == 1
    # What was asked for again is what was refused for the moment.
    again = {id_ for id_, times in messaging.phone.asked.items() if times > 1}
    assert len(again) == THROTTLED
    found = statuses(messaging)
    assert len(found) == MESSAGES
    counted = Counter(found.values())
    assert set(counted) == {"sent", "failed", "unknown"}
    assert counted["failed"] == REFUSED
    assert {id_ for id_, word in found.items() if word == "sent"} <= messaging.phone.held.keys()
    # The slow one's answers came after all.
    assert LOST < counted["unknown"] < unknown


def statuses(messaging: Messaging) -> dict[str, str]:
    rows = messaging.db.execute(
        "select id::text, status from public.whatsapp_messages where direction = 'outbound'"
    ).fetchall()
    return {row["id"]: row["status"] for row in rows}


async def finish(messaging: Messaging, ring: Callable[[], Awaitable[Any]]) -> None:
    """Ring until all is done that is left."""
    async with asyncio.timeout(120):
        while unfinished(messaging):
            await ring()
            make_due(messaging)


async def test_a_message_that_is_made_twice_is_sent_once(messaging: Messaging) -> None:
    (anna,) = messaging.people(1)
    for _ in range(3):
        messaging.queue(anna, "Pack", key="reminder:1")
    outcomes = await asyncio.gather(*(messaging.call("send-whatsapp-message", {"wait": True}) for _ in range(4)))
    assert [status for status, _ in outcomes] == [200] * 4
    assert messaging.phone.texts() == ["Pack"]
    assert list(statuses(messaging).values()) == ["sent"]


async def test_opted_out_between_claim_and_send_nothing_leaves(messaging: Messaging) -> None:
    """The claim is made, and the task in somebody's hands, before the person says stop."""
    (anna,) = messaging.people(1)
    messaging.queue(anna, "Pack")
    (task,) = messaging.db.execute("select * from public.claim_tasks('{send_whatsapp}', 1, 60)").fetchall()
    answer, _ = await messaging.tell(messaging.stop(anna))
    assert answer == 200
    begin = "select public.begin_whatsapp_message(%s, %s, %s)"
    message = json.dumps(task["payload"]["message"])
    decided: dict[str, Any] = messaging.one(begin, message, task["id"], task["token"])
    assert decided["do"] == "nothing"
    assert messaging.phone.messages == []
    assert list(statuses(messaging).values()) == ["failed"]


async def test_opted_out_while_messages_are_sent_nothing_leaves_behind_it(messaging: Messaging) -> None:
    """Whatever leaves at all has been begun before the answer to STOP."""
    (anna,) = messaging.people(1)
    for number in range(18):
        messaging.queue(anna, f"message {number}")
    gate = messaging.phone.gates[TOKEN] = Gate(after=3)
    ring = asyncio.create_task(messaging.call("send-whatsapp-message", {"wait": True}))
    await gate.reached.wait()
    answer, _ = await messaging.tell(messaging.stop(anna))
    begun = {id_ for id_, word in statuses(messaging).items() if word in ("sending", "sent")}
    gate.opens.set()
    assert answer == 200
    assert (await ring)[0] == 200
    assert messaging.phone.held.keys() == begun
    assert Counter(statuses(messaging).values()) == {"sent": len(begun), "failed": 18 - len(begun)}
    assert len(begun) < 18

"""Reminders and rules over their functions: from a person's wish to the message on their phone, once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.functions.waiting import until
from tests.functions.whatsapp.conftest import Account, Messaging
from tests.functions.whatsapp.test_once import finish, statuses

if TYPE_CHECKING:
    from collections.abc import Awaitable

SCHEDULE, TRIGGER, SEND = "schedule-reminder", "trigger-automation", "send-whatsapp-message"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@pytest.fixture
async def anna(messaging: Messaging) -> Account:
    """Somebody who reads WhatsApp."""
    anna = await messaging.account()
    messaging.reach(anna.id, "+393330088888")
    return anna


@pytest.fixture
def trip(messaging: Messaging, anna: Account) -> str:
    return trip_of(messaging, anna.id)


def trip_of(messaging: Messaging, person: str) -> str:
    query = (
        "insert into public.trips (user_id, title, start_date) values (%s, 'Sailing', '2099-07-01') returning id::text"
    )
    return str(messaging.one(query, person))


def come(messaging: Messaging) -> None:
    """The hour of every job has come."""
    messaging.db.execute("update public.scheduled_jobs set run_at = now() where status = 'scheduled'")
    messaging.db.execute("update private.tasks set run_at = now() where status = 'waiting'")


async def test_a_reminder_reaches_the_phone_once_it_is_due(messaging: Messaging, anna: Account, trip: str) -> None:
    """The function that does what is due rings for the one that sends: nobody waits for cron's next minute."""
    code, answer = await messaging.call(SCHEDULE, {"trip_id": trip, "text": "Pack", "run_at": TOMORROW}, anna)
    assert (code, answer["job"]["status"], answer["job"]["user_id"]) == (201, "scheduled", anna.id)
    assert (await messaging.call(SCHEDULE, {"wait": True}))[1]["claimed"] == 0
    come(messaging)
    assert (await messaging.call(SCHEDULE, {"wait": True}))[1]["claimed"] == 1
    await until(lambda: list(statuses(messaging).values()) == ["sent"])
    assert messaging.phone.texts() == ["Pack"]
    come(messaging)
    assert (await messaging.call(SCHEDULE, {"wait": True}))[1]["claimed"] == 0


async def test_of_a_trip_that_is_gone_nothing_leaves(messaging: Messaging, anna: Account, trip: str) -> None:
    """As when it went while the message waited for the end of quiet hours."""
    messaging.queue(anna.id, "Pack", trip=trip)
    messaging.queue(anna.id, "Unpack", trip=trip_of(messaging, anna.id))
    messaging.db.execute("delete from public.trips where id = %s", (trip,))
    assert (await messaging.call(SEND, {"wait": True}))[0] == 200
    assert messaging.phone.texts() == ["Unpack"]
    assert sorted(statuses(messaging).values()) == ["failed", "sent"]


async def test_a_reminder_for_days_before_is_at_an_hour_of_the_person_s_clocks(
    messaging: Messaging, anna: Account, trip: str
) -> None:
    messaging.db.execute(
        "insert into public.user_preferences (user_id, timezone) values (%s, 'America/New_York')"
        " on conflict (user_id) do update set timezone = excluded.timezone",
        (anna.id,),
    )
    body = {"trip_id": trip, "text": "Pack", "days_before": 2, "local_time": "08:00"}
    code, answer = await messaging.call(SCHEDULE, body, anna)
    assert (code, datetime.fromisoformat(answer["job"]["run_at"])) == (201, datetime(2099, 6, 29, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"run_at": "2020-01-01T00:00:00Z"}, "BAD_USER_INPUT", "run_at"),
        ({}, "BAD_USER_INPUT", None),
        ({"run_at": TOMORROW, "days_before": 1, "local_time": "08:00"}, "BAD_USER_INPUT", None),
        ({"run_at": TOMORROW, "text": " "}, "BAD_USER_INPUT", "text"),
        ({"run_at": TOMORROW, "trip_id": "0c5c0000-0000-4000-8000-000000000001"}, "NOT_FOUND", "trip_id"),
        ({"run_at": TOMORROW, "trip_item_id": "0c5c0000-0000-4000-8000-000000000001"}, "NOT_FOUND", "trip_item_id"),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    messaging: Messaging, anna: Account, trip: str, given: dict[str, Any], code: str, field: str | None
) -> None:
    _, answer = await messaging.call(SCHEDULE, {"trip_id": trip, "text": "Pack", **given}, anna)
    assert answer["code"] == code
    assert field in (None, answer["extensions"].get("field"))
    assert messaging.one("select count(*) from public.scheduled_jobs") == 0


async def test_many_jobs_and_whoever_does_them_is_killed_again_and_again(messaging: Messaging) -> None:
    """Each is done, and is one message."""
    jobs, people = 200, messaging.people(20)
    for number in range(jobs):
        person = people[number % len(people)]
        messaging.db.execute(
            "insert into public.scheduled_jobs (user_id, trip_id, kind, run_at, payload)"
            " values (%s, %s, 'reminder', now(), jsonb_build_object('text', %s::text, 'channel', 'whatsapp'))",
            (person, trip_of(messaging, person), f"job {number}"),
        )
    for done in (20, 60):
        rings = [asyncio.create_task(silently(messaging.call(SCHEDULE, {"wait": True}))) for _ in range(4)]
        await until(lambda done=done: messaging.one(DONE) >= done)  # type: ignore[misc]
        kill(messaging, SCHEDULE)
        await asyncio.gather(*rings)
        messaging.db.execute("update private.tasks set lease_until = now() where status = 'running'")
        messaging.db.execute("select private.release_tasks()")

    async def ring() -> None:
        await silently(messaging.call(SCHEDULE, {"wait": True}))
        await silently(messaging.call(SEND, {"wait": True}))

    await finish(messaging, ring)
    assert messaging.one(DONE) == jobs
    assert Counter(statuses(messaging).values()) == {"sent": jobs}
    assert sorted(messaging.phone.texts()) == sorted(f"job {number}" for number in range(jobs))


DONE = "select count(*) from public.scheduled_jobs where status = 'done'"


async def test_a_rule_is_tried_before_it_does_anything(messaging: Messaging, anna: Account, trip: str) -> None:
    rule = messaging.one(
        "insert into public.automation_rules (user_id, trip_id, trigger, action) values"
        """ (%s, %s, 'trip_status_changed', '{"kind": "send_whatsapp", "text": "It moves"}') returning id::text""",
        anna.id,
        trip,
    )
    code, answer = await messaging.call(TRIGGER, {"rule_id": rule}, anna)
    assert (code, messaging.one("select count(*) from private.tasks where kind = 'send_whatsapp'")) == (200, 0), answer
    assert (await messaging.call(TRIGGER, {"rule_id": rule, "dry_run": False}, anna))[0] == 200
    await until(lambda: list(statuses(messaging).values()) == ["sent"])
    assert messaging.phone.texts() == ["“Sailing” is being planned now: It moves"]
    stranger = await messaging.account()
    code, answer = await messaging.call(TRIGGER, {"rule_id": rule}, stranger)
    assert (code, answer["code"], answer["extensions"]) == (404, "NOT_FOUND", {"field": "rule_id"})


async def silently(call: Awaitable[Any]) -> None:
    """Whoever is called may die over it."""
    with suppress(Exception):
        await call


def kill(messaging: Messaging, name: str) -> None:
    """kill -9 of a function's process."""
    ours = str(messaging.functions / name)
    for each in psutil.Process(os.getpid()).children(recursive=True):
        with suppress(psutil.Error):
            if any(part.startswith(ours) for part in each.cmdline()) and "--preload" in each.cmdline():
                each.send_signal(signal.SIGKILL)

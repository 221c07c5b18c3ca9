"""Messages over the fake of Meta: however it tells of them (twice, late, in any order, too early), it ends alike."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.functions.whatsapp.conftest import Messaging, settings
from tests.functions.whatsapp.phone import TOKEN
from tests.functions.whatsapp.test_once import finish
from tests.functions.whatsapp.workers import workers

if TYPE_CHECKING:
    from pathlib import Path

MESSAGES, PEOPLE = 40, 10


async def control(messaging: Messaging, method: str, path: str, body: Any = None) -> Any:
    """What a test does to the fake."""
    url = f"{messaging.info.api_url}/providers/control/{path}"
    headers = {"apikey": messaging.info.secret_key}
    async with messaging.http.request(method, url, json=body, headers=headers) as answer:
        text = await answer.text()
        assert answer.status < 300, text
        return json.loads(text) if text else None


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"copies": 3, "shuffle": 5, "gatherSeconds": 1},
        {"copies": 2, "shuffle": 7, "batch": 9, "gatherSeconds": 2},
        {"copies": 2, "shuffle": 11, "beforeReply": True},
    ],
    ids=["as they come", "often and shuffled", "batched", "before the answer"],
)
async def test_however_meta_tells_it_ends_in_the_same_rows(
    messaging: Messaging, tmp_path: Path, plan: dict[str, Any]
) -> None:
    await control(messaging, "POST", "reset")
    await control(messaging, "POST", "meta/limits", {"pairSeconds": 0, "messagesPerSecond": 1000})
    await control(messaging, "POST", "meta/plan", {"statuses": ["sent", "delivered", "read"], **plan})
    people = messaging.people(PEOPLE, written=False)
    for number in range(MESSAGES):
        parameters = {"trip": "Sailing", "text": f"message {number}"}
        messaging.queue(people[number % PEOPLE], f"message {number}", template="trip_reminder", parameters=parameters)
    api = {**settings(0), "WHATSAPP_API_BASE": f"{messaging.info.api_url}/providers/meta"}
    async with workers([TOKEN], messaging.info, messaging.functions, api, messaging.http, tmp_path) as (worker,):
        await finish(messaging, worker.ring)
    await control(messaging, "POST", "meta/flush")
    await control(messaging, "POST", "deliveries/settle")
    rows = messaging.db.execute("select status, category, cost, wamid from public.whatsapp_messages").fetchall()
    assert Counter((row["status"], row["category"]) for row in rows) == {("read", "utility"): MESSAGES}
    assert {row["cost"] for row in rows} == {Decimal("0.030000")}
    held = [each["wamid"] for each in (await control(messaging, "GET", "meta/messages"))["messages"]]
    assert sorted(held) == sorted(row["wamid"] for row in rows)
    told = messaging.db.execute(
        "select status, count(*)::int as times from public.delivery_events group by 1"
    ).fetchall()
    assert {row["status"]: row["times"] for row in told} == dict.fromkeys(("sent", "delivered", "read"), MESSAGES)
    # What nobody has sent is the person's own, and counts once.
    used = "select distinct used_amount, reserved_amount from public.usage_limits where metric = 'whatsapp_messages'"
    assert [tuple(row.values()) for row in messaging.db.execute(used)] == [(MESSAGES // PEOPLE, 0)]


async def test_who_stops_marketing_in_their_app_gets_the_rest(messaging: Messaging) -> None:
    await control(messaging, "POST", "reset")
    (anna,) = messaging.people(1)
    messaging.db.execute(
        "insert into public.notification_preferences (user_id, topic, channel) values (%s, 'marketing', 'whatsapp')",
        (anna,),
    )
    await control(messaging, "POST", f"meta/phones/{messaging.number(anna)}", {"stopsMarketing": True})
    await control(messaging, "POST", "deliveries/settle")
    wanted = "select private.may_notify(%s, %s, 'whatsapp') ->> 'allowed'"
    assert [messaging.one(wanted, anna, topic) for topic in ("marketing", "message")] == ["false", "true"]

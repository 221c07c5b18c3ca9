"""What people send each other, and what Meta makes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import jwt
import pytest

from tests.functions.waiting import until
from tests.functions.whatsapp.conftest import Account, Messaging, status
from tests.functions.whatsapp.phone import TOKEN, Gate, Script

SEND = "send-whatsapp-message"


@pytest.fixture
async def ada(messaging: Messaging) -> Account:
    return await messaging.account()


async def together(messaging: Messaging, ada: Account, **contact: bool) -> tuple[str, str]:
    """Ids of somebody who reads WhatsApp, and of a trip that they and Ada are on."""
    (ben,) = messaging.people(1, **contact)
    trip = messaging.one("insert into public.trips (user_id, title) values (%s, 'Sailing') returning id::text", ada.id)
    messaging.db.execute(
        "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')", (trip, ben)
    )
    return ben, trip


def stands(messaging: Messaging) -> list[tuple[str, str | None]]:
    rows = messaging.db.execute(
        "select status, error_code from public.whatsapp_messages order by created_at"
    ).fetchall()
    return [(row["status"], row["error_code"]) for row in rows]


async def done(messaging: Messaging) -> None:
    """What is due by now, or waits to be tried again, is done."""
    messaging.db.execute("update private.tasks set run_at = now() where status = 'waiting'")
    assert (await messaging.call(SEND, {"wait": True}))[0] == 200


async def test_a_message_is_queued_for_whoever_asks_and_sent_behind_the_answer(
    messaging: Messaging, ada: Account
) -> None:
    ben, trip = await together(messaging, ada)
    code, answer = await messaging.call(SEND, {"recipient_id": ben, "trip_id": trip, "text": "On deck at 8"}, ada)
    assert code == 202
    await until(lambda: stands(messaging) == [("sent", None)])
    (message,) = messaging.phone.messages
    assert message["to"].lstrip("+") == messaging.number(ben)
    assert message["biz_opaque_callback_data"] == answer["message"]["id"]
    assert "On deck at 8" in messaging.phone.texts()[0]


async def test_the_same_key_is_one_message(messaging: Messaging, ada: Account) -> None:
    ben, trip = await together(messaging, ada)
    body = {"recipient_id": ben, "trip_id": trip, "text": "On deck at 8", "idempotency_key": "k1"}
    answers = await asyncio.gather(*(messaging.call(SEND, body, ada) for _ in range(4)))
    assert len({answer["message"]["id"] for _, answer in answers}) == 1
    await until(lambda: stands(messaging) == [("sent", None)])
    assert len(messaging.phone.messages) == 1


async def test_a_token_that_nobody_signed_sends_nothing(messaging: Messaging, ada: Account) -> None:
    """The platform verifies no token of this function, so the database does."""
    ben, trip = await together(messaging, ada)
    claims = jwt.decode(ada.token, options={"verify_signature": False})
    forged = jwt.encode(claims, "a secret of somebody else's, of 32 bytes")
    body = {"recipient_id": ben, "trip_id": trip, "text": "On deck at 8"}
    code, answer = await messaging.call(SEND, body, forged)
    assert (code, answer["code"]) == (401, "UNAUTHENTICATED")
    assert stands(messaging) == []


async def test_whom_one_may_not_write_to_is_nobody(messaging: Messaging, ada: Account) -> None:
    """The same answer for somebody without a shared trip, and for nobody at all."""
    ben, trip = await together(messaging, ada)
    (stranger,) = messaging.people(1)
    nobody = "0c5c0000-0000-4000-8000-000000000001"
    for recipient, shared in ((stranger, trip), (stranger, None), (nobody, trip), (ben, nobody)):
        body = {"recipient_id": recipient, "trip_id": shared, "text": "Hello"}
        code, answer = await messaging.call(SEND, body, ada)
        assert (code, answer["code"]) == (404, "NOT_FOUND")
    assert stands(messaging) == []


async def test_who_said_stop_is_not_written_to(messaging: Messaging, ada: Account) -> None:
    ben, trip = await together(messaging, ada)
    assert (await messaging.tell(messaging.stop(ben)))[0] == 200
    code, answer = await messaging.call(SEND, {"recipient_id": ben, "trip_id": trip, "text": "Hello"}, ada)
    assert (code, answer["code"]) == (409, "RECIPIENT_OPTED_OUT")
    assert messaging.phone.messages == []


@pytest.mark.parametrize(
    ("script", "once", "again", "asked"),
    [
        (Script(code=131026), ("failed", "131026"), "failed", 1),
        (Script(code=131056, times=1), ("sent", None), "sent", 2),
        (Script(code=130429, status=429, times=2), ("queued", None), "sent", 3),
        (Script(code=190, status=401, times=1), ("queued", None), "sent", 2),
        (Script(code=131000, status=500), ("unknown", None), "unknown", 1),
        (Script(lose=True), ("unknown", None), "unknown", 1),
    ],
    ids=["refused", "the pair", "the second", "the token", "broken", "lost"],
)
async def test_what_meta_answers_decides(
    messaging: Messaging, script: Script, once: tuple[str, str | None], again: str, asked: int
) -> None:
    """What is not taken for seconds is waited for, what is not for longer tried again; what may have left never is."""
    (ben,) = messaging.people(1)
    messaging.phone.scripts["Pack"] = script
    messaging.queue(ben, "Pack")
    await done(messaging)
    ((word, code),) = stands(messaging)
    assert word == once[0]
    assert once[1] in (None, code)
    await done(messaging)
    ((word, _),) = stands(messaging)
    assert word == again
    assert sum(messaging.phone.asked.values()) == asked


async def test_what_is_unknown_is_settled_by_what_meta_tells(messaging: Messaging) -> None:
    (ben,) = messaging.people(1)
    messaging.phone.scripts["Pack"] = Script(lose=True)
    messaging.queue(ben, "Pack")
    await done(messaging)
    (message,) = messaging.phone.messages
    ours = message["biz_opaque_callback_data"]
    assert [word for word, _ in stands(messaging)] == ["unknown"]
    told = {"statuses": [status("wamid.found", "delivered", biz_opaque_callback_data=ours)]}
    assert (await messaging.tell(told))[0] == 200
    assert [word for word, _ in stands(messaging)] == ["delivered"]
    assert messaging.one("select wamid from public.whatsapp_messages") == "wamid.found"


async def test_a_status_may_come_before_the_answer(messaging: Messaging) -> None:
    (ben,) = messaging.people(1)
    gate = messaging.phone.gates[TOKEN] = Gate()
    messaging.queue(ben, "Pack")
    ring = asyncio.create_task(messaging.call(SEND, {"wait": True}))
    await gate.reached.wait()
    (message,) = messaging.phone.messages
    ours = message["biz_opaque_callback_data"]
    read = status(f"wamid.1.{ours}", "read", biz_opaque_callback_data=ours)
    assert (await messaging.tell({"statuses": [read]}))[0] == 200
    gate.opens.set()
    assert (await ring)[0] == 200
    assert [word for word, _ in stands(messaging)] == ["read"]


async def test_where_the_window_was_closed_after_all_the_template_is_taken(messaging: Messaging) -> None:
    """131047: we thought that it was open, and Meta knows better."""
    (ben,) = messaging.people(1)
    messaging.phone.scripts["Pack"] = Script(code=131047, times=1)
    parameters = {"trip": "Sailing", "text": "Pack"}
    messaging.queue(ben, "Pack", template="trip_reminder", parameters=parameters)
    await done(messaging)
    assert [word for word, _ in stands(messaging)] == ["sent"]
    (message,) = messaging.phone.messages
    assert (message["type"], message["template"]["name"]) == ("template", "trip_reminder")


async def test_statuses_in_any_order_and_often_end_in_one(messaging: Messaging) -> None:
    (ben,) = messaging.people(1)
    messaging.queue(ben, "Pack")
    await done(messaging)
    wamid = messaging.one("select wamid from public.whatsapp_messages")
    pricing = {"billable": True, "category": "utility", "pricing_model": "PMP", "type": "regular"}
    said: list[dict[str, Any]] = [
        status(wamid, word, 1_796_040_000 + second, pricing=pricing)
        for second, word in enumerate(("sent", "delivered", "read"))
    ]
    late = status(wamid, "failed", errors=[{"code": 131026}])
    values = [{"statuses": [each]} for each in (*reversed(said), late, *said)]
    answers = await asyncio.gather(*(messaging.tell(value) for value in values))
    assert {code for code, _ in answers} == {200}
    assert [word for word, _ in stands(messaging)] == ["read"]
    counted = "select status, count(*)::int as times from public.delivery_events group by 1 order by 1"
    rows = messaging.db.execute(counted).fetchall()
    assert {row["status"]: row["times"] for row in rows} == {"delivered": 1, "failed": 1, "read": 1, "sent": 1}

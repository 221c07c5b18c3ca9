"""What Meta tells by webhook: in which words, signed, and as unreliably as a plan says."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.local.providers.meta.conftest import ANNA, SECRET, Meta, signed, template, text
from tripgate.local.providers.meta.wire import PHONE_NUMBER_ID

HI = template("trip_reminder", "Rome", "Pack your bags", biz_opaque_callback_data="m1")


async def told(meta: Meta) -> list[str]:
    return [each["status"] for each in await meta.statuses()]


async def test_a_message_is_sent_then_delivered_then_read(meta: Meta) -> None:
    wamid = await meta.sent(HI)
    assert await told(meta) == ["sent", "delivered"]
    assert await meta.control("POST", "read", {"number": ANNA}) == {"read": 1}
    assert await meta.control("POST", "read", {"number": ANNA}) == {"read": 0}
    assert await told(meta) == ["sent", "delivered", "read"]
    first, *_ = await meta.values()
    (contact,) = first["contacts"]
    (status,) = first["statuses"]
    assert first["metadata"] == {"display_phone_number": "15550001111", "phone_number_id": PHONE_NUMBER_ID}
    assert contact == {"profile": {"name": "Phone 0001"}, "wa_id": ANNA, "user_id": contact["user_id"]}
    assert status == {
        "id": wamid,
        "status": "sent",
        "timestamp": status["timestamp"],
        "recipient_id": ANNA,
        "recipient_user_id": contact["user_id"],
        "biz_opaque_callback_data": "m1",
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility", "type": "regular"},
    }
    assert contact["user_id"].startswith("IT.")
    assert all(signed(headers, body) for headers, body in meta.heard.requests)
    assert not any(signed(headers, body, "another") for headers, body in meta.heard.requests)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (text(), (False, "service", "free_customer_service")),
        (HI, (False, "utility", "free_customer_service")),
        (template("trip_ideas", "Go north"), (True, "marketing", "regular")),
    ],
)
async def test_what_is_free_while_the_window_is_open(meta: Meta, message: dict[str, Any], expected: Any) -> None:
    await meta.write()
    await meta.sent(message)
    found = {(each["pricing"]["billable"], each["pricing"]["category"], each["pricing"]["type"])
             for each in await meta.statuses()}  # fmt: skip
    assert found == {expected}


async def test_somebody_writes(meta: Meta) -> None:
    sent = await meta.sent(HI)
    await meta.settled()
    wamid = await meta.write(text="STOP", context=sent)
    value = (await meta.values())[-1]
    (contact,), (message,) = value["contacts"], value["messages"]
    assert message == {
        "from": ANNA,
        "from_user_id": contact["user_id"],
        "id": wamid,
        "timestamp": message["timestamp"],
        "type": "text",
        "text": {"body": "STOP"},
        "context": {"from": "15550001111", "id": sent},
    }
    answer = {"status": "read", "message_id": wamid}
    assert await meta.post(answer) == (200, {"success": True})
    assert (await meta.refused({"status": "read", "message_id": sent}))[1] == 131009


async def test_somebody_without_a_number_writes_and_is_answered(meta: Meta) -> None:
    person = await meta.control("POST", "phones", {"username": "anna.k", "name": "Anna"}, 201)
    bsuid = person["bsuid"]
    assert person["number"] is None
    await meta.write(bsuid)
    status, answer = await meta.post({"recipient": bsuid, "type": "text", "text": {"body": "Ciao Anna"}})
    assert (status, answer["contacts"]) == (200, [{"input": bsuid, "user_id": bsuid}])
    inbound, *statuses = await meta.values()
    assert inbound["contacts"] == [{"profile": {"name": "Anna", "username": "anna.k"}, "user_id": bsuid}]
    assert "from" not in inbound["messages"][0]
    assert [each["statuses"][0].get("recipient_id") for each in statuses] == [None, None]
    assert {each["statuses"][0]["recipient_user_id"] for each in statuses} == {bsuid}
    nobody = {"recipient": "IT.1", "type": "text", "text": {"body": "x"}}
    assert (await meta.refused(nobody))[1] == 131026


async def test_a_new_number_is_told_and_the_old_one_is_somebody_elses(meta: Meta) -> None:
    await meta.write()
    old = (await meta.control("GET", f"phones/{ANNA}"))["bsuid"]
    new = await meta.control("POST", "number-change", {"from": ANNA, "to": "+39 333 000 0009"})
    (message,) = (await meta.values())[-1]["messages"]
    assert (message["type"], message["from"]) == ("system", ANNA)
    assert message["system"] == {
        "body": "Phone 0001 changed from 393330000001 to 393330000009",
        "type": "user_changed_number",
        "wa_id": "393330000009",
        "user_id": new["bsuid"],
        "previous_user_id": old,
    }
    assert (await meta.refused(text()))[1] == 131047  # by whoever has it now
    await meta.sent(text(to="393330000009"))
    await meta.write()
    taken = await meta.control("POST", "number-change", {"from": ANNA, "to": "393330000009"}, 400)
    assert taken == {"message": "+393330000009 is somebody's already"}


async def test_statuses_come_twice_shuffled_and_together(meta: Meta) -> None:
    await meta.control("POST", "limits", {"pairSeconds": 0}, 204)
    await meta.plan(statuses=["sent", "delivered", "read"], copies=2, batch=5, shuffle=7, gatherSeconds=60)
    wamids = [await meta.sent(HI) for _ in range(4)]
    # Nothing is told before they are gathered.
    assert meta.heard.requests == []
    told = []
    async with asyncio.timeout(60):
        while len(told) < 24:
            await meta.control("POST", "flush")
            told = [status for body in meta.heard.bodies for status in statuses_in(body)]
    assert sorted((each["id"], each["status"]) for each in told) == sorted(
        (wamid, status) for wamid in wamids for status in ("sent", "delivered", "read") for _ in range(2)
    )
    assert max(len(statuses_in(body)) for body in meta.heard.bodies) == 5
    for wamid in wamids:
        order = [each["status"] for each in told if each["id"] == wamid]
        assert sorted(order) == ["delivered", "delivered", "read", "read", "sent", "sent"]
    await meta.served.house.reset()


def statuses_in(body: bytes) -> list[dict[str, Any]]:
    return list(json.loads(body)["entry"][0]["changes"][0]["value"].get("statuses", []))


async def test_a_status_comes_before_the_reply_of_its_own_message(meta: Meta) -> None:
    await meta.plan(beforeReply=True)
    await meta.sent(HI)
    assert len(meta.heard.requests) == 2


async def test_the_answer_is_lost_and_the_statuses_come(meta: Meta) -> None:
    lost = {"provider": "meta", "kind": "drop", "after": True, "path": "*/messages"}
    await meta.served.control("POST", "failures", lost, 201)
    with pytest.raises(aiohttp.ClientError):
        await meta.post(HI)
    assert {each["biz_opaque_callback_data"] for each in await meta.statuses()} == {"m1"}
    assert len((await meta.control("GET", f"phones/{ANNA}"))["messages"]) == 1


async def test_what_is_not_delivered_is_said_by_a_status_where_the_plan_says_so(meta: Meta) -> None:
    await meta.plan(refusals="status")
    await meta.sent(text())
    (status,) = await meta.statuses()
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131047)
    assert "pricing" not in status
    assert (await meta.control("GET", f"phones/{ANNA}"))["messages"] == []


async def test_a_webhook_is_sent_again_for_a_week_until_it_is_taken(meta: Meta) -> None:
    meta.heard.statuses = [500] * 9
    await meta.write()
    await meta.settled()
    assert len(meta.heard.requests) == 1
    await meta.advance(7 * 24 * 3600)
    assert len(meta.heard.requests) == 10
    assert len(set(meta.heard.bodies)) == 1
    assert all(signed(headers, body, SECRET) for headers, body in meta.heard.requests)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("inbound", {"from": "12", "text": "x"}),
        ("inbound", {"from": "IT.1", "text": "x"}),
        ("inbound", {"from": ANNA, "text": ""}),
        ("number-change", {"from": ANNA, "to": "IT.1"}),
        ("plan", {"statuses": ["gone"]}),
        ("plan", {"copies": 0}),
        ("webhook", {"url": "https://example.com/hook", "secret": "x"}),
        ("phones", {"username": "A"}),
        ("limits", {"pairSeconds": -1}),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_sentence(meta: Meta, path: str, body: Any) -> None:
    assert (await meta.control("POST", path, body, 400))["message"]

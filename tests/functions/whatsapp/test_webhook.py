"""What Meta tells, over HTTP: what is forged leaves nothing, and one bad part spoils no other."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from tests.functions.whatsapp.conftest import APP_SECRET, VERIFY_TOKEN, Messaging, inbound, signature, status
from tests.functions.whatsapp.phone import SENDER

RIGHT = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (RIGHT, (200, "1158201444")),
        ({**RIGHT, "hub.verify_token": "guessed_0123456789"}, (403, "FORBIDDEN")),
        ({**RIGHT, "hub.verify_token": ""}, (403, "FORBIDDEN")),
        ({**RIGHT, "hub.mode": "unsubscribe"}, (403, "FORBIDDEN")),
        ({**RIGHT, "hub.challenge": "<script>"}, (403, "FORBIDDEN")),
    ],
    ids=["agreed", "guessed", "empty", "another mode", "no challenge"],
)
async def test_meta_asks_whether_this_is_the_place(
    messaging: Messaging, http: aiohttp.ClientSession, asked: dict[str, str], answer: tuple[int, str]
) -> None:
    url = f"{messaging.info.api_url}/functions/v1/handle-whatsapp-webhook"
    async with http.get(url, params=asked) as response:
        text = await response.text()
    assert (response.status, json.loads(text)["code"] if text.startswith("{") else text) == answer


def body(*statuses: dict[str, Any]) -> bytes:
    value = {"metadata": {"phone_number_id": SENDER}, "statuses": list(statuses)}
    entry = [{"changes": [{"field": "messages", "value": value}]}]
    return json.dumps({"object": "whatsapp_business_account", "entry": entry}, indent=1).encode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        signature(body(), "another_secret_0123456789"),
        signature(body(), APP_SECRET),  # of another body
    ],
)
async def test_what_is_forged_is_refused_and_leaves_no_row(messaging: Messaging, header: str) -> None:
    answer, said = await messaging.tell_bytes(body(status("wamid.forged", "read")), header)
    assert (answer, said["code"]) == (403, "FORBIDDEN")
    assert messaging.one("select count(*) from public.delivery_events") == 0


async def test_one_bad_part_spoils_no_other(messaging: Messaging) -> None:
    """In one body: parts in no form, a status of nobody's message, and what two people write."""
    anna, ben = messaging.people(2, written=False)
    bad: list[Any] = [None, "sent", {"status": "read"}, status("wamid.1", "read", timestamp="soon")]
    told = await messaging.tell(
        {"statuses": [*bad, status("wamid.of.nobody", "delivered")], "messages": [7]},
        {"metadata": {}, "statuses": [status("wamid.2", "read")]},
        inbound(messaging.number(anna), "Yes"),
        {"metadata": {"phone_number_id": "5"}, "statuses": [status("wamid.3", "read")]},
        inbound(messaging.number(ben), "No \0 \ud800"),
    )
    assert told == (200, {"received": 3, "ignored": 1, "malformed": len(bad) + 2})
    rows = messaging.db.execute(
        "select user_id::text, body, status from public.whatsapp_messages order by body"
    ).fetchall()
    assert [tuple(row.values()) for row in rows] == [(ben, "No \ufffd \ufffd", "received"), (anna, "Yes", "received")]
    assert messaging.one("select count(*) from public.whatsapp_contacts where last_inbound_at is not null") == 2
    assert messaging.one("select wamid from public.delivery_events where message_id is null") == "wamid.of.nobody"


async def test_what_is_told_again_and_at_once_is_one_message(messaging: Messaging) -> None:
    (anna,) = messaging.people(1, written=False)
    value = inbound(messaging.number(anna), "Yes")
    answers = await asyncio.gather(*(messaging.tell(value, value) for _ in range(8)))
    assert {code for code, _ in answers} == {200}
    assert messaging.one("select body from public.whatsapp_messages") == "Yes"


async def test_strangers_leave_no_row(messaging: Messaging) -> None:
    (anna,) = messaging.people(1)
    messaging.db.execute("update public.whatsapp_contacts set verified_at = null, opted_in_at = null")
    for number in (messaging.number(anna), "393330099999"):
        assert await messaging.tell(inbound(number, "Hello")) == (200, {"received": 1, "ignored": 0, "malformed": 0})
    assert messaging.one("select count(*) from public.whatsapp_messages") == 0


async def test_stop_ends_everything_and_start_begins_it_again(messaging: Messaging) -> None:
    (anna,) = messaging.people(1)
    number = messaging.number(anna)
    wanted = "select private.whatsapp_opted_in(%s)"
    for text, opted_in in (("stop", False), ("What do you mean?", False), ("START", True), (" Stop. ", False)):
        assert (await messaging.tell(inbound(number, text)))[0] == 200
        assert messaging.one(wanted, anna) is opted_in


async def test_who_has_another_number_shows_it_anew(messaging: Messaging) -> None:
    """The old one may be somebody else's by now."""
    (anna,) = messaging.people(1)
    number = messaging.number(anna)
    system = {"type": "user_changed_number", "wa_id": "393330099999", "body": "Anna changed"}
    message = {"from": number, "id": "wamid.s", "timestamp": str(int(time.time())), "type": "system", "system": system}
    assert (await messaging.tell({"messages": [message]}))[0] == 200
    assert messaging.one("select verified_at from public.whatsapp_contacts") is None
    messaging.queue(anna, "Pack")
    assert (await messaging.call("send-whatsapp-message", {"wait": True}))[0] == 200
    assert messaging.phone.messages == []


async def test_a_thousand_statuses_in_one_body(messaging: Messaging) -> None:
    """As many as Meta puts together."""
    statuses = [status(f"wamid.{number}", "delivered") for number in range(1000)]
    assert await messaging.tell({"statuses": statuses}) == (200, {"received": 1000, "ignored": 0, "malformed": 0})
    assert messaging.one("select count(*) from public.delivery_events") == 1000


async def test_who_shows_a_user_name_alone_is_known_by_their_id(messaging: Messaging) -> None:
    """They are written to and answer without a number, until that id is another's."""
    (anna,) = messaging.people(1)
    messaging.db.execute("update public.whatsapp_contacts set phone = null, bsuid = 'IT.1349', last_inbound_at = null")
    value = inbound("", "Yes", from_user_id="IT.1349")
    del value["messages"][0]["from"]
    value["contacts"] = [{"profile": {"name": "Anna", "username": "anna.k"}, "user_id": "IT.1349"}]
    assert (await messaging.tell(value))[0] == 200
    messaging.queue(anna, "Pack")
    assert (await messaging.call("send-whatsapp-message", {"wait": True}))[0] == 200
    (message,) = messaging.phone.messages
    assert (message.get("to"), message["recipient"], message["text"]["body"]) == (None, "IT.1349", "Pack")
    system = {"type": "user_changed_user_id", "previous_user_id": "IT.1349", "user_id": "IT.1350"}
    changed = {"id": "wamid.s", "timestamp": str(int(time.time())), "type": "system", "system": system}
    assert (await messaging.tell({"messages": [changed]}))[0] == 200
    assert messaging.one("select verified_at from public.whatsapp_contacts") is None

"""Messages by GraphQL: sent by a mutation, and told of by a subscription, as they come in and as they move on."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.functions.whatsapp.conftest import Account, Messaging, inbound, status
from tests.live.clients import live
from tests.support import Person, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SEND = """mutation ($input: SendWhatsappMessageInput!) {
  sendWhatsappMessage(input: $input) { id status body senderId trip { title } }
}"""
CHANGES = """subscription { whatsappMessageChanges { operation whatsappMessage { direction status body } } }"""


@pytest.fixture
async def url(messaging: Messaging) -> AsyncIterator[str]:
    async with serving(messaging.info) as url:
        yield url


@pytest.fixture
async def ada(messaging: Messaging, url: str) -> Person:
    return person(messaging, url, await messaging.account())


@pytest.fixture
async def ben(messaging: Messaging, url: str) -> Person:
    """Somebody who reads WhatsApp."""
    account = await messaging.account()
    messaging.reach(account.id, "+393330088888")
    return person(messaging, url, account)


def person(messaging: Messaging, url: str, account: Account) -> Person:
    return Person(messaging.http, url, account.token, id=account.id)


def trip_of(messaging: Messaging, *people: Person) -> str:
    """A trip of the first, which the others are on."""
    owner, *others = people
    trip = messaging.one(
        "insert into public.trips (user_id, title) values (%s, 'Sailing') returning id::text", owner.id
    )
    for each in others:
        messaging.db.execute(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')", (trip, each.id)
        )
    return str(trip)


async def test_sending_and_following_it_until_it_is_read_and_answered(
    messaging: Messaging, ada: Person, ben: Person
) -> None:
    trip = trip_of(messaging, ada, ben)
    async with live(ben) as connection:
        heard = await connection.subscribe(CHANGES)

        async def until(**expected: Any) -> None:
            """The changes that come, until one is of a row as it is expected; nobody asks for them again."""
            while True:
                change = (await connection.event(heard))["whatsappMessageChanges"]
                if change["whatsappMessage"] == expected:
                    return

        # Until Realtime has let them in.
        for number in range(50):
            assert (await messaging.tell(inbound("393330088888", f"Are you there {number}?")))[0] == 200
            with suppress(TimeoutError):
                await connection.event(heard, 0.5)
                break
        given = {"recipientId": ben.id, "tripId": trip, "text": "On deck at 8"}
        message = (await ada.ask(SEND, input=given))["sendWhatsappMessage"]
        assert (message["senderId"], message["trip"]) == (ada.id, {"title": "Sailing"})
        body = message["body"]
        assert body.endswith("On deck at 8")
        await until(direction="OUTBOUND", status="SENT", body=body)
        (held,) = messaging.phone.messages
        assert held["biz_opaque_callback_data"] == message["id"]
        # Not from the database: a change may be heard of before it can be read.
        wamid = messaging.phone.ids[message["id"]]
        for word in ("delivered", "read"):
            assert (await messaging.tell({"statuses": [status(wamid, word)]}))[0] == 200
            await until(direction="OUTBOUND", status=word.upper(), body=body)
        assert (await messaging.tell(inbound("393330088888", "Aye", context={"id": wamid})))[0] == 200
        await until(direction="INBOUND", status="RECEIVED", body="Aye")


@pytest.mark.parametrize(
    ("change", "given", "code"),
    [
        ("verified_at = null, opted_in_at = null", {"text": "Hello"}, "RECIPIENT_OPTED_OUT"),
        ("opted_out_at = now()", {"text": "Hello"}, "RECIPIENT_OPTED_OUT"),
        ("last_inbound_at = now() - interval '25 hours'", {"text": "Hello"}, "TEMPLATE_REQUIRED"),
        ("last_inbound_at = null", {"text": "Hello"}, "TEMPLATE_REQUIRED"),
        ("phone = phone", {"text": " "}, "BAD_USER_INPUT"),
        ("phone = phone", {}, "BAD_USER_INPUT"),
        ("phone = phone", {"template": "trip_nothing", "parameters": {}}, "BAD_USER_INPUT"),
        ("phone = phone", {"template": "trip_message", "parameters": {}}, "BAD_USER_INPUT"),
        ("phone = phone", {"template": "trip_message", "parameters": {"text": 1}}, "BAD_USER_INPUT"),
        ("phone = phone", {"text": "Hello", "recipientId": "0c5c0000-0000-4000-8000-000000000001"}, "NOT_FOUND"),
    ],
)
async def test_what_is_refused_is_told_in_the_api_s_words(
    messaging: Messaging, ada: Person, ben: Person, change: str, given: dict[str, Any], code: str
) -> None:
    trip = trip_of(messaging, ada, ben)
    messaging.db.execute(f"update public.whatsapp_contacts set {change}")
    assert await ada.code(SEND, input={"recipientId": ben.id, "tripId": trip, **given}) == code
    assert messaging.one("select count(*) from public.whatsapp_messages") == 0


async def test_over_quota_nothing_is_queued(messaging: Messaging, ada: Person, ben: Person) -> None:
    trip = trip_of(messaging, ada, ben)
    messaging.db.execute("select public.reserve_usage(%s, 'whatsapp_messages', 20, 'test')", (ada.id,))
    given = {"recipientId": ben.id, "tripId": trip, "text": "Hello"}
    assert await ada.code(SEND, input=given) == "USAGE_LIMIT_EXCEEDED"
    assert messaging.one("select count(*) from public.whatsapp_messages") == 0


async def test_whose_window_is_closed_is_reached_by_a_template(messaging: Messaging, ada: Person, ben: Person) -> None:
    trip = trip_of(messaging, ada, ben)
    messaging.db.execute("update public.whatsapp_contacts set last_inbound_at = null")
    given = {"template": "trip_message", "parameters": {"text": "On deck at 8"}}
    message = (await ada.ask(SEND, input={"recipientId": ben.id, "tripId": trip, **given}))["sendWhatsappMessage"]
    assert "On deck at 8" in message["body"]
    assert (await messaging.call("send-whatsapp-message", {"wait": True}))[0] == 200
    (held,) = messaging.phone.messages
    assert (held["type"], held["template"]["name"]) == ("template", "trip_message")
    assert messaging.phone.texts() == ["On deck at 8"]

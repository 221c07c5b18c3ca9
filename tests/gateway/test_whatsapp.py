"""A number of one's own, and messages, by plain HTTP: shown to be the caller's, and never shown to anybody else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest

from tests.database import whatsapp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.conftest import Team
    from tests.support import Person
    from tripgate.local.stack import StackInfo

LINK = "mutation ($phone: String!) { linkWhatsapp(phone: $phone) { phone pendingPhone verifiedAt } }"
VERIFY = "mutation ($code: String!) { verifyWhatsapp(code: $code) { phone pendingPhone optedInAt optedOutAt } }"
UNLINK = "mutation { unlinkWhatsapp }"
MINE = "{ whatsappContact { phone pendingPhone optedInAt user { id } } }"


@pytest.fixture
def db(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        yield connection


def code_of(db: psycopg.Connection, who: Person) -> str:
    """What the person was sent: 271828, whatever it was, since whoever sends it may have forgotten it already."""
    changed = db.execute(
        "update private.whatsapp_codes set digest = private.whatsapp_code_digest(user_id, phone, '271828')"
        " where user_id = %s",
        (who.id,),
    )
    assert changed.rowcount == 1
    return "271828"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


async def link(db: psycopg.Connection, who: Person, phone: str) -> None:
    await who.ask(LINK, phone=phone)
    await who.ask(VERIFY, code=code_of(db, who))


def sent_by(db: psycopg.Connection, sender: Person, recipient: Person, trip: str) -> str:
    """A message that somebody had sent to somebody else, as far as the phone."""
    assert recipient.id is not None
    asked = whatsapp.reminder(
        UUID(recipient.id), sender=sender.id, trip=trip, topic="message", template="trip_message",
        parameters={"text": "At nine"}, text=None,
    )  # fmt: skip
    message: str = whatsapp.begin(db, asked)["id"]
    whatsapp.told(db, f"wamid.{recipient.id}", message, "delivered", datetime.now(UTC))
    return message


class TestOnesNumber:
    async def test_is_linked_by_the_code(self, db: psycopg.Connection, guest: Person) -> None:
        phone = whatsapp.phone()
        assert await guest.ask(MINE) == {"whatsappContact": None}
        asked = (await guest.ask(LINK, phone=f"{phone[:3]} {phone[3:6]}-{phone[6:]}"))["linkWhatsapp"]
        assert asked == {"phone": None, "pendingPhone": phone, "verifiedAt": None}
        verified = (await guest.ask(VERIFY, code=code_of(db, guest)))["verifyWhatsapp"]
        assert (verified["phone"], verified["pendingPhone"], verified["optedOutAt"]) == (phone, None, None)
        mine = (await guest.ask(MINE))["whatsappContact"]
        assert (mine["phone"], mine["user"], mine["optedInAt"]) == (phone, {"id": guest.id}, verified["optedInAt"])
        assert await guest.ask(UNLINK) == {"unlinkWhatsapp": True}
        assert await guest.ask(UNLINK) == {"unlinkWhatsapp": False}
        assert await guest.ask(MINE) == {"whatsappContact": None}

    async def test_wrong_codes_are_refused_and_counted(self, db: psycopg.Connection, guest: Person) -> None:
        assert await guest.code(VERIFY, code="123456") == "BAD_USER_INPUT"
        await guest.ask(LINK, phone=whatsapp.phone())
        code = code_of(db, guest)
        for _ in range(5):
            said = await guest.refused(VERIFY, code=wrong(code))
            assert (said["code"], said["field"]) == ("BAD_USER_INPUT", "code")
        # The right one came too late, and is told apart from nothing.
        assert await guest.refused(VERIFY, code=code) | {"requestId": ""} == said | {"requestId": ""}

    @pytest.mark.parametrize(
        ("accept", "query"),
        [
            ("application/vnd.pgrst.object+json", ""),
            ("application/vnd.pgrst.object+json;nulls=stripped", ""),
            ("application/json", "?select=id::int&verified_at=is.null"),
            ("application/json", "?offset=1"),
        ],
    )
    async def test_tries_count_whatever_answer_postgrest_is_asked_for(
        self, db: psycopg.Connection, seeded: StackInfo, guest: Person, accept: str, query: str
    ) -> None:
        await guest.ask(LINK, phone=whatsapp.phone())
        code = code_of(db, guest)
        headers = {"Authorization": f"Bearer {guest.token}", "Accept": accept, "Prefer": "count=exact"}
        answers = set()
        for tried in (wrong(code), code):
            url = f"{seeded.rest_url}/rpc/verify_whatsapp{query}"
            async with guest.http.post(url, json={"code": tried}, headers=headers) as response:
                answers.add((response.status, await response.text()))
        # Either may fail as a whole, so that no try counts, but then nothing tells which was right.
        assert len(answers) == 1
        ((tries, is_used),) = db.execute(
            "select tries, used_at is not null from private.whatsapp_codes where user_id = %s", (guest.id,)
        ).fetchall()
        assert (tries, is_used) in {(2, True), (0, False)}

    async def test_anothers_is_answered_as_nobodys(
        self, db: psycopg.Connection, guest: Person, stranger: Person
    ) -> None:
        taken, free = whatsapp.phone(), whatsapp.phone()
        await link(db, stranger, taken)
        for phone in (taken, free):
            assert await guest.ask(LINK, phone=phone) == {
                "linkWhatsapp": {"phone": None, "pendingPhone": phone, "verifiedAt": None}
            }
        await link(db, guest, taken)
        assert (await stranger.ask(MINE))["whatsappContact"]["optedInAt"] is None

    @pytest.mark.parametrize("phone", ["", "333 1234567", "+39 333", "call me"])
    async def test_what_is_no_number_is_named(self, guest: Person, phone: str) -> None:
        said = await guest.refused(LINK, phone=phone)
        assert (said["code"], said["field"]) == ("BAD_USER_INPUT", "phone")

    async def test_codes_are_three_a_day(self, guest: Person) -> None:
        phone = whatsapp.phone()
        for _ in range(3):
            await guest.ask(LINK, phone=phone)
        assert await guest.code(LINK, phone=phone) == "RATE_LIMITED"

    async def test_takes_an_account(self, anonymous: Person) -> None:
        for query, given in ((LINK, {"phone": whatsapp.phone()}), (VERIFY, {"code": "123456"}), (UNLINK, {})):
            assert await anonymous.code(query, **given) == "UNAUTHENTICATED"


class TestAnothersNumber:
    async def test_is_never_shown_whatever_is_asked(self, db: psycopg.Connection, team: Team) -> None:
        phone = whatsapp.reached(db, team.viewer.id)
        message = sent_by(db, team.owner, team.viewer, team.trip)
        query = """query ($phone: String!, $id: UUID!) {
          byNumber: whatsappContacts(filter: { phone: { eq: $phone } }) { totalCount nodes { id } }
          byOther: whatsappContacts(filter: { pendingPhone: { eq: $phone } }) { totalCount }
          all: whatsappContacts { totalCount nodes { phone } }
          whatsappMessage(id: $id) {
            status body senderId user { displayName } deliveries { nodes { wamid } }
          }
          deliveryEvents { totalCount nodes { wamid } }
          byEvent: whatsappMessages(filter: { deliveries: { some: { status: { eq: DELIVERED } } } }) { totalCount }
        }"""
        asked = {"phone": phone, "id": message}
        told = await team.owner.ask(query, **asked)
        assert told["byNumber"] == {"totalCount": 0, "nodes": []}
        assert told["byOther"] == {"totalCount": 0}
        assert told["all"] == {"totalCount": 0, "nodes": []}
        assert told["whatsappMessage"]["status"] == "DELIVERED"
        assert told["whatsappMessage"]["body"].count("At nine") == 1
        assert told["whatsappMessage"]["deliveries"] == {"nodes": []}
        assert told["deliveryEvents"] == {"totalCount": 0, "nodes": []}
        assert told["byEvent"] == {"totalCount": 0}
        theirs = await team.viewer.ask(query, **asked)
        assert theirs["byNumber"]["totalCount"] == theirs["deliveryEvents"]["totalCount"] == 1
        assert theirs["byEvent"] == {"totalCount": 1}
        # Nobody else reads the message at all, not even on the same trip.
        for other in (team.editor, team.stranger):
            assert (await other.ask(query, **asked))["whatsappMessage"] is None

    async def test_what_whatsapp_knows_a_message_by_is_no_field(self, team: Team) -> None:
        for query in (
            "{ whatsappMessages { nodes { wamid } } }",
            '{ whatsappMessages(filter: { wamid: { like: "%39333%" } }) { totalCount } }',
            "{ whatsappMessages(orderBy: [{ wamid: ASC }]) { totalCount } }",
            "{ whatsappMessagesGrouped(by: [WAMID]) { count } }",
        ):
            assert await team.owner.code(query) == "GRAPHQL_VALIDATION_FAILED"


async def test_people_read_what_they_had_sent(db: psycopg.Connection, team: Team) -> None:
    whatsapp.reached(db, team.viewer.id)
    message = sent_by(db, team.owner, team.viewer, team.trip)
    query = """{ whatsappMessages(filter: { direction: { eq: OUTBOUND }, trip: { title: { eq: "Shared" } } }) {
      nodes { id status templateName cost category sender { id } trip { id } }
    } }"""
    for reader in (team.owner, team.viewer):
        assert (await reader.ask(query))["whatsappMessages"]["nodes"] == [
            {
                "id": message,
                "status": "DELIVERED",
                "templateName": "trip_message",
                "cost": "0.030000",
                "category": "UTILITY",
                "sender": {"id": team.owner.id},
                "trip": {"id": team.trip},
            }
        ]

"""Messages to people: who may have them sent, what is looked at before they leave, and that each leaves once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from tests.database.ai import called_by, trip_of
from tests.database.payments import RefusedError, limits, person
from tests.database.whatsapp import (
    ask,
    begin,
    contact_of,
    end,
    linked,
    message_of,
    phone,
    read_by,
    reminder,
    told,
    travelling,
    wants_messages,
    writes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg


def now() -> datetime:
    return datetime.now(UTC)


def send(db: psycopg.Connection, who: uuid.UUID, to: uuid.UUID, trip: uuid.UUID | None = None, **more: Any) -> str:
    """Have a person send something; the message."""
    given = {"template": "trip_message", "parameters": {"text": "See you at nine"}, **more}
    parameters = given.get("parameters")
    said = called_by(
        db,
        who,
        "select public.send_whatsapp_message(%s, %s, %s, %s, %s, %s)",
        to, trip, given["template"], None if parameters is None else Jsonb(parameters), given.get("text"),
        given.get("key"),
    )  # fmt: skip
    return str(said["id"])


def write_text(db: psycopg.Connection, who: uuid.UUID, to: uuid.UUID, text: str, **more: Any) -> str:
    return send(db, who, to, template=None, parameters=None, text=text, **more)


def task_of(db: psycopg.Connection, message: str) -> dict[str, Any]:
    """What the task of a message has in it."""
    found = db.execute(
        "select payload -> 'message' from private.tasks where kind = 'send_whatsapp'"
        " and payload #>> '{message,dedupe_key}' = (select dedupe_key from public.whatsapp_messages where id = %s)",
        (message,),
    ).fetchall()
    assert len(found) == 1
    return dict(found[0][0])


def refused(run: Callable[[], Any]) -> tuple[str, Any]:
    with pytest.raises(RefusedError) as failure:
        run()
    return failure.value.code, failure.value.extensions.get("reason", failure.value.extensions.get("field"))


def opens_the_window(db: psycopg.Connection, number: str, ago: timedelta = timedelta()) -> None:
    assert writes(db, number, "Hello", now() - ago)["status"] == "received"


def used(db: psycopg.Connection, who: uuid.UUID) -> tuple[str, str]:
    """Messages that are used and reserved."""
    return limits(db, who)["whatsapp_messages"][1:]


class Pair:
    """Two who share a trip, of whom the second is reached by WhatsApp."""

    def __init__(self, db: psycopg.Connection) -> None:
        self.sender = person(db)
        self.recipient, self.number = linked(db)
        self.trip = travelling(db, self.recipient, owner=self.sender)


@pytest.fixture
def pair(db: psycopg.Connection) -> Pair:
    return Pair(db)


class TestHavingOneSent:
    def test_writes_it_down_with_its_task(self, db: psycopg.Connection, pair: Pair) -> None:
        message = send(db, pair.sender, pair.recipient, pair.trip)
        row = message_of(db, message)
        assert (row["status"], row["direction"], row["template_name"]) == ("queued", "outbound", "trip_message")
        assert (row["user_id"], row["sender_id"]) == (str(pair.recipient), str(pair.sender))
        assert row["parameters"]["text"] == "See you at nine"
        assert "See you at nine" in row["body"]
        sent = begin(db, task_of(db, message))
        assert (sent["do"], sent["id"], sent["to"]) == ("send", message, pair.number)

    def test_what_stands_in_its_places_fills_no_other(self, db: psycopg.Connection) -> None:
        who, _ = linked(db)
        asked = reminder(who, text=None, parameters={"text": "{{trip}} {{text}} }}{{ {{"})
        begin(db, asked)
        (body,) = db.execute(
            "select body from public.whatsapp_messages where dedupe_key = %s", (asked["dedupe_key"],)
        ).fetchone() or ("",)
        assert body.startswith("Your reminder for “Tripgate”: {{trip}} {{text}} }}{{ {{\n\nReply STOP")

    def test_one_key_is_one_message(self, db: psycopg.Connection, pair: Pair) -> None:
        first, again = (send(db, pair.sender, pair.recipient, pair.trip, key="a") for _ in range(2))
        assert first == again
        assert used(db, pair.sender) == ("0", "1")
        assert send(db, pair.sender, pair.recipient, pair.trip, key="b") != first
        for other in (
            {"parameters": {"text": "See you at ten"}},
            {"trip": None},
            {"template": None, "parameters": None, "text": "See you at nine"},
        ):
            given = {"trip": pair.trip, **other}
            assert refused(lambda given=given: send(db, pair.sender, pair.recipient, key="a", **given)) == (
                "CONFLICT",
                "KEY_REUSED",
            )

    def test_anothers_key_is_another_key(self, db: psycopg.Connection, pair: Pair) -> None:
        other, _ = linked(db)
        trip = travelling(db, pair.recipient, owner=other)
        assert send(db, pair.sender, pair.recipient, key="a") != send(db, other, pair.recipient, trip, key="a")

    def test_to_nobody_whom_one_does_not_travel_with(self, db: psycopg.Connection, pair: Pair) -> None:
        stranger, _ = linked(db)
        others = trip_of(db, stranger)
        for to, trip in (
            (stranger, None),
            (stranger, pair.trip),
            (stranger, others),
            (pair.recipient, others),
            (pair.recipient, uuid.uuid4()),
            (uuid.uuid4(), None),
            (uuid.uuid4(), pair.trip),
        ):
            assert refused(lambda to=to, trip=trip: send(db, pair.sender, to, trip)) == ("NOT_FOUND", "recipient_id")

    def test_to_oneself(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        message = send(db, who, who)
        assert begin(db, task_of(db, message))["to"] == number

    def test_to_who_wants_none(self, db: psycopg.Connection, pair: Pair) -> None:
        writes(db, pair.number, "STOP", now() + timedelta(seconds=1))
        ask = lambda: send(db, pair.sender, pair.recipient, pair.trip)  # noqa: E731
        assert refused(ask) == ("RECIPIENT_OPTED_OUT", "recipient_id")
        # The same as to who has no number.
        db.execute("delete from public.whatsapp_contacts where user_id = %s", (pair.recipient,))
        assert refused(ask) == ("RECIPIENT_OPTED_OUT", "recipient_id")
        assert used(db, pair.sender) == ("0", "0")

    def test_free_text_only_within_24_hours_of_what_they_wrote(self, db: psycopg.Connection, pair: Pair) -> None:
        ask = lambda: write_text(db, pair.sender, pair.recipient, "Where are you?", trip=pair.trip)  # noqa: E731
        assert refused(ask) == ("TEMPLATE_REQUIRED", "template")
        opens_the_window(db, pair.number, ago=timedelta(hours=24, seconds=5))
        assert refused(ask) == ("TEMPLATE_REQUIRED", "template")
        opens_the_window(db, pair.number, ago=timedelta(hours=23, minutes=59))
        sent = begin(db, task_of(db, ask()))
        assert (sent["do"], sent["kind"], sent["template"]) == ("send", "text", None)
        assert sent["body"].endswith("Where are you?")

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"template": "no_such"}, "template"),
            ({"template": "trip_reminder"}, "template"),
            ({"template": "verification_code", "parameters": {"code": "123456"}}, "template"),
            ({"text": "both"}, "template"),
            ({"template": None, "parameters": None}, "template"),
            ({"parameters": None}, "parameters"),
            ({"parameters": {}}, "parameters"),
            ({"parameters": {"text": ""}}, "parameters"),
            ({"parameters": {"text": 7}}, "parameters"),
            ({"parameters": {"text": ["a"]}}, "parameters"),
            ({"parameters": {"text": "x" * 1001}}, "parameters"),
            ({"parameters": ["text"]}, "parameters"),
            ({"parameters": {"text": "a", "sender": "The bank"}}, "parameters"),
            ({"parameters": {"text": "a", "other": "b"}}, "parameters"),
            ({"template": None, "text": "a"}, "parameters"),
            ({"template": None, "parameters": None, "text": "  "}, "text"),
            ({"template": None, "parameters": None, "text": "x" * 3901}, "text"),
            ({"key": ""}, "idempotency_key"),
            ({"key": "x" * 201}, "idempotency_key"),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_what_is_wrong_is_named(self, db: psycopg.Connection, pair: Pair, given: Any, field: str) -> None:
        opens_the_window(db, pair.number)
        wrong = refused(lambda: send(db, pair.sender, pair.recipient, pair.trip, **given))
        assert wrong == ("BAD_USER_INPUT", field)

    def test_no_more_than_the_senders_plan_includes(self, db: psycopg.Connection, pair: Pair) -> None:
        for _ in range(20):
            send(db, pair.sender, pair.recipient, pair.trip)
        assert used(db, pair.sender) == ("0", "20")
        with pytest.raises(RefusedError, match="USAGE_LIMIT_EXCEEDED"):
            send(db, pair.sender, pair.recipient, pair.trip)
        assert used(db, pair.recipient) == ("0", "0")

    def test_in_the_senders_name_alone(self, db: psycopg.Connection, pair: Pair) -> None:
        """What is in a name or a title does not become another line of the message."""
        db.execute("update public.profiles set display_name = E'The\\nbank' where id = %s", (pair.sender,))
        sent = begin(db, task_of(db, send(db, pair.sender, pair.recipient, pair.trip)))
        said = [place["text"] for place in sent["components"][0]["parameters"]]
        assert said == ["The bank", "North", "See you at nine"]


class TestWhoReadsIt:
    def test_sender_and_recipient_and_nobody_else(self, db: psycopg.Connection, pair: Pair) -> None:
        third = person(db)
        db.execute(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')", (pair.trip, third)
        )
        message = send(db, pair.sender, pair.recipient, pair.trip)
        begin(db, task_of(db, message))
        told(db, f"wamid.{pair.number}", message, "delivered", now())
        for who in (pair.sender, pair.recipient):
            read = read_by(db, who, message)
            assert read is not None
            assert read["status"] == "delivered"
            assert pair.number.strip("+") not in str(read)
        assert read_by(db, third, message) is None

    def test_what_whatsapp_knows_it_by_is_nobodys_to_read(self, db: psycopg.Connection, pair: Pair) -> None:
        """It has the number in it."""
        send(db, pair.sender, pair.recipient, pair.trip)
        for statement in (
            "select wamid from public.whatsapp_messages",
            "select count(wamid) from public.whatsapp_messages",
            "select count(*) from public.whatsapp_messages where wamid is not null",
            "select count(*) from public.whatsapp_messages group by wamid",
            "select id from public.whatsapp_messages order by wamid",
        ):
            with pytest.raises(Exception, match="permission denied"), db.transaction():
                called_by(db, pair.sender, statement)

    def test_the_sender_reads_no_events_of_it(self, db: psycopg.Connection, pair: Pair) -> None:
        message = send(db, pair.sender, pair.recipient, pair.trip)
        begin(db, task_of(db, message))
        told(db, f"wamid.{pair.number}", message, "delivered", now())
        seen = "select count(*) from public.delivery_events"
        assert called_by(db, pair.sender, seen) == 0
        assert called_by(db, pair.recipient, seen) == 1

    def test_what_people_write_is_theirs_alone(self, db: psycopg.Connection, pair: Pair) -> None:
        message = send(db, pair.sender, pair.recipient, pair.trip)
        begin(db, task_of(db, message))
        end(db, message, "accepted", "wamid.asked")
        reply = writes(db, pair.number, "On my way", now(), answers="wamid.asked")["message"]
        assert message_of(db, reply)["trip_id"] == str(pair.trip)
        assert read_by(db, pair.sender, reply) is None
        assert (read_by(db, pair.recipient, reply) or {})["body"] == "On my way"


class TestBeforeItLeaves:
    def test_a_key_is_sent_once(self, db: psycopg.Connection, pair: Pair) -> None:
        message = reminder(pair.recipient)
        sent = begin(db, message)
        end(db, sent["id"], "accepted", "wamid.1")
        assert begin(db, message) == {"do": "nothing", "id": sent["id"], "status": "sent"}

    def test_who_asks_again_under_the_same_token_is_told_again(self, db: psycopg.Connection, pair: Pair) -> None:
        message = reminder(pair.recipient)
        assert begin(db, message, token=700) == begin(db, message, token=700)

    def test_what_may_have_left_is_not_sent_by_the_next(self, db: psycopg.Connection, pair: Pair) -> None:
        message = reminder(pair.recipient)
        sent = begin(db, message, token=700)
        later = begin(db, message, token=701)
        assert (later["do"], later["status"]) == ("nothing", "unknown")
        # Nor by who was at it before, and is slow.
        assert begin(db, message, token=700)["do"] == "nothing"
        assert end(db, sent["id"], "throttled") == "unknown"
        assert begin(db, message, token=702)["do"] == "nothing"
        # What it hears late is so nevertheless.
        assert end(db, sent["id"], "accepted", "wamid.late") == "sent"

    def test_after_the_claim_stop_still_stops_it(self, db: psycopg.Connection, pair: Pair) -> None:
        message = send(db, pair.sender, pair.recipient, pair.trip)
        claimed = task_of(db, message)
        writes(db, pair.number, "STOP", now() + timedelta(seconds=1))
        assert begin(db, claimed)["code"] == "RECIPIENT_OPTED_OUT"
        row = message_of(db, message)
        assert (row["status"], row["error_code"]) == ("failed", "RECIPIENT_OPTED_OUT")
        assert used(db, pair.sender) == ("0", "0")

    @pytest.mark.parametrize("is_about_it", [True, False])
    def test_leaving_the_trip_stops_it(self, db: psycopg.Connection, pair: Pair, is_about_it: bool) -> None:
        message = send(db, pair.sender, pair.recipient, pair.trip if is_about_it else None)
        claimed = task_of(db, message)
        db.execute("delete from public.collaborators where user_id = %s", (pair.recipient,))
        assert begin(db, claimed)["code"] == "NOT_FOUND"
        assert used(db, pair.sender) == ("0", "0")

    def test_the_end_of_the_trip_stops_it(self, db: psycopg.Connection, pair: Pair) -> None:
        message = send(db, pair.sender, pair.recipient, pair.trip)
        claimed = task_of(db, message)
        db.execute("delete from public.trips where id = %s", (pair.trip,))
        assert begin(db, claimed)["code"] == "NOT_FOUND"

    def test_people_who_go_leave_nothing_to_be_sent(self, db: psycopg.Connection, pair: Pair) -> None:
        to_them, by_them = (send(db, pair.sender, pair.recipient, pair.trip) for _ in range(2))
        claimed = [task_of(db, message) for message in (to_them, by_them)]
        db.execute("delete from auth.users where id = %s", (pair.sender,))
        assert begin(db, claimed[0])["status"] == "failed"
        db.execute("delete from auth.users where id = %s", (pair.recipient,))
        assert begin(db, claimed[1]) == {"do": "nothing", "status": "gone"}

    def test_quiet_hours_put_it_off(self, db: psycopg.Connection, pair: Pair) -> None:
        hour = now().replace(minute=0, second=0, microsecond=0)
        db.execute(
            "insert into public.notification_preferences (user_id, topic, channel, quiet_from, quiet_until)"
            " values (%s, 'all', 'whatsapp', %s, %s)",
            (pair.recipient, (hour - timedelta(hours=1)).time(), (hour + timedelta(hours=3)).time()),
        )
        message = reminder(pair.recipient)
        put_off = begin(db, message)
        assert (put_off["do"], datetime.fromisoformat(put_off["until"])) == ("defer", hour + timedelta(hours=3))
        assert begin(db, message)["until"] == put_off["until"]
        waiting = db.execute(
            "select run_at, payload -> 'message' from private.tasks where subject = %s"
            " and payload #>> '{message,topic}' = 'reminder'",
            (f"user:{pair.recipient}",),
        ).fetchall()
        assert waiting == [(hour + timedelta(hours=3), message)]
        db.execute("delete from public.notification_preferences where user_id = %s", (pair.recipient,))
        assert begin(db, message)["do"] == "send"

    def test_a_preference_ends_it(self, db: psycopg.Connection, pair: Pair) -> None:
        db.execute(
            "insert into public.notification_preferences (user_id, topic, channel, is_enabled)"
            " values (%s, 'reminder', 'whatsapp', false)",
            (pair.recipient,),
        )
        assert begin(db, reminder(pair.recipient))["code"] == "RECIPIENT_OPTED_OUT"

    def test_marketing_takes_a_yes_of_its_own(self, db: psycopg.Connection, pair: Pair) -> None:
        ideas = {"topic": "marketing", "template": "trip_ideas", "text": None}
        assert begin(db, reminder(pair.recipient, **ideas))["code"] == "RECIPIENT_OPTED_OUT"
        # Whatever topic it is said to be of.
        assert begin(db, reminder(pair.recipient, **ideas | {"topic": "reminder"}))["code"] == "RECIPIENT_OPTED_OUT"
        db.execute(
            "insert into public.notification_preferences (user_id, topic, channel)"
            " values (%s, 'marketing', 'whatsapp')",
            (pair.recipient,),
        )
        sent = begin(db, reminder(pair.recipient, **ideas))
        assert (sent["do"], sent["category"]) == ("send", "marketing")
        assert end(db, sent["id"], "marketing_stopped") == "failed"
        assert begin(db, reminder(pair.recipient, **ideas))["code"] == "RECIPIENT_OPTED_OUT"
        assert begin(db, reminder(pair.recipient))["do"] == "send"

    def test_a_reminder_is_text_within_the_window_and_a_template_else(self, db: psycopg.Connection, pair: Pair) -> None:
        sent = begin(db, reminder(pair.recipient))
        assert (sent["kind"], sent["template"], sent["language"]) == ("template", "trip_reminder", "en")
        opens_the_window(db, pair.number)
        sent = begin(db, reminder(pair.recipient))
        assert (sent["kind"], sent["template"], sent["body"]) == ("text", None, "Pack!")

    def test_a_plan_that_includes_no_more_ends_it(self, db: psycopg.Connection, pair: Pair) -> None:
        for _ in range(20):
            assert begin(db, reminder(pair.recipient))["do"] == "send"
        assert begin(db, reminder(pair.recipient))["code"] == "USAGE_LIMIT_EXCEEDED"


class TestWhatWhatsAppAnswers:
    def test_throttled_is_sent_by_the_next(self, db: psycopg.Connection, pair: Pair) -> None:
        message = reminder(pair.recipient)
        sent = begin(db, message)
        assert end(db, sent["id"], "throttled") == "queued"
        assert begin(db, message)["do"] == "send"
        assert used(db, pair.recipient) == ("0", "1")

    def test_what_is_said_late_is_not_of_who_is_at_it_now(self, db: psycopg.Connection, pair: Pair) -> None:
        message = reminder(pair.recipient)
        sent = begin(db, message, token=700)
        end(db, sent["id"], "throttled", token=700)
        begin(db, message, token=701)
        for outcome in ("throttled", "failed", "unknown", "template_required", "marketing_stopped"):
            assert end(db, sent["id"], outcome, token=700) == "sending"
        assert end(db, sent["id"], "failed", code="131026", token=701) == "failed"

    def test_failed_gives_back_what_was_reserved(self, db: psycopg.Connection, pair: Pair) -> None:
        sent = begin(db, reminder(pair.recipient))
        assert end(db, sent["id"], "failed", code="131026") == "failed"
        assert message_of(db, sent["id"])["error_code"] == "131026"
        assert used(db, pair.recipient) == ("0", "0")

    def test_a_window_that_is_closed_there_is_closed_here(self, db: psycopg.Connection, pair: Pair) -> None:
        opens_the_window(db, pair.number)
        message = write_text(db, pair.sender, pair.recipient, "Where are you?", trip=pair.trip)
        begin(db, task_of(db, message))
        assert end(db, message, "template_required") == "failed"
        assert message_of(db, message)["error_code"] == "TEMPLATE_REQUIRED"
        assert contact_of(db, pair.recipient)["last_inbound_at"] is None
        assert wants_messages(db, pair.recipient)

    def test_no_answer_is_unknown_and_counts_after_a_day(self, db: psycopg.Connection, pair: Pair) -> None:
        sent = begin(db, reminder(pair.recipient))
        assert end(db, sent["id"], "unknown") == "unknown"
        settle(db)
        assert message_of(db, sent["id"])["status"] == "unknown"
        assert used(db, pair.recipient) == ("0", "1")
        db.execute(
            "update public.whatsapp_messages set sending_at = now() - interval '25 hours' where id = %s", (sent["id"],)
        )
        settle(db)
        row = message_of(db, sent["id"])
        assert (row["status"], Decimal(str(row["cost"]))) == ("sent", Decimal("0.03"))
        assert used(db, pair.recipient) == ("1", "0")
        settle(db)
        assert used(db, pair.recipient) == ("1", "0")

    def test_who_is_never_heard_of_leaves_it_unknown(self, db: psycopg.Connection, pair: Pair) -> None:
        sent = begin(db, reminder(pair.recipient))
        db.execute(
            "update public.whatsapp_messages set sending_at = now() - interval '11 minutes' where id = %s",
            (sent["id"],),
        )
        settle(db)
        assert message_of(db, sent["id"])["status"] == "unknown"

    def test_a_task_that_is_given_up_leaves_it_failed(self, db: psycopg.Connection, pair: Pair) -> None:
        message = send(db, pair.sender, pair.recipient, pair.trip)
        db.execute(
            "update public.whatsapp_messages set created_at = now() - interval '2 hours' where id = %s", (message,)
        )
        settle(db)
        assert message_of(db, message)["status"] == "queued"
        db.execute("delete from private.tasks where kind = 'send_whatsapp'")
        settle(db)
        assert message_of(db, message)["error_code"] == "TIMEOUT"
        assert used(db, pair.sender) == ("0", "0")

    @pytest.mark.parametrize("status", ["waiting", "failed"])
    def test_of_a_code_that_is_over_nothing_stays_in_its_task(self, db: psycopg.Connection, status: str) -> None:
        who = person(db)
        ask(db, who, phone())
        task = "select payload -> 'message' from private.tasks where subject = %s"
        kept = dict((db.execute(task, (f"user:{who}",)).fetchone() or ({},))[0])
        db.execute(
            "update private.tasks set status = %s, finished_at = case when %s = 'failed' then now() end"
            " where subject = %s",
            (status, status, f"user:{who}"),
        )
        settle(db)
        assert db.execute(task, (f"user:{who}",)).fetchone() == (kept,)
        db.execute(
            "update private.tasks set created_at = now() - interval '11 minutes' where subject = %s", (f"user:{who}",)
        )
        settle(db)
        (left,) = db.execute(task, (f"user:{who}",)).fetchone() or ({},)
        assert left == {name: value for name, value in kept.items() if name not in ("parameters", "phone")}
        assert begin(db, left)["code"] == "TIMEOUT"


def settle(db: psycopg.Connection) -> None:
    db.execute("select private.settle_unknown_whatsapp()")

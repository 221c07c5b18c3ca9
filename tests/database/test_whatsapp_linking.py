"""By what people are reached: a number is whose who can read what it is sent, and nobody hears that it is another's."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.database.ai import called_by
from tests.database.payments import RefusedError, call, person
from tests.database.whatsapp import (
    ask,
    begin,
    contact_of,
    link,
    linked,
    phone,
    reminder,
    verify,
    wants_messages,
    writes,
)

if TYPE_CHECKING:
    import psycopg


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def now() -> datetime:
    return datetime.now(UTC)


class TestACode:
    def test_has_six_digits_and_is_kept_hashed(self, db: psycopg.Connection) -> None:
        who = person(db)
        code = ask(db, who, phone())
        assert len(code) == 6
        assert code.isdecimal()
        (kept,) = db.execute(
            "select to_jsonb(c)::text from private.whatsapp_codes as c where user_id = %s", (who,)
        ).fetchone() or ("",)
        assert code not in kept.replace(str(who), "")
        assert code not in str(contact_of(db, who))

    def test_makes_the_number_the_callers_and_asks_for_messages(self, db: psycopg.Connection) -> None:
        who, number = person(db), phone()
        code = ask(db, who, number)
        assert contact_of(db, who)["phone"] is None
        assert contact_of(db, who)["pending_phone"] == number
        assert not wants_messages(db, who)
        assert verify(db, who, f" {code[:3]} {code[3:]} ")
        contact = contact_of(db, who)
        assert (contact["phone"], contact["pending_phone"]) == (number, None)
        assert wants_messages(db, who)

    def test_is_good_once(self, db: psycopg.Connection) -> None:
        who = person(db)
        code = ask(db, who, phone())
        assert verify(db, who, code)
        writes(db, contact_of(db, who)["phone"], "STOP", now())
        # Said again, as by somebody who never got the answer, it is right and does nothing.
        assert verify(db, who, code)
        assert not wants_messages(db, who)
        called_by(db, who, "select public.unlink_whatsapp()")
        assert not verify(db, who, code)

    def test_is_good_for_five_tries(self, db: psycopg.Connection) -> None:
        who = person(db)
        code = ask(db, who, phone())
        assert [verify(db, who, wrong(code)) for _ in range(4)] == [False] * 4
        assert verify(db, who, code)
        code = ask(db, who, phone())
        assert [verify(db, who, wrong(code)) for _ in range(5)] == [False] * 5
        assert not verify(db, who, code)
        # Another one begins anew.
        assert verify(db, who, ask(db, who, phone()))

    def test_is_good_for_ten_minutes(self, db: psycopg.Connection) -> None:
        who = person(db)
        code = ask(db, who, phone())
        (lasts,) = db.execute(
            "select expires_at - clock_timestamp() from private.whatsapp_codes where user_id = %s", (who,)
        ).fetchone() or (None,)
        assert timedelta(minutes=9) < lasts <= timedelta(minutes=10)
        db.execute("update private.whatsapp_codes set expires_at = clock_timestamp() where user_id = %s", (who,))
        assert not verify(db, who, code)

    def test_is_only_good_for_who_asked_for_it(self, db: psycopg.Connection) -> None:
        who, other, number = person(db), person(db), phone()
        code, others = ask(db, who, number), ask(db, other, number)
        if code != others:
            assert not verify(db, other, code)
        assert verify(db, who, code)

    def test_is_the_last_that_was_asked_for(self, db: psycopg.Connection) -> None:
        who, number = person(db), phone()
        first, second = ask(db, who, number), ask(db, who, number)
        if first != second:
            assert not verify(db, who, first)
        assert verify(db, who, second)

    @pytest.mark.parametrize("given", ["", "12345", "1234567", "abcdef", "१२३४५६", "x" * 10000])
    def test_other_texts_are_wrong(self, db: psycopg.Connection, given: str) -> None:
        who = person(db)
        code = ask(db, who, phone())
        if given != code:
            assert not verify(db, who, given)

    def test_is_sent_three_times_a_day_to_a_number_whoever_asks(self, db: psycopg.Connection) -> None:
        number = phone()
        for _ in range(3):
            ask(db, person(db), number)
        with pytest.raises(RefusedError) as failure:
            ask(db, person(db), number)
        assert (failure.value.code, failure.value.extensions["field"]) == ("RATE_LIMITED", "phone")
        db.execute(
            "update private.whatsapp_code_requests set requested_at = requested_at - interval '1 day' where phone = %s",
            (number,),
        )
        assert ask(db, person(db), number)

    def test_people_ask_for_ten_a_day(self, db: psycopg.Connection) -> None:
        who = person(db)
        for _ in range(10):
            ask(db, who, phone())
        with pytest.raises(RefusedError, match="RATE_LIMITED"):
            ask(db, who, phone())

    def test_is_sent_while_it_is_good(self, db: psycopg.Connection) -> None:
        who, number = person(db), phone()
        code = ask(db, who, number)
        (message,) = db.execute(
            "select payload -> 'message' from private.tasks where subject = %s", (f"user:{who}",)
        ).fetchone() or ({},)
        sent = begin(db, message)
        assert (sent["do"], sent["to"], sent["template"]) == ("send", number, "verification_code")
        assert sent["components"][0]["parameters"] == [{"type": "text", "text": code}]
        row = db.execute("select parameters, body from public.whatsapp_messages where id = %s", (sent["id"],))
        assert row.fetchone() == (None, None)

        code = ask(db, who, number)
        # One that was replaced is of no use to anybody.
        assert verify(db, who, code)
        late = {**message, "dedupe_key": "code:late"}
        assert begin(db, late)["code"] == "TIMEOUT"

    def test_takes_numbers_as_people_write_them(self, db: psycopg.Connection) -> None:
        who = person(db)
        for written in ("+39 333 123 45 67", "0039-333-1234567", "+39 (333) 123.4567"):
            db.execute("delete from private.whatsapp_code_requests")
            ask(db, who, written)
            assert contact_of(db, who)["pending_phone"] == "+393331234567"

    @pytest.mark.parametrize(
        "given", ["", "3331234567", "+0393331234567", "+39333", "+3933312345678901", "+39 abc 4567"]
    )
    def test_other_numbers_are_refused(self, db: psycopg.Connection, given: str) -> None:
        with pytest.raises(RefusedError) as failure:
            ask(db, person(db), given)
        assert (failure.value.code, failure.value.extensions["field"]) == ("BAD_USER_INPUT", "phone")


class TestANumberThatIsAnothers:
    def test_is_asked_for_as_one_that_is_nobodys(self, db: psycopg.Connection) -> None:
        _, taken = linked(db)
        answers = []
        for number in (taken, phone()):
            who = person(db)
            answer = called_by(
                db, who, "select to_jsonb(c) - '{id,user_id,created_at,updated_at}'::text[]"
                " from public.start_whatsapp_link(%s) as c", number,
            )  # fmt: skip
            assert answer.pop("pending_phone") == number
            answers.append(answer)
        assert answers[0] == answers[1]

    def test_moves_here_by_the_right_code_and_is_unverified_there(self, db: psycopg.Connection) -> None:
        before, number = linked(db)
        writes(db, number, "Hello", now(), bsuid="IT.1234567890")
        who = person(db)
        assert verify(db, who, ask(db, who, number))
        assert (wants_messages(db, who), wants_messages(db, before)) == (True, False)
        left = contact_of(db, before)
        assert [left[name] for name in ("verified_at", "opted_in_at", "bsuid", "last_inbound_at")] == [None] * 4
        # Nothing of theirs came along.
        assert [contact_of(db, who)[name] for name in ("bsuid", "last_inbound_at")] == [None] * 2
        assert begin(db, reminder(before))["status"] == "failed"

    def test_stays_there_by_a_wrong_code(self, db: psycopg.Connection) -> None:
        before, number = linked(db)
        who = person(db)
        assert not verify(db, who, wrong(ask(db, who, number)))
        assert wants_messages(db, before)
        assert not wants_messages(db, who)

    def test_comes_back_by_a_code_as_well(self, db: psycopg.Connection) -> None:
        before, number = linked(db)
        who = person(db)
        link(db, who, number)
        link(db, before, number)
        assert (wants_messages(db, who), wants_messages(db, before)) == (False, True)

    def test_an_opt_out_is_of_the_person_who_said_it(self, db: psycopg.Connection) -> None:
        before, number = linked(db)
        writes(db, number, "STOP", now() + timedelta(seconds=1))
        who = person(db)
        link(db, who, number)
        assert wants_messages(db, who)
        assert not wants_messages(db, before)

    def test_another_number_takes_the_place_of_the_first(self, db: psycopg.Connection) -> None:
        who, first = linked(db)
        writes(db, first, "Hello", now(), bsuid="IT.0987654321")
        second = phone()
        ask(db, who, second)
        # Until it is verified, the first is theirs.
        assert (contact_of(db, who)["phone"], wants_messages(db, who)) == (first, True)
        link(db, who, second)
        contact = contact_of(db, who)
        assert (contact["phone"], contact["bsuid"], contact["last_inbound_at"]) == (second, None, None)
        assert writes(db, first, "Hello", now())["status"] == "unknown_person"


class TestUnlinking:
    def test_forgets_the_number_and_the_code(self, db: psycopg.Connection) -> None:
        who, _ = linked(db)
        code = ask(db, who, phone())
        assert called_by(db, who, "select id from public.unlink_whatsapp()") is not None
        assert contact_of(db, who) == {}
        assert not verify(db, who, code)
        assert called_by(db, who, "select id from public.unlink_whatsapp()") is None


class TestWhoMayNot:
    @pytest.mark.parametrize(
        "statement",
        [
            "select public.start_whatsapp_link('+393331234567')",
            "select public.verify_whatsapp('123456')",
            "select public.unlink_whatsapp()",
        ],
    )
    def test_people_without_an_account(self, db: psycopg.Connection, statement: str) -> None:
        who = person(db)
        db.execute("update auth.users set is_anonymous = true, email = null where id = %s", (who,))
        with pytest.raises(RefusedError, match="FORBIDDEN"):
            called_by(db, who, statement)  # type: ignore[arg-type]

    def test_others_read_nothing(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        other = person(db)
        for statement in (
            "select count(*) from public.whatsapp_contacts where phone = %s",
            "select count(*) from public.whatsapp_contacts where pending_phone = %s",
            "select count(*) from public.whatsapp_contacts where phone like %s",
        ):
            assert called_by(db, other, statement, number) == 0
        assert called_by(db, who, "select count(*) from public.whatsapp_contacts where phone = %s", number) == 1


class TestWords:
    @pytest.mark.parametrize("said", ["STOP", "stop", " Stop! ", "STOP.", "Unsubscribe", "Basta", "stop all"])
    def test_stop_ends_all_messages(self, db: psycopg.Connection, said: str) -> None:
        who, number = linked(db)
        assert writes(db, number, said, now() + timedelta(seconds=1))["wish"] == "stop"
        assert not wants_messages(db, who)
        assert begin(db, reminder(who))["code"] == "RECIPIENT_OPTED_OUT"

    @pytest.mark.parametrize("said", ["Don't stop me now", "The bus stop?", "stopp it", ""])
    def test_other_words_do_not(self, db: psycopg.Connection, said: str) -> None:
        who, number = linked(db)
        assert writes(db, number, said, now())["wish"] is None
        assert wants_messages(db, who)

    def test_start_begins_them_again(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        later = now()
        writes(db, number, "STOP", later)
        writes(db, number, "START", later)
        assert wants_messages(db, who)

    def test_what_comes_late_does_not_undo_what_was_said_since(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        first = now() - timedelta(hours=1)
        db.execute(
            "update public.whatsapp_contacts set verified_at = %s, opted_in_at = %s where user_id = %s",
            (first, first, who),
        )
        # START, then STOP, told the other way round.
        writes(db, number, "STOP", first + timedelta(minutes=2))
        writes(db, number, "START", first + timedelta(minutes=1))
        assert not wants_messages(db, who)

    def test_stop_that_is_older_than_the_link_is_not_of_it(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        writes(db, number, "STOP", now() - timedelta(hours=1))
        assert wants_messages(db, who)

    def test_what_is_told_again_changes_nothing(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        at, wamid = now(), f"wamid.{uuid.uuid4()}"
        assert writes(db, number, "STOP", at, wamid=wamid)["status"] == "received"
        link(db, who, number)
        assert writes(db, number, "STOP", at + timedelta(days=1), wamid=wamid)["status"] == "known"
        assert wants_messages(db, who)
        found = db.execute("select count(*) from public.whatsapp_messages where wamid = %s", (wamid,))
        assert found.fetchone() == (1,)

    def test_of_who_is_not_known_nothing_is_kept(self, db: psycopg.Connection) -> None:
        number, wamid = phone(), f"wamid.{uuid.uuid4()}"
        ask(db, person(db), number)
        assert writes(db, number, "STOP", now(), wamid=wamid) == {"status": "unknown_person"}
        assert db.execute("select from public.whatsapp_messages where wamid = %s", (wamid,)).fetchone() is None

    def test_people_are_known_by_what_whatsapp_calls_them(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        writes(db, number, "Hello", now(), bsuid="IT.11122233344455")
        assert writes(db, None, "STOP", now() + timedelta(seconds=1), bsuid="IT.11122233344455")["wish"] == "stop"
        assert not wants_messages(db, who)


class TestANumberThatChanges:
    def change(self, db: psycopg.Connection, old: str, at: datetime) -> str:
        said = call(db, "select public.record_whatsapp_number_change(%s, %s, %s, %s)", old, phone(), None, at)
        return str(said["status"])

    def test_is_unverified(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        assert self.change(db, number, now() + timedelta(seconds=1)) == "unverified"
        assert not wants_messages(db, who)
        assert self.change(db, number, now() + timedelta(seconds=1)) == "unknown_person"

    def test_who_is_known_by_what_whatsapp_calls_them_alone(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        writes(db, number, "Hello", now(), bsuid="IT.4455667788")
        changed = "select public.record_whatsapp_number_change(null, null, 'IT.99887766', %s, 'IT.4455667788')"
        assert call(db, changed, now() + timedelta(seconds=1)) == {"status": "unverified"}
        assert not wants_messages(db, who)

    def test_before_it_was_verified_is_another_story(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        self.change(db, number, now() - timedelta(hours=1))
        assert wants_messages(db, who)


class TestMarketingThatStops:
    def stop(self, db: psycopg.Connection, number: str | None, at: datetime, bsuid: str | None = None) -> str:
        return str(call(db, "select public.record_whatsapp_marketing_stop(%s, %s, %s)", number, bsuid, at)["status"])

    def choose(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        """Somebody wants marketing."""
        db.execute(
            "insert into public.notification_preferences (user_id, topic, channel) values (%s, 'marketing', 'whatsapp')"
            " on conflict (user_id, topic, channel) do update set is_enabled = true",
            (who,),
        )

    def is_wanted(self, db: psycopg.Connection, who: uuid.UUID) -> bool:
        (answer,) = db.execute("select private.may_notify(%s, 'marketing', 'whatsapp')", (who,)).fetchone() or ({},)
        return bool(answer["allowed"])

    def test_is_marketing_alone(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        self.choose(db, who)
        assert self.is_wanted(db, who)
        assert self.stop(db, number, now() + timedelta(seconds=1)) == "stopped"
        assert not self.is_wanted(db, who)
        assert wants_messages(db, who)

    def test_of_whom_whatsapp_has_an_id_alone(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        self.choose(db, who)
        writes(db, number, "Hello", now(), bsuid="IT.5566778899")
        assert self.stop(db, None, now() + timedelta(seconds=1), "IT.5566778899") == "stopped"
        assert not self.is_wanted(db, who)

    def test_told_again_it_undoes_nothing_that_they_chose_since(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        stopped = now()
        self.choose(db, who)
        db.execute(
            "update public.whatsapp_contacts set verified_at = now() - interval '1 day' where user_id = %s", (who,)
        )
        assert self.stop(db, number, stopped - timedelta(minutes=1)) == "stopped"
        assert self.is_wanted(db, who)

    def test_of_whose_number_it_was_before_is_nobodys_choice(self, db: psycopg.Connection) -> None:
        who, number = linked(db)
        self.choose(db, who)
        assert self.stop(db, number, now() - timedelta(hours=1)) == "unknown_person"
        assert self.stop(db, phone(), now()) == "unknown_person"
        assert self.is_wanted(db, who)


def test_of_codes_and_requests_nothing_stays(db: psycopg.Connection) -> None:
    who = person(db)
    ask(db, who, phone())
    db.execute("update private.whatsapp_codes set expires_at = now() - interval '2 days'")
    db.execute("update private.whatsapp_code_requests set requested_at = now() - interval '3 days'")
    assert db.execute("select private.prune_whatsapp() >= 2").fetchone() == (True,)
    for table in ("whatsapp_codes", "whatsapp_code_requests"):
        assert db.execute(f"select from private.{table} where user_id = %s", (who,)).fetchone() is None  # type: ignore[arg-type]

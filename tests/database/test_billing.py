"""What Edge Functions write of Stripe: in turns, by fencing numbers, each event once and none skipped."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.database.payments import RefusedError, call, customer, person

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

STARTS = datetime(2027, 5, 1, tzinfo=UTC)
ENDS = datetime(2027, 6, 1, tzinfo=UTC)


def reason(run: Callable[[], Any]) -> tuple[str, str | None]:
    with pytest.raises(RefusedError) as failure:
        run()
    return failure.value.code, failure.value.extensions.get("reason")


def take(db: psycopg.Connection, subject: str) -> Any:
    return call(db, "select public.take_billing_lease(%s)", subject)


def lapse(db: psycopg.Connection, subject: str) -> None:
    db.execute("update private.billing_leases set lease_until = now() - interval '1 s' where subject = %s", (subject,))


def apply_subscription(db: psycopg.Connection, of: str, token: int, plan: str = "pro", event: str | None = None) -> Any:
    return call(
        db,
        "select public.apply_stripe_subscription(%s, %s, 'sub_1', %s, 'active', %s, %s, false, event => %s)",
        of, token, plan, STARTS, ENDS, event,
    )  # fmt: skip


def apply_invoice(
    db: psycopg.Connection, of: str, token: int, due: int = 900, currency: str = "eur", refunded: int | None = None
) -> Any:
    return call(
        db,
        "select public.apply_stripe_invoice(%s, %s, 'in_1', 'paid', %s, %s, %s, %s, 'A-1', 'https://stripe.example/i')",
        of, token, currency, due, due, refunded,
    )  # fmt: skip


def record(db: psycopg.Connection, event: str, of: str | None = None) -> Any:
    return call(
        db,
        "select public.record_stripe_event(%s, 'invoice.paid', false, 'in_1', %s, %s)", event, of, '{"id": "evt"}',
    )  # fmt: skip


@pytest.fixture
def who(db: psycopg.Connection) -> uuid.UUID:
    return person(db)


@pytest.fixture
def of(db: psycopg.Connection, who: uuid.UUID) -> str:
    return customer(db, who)


class TestTurns:
    def test_are_taken_one_at_a_time(self, db: psycopg.Connection, of: str) -> None:
        first = take(db, of)
        assert take(db, of) is None
        call(db, "select public.release_billing_lease(%s, %s)", of, first)
        second = take(db, of)
        assert second > first
        # What is somebody else's by now is not ended.
        call(db, "select public.release_billing_lease(%s, %s)", of, first)
        assert take(db, of) is None
        lapse(db, of)
        assert take(db, of) > second

    def test_leave_nothing_behind(self, db: psycopg.Connection, of: str) -> None:
        """What was released writes nothing either."""
        over = take(db, of)
        call(db, "select public.release_billing_lease(%s, %s)", of, over)
        assert db.execute("select from private.billing_leases where subject = %s", (of,)).fetchall() == []
        assert reason(lambda: apply_subscription(db, of, over)) == ("CONFLICT", "LEASE_LOST")

    @pytest.mark.parametrize(("subject", "seconds"), [("", 30), (None, 30), ("x" * 256, 30), ("x", 0), ("x", 3601)])
    def test_wrong_ones_are_refused(self, db: psycopg.Connection, subject: str | None, seconds: int) -> None:
        code, _ = reason(lambda: call(db, "select public.take_billing_lease(%s, %s)", subject, seconds))
        assert code == "BAD_USER_INPUT"

    def test_a_stale_fetch_overwrites_nothing(self, db: psycopg.Connection, of: str) -> None:
        stale = take(db, of)
        lapse(db, of)
        fresh = take(db, of)
        assert apply_subscription(db, of, fresh, "enterprise") == "applied"
        for write in (
            lambda: apply_subscription(db, of, stale),
            lambda: apply_invoice(db, of, stale),
            lambda: call(db, "select public.apply_stripe_checkout(%s, %s, 'cs_1', 'complete', 'paid')", of, stale),
        ):
            assert reason(write) == ("CONFLICT", "LEASE_LOST")
        assert db.execute(
            "select plan_key from public.subscriptions where stripe_subscription_id = 'sub_1'"
        ).fetchall() == [("enterprise",)]
        assert db.execute("select from public.invoices where stripe_invoice_id = 'in_1'").fetchall() == []

    def test_what_was_never_taken_writes_nothing(self, db: psycopg.Connection, of: str) -> None:
        assert reason(lambda: apply_subscription(db, of, 0)) == ("CONFLICT", "LEASE_LOST")


class TestEvents:
    def test_are_to_be_done_until_they_are(self, db: psycopg.Connection, who: uuid.UUID, of: str) -> None:
        assert [record(db, "evt_1", of), record(db, "evt_1", of)] == ["received", "received"]
        apply_subscription(db, of, take(db, of), event="evt_1")
        assert record(db, "evt_1", of) == "done"
        known = db.execute(
            "select user_id, status, attempts, payload from public.billing_events where stripe_event_id = 'evt_1'"
        )
        assert known.fetchall() == [(who, "done", 3, {"id": "evt"})]

    def test_are_not_done_by_what_fails(self, db: psycopg.Connection, of: str) -> None:
        record(db, "evt_1", of)
        assert reason(lambda: apply_subscription(db, of, 0, event="evt_1")) == ("CONFLICT", "LEASE_LOST")
        assert record(db, "evt_1", of) == "received"

    def test_wait_for_what_nobody_can_say_yet(self, db: psycopg.Connection, of: str) -> None:
        for event, customer_of in (("evt_1", of), ("evt_2", None)):
            record(db, event, customer_of)
            call(db, "select public.finish_stripe_event(%s, 'waiting')", event)
        assert (record(db, "evt_1", of), record(db, "evt_2")) == ("waiting", "ignored")
        apply_subscription(db, of, take(db, of), event="evt_1")
        assert record(db, "evt_1", of) == "done"

    def test_that_bring_about_nothing_are_ignored(self, db: psycopg.Connection) -> None:
        record(db, "evt_1")
        call(db, "select public.finish_stripe_event('evt_1', 'ignored')")
        assert record(db, "evt_1") == "ignored"
        # What is finished stays as it was.
        call(db, "select public.finish_stripe_event('evt_1')")
        assert record(db, "evt_1") == "ignored"

    def test_of_nobody_write_nothing(self, db: psycopg.Connection) -> None:
        record(db, "evt_1", "cus_gone")
        token = take(db, "cus_gone")
        assert apply_subscription(db, "cus_gone", token, event="evt_1") == "unknown"
        assert apply_invoice(db, "cus_gone", token) == "unknown"
        assert record(db, "evt_1") == "ignored"
        kept = db.execute("select payload from public.billing_events where stripe_event_id = 'evt_1'").fetchone()
        assert kept == ({},)
        assert db.execute("select from public.subscriptions where stripe_subscription_id = 'sub_1'").fetchall() == []

    def test_must_be_written_down_first(self, db: psycopg.Connection, of: str) -> None:
        token = take(db, of)
        assert reason(lambda: apply_subscription(db, of, token, event="evt_never")) == ("NOT_FOUND", None)
        assert reason(lambda: call(db, "select public.finish_stripe_event('evt_never')")) == ("NOT_FOUND", None)
        assert (
            reason(lambda: call(db, "select public.finish_stripe_event('evt_never', 'received')"))[0]
            == "BAD_USER_INPUT"
        )


class TestCustomers:
    def test_who_is_at_stripe_no_more_is_another_and_known_all_the_same(
        self, db: psycopg.Connection, who: uuid.UUID, of: str
    ) -> None:
        apply_subscription(db, of, take(db, of))
        token = take(db, str(who))
        replace = "select public.replace_stripe_customer(%s, %s, %s, %s)"
        for _ in range(2):
            assert call(db, replace, who, of, "cus_new", token) == "cus_new"
        assert call(db, "select public.billing_state(%s)->>'customer'", who) == "cus_new"
        call(db, "select public.release_billing_lease(%s, %s)", str(who), token)
        assert reason(lambda: call(db, replace, who, "cus_new", "cus_newer", token)) == ("CONFLICT", "LEASE_LOST")
        lapse(db, of)
        assert apply_subscription(db, of, take(db, of), "enterprise") == "applied"
        assert db.execute("select user_id, plan_key from public.subscriptions where stripe_subscription_id = 'sub_1'"
        ).fetchall() == [(who, "enterprise")]  # fmt: skip

    @pytest.mark.parametrize("client", ["anon", "authenticated"])
    def test_are_replaced_by_the_service_alone(self, db: psycopg.Connection, client: str) -> None:
        may = "select has_function_privilege(%s, 'public.replace_stripe_customer(uuid, text, text, bigint)', 'execute')"
        assert db.execute(may, (client,)).fetchone() == (False,)

    def test_the_first_stays(self, db: psycopg.Connection, who: uuid.UUID, of: str) -> None:
        token = take(db, str(who))
        assert call(db, "select public.keep_stripe_customer(%s, 'cus_second', %s)", who, token) == of

    def test_are_one_person_each(self, db: psycopg.Connection, of: str) -> None:
        other = person(db)
        token = take(db, str(other))
        again = reason(lambda: call(db, "select public.keep_stripe_customer(%s, %s, %s)", other, of, token))
        assert again == ("CONFLICT", "ALREADY_EXISTS")
        nobody = uuid.uuid4()
        token = take(db, str(nobody))
        gone = reason(lambda: call(db, "select public.keep_stripe_customer(%s, 'cus_x', %s)", nobody, token))
        assert gone == ("NOT_FOUND", None)

    def test_have_one_open_page(self, db: psycopg.Connection, who: uuid.UUID, of: str) -> None:
        keep = "select public.keep_checkout_session(%s, %s, %s, 'pro', 'https://pay.example/1', %s)"
        token = take(db, str(who))
        call(db, keep, who, token, "cs_1", ENDS)
        call(db, keep, who, token, "cs_1", ENDS)
        assert reason(lambda: call(db, keep, who, token, "cs_2", ENDS)) == ("CONFLICT", "SESSION_OPEN")
        state = call(db, "select public.billing_state(%s)", who)
        assert (state["customer"], state["plan"], state["subscription"], state["anonymous"]) == (
            of,
            "free",
            None,
            False,
        )
        assert (state["session"]["id"], state["session"]["plan"]) == ("cs_1", "pro")
        turn = take(db, of)
        close = "select public.apply_stripe_checkout(%s, %s, 'cs_1', %s, %s)"
        assert call(db, close, of, turn, "expired", "unpaid") == "applied"
        # What is over does not open again.
        call(db, close, of, turn, "open", "unpaid")
        assert call(db, "select public.billing_state(%s)", who)["session"] is None
        call(db, keep, who, token, "cs_2", ENDS)

    def test_of_a_page_are_made_known_by_it_and_granted_nothing(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        turn = take(db, "cus_new")
        apply = "select public.apply_stripe_checkout('cus_new', %s, 'cs_1', 'complete', 'unpaid', %s)"
        assert call(db, apply, turn, who) == "applied"
        state = call(db, "select public.billing_state(%s)", who)
        assert (state["customer"], state["plan"]) == ("cus_new", "free")

    def test_that_subscribe_are_told_so(self, db: psycopg.Connection, who: uuid.UUID, of: str) -> None:
        apply_subscription(db, of, take(db, of))
        state = call(db, "select public.billing_state(%s)", who)
        assert (state["plan"], state["subscription"]) == ("pro", {"id": "sub_1", "plan": "pro", "status": "active"})


class TestInvoices:
    @pytest.mark.parametrize(
        ("currency", "minor", "amount"),
        [
            ("eur", 900, "9.00"),
            ("USD", 1, "0.01"),
            ("jpy", 900, "900"),
            ("krw", 5, "5"),
            ("bhd", 1234, "1.234"),
            ("kwd", 10, "0.010"),
            ("isk", 900, "9.00"),
            ("ugx", 900, "9.00"),
            ("eur", -250, "-2.50"),
        ],
    )
    def test_amounts_are_of_their_currency(
        self, db: psycopg.Connection, currency: str, minor: int, amount: str
    ) -> None:
        found = db.execute("select private.from_minor_units(%s, %s)", (minor, currency)).fetchone()
        assert found is not None
        assert str(found[0]) == amount

    def test_are_kept_once_and_say_what_was_paid_back(self, db: psycopg.Connection, who: uuid.UUID, of: str) -> None:
        token = take(db, of)
        apply_invoice(db, of, token, 1234, "bhd")
        apply_invoice(db, of, token, 1234, "bhd", 200)
        apply_invoice(db, of, token, 1234, "bhd")
        rows = db.execute(
            "select user_id, number, status, currency, amount_due, amount_paid, amount_refunded from public.invoices"
            " where stripe_invoice_id = 'in_1'"
        )
        due = Decimal("1.234")
        assert rows.fetchall() == [(who, "A-1", "paid", "BHD", due, due, Decimal("0.200"))]

    def test_are_kept_up_to_date_when_their_person_has_left(
        self, db: psycopg.Connection, who: uuid.UUID, of: str
    ) -> None:
        token = take(db, of)
        apply_invoice(db, of, token)
        db.execute("delete from auth.users where id = %s", (who,))
        assert apply_invoice(db, of, token, refunded=900) == "unknown"
        rows = db.execute("select user_id, amount_refunded from public.invoices where stripe_invoice_id = 'in_1'")
        assert rows.fetchall() == [(None, Decimal("9.00"))]


def test_the_same_again_is_told_to_nobody(db: psycopg.Connection, who: uuid.UUID, of: str) -> None:
    token = take(db, of)
    apply_subscription(db, of, token)

    def told() -> int:
        rows = db.execute("select from realtime.messages where topic = %s", (f"user:{who}",))
        return rows.rowcount

    before = told()
    apply_subscription(db, of, token)
    assert told() == before
    apply_subscription(db, of, token, "enterprise")
    assert told() > before

"""What a plan includes is reserved, settled and released, once for each key, and no count is lost."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.database.callers import role
from tests.database.payments import (
    RefusedError,
    call,
    customer,
    expire,
    limits,
    person,
    release,
    reserve,
    settle,
    subscribe,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
FREE = {"ai_cost": "0.5", "whatsapp_messages": "20", "storage_bytes": "104857600"}
PRO = {"ai_cost": "5", "whatsapp_messages": "500", "storage_bytes": "10737418240"}


def included(db: psycopg.Connection, who: uuid.UUID) -> dict[str, str]:
    return {metric: amounts[0] for metric, amounts in limits(db, who).items()}


def refused(run: Callable[[], Any]) -> RefusedError:
    with pytest.raises(RefusedError) as failure:
        run()
    return failure.value


@pytest.fixture
def who(db: psycopg.Connection) -> uuid.UUID:
    return person(db)


class TestReserving:
    def test_holds_what_is_left(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        held = reserve(db, who, "0.2", "a")
        assert (held["status"], held["metric"], held["limit"], held["used"], held["reserved"], held["remaining"]) == (
            "open", "AI_COST", "0.5", "0", "0.2", "0.3",
        )  # fmt: skip
        assert limits(db, who)["ai_cost"] == ("0.5", "0", "0.2")

    def test_to_the_last_and_no_more(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, "0.499999", "a")
        reserve(db, who, "0.000001", "b")
        failure = refused(lambda: reserve(db, who, "0.000001", "c"))
        month = NOW.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        resets_at = datetime.fromisoformat(failure.extensions.pop("resetsAt"))
        assert resets_at == (month + 32 * DAY).replace(day=1)
        assert (failure.code, failure.extensions) == (
            "USAGE_LIMIT_EXCEEDED",
            {"metric": "AI_COST", "limit": "0.5", "used": "0", "reserved": "0.5"},
        )

    def test_the_same_key_is_the_same_reservation(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        first = reserve(db, who, 5, "a", "WHATSAPP_MESSAGES")
        again = reserve(db, who, 5, "a", "whatsapp_messages")
        assert {**first, "expiresAt": 0} == {**again, "expiresAt": 0}
        assert limits(db, who)["whatsapp_messages"] == ("20", "0", "5")
        settle(db, "a", 5)
        assert reserve(db, who, 5, "a", "WHATSAPP_MESSAGES")["status"] == "settled"
        assert limits(db, who)["whatsapp_messages"] == ("20", "5", "0")

    def test_a_key_is_of_one_thing(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, 5, "a", "WHATSAPP_MESSAGES")
        other = person(db)
        for again in (
            lambda: reserve(db, who, 6, "a", "WHATSAPP_MESSAGES"),
            lambda: reserve(db, who, 5, "a", "STORAGE_BYTES"),
            lambda: reserve(db, other, 5, "a", "WHATSAPP_MESSAGES"),
        ):
            failure = refused(again)
            assert (failure.code, failure.extensions["reason"]) == ("CONFLICT", "KEY_REUSED")
        assert limits(db, other)["whatsapp_messages"] == ("20", "0", "0")

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"amount": "0"}, "amount"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "NaN"}, "amount"),
            ({"amount": "Infinity"}, "amount"),
            ({"amount": "0.0000001"}, "amount"),
            ({"amount": None}, "amount"),
            ({"key": ""}, "key"),
            ({"key": "x" * 201}, "key"),
            ({"metric": "AI_COSTS"}, "metric"),
            ({"metric": None}, "metric"),
            ({"ttl": "0 seconds"}, "ttl"),
            ({"ttl": "8 days"}, "ttl"),
            ({"ttl": None}, "ttl"),
        ],
    )
    def test_wrong_values_are_named(
        self, db: psycopg.Connection, who: uuid.UUID, given: dict[str, Any], field: str
    ) -> None:
        asked = {"amount": "0.1", "key": "a", "metric": "AI_COST", "ttl": "1 minute", **given}
        failure = refused(lambda: reserve(db, who, **asked))
        assert (failure.code, failure.extensions["field"]) == ("BAD_USER_INPUT", field)

    def test_nobody_is_not_found(self, db: psycopg.Connection) -> None:
        assert refused(lambda: reserve(db, uuid.uuid4(), "0.1", "a")).code == "NOT_FOUND"

    def test_anonymous_people_have_nothing(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        db.execute("update auth.users set is_anonymous = true, email = null where id = %s", (who,))
        assert set(included(db, who).values()) == {"0"}
        failure = refused(lambda: reserve(db, who, "0.000001", "a"))
        assert (failure.code, failure.extensions["limit"]) == ("USAGE_LIMIT_EXCEEDED", "0")
        subscribe(db, who, "pro", NOW - DAY, NOW + DAY)
        assert refused(lambda: reserve(db, who, "0.000001", "a")).code == "USAGE_LIMIT_EXCEEDED"


class TestSettlingAndReleasing:
    def test_what_it_took_is_counted_in_full(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, "0.2", "a")
        settled = settle(db, "a", "0.9")
        assert (settled["used"], settled["reserved"], settled["remaining"]) == ("0.9", "0", "0")
        assert refused(lambda: reserve(db, who, "0.000001", "b")).extensions["used"] == "0.9"

    def test_settling_again_changes_nothing(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, "0.2", "a")
        assert settle(db, "a", "0.1") == settle(db, "a", "0.10")
        failure = refused(lambda: settle(db, "a", "0.2"))
        assert (failure.code, failure.extensions["reason"]) == ("CONFLICT", "ALREADY_SETTLED")
        assert refused(lambda: release(db, "a")).extensions["reason"] == "ALREADY_SETTLED"
        assert limits(db, who)["ai_cost"] == ("0.5", "0.1", "0")

    def test_releasing_frees_once(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, "0.2", "a")
        reserve(db, who, "0.2", "b")
        assert release(db, "a") == release(db, "a")
        assert limits(db, who)["ai_cost"] == ("0.5", "0", "0.2")
        failure = refused(lambda: settle(db, "a", "0.2"))
        assert (failure.code, failure.extensions["reason"]) == ("CONFLICT", "RELEASED")
        assert reserve(db, who, "0.2", "a")["status"] == "open"
        assert limits(db, who)["ai_cost"] == ("0.5", "0", "0.4")

    def test_what_was_never_reserved_is_not_found(self, db: psycopg.Connection) -> None:
        assert refused(lambda: settle(db, "never", 1)).code == "NOT_FOUND"
        assert refused(lambda: release(db, "never")).code == "NOT_FOUND"

    @pytest.mark.parametrize("actual", ["-1", "NaN", "Infinity", None, "0.0000001"])
    def test_wrong_amounts_are_named(self, db: psycopg.Connection, who: uuid.UUID, actual: object) -> None:
        reserve(db, who, "0.2", "a")
        failure = refused(lambda: settle(db, "a", actual))
        assert (failure.code, failure.extensions["field"]) == ("BAD_USER_INPUT", "actual")

    def test_a_level_goes_down_when_what_it_is_made_of_is_gone(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, 1000, "file", "STORAGE_BYTES")
        assert settle(db, "file", 900)["resetsAt"] is None
        assert limits(db, who)["storage_bytes"] == ("104857600", "900", "0")
        assert release(db, "file") == release(db, "file")
        assert limits(db, who)["storage_bytes"] == ("104857600", "0", "0")


class TestExpiry:
    def test_frees_itself_for_whoever_reserves(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, "0.5", "a")
        expire(db, "a")
        assert limits(db, who)["ai_cost"] == ("0.5", "0", "0")
        reserve(db, who, "0.4", "b")
        assert limits(db, who)["ai_cost"] == ("0.5", "0", "0.4")

    def test_frees_itself_for_whoever_looks(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, "0.5", "a")
        expire(db, "a")
        assert db.execute("select private.expire_reservations()").fetchone() == (1,)
        held = db.execute("select reserved_amount from public.usage_limits where user_id = %s", (who,)).fetchone()
        assert held == (0,)
        assert db.execute("select private.expire_reservations()").fetchone() == (0,)

    def test_what_was_done_late_counts_all_the_same(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, "0.2", "a")
        expire(db, "a")
        reserve(db, who, "0.5", "b")
        assert settle(db, "a", "0.3")["used"] == "0.3"
        assert limits(db, who)["ai_cost"] == ("0.5", "0.3", "0.5")

    def test_the_same_key_is_reserved_anew(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, "0.2", "a")
        expire(db, "a")
        assert reserve(db, who, "0.2", "a")["status"] == "open"
        assert limits(db, who)["ai_cost"] == ("0.5", "0", "0.2")

    def test_the_same_key_lasts_longer(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        first = reserve(db, who, "0.2", "a", ttl="1 minute")
        assert reserve(db, who, "0.2", "a", ttl="1 hour")["expiresAt"] > first["expiresAt"]
        assert reserve(db, who, "0.2", "a", ttl="1 second")["expiresAt"] > first["expiresAt"]


class TestPlans:
    def test_who_pays_for_nothing_is_free(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        assert included(db, who) == FREE

    def test_an_upgrade_raises_at_once(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, 100_000_000, "file", "STORAGE_BYTES")
        subscribe(db, who, "pro", NOW - DAY, NOW + 29 * DAY)
        assert included(db, who) == PRO
        assert limits(db, who)["storage_bytes"][2] == "100000000"
        subscribe(db, who, "enterprise", NOW - DAY, NOW + 29 * DAY)
        assert included(db, who)["ai_cost"] == "50"
        told = db.execute(
            "select limit_amount from public.usage_limits where user_id = %s and metric = 'ai_cost'", (who,)
        )
        assert told.fetchall() == [(50,)]

    def test_a_downgrade_waits_for_the_periods_end(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        starts, ends = NOW - 5 * DAY, NOW + 25 * DAY
        subscribe(db, who, "enterprise", starts, ends)
        reserve(db, who, 7, "a")
        settle(db, "a", 7)
        subscribe(db, who, "pro", starts, ends)
        assert limits(db, who)["ai_cost"] == ("50", "7", "0")
        assert included(db, who)["storage_bytes"] == "107374182400"
        subscribe(db, who, "pro", ends, ends + 30 * DAY)
        assert limits(db, who)["ai_cost"] == ("5", "0", "0")
        assert included(db, who) == PRO

    def test_one_that_ended_before_ends_nothing_of_another(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        """However late it is heard: what the larger plan includes is had until the period's end all the same."""
        starts, ends = NOW - 5 * DAY, NOW + 25 * DAY
        subscribe(db, who, "enterprise", starts, ends)
        subscribe(db, who, "pro", starts, ends)
        subscribe(db, who, "pro", NOW - 60 * DAY, NOW - 30 * DAY, "canceled", which="_before")
        assert included(db, who)["ai_cost"] == "50"

    def test_what_ends_with_its_period_lasts_until_then(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        subscribe(db, who, "pro", NOW - 29 * DAY, NOW + DAY, canceled=True)
        assert included(db, who) == PRO
        subscribe(db, who, "pro", NOW - 31 * DAY, NOW - timedelta(seconds=1), canceled=True)
        assert included(db, who) == FREE

    @pytest.mark.parametrize("status", ["incomplete", "incomplete_expired", "canceled", "unpaid", "paused"])
    def test_what_is_not_paid_for_grants_nothing(self, db: psycopg.Connection, who: uuid.UUID, status: str) -> None:
        subscribe(db, who, "enterprise", NOW - DAY, NOW + DAY)
        subscribe(db, who, "pro", NOW - DAY, NOW + DAY)
        subscribe(db, who, "pro", NOW - DAY, NOW + DAY, status)
        assert included(db, who) == FREE

    def test_a_missing_payment_costs_the_plan_after_seven_days(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        subscribe(db, who, "pro", NOW - DAY, NOW + 29 * DAY, "past_due")
        for days, plan in ((6.99, PRO), (7.01, FREE)):
            db.execute(
                "update public.subscriptions set past_due_at = clock_timestamp() - %s where user_id = %s",
                (days * DAY, who),
            )
            # To hear it again does not give more days.
            subscribe(db, who, "pro", NOW - DAY, NOW + 29 * DAY, "past_due")
            assert included(db, who) == plan
        subscribe(db, who, "pro", NOW - DAY, NOW + 29 * DAY)
        assert included(db, who) == PRO

    def test_what_was_paid_is_kept_until_it_ends_though_a_larger_plan_be_declined(
        self, db: psycopg.Connection, who: uuid.UUID
    ) -> None:
        """Seven days are counted from then: the renewal is not paid either."""
        for days, plan in ((5, PRO), (-6.99, PRO), (-7.01, FREE)):
            ends = NOW + days * DAY
            subscribe(db, who, "pro", ends - 30 * DAY, ends + (days < 0) * 30 * DAY, "past_due", paid_until=ends)
            db.execute(
                "update public.subscriptions set past_due_at = clock_timestamp() - %s where user_id = %s",
                (20 * DAY, who),
            )
            assert included(db, who) == plan

    @pytest.mark.parametrize("status", ["canceled", "unpaid"])
    def test_what_was_paid_is_kept_until_it_ends_though_stripe_gives_up(
        self, db: psycopg.Connection, who: uuid.UUID, status: str
    ) -> None:
        """And counted in its period."""
        starts, ends = NOW - 29 * DAY, NOW + DAY
        subscribe(db, who, "pro", starts, ends)
        reserve(db, who, 2, "a")
        subscribe(db, who, "pro", starts, ends, status, paid_until=ends)
        assert limits(db, who)["ai_cost"] == ("5", "0", "2")
        subscribe(db, who, "pro", starts, ends, status, paid_until=NOW - timedelta(seconds=1))
        assert included(db, who) == FREE

    def test_a_renewal_of_which_nothing_was_heard_is_waited_for(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        subscribe(db, who, "pro", NOW - 35 * DAY, NOW - 5 * DAY)
        held = reserve(db, who, 2, "a")
        assert held["limit"] == "5"
        subscribe(db, who, "pro", NOW - 5 * DAY, NOW + 25 * DAY)
        assert limits(db, who)["ai_cost"] == ("5", "0", "2")
        subscribe(db, who, "pro", NOW - 40 * DAY, NOW - 8 * DAY)
        assert included(db, who) == FREE

    def test_what_began_in_a_period_is_counted_in_it(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        starts, ends = NOW - 30 * DAY, NOW + DAY
        subscribe(db, who, "pro", starts, ends)
        reserve(db, who, 2, "a")
        subscribe(db, who, "pro", ends, ends + 30 * DAY)
        reserve(db, who, 3, "b")
        settle(db, "a", "2.5")
        settle(db, "b", 3)
        rows = db.execute(
            "select period_start, used_amount, reserved_amount from public.usage_limits"
            " where user_id = %s and metric = 'ai_cost' order by period_start",
            (who,),
        ).fetchall()
        assert [(start, float(used), int(held)) for start, used, held in rows] == [(starts, 2.5, 0), (ends, 3, 0)]

    def test_the_month_that_was_begun_is_gone_on_with(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        reserve(db, who, "0.4", "a")
        settle(db, "a", "0.4")
        subscribe(db, who, "pro", NOW - DAY, NOW + 29 * DAY)
        assert limits(db, who)["ai_cost"] == ("5", "0", "0")
        subscribe(db, who, "pro", NOW - DAY, NOW + 29 * DAY, "canceled")
        assert limits(db, who)["ai_cost"] == ("0.5", "0.4", "0")


class TestWhoMay:
    @pytest.mark.parametrize("client", ["anon", "authenticated"])
    def test_only_the_service_calls_what_writes(self, db: psycopg.Connection, client: str) -> None:
        open_to = db.execute(
            """
            select proname from pg_proc
            where pronamespace = 'public'::regnamespace and has_function_privilege(%s, oid, 'execute')
                and (proname ~ '(usage$|stripe|billing|checkout)')
                and proname !~ '_by_ids$|^whole_|^billing_subscription$'
            """,
            (client,),
        )
        assert open_to.fetchall() == []

    def test_people_see_what_is_left_to_them_and_change_nothing_by_looking(
        self, db: psycopg.Connection, who: uuid.UUID
    ) -> None:
        other = person(db)
        reserve(db, other, "0.2", "a")
        assert limits(db, who)["ai_cost"] == ("0.5", "0", "0")
        assert db.execute("select count(*) from public.usage_limits where user_id = %s", (who,)).fetchone() == (0,)

    def test_a_limit_has_the_id_that_it_was_read_with(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        def ids() -> set[Any]:
            with role(db, "authenticated", {"role": "authenticated", "sub": str(who)}):
                return {row[0] for row in db.execute("select id from public.current_usage_limits()")}

        before = ids()
        reserve(db, who, "0.2", "a")
        (written,) = db.execute("select id from public.usage_limits where user_id = %s", (who,)).fetchall()
        assert written[0] in before
        assert ids() == before

    def test_whoever_leaves_takes_their_keys_along(self, db: psycopg.Connection, who: uuid.UUID) -> None:
        customer(db, who)
        reserve(db, who, "0.2", "a")
        db.execute("delete from auth.users where id = %s", (who,))
        assert refused(lambda: settle(db, "a", "0.2")).code == "NOT_FOUND"
        assert call(db, "select count(*) from public.usage_limits where user_id = %s", who) == 0
        assert db.execute("select count(*) from private.billing_leases where subject = %s", (str(who),)).fetchone() == (
            0,
        )


def test_pruning_keeps_what_counters_are_made_of(db: psycopg.Connection, who: uuid.UUID) -> None:
    for key, metric, amount in (("a", "AI_COST", "0.1"), ("b", "STORAGE_BYTES", "7"), ("c", "AI_COST", "0.1")):
        reserve(db, who, amount, key, metric)
    settle(db, "a", "0.1")
    settle(db, "b", 7)
    release(db, "c")
    db.execute(
        "update private.usage_reservations set finished_at = now() - interval '181 days' where user_id = %s", (who,)
    )
    db.execute("select private.prune_reservations()")
    left = db.execute("select key from private.usage_reservations where user_id = %s order by key", (who,)).fetchall()
    assert left == [("a",), ("b",)]

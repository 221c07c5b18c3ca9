"""However Stripe tells it (twice, late, in any order, at once, to one who dies over it), it ends in the same rows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, LiteralString

import aiohttp
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.payments.conftest import Payments, eventually
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WEBHOOK = "handle-stripe-webhook"


async def lifecycle(payments: Payments) -> list[dict[str, Any]]:
    """Of a person who subscribes, takes a larger plan, fails a renewal, pays, is paid back, and ends it."""
    customer = await payments.customer(await payments.account())
    pro, enterprise = await payments.price(), await payments.price("enterprise")
    session = await payments.subscribe(customer, pro)
    portal = await payments.stripe("POST", "billing_portal/sessions", {"customer": customer})
    change = {"subscription": session["subscription"], "price": enterprise}
    assert (await payments.press(portal["url"], "change", **change))[0] == 303
    await payments.control("POST", "stripe/card", {"customer": customer, "declines": True})
    await payments.advance(31)
    await payments.control("POST", "stripe/card", {"customer": customer, "declines": False})
    await payments.advance(4)
    (paid,) = (await payments.stripe("GET", f"invoice_payments?invoice={session['invoice']}"))["data"]
    await payments.stripe("POST", "refunds", {"payment_intent": paid["payment"]["payment_intent"], "amount": "100"})
    await payments.stripe("DELETE", f"subscriptions/{session['subscription']}")
    return await payments.events()


async def told_in_order(payments: Payments, events: list[dict[str, Any]]) -> Any:
    """What is kept when each is told once, in the order of time."""
    for event in events:
        assert (await payments.tell(event))[0] == 200
    return payments.state()


async def test_any_order_repetition_and_eight_at_once(payments: Payments) -> None:
    """What is used meanwhile is counted alike too."""
    events = await lifecycle(payments)
    payments.use()
    await told_in_order(payments, events)
    payments.settle("held")
    orderly = payments.state()
    assert sum(row["used_amount"] for row in orderly["usage"]) == Decimal("0.5")
    assert [row["status"] for row in orderly["subscriptions"]] == ["canceled"]
    assert [row["status"] for row in orderly["invoices"]] == ["paid"] * 3
    loop = asyncio.get_running_loop()

    async def run(numbers: list[int]) -> Any:
        payments.forget()
        payments.use()
        queue = [events[number] for number in numbers]

        async def work() -> None:
            while queue:
                event = queue.pop()

                # As Stripe does, again until it is taken.
                async def taken(event: Any = event) -> bool:
                    return (await payments.tell(event))[0] == 200

                await eventually(taken)

        await asyncio.gather(*(work() for _ in range(8)))
        payments.settle("held")
        return payments.state()

    every = list(range(len(events)))
    orders = st.permutations(every).flatmap(
        lambda order: st.lists(st.sampled_from(every), max_size=10).flatmap(
            lambda more: st.permutations([*order, *more])
        )
    )

    @settings(
        max_examples=examples(6),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(numbers=orders)
    def property_(numbers: list[int]) -> None:
        assert asyncio.run_coroutine_threadsafe(run(numbers), loop).result(300) == orderly

    await asyncio.to_thread(property_)


async def test_a_stale_event_overwrites_nothing_newer(payments: Payments) -> None:
    """Told between, the last one of before days after all others."""
    events = await lifecycle(payments)
    orderly = await told_in_order(payments, events)
    stale = next(event for event in events if event["type"] == "customer.subscription.created")
    payments.db.execute("delete from public.billing_events where stripe_event_id = %s", (stale["id"],))
    assert await payments.tell(stale) == (200, {"received": True, "became": "done"})
    assert payments.state() == orderly


@contextlib.asynccontextmanager
async def in_flight(payments: Payments, event: Any) -> AsyncIterator[None]:
    """The event is being received; whoever receives it is killed in the end, and so it was not taken."""
    telling = asyncio.create_task(payments.tell(event))
    try:
        yield
    finally:
        payments.kill(WEBHOOK)
        with contextlib.suppress(aiohttp.ClientError):
            status, _ = await telling
            assert status >= 500


async def told_again(payments: Payments, event: Any, *, waits: bool = False) -> None:
    """It is told until it is taken, once the turn of whoever died is over, for which a test `waits` or not."""
    if not waits:
        payments.db.execute("update private.billing_leases set lease_until = now()")

    async def taken() -> bool:
        return (await payments.tell(event))[0] == 200

    await eventually(taken)


@pytest.mark.parametrize("nth", range(4))
async def test_killed_while_stripe_is_asked(payments: Payments, nth: int) -> None:
    """For the invoice, its subscription, its payments, what of them was paid back."""
    events = await lifecycle(payments)
    orderly = await told_in_order(payments, events)
    payments.forget()
    event = next(each for each in events if each["type"] == "invoice.paid")
    others = [each for each in events if each is not event]
    failure = {"provider": "stripe", "method": "GET", "kind": "delay", "delaySeconds": 20}
    await payments.control("POST", "failures", {**failure, "skip": nth})
    async with in_flight(payments, event):
        await eventually(lambda: reached(payments))
    await payments.control("DELETE", "failures")
    await told_again(payments, event, waits=nth == 0)
    assert await told_in_order(payments, others) == orderly


async def reached(payments: Payments) -> bool:
    """Whether a request waits that a script delays."""
    return not (await payments.control("GET", "failures"))["failures"]


STEPS: dict[str, LiteralString] = {
    "the turn is taken": "private.billing_leases",
    "the event is recorded": "public.billing_events",
    "the subscription is written": "public.subscriptions",
    "the invoice is written": "public.invoices",
}


@pytest.mark.parametrize("table", STEPS.values(), ids=STEPS)
async def test_killed_over_a_write_whose_answer_never_comes(payments: Payments, table: LiteralString) -> None:
    """The database does it all the same, and whoever asked for it never hears."""
    events = await lifecycle(payments)
    orderly = await told_in_order(payments, events)
    payments.forget()
    payments.db.execute("update private.billing_leases set lease_until = now()")
    event = next(each for each in events if each["type"] == "invoice.paid")
    others = [each for each in events if each is not event]
    with psycopg.connect(payments.info.admin_db_url) as lock:
        lock.execute(psycopg.sql.SQL("lock table {} in exclusive mode").format(psycopg.sql.SQL(table)))
        async with in_flight(payments, event):
            await eventually(lambda: waits(payments))
        lock.rollback()
    await told_again(payments, event)
    assert await told_in_order(payments, others) == orderly


async def waits(payments: Payments) -> bool:
    """Whether a statement waits for a lock."""
    return bool(payments.db.execute("select from pg_stat_activity where wait_event_type = 'Lock'").fetchall())


async def test_killed_behind_all_writes_before_it_is_done(payments: Payments) -> None:
    events = await lifecycle(payments)
    orderly = await told_in_order(payments, events)
    # As if everything but the last step had been.
    payments.db.execute("update public.billing_events set status = 'received'")
    for event in events:
        assert (await payments.tell(event))[0] == 200
    assert payments.state() == orderly


async def test_whoever_lost_the_turn_writes_nothing(payments: Payments) -> None:
    """Slower than its lease, it was overtaken: the newer state stays, and Stripe is to tell it again."""
    events = await lifecycle(payments)
    orderly = await told_in_order(payments, events)
    event = next(each for each in events if each["type"] == "customer.subscription.updated")
    payments.db.execute("delete from public.billing_events where stripe_event_id = %s", (event["id"],))
    failure = {"provider": "stripe", "path": "/v1/subscriptions*", "kind": "delay", "delaySeconds": 3}
    await payments.control("POST", "failures", failure)
    telling = asyncio.create_task(payments.tell(event))
    await eventually(lambda: reached(payments))
    # Its lease runs out, and another has had a turn.
    payments.db.execute(
        "update private.billing_leases set lease_until = now(), token = nextval('private.billing_tokens')"
    )
    payments.db.execute("update public.subscriptions set status = 'paused'")
    status, told = await telling
    assert (status, told["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert [row["status"] for row in payments.rows("subscriptions", "id")] == ["paused"]
    assert (await payments.tell(event))[0] == 200
    assert payments.state() == orderly


async def test_whoever_waits_too_long_for_a_turn_is_told_again(payments: Payments) -> None:
    events = await lifecycle(payments)
    event = next(each for each in events if each["type"] == "customer.subscription.created")
    customer = event["data"]["object"]["customer"]
    payments.db.execute(
        "insert into private.billing_leases (subject, token, lease_until) values (%s, 1, now() + interval '1 hour')",
        (customer,),
    )
    began = time.monotonic()
    status, told = await payments.tell(event)
    assert (status, told["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert time.monotonic() - began >= 15
    assert payments.count("subscriptions") == 0

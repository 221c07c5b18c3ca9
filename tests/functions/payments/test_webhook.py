"""What Stripe tells is taken where it is signed, once, and ends in what Stripe has."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.functions.payments.conftest import OLD_SECRET, SECRET, signature

if TYPE_CHECKING:
    from tests.functions.payments.conftest import Payments


def an_event(**changes: Any) -> dict[str, Any]:
    """One of a type of which nothing follows."""
    told = {"id": "evt_1", "object": "event", "type": "product.created", "livemode": False}
    return {**told, "data": {"object": {"id": "prod_1", "object": "product"}}, **changes}


async def tell_all(payments: Payments) -> None:
    """All that Stripe has to tell, in order; what was told already once more."""
    for event in await payments.events():
        assert (await payments.tell(event))[0] == 200


async def test_an_event_of_an_unknown_type_is_recorded(payments: Payments) -> None:
    assert await payments.tell(an_event()) == (200, {"received": True, "became": "ignored"})
    assert await payments.tell(an_event()) == (200, {"received": True, "became": "known"})
    (row,) = payments.db.execute("select * from public.billing_events").fetchall()
    assert (row["stripe_event_id"], row["type"], row["object_id"]) == ("evt_1", "product.created", "prod_1")
    assert (row["livemode"], row["status"], row["attempts"], row["payload"]) == (False, "ignored", 2, {})


BODY = json.dumps(an_event()).encode()
NOW = time.time()
FORGED = {
    "none": "",
    "of another secret": signature(BODY, "whsec_of_somebody_else"),
    "of no secret": signature(BODY, ""),
    "of another body": signature(b"{}"),
    "without a time": signature(BODY).partition(",")[2],
    "without a signature": signature(BODY).partition(",")[0],
    "without its value": f"t={int(NOW)},v1",
    "of an older scheme": signature(BODY).replace("v1=", "v0="),
    "of another time": signature(BODY).replace("t=", "t=1"),
    "a list of nothing": ",,,=,",
}


@pytest.mark.parametrize("header", FORGED.values(), ids=FORGED)
async def test_what_is_forged_is_refused_and_leaves_no_row(payments: Payments, header: str) -> None:
    status, told = await payments.tell(BODY, header=header)
    assert (status, told["code"]) == (400, "BAD_USER_INPUT")
    assert payments.count("billing_events") == 0


async def test_what_is_stale_is_refused_and_leaves_no_row(payments: Payments) -> None:
    status, told = await payments.tell(BODY, at=time.time() - 310)
    assert (status, told["code"]) == (400, "BAD_USER_INPUT")
    assert payments.count("billing_events") == 0
    assert (await payments.tell(BODY, at=time.time() - 280))[0] == 200


async def test_both_secrets_hold_while_one_is_exchanged(payments: Payments) -> None:
    for number, secret in enumerate((SECRET, OLD_SECRET)):
        assert (await payments.tell(an_event(id=f"evt_{number}"), secret=secret))[0] == 200
    assert payments.count("billing_events") == 2


async def test_of_several_signatures_one_is_enough(payments: Payments) -> None:
    header = signature(BODY, "whsec_another_one") + "," + signature(BODY).partition(",")[2]
    assert (await payments.tell(BODY, header=header))[0] == 200


async def test_what_is_oversized_is_refused_and_leaves_no_row(payments: Payments) -> None:
    most = 1024 * 1024
    filled = json.dumps(an_event(filled="")).encode()
    for length, status in ((most + 1, 400), (most, 200)):
        body = filled.replace(b'"filled": "', b'"filled": "' + b"x" * (length - len(filled)))
        assert len(body) == length
        assert (await payments.tell(body))[0] == status
        assert payments.count("billing_events") == (status == 200)


@pytest.mark.parametrize(
    "event",
    [
        *(an_event(livemode=True), an_event(livemode="false"), an_event(id="1"), an_event(id=None), an_event(type=7)),
        *(an_event(data=None), an_event(data={"object": None}), an_event(type="x" * 300), [], "text", 7, {}),
        *(an_event(data={"object": {"id": "in_1", name: "x" * 256}}) for name in ("id", "customer")),
        an_event(data={"object": {"id": "in_1", "customer": {"id": "x" * 256}}}),
    ],
    ids=lambda event: json.dumps(event)[:40],
)
async def test_what_is_signed_and_of_the_other_mode_or_no_event_leaves_no_row(payments: Payments, event: Any) -> None:
    status, told = await payments.tell(event)
    assert (status, told["code"]) == (400, "BAD_USER_INPUT")
    assert payments.count("billing_events") == 0


async def test_a_lifecycle_ends_in_what_stripe_has(payments: Payments) -> None:
    ada, price = await payments.account(), await payments.price()
    customer = await payments.customer(ada)
    session = await payments.subscribe(customer, price)
    for event in await payments.events():
        assert (await payments.tell(event))[0] == 200
    (subscription,) = payments.rows("subscriptions", "id")
    assert str(subscription["user_id"]) == ada.id
    assert subscription["stripe_subscription_id"] == session["subscription"]
    assert (subscription["plan_key"], subscription["status"]) == ("pro", "active")
    (invoice,) = payments.rows("invoices", "id")
    assert (invoice["status"], invoice["currency"]) == ("paid", "EUR")
    assert (invoice["amount_due"], invoice["amount_paid"]) == (Decimal("9.00"), Decimal("9.00"))
    assert invoice["stripe_subscription_id"] == session["subscription"]

    await payments.control("POST", "stripe/card", {"customer": customer, "declines": True})
    await payments.advance(31)
    await tell_all(payments)
    (row,) = payments.db.execute("select * from public.subscriptions").fetchall()
    assert row["status"] == "past_due"
    assert row["past_due_at"] is not None
    assert row["current_period_start"] == subscription["current_period_end"]
    assert [row["status"] for row in payments.rows("invoices", "issued_at")] == ["paid", "open"]

    await payments.advance(15)
    for event in await payments.events():
        assert (await payments.tell(event))[0] == 200
    assert [row["status"] for row in payments.rows("subscriptions", "id")] == ["canceled"]
    assert {row["status"] for row in payments.rows("billing_events", "id")} <= {"done", "ignored"}


async def test_a_transfer_that_is_on_its_way_grants_nothing(payments: Payments) -> None:
    price = await payments.price()
    for how, status in (("succeed_later", "active"), ("fail_later", "incomplete_expired")):
        payments.forget()
        await payments.subscribe(await payments.customer(await payments.account()), price, how)
        for event in await payments.events():
            await payments.tell(event)
        assert [row["status"] for row in payments.rows("subscriptions", "id")] == ["incomplete"]
        await payments.advance(4)
        for event in await payments.events():
            await payments.tell(event)
        last = payments.rows("subscriptions", "created_at desc")[0]
        assert last["status"] == status
        await payments.reset()
        price = await payments.price()


async def test_a_larger_plan_is_granted_once_it_is_paid_for(payments: Payments) -> None:
    """Stripe changes the price though the card be declined that is to pay the difference."""
    customer = await payments.customer(await payments.account())
    session = await payments.subscribe(customer, await payments.price())
    enterprise = await payments.price("enterprise")
    await payments.control("POST", "stripe/card", {"customer": customer, "declines": True})
    portal = await payments.stripe("POST", "billing_portal/sessions", {"customer": customer})
    await payments.press(portal["url"], "change", subscription=session["subscription"], price=enterprise)
    await tell_all(payments)
    assert [(row["plan_key"], row["status"]) for row in payments.rows("subscriptions", "id")] == [("pro", "past_due")]
    (owed,) = (await payments.stripe("GET", f"invoices?customer={customer}&status=open"))["data"]

    await payments.control("POST", "stripe/card", {"customer": customer, "declines": False})
    await payments.stripe("POST", f"invoices/{owed['id']}/pay")
    await tell_all(payments)
    granted = [(row["plan_key"], row["status"]) for row in payments.rows("subscriptions", "id")]
    assert granted == [("enterprise", "active")]


async def test_a_larger_plan_that_is_never_paid_for_is_none_through_a_renewal_and_ends(payments: Payments) -> None:
    """The renewal at its price is not paid either, and after two weeks Stripe gives up."""
    customer = await payments.customer(await payments.account())
    session = await payments.subscribe(customer, await payments.price())
    await payments.advance(20)
    enterprise = await payments.price("enterprise")
    await payments.control("POST", "stripe/card", {"customer": customer, "declines": True})
    portal = await payments.stripe("POST", "billing_portal/sessions", {"customer": customer})
    await payments.press(portal["url"], "change", subscription=session["subscription"], price=enterprise)
    known = await payments.stripe("GET", f"subscriptions/{session['subscription']}")
    paid_until = datetime.fromtimestamp(known["items"]["data"][0]["current_period_end"], UTC)
    # A renewal is among what comes second.
    for days, status in ((0, "past_due"), (12, "past_due"), (5, "canceled")):
        await payments.advance(days)
        await tell_all(payments)
        (row,) = payments.rows("subscriptions", "id")
        assert (row["plan_key"], row["status"], row["paid_until"]) == ("pro", status, paid_until)
    assert sorted(row["status"] for row in payments.rows("invoices", "id")) == ["open", "open", "paid"]


async def test_a_smaller_plan_begins_when_the_period_ends(payments: Payments) -> None:
    """The portal plans it by a schedule, and pays nothing back."""
    customer = await payments.customer(await payments.account())
    session = await payments.subscribe(customer, await payments.price("enterprise"))
    pro = await payments.price()
    portal = await payments.stripe("POST", "billing_portal/sessions", {"customer": customer})
    await payments.press(portal["url"], "change", subscription=session["subscription"], price=pro)
    await tell_all(payments)
    (before,) = payments.rows("subscriptions", "id")
    assert (before["plan_key"], before["status"]) == ("enterprise", "active")
    await payments.advance(31)
    await tell_all(payments)
    (after,) = payments.rows("subscriptions", "id")
    assert (after["plan_key"], after["current_period_start"]) == ("pro", before["current_period_end"])
    assert [row["amount_paid"] for row in payments.rows("invoices", "issued_at")] == [Decimal("49.00"), Decimal("9.00")]


async def test_what_is_paid_back_stands_with_its_invoice_in_whatever_order_it_is_told(payments: Payments) -> None:
    customer = await payments.customer(await payments.account())
    session = await payments.subscribe(customer, await payments.price())
    (paid,) = (await payments.stripe("GET", f"invoice_payments?invoice={session['invoice']}"))["data"]
    for amount in ("100", "250"):
        await payments.stripe(
            "POST", "refunds", {"payment_intent": paid["payment"]["payment_intent"], "amount": amount}
        )
    for event in (await payments.events())[::-1]:
        assert (await payments.tell(event))[0] == 200
    (invoice,) = payments.rows("invoices", "id")
    assert (invoice["status"], invoice["amount_refunded"]) == ("paid", Decimal("3.50"))


async def test_pauses_and_invoices_that_are_given_up(payments: Payments) -> None:
    customer = await payments.customer(await payments.account())
    session = await payments.subscribe(customer, await payments.price())
    for paused, status in ((True, "paused"), (False, "active")):
        await payments.control("POST", "stripe/pause", {"subscription": session["subscription"], "paused": paused})
        for event in await payments.events():
            await payments.tell(event)
        assert [row["status"] for row in payments.rows("subscriptions", "id")] == [status]
    await payments.control("POST", "stripe/card", {"customer": customer, "declines": True})
    await payments.advance(31)
    (open_invoice,) = (await payments.stripe("GET", f"invoices?customer={customer}&status=open"))["data"]
    for verb, status in (("mark_uncollectible", "uncollectible"), ("void", "void")):
        await payments.stripe("POST", f"invoices/{open_invoice['id']}/{verb}")
        for event in await payments.events():
            await payments.tell(event)
        assert [row["status"] for row in payments.rows("invoices", "issued_at")] == ["paid", status]


async def test_what_is_somebody_elses_or_another_systems_is_recorded_and_writes_nothing(payments: Payments) -> None:
    price = await payments.price()
    await payments.subscribe(await payments.customer(None), price)
    ours = await payments.customer(await payments.account())
    await payments.subscribe(
        ours, price, **{"metadata[system]": "household", "subscription_data[metadata][system]": "household"}
    )
    for event in await payments.events():
        assert (await payments.tell(event))[0] == 200
    assert (payments.count("subscriptions"), payments.count("invoices")) == (0, 0)
    assert {row["status"] for row in payments.rows("billing_events", "id")} == {"ignored"}


def waiting(payments: Payments) -> set[str]:
    """The types of what waits for its price to be of a plan."""
    return {row["type"] for row in payments.rows("billing_events", "id") if row["status"] == "waiting"}


async def test_a_price_that_is_of_no_plan_grants_none_until_it_is_of_one(payments: Payments) -> None:
    """Found by the pass, or by what is told next, though nothing is told of the price itself."""
    customer = await payments.customer(await payments.account())
    price = await payments.price("something_else")
    await payments.subscribe(customer, price)
    await tell_all(payments)
    assert payments.count("subscriptions") == 0
    assert waiting(payments) == {"customer.subscription.created", "invoice.paid", "checkout.session.completed"}
    _, found = await payments.call("recover-stripe-events", {"wait": True})
    assert (found["left"], found["done"], found["waiting"], found["failed"]) == (3, 0, 3, 0)

    await payments.stripe("POST", f"prices/{price}", {"lookup_key": "tripgate_pro", "transfer_lookup_key": "true"})
    _, found = await payments.call("recover-stripe-events", {"wait": True})
    assert (found["left"], found["done"], found["waiting"], found["failed"]) == (3, 3, 0, 0)
    assert [(row["plan_key"], row["status"]) for row in payments.rows("subscriptions", "id")] == [("pro", "active")]
    assert waiting(payments) == set()


async def test_what_waits_is_done_when_it_is_told_again(payments: Payments) -> None:
    customer = await payments.customer(await payments.account())
    price = await payments.price("something_else")
    await payments.subscribe(customer, price)
    (event,) = await payments.events(type="customer.subscription.created")
    assert await payments.tell(event) == (200, {"received": True, "became": "waiting"})
    await payments.stripe("POST", f"prices/{price}", {"metadata[plan_key]": "enterprise", "lookup_key": ""})
    assert await payments.tell(event) == (200, {"received": True, "became": "done"})
    assert [row["plan_key"] for row in payments.rows("subscriptions", "id")] == ["enterprise"]


async def test_what_nobody_here_pays_for_waits_for_nothing(payments: Payments) -> None:
    await payments.subscribe(await payments.customer(None), await payments.price("something_else"))
    await tell_all(payments)
    assert waiting(payments) == set()


async def test_while_stripe_is_down_nothing_is_written_and_the_event_is_told_again(payments: Payments) -> None:
    customer = await payments.customer(await payments.account())
    await payments.subscribe(customer, await payments.price())
    (event,) = await payments.events(type="customer.subscription.created")
    for kind in (
        {"kind": "status", "status": 500},
        {"kind": "drop"},
        {"kind": "garbage"},
        {"kind": "status", "status": 401},
    ):
        await payments.control(
            "POST",
            "failures",
            {"provider": "stripe", "method": "GET", "path": "/v1/subscriptions*", "times": 9, **kind},
        )
        status, told = await payments.tell(event)
        assert (status, told["code"]) == (503, "UPSTREAM_UNAVAILABLE"), kind
        assert payments.count("subscriptions") == 0
        await payments.control("DELETE", "failures")
    assert [row["status"] for row in payments.rows("billing_events", "id")] == ["received"]
    assert await payments.tell(event) == (200, {"received": True, "became": "done"})
    assert payments.count("subscriptions") == 1

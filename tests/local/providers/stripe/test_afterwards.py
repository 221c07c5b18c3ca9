"""The fake of Stripe behind a first payment: the portal, refunds, payments that take days, pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local.providers.stripe.conftest import DAY

if TYPE_CHECKING:
    from tests.local.providers.stripe.conftest import Stripe


async def portal(stripe: Stripe, session: Any, **form: str) -> tuple[int, str]:
    """What the portal's page answers: its status, and where it leads or what it says."""
    async with stripe.served.http.post(session["url"], data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def test_the_portal_upgrades_and_cancels(stripe: Stripe) -> None:
    subscription = await stripe.subscribed()
    (item,) = subscription["items"]["data"]
    product = item["price"]["product"]
    dearer = {"product": product, "currency": "eur", "unit_amount": "2990", "recurring[interval]": "month"}
    price = (await stripe.made("prices", dearer))["id"]
    (session,) = await stripe.client(
        ["billingPortal.sessions.create", {"customer": subscription["customer"], "return_url": "https://trips.example/plan"}]
    )  # fmt: skip
    async with stripe.served.http.get(session["url"]) as answer:
        page = await answer.text()
        assert "9.90 EUR: active" in page
        assert "29.90 EUR</option>" in page
    own = {"subscription": subscription["id"]}
    assert await portal(stripe, session, do="change", price=price, **own) == (303, session["url"])
    assert await portal(stripe, session, do="cancel", **own) == (303, session["url"])
    changed = await stripe.get(f"subscriptions/{subscription['id']}")
    assert changed["items"]["data"][0]["price"]["id"] == price
    assert changed["cancel_at_period_end"] is True
    assert (await stripe.events())[-2:] == ["customer.subscription.updated"] * 2
    assert (await portal(stripe, session, do="renew", **own))[0] == 303
    assert (await stripe.get(f"subscriptions/{subscription['id']}"))["cancel_at_period_end"] is False
    assert await portal(stripe, session, do="back") == (303, "https://trips.example/plan")


async def test_the_portal_takes_a_cheaper_price_at_the_end_of_the_period(stripe: Stripe) -> None:
    subscription, cheaper = await stripe.subscribed(), await stripe.price(unit_amount="190")
    (item,) = subscription["items"]["data"]
    session = await stripe.made("billing_portal/sessions", {"customer": subscription["customer"]})
    own = {"subscription": subscription["id"]}
    for button, has_schedule in (("change", True), ("keep", False), ("change", True), ("cancel", False)):
        assert (await portal(stripe, session, do=button, price=cheaper, **own))[0] == 303
        now = await stripe.get(f"subscriptions/{subscription['id']}")
        assert (now["schedule"] is not None) == has_schedule
        assert now["items"] == subscription["items"]
    for button in ("renew", "change"):
        assert (await portal(stripe, session, do=button, price=cheaper, **own))[0] == 303
    async with stripe.served.http.get(session["url"]) as answer:
        assert "9.90 EUR: active, 1.90 EUR from the end of the period on" in await answer.text()
    planned = await stripe.get(f"subscriptions/{subscription['id']}")
    (schedule,) = await stripe.client(["subscriptionSchedules.retrieve", planned["schedule"]])
    assert [phase["items"][0]["price"] for phase in schedule["phases"]] == [item["price"]["id"], cheaper]
    assert schedule["phases"][1]["start_date"] == item["current_period_end"]
    change = {"cancel_at_period_end": "true"}
    assert (await stripe.ask("POST", f"subscriptions/{subscription['id']}", change))[0] == 400
    await stripe.advance(32 * DAY)
    changed = await stripe.get(f"subscriptions/{subscription['id']}")
    assert (changed["schedule"], changed["items"]["data"][0]["price"]["id"]) == (None, cheaper)
    (renewal, first) = (await stripe.get(f"invoices?subscription={subscription['id']}"))["data"]
    assert (renewal["amount_paid"], first["amount_paid"]) == (190, 990)


async def test_the_portal_does_what_its_configuration_says(stripe: Stripe) -> None:
    subscription, dearer = await stripe.subscribed(), await stripe.price(unit_amount="2990")
    ((found,),) = [
        page["data"]
        for page in await stripe.client(["billingPortal.configurations.list", {"is_default": True, "active": True}])
    ]
    update = found["features"]["subscription_update"]
    assert (update["enabled"], update["proration_behavior"]) == (True, "always_invoice")
    assert update["schedule_at_period_end"] == {"conditions": [{"type": "decreasing_item_amount"}]}
    product = {"product": "prod_other", "prices": [subscription["items"]["data"][0]["price"]["id"]]}
    changed, wrong, inactive = await stripe.client(
        [
            "billingPortal.configurations.update",
            found["id"],
            {"features": {"subscription_update": {"enabled": True, "products": [product]}}},
        ],
        [
            "billingPortal.configurations.update",
            found["id"],
            {"features": {"subscription_update": {"enabled": True, "proration_behavior": "sometimes"}}},
        ],
        ["billingPortal.configurations.update", found["id"], {"active": False}],
    )
    assert changed["features"]["subscription_update"]["products"] == [product]
    assert (wrong["statusCode"], inactive["statusCode"]) == (400, 400)
    session = await stripe.made("billing_portal/sessions", {"customer": subscription["customer"]})
    status, said = await portal(stripe, session, do="change", price=dearer, subscription=subscription["id"])
    assert (status, "cannot be chosen" in said) == (400, True)


async def test_the_portal_is_of_one_customer(stripe: Stripe) -> None:
    mine, others = await stripe.subscribed(), await stripe.subscribed()
    session = await stripe.made("billing_portal/sessions", {"customer": mine["customer"]})
    status, said = await portal(stripe, session, do="cancel", subscription=others["id"])
    assert (status, "somebody else&#x27;s" in said) == (400, True)
    assert (await portal(stripe, session, do="explode", subscription=mine["id"]))[0] == 400
    assert (await portal(stripe, session, do="change", subscription=mine["id"], price="price_none"))[0] == 400
    assert (await portal(stripe, {"url": f"{stripe.base}/p/session/bps_none"}, do="back"))[0] == 404
    assert (await stripe.get(f"subscriptions/{others['id']}"))["cancel_at_period_end"] is False


async def test_refunds_are_found_by_the_invoices_payment(stripe: Stripe) -> None:
    subscription = await stripe.subscribed()
    invoice = subscription["latest_invoice"]
    payments, part, too_much, rest, again, found = await stripe.client(
        ["invoicePayments.list", {"invoice": invoice}],
        ["refunds.create", {"payment_intent": "$0.data.0.payment.payment_intent", "amount": 400}],
        ["refunds.create", {"payment_intent": "$0.data.0.payment.payment_intent", "amount": 591}],
        ["refunds.create", {"charge": "$1.charge"}],
        ["refunds.create", {"charge": "$1.charge"}],
        [
            "invoicePayments.list",
            {"payment": {"type": "payment_intent", "payment_intent": "$1.payment_intent"}, "expand": ["data.invoice"]},
        ],
    )
    assert (part["amount"], part["status"], rest["amount"]) == (400, "succeeded", 590)
    assert (too_much["statusCode"], too_much["param"], again["code"]) == (400, "amount", "charge_already_refunded")
    (payment,) = found["data"]
    assert (payment["id"], payment["invoice"]["id"]) == (payments["data"][0]["id"], invoice)
    assert (await stripe.events())[-4:] == ["refund.created", "charge.refunded"] * 2
    charge = (await stripe.get("events?type=charge.refunded&limit=1"))["data"][0]["data"]["object"]
    assert (charge["amount_refunded"], charge["refunded"]) == (990, True)


@pytest.mark.parametrize(
    ("button", "status", "event", "payment"),
    [
        ("succeed_later", "active", "checkout.session.async_payment_succeeded", "paid"),
        ("fail_later", "incomplete_expired", "checkout.session.async_payment_failed", "unpaid"),
    ],
)
async def test_a_payment_that_takes_days(stripe: Stripe, button: str, status: str, event: str, payment: str) -> None:
    session = await stripe.session(*await stripe.shop())
    assert (await stripe.press(session, button))[0] == 303
    complete = await stripe.get(f"checkout/sessions/{session['id']}")
    assert (complete["status"], complete["payment_status"]) == ("complete", "unpaid")
    assert (await stripe.get(f"subscriptions/{complete['subscription']}"))["status"] == "incomplete"
    assert (await stripe.get(f"invoices/{complete['invoice']}"))["status"] == "open"
    await stripe.advance(3 * DAY + 1)
    assert (await stripe.get(f"subscriptions/{complete['subscription']}"))["status"] == status
    assert (await stripe.get(f"checkout/sessions/{session['id']}"))["payment_status"] == payment
    assert (await stripe.events())[-1] == event
    await stripe.advance(40 * DAY)
    assert (await stripe.get(f"subscriptions/{complete['subscription']}"))["status"] == status


async def test_it_is_paused_and_resumed(stripe: Stripe) -> None:
    subscription = await stripe.subscribed()
    for paused, status in ((True, "paused"), (False, "active")):
        await stripe.served.control("POST", "stripe/pause", {"subscription": subscription["id"], "paused": paused}, 204)
        assert (await stripe.get(f"subscriptions/{subscription['id']}"))["status"] == status
    assert (await stripe.events())[-2:] == ["customer.subscription.paused", "customer.subscription.resumed"]
    refused = await stripe.served.control("POST", "stripe/pause", {"subscription": "sub_none", "paused": True}, 400)
    assert refused == {"message": "There is no subscription sub_none"}
    assert (
        "paused: Field required"
        in (await stripe.served.control("POST", "stripe/pause", {"subscription": "x"}, 400))["message"]
    )

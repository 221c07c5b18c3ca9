"""The fake of Stripe as time goes by: paid on its page, renewed, failing, changed, ended; told by signed webhooks."""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING

import pytest

from tests.local.providers.deno_client import script
from tests.local.providers.stripe.conftest import DAY, HERE
from tripgate.local.providers.stripe.items import later
from tripgate.local.providers.stripe.pages import amount
from tripgate.local.providers.stripe.store import signature

if TYPE_CHECKING:
    from tests.local.providers.stripe.conftest import Stripe

PAID_AT_FIRST = [
    "invoice.created",
    "invoice.finalized",
    "customer.subscription.created",
    "invoice.paid",
    "invoice.payment_succeeded",
    "checkout.session.completed",
]


async def test_somebody_subscribes_on_the_page(stripe: Stripe) -> None:
    customer, price = await stripe.shop()
    session = await stripe.session(customer, price)
    assert (session["status"], session["payment_status"], session["amount_total"]) == ("open", "unpaid", 990)
    async with stripe.served.http.get(session["url"]) as answer:
        assert "9.90 EUR" in await answer.text()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    status, page = await stripe.press(session, "decline")
    assert (status, "Your card was declined" in page) == (402, True)
    assert await stripe.press(session, "leave") == (303, "https://trips.example/plans")
    assert (await stripe.get(f"checkout/sessions/{session['id']}"))["status"] == "open"
    assert await stripe.press(session, "pay") == (303, f"https://trips.example/paid?session={session['id']}")
    (paid,) = await stripe.client(
        ["checkout.sessions.retrieve", session["id"], {"expand": ["subscription.latest_invoice", "customer"]}]
    )
    assert (paid["status"], paid["payment_status"], paid["customer"]["id"]) == ("complete", "paid", customer)
    subscription = paid["subscription"]
    assert (subscription["status"], subscription["metadata"]) == ("active", {"system": "trips"})
    # Where this version of the API has them: not on the subscription, and not on the invoice.
    (item,) = subscription["items"]["data"]
    assert 27 * DAY < item["current_period_end"] - item["current_period_start"] < 32 * DAY
    assert "current_period_end" not in subscription
    invoice = subscription["latest_invoice"]
    assert (invoice["status"], invoice["amount_paid"], invoice["billing_reason"]) == (
        "paid",
        990,
        "subscription_create",
    )
    assert invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]
    assert "subscription" not in invoice
    assert (await stripe.events())[1:] == PAID_AT_FIRST
    # Only once.
    async with stripe.served.http.post(
        session["url"] or f"{stripe.base}/c/pay/{session['id']}", data={"do": "pay"}
    ) as answer:
        assert "complete" in await answer.text()
    assert len((await stripe.get(f"subscriptions?customer={customer}"))["data"]) == 1


async def test_a_session_expires(stripe: Stripe) -> None:
    session = await stripe.session(*await stripe.shop())
    await stripe.advance(DAY + 1)
    assert (await stripe.get(f"checkout/sessions/{session['id']}"))["status"] == "expired"
    assert (await stripe.events())[-1] == "checkout.session.expired"
    assert "expired" in (await stripe.press(session, "pay"))[1]
    by_hand = await stripe.session(*await stripe.shop())
    assert (await stripe.made(f"checkout/sessions/{by_hand['id']}/expire", {}))["status"] == "expired"
    assert (await stripe.ask("POST", f"checkout/sessions/{by_hand['id']}/expire"))[0] == 400


async def test_it_renews_by_the_clock(stripe: Stripe) -> None:
    subscription = await stripe.subscribed()
    end = subscription["items"]["data"][0]["current_period_end"]
    await stripe.advance(63 * DAY)
    renewed = await stripe.get(f"subscriptions/{subscription['id']}")
    (item,) = renewed["items"]["data"]
    assert item["current_period_start"] > end
    invoices = (await stripe.get(f"invoices?subscription={subscription['id']}"))["data"]
    assert [each["billing_reason"] for each in invoices] == ["subscription_cycle"] * 2 + ["subscription_create"]
    assert {each["status"] for each in invoices} == {"paid"}
    assert len({each["number"] for each in invoices}) == 3
    payments = (await stripe.get(f"invoice_payments?invoice={invoices[0]['id']}"))["data"]
    assert [each["payment"]["type"] for each in payments] == ["payment_intent"]


async def test_a_renewal_fails_and_is_paid_later(stripe: Stripe) -> None:
    subscription = await stripe.subscribed()
    await stripe.served.control("POST", "stripe/card", {"customer": subscription["customer"], "declines": True}, 204)
    (item,) = subscription["items"]["data"]
    await stripe.advance(item["current_period_end"] - item["current_period_start"] + 3600)
    failing = await stripe.get(f"subscriptions/{subscription['id']}")
    assert failing["status"] == "past_due"
    (invoice, _) = (await stripe.get(f"invoices?subscription={subscription['id']}"))["data"]
    assert (invoice["status"], invoice["attempt_count"], invoice["amount_remaining"]) == ("open", 1, 990)
    (declined,) = await stripe.client(["invoices.pay", invoice["id"]])
    assert (declined["failed"], declined["code"]) == ("StripeCardError", "card_declined")
    await stripe.served.control("POST", "stripe/card", {"customer": subscription["customer"], "declines": False}, 204)
    await stripe.advance(DAY)
    assert (await stripe.get(f"subscriptions/{subscription['id']}"))["status"] == "active"
    assert (await stripe.get(f"invoices/{invoice['id']}"))["status"] == "paid"
    events = await stripe.events()
    assert "invoice.payment_failed" in events
    assert events[-1] == "customer.subscription.updated"


async def test_one_that_is_never_paid_ends(stripe: Stripe) -> None:
    subscription = await stripe.subscribed()
    await stripe.served.control("POST", "stripe/card", {"customer": subscription["customer"], "declines": True}, 204)
    await stripe.advance(50 * DAY)
    ended = await stripe.get(f"subscriptions/{subscription['id']}")
    assert (ended["status"], ended["cancellation_details"]["reason"]) == ("canceled", "payment_failed")
    (invoice, _) = (await stripe.get(f"invoices?subscription={subscription['id']}"))["data"]
    # At first, and eight times within two weeks.
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 9)
    assert (ended["ended_at"] - invoice["created"]) == 14 * DAY
    assert (await stripe.made(f"invoices/{invoice['id']}/mark_uncollectible", {}))["status"] == "uncollectible"
    assert (await stripe.made(f"invoices/{invoice['id']}/void", {}))["status"] == "void"
    assert (await stripe.events())[-3:] == [
        "customer.subscription.deleted",
        "invoice.marked_uncollectible",
        "invoice.voided",
    ]


@pytest.mark.parametrize("then", ["unpaid", "past_due"])
async def test_what_becomes_of_it_is_a_setting_of_the_account(stripe: Stripe, then: str) -> None:
    subscription = await stripe.subscribed()
    own = {"customer": subscription["customer"]}
    await stripe.served.control("POST", "stripe/retries", {"days": [3, 5], "then": then}, 204)
    await stripe.served.control("POST", "stripe/card", {**own, "declines": True}, 204)
    await stripe.advance(40 * DAY)
    assert (await stripe.get(f"subscriptions/{subscription['id']}"))["status"] == then
    (invoice, _) = (await stripe.get(f"invoices?subscription={subscription['id']}"))["data"]
    assert (invoice["status"], invoice["attempt_count"], invoice["next_payment_attempt"]) == ("open", 3, None)
    await stripe.served.control("POST", "stripe/card", {**own, "declines": False}, 204)
    await stripe.made(f"invoices/{invoice['id']}/pay", {})
    assert (await stripe.get(f"subscriptions/{subscription['id']}"))["status"] == "active"
    for wrong in ({"days": [], "then": then}, {"days": [5, 3], "then": then}, {"days": [61], "then": then}):
        await stripe.served.control("POST", "stripe/retries", wrong, 400)


async def test_it_is_cancelled_at_its_end_or_at_once(stripe: Stripe) -> None:
    subscription = await stripe.subscribed()
    at_end, not_after_all, at_end_again = await stripe.client(
        *(["subscriptions.update", subscription["id"], {"cancel_at_period_end": each}] for each in (True, False, True))
    )
    assert at_end["cancel_at"] == subscription["items"]["data"][0]["current_period_end"]
    assert (not_after_all["cancel_at"], at_end_again["cancel_at_period_end"]) == (None, True)
    update = (await stripe.get("events?type=customer.subscription.updated&limit=1"))["data"][0]
    assert update["data"]["previous_attributes"]["cancel_at_period_end"] is False
    await stripe.advance(32 * DAY)
    assert (await stripe.get(f"subscriptions/{subscription['id']}"))["status"] == "canceled"
    assert (await stripe.get(f"subscriptions?customer={subscription['customer']}"))["data"] == []
    assert len((await stripe.get(f"subscriptions?customer={subscription['customer']}&status=all"))["data"]) == 1
    other = await stripe.subscribed()
    cancelled, again = await stripe.client(["subscriptions.cancel", other["id"]], ["subscriptions.cancel", other["id"]])
    assert (cancelled["status"], again["statusCode"]) == ("canceled", 404)


async def test_an_upgrade_is_paid_for_the_rest_of_the_period(stripe: Stripe) -> None:
    subscription = await stripe.subscribed()
    (item,) = subscription["items"]["data"]
    dearer = await stripe.made(
        "prices",
        {"product": item["price"]["product"], "currency": "eur", "unit_amount": "2990", "recurring[interval]": "month"},
    )
    change = {"items": [{"id": item["id"], "price": dearer["id"]}], "proration_behavior": "always_invoice"}
    (changed,) = await stripe.client(
        ["subscriptions.update", subscription["id"], {**change, "expand": ["latest_invoice"]}]
    )
    assert changed["items"]["data"][0]["price"]["unit_amount"] == 2990
    assert changed["latest_invoice"]["billing_reason"] == "subscription_update"
    assert 1990 <= changed["latest_invoice"]["amount_paid"] <= 2000


async def test_an_upgrade_that_is_declined_is_past_due_until_it_is_paid(stripe: Stripe) -> None:
    subscription, dearer = await stripe.subscribed(), await stripe.price(unit_amount="2990")
    (item,) = subscription["items"]["data"]
    own = {"customer": subscription["customer"]}
    await stripe.served.control("POST", "stripe/card", {**own, "declines": True}, 204)
    change = {"items": [{"id": item["id"], "price": dearer}], "proration_behavior": "always_invoice"}
    (changed,) = await stripe.client(
        ["subscriptions.update", subscription["id"], {**change, "expand": ["latest_invoice"]}]
    )
    invoice = changed["latest_invoice"]
    assert (changed["status"], changed["items"]["data"][0]["price"]["id"]) == ("past_due", dearer)
    assert (invoice["status"], invoice["next_payment_attempt"]) == ("open", invoice["created"] + DAY)
    await stripe.served.control("POST", "stripe/card", {**own, "declines": False}, 204)
    await stripe.advance(DAY)
    assert (await stripe.get(f"invoices/{invoice['id']}"))["status"] == "paid"
    assert (await stripe.get(f"subscriptions/{subscription['id']}"))["status"] == "active"


async def test_a_later_invoice_that_is_paid_is_enough_to_be_active(stripe: Stripe) -> None:
    """Of those before it nothing follows any more, though they be open and tried until they are given up."""
    subscription = await stripe.subscribed()
    own = {"customer": subscription["customer"]}
    await stripe.served.control("POST", "stripe/retries", {"days": [40], "then": "cancel"}, 204)
    await stripe.served.control("POST", "stripe/card", {**own, "declines": True}, 204)
    await stripe.advance(32 * DAY)
    await stripe.served.control("POST", "stripe/card", {**own, "declines": False}, 204)
    await stripe.advance(31 * DAY)
    listed = (await stripe.get(f"invoices?subscription={subscription['id']}"))["data"]
    assert [each["status"] for each in listed] == ["paid", "open", "paid"]
    assert (await stripe.get(f"subscriptions/{subscription['id']}"))["status"] == "active"
    await stripe.served.control("POST", "stripe/card", {**own, "declines": True}, 204)
    await stripe.advance(10 * DAY)
    assert (await stripe.get(f"subscriptions/{subscription['id']}"))["status"] == "active"


async def test_what_is_given_back_at_once_is_a_credit_of_which_later_invoices_are_paid(stripe: Stripe) -> None:
    subscription, cheaper = await stripe.subscribed(), await stripe.price(unit_amount="190")
    (item,) = subscription["items"]["data"]
    change = {"items": [{"id": item["id"], "price": cheaper}], "proration_behavior": "always_invoice"}
    (changed,) = await stripe.client(
        ["subscriptions.update", subscription["id"], {**change, "expand": ["latest_invoice"]}]
    )
    credited = changed["latest_invoice"]
    assert (credited["status"], credited["amount_due"], changed["status"]) == ("paid", 0, "active")
    assert [line["amount"] < 0 for line in credited["lines"]["data"]] == [True, False]
    balance = (await stripe.get(f"customers/{subscription['customer']}"))["balance"]
    assert balance == credited["total"] == credited["ending_balance"]
    assert -800 <= balance < -790
    await stripe.advance(32 * DAY)
    (renewal, *_) = (await stripe.get(f"invoices?subscription={subscription['id']}"))["data"]
    assert (renewal["total"], renewal["amount_due"], renewal["amount_paid"], renewal["status"]) == (190, 0, 0, "paid")
    assert (await stripe.get(f"customers/{subscription['customer']}"))["balance"] == balance + 190


async def test_while_it_is_paused_no_period_begins(stripe: Stripe) -> None:
    subscription = await stripe.subscribed()
    for paused in (True, False):
        await stripe.served.control("POST", "stripe/pause", {"subscription": subscription["id"], "paused": paused}, 204)
        if paused:
            await stripe.advance(40 * DAY)
            still = await stripe.get(f"subscriptions/{subscription['id']}")
            assert (still["status"], still["items"]) == ("paused", subscription["items"])
    await stripe.advance(1)
    resumed = await stripe.get(f"subscriptions/{subscription['id']}")
    assert resumed["status"] == "active"
    assert resumed["latest_invoice"] != subscription["latest_invoice"]


async def test_events_are_told_and_signed_as_its_client_checks(stripe: Stripe) -> None:
    endpoint = await stripe.made("webhook_endpoints", {"url": stripe.heard.url, "enabled_events[0]": "invoice.paid"})
    assert "secret" not in await stripe.get(f"webhook_endpoints/{endpoint['id']}")
    await stripe.subscribed()
    await stripe.served.control("POST", "deliveries/settle", status=204)
    ((headers, body),) = stripe.heard.requests
    header = headers["Stripe-Signature"]
    assert await script(HERE / "webhook.js", body.decode(), header, endpoint["secret"]) == {"type": "invoice.paid"}
    forged = await script(HERE / "webhook.js", body.decode().replace("990", "1"), header, endpoint["secret"])
    assert forged == {"failed": "StripeSignatureVerificationError"}
    stale = signature(endpoint["secret"], body, int(time.time()) - 301)
    assert "failed" in await script(HERE / "webhook.js", body.decode(), stale, endpoint["secret"])


async def test_webhooks_of_days_ago_are_signed_afresh(stripe: Stripe) -> None:
    endpoint = await stripe.made("webhook_endpoints", {"url": stripe.heard.url, "enabled_events[0]": "*"})
    await stripe.made("customers", {"name": "Ada"})
    await stripe.served.control("POST", "deliveries/settle", status=204)
    await stripe.advance(9 * DAY)
    (delivery,) = (await stripe.served.control("GET", "deliveries"))["deliveries"]
    await stripe.served.control("POST", "deliveries/send", {"numbers": [delivery["number"]]})
    headers, body = stripe.heard.requests[-1]
    told = await script(HERE / "webhook.js", body.decode(), headers["Stripe-Signature"], endpoint["secret"])
    assert told == {"type": "customer.created"}


async def test_webhooks_stay_on_this_machine(stripe: Stripe) -> None:
    asked = {"url": "https://trips.example/hook", "enabled_events[0]": "*"}
    status, body, _ = await stripe.ask("POST", "webhook_endpoints", asked)
    assert (status, body["error"]["param"]) == (400, "url")


@pytest.mark.parametrize(
    ("start", "interval", "end"),
    [
        ("2026-01-31", "month", "2026-02-28"),
        ("2026-02-28", "month", "2026-03-31"),
        ("2024-02-29", "year", "2025-02-28"),
        ("2026-12-15", "month", "2027-01-31"),
        ("2026-12-25", "week", "2027-01-01"),
    ],
)
def test_periods_keep_the_day_on_which_they_began(start: str, interval: str, end: str) -> None:
    begun, anchor, ended = (
        int(datetime.datetime.fromisoformat(f"{day}T10:00:00+00:00").timestamp()) for day in (start, "2026-01-31", end)
    )
    assert later(begun, interval, 1, anchor if interval == "month" else begun) == ended


@pytest.mark.parametrize(
    ("minor", "currency", "shown"), [(990, "eur", "9.90 EUR"), (990, "jpy", "990 JPY"), (990, "bhd", "0.990 BHD")]
)
def test_amounts(minor: int, currency: str, shown: str) -> None:
    assert amount(minor, currency) == shown

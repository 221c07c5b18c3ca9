"""Paying by GraphQL: the mutations answer what their functions do, in the API's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.functions.payments.conftest import SITE
from tests.support import Person, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.functions.payments.conftest import Payments

CHECKOUT = """mutation ($input: CreateCheckoutSessionInput!) {
  createCheckoutSession(input: $input) { url kind expiresAt }
}"""
PORTAL = "mutation ($url: String!) { createBillingPortalSession(returnUrl: $url) { url kind expiresAt } }"
INPUT = {"planKey": "PRO", "successUrl": f"{SITE}/paid", "cancelUrl": f"{SITE}/plans"}


@pytest.fixture
async def ada(payments: Payments) -> AsyncIterator[Person]:
    await payments.price()
    account = await payments.account()
    async with serving(payments.info) as url:
        yield Person(payments.http, url, account.token, id=account.id, email=account.email)


async def test_subscribing_and_seeing_it(payments: Payments, ada: Person) -> None:
    page = (await ada.ask(CHECKOUT, input=INPUT))["createCheckoutSession"]
    assert page["kind"] == "CHECKOUT"
    assert (await payments.press(page["url"], "pay")) == (303, INPUT["successUrl"])
    for event in await payments.events():
        assert (await payments.tell(event))[0] == 200
    found = await ada.ask(
        "{ billingSubscription { planKey status } invoices { nodes { status amountPaid currency } } }"
    )
    assert found["billingSubscription"] == {"planKey": "PRO", "status": "ACTIVE"}
    assert found["invoices"]["nodes"] == [{"status": "PAID", "amountPaid": "9.00", "currency": "EUR"}]
    assert (await ada.ask(CHECKOUT, input=INPUT))["createCheckoutSession"]["kind"] == "PORTAL"
    page = (await ada.ask(PORTAL, url=f"{SITE}/plans"))["createBillingPortalSession"]
    assert (page["kind"], await payments.press(page["url"], "back")) == ("PORTAL", (303, f"{SITE}/plans"))


async def test_what_is_paid_for_arrives_by_itself(payments: Payments, ada: Person) -> None:
    """The fake tells the project's own webhook, signed by its secret, as Stripe would."""
    await payments.control("POST", "deliveries/plan", {"provider": "stripe"})
    page = (await ada.ask(CHECKOUT, input=INPUT))["createCheckoutSession"]
    await payments.press(page["url"], "pay")
    await payments.control("POST", "deliveries/settle")
    assert (await ada.ask("{ billingSubscription { planKey status } }"))["billingSubscription"] == {
        "planKey": "PRO",
        "status": "ACTIVE",
    }
    found = (await payments.control("GET", "deliveries?provider=stripe"))["deliveries"]
    assert {each["state"] for each in found} == {"delivered"}


async def test_the_fake_sells_what_plans_cost(payments: Payments) -> None:
    found = payments.db.execute(
        "select price_lookup_key, currency, price from private.plans where price > 0"
    ).fetchall()
    sold = (await payments.stripe("GET", "prices?limit=100"))["data"]
    assert {(row["price_lookup_key"], row["currency"].lower(), row["price"] * 100) for row in found} == {
        (each["lookup_key"], each["currency"], each["unit_amount"]) for each in sold
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"planKey": "FREE"}, "input.planKey"),
        ({"successUrl": "https://evil.example/"}, "input.successUrl"),
        ({"cancelUrl": "https://evil.example/"}, "input.cancelUrl"),
    ],
    ids=str,
)
async def test_wrong_input_is_told_by_its_field(ada: Person, changes: dict[str, Any], field: str) -> None:
    refused = await ada.refused(CHECKOUT, input={**INPUT, **changes})
    assert (refused["code"], refused["field"]) == ("BAD_USER_INPUT", field)


async def test_the_portal_of_who_never_paid_and_by_a_foreign_address(ada: Person) -> None:
    assert (await ada.refused(PORTAL, url=SITE))["code"] == "NOT_FOUND"
    refused = await ada.refused(PORTAL, url="https://evil.example/")
    assert (refused["code"], refused["field"]) == ("BAD_USER_INPUT", "returnUrl")


async def test_while_stripe_is_down(payments: Payments, ada: Person) -> None:
    await payments.control("POST", "failures", {"provider": "stripe", "kind": "drop", "times": 100})
    assert (await ada.refused(CHECKOUT, input=INPUT))["code"] == "UPSTREAM_UNAVAILABLE"


async def test_nobody_pays_who_is_not_signed_in(ada: Person) -> None:
    stranger = Person(ada.http, ada.url)
    assert (await stranger.refused(CHECKOUT, input=INPUT))["code"] == "UNAUTHENTICATED"
    assert (await stranger.refused(PORTAL, url=SITE))["code"] == "UNAUTHENTICATED"

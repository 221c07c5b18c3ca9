"""The billing portal: a page on which a customer changes and ends subscriptions."""

from __future__ import annotations

import copy
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tripgate.local.providers.stripe import pages
from tripgate.local.providers.stripe.billing import ENDED
from tripgate.local.providers.stripe.wire import StripeError

if TYPE_CHECKING:
    from aiohttp import web

    from tripgate.local.providers.stripe.billing import Billing
    from tripgate.local.providers.stripe.store import Store, Thing


class Portal:
    """Sessions of the portal and their page."""

    def __init__(self, store: Store, billing: Billing, base_url: str) -> None:
        self._store = store
        self._billing = billing
        self._base_url = base_url

    def begin(self, customer: Thing, return_url: str | None) -> Thing:
        """A session of the billing portal, with the address of its page."""
        if return_url is not None and urlsplit(return_url).scheme not in {"http", "https"}:
            raise StripeError("Not a valid URL", code="url_invalid", param="return_url")
        session = self._store.add(
            "bps",
            "billing_portal.session",
            configuration=None,
            customer=customer["id"],
            flow=None,
            locale=None,
            on_behalf_of=None,
            return_url=return_url,
            url=None,
        )
        session["url"] = self._address(session["id"])
        return session

    async def page(self, request: web.Request) -> web.Response:
        """The subscriptions of a customer, and what can be done with them."""
        return self._shown(request.match_info["id"])

    async def act(self, request: web.Request) -> web.Response:
        """Change one of them, or go back."""
        given, form = request.match_info["id"], await request.post()
        try:
            session = self._store.get("billing_portal.session", given)
            if form.get("do") == "back":
                return pages.leads_to(session["return_url"] or self._address(given))
            self._change(session, {name: str(value) for name, value in form.items()})
        except StripeError as error:
            return self._shown(given, str(error))
        return pages.leads_to(self._address(given))

    def _address(self, given: str) -> str:
        return f"{self._base_url}/p/session/{given}"

    def _shown(self, given: str, wrong: str = "") -> web.Response:
        try:
            session = self._store.get("billing_portal.session", given)
        except StripeError:
            return pages.shown("There is no such page", "<p>It may be of before a restart.</p>", 404)
        own = [each for each in self._store.all("subscription") if each["customer"] == session["customer"]]
        prices = [each for each in self._store.all("price") if each["recurring"] is not None]
        forms = "".join(_subscription_form(each, prices) for each in own) or "<p>No subscriptions.</p>"
        alert = f'<p role="alert">{escape(wrong)}</p>' if wrong else ""
        back = '<form method="post"><button name="do" value="back">Back</button></form>'
        return pages.shown("Your subscriptions, as if", alert + forms + back, 400 if wrong else 200)

    def _change(self, session: Thing, form: dict[str, str]) -> None:
        subscription = self._store.get("subscription", form.get("subscription"))
        if subscription["customer"] != session["customer"]:
            raise StripeError("That subscription is somebody else's.")
        before = copy.deepcopy(subscription)
        if form.get("do") in {"cancel", "renew"}:
            self._billing.cancel_at_end(subscription, form["do"] == "cancel")
        elif form.get("do") == "change":
            price = self._store.get("price", form.get("price"))
            (item,) = subscription["items"]["data"]
            self._billing.change_price(subscription, price, item["quantity"], "always_invoice")
        else:
            raise StripeError("That button is not there.")
        self._store.tell("customer.subscription.updated", subscription, before)


def _subscription_form(subscription: Thing, prices: list[Thing]) -> str:
    (item,) = subscription["items"]["data"]
    now = item["price"]
    at_end = subscription["cancel_at_period_end"]
    told = f"{subscription['status']}{', ends with its period' if at_end else ''}"
    title = f"<h2>{escape(pages.amount(now['unit_amount'], now['currency']))}: {escape(told)}</h2>"
    if subscription["status"] in ENDED:
        return title
    choices = "".join(
        f'<option value="{escape(each["id"])}">{escape(pages.amount(each["unit_amount"], each["currency"]))}</option>'
        for each in prices
        if each["id"] != now["id"] and each["currency"] == now["currency"]
    )
    change = (
        f'<label>Another price <select name="price">{choices}</select></label>'
        '<button name="do" value="change">Change</button>'
        if choices
        else ""
    )
    end = ("renew", "Do not cancel") if at_end else ("cancel", "Cancel at the end of the period")
    return (
        f'{title}<form method="post"><input type="hidden" name="subscription" value="{escape(subscription["id"])}">'
        f"{change}"
        f'<button name="do" value="{end[0]}">{end[1]}</button></form>'
    )

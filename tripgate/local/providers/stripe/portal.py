"""The billing portal: a page on which a customer changes and ends subscriptions."""

from __future__ import annotations

import copy
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tripgate.local.providers.stripe import configurations, pages, schedules
from tripgate.local.providers.stripe.billing import ENDED
from tripgate.local.providers.stripe.items import only_item
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
        """A session of the billing portal, with the address of its page, of the default configuration."""
        if return_url is not None and urlsplit(return_url).scheme not in {"http", "https"}:
            raise StripeError("Not a valid URL", code="url_invalid", param="return_url")
        configuration = configurations.of_portal(self._store)
        session = self._store.add(
            "bps",
            "billing_portal.session",
            configuration=configuration["id"],
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
        prices = self._prices(session)
        forms = "".join(self._subscription_form(each, prices) for each in own) or "<p>No subscriptions.</p>"
        alert = f'<p role="alert">{escape(wrong)}</p>' if wrong else ""
        back = '<form method="post"><button name="do" value="back">Back</button></form>'
        return pages.shown("Your subscriptions, as if", alert + forms + back, 400 if wrong else 200)

    def _features(self, session: Thing) -> Thing:
        features: Thing = self._store.get(configurations.KIND, session["configuration"])["features"]
        return features

    def _prices(self, session: Thing) -> list[Thing]:
        """Those that may be chosen, the cheapest first."""
        update = self._features(session)["subscription_update"]
        listed = update["products"]
        allowed = None if listed is None else {price for each in listed for price in each["prices"]}
        found = [
            each
            for each in self._store.all("price")
            if update["enabled"] and each["recurring"] is not None and (allowed is None or each["id"] in allowed)
        ]
        return sorted(found, key=lambda price: int(price["unit_amount"]))

    def _change(self, session: Thing, form: dict[str, str]) -> None:
        subscription = self._store.get("subscription", form.get("subscription"))
        if subscription["customer"] != session["customer"]:
            raise StripeError("That subscription is somebody else's.")
        before = copy.deepcopy(subscription)
        if form.get("do") in {"cancel", "renew"}:
            # What is to end is not to change before.
            schedules.release(self._store, subscription)
            self._billing.cancel_at_end(subscription, form["do"] == "cancel")
        elif form.get("do") == "keep":
            schedules.release(self._store, subscription)
        elif form.get("do") == "change":
            self._change_price(session, subscription, form.get("price"))
        else:
            raise StripeError("That button is not there.")
        self._store.tell("customer.subscription.updated", subscription, before)

    def _change_price(self, session: Thing, subscription: Thing, chosen: str | None) -> None:
        price = self._store.get("price", chosen)
        if price["id"] not in {each["id"] for each in self._prices(session)}:
            raise StripeError("That price cannot be chosen here.")
        update = self._features(session)["subscription_update"]
        item = only_item(subscription)
        conditions = {each.get("type") for each in update["schedule_at_period_end"]["conditions"]}
        if "decreasing_item_amount" in conditions and price["unit_amount"] < item["price"]["unit_amount"]:
            schedules.begin(self._store, subscription, price)
            return
        schedules.release(self._store, subscription)
        self._billing.change_price(subscription, price, item["quantity"], update["proration_behavior"])

    def _subscription_form(self, subscription: Thing, prices: list[Thing]) -> str:
        (item,) = subscription["items"]["data"]
        now, planned = item["price"], schedules.planned(self._store, subscription)
        at_end = subscription["cancel_at_period_end"]
        told = f"{subscription['status']}{', ends with its period' if at_end else ''}"
        if planned is not None:
            told += f", {pages.amount(planned['unit_amount'], planned['currency'])} from the end of the period on"
        title = f"<h2>{escape(pages.amount(now['unit_amount'], now['currency']))}: {escape(told)}</h2>"
        if subscription["status"] in ENDED:
            return title
        choices = "".join(
            f'<option value="{escape(each["id"])}">'
            f"{escape(pages.amount(each['unit_amount'], each['currency']))}</option>"
            for each in prices
            if each["id"] != now["id"] and each["currency"] == now["currency"]
        )
        change = (
            f'<label>Another price <select name="price">{choices}</select></label>'
            '<button name="do" value="change">Change</button>'
            if choices
            else ""
        )
        keep = "" if planned is None else '<button name="do" value="keep">Keep this price</button>'
        end = ("renew", "Do not cancel") if at_end else ("cancel", "Cancel at the end of the period")
        return (
            f'{title}<form method="post"><input type="hidden" name="subscription" value="{escape(subscription["id"])}">'
            f"{change}{keep}"
            f'<button name="do" value="{end[0]}">{end[1]}</button></form>'
        )

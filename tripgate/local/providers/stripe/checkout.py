"""Checkout sessions and the page on which somebody pays, is declined, or leaves."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from tripgate.local.providers.deliveries import local_address
from tripgate.local.providers.stripe import pages
from tripgate.local.providers.stripe.store import whole
from tripgate.local.providers.stripe.wire import StripeError

if TYPE_CHECKING:
    from tripgate.local.providers.stripe.billing import Billing
    from tripgate.local.providers.stripe.store import Store, Thing

_DAY = 86_400


class Checkout:
    """Sessions of mode `subscription`."""

    def __init__(self, store: Store, billing: Billing, base_url: str) -> None:
        self._store = store
        self._billing = billing
        self._base_url = base_url
        # By session: the price's id, how many, and the metadata of the subscription to come.
        self._sold: dict[str, tuple[str, int, Thing]] = {}

    @staticmethod
    def check_address(url: str) -> None:
        """Raise ValueError for a webhook's address that is not of this machine."""
        local_address(url)

    def begin(self, asked: Thing, metadata: Thing) -> Thing:
        """An open session with the address of its page."""
        if asked["mode"] != "subscription":
            raise StripeError("The fake has sessions of mode subscription alone.", param="mode")
        for name in ("success_url", "cancel_url"):
            given = asked.get(name)
            if (given is None and name == "success_url") or (given and urlsplit(given).scheme not in {"http", "https"}):
                raise StripeError("Not a valid URL", code="url_invalid", param=name)
        lines = asked["line_items"]
        if not isinstance(lines, list) or len(lines) != 1 or not isinstance(lines[0], dict):
            raise StripeError("The fake sells one price at a time: give line_items[0][price].", param="line_items")
        price = self._store.get("price", lines[0].get("price"), "line_items[0][price]")
        if price["recurring"] is None:
            raise StripeError(
                "You must provide at least one recurring price in `subscription` mode when using prices.",
                param="line_items",
            )
        quantity = whole(lines[0].get("quantity", "1"), "line_items[0][quantity]", 1, 10_000)
        customer = self._store.get("customer", asked["customer"], "customer")["id"]
        now = self._store.now()
        expires_at = whole(asked.get("expires_at", now + _DAY), "expires_at", 0, 10**11)
        if not now + 1800 - 60 <= expires_at <= now + _DAY + 60:
            raise StripeError(
                "The `expires_at` timestamp must be between 30 minutes and 24 hours away.", param="expires_at"
            )
        data = asked.get("subscription_data") or {}
        total = price["unit_amount"] * quantity
        session = self._store.add(
            "cs_test",
            "checkout.session",
            amount_subtotal=total,
            amount_total=total,
            cancel_url=asked.get("cancel_url"),
            client_reference_id=asked.get("client_reference_id"),
            client_secret=None,
            currency=price["currency"],
            customer=customer,
            customer_details=None,
            customer_email=None,
            expires_at=expires_at,
            invoice=None,
            metadata=metadata,
            mode="subscription",
            payment_intent=None,
            payment_method_types=["card"],
            payment_status="unpaid",
            status="open",
            subscription=None,
            success_url=asked["success_url"],
            ui_mode="hosted_page",
            url=None,
        )
        session["url"] = f"{self._base_url}/c/pay/{session['id']}"
        self._sold[session["id"]] = (price["id"], quantity, data.get("metadata") or {})
        self._store.at(expires_at, lambda: self._expire_if_open(session))
        return session

    def expire(self, session: Thing) -> None:
        """Nobody can pay any more."""
        if session["status"] != "open":
            raise StripeError(
                f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {session["status"]}.'
            )
        session.update(status="expired", url=None)
        self._store.tell("checkout.session.expired", session)

    def _expire_if_open(self, session: Thing) -> None:
        if session["status"] == "open":
            self.expire(session)

    def forget(self) -> None:
        """What is sold by sessions."""
        self._sold.clear()

    async def page(self, request: web.Request) -> web.Response:
        """What is to be paid, and buttons."""
        return self._shown(request.match_info["id"])

    async def act(self, request: web.Request) -> web.Response:
        """Pay, be declined, or leave."""
        session = self._session(request.match_info["id"])
        form = await request.post()
        if session is None or session["status"] != "open":
            return self._shown(request.match_info["id"])
        if form.get("do") == "decline":
            return self._shown(session["id"], "Your card was declined. Try another one.", status=402)
        if form.get("do") == "leave":
            return pages.leads_to(session["cancel_url"] or session["success_url"])
        if form.get("do") not in {"pay", "succeed_later", "fail_later"}:
            return self._shown(session["id"], "That button is not there.", status=400)
        try:
            self.complete(session, str(form["do"]))
        except StripeError as error:
            return self._shown(session["id"], str(error), status=400)
        return pages.leads_to(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))

    def complete(self, session: Thing, how: str) -> None:
        """It is paid, and a subscription begins; or it will turn out within days whether it is (`…_later`)."""
        at_once = how == "pay"
        price, quantity, metadata = self._sold[session["id"]]
        customer = self._store.get("customer", session["customer"])
        subscription = self._billing.subscribe(
            customer, self._store.get("price", price), quantity, dict(metadata), at_once=at_once
        )
        session.update(
            status="complete",
            payment_status="paid" if at_once else "unpaid",
            customer=customer["id"],
            customer_details={"email": customer["email"], "name": customer["name"]},
            invoice=subscription["latest_invoice"],
            subscription=subscription["id"],
            url=None,
        )
        self._store.tell("checkout.session.completed", session)
        if not at_once:
            paid = how == "succeed_later"
            self._store.at(self._store.now() + 3 * _DAY, lambda: self._turned_out(session, subscription, paid=paid))

    def _turned_out(self, session: Thing, subscription: Thing, *, paid: bool) -> None:
        self._billing.settle_first(subscription, paid=paid)
        if paid:
            session["payment_status"] = "paid"
        self._store.tell(f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}", session)

    def _session(self, given: str) -> Thing | None:
        try:
            return self._store.get("checkout.session", given)
        except StripeError:
            return None

    def _shown(self, given: str, wrong: str = "", status: int = 200) -> web.Response:
        session = self._session(given)
        if session is None:
            return pages.shown("There is no such page", "<p>It may be of before a restart.</p>", 404)
        if session["status"] != "open":
            return pages.shown(f"This page is {session['status']}", "<p>Nothing can be paid here any more.</p>", 200)
        alert = f'<p role="alert">{escape(wrong)}</p>' if wrong else ""
        body = f"""{alert}<p>{escape(pages.amount(session["amount_total"], session["currency"]))}, again and again</p>
<form method="post"><button name="do" value="pay">Pay</button> <button name="do" value="decline">Pay with a card that is
declined</button> <button name="do" value="succeed_later">Pay by a transfer that takes three days</button>
<button name="do" value="fail_later">Pay by a transfer that never comes</button>
<button name="do" value="leave">Leave</button></form>"""
        return pages.shown("Pay, as if", body, status)

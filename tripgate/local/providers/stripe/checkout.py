"""Checkout sessions and the page on which somebody pays, is declined, or leaves."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from tripgate.local.providers.deliveries import local_address
from tripgate.local.providers.stripe.store import whole
from tripgate.local.providers.stripe.wire import StripeError

if TYPE_CHECKING:
    from tripgate.local.providers.stripe.billing import Billing
    from tripgate.local.providers.stripe.store import Store, Thing

_DAY = 86_400
_STYLE = """
:root { color-scheme: light dark; }
html { background: light-dark(#fff, #16181d); color: light-dark(#1b1b1f, #e6e6ea); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 2rem auto; padding: 0 1rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; }
button { font: inherit; padding: .5rem 1rem; min-height: 44px; }
[role=alert] { color: light-dark(#b00020, #ff8a80); font-weight: 600; }
"""
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # No form-action: browsers apply it to where a form leads in the end, and that is the application's.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
}
# As Stripe writes amounts of these currencies: without parts.
_WHOLE = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf")
)
_THOUSANDTHS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


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
            return _leads_to(session["cancel_url"] or session["success_url"])
        if form.get("do") != "pay":
            return self._shown(session["id"], "That button is not there.", status=400)
        try:
            self.complete(session)
        except StripeError as error:
            return self._shown(session["id"], str(error), status=400)
        return _leads_to(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))

    def complete(self, session: Thing) -> None:
        """It is paid: a subscription begins."""
        price, quantity, metadata = self._sold[session["id"]]
        customer = self._store.get("customer", session["customer"])
        subscription = self._billing.subscribe(customer, self._store.get("price", price), quantity, dict(metadata))
        session.update(
            status="complete",
            payment_status="paid",
            customer=customer["id"],
            customer_details={"email": customer["email"], "name": customer["name"]},
            invoice=subscription["latest_invoice"],
            subscription=subscription["id"],
            url=None,
        )
        self._store.tell("checkout.session.completed", session)

    def _session(self, given: str) -> Thing | None:
        try:
            return self._store.get("checkout.session", given)
        except StripeError:
            return None

    def _shown(self, given: str, wrong: str = "", status: int = 200) -> web.Response:
        session = self._session(given)
        if session is None:
            return _page("There is no such page", "<p>It may be of before a restart.</p>", 404)
        if session["status"] != "open":
            return _page(f"This page is {session['status']}", "<p>Nothing can be paid here any more.</p>", 200)
        alert = f'<p role="alert">{escape(wrong)}</p>' if wrong else ""
        body = f"""{alert}<p>{escape(amount(session["amount_total"], session["currency"]))}, again and again</p>
<form method="post"><button name="do" value="pay">Pay</button> <button name="do" value="decline">Pay with a card that is
declined</button> <button name="do" value="leave">Leave</button></form>"""
        return _page("Pay, as if", body, status)


def amount(minor: int, currency: str) -> str:
    """An amount for people, `9.90 EUR`."""
    places = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    return f"{minor / 10**places:.{places}f} {currency.upper()}"


def _page(title: str, body: str, status: int) -> web.Response:
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{escape(title)}</title><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1><p>A fake of Stripe on this machine: no money moves.</p>{body}</main>"
        "</body></html>\n"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


def _leads_to(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})

"""What the doctor asks Stripe: whether it sells the plans, and lets people change them as docs/payments.md says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tripgate.systems.system import Told, bad, doubtful, good, may_have_keys, unseen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

API_VERSION = "2026-10-28.endive"
_DOCS = "docs/payments.md, `Your account at Stripe`"
_PORTAL = "Settings → Billing → Customer portal"


@dataclass(frozen=True, slots=True)
class Sold:
    """A plan that is paid for each month.

    Attributes:
        minor_units: Its price, as Stripe counts.
    """

    lookup_key: str
    minor_units: int
    currency: str = "eur"
    interval: str = "month"


# As supabase/program/007_payments.sql has them.
SOLD = (Sold("tripgate_pro", 900), Sold("tripgate_enterprise", 4900))


async def stripe_account(http: httpx.AsyncClient, environment: Mapping[str, str]) -> list[Told]:
    """What Stripe sells and what its portal allows, read with STRIPE_SECRET_KEY. Nothing is changed there.

    Raises:
        httpx.HTTPError: Nobody answers.
    """
    key = environment.get("STRIPE_SECRET_KEY", "")
    if not key:
        return [unseen("What Stripe sells was not looked at.", "Set STRIPE_SECRET_KEY, as the Edge Functions have it.")]
    base = environment.get("STRIPE_API_BASE") or "https://api.stripe.com"
    if not may_have_keys(base):
        return [bad("STRIPE_API_BASE is no HTTPS address, so the key was not sent there.", "Correct or remove it.")]
    stripe = _Stripe(http, base.rstrip("/"), key)
    found = await stripe.all("prices", {"active": "true", "lookup_keys[]": [sold.lookup_key for sold in SOLD]})
    if isinstance(found, Told):
        return [found]
    prices = {str(price.get("lookup_key")): price for price in found}
    told = [_price(sold, prices.get(sold.lookup_key)) for sold in SOLD]
    expand = "data.features.subscription_update.products"
    portals = await stripe.all(
        "billing_portal/configurations", {"active": "true", "is_default": "true", "expand[]": expand}
    )
    if isinstance(portals, Told):
        return [*told, portals]
    if not portals:
        return [*told, bad("Stripe makes no customer portal: its settings were never saved.", f"{_PORTAL}: save once.")]
    wrong = list(_portal(portals[0].get("features") or {}, [str(each["id"]) for each in prices.values()]))
    return [*told, *(wrong or [good("The customer portal lets people change and end what they pay for.")])]


class _Stripe:
    def __init__(self, http: httpx.AsyncClient, base: str, key: str) -> None:
        self._http, self._base, self._key = http, base, key

    async def all(self, path: str, query: Mapping[str, str | list[str]]) -> list[dict[str, Any]] | Told:
        """What a list has, or why it was not shown."""
        headers = {"Authorization": f"Bearer {self._key}", "Stripe-Version": API_VERSION}
        answer = await self._http.get(f"{self._base}/v1/{path}", params={**query, "limit": "100"}, headers=headers)
        if answer.status_code == 200:
            found: list[dict[str, Any]] = answer.json()["data"]
            return found
        if answer.status_code == 401:
            return bad("Stripe does not know STRIPE_SECRET_KEY.", f"Developers → API keys: {_DOCS}.")
        if answer.status_code == 403:
            return doubtful(f"STRIPE_SECRET_KEY may not read {path}.", f"Let it: {_DOCS}.")
        return doubtful(f"Stripe answers {answer.status_code} of {path}.", "Try again; see status.stripe.com.")


def _price(sold: Sold, price: Mapping[str, Any] | None) -> Told:
    name = sold.lookup_key
    if price is None:
        return bad(f"Stripe sells no price with the lookup key {name}.", f"Product catalog: {_DOCS}.")
    recurring = price.get("recurring") or {}
    asked = (price.get("unit_amount"), price.get("currency"), recurring.get("interval"))
    if asked != (sold.minor_units, sold.currency, sold.interval) or recurring.get("interval_count", 1) != 1:
        shown = f"{asked[0]} {asked[1]} a {asked[2]}, and plans says {sold.minor_units} {sold.currency}"
        return doubtful(f"Of {name} Stripe asks {shown} a {sold.interval}, in minor units.", "Let both say the same.")
    return good(f"Stripe sells {name}.")


def _portal(features: Mapping[str, Any], prices: list[str]) -> Iterator[Told]:
    """What the portal allows otherwise than it should."""
    update = features.get("subscription_update") or {}
    if not (update.get("enabled") and "price" in (update.get("default_allowed_updates") or [])):
        yield doubtful("In the customer portal nobody can switch plans.", f"{_PORTAL}: let customers switch.")
    else:
        if update.get("proration_behavior") != "always_invoice":
            text = "In the customer portal a larger plan is had before its difference is paid."
            yield doubtful(text, f"{_PORTAL}: prorations, invoice immediately.")
        conditions = (update.get("schedule_at_period_end") or {}).get("conditions") or []
        if not any(each.get("type") == "decreasing_item_amount" for each in conditions):
            text = "In the customer portal a smaller plan begins at once, and what was paid is given back."
            yield doubtful(text, f"{_PORTAL}: downgrades at the end of the billing period.")
        products = update.get("products")
        allowed = {price for each in products or [] for price in each.get("prices") or []}
        if products is not None and (missing := [price for price in prices if price not in allowed]):
            text = f"In the customer portal nobody can choose {', '.join(missing)}."
            yield doubtful(text, f"{_PORTAL}: add the products of both plans.")
    cancel = features.get("subscription_cancel") or {}
    if not cancel.get("enabled"):
        yield doubtful("In the customer portal nobody can cancel.", f"{_PORTAL}: let customers cancel.")
    elif cancel.get("mode") != "at_period_end":
        text = "In the customer portal who cancels loses at once what is paid."
        yield doubtful(text, f"{_PORTAL}: cancel at the end of the billing period.")
    for feature, what in (("payment_method_update", "change the card"), ("invoice_history", "see invoices")):
        if not (features.get(feature) or {}).get("enabled"):
            yield doubtful(f"In the customer portal nobody can {what}.", f"{_PORTAL}: allow it.")

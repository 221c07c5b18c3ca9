"""What the fake has from the start, where the project hears of it: its plans' prices, and whom it tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tripgate.local.providers.stripe import configurations
from tripgate.local.providers.stripe.wire import API_VERSION

if TYPE_CHECKING:
    from tripgate.local.providers.provider import Lent
    from tripgate.local.providers.stripe.store import Store

WEBHOOK = "handle-stripe-webhook"
SECRET = "STRIPE_WEBHOOK_SECRET"  # noqa: S105 - the name of a setting
# By their lookup keys, monthly, as supabase/program/007_payments.sql has them.
PRICES = {"tripgate_pro": ("Pro", "eur", 900), "tripgate_enterprise": ("Enterprise", "eur", 4900)}


def fill(store: Store, lent: Lent) -> None:
    """Sell what the project's plans cost, have the portal change them, and tell its webhook: where it has one."""
    secret = lent.settings.get(SECRET)
    if WEBHOOK not in lent.functions or not secret:
        configurations.fill(store, None)
        return
    sold = []
    for lookup_key, (name, currency, amount) in PRICES.items():
        product = store.add(
            "prod",
            "product",
            active=True,
            default_price=None,
            description=None,
            images=[],
            metadata={},
            name=name,
            type="service",
            updated=store.now(),
            url=None,
        )
        price = store.add(
            "price",
            "price",
            active=True,
            billing_scheme="per_unit",
            currency=currency,
            lookup_key=lookup_key,
            metadata={},
            nickname=name,
            product=product["id"],
            recurring={"interval": "month", "interval_count": 1, "meter": None, "usage_type": "licensed"},
            tax_behavior="unspecified",
            type="recurring",
            unit_amount=amount,
            unit_amount_decimal=str(amount),
        )
        sold.append({"product": product["id"], "prices": [price["id"]]})
    configurations.fill(store, sold)
    endpoint = store.add(
        "we",
        "webhook_endpoint",
        api_version=API_VERSION,
        application=None,
        description="The project's own",
        enabled_events=["*"],
        metadata={},
        status="enabled",
        url=f"{lent.api_url}/functions/v1/{WEBHOOK}",
    )
    store.secrets[endpoint["id"]] = secret

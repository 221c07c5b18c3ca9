"""Configurations of the billing portal: what customers may do on its page."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tripgate.local.providers.stripe.store import flag
from tripgate.local.providers.stripe.wire import StripeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tripgate.local.providers.stripe.store import Store, Thing

KIND = "billing_portal.configuration"
_PRORATIONS = ("none", "create_prorations", "always_invoice")
# What may be said of each part, and how it is before anything is.
_FEATURES: Mapping[str, Thing] = {
    "customer_update": {"enabled": False, "allowed_updates": []},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False},
    "subscription_cancel": {"enabled": False, "mode": "at_period_end", "proration_behavior": "none"},
    "subscription_update": {
        "enabled": False,
        "default_allowed_updates": [],
        "products": None,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
    },
}
_CHOICES: Mapping[str, tuple[str, ...]] = {"mode": ("at_period_end", "immediately"), "proration_behavior": _PRORATIONS}


def fill(store: Store, products: list[Thing] | None) -> None:
    """The default, as docs/payments.md has it: of these products, or of all where there are none yet."""
    add(store, {}, is_default=True)["features"].update(
        invoice_history={"enabled": True},
        payment_method_update={"enabled": True},
        subscription_cancel={"enabled": True, "mode": "at_period_end", "proration_behavior": "none"},
        subscription_update={
            "enabled": True,
            "default_allowed_updates": ["price"],
            "products": products,
            "proration_behavior": "always_invoice",
            "schedule_at_period_end": {"conditions": [{"type": "decreasing_item_amount"}]},
        },
    )


def add(store: Store, features: Thing, *, is_default: bool) -> Thing:
    """A configuration. Raises StripeError for a feature that makes no sense."""
    configuration = store.add(
        "bpc",
        KIND,
        active=True,
        application=None,
        business_profile={"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        default_return_url=None,
        features=copy.deepcopy(dict(_FEATURES)),
        is_default=is_default,
        login_page={"enabled": False, "url": None},
        metadata={},
        name=None,
        updated=store.now(),
    )
    change(store, configuration, {"features": features})
    return configuration


def change(store: Store, configuration: Thing, asked: Thing) -> None:
    """Raises StripeError for a feature that makes no sense."""
    if "active" in asked:
        active = flag(asked["active"], "active")
        if configuration["is_default"] and not active:
            raise StripeError("You cannot deactivate the default configuration.", param="active")
        configuration["active"] = active
    features = copy.deepcopy(configuration["features"])
    for name, given in (asked.get("features") or {}).items():
        if name not in features or not isinstance(given, dict):
            raise StripeError(f"Received unknown parameter: features[{name[:50]}]", code="parameter_unknown")
        for part, value in given.items():
            features[name][part] = _part(name, part, value)
    configuration.update(features=features, updated=store.now())


def of_portal(store: Store) -> Thing:
    """The default that is active. Raises StripeError where none was saved."""
    for each in store.all(KIND):
        if each["is_default"] and each["active"]:
            return each
    raise StripeError(
        "No configuration provided and your test mode default configuration has not been created. Provide a "
        "configuration or create your default by saving your customer portal settings in test mode."
    )


def _part(feature: str, part: str, value: Any) -> Any:
    param = f"features[{feature}][{part}]"
    if part not in _FEATURES[feature]:
        raise StripeError(f"Received unknown parameter: {param[:150]}", code="parameter_unknown", param=param[:150])
    if part == "enabled":
        return flag(value, param)
    if part in _CHOICES:
        if value not in _CHOICES[part]:
            raise StripeError(f"Invalid {param}: must be one of {', '.join(_CHOICES[part])}", param=param)
        return value
    if part == "schedule_at_period_end":
        return {"conditions": (value.get("conditions") if isinstance(value, dict) else None) or []}
    return value or []

"""The one item of a subscription: what is sold, for which period, at which price."""

from __future__ import annotations

import calendar
import copy
import datetime
from typing import TYPE_CHECKING

from tripgate.local.providers.stripe.wire import new_id

if TYPE_CHECKING:
    from tripgate.local.providers.stripe.store import Thing

DAY = 86_400


def later(start: int, interval: str, count: int, anchor: int) -> int:
    """The end of a period: months and years end on the anchor's day, or the last of a shorter month."""
    if interval in {"day", "week"}:
        return start + DAY * count * (7 if interval == "week" else 1)
    moment = datetime.datetime.fromtimestamp(start, datetime.UTC)
    months = moment.year * 12 + moment.month - 1 + count * (12 if interval == "year" else 1)
    year, month = months // 12, months % 12 + 1
    wanted = datetime.datetime.fromtimestamp(anchor, datetime.UTC).day
    day = min(wanted, calendar.monthrange(year, month)[1])
    return int(moment.replace(year=year, month=month, day=day).timestamp())


def only_item(subscription: Thing) -> Thing:
    """The item of a subscription."""
    item: Thing = subscription["items"]["data"][0]
    return item


def new_item(subscription: str, price: Thing, quantity: int, start: int, end: int) -> Thing:
    """An item of this subscription."""
    return {
        "id": new_id("si"),
        "object": "subscription_item",
        "created": start,
        "current_period_start": start,
        "current_period_end": end,
        "discounts": [],
        "metadata": {},
        "plan": plan_of(price),
        "price": copy.deepcopy(price),
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    }


def plan_of(price: Thing) -> Thing:
    """The price as older versions of the API had it."""
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "currency": price["currency"],
        "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"],
        "product": price["product"],
    }

"""Subscription schedules: another price from the end of the period on, as the portal plans it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from tripgate.local.providers.stripe.items import only_item, plan_of

if TYPE_CHECKING:
    from tripgate.local.providers.stripe.store import Store, Thing


def begin(store: Store, subscription: Thing, price: Thing) -> Thing:
    """From the end of the period on it is this price, in place of one that was planned before."""
    release(store, subscription)
    item = only_item(subscription)
    end = item["current_period_end"]
    schedule = store.add(
        "sub_sched",
        "subscription_schedule",
        canceled_at=None,
        completed_at=None,
        current_phase={"start_date": item["current_period_start"], "end_date": end},
        customer=subscription["customer"],
        end_behavior="release",
        metadata={},
        phases=[
            _phase(item["price"], item["quantity"], item["current_period_start"], end),
            _phase(price, item["quantity"], end, None),
        ],
        released_at=None,
        released_subscription=None,
        status="active",
        subscription=subscription["id"],
        test_clock=None,
    )
    subscription["schedule"] = schedule["id"]
    store.tell("subscription_schedule.created", schedule)
    return schedule


def release(store: Store, subscription: Thing) -> None:
    """What was planned is not to be; the subscription goes on as it is."""
    if subscription["schedule"] is None:
        return
    schedule = store.get("subscription_schedule", subscription["schedule"])
    subscription["schedule"] = None
    schedule.update(
        status="released",
        current_phase=None,
        released_at=store.now(),
        released_subscription=subscription["id"],
        subscription=None,
    )
    store.tell("subscription_schedule.released", schedule)


def take_effect(store: Store, subscription: Thing) -> None:
    """The period has ended: the price is what was planned, if something was."""
    if subscription["schedule"] is None:
        return
    schedule = store.get("subscription_schedule", subscription["schedule"])
    price = store.get("price", schedule["phases"][-1]["items"][0]["price"])
    only_item(subscription).update(price=copy.deepcopy(price), plan=plan_of(price))
    release(store, subscription)


def planned(store: Store, subscription: Thing) -> Thing | None:
    """The price that is planned."""
    if subscription["schedule"] is None:
        return None
    schedule = store.get("subscription_schedule", subscription["schedule"])
    return store.get("price", schedule["phases"][-1]["items"][0]["price"])


def _phase(price: Thing, quantity: int, start: int, end: int | None) -> Thing:
    items = [{"price": price["id"], "plan": price["id"], "quantity": quantity, "metadata": {}}]
    return {"start_date": start, "end_date": end, "items": items, "metadata": {}, "proration_behavior": "none"}

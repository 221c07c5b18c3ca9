"""Subscriptions as time goes by: they begin with a paid invoice, renew, fail, change their price and end."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Literal

from tripgate.local.providers.stripe import schedules
from tripgate.local.providers.stripe.invoices import Invoices, Line
from tripgate.local.providers.stripe.items import DAY, later, new_item, only_item, plan_of
from tripgate.local.providers.stripe.wire import StripeError

if TYPE_CHECKING:
    from tripgate.local.providers.stripe.store import Store, Thing

# An unpaid invoice is tried again so many days after it was first: as often, and for as long, as Stripe's Smart Retries
# by default. Stripe chooses the days; here they are always these.
RETRY_DAYS = (1, 2, 3, 5, 7, 9, 11, 14)
ENDED = frozenset(("canceled", "incomplete_expired"))


class Billing:
    """What happens to subscriptions and their invoices."""

    def __init__(self, store: Store, base_url: str) -> None:
        self._store = store
        self.invoices = Invoices(store, base_url)
        # Settings of the account: on which days an invoice is tried again, and what follows of none of them.
        self.retry_days: tuple[int, ...] = RETRY_DAYS
        self.after_retries: Literal["cancel", "unpaid", "past_due"] = "cancel"

    def forget(self) -> None:
        """Cards that are declined, and what was set."""
        self.invoices.declining.clear()
        self.retry_days, self.after_retries = RETRY_DAYS, "cancel"

    def subscribe(
        self, customer: Thing, price: Thing, quantity: int, metadata: Thing, *, at_once: bool = True
    ) -> Thing:
        """A subscription with its first invoice: paid at once, or incomplete until `settle_first` says how it went."""
        store, now = self._store, self._store.now()
        recurring = price["recurring"]
        end = later(now, recurring["interval"], recurring["interval_count"], now)
        subscription = store.add(
            "sub",
            "subscription",
            application=None,
            billing_cycle_anchor=now,
            billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}},
            cancel_at=None,
            cancel_at_period_end=False,
            canceled_at=None,
            cancellation_details={"comment": None, "feedback": None, "reason": None},
            collection_method="charge_automatically",
            currency=price["currency"],
            customer=customer["id"],
            default_payment_method=None,
            description=None,
            discounts=[],
            ended_at=None,
            items=None,
            latest_invoice=None,
            metadata=metadata,
            pause_collection=None,
            schedule=None,
            start_date=now,
            status="active" if at_once else "incomplete",
            test_clock=None,
            trial_end=None,
            trial_start=None,
        )
        subscription["items"] = {
            "object": "list",
            "data": [new_item(subscription["id"], price, quantity, now, end)],
            "has_more": False,
            "url": f"/v1/subscription_items?subscription={subscription['id']}",
        }
        invoice = self.invoices.make(subscription, "subscription_create")
        store.tell("customer.subscription.created", subscription)
        if at_once:
            self.invoices.pay(invoice)
        self._await_end(subscription)
        return subscription

    def settle_first(self, subscription: Thing, *, paid: bool) -> None:
        """How a payment that took days went: the subscription begins, or never does."""
        before = copy.deepcopy(subscription)
        invoice = self._store.get("invoice", subscription["latest_invoice"])
        if paid:
            self.invoices.pay(invoice)
            subscription["status"] = "active"
        else:
            invoice.update(attempted=True, attempt_count=1)
            self._store.tell("invoice.payment_failed", invoice)
            subscription.update(status="incomplete_expired", ended_at=self._store.now())
        self._store.tell("customer.subscription.updated", subscription, before)

    def pause(self, subscription: Thing, *, paused: bool) -> None:
        """Paused, or resumed. While it is paused no period begins."""
        subscription["status"] = "paused" if paused else "active"
        self._store.tell(f"customer.subscription.{'paused' if paused else 'resumed'}", subscription)
        if not paused and only_item(subscription)["current_period_end"] <= self._store.now():
            self._await_end(subscription)

    def refund(self, intent: Thing, amount: int | None, metadata: Thing, reason: str | None) -> Thing:
        """Give back what was paid, or a part of it. Raises StripeError for more than is left."""
        charge = self._store.get("charge", intent["latest_charge"])
        left = charge["amount"] - charge["amount_refunded"]
        if left == 0:
            raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        wanted = left if amount is None else amount
        if wanted > left:
            raise StripeError(
                f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})", param="amount"
            )
        before = copy.deepcopy(charge)
        charge["amount_refunded"] += wanted
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        refund = self._store.add(
            "re",
            "refund",
            amount=wanted,
            balance_transaction=None,
            charge=charge["id"],
            currency=charge["currency"],
            customer=charge["customer"],
            metadata=metadata,
            payment_intent=intent["id"],
            reason=reason,
            receipt_number=None,
            status="succeeded",
        )
        self._store.tell("refund.created", refund)
        self._store.tell("charge.refunded", charge, before)
        return refund

    def cancel(self, subscription: Thing, reason: str, comment: str | None = None) -> None:
        """It ends now."""
        if subscription["status"] in ENDED:
            raise StripeError(
                f"No such subscription: '{subscription['id']}'", status=404, code="resource_missing", param="id"
            )
        schedules.release(self._store, subscription)
        now = self._store.now()
        details = {"comment": comment, "feedback": None, "reason": reason}
        subscription.update(
            status="canceled",
            ended_at=now,
            canceled_at=subscription["canceled_at"] or now,
            cancellation_details=details,
        )
        self._store.tell("customer.subscription.deleted", subscription)

    def cancel_at_end(self, subscription: Thing, at_end: bool) -> None:
        """It ends with its period, or does not."""
        reason = "cancellation_requested" if at_end else None
        subscription.update(
            cancel_at_period_end=at_end,
            cancel_at=only_item(subscription)["current_period_end"] if at_end else None,
            canceled_at=self._store.now() if at_end else None,
            cancellation_details={"comment": None, "feedback": None, "reason": reason},
        )

    def change_price(self, subscription: Thing, price: Thing, quantity: int, behavior: str) -> None:
        """Another price, at once: what is left of the period is charged at it, and given back of the one before.

        By an invoice of now (`always_invoice`): where that is not paid the price stays changed, and the subscription is
        past due. What is given back is a credit, of which later invoices are paid first.
        """
        item = only_item(subscription)
        old, before = item["price"], item["quantity"]
        left = max(0, item["current_period_end"] - self._store.now())
        share = left / max(1, item["current_period_end"] - item["current_period_start"])
        charged = Line(price, quantity, round(price["unit_amount"] * quantity * share))
        credited = Line(old, before, -round(old["unit_amount"] * before * share))
        item.update(price=copy.deepcopy(price), plan=plan_of(price), quantity=quantity)
        if behavior == "always_invoice" and charged.amount + credited.amount:
            invoice = self.invoices.make(subscription, "subscription_update", [credited, charged])
            self._collect(subscription, invoice)

    def pay(self, invoice: Thing) -> None:
        """Pay what is open, by hand. Raises StripeError where the card is declined."""
        self.invoices.pay_by_hand(invoice)
        self._settle(invoice)

    def close(self, invoice: Thing, status: str) -> None:
        """`void` or `uncollectible`: nothing of it is waited for any more."""
        self.invoices.close(invoice, status)
        self._settle(invoice)

    def _collect(self, subscription: Thing, invoice: Thing) -> None:
        """What is due now; where it is not paid the subscription is past due, and the card is tried again."""
        if self.invoices.pay(invoice):
            subscription["status"] = "active"
            return
        subscription["status"] = "past_due"
        self._try_again(subscription, invoice, self._store.now(), self.retry_days)

    def _settle(self, invoice: Thing) -> None:
        """With its last invoice a subscription is active again, whatever is open of before."""
        subscription = subscription_of(self._store, invoice)
        if (
            subscription is not None
            and subscription["status"] in {"past_due", "unpaid"}
            and subscription["latest_invoice"] == invoice["id"]
        ):
            before = copy.deepcopy(subscription)
            subscription["status"] = "active"
            self._store.tell("customer.subscription.updated", subscription, before)

    def _await_end(self, subscription: Thing) -> None:
        end = only_item(subscription)["current_period_end"]
        self._store.at(end, lambda: self._period_ended(subscription, end))

    def _period_ended(self, subscription: Thing, end: int) -> None:
        item = only_item(subscription)
        if subscription["status"] in {*ENDED, "incomplete", "paused"} or item["current_period_end"] != end:
            return
        if subscription["cancel_at_period_end"]:
            self.cancel(subscription, "cancellation_requested")
            return
        before = copy.deepcopy(subscription)
        schedules.take_effect(self._store, subscription)
        recurring = item["price"]["recurring"]
        item["current_period_start"] = end
        item["current_period_end"] = later(
            end, recurring["interval"], recurring["interval_count"], subscription["billing_cycle_anchor"]
        )
        # Of one that is given up nothing more is asked.
        if subscription["status"] != "unpaid":
            self._collect(subscription, self.invoices.make(subscription, "subscription_cycle"))
        self._store.tell("customer.subscription.updated", subscription, before)
        self._await_end(subscription)

    def _try_again(self, subscription: Thing, invoice: Thing, first: int, days: tuple[int, ...]) -> None:
        """On each of these days after it was first tried; when none is left, as the account's settings say."""
        moment = first + days[0] * DAY
        invoice["next_payment_attempt"] = moment

        def again() -> None:
            if invoice["status"] != "open" or subscription["status"] in ENDED:
                return
            if self.invoices.pay(invoice):
                self._settle(invoice)
            elif days[1:]:
                self._try_again(subscription, invoice, first, days[1:])
            else:
                invoice["next_payment_attempt"] = None
                self._give_up(subscription)

        self._store.at(moment, again)

    def _give_up(self, subscription: Thing) -> None:
        # Of an invoice of before, while the last one is paid, nothing follows.
        if subscription["status"] != "past_due" or self.after_retries == "past_due":
            return
        if self.after_retries == "cancel":
            self.cancel(subscription, "payment_failed")
            return
        before = copy.deepcopy(subscription)
        subscription["status"] = "unpaid"
        self._store.tell("customer.subscription.updated", subscription, before)


def subscription_of(store: Store, invoice: Thing) -> Thing | None:
    """The subscription that an invoice is of."""
    details = (invoice["parent"] or {}).get("subscription_details")
    return None if details is None else store.get("subscription", details["subscription"])

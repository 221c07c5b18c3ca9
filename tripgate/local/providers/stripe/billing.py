"""Subscriptions as time goes by: they begin with a paid invoice, renew, fail, change their price and end."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tripgate.local.providers.stripe.items import DAY, later, new_item, only_item, plan_of
from tripgate.local.providers.stripe.wire import StripeError, new_id

if TYPE_CHECKING:
    from tripgate.local.providers.stripe.store import Store, Thing

# After so many days an unpaid renewal is tried again; after the last the subscription ends.
RETRY_DAYS = (3, 5, 7)
ENDED = frozenset(("canceled", "incomplete_expired"))


class Billing:
    """What happens to subscriptions and their invoices."""

    def __init__(self, store: Store, base_url: str) -> None:
        self._store = store
        self._base_url = base_url
        # Customers whose cards are declined from now on.
        self.declining: set[str] = set()

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
        invoice = self._invoice(subscription, "subscription_create")
        store.tell("customer.subscription.created", subscription)
        if at_once:
            self._pay(invoice)
        self._await_end(subscription)
        return subscription

    def settle_first(self, subscription: Thing, *, paid: bool) -> None:
        """How a payment that took days went: the subscription begins, or never does."""
        before = copy.deepcopy(subscription)
        invoice = self._store.get("invoice", subscription["latest_invoice"])
        if paid:
            self._pay(invoice)
            subscription["status"] = "active"
        else:
            invoice.update(attempted=True, attempt_count=1)
            self._store.tell("invoice.payment_failed", invoice)
            subscription.update(status="incomplete_expired", ended_at=self._store.now())
        self._store.tell("customer.subscription.updated", subscription, before)

    def pause(self, subscription: Thing, *, paused: bool) -> None:
        """Paused, or resumed."""
        subscription["status"] = "paused" if paused else "active"
        self._store.tell(f"customer.subscription.{'paused' if paused else 'resumed'}", subscription)

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
        """Another price: what is left of the period counts against the new one, by an invoice now or with the next."""
        item = only_item(subscription)
        old = item["price"]
        left = max(0, item["current_period_end"] - self._store.now())
        share = left / max(1, item["current_period_end"] - item["current_period_start"])
        difference = round((price["unit_amount"] * quantity - old["unit_amount"] * item["quantity"]) * share)
        item.update(price=copy.deepcopy(price), plan=plan_of(price), quantity=quantity)
        if behavior == "always_invoice" and difference:
            invoice = self._invoice(subscription, "subscription_update", amount=max(0, difference))
            self._pay(invoice)

    def pay(self, invoice: Thing) -> None:
        """Pay what is open. Raises StripeError where the card is declined."""
        if invoice["status"] == "paid":
            raise StripeError("Invoice is already paid", code="invoice_already_paid")
        if invoice["status"] != "open":
            raise StripeError(f"This invoice is {invoice['status']} and cannot be paid.", code="invoice_not_editable")
        if not self._pay(invoice):
            raise StripeError(
                "Your card was declined.", status=402, kind="card_error", code="card_declined",
                decline_code="generic_decline", started=True,
            )  # fmt: skip

    def void(self, invoice: Thing, status: str) -> None:
        """`void` or `uncollectible`, of an open invoice."""
        if invoice["status"] not in {"open", "uncollectible"}:
            raise StripeError(f"This invoice is {invoice['status']}.", code="invoice_not_editable")
        invoice["status"] = status
        name = "voided_at" if status == "void" else "marked_uncollectible_at"
        invoice["status_transitions"][name] = self._store.now()
        self._store.tell("invoice.voided" if status == "void" else "invoice.marked_uncollectible", invoice)

    def _invoice(self, subscription: Thing, reason: str, amount: int | None = None) -> Thing:
        store, now, item = self._store, self._store.now(), only_item(subscription)
        customer = store.get("customer", subscription["customer"])
        price, quantity = item["price"], item["quantity"]
        total = price["unit_amount"] * quantity if amount is None else amount
        number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
        customer["next_invoice_sequence"] += 1
        details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
        invoice = store.add(
            "in",
            "invoice",
            amount_due=total,
            amount_paid=0,
            amount_remaining=total,
            attempt_count=0,
            attempted=False,
            auto_advance=True,
            billing_reason=reason,
            collection_method="charge_automatically",
            currency=price["currency"],
            customer=customer["id"],
            customer_email=customer["email"],
            customer_name=customer["name"],
            description=None,
            due_date=None,
            effective_at=now,
            hosted_invoice_url=None,
            invoice_pdf=None,
            lines=None,
            metadata={},
            next_payment_attempt=None,
            number=number,
            parent={"type": "subscription_details", "quote_details": None, "subscription_details": details},
            period_start=now if reason != "subscription_cycle" else item["current_period_start"],
            period_end=now,
            status="open",
            status_transitions={
                "finalized_at": now, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None
            },
            subtotal=total,
            test_clock=None,
            total=total,
        )  # fmt: skip
        invoice["hosted_invoice_url"] = f"{self._base_url}/i/{invoice['id']}"
        line: dict[str, Any] = {
            "id": new_id("il"),
            "object": "line_item",
            "amount": total,
            "currency": price["currency"],
            "description": f"{quantity} x {price['nickname'] or price['product']}",
            "invoice": invoice["id"],
            "livemode": False,
            "metadata": {},
            "parent": {
                "type": "subscription_item_details",
                "subscription_item_details": {"subscription": subscription["id"], "subscription_item": item["id"]},
            },
            "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
            "pricing": {
                "type": "price_details",
                "price_details": {"price": price["id"], "product": price["product"]},
                "unit_amount_decimal": str(price["unit_amount"]),
            },
            "quantity": quantity,
        }
        invoice["lines"] = {
            "object": "list",
            "data": [line],
            "has_more": False,
            "url": f"/v1/invoices/{invoice['id']}/lines",
        }
        subscription["latest_invoice"] = invoice["id"]
        store.tell("invoice.created", invoice)
        store.tell("invoice.finalized", invoice)
        return invoice

    def _pay(self, invoice: Thing) -> bool:
        """Try the customer's card; whether it is paid."""
        store, now = self._store, self._store.now()
        invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
        if invoice["customer"] in self.declining and invoice["amount_due"]:
            store.tell("invoice.payment_failed", invoice)
            return False
        intent = self._charged(invoice) if invoice["amount_due"] else None
        invoice.update(
            status="paid", amount_paid=invoice["amount_due"], amount_remaining=0, next_payment_attempt=None
        )  # fmt: skip
        invoice["status_transitions"]["paid_at"] = now
        store.add(
            "inpay",
            "invoice_payment",
            amount_paid=invoice["amount_paid"],
            amount_requested=invoice["amount_due"],
            currency=invoice["currency"],
            invoice=invoice["id"],
            is_default=True,
            payment={"type": "payment_intent", "payment_intent": intent},
            status="paid",
            status_transitions={"canceled_at": None, "paid_at": now},
        )
        store.tell("invoice.paid", invoice)
        store.tell("invoice.payment_succeeded", invoice)
        return True

    def _charged(self, invoice: Thing) -> str:
        """The id of the payment intent of what was just taken from a card."""
        paid = {"amount": invoice["amount_due"], "currency": invoice["currency"], "customer": invoice["customer"]}
        intent = self._store.add("pi", "payment_intent", **paid, latest_charge=None, metadata={}, status="succeeded")
        charge = self._store.add(
            "ch",
            "charge",
            **paid,
            amount_captured=invoice["amount_due"],
            amount_refunded=0,
            captured=True,
            metadata={},
            paid=True,
            payment_intent=intent["id"],
            refunded=False,
            status="succeeded",
        )
        intent["latest_charge"] = charge["id"]
        identity: str = intent["id"]
        return identity

    def settle(self, invoice: Thing) -> None:
        """After an invoice of it was paid: the subscription is active again."""
        subscription = store_of(self._store, invoice)
        if subscription is not None and subscription["status"] == "past_due":
            before = copy.deepcopy(subscription)
            subscription["status"] = "active"
            self._store.tell("customer.subscription.updated", subscription, before)

    def _await_end(self, subscription: Thing) -> None:
        end = only_item(subscription)["current_period_end"]
        self._store.at(end, lambda: self._period_ended(subscription, end))

    def _period_ended(self, subscription: Thing, end: int) -> None:
        item = only_item(subscription)
        if subscription["status"] in {*ENDED, "incomplete"} or item["current_period_end"] != end:
            return
        if subscription["cancel_at_period_end"]:
            self.cancel(subscription, "cancellation_requested")
            return
        before = copy.deepcopy(subscription)
        recurring = item["price"]["recurring"]
        item["current_period_start"] = end
        item["current_period_end"] = later(
            end, recurring["interval"], recurring["interval_count"], subscription["billing_cycle_anchor"]
        )
        invoice = self._invoice(subscription, "subscription_cycle")
        if not self._pay(invoice):
            subscription["status"] = "past_due"
            self._try_again(subscription, invoice, 0)
        self._store.tell("customer.subscription.updated", subscription, before)
        self._await_end(subscription)

    def _try_again(self, subscription: Thing, invoice: Thing, failures: int) -> None:
        moment = self._store.now() + RETRY_DAYS[failures] * DAY
        invoice["next_payment_attempt"] = moment

        def again() -> None:
            if invoice["status"] != "open" or subscription["status"] in ENDED:
                return
            if self._pay(invoice):
                self.settle(invoice)
            elif failures + 1 < len(RETRY_DAYS):
                self._try_again(subscription, invoice, failures + 1)
            else:
                invoice["next_payment_attempt"] = None
                self.cancel(subscription, "payment_failed")

        self._store.at(moment, again)


def store_of(store: Store, invoice: Thing) -> Thing | None:
    """The subscription that an invoice is of."""
    details = (invoice["parent"] or {}).get("subscription_details")
    return None if details is None else store.get("subscription", details["subscription"])

"""Invoices: made with what is charged and credited on them, and paid from a customer's card and credit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tripgate.local.providers.stripe.items import only_item
from tripgate.local.providers.stripe.wire import StripeError, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tripgate.local.providers.stripe.store import Store, Thing


@dataclass(frozen=True)
class Line:
    """A part of an invoice: how much of a price, in minor units; less than zero is given back."""

    price: Thing
    quantity: int
    amount: int


class Invoices:
    """Those of subscriptions."""

    def __init__(self, store: Store, base_url: str) -> None:
        self._store = store
        self._base_url = base_url
        # Customers whose cards are declined from now on.
        self.declining: set[str] = set()

    def make(self, subscription: Thing, reason: str, lines: Sequence[Line] = ()) -> Thing:
        """An open invoice of a whole period, or of these lines.

        The customer's credit pays of it what it can; of one that is less than zero a credit is left.
        """
        store, now, item = self._store, self._store.now(), only_item(subscription)
        customer = store.get("customer", subscription["customer"])
        price, quantity = item["price"], item["quantity"]
        lines = lines or [Line(price, quantity, price["unit_amount"] * quantity)]
        total = sum(line.amount for line in lines)
        # Zero, or below it for a credit.
        balance = customer["balance"]
        due = max(0, total + balance)
        customer["balance"] = balance + total - due
        number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
        customer["next_invoice_sequence"] += 1
        details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
        invoice = store.add(
            "in",
            "invoice",
            amount_due=due,
            amount_paid=0,
            amount_remaining=due,
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
            ending_balance=customer["balance"],
            hosted_invoice_url=None,
            invoice_pdf=None,
            lines=None,
            metadata={},
            next_payment_attempt=None,
            number=number,
            parent={"type": "subscription_details", "quote_details": None, "subscription_details": details},
            period_start=now if reason != "subscription_cycle" else item["current_period_start"],
            period_end=now,
            starting_balance=balance,
            status="open",
            status_transitions={
                "finalized_at": now, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None
            },
            subtotal=total,
            test_clock=None,
            total=total,
        )  # fmt: skip
        invoice["hosted_invoice_url"] = f"{self._base_url}/i/{invoice['id']}"
        invoice["lines"] = {
            "object": "list",
            "data": [_line(line, invoice, subscription) for line in lines],
            "has_more": False,
            "url": f"/v1/invoices/{invoice['id']}/lines",
        }
        subscription["latest_invoice"] = invoice["id"]
        store.tell("invoice.created", invoice)
        store.tell("invoice.finalized", invoice)
        return invoice

    def pay(self, invoice: Thing) -> bool:
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
        if intent is not None:
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

    def pay_by_hand(self, invoice: Thing) -> None:
        """Pay what is open. Raises StripeError where the card is declined."""
        if invoice["status"] == "paid":
            raise StripeError("Invoice is already paid", code="invoice_already_paid")
        if invoice["status"] not in {"open", "uncollectible"}:
            raise StripeError(f"This invoice is {invoice['status']} and cannot be paid.", code="invoice_not_editable")
        if not self.pay(invoice):
            raise StripeError(
                "Your card was declined.", status=402, kind="card_error", code="card_declined",
                decline_code="generic_decline", started=True,
            )  # fmt: skip

    def close(self, invoice: Thing, status: str) -> None:
        """`void` or `uncollectible`, of an open invoice."""
        if invoice["status"] not in {"open", "uncollectible"}:
            raise StripeError(f"This invoice is {invoice['status']}.", code="invoice_not_editable")
        invoice.update(status=status, next_payment_attempt=None)
        name = "voided_at" if status == "void" else "marked_uncollectible_at"
        invoice["status_transitions"][name] = self._store.now()
        self._store.tell("invoice.voided" if status == "void" else "invoice.marked_uncollectible", invoice)

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


def _line(line: Line, invoice: Thing, subscription: Thing) -> Thing:
    item, price = only_item(subscription), line.price
    kind = "Unused time on " if line.amount < 0 else ""
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": line.amount,
        "currency": price["currency"],
        "description": f"{kind}{line.quantity} x {price['nickname'] or price['product']}",
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": {},
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {
                "proration": invoice["billing_reason"] == "subscription_update",
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
        },
        "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
        "pricing": {
            "type": "price_details",
            "price_details": {"price": price["id"], "product": price["product"]},
            "unit_amount_decimal": str(price["unit_amount"]),
        },
        "quantity": line.quantity,
    }

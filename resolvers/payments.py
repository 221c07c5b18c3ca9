"""What the caller pays for, and how much of it is left; written by what Stripe tells and by what uses it up."""

import strawberry

from resolvers.declared import many, own
from resolvers.declared.crud import crud, domain


@strawberry.type
class PaymentQuery:
    """Reading what one pays for."""

    billing_subscriptions = many("BillingSubscription")
    stripe_customer = own(
        "StripeCustomer", by="userId", description="Whom Stripe knows the caller as; null for who never paid."
    )
    usage_limits = many("UsageLimit")
    billing_events = many("BillingEvent")
    invoices = many("Invoice")


DOMAIN = domain(
    PaymentQuery,
    crud(
        "BillingSubscription", reads=False, writes=False, changes="What the caller pays for, as it begins and changes."
    ),
    crud("UsageLimit", reads=False, writes=False, changes="How much is left to the caller, as it changes."),
    position=90,
)

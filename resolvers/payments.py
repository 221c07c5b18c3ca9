"""What the caller pays for, and how much of it is left; written by what Stripe tells and by what uses it up."""

from decimal import Decimal

import strawberry

from gql.nullability import semantic_non_null
from gql.types.payments import Plan, PlanInterval, PlanKey, PlanLimit, UsageMetric
from resolvers.context import Info
from resolvers.declared import grouped, many, own, row_of, rows_of
from resolvers.declared.crud import crud, domain
from tripgate.planner.plan import FunctionCall


@strawberry.type
class PaymentQuery:
    """Reading what one pays for."""

    @strawberry.field(
        directives=semantic_non_null(),
        description="What people may have, at what price, and what it includes; the smallest first.",
    )
    async def plans(self, info: Info) -> list[Plan] | None:
        """All plans."""
        context = info.context
        prepared = context.backend.prepare(FunctionCall("plans", ()))
        (answer,) = (await context.backend.fetch(prepared, context.signed_in(), None)).rows
        return [
            Plan(
                key=PlanKey(plan["key"]),
                name=plan["name"],
                price=Decimal(plan["price"]),
                currency=plan["currency"],
                interval=None if plan["interval"] is None else PlanInterval(plan["interval"]),
                limits=[
                    PlanLimit(metric=UsageMetric(each["metric"]), limit=Decimal(each["limit"]))
                    for each in plan["limits"]
                ],
            )
            for plan in answer["plans"]
        ]

    billing_subscription = row_of(
        "BillingSubscription",
        "billing_subscription",
        description="What the caller pays for now, or paid for last; null for who never paid.",
    )
    billing_subscriptions = many("BillingSubscription")
    stripe_customer = own(
        "StripeCustomer", by="userId", description="Whom Stripe knows the caller as; null for who never paid."
    )
    usage_limits = rows_of(
        "UsageLimit",
        "current_usage_limits",
        description="What is left to the caller now, of each metric.",
        depends_on=("profiles", "subscriptions"),
    )
    billing_events = many("BillingEvent")
    billing_events_grouped = grouped("BillingEvent")
    invoices = many("Invoice")
    invoices_grouped = grouped("Invoice")


DOMAIN = domain(
    PaymentQuery,
    crud(
        "BillingSubscription", reads=False, writes=False, changes="What the caller pays for, as it begins and changes."
    ),
    crud("UsageLimit", reads=False, writes=False, changes="How much is left to the caller, as it changes."),
    position=90,
)

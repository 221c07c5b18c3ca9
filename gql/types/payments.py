"""What people pay for, and how much of what that includes they have used."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, column, table, to_one
from gql.types.scopes import USER

# Not cached, since others write all of it; live queries hear of it.
TOLD = CacheControl(0, InvalidatedBy.SCOPE_TOPIC)


@strawberry.enum(description="What people may have.")
class PlanKey(Enum):
    """The values of `subscriptions.plan_key`, and the keys of plans."""

    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


@strawberry.enum(description="How often something is paid.")
class PlanInterval(Enum):
    """The intervals of plans."""

    MONTH = "month"
    YEAR = "year"


@strawberry.enum(description="How a subscription stands, as Stripe says.")
class BillingSubscriptionStatus(Enum):
    """The values of `subscriptions.status`."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    UNPAID = "unpaid"
    PAUSED = "paused"


@strawberry.enum(description="What is counted.")
class UsageMetric(Enum):
    """The values of `usage_limits.metric`."""

    AI_COST = strawberry.enum_value("ai_cost", description="What AI costs, in US dollars.")
    WHATSAPP_MESSAGES = strawberry.enum_value("whatsapp_messages", description="Messages sent by WhatsApp.")
    STORAGE_BYTES = strawberry.enum_value(
        "storage_bytes", description="Bytes that are kept: what is there, which no period ends."
    )


@strawberry.type(description="How much of something a plan includes.")
class PlanLimit:
    """An entry of `limits`."""

    metric: UsageMetric = strawberry.field(description="What is counted.")
    limit: Decimal = strawberry.field(description="How much of it there may be in a period; of a level, at a time.")


@strawberry.type(description="What people may have, and at what price.")
class Plan:
    """A row of `private.plans`, as function `plans` tells it."""

    key: PlanKey = strawberry.field(description="What it is known by.")
    name: str = strawberry.field(description="What it is called.")
    price: Decimal = strawberry.field(description="What it costs an interval.")
    currency: str = strawberry.field(description="The price's currency, by its ISO 4217 code.")
    interval: PlanInterval | None = strawberry.field(description="How often it is paid; null for what is free.")
    limits: list[PlanLimit] = strawberry.field(description="What it includes.")


@strawberry.enum(description="What has become of something that Stripe told.")
class BillingEventStatus(Enum):
    """The values of `billing_events.status`."""

    RECEIVED = "received"
    WAITING = "waiting"
    DONE = "done"
    IGNORED = "ignored"


@strawberry.enum(description="How an invoice stands, as Stripe says.")
class InvoiceStatus(Enum):
    """The values of `invoices.status`."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


@table("stripe_customers", scope=USER.via("user_id"), order_by=("created_at",), written_by_functions=True, cache=TOLD)
class StripeCustomer:
    """Whom Stripe knows a person as, over `stripe_customers`."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    stripe_customer_id: str = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person.")


@table("subscriptions", scope=USER.via("user_id"), order_by=("created_at desc",), written_by_functions=True, cache=TOLD)
class BillingSubscription:
    """A plan that a person pays for, over `subscriptions`; `Subscription` is GraphQL's own."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    stripe_subscription_id: str = column(write=NEVER)
    plan_key: PlanKey = column(write=NEVER)
    status: BillingSubscriptionStatus = column(write=NEVER)
    current_period_start: datetime = column(write=NEVER)
    current_period_end: datetime = column(write=NEVER)
    cancel_at_period_end: bool = column(write=NEVER)
    past_due_at: datetime | None = column(write=NEVER)
    paid_until: datetime | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person who pays.")


@table("usage_limits", scope=USER.via("user_id"), order_by=("created_at desc",), written_by_functions=True, cache=TOLD)
class UsageLimit:
    """How much of something there may be for a period, and how much of that is used, over `usage_limits`."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    metric: UsageMetric = column(write=NEVER)
    period_start: datetime | None = column(write=NEVER)
    period_end: datetime | None = column(write=NEVER)
    limit: Decimal = column("limit_amount", write=NEVER)
    used: Decimal = column("used_amount", write=NEVER)
    reserved: Decimal = column("reserved_amount", write=NEVER)
    remaining: Decimal = column("remaining_amount", write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person.")


@table(
    "billing_events",
    scope=USER.via("user_id"),
    order_by=("created_at desc",),
    hidden_columns=True,
    written_by_functions=True,
    cache=TOLD,
)
class BillingEvent:
    """Something that Stripe told, over `billing_events` without the payload, which nobody reads."""

    id: UUID = column(write=NEVER)
    stripe_event_id: str = column(write=NEVER)
    type: str = column(write=NEVER)
    livemode: bool = column(write=NEVER)
    object_id: str | None = column(write=NEVER)
    user_id: UUID | None = column(write=NEVER)
    status: BillingEventStatus = column(write=NEVER)
    attempts: int = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person whom it is about.")


@table("invoices", scope=USER.via("user_id"), order_by=("issued_at desc",), written_by_functions=True, cache=TOLD)
class Invoice:
    """What a person was asked to pay, over `invoices`."""

    id: UUID = column(write=NEVER)
    stripe_invoice_id: str = column(write=NEVER)
    user_id: UUID | None = column(write=NEVER)
    stripe_subscription_id: str | None = column(write=NEVER)
    number: str | None = column(write=NEVER)
    status: InvoiceStatus = column(write=NEVER)
    currency: str = column(write=NEVER)
    amount_due: Decimal = column(write=NEVER)
    amount_paid: Decimal = column(write=NEVER)
    amount_refunded: Decimal = column(write=NEVER)
    hosted_invoice_url: str | None = column(write=NEVER, long=True)
    issued_at: datetime = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person who was asked.")

"""Pages at Stripe on which people pay: how they are asked for, and what is answered."""

from datetime import datetime
from enum import Enum

import strawberry

from gql.types.payments import PlanKey


@strawberry.enum(description="What a page of payment is for.")
class CheckoutKind(Enum):
    """What the function says, as `kind`."""

    CHECKOUT = strawberry.enum_value("checkout", description="To pay for a plan.")
    PORTAL = strawberry.enum_value("portal", description="To change and end what is paid for already.")


@strawberry.type(description="A page at Stripe, to which the browser is sent.")
class CheckoutSession:
    """What the functions of payments answer."""

    url: str = strawberry.field(description="Where it is; for the caller alone.")
    kind: CheckoutKind = strawberry.field(description="What it is for.")
    expires_at: datetime = strawberry.field(description="Until when it can be opened.")


@strawberry.input(description="What is to be paid for, and where the browser goes afterwards.")
class CreateCheckoutSessionInput:
    """The arguments of `createCheckoutSession`."""

    plan_key: PlanKey = strawberry.field(description="One that is paid for: not `FREE`.")
    success_url: str = strawberry.field(
        description="Where to return to after paying: an address of this application. `{CHECKOUT_SESSION_ID}` in it "
        "stands for the page's id."
    )
    cancel_url: str = strawberry.field(description="Where to return to without paying: an address of this application.")

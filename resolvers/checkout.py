"""Paying for a plan, on pages at Stripe that Edge Functions ask for."""

import datetime as dt
from typing import Any

import strawberry

from gql.errors import ApiError
from gql.types.checkout import CheckoutKind, CheckoutSession, CreateCheckoutSessionInput
from resolvers.context import Info
from resolvers.declared.crud import domain

# What functions call a field of theirs, by what it is called here.
_FIELDS = {
    "plan_key": "input.planKey",
    "success_url": "input.successUrl",
    "cancel_url": "input.cancelUrl",
    "return_url": "returnUrl",
}


@strawberry.type
class CheckoutMutation:
    """Beginning to pay, and changing what is paid for."""

    @strawberry.field(
        description="A page on which the caller pays for a plan; of those who have one, that on which they change it. "
        "However often it is asked for, one is open at a time."
    )
    async def create_checkout_session(
        self,
        info: Info,
        input: CreateCheckoutSessionInput,  # noqa: A002 - the argument's name
    ) -> CheckoutSession | None:
        """A page to pay on."""
        body = {"plan_key": input.plan_key.value, "success_url": input.success_url, "cancel_url": input.cancel_url}
        return await _page(info, "create-checkout-session", body)

    @strawberry.field(
        description="The page on which the caller changes and ends what they pay for, and finds their invoices. "
        "NOT_FOUND for who never began to pay."
    )
    async def create_billing_portal_session(self, info: Info, return_url: str) -> CheckoutSession | None:
        """A page of the portal."""
        return await _page(info, "create-billing-portal-session", {"return_url": return_url})


async def _page(info: Info, function: str, body: dict[str, Any]) -> CheckoutSession:
    try:
        made = (await info.context.functions.invoke(function, body, info.context.signed_in()))["session"]
    except ApiError as error:
        if (field := _FIELDS.get(str(error.extensions.get("field")))) is not None:
            error.extensions["field"] = field
        raise
    return CheckoutSession(
        url=made["url"], kind=CheckoutKind(made["kind"]), expires_at=dt.datetime.fromisoformat(made["expires_at"])
    )


DOMAIN = domain(CheckoutMutation, position=91)

"""Stripe as a provider of the house."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from tripgate.local.providers.provider import Provider
from tripgate.local.providers.stripe import stock
from tripgate.local.providers.stripe.api import Api
from tripgate.local.providers.stripe.billing import Billing
from tripgate.local.providers.stripe.checkout import Checkout
from tripgate.local.providers.stripe.portal import Portal
from tripgate.local.providers.stripe.store import Store
from tripgate.local.providers.stripe.wire import Wire, error_response

if TYPE_CHECKING:
    from tripgate.local.providers.provider import Lent


# Two months: as long as Stripe tries at most.
MOST_RETRY_DAYS = 60


class _Card(BaseModel):
    """Whether a customer's card is declined from now on."""

    model_config = ConfigDict(strict=True, extra="forbid")

    customer: str
    declines: bool


class _Pause(BaseModel):
    """Whether a subscription is paused, or resumed."""

    model_config = ConfigDict(strict=True, extra="forbid")

    subscription: str
    paused: bool


class _Retries(BaseModel):
    """On which days after the first an invoice is tried again, and what becomes of its subscription after the last."""

    model_config = ConfigDict(strict=True, extra="forbid")

    days: list[int] = Field(min_length=1, max_length=8)
    then: Literal["cancel", "unpaid", "past_due"]


class _Saved(BaseModel):
    """Statuses of the next writes, which are kept under their keys."""

    model_config = ConfigDict(strict=True, extra="forbid")

    statuses: list[int] = Field(min_length=1, max_length=1000)


class _Hold(BaseModel):
    """Whether writes with a key wait."""

    model_config = ConfigDict(strict=True, extra="forbid")

    hold: bool


def create(lent: Lent) -> web.Application:
    """The application: the API below `/v1`, pages beside it."""
    store = Store(lent)
    billing = Billing(store, lent.base_url)
    checkout = Checkout(store, billing, lent.base_url)
    portal = Portal(store, billing, lent.base_url)
    wire = Wire(lent.clock)
    app = web.Application(middlewares=[wire.middleware])
    api = Api(store, billing, checkout, portal)
    api.add_to(app)
    app.router.add_get("/c/pay/{id}", checkout.page)
    app.router.add_post("/c/pay/{id}", checkout.act)
    app.router.add_get("/p/session/{id}", portal.page)
    app.router.add_post("/p/session/{id}", portal.act)

    async def card(request: web.Request) -> web.Response:
        asked = _Card.model_validate_json(await request.read())
        declining = billing.invoices.declining
        (declining.add if asked.declines else declining.discard)(asked.customer)
        return web.Response(status=204)

    async def pause(request: web.Request) -> web.Response:
        asked = _Pause.model_validate_json(await request.read())
        subscription = next((each for each in store.all("subscription") if each["id"] == asked.subscription), None)
        if subscription is None:
            raise LookupError(f"There is no subscription {asked.subscription}")
        billing.pause(subscription, paused=asked.paused)
        return web.Response(status=204)

    async def retries(request: web.Request) -> web.Response:
        asked = _Retries.model_validate_json(await request.read())
        if asked.days != sorted(set(asked.days)) or not 0 < asked.days[0] <= asked.days[-1] <= MOST_RETRY_DAYS:
            raise ValueError(f"days are from 1 to {MOST_RETRY_DAYS}, each later than the one before")
        billing.retry_days, billing.after_retries = tuple(asked.days), asked.then
        return web.Response(status=204)

    async def save_failures(request: web.Request) -> web.Response:
        wire.saved_failures += _Saved.model_validate_json(await request.read()).statuses
        return web.Response(status=204)

    async def hold(request: web.Request) -> web.Response:
        asked = _Hold.model_validate_json(await request.read())
        (wire.hold.clear if asked.hold else wire.hold.set)()
        return web.Response(status=204)

    lent.control.router.add_post("/card", card)
    lent.control.router.add_post("/pause", pause)
    lent.control.router.add_post("/retries", retries)
    lent.control.router.add_post("/saved_failures", save_failures)
    lent.control.router.add_post("/hold", hold)
    lent.on_reset.extend((store.forget, api.forget, checkout.forget, billing.forget, wire.forget))
    stock.fill(store, lent)
    lent.on_reset.append(lambda: stock.fill(store, lent))
    return app


STRIPE = Provider(
    "stripe", "Stripe", create, error_response, {"STRIPE_API_BASE": "{base_url}"}, key="STRIPE_SECRET_KEY"
)

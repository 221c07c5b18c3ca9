"""The fake of Stripe in its house, asked by Stripe's own client library, unmodified, under Deno."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.providers.conftest import Heard, Served, house_of
from tests.local.providers.deno_client import script
from tripgate.local.providers.stripe.provider import STRIPE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HERE = Path(__file__).parent
DAY = 86_400


@dataclass
class Stripe:
    """The fake, its client, and who hears its webhooks."""

    served: Served
    heard: Heard

    @property
    def base(self) -> str:
        return f"{self.served.url}/providers/stripe"

    async def client(self, *calls: list[Any]) -> list[Any]:
        """What each call gives; see client.js."""
        return list((await script(HERE / "client.js", self.base, json.dumps(calls)))["results"])

    async def ask(self, method: str, path: str, data: Any = None, key: str | None = None) -> tuple[int, Any, Any]:
        """Status, body and headers of a plain request."""
        headers = {"Authorization": "Bearer sk_test_of_the_tests", **({"Idempotency-Key": key} if key else {})}
        async with self.served.http.request(method, f"{self.base}/v1/{path}", data=data, headers=headers) as answer:
            return answer.status, await answer.json(), answer.headers

    async def made(self, path: str, data: Any) -> Any:
        status, thing, _ = await self.ask("POST", path, data)
        assert status == 200, thing
        return thing

    async def advance(self, seconds: float) -> None:
        await self.served.control("POST", "clock", {"advanceSeconds": seconds})

    async def shop(self, **price: str) -> tuple[str, str]:
        """Ids of a customer and of a monthly price."""
        product = await self.made("products", {"name": "Pro"})
        given = {"product": product["id"], "currency": "eur", "unit_amount": "990", "recurring[interval]": "month"}
        price_id = (await self.made("prices", {**given, **price}))["id"]
        return (await self.made("customers", {"email": "ada@tripgate.example"}))["id"], price_id

    async def price(self, **given: str) -> str:
        """The id of one more monthly price."""
        product = await self.made("products", {"name": "Another"})
        about = {"product": product["id"], "currency": "eur", "unit_amount": "990", "recurring[interval]": "month"}
        return str((await self.made("prices", {**about, **given}))["id"])

    async def session(self, customer: str, price: str) -> Any:
        return await self.made(
            "checkout/sessions",
            {
                "mode": "subscription",
                "customer": customer,
                "line_items[0][price]": price,
                "success_url": "https://trips.example/paid?session={CHECKOUT_SESSION_ID}",
                "cancel_url": "https://trips.example/plans",
                "subscription_data[metadata][system]": "trips",
            },
        )

    async def press(self, session: Any, button: str) -> tuple[int, str]:
        """What the page answers: its status, and where it leads or what it says."""
        async with self.served.http.post(session["url"], data={"do": button}, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def subscribed(self) -> Any:
        """A subscription that was just paid for on the page."""
        customer, price = await self.shop()
        session = await self.session(customer, price)
        assert (await self.press(session, "pay"))[0] == 303
        _, found, _ = await self.ask("GET", f"subscriptions?customer={customer}")
        (subscription,) = found["data"]
        return subscription

    async def get(self, path: str) -> Any:
        status, thing, _ = await self.ask("GET", path)
        assert status == 200, thing
        return thing

    async def events(self) -> list[str]:
        """Their types, the oldest first."""
        return [event["type"] for event in (await self.get("events?limit=100"))["data"]][::-1]


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[Served]:
    async with house_of([STRIPE]) as served:
        yield served


@pytest.fixture
async def stripe(house: Served, heard: Heard) -> Stripe:
    await house.house.reset()
    return Stripe(house, heard)

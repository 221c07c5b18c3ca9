"""What `tripgate doctor` says of an account at Stripe: of its prices and of its portal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tripgate.systems.trips.selling import API_VERSION, SOLD, stripe_account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.local.providers.stripe.conftest import Stripe

ROOT = Path(__file__).parents[4]
KEY = "sk_test_of_the_tests"
ALL_SOLD = [("ok", "Stripe sells tripgate_pro."), ("ok", "Stripe sells tripgate_enterprise.")]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def told(stripe: Stripe, client: httpx.AsyncClient, **environment: str) -> list[tuple[str, str]]:
    given = {"STRIPE_SECRET_KEY": KEY, "STRIPE_API_BASE": stripe.base, **environment}
    found = await stripe_account(client, given)
    assert all(KEY not in f"{each.text} {each.advice}" for each in found)
    assert all(each.advice for each in found if each.level != "ok")
    return [(each.level, each.text) for each in found]


async def sell(stripe: Stripe, **changes: str) -> list[str]:
    """The ids of the plans' prices."""
    made = []
    for sold in SOLD:
        about = {"currency": sold.currency, "unit_amount": str(sold.minor_units), "recurring[interval]": sold.interval}
        made.append(await stripe.price(**{**about, "lookup_key": sold.lookup_key, **changes}))
    return made


async def allow(stripe: Stripe, features: dict[str, str]) -> None:
    """Change the portal's settings."""
    _, listed, _ = await stripe.ask("GET", "billing_portal/configurations?is_default=true")
    await stripe.made(
        f"billing_portal/configurations/{listed['data'][0]['id']}",
        {f"features{name}": value for name, value in features.items()},
    )


def test_what_is_sold_is_what_the_program_has() -> None:
    rows = (ROOT / "supabase" / "program" / "007_payments.sql").read_text()
    priced = re.findall(r"\('\w+', '\w+', ([\d.]+), '(\w+)', '(\w+)', \d+, '(\w+)'\)", rows)
    wanted = [(key, round(float(price) * 100), currency.lower(), interval) for price, currency, interval, key in priced]
    assert [(sold.lookup_key, sold.minor_units, sold.currency, sold.interval) for sold in SOLD] == wanted
    functions = ROOT / "supabase" / "functions" / "_shared" / "stripe.ts"
    assert f'API_VERSION = "{API_VERSION}"' in functions.read_text()


async def test_an_account_that_is_as_it_should_be(stripe: Stripe, client: httpx.AsyncClient) -> None:
    await sell(stripe)
    good = [*ALL_SOLD, ("ok", "The customer portal lets people change and end what they pay for.")]
    assert await told(stripe, client) == good


async def test_without_a_key_nothing_is_asked(stripe: Stripe, client: httpx.AsyncClient) -> None:
    assert await told(stripe, client, STRIPE_SECRET_KEY="") == [("note", "What Stripe sells was not looked at.")]


@pytest.mark.parametrize("base", ["http://stripe.example", "ftp://127.0.0.1", "127.0.0.1:80", "https://"])
async def test_the_key_is_sent_to_nobody_who_may_not_see_it(
    stripe: Stripe, client: httpx.AsyncClient, base: str
) -> None:
    ((level, text),) = await told(stripe, client, STRIPE_API_BASE=base)
    assert (level, text) == ("error", "STRIPE_API_BASE is no HTTPS address, so the key was not sent there.")


async def test_a_key_that_is_not_known(stripe: Stripe, client: httpx.AsyncClient) -> None:
    found = await stripe_account(client, {"STRIPE_SECRET_KEY": "sk_live_x", "STRIPE_API_BASE": stripe.base})
    assert [(each.level, each.text) for each in found] == [("error", "Stripe does not know STRIPE_SECRET_KEY.")]


async def test_prices_that_are_missing_or_others(stripe: Stripe, client: httpx.AsyncClient) -> None:
    missing = await told(stripe, client)
    assert missing[0] == ("error", "Stripe sells no price with the lookup key tripgate_pro.")
    await sell(stripe, unit_amount="100")
    others = await told(stripe, client)
    assert others[1] == (
        "warning",
        "Of tripgate_enterprise Stripe asks 100 eur a month, and plans says 4900 eur a month, in minor units.",
    )


UPDATE, CANCEL = "[subscription_update]", "[subscription_cancel]"


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        ({f"{UPDATE}[enabled]": "false"}, "nobody can switch plans."),
        ({f"{UPDATE}[default_allowed_updates][]": "quantity"}, "nobody can switch plans."),
        ({f"{UPDATE}[proration_behavior]": "none"}, "a larger plan is had before its difference is paid."),
        (
            {f"{UPDATE}[schedule_at_period_end][conditions]": ""},
            "a smaller plan begins at once, and what was paid is given back.",
        ),
        ({f"{CANCEL}[enabled]": "false"}, "nobody can cancel."),
        ({f"{CANCEL}[mode]": "immediately"}, "who cancels loses at once what is paid."),
        ({"[payment_method_update][enabled]": "false"}, "nobody can change the card."),
        ({"[invoice_history][enabled]": "false"}, "nobody can see invoices."),
    ],
)
async def test_a_portal_that_is_otherwise(
    stripe: Stripe, client: httpx.AsyncClient, features: dict[str, str], sentence: str
) -> None:
    await sell(stripe)
    await allow(stripe, features)
    assert await told(stripe, client) == [*ALL_SOLD, ("warning", f"In the customer portal {sentence}")]


async def test_a_plan_that_the_portal_does_not_offer(stripe: Stripe, client: httpx.AsyncClient) -> None:
    pro, enterprise = await sell(stripe)
    _, price, _ = await stripe.ask("GET", f"prices/{pro}")
    products: Any = f"{UPDATE}[products][0]"
    await allow(stripe, {f"{products}[product]": price["product"], f"{products}[prices][0]": pro})
    assert (await told(stripe, client))[2:] == [
        ("warning", f"In the customer portal nobody can choose {enterprise}."),
    ]

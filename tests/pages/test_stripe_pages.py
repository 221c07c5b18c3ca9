"""The pages of the fake of Stripe, in a real browser: used by keyboard, accessible, and on a phone."""

from collections.abc import AsyncIterator

import pytest

from tests.browser.axe import violations
from tests.browser.chromium import Chromium
from tests.browser.page import Page, browser_page
from tests.local.providers.conftest import Heard, house_of
from tests.local.providers.stripe.conftest import Stripe
from tripgate.local.providers.stripe.provider import STRIPE


@pytest.fixture(scope="module")
async def stripe() -> AsyncIterator[Stripe]:
    async with house_of([STRIPE]) as served:
        yield Stripe(served, Heard())


@pytest.fixture(scope="module")
async def page(browser: Chromium, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    async with browser_page(browser, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_somebody_pays_and_looks_at_it(page: Page, stripe: Stripe, scheme: str) -> None:
    await page.size(360, 740)
    await page.prefer(scheme)
    customer, price = await stripe.shop(unit_amount="123450", currency="jpy")
    await stripe.shop(unit_amount="200000", currency="jpy")
    portal = await stripe.made("billing_portal/sessions", {"customer": customer})
    session = await stripe.made(
        "checkout/sessions",
        {"mode": "subscription", "customer": customer, "line_items[0][price]": price, "success_url": portal["url"]},
    )
    await page.open(session["url"])
    assert "123450 JPY" in await page.text("main")
    assert await page.run("document.documentElement.scrollWidth <= innerWidth")
    assert await violations(page) == []
    await page.press("Tab")
    await page.press("Tab")
    await page.press("Enter")
    await page.until("document.querySelector('[role=alert]')?.innerText.includes('declined')")
    assert await violations(page) == []
    await page.press("Tab")
    await page.press("Enter")
    await page.until("document.querySelector('h2')?.innerText === '123450 JPY: active'")
    assert await page.run("document.documentElement.scrollWidth <= innerWidth")
    assert await violations(page) == []

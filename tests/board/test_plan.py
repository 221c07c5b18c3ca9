"""Plans in the board: what there is, what is left of it, and the way to Stripe's pages and back."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.board.people import Place, open_as, press
from tests.board.test_access import FITS, tab_to
from tests.browser.axe import violations
from tests.browser.page import Page
from tests.support import Person

LEFT = """JSON.stringify([...document.querySelectorAll('[aria-label="What is left"] > li')].map(
  (one) => [one.querySelector('h2').innerText, one.querySelector('p').innerText]))"""
FREE = ["$0.50 of $0.50", "100 MB of 100 MB", "20 of 20"]
PRO = ["$5.00 of $5.00", "10 GB of 10 GB", "500 of 500"]
LARGE = ["$50.00 of $50.00", "100 GB of 100 GB", "5,000 of 5,000"]

Control = Callable[..., Awaitable[str]]


@pytest.fixture
async def control(place: Place) -> Control:
    """What tests do to the fake of Stripe."""

    async def ask(path: str, body: Any, method: str = "POST") -> str:
        url = place.inbox.replace("/inbox", f"/providers/control/{path}")
        async with place.http.request(method, url, json=body, headers={"apikey": place.secret_key}) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.text()

    return ask


async def stands(page: Page, words: str) -> None:
    """Wait until it stands so with what somebody pays for."""
    await page.until(f"document.querySelector('main [role=status]')?.innerText.includes({words!r})")


async def left(page: Page, wanted: list[str]) -> None:
    """Wait until this is left of AI, storage and messages."""
    named = zip(("AI", "Storage", "WhatsApp messages"), wanted, strict=True)
    shown = json.dumps([[name, f"{amount} left"] for name, amount in named])
    await page.until(f"{LEFT} === JSON.stringify({shown})")


async def test_somebody_subscribes_changes_and_cancels(place: Place, page: Page, other: Page, control: Control) -> None:
    person = await place.person("Pia Novak")
    await open_as(page, place, person)
    await page.click_found("[...document.querySelectorAll('.bar a')].find((one) => one.innerText === 'Plan')")
    await page.until("document.title === 'Your plan · Tripgate board'")
    await stands(page, "You pay for nothing, and have what is free.")
    await left(page, FREE)
    # Another window sees all of it without a reload.
    await open_as(other, place, person, "plan")
    await left(other, FREE)

    await press(page, "Subscribe to Pro")
    await press(page, "Leave")
    await stands(page, "You pay for nothing")
    await press(page, "Subscribe to Pro")
    await press(page, "Pay")
    for each in (page, other):
        await stands(each, "You have Pro. It is renewed on ")
        await left(each, PRO)
    assert "If you have just paid" not in await page.text("main")

    await press(page, "Change to Enterprise")
    await press(page, "Change")
    await page.until("document.querySelector('h2')?.innerText === '49.00 EUR: active'")
    await press(page, "Back")
    for each in (page, other):
        await stands(each, "You have Enterprise.")
        await left(each, LARGE)
    assert (await page.text(".tiles > [aria-current=true]")).startswith("Enterprise is what you have")

    await press(page, "Change card, cancel, see invoices")
    await press(page, "Cancel at the end of the period")
    await page.until("document.querySelector('h2')?.innerText.endsWith('ends with its period')")
    await press(page, "Back")
    for each in (page, other):
        await stands(each, "Enterprise is cancelled. You have it until ")
        await left(each, LARGE)
    await control("clock", {"advanceSeconds": 32 * 86_400})
    for each in (page, other):
        await stands(each, "Enterprise is cancelled and over. You have what is free.")
        await left(each, FREE)


async def test_what_is_held_and_used_is_seen_at_once(place: Place, page: Page) -> None:
    person = await place.person("Sol Marin")
    await open_as(page, place, person, "plan")
    await left(page, FREE)

    async def service(function: str, **given: Any) -> None:
        url = place.inbox.replace("/inbox", f"/rest/v1/rpc/{function}")
        async with place.http.post(url, json={"key": "sol:1", **given}, headers={"apikey": place.secret_key}) as answer:
            assert answer.status == 200, await answer.text()

    me = (await person.ask("{ viewer { id } }"))["viewer"]["id"]
    await service("reserve_usage", person=me, metric="ai_cost", amount="0.2")
    await left(page, ["$0.30 of $0.50", *FREE[1:]])
    assert "$0.20 held for what is under way." in await page.text("main")
    await service("settle_usage", actual="0.1")
    await left(page, ["$0.40 of $0.50", *FREE[1:]])
    await page.until("!document.querySelector('main').innerText.includes('held for')")


async def test_a_renewal_that_fails_is_told(place: Place, page: Page, control: Control) -> None:
    person = await place.person("Quentin Roy")
    await open_as(page, place, person, "plan")
    await press(page, "Subscribe to Pro")
    await press(page, "Pay")
    await stands(page, "You have Pro.")
    customer = await person.ask("{ stripeCustomer { stripeCustomerId } }")
    await control("stripe/card", {"customer": customer["stripeCustomer"]["stripeCustomerId"], "declines": True})
    await control("clock", {"advanceSeconds": 32 * 86_400})
    await stands(page, "Pro is past due: a payment failed. Change the card by ")


async def test_while_stripe_is_away_it_is_said_and_nothing_is_lost(place: Place, page: Page, control: Control) -> None:
    await open_as(page, place, await place.person("Rosa Blum"), "plan")
    await left(page, FREE)
    await control("failures", {"provider": "stripe", "kind": "drop", "times": 100})
    await press(page, "Subscribe to Pro")
    await page.until("document.querySelector('main .problem').innerText.includes('Try again in a moment.')")
    await control("failures", None, "DELETE")
    await press(page, "Subscribe to Pro")
    await press(page, "Leave")
    await stands(page, "You pay for nothing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_by_keyboard_on_a_telephone_and_read_aloud(place: Place, ada: Person, page: Page, scheme: str) -> None:
    await page.prefer(scheme)
    await page.size(390, 844)
    await open_as(page, place, ada, "plan")
    await left(page, FREE)
    await page.until("document.querySelector('.tiles .main[aria-disabled=false]')")
    assert await violations(page) == []
    assert await page.run(FITS)
    await tab_to(page, "Subscribe to Enterprise")
    await page.press("Enter")
    await page.until("document.title === 'Pay, as if'")

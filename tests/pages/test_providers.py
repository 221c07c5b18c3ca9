"""The page of the faked services, in a real browser: live, by keyboard, on a phone, harmless whatever was sent."""

import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.browser.axe import violations
from tests.browser.chromium import Chromium
from tests.browser.page import Page, browser_page
from tests.local.providers.conftest import Served, house_of
from tests.local.providers.courier import COURIER, create
from tripgate.local.providers import page as page_module
from tripgate.local.providers.provider import Provider

SUMMARIES = "[...document.querySelectorAll('#entries summary')].map((each) => each.innerText)"
BODY = "document.querySelector('#entries pre:last-child').textContent"
OPEN = "[...document.querySelectorAll('#entries details')].map((each) => each.open)"
HOSTILE = "<img src=x onerror=alert(1)>\"'&<script>alert(2)</script>"


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Served]:
    pigeon = Provider("pigeon", f"Pigeons {HOSTILE}", create)
    async with house_of([COURIER, pigeon]) as served:
        yield served


@pytest.fixture(scope="module")
async def opened(browser: Chromium, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    async with browser_page(browser, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
async def page(opened: Page, served: Served) -> AsyncIterator[Page]:
    """The page, just opened on an empty ledger; it asks nobody else, and no script or style of it is refused."""
    await served.house.reset()
    await opened.size(1280, 900)
    await opened.prefer("light")
    await opened.open(f"{served.url}/providers")
    await opened.until("document.querySelector('#state')?.innerText === 'Live'")
    yield opened
    assert all(each.startswith(served.url) for each in opened.requests)
    assert opened.complaints == []


async def test_it_shows_what_is_sent_as_it_is_sent(page: Page, served: Served) -> None:
    assert await page.text("#none") == "Nothing yet."
    await served.ask("POST", "/letters", json={"to": "Ada", "hook": f"{served.url}/none"})
    await page.until("document.querySelectorAll('#entries > li').length === 1")
    await served.ask("GET", "/letters/nobody")
    await page.until("document.querySelectorAll('#entries > li').length === 2")
    newest, first = await page.run(SUMMARIES)
    assert "courier was asked GET /letters/nobody 404" in " ".join(newest.split())
    assert "courier was asked POST /letters 201" in " ".join(first.split())
    assert await page.run("document.querySelector('#none').checkVisibility()") is False
    assert await page.text("#state") == "Live"
    await served.control("POST", "clock", {"advanceSeconds": 86_400})
    await page.until("document.querySelectorAll('#entries > li').length === 3")
    assert "courier tells POST" in (await page.run(SUMMARIES))[0]
    await page.until("document.querySelector('#clock').innerText.endsWith('1 day, 0:00:00 ahead')")


async def test_an_entry_that_is_open_stays_so_while_it_ends(page: Page, served: Served) -> None:
    house = served.house
    entry = house.ledger.begin("courier", "asked", "POST", "/slow", (), b"a body", house.clock.now())
    await page.until("document.querySelectorAll('#entries > li').length === 1")
    await page.click("#entries summary")
    house.ledger.end(entry, "dropped", note="the client went away")
    await page.until("document.querySelector('#entries summary').innerText.includes('the client went away')")
    assert await page.run(OPEN) == [True]
    assert await page.text("#entries pre:last-child") == "a body"


async def test_it_is_used_by_keyboard(page: Page, served: Served) -> None:
    await served.ask("GET", "/letters/7")
    await page.until("document.querySelectorAll('#entries > li').length === 1")
    for _ in range(7):  # the clock's three buttons; all, and each of the two providers; then the entry
        await page.press("Tab")
    assert await page.run("document.activeElement.tagName") == "SUMMARY"
    await page.press("Enter")
    assert await page.run(OPEN) == [True]
    await page.press("Tab")
    assert await page.run("document.activeElement.tagName") == "PRE"


async def test_its_buttons_move_the_clock_on(page: Page, served: Served) -> None:
    await served.ask("POST", "/letters", json={"to": "Ada", "hook": f"{served.url}/none"})
    await page.press("Tab")
    await page.press("Tab")
    await page.press("Enter")
    await page.until("document.querySelector('#clock')?.innerText.endsWith('1 day, 0:00:00 ahead')")
    await page.until("document.querySelectorAll('#entries > li').length === 2")


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", None])
async def test_no_other_page_moves_it(served: Served, origin: str | None) -> None:
    await served.house.reset()
    headers = {"Origin": origin} if origin else {}
    url = f"{served.url}/providers/clock"
    async with served.http.post(url, data={"seconds": "3600"}, headers=headers) as answer:
        assert answer.status == 403
    async with served.http.post(url, data={"seconds": "9" * 20}, headers={"Origin": served.url}) as answer:
        assert answer.status == 400
    assert served.house.clock.ahead.total_seconds() == 0


async def test_one_provider_alone(page: Page, served: Served) -> None:
    await served.ask("GET", "/letters/7")
    async with served.http.get(f"{served.url}/providers/pigeon/letters/8"):
        pass
    await page.click("nav li:nth-child(3) a")
    await page.until(
        "location.search === '?provider=pigeon' && document.querySelectorAll('#entries > li').length === 1"
    )
    assert "/letters/8" in (await page.run(SUMMARIES))[0]
    assert await page.text("[aria-current]") == f"Pigeons {HOSTILE}"
    async with served.http.get(f"{served.url}/providers/pigeon/letters/9"):
        pass
    await served.ask("GET", "/letters/10")
    await page.until("document.querySelectorAll('#entries > li').length === 2")
    assert [each for each in await page.run(SUMMARIES) if "courier" in each] == []


async def test_what_was_sent_does_no_harm(page: Page, served: Served) -> None:
    url = f"{served.url}/providers/courier/{quote(HOSTILE, safe='')}"
    async with served.http.post(url, data=HOSTILE, headers={"X-Note": HOSTILE}):
        pass
    await page.until("document.querySelectorAll('#entries > li').length === 1")
    assert await page.run("document.querySelectorAll('#entries :is(img, script)').length") == 0
    assert await page.run(BODY) == HOSTILE
    await page.reload()
    assert await page.run("document.querySelectorAll('main :is(img, script)').length") == 0
    assert await page.run(BODY) == HOSTILE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_it_is_accessible_and_fits(page: Page, served: Served, width: int, scheme: str) -> None:
    await page.size(width, 800)
    await page.prefer(scheme)
    await served.ask("POST", "/letters/" + "x" * 300, data=json.dumps({"to": "y" * 5000}))
    await served.ask("GET", "/letters/1")
    await page.until("document.querySelectorAll('#entries > li').length === 2")
    await page.click("#entries li:last-child summary")
    assert await page.run("document.documentElement.scrollWidth <= innerWidth")
    assert await violations(page) == []


async def test_it_is_bounded(page: Page, served: Served) -> None:
    house = served.house
    for number in range(page_module.SHOWN + 50):
        house.ledger.begin("courier", "asked", "GET", f"/{number}", (), b"", house.clock.now())
    await page.until(f"document.querySelectorAll('#entries > li').length === {page_module.SHOWN}")
    house.ledger.begin("courier", "asked", "GET", "/last", (), b"", house.clock.now())
    await page.until("document.querySelector('#entries summary').innerText.includes('/last')")
    assert await page.run("document.querySelectorAll('#entries > li').length") == page_module.SHOWN
    await page.reload()
    assert await page.run("document.querySelectorAll('#entries > li').length") == page_module.SHOWN


async def test_it_notices_that_all_was_forgotten(page: Page, served: Served) -> None:
    await served.ask("GET", "/letters/1")
    await page.until("document.querySelectorAll('#entries > li').length === 1")
    await served.control("POST", "reset", status=204)
    await page.until("document.querySelectorAll('#entries > li').length === 0")
    assert await page.text("#none") == "Nothing yet."

"""The phones of the fake of WhatsApp, in a real browser: live, by keyboard, on a phone, harmless whatever was sent."""

from collections.abc import AsyncIterator

import pytest

from tests.browser.axe import violations
from tests.browser.chromium import Chromium
from tests.browser.page import Page, browser_page
from tests.local.providers.conftest import Heard, Served, house_of
from tests.local.providers.meta.conftest import ANNA, Meta, code, template, text
from tripgate.local.providers.meta.provider import META

HOSTILE = "<img src=x onerror=alert(1)>\"'&<script>alert(2)</script>"
TEXTS = "[...document.querySelectorAll('#list li p')].map((each) => each.textContent)"
ABOUT = "[...document.querySelectorAll('#list li small')].map((each) => each.textContent)"
FOCUSED = "document.activeElement.name || document.activeElement.innerText"


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Served]:
    async with house_of([META]) as served:
        yield served


@pytest.fixture(scope="module")
async def opened(browser: Chromium, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    async with browser_page(browser, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
async def meta(served: Served) -> Meta:
    await served.house.reset()
    return Meta(served, Heard())


@pytest.fixture
async def page(opened: Page, meta: Meta) -> AsyncIterator[Page]:
    """Anna's phone, just opened; it asks nobody else, and no script or style of it is refused."""
    await opened.size(360, 740)
    await opened.prefer("light")
    # Of the page of the test before, so that the new one is waited for.
    await opened.run("document.querySelector('#state')?.remove()")
    await opened.open(f"{meta.base}/phone?number=%2B{ANNA}")
    await opened.until("document.querySelector('#state')?.innerText === 'Live'")
    yield opened
    assert all(each.startswith(meta.served.url) for each in opened.requests)
    assert opened.complaints == []


async def test_a_code_is_read_as_it_comes(page: Page, meta: Meta) -> None:
    assert await page.run(TEXTS) == ["No messages yet."]
    await meta.sent(code("123456"))
    await page.until("document.querySelector('#list p')?.textContent.startsWith('123456 is your')")
    # Somebody looks at it, so the business is told that they did.
    await page.until("document.querySelector('#list small')?.textContent.includes('· read ·')")
    assert (await page.run(ABOUT))[0].endswith("· read · verification_code · authentication")
    assert (await meta.control("GET", f"phones/{ANNA}"))["messages"][0]["status"] == "read"


async def test_nobody_is_told_who_does_not_want_it(page: Page, meta: Meta) -> None:
    await page.click("#receipts")
    await meta.sent(template("trip_reminder", "Rome", "Pack"))
    await page.until("document.querySelector('#list small')?.textContent.includes('· delivered ·')")
    assert (await meta.control("GET", f"phones/{ANNA}"))["messages"][0]["status"] == "delivered"
    await page.click("#receipts")
    await page.until("document.querySelector('#list small')?.textContent.includes('· read ·')")


async def test_somebody_answers_by_keyboard_and_is_answered(page: Page, meta: Meta) -> None:
    reached = []
    for _ in range(2):
        await page.press("Tab")
        reached.append(await page.run(FOCUSED))
    assert reached == ["All phones", "text"]
    await page.write("Is it far?")
    await page.press("Enter")
    await page.until("document.querySelector('#list .wrote p')?.textContent === 'Is it far?'")
    await page.until("document.querySelector('[name=text]').value === ''")
    assert await page.run(FOCUSED) == "text"
    await meta.sent(text("Not at all"))
    await page.until(f"{TEXTS}.at(-1) === 'Not at all'")
    await page.write("wait")
    await page.press("Tab")
    await page.press("Tab")
    assert await page.run(FOCUSED) == "text"  # the button's
    assert await page.run("document.activeElement.innerText") == "STOP"
    await page.press("Enter")
    await page.until(f"{TEXTS}.at(-1) === 'STOP'")
    # What they had begun to write is still there.
    assert await page.run("document.querySelector('input[name=text]').value") == "wait"


async def test_nothing_is_sent_of_nothing(page: Page, meta: Meta) -> None:
    await page.click("form button")
    assert await page.run("document.querySelector('#reply').checkValidity()") is False
    form, headers = {"number": ANNA, "text": " "}, {"Origin": meta.served.url}
    async with meta.served.http.post(f"{meta.base}/phone/reply", data=form, headers=headers) as answer:
        assert (answer.status, await answer.json()) == (400, {"message": "A message has 1 to 4096 characters."})
    assert (await meta.control("GET", f"phones/{ANNA}"))["messages"] == []


async def test_what_was_written_does_no_harm(page: Page, meta: Meta) -> None:
    await meta.write(text=HOSTILE)
    await meta.sent(text(HOSTILE))
    await page.until("document.querySelectorAll('#list li').length === 2")
    assert await page.run(TEXTS) == [HOSTILE, HOSTILE]
    await page.reload()
    assert await page.run("document.querySelectorAll('main img').length") == 0


async def test_all_phones_are_listed_and_others_opened(page: Page, meta: Meta) -> None:
    await meta.control("POST", "phones", {"username": "ben.k", "name": HOSTILE}, 201)
    await page.click("header a")
    await page.until("document.querySelector('h1')?.innerText === 'Phones'")
    await page.until("document.querySelectorAll('#list a').length === 2")
    await meta.write("4915100000002")
    await page.until("document.querySelector('#list a')?.innerText === '+4915100000002'")
    assert await violations(page) == []
    await page.run("document.querySelector('[name=number]').focus()")
    await page.write("+49 151 0000 0003")
    await page.press("Enter")
    await page.until("document.querySelector('h1')?.innerText === '+4915100000003'")
    async with meta.served.http.get(f"{meta.base}/phone?number=12") as answer:
        assert answer.status == 400
        assert '<p role="alert">A number has 7 to 15 digits, its country first.</p>' in await answer.text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_is_accessible_and_fits(page: Page, meta: Meta, scheme: str) -> None:
    await page.prefer(scheme)
    await meta.write(text="x" * 500)
    await meta.sent(text("y" * 500))
    await page.until("document.querySelectorAll('#list li').length === 2")
    assert await page.run("document.documentElement.scrollWidth <= innerWidth")
    assert await violations(page) == []


async def test_what_it_asks_again_and_again_is_not_written_down(page: Page, meta: Meta) -> None:
    await meta.write()
    await page.until(f"{TEXTS}.at(-1) === 'Ciao'")
    assert [each["target"] for each in await meta.served.ledger()] == []


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", None])
@pytest.mark.parametrize("path", ["reply", "read"])
async def test_no_other_page_uses_it(meta: Meta, path: str, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    fields = {"number": ANNA, "text": "STOP"}
    async with meta.served.http.post(f"{meta.base}/phone/{path}", data=fields, headers=headers) as answer:
        assert (answer.status, await answer.json()) == (400, {"message": "A phone is used by its own page alone."})
    assert (await meta.control("GET", f"phones/{ANNA}"))["messages"] == []


async def test_it_works_without_its_script(meta: Meta) -> None:
    fields, headers = {"number": f"+{ANNA}", "text": "Ciao"}, {"Origin": meta.served.url}
    async with meta.served.http.post(f"{meta.base}/phone/reply", data=fields, headers=headers) as answer:
        assert answer.status == 200
        assert "Ciao" in await answer.text()


async def test_the_page_of_all_services_leads_to_it(meta: Meta) -> None:
    async with meta.served.http.get(f"{meta.served.url}/providers") as answer:
        assert '<a href="/providers/meta/phone">Phones</a>' in await answer.text()

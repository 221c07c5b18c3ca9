"""The start page at `/`, in a real browser: where it leads, what it copies, and what it never tells."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.browser.axe import violations
from tests.browser.chromium import Chromium
from tests.browser.page import Page, browser_page
from tests.pages.pages import gateway_of, loaded, save_picture
from tests.support import serving
from tripgate.gateway.settings import SettingsError
from tripgate.local.stack import StackInfo

DOCUMENTS = Path(__file__).parents[2] / "docs"
LINKS = "[...document.querySelectorAll('main a')].map((link) => link.href)"
BOXES = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture(scope="module")
async def opened(browser: Chromium, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """A browser for all tests, since the page keeps nothing."""
    async with browser_page(browser, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
async def page(opened: Page, url: str) -> AsyncIterator[Page]:
    """The start page, just opened; nothing foreign is asked and nothing fails."""
    await opened.size(1280, 1200)
    await opened.prefer("light")
    await opened.open(str(URL(url).with_path("/")))
    await opened.until("document.querySelector('#ready').innerText === 'Ready'")
    yield opened
    assert {URL(each).origin() for each in opened.requests} == {URL(url).origin()}
    assert opened.complaints == []


async def test_it_leads_to_all_that_there_is(
    page: Page, url: str, seeded: StackInfo, http: aiohttp.ClientSession
) -> None:
    sections = await page.run("[...document.querySelectorAll('h2')].map((head) => head.innerText)")
    assert sections == ["Open", "Demo accounts", "Documents", "What runs where", "Health and metrics", "Settings"]
    links = await page.run(LINKS)
    own = URL(url)
    for path in ("/graphql", "/schema.graphql", "/healthz", "/readyz", "/metrics"):
        assert str(own.with_path(path)) in links
    assert seeded.inbox_url in links
    assert seeded.providers_url in links
    for link in sorted({link for link in links if URL(link).origin() == own.origin()}):
        async with http.get(link, headers={"Accept": "text/html"}) as response:
            assert response.status == 200, link
    documents = [URL(link).name for link in links if "/docs/" in link]
    assert documents == sorted(path.name for path in DOCUMENTS.glob("*.md"))
    save_picture("start.png", await page.picture(), keep=False)


async def test_it_leads_to_the_board_where_that_is_served(
    variables: dict[str, str], tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "board-0123abcd.js").write_text("")
    (tmp_path / "index.html").write_text("<!doctype html><title>Board</title>")
    async with gateway_of({**variables, "TRIPGATE_BOARD_ASSETS": str(tmp_path)}) as url:
        async with http.get(URL(url).with_path("/")) as response:
            (link,) = re.findall(r'<a href="([^"]*)"><strong>Board<', await response.text())
        async with http.get(URL(url).join(URL(link)), headers={"Accept": "text/html"}) as response:
            assert "<title>Board" in await response.text()


async def test_documents_are_shown_as_they_are_written(url: str, http: aiohttp.ClientSession) -> None:
    async with http.get(URL(url).with_path("/docs/queries.md")) as response:
        assert response.content_type == "text/plain"
        assert await response.text() == (DOCUMENTS / "queries.md").read_text()
    async with http.get(URL(url).with_path("/schema.graphql")) as response:
        assert await response.text() == (DOCUMENTS.parent / "schema.graphql").read_text().removesuffix("\n")
    for name in ("../README.md", "..%2fREADME.md", "nothing.md", ""):
        async with http.get(URL(f"{URL(url).origin()}/docs/{name}", encoded=True)) as response:
            assert response.status == 404, name


async def test_addresses_and_passwords_are_copied_at_a_click(page: Page) -> None:
    await page.run("navigator.clipboard.writeText = async (text) => { globalThis.copied = text }")
    for what, text in (("address", "ada@tripgate.example"), ("password", "tripgate-demo")):
        await page.click(f"button[aria-label='Copy {what}']")
        assert await page.value("globalThis.copied") == text
        assert await page.text("#said") == f"Copy {what}: copied"


async def test_all_of_it_is_reached_by_keyboard(page: Page) -> None:
    reached = set()
    links = await page.run("document.querySelectorAll('main a, main button').length")
    for _ in range(links):
        await page.press("Tab")
        reached.add(await page.run("document.activeElement.href ?? document.activeElement.dataset.copy"))
    assert {"ada@tripgate.example", "tripgate-demo"} <= reached
    assert set(await page.run(LINKS)) <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_breaks_no_rule_of_accessibility(page: Page, scheme: str) -> None:
    await page.prefer(scheme)
    assert await violations(page) == []


async def test_it_fits_a_phone_and_is_dark_where_the_system_is(page: Page) -> None:
    await page.size(390, 844)
    assert await page.run(BOXES)
    save_picture("start-phone.png", await page.picture(), keep=False)
    light = await page.run("getComputedStyle(document.body).backgroundColor")
    await page.prefer("dark")
    await page.until(f"getComputedStyle(document.body).backgroundColor !== '{light}'")
    save_picture("start-phone-dark.png", await page.picture(), keep=False)


async def test_a_gateway_that_is_not_ready_says_what_is_wrong(page: Page) -> None:
    answer = "{ok: false, json: async () => ({status: 'unavailable', checks: {rest: 'unreachable', auth: 'ok'}})}"
    await page.run(f"globalThis.fetch = async () => ({answer})")
    await page.until("document.querySelector('#ready.wrong')?.innerText === 'rest: unreachable'")


async def test_settings_that_are_set_are_shown_and_no_secret_is(
    variables: dict[str, str], seeded: StackInfo, http: aiohttp.ClientSession
) -> None:
    given = {
        **variables,
        "TRIPGATE_MAX_PAGE_SIZE": "77",
        "TRIPGATE_LOG_PERSON_KEY": "a key that nobody else knows",
        "TRIPGATE_CORS_ORIGINS": "https://<b>.example",
    }
    async with gateway_of(given) as url, http.get(URL(url).with_path("/")) as response:
        text = await response.text()
    rows = dict(re.findall(r'<th scope="row"><code>(\w+)</code></th><td>(.*?)</td>', text))
    assert rows["TRIPGATE_MAX_PAGE_SIZE"] == "<code>77</code>"
    assert rows["TRIPGATE_MAX_COST"] == '<code>10000</code> <span class="faint">(by default)</span>'
    assert rows["TRIPGATE_INTROSPECTION"] == '<code>True</code> <span class="faint">(by default)</span>'
    assert rows["TRIPGATE_LOG_PERSON_KEY"] == "<code>set, and secret</code>"
    assert "https://&lt;b&gt;.example" in rows["TRIPGATE_CORS_ORIGINS"]
    for secret in ("nobody else knows", seeded.secret_key, seeded.db_url):
        assert secret not in text


async def test_it_is_as_strict_as_other_pages(url: str, http: aiohttp.ClientSession) -> None:
    async with http.get(URL(url).with_path("/")) as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy


async def test_in_production_there_is_none_unless_graphiql_is_on_and_then_it_tells_nothing(
    seeded: StackInfo, assets: Path, http: aiohttp.ClientSession
) -> None:
    async with serving(seeded) as url:
        for path in ("/", "/docs/queries.md", "/schema.graphql"):
            async with http.get(URL(url).with_path(path)) as response:
                assert response.status == 404, path
    async with serving(seeded, graphiql_assets=assets) as url:
        async with http.get(URL(url).with_path("/")) as response:
            text = await response.text()
        async with http.get(URL(url).with_path("/schema.graphql")) as response:
            assert response.status == 404, "introspection is off"
    assert re.findall(r"<h2[^>]*>([^<]*)", text) == ["Open", "Health and metrics"]
    assert re.findall(r'<a href="([^"]*)', text) == ["/graphql", "/healthz", "/readyz", "/metrics"]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TRIPGATE_DEVELOPMENT", "false", "TRIPGATE_DEVELOPMENT_SERVICES shows every visitor what runs where"),
        ("TRIPGATE_DEVELOPMENT_SERVICES", "Inbox", "write each as name=address, with commas between them"),
    ],
)
def test_settings_that_do_not_fit_stop_the_start(
    variables: dict[str, str], variable: str, value: str, said: str
) -> None:
    given = {name: text for name, text in variables.items() if name != "TRIPGATE_GRAPHIQL_DEMO_ACCOUNTS"}
    with pytest.raises(SettingsError, match=re.escape(said)):
        loaded({**given, variable: value})
